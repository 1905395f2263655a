// Channels, people and sessions: found, described, listed; one session a speaker.

import assert from 'node:assert/strict';
import { DeniedError, PermanentError, type RemoteUserId, roomId, userId } from '#bridge-core';
import { until } from '../support/waiting.ts';
import { event, failure, nickOf, saidBy, say, sessionOf, speaker } from './stage.ts';
import type { Case } from './subject.ts';

export const placeCases: readonly Case[] = [
  {
    name: 'a place is found by what people write and by its id, and described at once',
    async run({ make }) {
      const { adapter, channel, place } = await make();
      const found = await adapter.channels.resolve(place);
      assert.equal(found?.id, channel);
      assert.equal((await adapter.channels.resolve(channel))?.id, channel);
      const described = adapter.channels.describe(channel);
      assert.equal(described.id, channel);
      assert.equal(described.name, found?.name);
      assert.ok(described.network.id !== '' && described.network.domain !== '');
    },
  },
  {
    name: 'what no place could be called is none',
    async run({ make }) {
      const { adapter, impossiblePlace } = await make();
      for (const query of [impossiblePlace, '', ' ', '\u0000', 'x'.repeat(5_000), '#a b c d'])
        assert.equal(await adapter.channels.resolve(query), undefined, JSON.stringify(query.slice(0, 20)));
    },
  },
  {
    name: 'the list has the place',
    async run({ make }) {
      const stage = await make();
      stage.person('zoe').say('here');
      const ids: string[] = [];
      for await (const each of stage.adapter.channels.list()) ids.push(each.id);
      assert.ok(ids.includes(stage.channel));
    },
  },
  {
    name: 'members are all natives; whoever of ours is among them is known as ours',
    async run({ make }) {
      const stage = await make();
      for (const nick of ['zoe', 'yan']) stage.person(nick);
      const ours = [await sessionOf(stage, 'ann'), await sessionOf(stage, { as: 'bot' })].map((session) => nickOf(stage, session));
      const members = async () => {
        const nicks: string[] = [];
        for await (const { id } of stage.adapter.channels.members(stage.channel)) {
          if (stage.adapter.speakerOf(id) === undefined) nicks.push(stage.nickOf(id));
        }
        return nicks;
      };
      const natives = await until('both natives', async () => {
        const nicks = await members();
        return ['zoe', 'yan'].every((nick) => nicks.includes(nick)) ? nicks : undefined;
      });
      assert.deepEqual([...natives, ...ours].toSorted(), stage.members().toSorted());
    },
  },
  {
    name: 'a person is known or not',
    async run({ make }) {
      const stage = await make();
      stage.person('zoe').say('hello');
      const id = (
        (await until('the line', () => stage.events.find((event) => event.kind === 'message'))) as { sender: { id: RemoteUserId } }
      ).sender.id;
      const user = await stage.adapter.user(id);
      assert.equal(user?.id, id);
      assert.equal(user?.name, 'zoe');
      assert.equal(await stage.adapter.user(id.replace(/zoe/i, 'NOBODYATALL') as RemoteUserId), undefined);
    },
  },
  {
    name: 'one session a speaker, however often and at once it is asked for',
    async run({ make }) {
      const { adapter, channel } = await make();
      assert.equal(adapter.openSession(speaker('ann'), channel), undefined);
      const asked = await Promise.all([adapter.session(speaker('ann'), channel), adapter.session(speaker('ann'), channel)]);
      assert.equal(asked[0], asked[1]);
      assert.equal(await adapter.session(speaker('ann'), channel), asked[0]);
      assert.equal(adapter.openSession(speaker('ann'), channel), asked[0]);
      const bob = await adapter.session(speaker('bob'), channel);
      assert.notEqual(bob.self, asked[0].self);
      assert.deepEqual(asked[0].speaker.as === 'user' && asked[0].speaker.user, '@ann:hs.test');
    },
  },
  {
    name: 'a session tells whose it is, and a native is nobody’s',
    async run({ make }) {
      const stage = await make();
      stage.person('zoe').say('hello');
      const zoe = (await event(stage, 'message')).sender.id;
      const ann = await sessionOf(stage, 'ann');
      const bot = await sessionOf(stage, { as: 'bot' });
      const whose = stage.adapter.speakerOf(ann.self);
      assert.equal(whose?.as === 'user' && whose.user, '@ann:hs.test');
      assert.equal(stage.adapter.speakerOf(bot.self)?.as, 'bot');
      assert.equal(stage.adapter.speakerOf(zoe), undefined);
    },
  },
  {
    name: 'a closed session is forgotten, and the next is a new one',
    async run({ make }) {
      const stage = await make();
      const ann = await sessionOf(stage, 'ann');
      await ann.close('enough');
      await until('it to be gone', () => stage.adapter.openSession(speaker('ann'), stage.channel) === undefined || undefined);
      // Whose own account it is stays where they are.
      if (stage.adapter.capabilities(stage.channel).puppets === 'automatic')
        await until('it to leave', () => !stage.members().includes(nickOf(stage, ann)) || undefined);
      const again = await sessionOf(stage, 'ann');
      await say(stage, again, 'back');
      assert.ok(stage.said().some(({ text }) => text === 'back'));
    },
  },
  {
    name: 'beyond the limit the bot is to speak',
    async run({ make }) {
      const stage = await make({ maxPuppets: 1 });
      await sessionOf(stage, 'ann');
      const error = await failure(stage.adapter.session(speaker('bob'), stage.channel));
      assert.ok(error instanceof PermanentError || error.code === 'SESSION_LIMIT', error.code);
      await sessionOf(stage, 'ann');
    },
  },
  {
    name: 'joining and leaving twice is no different from once',
    async run({ make }) {
      const stage = await make();
      const ann = await stage.adapter.session(speaker('ann'), stage.channel);
      await ann.leave(stage.channel);
      await Promise.all([ann.join(stage.channel), ann.join(stage.channel)]);
      await ann.join(stage.channel);
      await until('ann to be there', () => stage.members().includes(nickOf(stage, ann)) || undefined);
      await ann.leave(stage.channel, 'bye');
      await ann.leave(stage.channel);
      await until('ann to be gone', () => !stage.members().includes(nickOf(stage, ann)) || undefined);
      await say(stage, ann, 'and back by speaking');
      assert.deepEqual(saidBy(stage, ann), ['and back by speaking']);
    },
  },
  {
    name: 'a place that is closed says so for good',
    async run({ make }) {
      const stage = await make();
      const closed = await stage.adapter.channels.resolve(stage.closedPlace);
      assert.ok(closed);
      const ann = await stage.adapter.session(speaker('ann'), closed.id);
      const error = await failure(ann.join(closed.id));
      assert.ok(error instanceof PermanentError, error.code);
      assert.equal(error.code, 'CHANNEL_CLOSED');
    },
  },
  {
    name: 'another name is given on the wish of its person',
    async run({ make, skip }) {
      const stage = await make();
      if (stage.adapter.nick === undefined) return skip('no nick');
      const ann = await sessionOf(stage, 'ann');
      const given = await stage.adapter.nick('@ann:hs.test' as never, stage.channel, 'annette');
      await until('the new name', () => stage.members().includes(given) || undefined);
      const now = await sessionOf(stage, 'ann');
      assert.equal(nickOf(stage, now), given);
      const whose = stage.adapter.speakerOf(now.self);
      assert.equal(whose?.as === 'user' && whose.user, '@ann:hs.test');
      assert.ok(ann.self === now.self || stage.adapter.openSession(speaker('ann'), stage.channel) === now);
    },
  },
  {
    name: 'names in a text',
    async run({ make, skip }) {
      const stage = await make();
      const { named } = stage.adapter.channels;
      if (named === undefined) return skip('no named');
      stage.person('zoe').say('hello');
      const ann = await sessionOf(stage, 'ann');
      const look = (word: string) => stage.adapter.channels.named?.(stage.channel, word);
      await until('zoe', () => look('zoe'));
      const zoe = look('zoe');
      assert.ok(zoe !== undefined && 'remote' in zoe && zoe.remote.name === 'zoe');
      assert.deepEqual(await until('ann', () => look(nickOf(stage, ann))), { user: '@ann:hs.test' });
      assert.equal(look('nobody-at-all'), undefined);
    },
  },
  {
    name: 'consent of the channel',
    async run({ make, skip }) {
      const stage = await make();
      const { approvePlumb } = stage.adapter.channels;
      if (approvePlumb === undefined) return skip('no approvePlumb');
      const room = { id: roomId('!nobody-agreed:hs.test') };
      const asking = approvePlumb.call(stage.adapter.channels, stage.channel, userId('@stranger:hs.test'), room);
      const answer = await asking.catch((thrown: unknown) => (thrown instanceof DeniedError ? 'denied' : Promise.reject(thrown)));
      assert.ok(answer === 'denied' || answer === 'asked', answer);
    },
  },
];
