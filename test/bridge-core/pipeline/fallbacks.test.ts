// What is done on the network for each kind of event: the verb where the session has it and the target is known there, short
// words where not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toPlain } from '../../../bridge-core/format/to-html.ts';
import { channelId, eventId, remoteMessageId, roomId, userId } from '../../../bridge-core/ids.ts';
import type { Content, MatrixEvent } from '../../../bridge-core/matrix-event.ts';
import { type Deed, type PlanContext, type Pointed, planFor, pointsAt, shorten, sizeOf } from '../../../bridge-core/pipeline/fallbacks.ts';
import type { Relation } from '../../../bridge-core/pipeline/relations.ts';

const bare = { files: 'link', threads: false } as const;
const all = { edit: true, redact: true, react: true };
const remote = { channel: channelId('n/#a'), ids: [remoteMessageId('m1')] };

function event(content: Content, more: Partial<MatrixEvent> = {}): MatrixEvent {
  return {
    ...{ id: eventId('$now'), room: roomId('!r'), sender: userId('@alice:hs'), type: 'm.room.message', at: Date.now() },
    ...{ content: { msgtype: 'm.text', ...content }, ...more },
  };
}

function pointed(more: Partial<Pointed> = {}, relation: Partial<Relation> = {}): Pointed {
  const known: Relation = {
    ...{ event: eventId('$then'), link: 1, part: 0, remote: remoteMessageId('m1'), kind: 'message', sender: userId('@alice:hs') },
    ...{ author: undefined, emoji: undefined, text: 'the words of then', at: Date.now(), ...relation },
  };
  return { remote, relation: known, called: 'bob', ...more };
}

const plan = (of: MatrixEvent, context: Partial<PlanContext> = {}): Deed =>
  planFor(of, { session: {}, can: bare, pointed: undefined, thread: undefined, link: () => undefined, ...context });

/** `style: words`, or what else is done. */
function told(deed: Deed): string {
  return deed.do === 'send' ? `${deed.style}: ${toPlain(deed.text)}` : deed.do;
}

const edit = (body: string) =>
  event({ body: `* ${body}`, 'm.new_content': { msgtype: 'm.text', body }, 'm.relates_to': { rel_type: 'm.replace', event_id: '$then' } });
const reaction = event({ 'm.relates_to': { rel_type: 'm.annotation', event_id: '$then', key: '👍' } }, { type: 'm.reaction' });
const redaction = (reason?: string) =>
  event(reason === undefined ? {} : { reason }, { type: 'm.room.redaction', redacts: eventId('$then') });

test('words are said as they are, in their style', () => {
  assert.equal(told(plan(event({ body: 'hello' }))), 'text: hello');
  assert.equal(told(plan(event({ msgtype: 'm.emote', body: 'waves' }))), 'emote: waves');
  assert.equal(told(plan(event({ msgtype: 'm.notice', body: 'beep' }))), 'notice: beep');
  assert.equal(told(plan(event({}))), 'nothing');
  assert.equal(told(plan(event({ body: '' }))), 'nothing');
});

test('a reply says whom it answers, unless it says so itself, and quotes what was said long ago', () => {
  const reply = event({ body: 'yes' });
  const deed = plan(reply, { pointed: pointed() });
  assert.equal(told(deed), 'text: bob: yes');
  assert.deepEqual(deed.do === 'send' && deed.replyTo, remote);
  assert.equal(told(plan(event({ body: 'Bob, yes' }), { pointed: pointed() })), 'text: Bob, yes');
  assert.equal(told(plan(event({ body: 'bobby, yes' }), { pointed: pointed() })), 'text: bob: bobby, yes');
  assert.equal(told(plan(reply, { pointed: pointed({ called: undefined }) })), 'text: yes');
  assert.equal(told(plan(reply, { pointed: pointed({}, { at: Date.now() - 3_600_000 }) })), 'text: <bob> "the words of then" ← yes');
  assert.equal(told(plan(reply, { pointed: { remote: undefined, relation: undefined, called: 'bob', isParked: true } })), 'text: bob: yes');
  assert.equal(told(plan(event({ msgtype: 'm.emote', body: 'nods' }), { pointed: pointed() })), 'emote: nods');
});

test('an edit is the network’s own, or the change in words, or the whole anew', () => {
  const small = edit('the words of now');
  assert.equal(told(plan(small, { session: all, pointed: pointed() })), 'edit');
  assert.equal(told(plan(small, { pointed: pointed() })), 'text: * the words of now');
  const longer = pointed({}, { text: 'these are the words of then, and some more of them' });
  assert.equal(told(plan(edit('these are the words of now, and some more of them'), { pointed: longer })), 'text: s/then,/now,/');
  assert.equal(told(plan(edit('the words of then'), { pointed: pointed() })), 'nothing');
  assert.equal(told(plan(small)), 'text: * the words of now', 'the target is not known');
  assert.equal(told(plan(small, { session: all, pointed: pointed({ remote: undefined }) })), 'text: * the words of now');
  const other = pointed({}, { sender: userId('@bob:hs') });
  assert.equal(told(plan(small, { session: all, pointed: other })), 'text: * the words of now', 'another’s words are not edited');
});

test('a redaction is the network’s own, or told with whose words and why', () => {
  const { otherwise, ...own } = plan(redaction('spam'), { session: all, pointed: pointed() }) as Extract<Deed, { do: 'redact' }>;
  assert.deepEqual(own, { do: 'redact', target: remote, reason: 'spam' });
  assert.equal(told(otherwise), 'emote: removed "the words of then" (spam)', 'where the network does not let it');
  assert.equal(told(plan(redaction(), { pointed: pointed() })), 'emote: removed "the words of then"');
  const others = pointed({}, { sender: userId('@bob:hs') });
  assert.equal(told(plan(redaction('spam'), { pointed: others })), 'emote: removed bob\'s "the words of then" (spam)');
  assert.equal(told(plan(redaction(), { session: all })), 'nothing');
  const profile = (isReason: boolean) => ({ 'com.beeper.per_message_profile': { displayname: 'Nora', has_fallback: isReason } });
  const byAnother = (reason: string, isReason: boolean) => {
    const plain = redaction(reason);
    return { ...plain, content: { ...plain.content, ...profile(isReason) } };
  };
  assert.equal(told(plan(byAnother('spam', false), { pointed: pointed() })), 'emote: removed bob\'s "the words of then" (spam)');
  assert.equal(told(plan(byAnother('removed by Nora', true), { pointed: pointed() })), 'emote: removed bob\'s "the words of then"');
});

test('a reaction is given and taken back by the network’s verb, or in words', () => {
  assert.deepEqual(plan(reaction, { session: all, pointed: pointed() }), { do: 'react', target: remote, emoji: '👍', on: true });
  assert.equal(told(plan(reaction, { pointed: pointed() })), 'emote: reacted 👍 to bob: "the words of then"');
  assert.equal(
    told(plan(reaction, { session: all, pointed: pointed({ remote: undefined }) })),
    'emote: reacted 👍 to bob: "the words of then"',
  );
  assert.equal(told(plan(reaction, { session: all })), 'nothing');
  const given = pointed({}, { kind: 'reaction', emoji: '👍' });
  assert.deepEqual(plan(redaction(), { session: all, pointed: given }), { do: 'react', target: remote, emoji: '👍', on: false });
  assert.equal(told(plan(redaction(), { pointed: given })), 'emote: took back 👍');
});

test('media is told by kind, name, size, address and caption', () => {
  const image = { msgtype: 'm.image', body: 'cat.png', url: 'mxc://hs/cat', info: { size: 300_000 } };
  assert.equal(told(plan(event(image))), 'emote: sent an image: cat.png (293 KiB)');
  const link = () => 'https://m.test/1';
  assert.equal(told(plan(event(image), { link })), 'emote: sent an image: cat.png (293 KiB) https://m.test/1');
  const captioned = event({ ...image, filename: 'cat.png', body: 'my cat' });
  assert.equal(told(plan(captioned, { link })), 'emote: sent an image: cat.png (293 KiB) https://m.test/1 — my cat');
  assert.equal(told(plan(event({ body: 'wave', url: 'mxc://hs/s' }, { type: 'm.sticker' }))), 'emote: sent a sticker: wave');
  assert.equal(told(plan(event({ msgtype: 'm.audio', body: 'a.ogg', url: 'mxc://hs/a' }))), 'emote: sent an audio file: a.ogg');
});

test('where files are taken the words beside one are its text, and its address what is left otherwise', () => {
  const can = { files: 'upload', threads: false } as const;
  const image = { msgtype: 'm.image', body: 'my cat', filename: 'cat.png', url: 'mxc://hs/cat', info: { size: 300_000 } };
  const deed = plan(event(image), { can, link: () => 'https://m.test/1', pointed: pointed() });
  assert.ok(deed.do === 'send' && deed.otherwise !== undefined);
  assert.deepEqual([told(deed), deed.file?.name, deed.kept], ['text: bob: my cat', 'cat.png', 'my cat']);
  assert.equal(told(deed.otherwise), 'emote: sent an image: cat.png (293 KiB) https://m.test/1 — my cat');
  const bare = plan(event({ ...image, body: 'cat.png' }), { can, pointed: pointed() });
  assert.deepEqual(bare.do === 'send' && [bare.text, bare.replyTo, bare.kept], [[], remote, 'cat.png']);
});

test('in a thread, and where the network has threads at all, nobody is named before the words', () => {
  const can = { files: 'link', threads: true } as const;
  const thread = { channel: channelId('n/#a'), ids: [remoteMessageId('m0')] };
  const deed = plan(event({ body: 'yes' }), { can, thread, pointed: pointed() });
  assert.deepEqual(deed.do === 'send' && [told(deed), deed.replyTo, deed.thread], ['text: yes', remote, thread]);
  assert.equal(told(plan(event({ body: 'yes' }), { can, pointed: pointed({ remote: undefined }) })), 'text: bob: yes');
});

test('a picture given as a reaction goes by its name', () => {
  const parrot = (more: object) =>
    event({ 'm.relates_to': { rel_type: 'm.annotation', event_id: '$then', key: 'mxc://hs/parrot' }, ...more }, { type: 'm.reaction' });
  const signs = [{}, { shortcode: ':parrot:' }, { 'com.beeper.reaction.shortcode': 'parrot' }, { shortcode: 'a b' }].map((more) => {
    const deed = plan(parrot(more), { session: all, pointed: pointed() });
    return deed.do === 'react' && deed.emoji;
  });
  assert.deepEqual(signs, ['mxc://hs/parrot', ':parrot:', ':parrot:', 'mxc://hs/parrot']);
});

test('a file’s name and a reaction’s sign stay short and on their line', () => {
  const file = event({ msgtype: 'm.file', body: `a\r\nQUIT\u0000${'x'.repeat(5_000)}`, url: 'mxc://hs/f' });
  assert.match(told(plan(file)), /^emote: sent a file: a QUIT x{113}…$/);
  const endless = event(
    { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$then', key: 'x'.repeat(5_000) } },
    { type: 'm.reaction' },
  );
  assert.equal(told(plan(endless, { session: all, pointed: pointed() })), `emote: reacted ${'x'.repeat(40)}… to bob: "the words of then"`);
});

test('what an event points at is read from its relation alone', () => {
  assert.equal(pointsAt(redaction()), '$then');
  assert.equal(pointsAt(reaction), '$then');
  assert.equal(pointsAt(edit('x')), '$then');
  assert.equal(pointsAt(event({ 'm.relates_to': { 'm.in_reply_to': { event_id: '$then' } } })), '$then');
  for (const odd of [undefined, null, 'text', 7, [], { 'm.in_reply_to': 'x' }, { rel_type: 'm.replace', event_id: 7 }]) {
    assert.equal(pointsAt(event({ 'm.relates_to': odd })), undefined, JSON.stringify(odd));
  }
});

test('whatever an event holds, planning never throws', () => {
  const anything = fc.dictionary(
    fc.constantFrom('msgtype', 'body', 'formatted_body', 'format', 'm.relates_to', 'm.new_content', 'url', 'info', 'filename', 'reason'),
    fc.anything({ maxDepth: 2, withNullPrototype: true }),
  );
  const type = fc.constantFrom('m.room.message', 'm.reaction', 'm.room.redaction', 'm.sticker');
  fc.assert(
    fc.property(anything, type, fc.boolean(), fc.boolean(), (content, kind, knows, can) => {
      const of = event(content as Content, { type: kind });
      assert.ok(plan(of, { session: can ? all : {}, pointed: knows ? pointed() : undefined }).do);
      pointsAt(of);
    }),
    { numRuns: 500 },
  );
});

test('a quote is short, of one line, and of whole characters', () => {
  assert.equal(shorten('short'), 'short');
  assert.equal(shorten(' two\n lines '), 'two lines');
  const cut = shorten('😀'.repeat(200));
  assert.ok(cut.endsWith('…') && cut.isWellFormed() && [...cut].length === 41);
  assert.ok(shorten('x'.repeat(1_000_000)).length < 60);
});

test('sizes are read at a glance', () => {
  assert.deepEqual([0, 1_023, 1_024, 10_240, 3_000_000, 5e12].map(sizeOf), ['0 B', '1023 B', '1.0 KiB', '10 KiB', '2.9 MiB', '4.5 TiB']);
});

test('where a picture’s address is shown as the picture, it is one, below its words; other files and pictures without an address are told of', () => {
  const can = { ...bare, showsPictures: true };
  const link = () => 'https://b.test/cat.png';
  const image = event({ msgtype: 'm.image', body: 'look', filename: 'cat.png', url: 'mxc://hs/cat' });
  const deed = plan(image, { can, link });
  assert.equal(deed.do === 'send' && deed.style, 'text');
  const [words, picture] = deed.do === 'send' ? deed.text : [];
  assert.deepEqual(words, { is: 'paragraph', of: [{ is: 'text', text: 'look' }] });
  assert.deepEqual(picture, { is: 'paragraph', of: [{ is: 'image', source: 'https://b.test/cat.png', alt: 'cat.png', picture: {} }] });
  assert.equal(told(plan(image, { can })), 'emote: sent an image: cat.png — look');
  const file = event({ msgtype: 'm.file', body: 'a.zip', url: 'mxc://hs/zip' });
  assert.equal(told(plan(file, { can, link })), 'emote: sent a file: a.zip https://b.test/cat.png');
});
