// Places, polls, captions and words of the extensible form: nothing that says something vanishes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toPlain } from '../../../bridge-core/format/to-html.ts';
import { attachmentOf } from '../../../bridge-core/pipeline/content.ts';
import { captionOf, isDeed, otherKinds, wordsOf } from '../../../bridge-core/pipeline/other-kinds.ts';
import { startPipeline } from './pipeline-rig.ts';

const said = (type: string, content: object): string | undefined => {
  const text = wordsOf({ type, content: content as never });
  return text && toPlain(text);
};
const map = 'https://www.openstreetmap.org/?mlat=51.5&mlon=-0.12#map=16/51.5/-0.12';

test('a place is a link to a map, with what it is called', () => {
  const plain = { msgtype: 'm.location', body: 'Big Ben', geo_uri: 'geo:51.5,-0.12;u=35' };
  assert.equal(said('m.room.message', plain), `shared a place: Big Ben ${map}`);
  assert.equal(said('m.room.message', { ...plain, body: 'Location geo:51.5,-0.12 at noon' }), `shared a place: ${map}`);
  const newer = { 'org.matrix.msc3488.location': { uri: 'geo:51.5,-0.12', description: 'the\nclock' } };
  assert.equal(said('org.matrix.msc3488.location', newer), `shared a place: the clock ${map}`);
  assert.equal(said('m.room.message', { msgtype: 'm.location', body: 'somewhere', geo_uri: 'geo:x' }), 'somewhere');
  assert.ok(isDeed({ type: 'm.room.message', content: plain }));
});

test('a poll is its question and its answers, its end the words of it', () => {
  const answers = [
    { id: '1', 'org.matrix.msc1767.text': 'Yes' },
    { id: '2', 'm.text': [{ body: 'No\nway' }] },
  ];
  const start = { 'org.matrix.msc3381.poll.start': { question: { 'org.matrix.msc1767.text': 'Tea?' }, answers } };
  assert.equal(said('org.matrix.msc3381.poll.start', start), 'asks: Tea?\n1. Yes\n2. No way');
  assert.equal(said('m.poll.start', { 'm.poll': { question: { 'm.text': [{ body: 'Tea?' }] }, answers: [] } }), 'asks: Tea?');
  assert.equal(said('org.matrix.msc3381.poll.start', { 'org.matrix.msc1767.text': 'Tea? yes, no' }), 'Tea? yes, no');
  assert.equal(said('m.poll.end', { 'm.text': [{ body: 'It is over: Yes' }] }), 'It is over: Yes');
});

test('the extensible form is read, formatted where it is', () => {
  const forms = [{ body: '<b>bold</b> words', mimetype: 'text/html' }, { body: 'bold words' }];
  assert.deepEqual(wordsOf({ type: 'm.message', content: { 'm.text': forms } })?.[0], {
    is: 'paragraph',
    of: [
      { is: 'bold', of: [{ is: 'text', text: 'bold' }] },
      { is: 'text', text: ' words' },
    ],
  });
  assert.equal(said('org.matrix.msc1767.message', { 'org.matrix.msc1767.text': 'plain' }), 'plain');
  assert.equal(said('m.message', {}), undefined);
});

test('what is written beside a file is found in either form', () => {
  const file = { msgtype: 'm.image', url: 'mxc://hs/cat', body: 'cat.png' };
  const caption = (more: object) => {
    const content = { ...file, ...more };
    const found = attachmentOf({ type: 'm.room.message', content } as never) ?? assert.fail('no file');
    const text = captionOf(found, content);
    return text && toPlain(text);
  };
  assert.equal(caption({}), undefined);
  assert.equal(caption({ filename: 'cat.png', body: 'my cat' }), 'my cat');
  assert.equal(caption({ 'm.caption': { 'm.text': [{ body: 'my cat' }] } }), 'my cat');
  assert.equal(caption({ 'org.matrix.msc1767.caption': { 'org.matrix.msc1767.text': 'my cat' } }), 'my cat');
});

test('on the network they are there, each in its sender’s name', async (t) => {
  const p = await startPipeline(t, { adapter: { lines: 10 } });
  const room = p.room();
  await p.link(room, '#chan');
  p.hs.say(p.alice, room, { msgtype: 'm.location', body: 'Big Ben', geo_uri: 'geo:51.5,-0.12' });
  const poll = { question: { 'm.text': [{ body: 'Tea?' }] }, answers: [{ 'm.text': [{ body: 'Yes' }] }] };
  p.hs.say(p.alice, room, { 'm.poll': poll }, 'm.poll.start');
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), [`alice[m]: shared a place: Big Ben ${map}`, 'alice[m]: asks: \u0002Tea?', 'alice[m]: 1. Yes']);
  assert.equal(p.network.channel('#chan').messages[0]?.style, 'emote');
});

test('whatever such an event holds, reading it never throws', () => {
  const keys = [
    'm.poll',
    'm.text',
    'm.location',
    'm.caption',
    'geo_uri',
    'body',
    'msgtype',
    'org.matrix.msc1767.text',
    'question',
    'answers',
  ];
  const anything = fc.dictionary(fc.constantFrom(...keys), fc.anything({ maxDepth: 3, withNullPrototype: true }));
  fc.assert(
    fc.property(fc.constantFrom(...otherKinds, 'm.room.message'), anything, (type, content) => {
      const text = wordsOf({ type, content });
      if (text !== undefined) toPlain(text);
    }),
    { numRuns: 500 },
  );
});
