// Names and times before printed bodies, and how many bodies a channel bears.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fit } from '../../../bridge-core/adapter.ts';
import { fromPlain } from '../../../bridge-core/format/rich-text.ts';
import { decorate, decorationFor, fits, narrowed, printWithin } from '../../../bridge-core/pipeline/lines.ts';
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

test('a body that is no text is left to its adapter', () => {
  const body = { blocks: ['hi'] };
  assert.equal(decorate(body, decorationFor('Bob', false, at), true), body);
  assert.ok(fits(body, { ...fit, bytes: 1 }));
});

test('a name keeps to its place: short, of one line, never empty', () => {
  const nameOf = (name: string) => decorationFor(name, false, undefined).name;
  assert.equal(nameOf('a\r\nb\u0000c\u202ed'), '<a b c d> ');
  assert.equal(nameOf(' \n '), '<?> ');
  assert.equal([...nameOf('😀'.repeat(100))].length, 32 + 3);
  assert.ok(nameOf('😀'.repeat(100)).isWellFormed());
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

test('a body fits by its bytes, one of several lines by what those may hold in all', () => {
  assert.ok(fits('ä'.repeat(50), fit));
  assert.ok(!fits('ä'.repeat(51), fit));
  assert.ok(fits('x\n'.repeat(200), { ...fit, multiline: { bytes: 400, lines: 300 } }));
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
