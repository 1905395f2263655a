// Private chats of people who are logged in, and what stands for a place outside: the fields of its alias.

import assert from 'node:assert/strict';
import { userId } from '#bridge-core';
import { event, failure } from './stage.ts';
import type { Case } from './subject.ts';

const ann = userId('@ann:hs.test');

export const chatCases: readonly Case[] = [
  {
    name: 'private chats',
    async run({ make, skip }) {
      const stage = await make();
      const { adapter } = stage;
      if (adapter.openDirect === undefined || adapter.channels.chat === undefined) return skip('no openDirect');
      await stage.logIn?.('ann');
      stage.person('zoe').say('hello');
      const { sender: zoe } = await event(stage, 'message');
      const refused = await failure(adapter.openDirect(userId('@stranger:hs.test'), [zoe.id]));
      assert.equal(refused.code, 'NETWORK_LOGIN');
      const chat = await adapter.openDirect(ann, [zoe.id]);
      assert.equal(await adapter.openDirect(ann, [zoe.id]), chat, 'there is one of the two');
      assert.deepEqual(adapter.channels.chat(chat), { kind: 'direct', people: [ann] });
      assert.equal(adapter.channels.describe(chat).kind, 'direct');
      assert.equal(await adapter.channels.resolve(chat, userId('@stranger:hs.test')), undefined, 'it is nothing to others');
      const others: string[] = [];
      for await (const { id } of adapter.channels.members(chat)) if (adapter.speakerOf(id) === undefined) others.push(id);
      assert.deepEqual(others, [zoe.id]);
      assert.equal(adapter.channels.chat(stage.channel), undefined, 'a place is no chat');
    },
  },
  {
    name: 'the fields of an alias mean the place, whoever writes them',
    async run({ make, skip }) {
      const { adapter, channel } = await make();
      const { lookups } = adapter;
      if (lookups === undefined) return skip('no lookups');
      const { network } = adapter.channels.describe(channel);
      const fields = lookups.fieldsOf?.(channel) ?? { network: network.id, channel: channel.slice(channel.indexOf('/') + 1) };
      assert.equal(lookups.channel(fields)?.id, channel);
      assert.ok(lookups.networks().some(({ id }) => id === network.id));
    },
  },
];
