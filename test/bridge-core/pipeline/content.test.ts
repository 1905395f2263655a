// Rich text and the content of events: what fits, what is split, and whatever a stranger may put into a content.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromPlain, paragraph, type RichText, text as words } from '../../../bridge-core/format/rich-text.ts';
import { toPlain } from '../../../bridge-core/format/to-html.ts';
import { userId } from '../../../bridge-core/ids.ts';
import { type Content, narrow } from '../../../bridge-core/matrix-event.ts';
import {
  attachmentOf,
  contentBytes,
  contentsOf,
  editBytes,
  shownName,
  styleOf,
  textOf,
  toContents,
} from '../../../bridge-core/pipeline/content.ts';
import { anyBlocks } from '../../support/rich-text.ts';

const bytesOf = (content: Content) => Buffer.byteLength(JSON.stringify(content));
const joined = (contents: Content[]) => contents.map(({ body }) => body).join('');

test('a short text is one content, with HTML only where it says more', () => {
  assert.deepEqual(toContents(fromPlain('hi'), 'text'), [{ msgtype: 'm.text', 'm.mentions': {}, body: 'hi' }]);
  const [bold] = toContents([paragraph({ is: 'bold', of: [words('hi')] })], 'emote');
  assert.deepEqual([bold?.msgtype, bold?.body, bold?.formatted_body], ['m.emote', 'hi', '<strong>hi</strong>']);
});

test('who is named is pinged, once and within reason', () => {
  const named = (user: string) => ({ is: 'mention', of: { user: userId(user) }, text: user }) as const;
  const [few] = toContents([paragraph(named('@a:hs'), named('@b:hs'), named('@a:hs'))], 'text');
  assert.deepEqual(few?.['m.mentions'], { user_ids: ['@a:hs', '@b:hs'] });
  const crowd = Array.from({ length: 3_000 }, (_, n) => named(`@${'x'.repeat(200)}${n}:hs`));
  for (const content of toContents([paragraph(...crowd)], 'text')) {
    assert.ok(bytesOf(content) <= contentBytes);
    assert.ok((content['m.mentions'] as { user_ids?: string[] }).user_ids?.length ?? 0 <= 50);
  }
});

for (const [name, text] of [
  ['plain words', 'word '.repeat(30_000)],
  ['one endless word', 'x'.repeat(200_000)],
  ['characters of four bytes', '😀'.repeat(40_000)],
  ['signs that JSON writes as six bytes', '\u0001'.repeat(60_000)],
  ['quotation marks', '"'.repeat(100_000)],
  ['line ends', '\n'.repeat(100_000)],
  ['a mixture', '"😀\\\n\u0002ä '.repeat(12_000)],
] as const) {
  test(`longer text is split, never cut off nor through a character: ${name}`, () => {
    for (const most of [contentBytes, editBytes]) {
      const contents = toContents([paragraph(words(text))], 'text', most);
      assert.ok(contents.length > 1);
      for (const content of contents) {
        assert.ok(bytesOf(content) <= most, `${bytesOf(content)}`);
        assert.ok(String(content.body).isWellFormed());
      }
      assert.equal(joined(contents), text);
    }
  });
}

test('halves of characters are mended, so that a homeserver takes the event', () => {
  const contents = toContents([paragraph(words(`a\ud800b${'\udc00'.repeat(30_000)}`))], 'text');
  assert.ok(contents.length > 1);
  assert.ok(contents.every(({ body }) => String(body).isWellFormed()));
});

test('whatever rich text there is, its contents fit', () => {
  fc.assert(
    fc.property(anyBlocks, fc.integer({ min: 1, max: 400 }), (blocks, times) => {
      const text: RichText = Array.from({ length: times }, () => blocks).flat();
      for (const content of toContents(text, 'text')) assert.ok(bytesOf(content) <= contentBytes);
    }),
    { numRuns: 40 },
  );
});

test('what stands before a text stands before each piece of it', () => {
  const before = { body: 'Alice: ', html: '<b>Alice: </b>' };
  const contents = contentsOf({ msgtype: 'm.text' }, 'x'.repeat(100_000), 'y'.repeat(100_000), contentBytes, before);
  assert.ok(contents.length > 1);
  assert.ok(contents.every((content) => String(content.body).startsWith('Alice: x') && bytesOf(content) <= contentBytes));
  assert.equal(joined(contents).replaceAll('Alice: ', '').length, 100_000);
});

test('a reply’s quote and a name that a profile repeats are left out', () => {
  const reply = { body: '> <@a:hs> what?\n> really\n\nyes', 'm.relates_to': { 'm.in_reply_to': { event_id: '$x' } } };
  assert.equal(toPlain(textOf(reply) ?? []), 'yes');
  assert.equal(toPlain(textOf({ body: '> not a reply' }) ?? []), '> not a reply');
  const shown = { body: 'Carol: hi', 'com.beeper.per_message_profile': { displayname: 'Carol', has_fallback: true } };
  assert.equal(toPlain(textOf(shown) ?? []), 'hi');
  assert.deepEqual(shownName(shown), { name: 'Carol', hasFallback: true });
});

test('HTML that says nothing gives way to the body', () => {
  const content = { body: 'words', format: 'org.matrix.custom.html', formatted_body: '<mx-reply>old</mx-reply>' };
  assert.equal(toPlain(textOf(content) ?? []), 'words');
});

test('whatever is in a content, reading it neither throws nor invents', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...contentKeys), fc.anything({ maxDepth: 3, withNullPrototype: true })), (content) => {
      const text = textOf(content);
      assert.ok(text === undefined || Array.isArray(text));
      assert.ok(['text', 'emote', 'notice'].includes(styleOf(content)));
      const name = shownName(content)?.name;
      assert.ok(name === undefined || typeof name === 'string');
      const event = narrow({ event_id: '$1', room_id: '!r', sender: '@a:hs', type: 'm.room.message', content });
      if ('fault' in event) return;
      const file = attachmentOf(event);
      if (file !== undefined) assert.ok(typeof file.name === 'string' && file.mxc.startsWith('mxc://'));
    }),
    { numRuns: 500 },
  );
});

const contentKeys = [
  ...['msgtype', 'body', 'format', 'formatted_body', 'm.relates_to', 'm.new_content', 'url', 'info', 'filename', 'file'],
  ...['com.beeper.per_message_profile', 'm.mentions'],
];
