// What our sessions say: proved, in order, each style, with its id where the network has ids.

import assert from 'node:assert/strict';
import type { MatrixFile } from '#bridge-core';
import { until } from '../support/waiting.ts';
import { event, nickOf, saidBy, say, sessionOf } from './stage.ts';
import type { Case } from './subject.ts';

export const speakingCases: readonly Case[] = [
  {
    name: 'a message is there when its sending resolves',
    async run({ make }) {
      const stage = await make();
      stage.person('zoe');
      for (const who of ['ann', { as: 'bot' } as const]) {
        const session = await sessionOf(stage, who);
        await say(stage, session, 'are you there?');
        assert.deepEqual(saidBy(stage, session), ['are you there?']);
      }
    },
  },
  {
    name: 'ids of messages',
    async run({ make, skip }) {
      const stage = await make();
      if (!stage.adapter.capabilities(stage.channel).messageIds) {
        const [id] = await say(stage, await sessionOf(stage, 'ann'), 'without');
        assert.equal(id, undefined);
        return skip('no ids');
      }
      const ann = await sessionOf(stage, 'ann');
      const [first] = await say(stage, ann, 'one');
      const [second] = await say(stage, ann, 'two');
      assert.ok(first !== undefined && second !== undefined && first !== second);
      const zoe = stage.person('zoe');
      const heard = zoe.say('three');
      const reported = await event(stage, 'message');
      assert.equal(reported.id, heard);
      assert.ok(reported.id !== first && reported.id !== second);
    },
  },
  {
    name: 'what points at a message',
    async run({ make, skip }) {
      const stage = await make();
      if (!stage.adapter.capabilities(stage.channel).messageIds) return skip('no ids');
      const zoe = stage.person('zoe');
      const ann = await sessionOf(stage, 'ann');
      const [asked] = await say(stage, ann, 'who?');
      zoe.say('me', 'text', asked);
      const reported = await event(stage, 'message');
      assert.equal(reported.replyTo ?? reported.thread, asked);
      await say(stage, ann, 'you', { ...(reported.id !== undefined && { replyTo: reported.id }) });
      assert.equal(saidBy(stage, ann).at(-1)?.includes('you'), true);
    },
  },
  {
    name: 'each speaker’s words stay in order while several speak',
    async run({ make }) {
      const stage = await make();
      stage.person('zoe');
      const sessions = await Promise.all(['ann', 'bob', 'cid'].map((name) => sessionOf(stage, name)));
      const words = Array.from({ length: 25 }, (_, n) => `line ${n}`);
      await Promise.all(
        sessions.map(async (session) => {
          for (const line of words) await say(stage, session, line);
        }),
      );
      for (const session of sessions) assert.deepEqual(saidBy(stage, session), words, nickOf(stage, session));
    },
  },
  {
    name: 'words said without waiting are all there once, and in order where they take turns',
    async run({ make }) {
      const stage = await make();
      stage.person('zoe');
      const ann = await sessionOf(stage, 'ann');
      const words = Array.from({ length: 20 }, (_, n) => `line ${n}`);
      await Promise.all(words.map((line) => say(stage, ann, line)));
      // Calls that are under way at once overtake each other as they like.
      if (ann.isParallel === true) assert.deepEqual(saidBy(stage, ann).toSorted(), words.toSorted());
      else assert.deepEqual(saidBy(stage, ann), words);
    },
  },
  {
    name: 'equal words said twice are there twice',
    async run({ make }) {
      const stage = await make();
      stage.person('zoe');
      const ann = await sessionOf(stage, 'ann');
      await say(stage, ann, 'again');
      await say(stage, ann, 'again');
      assert.deepEqual(saidBy(stage, ann), ['again', 'again']);
    },
  },
  {
    name: 'a private word reaches its person and nobody else',
    async run({ make, skip }) {
      const stage = await make();
      if (stage.adapter.tell === undefined) return skip('no tell');
      const zoe = stage.person('zoe');
      zoe.say('hello');
      const { sender } = await event(stage, 'message');
      await stage.adapter.tell(sender.id, 'only for you');
      await until('the word', () => zoe.told().some((words) => words.includes('only for you')) || undefined);
      assert.ok(!stage.said().some(({ text }) => text.includes('only for you')));
    },
  },
  {
    name: 'whom the bot speaks for',
    async run({ make, skip }) {
      const stage = await make();
      if (!stage.adapter.capabilities(stage.channel).shownAs) return skip('no names');
      assert.ok(stage.see.shownAs, 'the subject shows names and pictures');
      const bot = await sessionOf(stage, { as: 'bot' });
      await say(stage, bot, 'in another name', { shownAs: { name: 'Carol', avatar: 'https://pictures.test/carol.png' } });
      await say(stage, bot, 'without a picture', { shownAs: { name: 'Dora' } });
      assert.deepEqual(stage.see.shownAs('in another name'), { name: 'Carol', avatar: 'https://pictures.test/carol.png' });
      assert.equal(stage.see.shownAs('without a picture')?.name, 'Dora');
    },
  },
  {
    name: 'threads',
    async run({ make, skip }) {
      const stage = await make();
      if (!stage.adapter.capabilities(stage.channel).threads) return skip('no threads');
      assert.ok(stage.see.threadOf, 'the subject shows threads');
      const ann = await sessionOf(stage, 'ann');
      const [root] = await say(stage, ann, 'the root');
      await say(stage, ann, 'within', { ...(root !== undefined && { thread: root }) });
      await say(stage, ann, 'without');
      assert.deepEqual([stage.see.threadOf('within'), stage.see.threadOf('without')], [root, undefined]);
    },
  },
  {
    name: 'files given',
    async run({ make, skip }) {
      const stage = await make();
      if (stage.adapter.capabilities(stage.channel).files !== 'upload') return skip('no uploads');
      assert.ok(stage.see.files, 'the subject shows files');
      const ann = await sessionOf(stage, 'ann');
      const file = (name: string, words: string): MatrixFile => ({
        ...{ name, type: 'text/plain', bytes: Buffer.byteLength(words) },
        open: async () => new Blob([words]).stream(),
      });
      const [bare] = stage.adapter.formatter.print([], ann.fit(stage.channel, 'text'));
      assert.ok(bare !== undefined, 'there is a body for a file without words');
      const ids = [await say(stage, ann, 'look at this', { file: file('a.txt', 'the words of a') })];
      const common = { channel: stage.channel, style: 'text' as const };
      ids.push([await ann.send({ ...common, key: 'bare', body: bare, file: file('b.txt', 'the words of b') })]);
      const [of] = ids[0] ?? [];
      ids.push(await say(stage, ann, 'and this', { file: file('c.txt', 'in a thread'), ...(of !== undefined && { thread: of }) }));
      await until('all three', () => stage.see.files?.().length === 3 || undefined);
      assert.deepEqual(
        stage.see.files().map(({ name, words }) => [name, words]),
        [
          ['a.txt', 'the words of a'],
          ['b.txt', 'the words of b'],
          ['c.txt', 'in a thread'],
        ],
      );
      assert.ok(saidBy(stage, ann).some((text) => text.includes('look at this')));
      assert.equal(new Set(ids.flat().filter((id) => id !== undefined)).size, 3, 'each has an id of its own');
    },
  },
  {
    name: 'files',
    async run({ make, skip }) {
      const stage = await make();
      if (stage.adapter.open === undefined) return skip('no open');
      const words = 'the words of the file';
      const stream = await stage.adapter.open((await stage.fileOf?.(words)) ?? { name: 'a.txt', source: words });
      assert.equal(await new Response(stream).text(), words);
    },
  },
];
