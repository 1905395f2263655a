// The formatter: there and back, and never more than fits.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Fit, fromPlain, type Json, type RichText } from '#bridge-core';
import { toPlain } from '../../bridge-core/format/to-html.ts';
import { anyBlocks, anyWords } from '../support/rich-text.ts';
import { nickOf, saidBy, sessionOf, stylesOf } from './stage.ts';
import type { Case } from './subject.ts';

/** Of a body that is no text, those of its words. */
const bytesOf = (body: Json, read: (body: Json) => RichText): number =>
  Buffer.byteLength(typeof body === 'string' ? body : toPlain(read(body)));

const squeezed = (text: string): string => text.replace(/\s+/g, ' ').trim();

export const textCases: readonly Case[] = [
  {
    name: 'plain words come back as they went',
    async run({ make }) {
      const { adapter, channel } = await make();
      const session = await adapter.session({ as: 'bot' }, channel);
      const wide: Fit = { ...session.fit(channel, 'text'), bytes: 100_000, lines: 1_000 };
      fc.assert(
        fc.property(anyWords, (words) => {
          const bodies = adapter.formatter.print(fromPlain(words), wide);
          const back = bodies.map((body) => toPlain(adapter.formatter.parse(body, channel))).join('\n');
          assert.equal(squeezed(back), squeezed(words));
        }),
        { numRuns: 200 },
      );
    },
  },
  {
    name: 'whatever is printed fits, says something, and is no line break where none may be',
    async run({ make }) {
      const { adapter, channel, bytesOf: weigh } = await make();
      const session = await adapter.session({ as: 'bot' }, channel);
      const usual = session.fit(channel, 'text');
      fc.assert(
        fc.property(anyBlocks, fc.integer({ min: 40, max: 300 }), fc.boolean(), (text, bytes, markup) => {
          const { multiline: _, ...rest } = usual;
          for (const body of adapter.formatter.print(text, { ...rest, bytes, markup })) {
            const taken = weigh?.(body) ?? bytesOf(body, (each) => adapter.formatter.parse(each, channel));
            assert.ok(taken <= bytes, `${taken} of ${bytes}`);
            if (typeof body === 'string') assert.doesNotMatch(body, /[\r\n\0]/);
          }
        }),
        { numRuns: 300 },
      );
    },
  },
  {
    name: 'a text that says something is never printed as nothing',
    async run({ make }) {
      const { adapter, channel } = await make();
      const fit = (await adapter.session({ as: 'bot' }, channel)).fit(channel, 'text');
      fc.assert(
        fc.property(anyWords, (words) => {
          if (/[\p{L}\p{N}]/u.test(words)) assert.notEqual(adapter.formatter.print(fromPlain(words), fit).length, 0);
        }),
        { numRuns: 200 },
      );
    },
  },
  {
    name: 'a body of all the bytes that fit arrives whole, in every style',
    async run({ make }) {
      const stage = await make();
      stage.person('zoe');
      const ann = await sessionOf(stage, 'ann');
      for (const style of stylesOf(stage)) {
        const fit = ann.fit(stage.channel, style);
        const words = `${style} ${'x'.repeat(fit.bytes - style.length - 2)}!`;
        const [body, ...more] = stage.adapter.formatter.print(fromPlain(words), fit);
        assert.equal(more.length, 0);
        await ann.send({ key: `full.${style}`, channel: stage.channel, body: body ?? '', style });
        assert.equal(saidBy(stage, ann).at(-1), words);
        assert.equal(stage.said().at(-1)?.style, style);
      }
    },
  },
  {
    name: 'hostile bytes in a body are no second message and no command',
    async run({ make }) {
      const stage = await make();
      stage.person('zoe');
      const ann = await sessionOf(stage, 'ann');
      // Where a body is no text, it has no bytes of its own.
      const of = (words: string): Json => {
        const printed = stage.adapter.formatter.print(fromPlain('x'), ann.fit(stage.channel, 'text'))[0] ?? '';
        return typeof printed === 'string' ? words : JSON.parse(JSON.stringify(printed).replaceAll('"x"', () => JSON.stringify(words)));
      };
      const before = stage.said().length;
      await ann.send({ key: 'hostile', channel: stage.channel, body: of('one\r\nQUIT :two\nPRIVMSG\0 three\u0001'), style: 'text' });
      const said = stage.said().slice(before);
      assert.ok(said.every(({ text }) => !/[\r\n\0]/.test(text)) || said.length === 1);
      assert.ok(said.length <= 3);
      await ann.send({ key: 'after', channel: stage.channel, body: of('still here'), style: 'text' });
      assert.equal(saidBy(stage, ann).at(-1), 'still here');
    },
  },
  {
    name: 'people are called as they are called there',
    async run({ make }) {
      const stage = await make();
      stage.person('zoe').say('hello');
      const ann = await sessionOf(stage, 'ann');
      const bob = await sessionOf(stage, 'bob');
      const { mention } = ann.fit(stage.channel, 'text');
      assert.equal(mention({ user: '@bob:hs.test' as never }), stage.mentionOf?.(bob.self) ?? nickOf(stage, bob));
      assert.equal(mention({ user: '@nobody:hs.test' as never }), undefined);
    },
  },
];
