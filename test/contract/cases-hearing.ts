// What natives do: reported once, in order, whoever of ours hears it; what our own sessions say is not.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { toPlain } from '../../bridge-core/format/to-html.ts';
import { until } from '../support/waiting.ts';
import { event, eventsOf, heardUpTo, nickOf, say, sessionOf, stylesOf, textsHeard } from './stage.ts';
import type { Case } from './subject.ts';

export const hearingCases: readonly Case[] = [
  {
    name: 'a line is reported once, however many of our sessions hear it',
    async run({ make }) {
      const stage = await make();
      const zoe = stage.person('zoe');
      for (const name of ['ann', 'bob', 'cid']) await sessionOf(stage, name);
      const lines = Array.from({ length: 30 }, (_, n) => (n % 4 === 0 ? 'the same words' : `line ${n}`));
      for (const line of lines) zoe.say(line);
      zoe.say('end');
      assert.deepEqual(
        await heardUpTo(stage, 'zoe: end'),
        [...lines, 'end'].map((line) => `zoe: ${line}`),
      );
      await delay(100);
      assert.equal(textsHeard(stage).length, lines.length + 1);
    },
  },
  {
    name: 'what our own sessions say is not reported',
    async run({ make }) {
      const stage = await make();
      const zoe = stage.person('zoe');
      const ann = await sessionOf(stage, 'ann');
      await say(stage, ann, 'from ann');
      await say(stage, await sessionOf(stage, { as: 'bot' }), 'from the bot');
      await say(stage, ann, 'from ann again');
      zoe.say('end');
      assert.deepEqual(await heardUpTo(stage, 'zoe: end'), ['zoe: end']);
    },
  },
  {
    name: 'several people are heard in the order of their words',
    async run({ make }) {
      const stage = await make();
      await sessionOf(stage, 'ann');
      const people = ['zoe', 'yan', 'xia'].map((nick) => stage.person(nick));
      const said: string[] = [];
      for (let n = 0; n < 40; n += 1) {
        const person = people[n % 3];
        person?.say(`line ${n}`);
        said.push(`${person?.nick}: line ${n}`);
      }
      assert.deepEqual(await heardUpTo(stage, said.at(-1) ?? ''), said);
    },
  },
  {
    name: 'a report says who, where, when and in which style',
    async run({ make }) {
      const stage = await make();
      const zoe = stage.person('zoe');
      const styles = stylesOf(stage);
      for (const style of styles) zoe.say(`a ${style}`, style);
      await heardUpTo(stage, `zoe: a ${styles.at(-1)}`);
      assert.deepEqual(
        eventsOf(stage, 'message').map(({ style }) => style),
        styles,
      );
      for (const { sender, channel, at } of eventsOf(stage, 'message')) {
        assert.equal(channel, stage.channel);
        assert.equal(sender.name, 'zoe');
        assert.ok(
          Object.values(sender.fields).some((field) => field.endsWith('zoe')),
          'the fields fill the name templates',
        );
        assert.ok(Math.abs(Date.now() - at) < 60_000);
        assert.deepEqual(JSON.parse(JSON.stringify(sender)), sender, 'plain data');
      }
    },
  },
  {
    name: 'coming, going, another name and a new topic are each reported once',
    async run({ make }) {
      const stage = await make();
      for (const name of ['ann', 'bob']) await sessionOf(stage, name);
      const zoe = stage.person('zoe');
      await event(stage, 'membership', ({ change, user }) => change === 'join' && user.name === 'zoe');
      zoe.setTopic('news');
      // Before the next: another connection of ours, which does not hear the place, may tell the new name first.
      const { by } = await event(stage, 'channel', ({ topic }) => topic === 'news');
      if (stage.lacks?.has('who set a topic') !== true) assert.equal(by?.name, 'zoe');
      zoe.rename('zoey');
      const { was, user } = await event(stage, 'profile', ({ user: now }) => now.name === 'zoey');
      assert.equal(was.name, 'zoe');
      assert.equal(user.name, 'zoey');
      zoe.leave();
      await event(stage, 'membership', ({ change, user: who }) => change === 'leave' && who.name === 'zoey');
      await delay(100);
      const changes = eventsOf(stage, 'membership').filter(({ user: who }) => who.name.startsWith('zoe'));
      assert.deepEqual(
        changes.map(({ change }) => change),
        ['join', 'leave'],
      );
      assert.equal(eventsOf(stage, 'profile').filter(({ user: now }) => now.name === 'zoey').length, 1);
      assert.equal(eventsOf(stage, 'channel').filter(({ topic }) => topic === 'news').length, 1);
    },
  },
  {
    name: 'who is put out is reported with the actor and the reason',
    async run({ make, skip }) {
      const stage = await make();
      if (stage.lacks?.has('kicks')) return skip('nobody is told');
      const op = stage.person('op');
      stage.person('zoe');
      op.kick('zoe', 'enough of this');
      const kick = await event(stage, 'membership', ({ change, user }) => change === 'kick' && user.name === 'zoe');
      assert.equal(kick.by?.name, 'op');
      assert.equal(kick.reason, 'enough of this');
    },
  },
  {
    name: 'a session of ours that is put out is reported as well',
    async run({ make, skip }) {
      const stage = await make();
      if (stage.lacks?.has('kicks')) return skip('nobody is told');
      const op = stage.person('op');
      const ann = await sessionOf(stage, 'ann');
      op.kick(nickOf(stage, ann), 'out');
      await event(stage, 'membership', ({ change, user }) => change === 'kick' && user.id === ann.self);
    },
  },
  {
    name: 'threads heard',
    async run({ make, skip }) {
      const stage = await make();
      const zoe = stage.person('zoe');
      const root = zoe.say('who is in?');
      if (zoe.saysIn === undefined || root === undefined || !stage.adapter.capabilities(stage.channel).messageIds)
        return skip('no threads');
      zoe.saysIn(root, 'in the thread', false);
      zoe.saysIn(root, 'and outside', true);
      zoe.say('end');
      await heardUpTo(stage, 'zoe: end');
      const [began, within, both] = eventsOf(stage, 'message');
      assert.equal(began?.thread, undefined);
      assert.deepEqual([within?.thread, within?.isBroadcast ?? false], [began?.id, false]);
      assert.deepEqual([both?.thread, both?.isBroadcast ?? false], [began?.id, stage.lacks?.has('broadcasts') !== true]);
    },
  },
  {
    name: 'files heard',
    async run({ make, skip }) {
      const stage = await make();
      const zoe = stage.person('zoe');
      if (zoe.share === undefined || stage.adapter.open === undefined) return skip('no files');
      zoe.share({ name: 'notes.txt', words: 'what is in it' }, 'have a look');
      const { files, body } = await event(stage, 'message', (each) => each.files !== undefined);
      const [file, ...others] = files ?? [];
      assert.deepEqual(others, []);
      assert.equal(file?.name, 'notes.txt');
      assert.equal(toPlain(stage.adapter.formatter.parse(body, stage.channel)), 'have a look');
      assert.deepEqual(JSON.parse(JSON.stringify(file)), file, 'plain data');
      assert.ok(file);
      assert.equal(await new Response(await stage.adapter.open(file)).text(), 'what is in it');
      await delay(100);
      assert.equal(eventsOf(stage, 'message').length, 1);
    },
  },
  {
    name: 'pins heard',
    async run({ make, skip }) {
      const stage = await make();
      const zoe = stage.person('zoe');
      const id = zoe.say('worth keeping');
      if (zoe.pin === undefined || id === undefined || !stage.adapter.capabilities(stage.channel).messageIds) return skip('no pins');
      await heardUpTo(stage, 'zoe: worth keeping');
      zoe.pin(id, true);
      const pinned = await event(stage, 'pin', ({ on }) => on);
      zoe.pin(id, false);
      const unpinned = await event(stage, 'pin', ({ on }) => !on);
      const [message] = eventsOf(stage, 'message');
      assert.deepEqual([pinned.target, unpinned.target], [message?.id, message?.id]);
    },
  },
  {
    name: 'another name, the end and the return of the place',
    async run({ make, skip }) {
      const stage = await make();
      const zoe = stage.person('zoe');
      if (zoe.call === undefined || zoe.archive === undefined) return skip('no such thing');
      zoe.call('renamed');
      await event(stage, 'channel', ({ name }) => name?.replace('#', '') === 'renamed');
      zoe.archive(true);
      await event(stage, 'channel', ({ archived }) => archived === true);
      zoe.archive(false);
      await event(stage, 'channel', ({ archived }) => archived === false);
    },
  },
  {
    name: 'what nobody watches is not reported',
    async run({ make }) {
      const stage = await make();
      const zoe = stage.person('zoe');
      zoe.say('watched');
      await heardUpTo(stage, 'zoe: watched');
      await stage.adapter.unwatch(stage.channel);
      await stage.adapter.unwatch(stage.channel);
      await until('nobody to listen', () => stage.isListenedTo?.() !== true || undefined);
      zoe.say('between');
      const said = Date.now();
      await stage.told?.('between');
      // What is said in the very moment in which listening begins may be heard.
      await until('a later moment', () => Date.now() > said);
      await stage.adapter.watch(stage.channel);
      await stage.adapter.watch(stage.channel);
      await until('somebody of ours', () => {
        zoe.say('watched again');
        return textsHeard(stage).includes('zoe: watched again') || undefined;
      });
      assert.ok(!textsHeard(stage).includes('zoe: between'));
    },
  },
];
