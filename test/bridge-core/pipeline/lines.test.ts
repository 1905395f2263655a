// Names and times before printed bodies, and how many bodies a channel bears.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fit, Formatter } from '../../../bridge-core/adapter.ts';
import { fromPlain, type RichText } from '../../../bridge-core/format/rich-text.ts';
import { toPlain } from '../../../bridge-core/format/to-html.ts';
import { channelId } from '../../../bridge-core/ids.ts';
import { decorate, decorationFor, headed, narrowed, printWithin, refitted, undecorated } from '../../../bridge-core/pipeline/lines.ts';
import { fakeFormatter } from '../../support/fake-adapter/formatter.ts';

const fit: Fit = { bytes: 100, lines: 3, markup: true, style: 'text', mention: () => undefined };
const at = Date.UTC(2026, 0, 2, 13, 7);

test('a name and a time stand before the words, the time only where it is said', () => {
  const late = decorationFor('Bob', false, at);
  assert.equal(decorate('hi', late, true), '<Bob> [13:07 UTC] hi');
  assert.equal(decorate('hi', late, false), '<Bob> hi');
  assert.equal(decorate('waves', decorationFor('Bob', true, undefined), true), '* Bob waves');
  assert.equal(decorate('hi', decorationFor(undefined, false, undefined), true), 'hi');
});

test('a body that is no text bears name and time within, at the head of what is printed', () => {
  const body = { blocks: ['hi'] };
  assert.equal(decorate(body, decorationFor('Bob', false, at), true), body);
  const said = (text: RichText) => toPlain(headed(text, decorationFor('Bob', false, at)));
  assert.equal(said(fromPlain('hi')), '<Bob> [13:07 UTC] hi');
  assert.equal(said([{ is: 'preformatted', text: 'code' }]), '<Bob> [13:07 UTC]\ncode');
  const text = fromPlain('hi');
  assert.equal(headed(text, undecorated), text);
});

test('a name keeps to its place: short, of one line, never empty', () => {
  const nameOf = (name: string) => decorationFor(name, false, undefined).name;
  assert.equal(nameOf('a\r\nb\u0000c\u202ed'), '<a b c d> ');
  assert.equal(nameOf(' \n '), '<?> ');
  assert.equal([...nameOf('😀'.repeat(100))].length, 32 + 3);
  assert.ok(nameOf('😀'.repeat(100)).isWellFormed());
  assert.equal(nameOf('a\u200b\u2060b\u200d'), '<a b> ');
});

test('a name with emoji of several signs keeps them whole', () => {
  const nameOf = (name: string) => decorationFor(name, false, undefined).name;
  for (const emoji of ['👩‍👩‍👧', '🏳️‍🌈', '🏳‍🌈', '👩🏽‍⚕️', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🇩🇪', '1️⃣']) assert.equal(nameOf(`Ann ${emoji} Lee`), `<Ann ${emoji} Lee> `);
  assert.equal(nameOf('👩‍👩‍👧'.repeat(7)), `<${'👩‍👩‍👧'.repeat(6)}> `, 'cut between two');
  assert.equal(nameOf('👩\u200d hidden'), '<👩 hidden> ');
});

test('what stands before a body is taken off its room, of several lines in one too', () => {
  const decoration = decorationFor('Bob', false, at);
  const taken = '<Bob> [13:07 UTC] '.length;
  assert.equal(narrowed(fit, decoration).bytes, 100 - taken);
  const many = narrowed({ ...fit, multiline: { bytes: 4_096, lines: 24 } }, decoration);
  assert.deepEqual(many.multiline, { bytes: 4_096 - taken, lines: 24 });
  assert.equal(narrowed(fit, decorationFor(undefined, false, undefined)), fit);
  assert.equal(narrowed({ ...fit, bytes: 20 }, decoration).bytes, 16, 'never nothing');
});

test('an earlier body that no longer fits is printed again, text by its bytes, anything else by what its adapter makes of it', () => {
  const channel = channelId('fake/#a');
  const refit = (body: string, now: Fit) => refitted(fakeFormatter, body, now, channel);
  assert.deepEqual(refit('ä'.repeat(50), fit), ['ä'.repeat(50)]);
  assert.deepEqual(refit('ä'.repeat(51), fit), ['ä'.repeat(50), 'ä']);
  const long = 'x\n'.repeat(200);
  assert.deepEqual(refit(long, { ...fit, multiline: { bytes: 400, lines: 300 } }), [long]);
  const boxed: Formatter<{ said: string }> = {
    parse: ({ said }, of) => fakeFormatter.parse(said, of),
    print: (text, now) => fakeFormatter.print(text, now).map((said) => ({ said })),
  };
  const small = { said: 'ä'.repeat(50) };
  assert.deepEqual(refitted(boxed, small, fit, channel), [small]);
  assert.equal(refitted(boxed, small, fit, channel)[0], small);
  assert.deepEqual(refitted(boxed, small, { ...fit, bytes: 60 }, channel), [{ said: 'ä'.repeat(30) }, { said: 'ä'.repeat(20) }]);
});

test('more lines than the channel bears go onto a page, of which the last line tells', async () => {
  let pages = 0;
  const page = async () => {
    pages += 1;
    return 'https://p.test/1';
  };
  const lines = (count: number) => fromPlain(Array.from({ length: count }, (_, n) => `line ${n}`).join('\n'));
  assert.equal((await printWithin(fakeFormatter, lines(3), fit, page)).length, 3);
  assert.equal(pages, 0);
  assert.deepEqual(await printWithin(fakeFormatter, lines(4), fit, page), ['line 0', 'line 1', '… 2 more lines: https://p.test/1']);
  assert.deepEqual(await printWithin(fakeFormatter, lines(2), { ...fit, lines: 1 }, page), ['line 0', '… 1 more line: https://p.test/1']);
  const none = async () => undefined;
  assert.equal((await printWithin(fakeFormatter, lines(100), fit, none)).length, 100);
  assert.equal((await printWithin(fakeFormatter, lines(101), fit, none)).at(-1), '… 1 more line not shown');
});
