// Channels that people are in by their own accounts, which alone listen there for rooms that are theirs.

import assert from 'node:assert/strict';
import { userId } from '#bridge-core';
import { until } from '../support/waiting.ts';
import { heardUpTo, sessionOf, textsHeard } from './stage.ts';
import type { Case } from './subject.ts';

const [ann, bob] = [userId('@ann:hs.test'), userId('@bob:hs.test')];

export const ownChannelCases: readonly Case[] = [
  {
    name: 'channels of one’s own',
    async run({ make, skip }) {
      const stage = await make();
      const { adapter, channel } = stage;
      const { channels } = adapter;
      if (channels.of === undefined || channels.isIn === undefined) return skip('no Channels.of');
      const zoe = stage.person('zoe');
      await stage.logIn?.('ann');
      const session = await sessionOf(stage, 'ann');
      assert.equal(channels.isIn(channel, ann), true);
      const ids: string[] = [];
      for await (const { id } of channels.of(ann)) ids.push(id);
      assert.ok(ids.includes(channel));
      assert.notEqual(channels.isIn(channel, userId('@stranger:hs.test')), true);

      await adapter.unwatch(channel);
      await adapter.watch(channel, ann);
      zoe.say('to Ann alone');
      await heardUpTo(stage, 'zoe: to Ann alone');
      await stage.logIn?.('bob');
      await sessionOf(stage, 'bob');
      await adapter.watch(channel, bob);
      zoe.say('to both');
      zoe.say('and no more');
      const heard = await heardUpTo(stage, 'zoe: and no more');
      assert.equal(heard.filter((line) => line === 'zoe: to both').length, 1, 'what two of ours hear is reported once');

      await session.leave(channel);
      await until('Ann to be out', () => channels.isIn?.(channel, ann) === false || undefined);
      assert.equal(channels.isIn(channel, bob), true);
      await adapter.unwatch(channel, ann);
      zoe.say('to Bob alone');
      await heardUpTo(stage, 'zoe: to Bob alone');
      await adapter.unwatch(channel, bob);
      zoe.say('to nobody');
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.ok(!textsHeard(stage).includes('zoe: to nobody'));
    },
  },
];
