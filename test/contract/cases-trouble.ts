// Connections that break, a network that goes away and comes back, and the end: nothing left open.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { RetryableError, UnknownOutcomeError } from '#bridge-core';
import { toPlain } from '../../bridge-core/format/to-html.ts';
import { until } from '../support/waiting.ts';
import { botUp, event, eventsOf, failure, heardUpTo, nickOf, say, sessionOf, speaker, textsHeard } from './stage.ts';
import type { Case, Stage } from './subject.ts';

/** The bot is back in the place. */
async function botBack(stage: Stage): Promise<void> {
  await botUp(stage);
  await until('the bot in the place', () => {
    const bot = stage.adapter.openSession({ as: 'bot' }, stage.channel);
    return (bot !== undefined && stage.members().includes(nickOf(stage, bot))) || undefined;
  });
}

export const troubleCases: readonly Case[] = [
  {
    name: 'the connection of the bot is told',
    async run({ make }) {
      const stage = await make();
      const states = () => stage.connections.filter(({ speaker: who }) => who.as === 'bot').map(({ state }) => state);
      assert.equal(states().at(-1), 'up');
      await stage.down();
      await until('down', () => states().at(-1) !== 'up' || undefined);
      assert.notEqual(stage.adapter.status()[0]?.state, 'up');
      await stage.up();
      await until('up again', () => states().at(-1) === 'up' || undefined);
    },
  },
  {
    name: 'cut before it arrived, nobody can say whether it did; cut after it, that or the proof',
    async run({ make }) {
      for (const arrived of [true, false]) {
        const stage = await make();
        stage.person('zoe');
        const ann = await sessionOf(stage, 'ann');
        stage.cutNext(arrived);
        // Another of our sessions may have heard it: that proves it.
        const outcome = await say(stage, ann, 'did it?').catch((thrown) => thrown);
        assert.ok(outcome instanceof UnknownOutcomeError || (arrived && Array.isArray(outcome)), String(outcome));
        await until('whatever becomes of it', () => !arrived || stage.said().some(({ text }) => text === 'did it?') || undefined);
        // The loss may be noticed only by the next that is said.
        await until('words of ann again', async () => say(stage, await sessionOf(stage, 'ann'), 'and on'));
        assert.equal(stage.said().at(-1)?.text, 'and on');
      }
    },
  },
  {
    name: 'while the network is away all can be tried again later, and works once it is back',
    async run({ make }) {
      const stage = await make();
      const ann = await sessionOf(stage, 'ann');
      await stage.down();
      await until('the loss to be known', () => stage.adapter.status()[0]?.state !== 'up' || undefined);
      // That one connection is lost says nothing yet of the rest of the network.
      const opening = () => stage.adapter.session(speaker('bob'), stage.channel);
      const refused = until('no session any more', () =>
        opening().then(
          () => undefined,
          (thrown) => thrown,
        ),
      );
      for (const error of await Promise.all([refused, failure(say(stage, ann, 'into the void'))]))
        assert.ok(error instanceof RetryableError, `${error.name} ${error.code}`);
      await stage.up();
      await botBack(stage);
      stage.person('zoe');
      const again = await until('ann again', () => sessionOf(stage, 'ann'));
      await say(stage, again, 'back');
      assert.ok(stage.said().some(({ text }) => text === 'back'));
      assert.ok(!stage.said().some(({ text }) => text === 'into the void'));
    },
  },
  {
    name: 'what was said while nobody of ours listened is reported once, or told to be missing',
    async run({ make }) {
      const stage = await make();
      const zoe = stage.person('zoe');
      zoe.say('before');
      await heardUpTo(stage, 'zoe: before');
      await delay(20);
      await stage.down();
      await delay(20);
      const from = Date.now();
      for (const line of ['missed 1', 'missed 2', 'missed 2']) zoe.say(line);
      const to = Date.now();
      await delay(20);
      await stage.up();
      await botBack(stage);
      zoe.say('after');
      const heard = await heardUpTo(stage, 'zoe: after');
      if (heard.includes('zoe: missed 1')) {
        assert.deepEqual(
          heard,
          ['before', 'missed 1', 'missed 2', 'missed 2', 'after'].map((line) => `zoe: ${line}`),
        );
        assert.equal(eventsOf(stage, 'gap').length, 0);
      } else {
        const gap = await event(stage, 'gap');
        assert.ok(gap.from <= from && gap.to >= to, `${gap.from - from} ${gap.to - to}`);
        assert.equal(eventsOf(stage, 'gap').length, 1);
        assert.deepEqual(heard, ['zoe: before', 'zoe: after']);
      }
    },
  },
  {
    name: 'history',
    async run({ make, skip }) {
      const stage = await make();
      const { history } = stage.adapter;
      const zoe = stage.person('zoe');
      const first = zoe.say('one');
      for (const line of ['two', 'three']) zoe.say(line);
      await heardUpTo(stage, 'zoe: three');
      const read = async (since: never) => {
        const texts: string[] = [];
        for await (const each of stage.adapter.history?.(stage.channel, since) ?? [])
          if (each.kind === 'message')
            texts.push(typeof each.body === 'string' ? each.body : toPlain(stage.adapter.formatter.parse(each.body, stage.channel)));
        return texts;
      };
      const started = eventsOf(stage, 'message')[0]?.at ?? 0;
      if (history === undefined || (await read((started - 60_000) as never).catch(() => [])).length === 0) return skip('no history');
      assert.deepEqual(await read(first as never), ['two', 'three']);
      assert.deepEqual(await read((started - 60_000) as never), ['one', 'two', 'three']);
    },
  },
  {
    name: 'disconnecting leaves nothing open and tells of no more',
    async run({ make }) {
      const stage = await make();
      const zoe = stage.person('zoe');
      const ann = await sessionOf(stage, 'ann');
      await sessionOf(stage, 'bob');
      await stage.adapter.disconnect();
      await stage.adapter.disconnect();
      await until('all connections to end', () => stage.openConnections() === 0 || undefined);
      zoe.say('anybody?');
      await delay(50);
      assert.ok(!textsHeard(stage).includes('zoe: anybody?'));
      await failure(stage.adapter.session(speaker('cid'), stage.channel));
      await failure(say(stage, ann, 'too late'));
      assert.equal(stage.openConnections(), 0);
    },
  },
  {
    name: 'disconnecting in the middle of connecting and speaking ends too',
    async run({ make }) {
      const stage = await make();
      const ann = await sessionOf(stage, 'ann');
      const saying = say(stage, ann, 'the last').catch(() => undefined);
      const opening = stage.adapter.session(speaker('bob'), stage.channel).catch(() => undefined);
      await stage.adapter.disconnect();
      await Promise.all([saying, opening]);
      await until('all connections to end', () => stage.openConnections() === 0 || undefined);
    },
  },
];
