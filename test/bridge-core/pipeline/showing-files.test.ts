// Files and pictures of the network's, shown in Matrix: streamed over once, with what was said beside them, or told of in
// their sender's name.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PermanentError, RetryableError } from '../../../bridge-core/errors.ts';
import type { RemoteEvent, RemoteFile } from '../../../bridge-core/remote-event.ts';
import { personOf } from '../../support/fake-adapter/events.ts';
import { until } from '../../support/waiting.ts';
import { type Pipeline, startPipeline } from './pipeline-rig.ts';

const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(500, 7)]);
const cat: RemoteFile = { name: 'cat.png', type: 'image/png', bytes: png.length, source: 'F1', width: 40, height: 30 };
const notes: RemoteFile = { name: 'notes.txt', type: 'text/plain', source: 'F2' };

async function begin(t: Parameters<typeof startPipeline>[0], wish: Parameters<typeof startPipeline>[1] = {}) {
  const p = await startPipeline(t, wish);
  const room = p.room();
  const link = await p.link(room, '#chan');
  p.network.files.set('F1', png);
  return Object.assign(p, { at: room, of: link });
}

const stored = (p: Pipeline, mxc: unknown) => p.hs.world.media.get(String(mxc).split('/').at(-1) ?? '');
const uploads = (p: Pipeline) => p.hs.requests.filter(({ path }) => path.includes('/upload')).length;

test('a file with words beside it is one event: the words as its body, the name as its filename', async (t) => {
  const p = await begin(t);
  p.network.say('zoe', '#chan', 'look at \u0002this\u0002', { files: [cat] });
  await p.settled();
  const [event] = p.hs.messages(p.at);
  assert.deepEqual(
    { ...event?.content, 'dev.causeway.key': undefined, url: undefined },
    {
      ...{ msgtype: 'm.image', body: 'look at this', filename: 'cat.png', format: 'org.matrix.custom.html' },
      ...{ formatted_body: 'look at <strong>this</strong>', 'm.mentions': {}, url: undefined, 'dev.causeway.key': undefined },
      info: { mimetype: 'image/png', size: png.length, w: 40, h: 30 },
    },
  );
  assert.match(event?.sender ?? '', /^@fake_fake_zoe:/);
  assert.deepEqual(stored(p, event?.content.url)?.bytes, png);
  assert.equal(stored(p, event?.content.url)?.type, 'image/png');
});

test('several files are as many events of one message, and its redaction takes all of them', async (t) => {
  const p = await begin(t);
  const { id } = p.network.say('zoe', '#chan', 'both', { files: [cat, notes] });
  await p.settled();
  assert.deepEqual(
    p.hs.messages(p.at).map(({ content }) => [content.msgtype, content.body, content.filename]),
    [
      ['m.image', 'both', 'cat.png'],
      ['m.file', 'notes.txt', 'notes.txt'],
    ],
  );
  assert.equal(stored(p, p.hs.messages(p.at)[1]?.content.url)?.bytes.toString(), 'F2');
  p.network.redact('zoe', '#chan', id);
  await p.settled();
  assert.deepEqual(
    p.events(p.at, 'm.room.redaction').map(({ redacts, sender }) => [redacts, sender]),
    p.events(p.at, 'm.room.message').map(({ event_id, sender }) => [event_id, sender]),
  );
});

test('what a picture shows is said where nobody said anything, and stands apart from what somebody did', async (t) => {
  const p = await begin(t);
  p.network.say('zoe', '#chan', '', { files: [{ ...cat, alt: 'a sleeping cat' }] });
  p.network.say('zoe', '#chan', 'mine', { files: [{ ...cat, alt: 'a sleeping cat' }] });
  await p.settled();
  assert.deepEqual(
    p.hs.messages(p.at).map(({ content }) => [content.msgtype, content.body]),
    [
      ['m.image', 'a sleeping cat'],
      ['m.text', 'mine'],
      ['m.image', 'a sleeping cat'],
    ],
  );
});

test('the same file is brought once, also where two rooms show it and the bridge starts anew', async (t) => {
  const p = await begin(t);
  const other = p.room();
  await p.link(other, '#chan');
  p.network.say('zoe', '#chan', 'one', { files: [cat] });
  await p.settled();
  await p.restart();
  p.network.say('zoe', '#chan', 'two', { files: [cat] });
  await p.settled();
  const urls = [p.at, other].flatMap((room) => p.hs.messages(room).map(({ content }) => content.url));
  assert.equal(urls.length, 4);
  assert.equal(new Set(urls).size, 1);
  assert.equal(uploads(p), 1);
});

test('a size that the network tells wrong does no harm', async (t) => {
  const p = await begin(t);
  for (const bytes of [png.length - 100, png.length + 100]) {
    p.network.files.set(`F${bytes}`, png);
    p.network.say('zoe', '#chan', '', { files: [{ ...cat, bytes, source: `F${bytes}` }] });
  }
  await p.settled();
  const shown = p.hs.messages(p.at);
  assert.equal(shown.length, 2);
  for (const { content } of shown) assert.deepEqual(stored(p, content.url)?.bytes, png);
});

for (const bytes of [png.length, undefined]) {
  test(`a file larger than the homeserver takes is told of, its size ${bytes ? '' : 'not '}known before`, async (t) => {
    const p = await begin(t, { homeserver: { largestUpload: 300 } });
    const file = { ...cat, bytes, page: 'https://team.test/files/F1' } as RemoteFile;
    p.network.say('zoe', '#chan', 'look', { files: [file] });
    await p.settled();
    assert.deepEqual(
      p.hs.messages(p.at).map(({ content }) => [content.msgtype, content.body]),
      [
        ['m.text', 'look'],
        [
          'm.notice',
          `cat.png${bytes ? ' (508 bytes)' : ''} is not shown here, for it is larger than the homeserver takes: https://team.test/files/F1`,
        ],
      ],
    );
    assert.match(p.hs.messages(p.at)[1]?.sender ?? '', /^@fake_fake_zoe:/);
    assert.equal(p.hs.world.media.size, 0);
  });
}

test('a file that is gone is told of at once, one that cannot be had now after a while; what else is said goes on', async (t) => {
  const p = await begin(t);
  p.network.files.set('F3', new PermanentError('NETWORK_REFUSED', 'file_deleted'));
  p.network.files.set('F4', new RetryableError('NETWORK_BUSY', 'come again'));
  p.network.say('zoe', '#chan', '', { files: [{ name: 'old.pdf', source: 'F3' }] });
  p.network.say('zoe', '#chan', '', { files: [{ name: 'slow.pdf', source: 'F4' }] });
  p.network.say('zoe', '#chan', 'and on');
  await until('all three', () => p.inRoom(p.at).length === 3);
  await p.settled();
  assert.deepEqual(p.inRoom(p.at), [
    'zoe: old.pdf is not shown here, for it cannot be fetched',
    'zoe: slow.pdf is not shown here, for the network does not give it out now',
    'zoe: and on',
  ]);
});

test('one that can be had at the second try is shown, with no word of the first', async (t) => {
  const p = await begin(t);
  p.network.files.set('F1', new RetryableError('NETWORK_BUSY', 'come again'));
  p.network.say('zoe', '#chan', 'look', { files: [cat] });
  await until('a try', () => p.parts.journal.depth()[0]?.rows === 1);
  p.network.files.set('F1', png);
  await p.settled();
  assert.deepEqual(
    p.hs.messages(p.at).map(({ content }) => [content.msgtype, content.body]),
    [['m.image', 'look']],
  );
});

test('a homeserver that cannot take a file now is waited for', async (t) => {
  const p = await begin(t);
  p.hs.fault({ on: 'POST /_matrix/media/v3/upload', act: { answer: 503 }, times: 2 });
  p.network.say('zoe', '#chan', 'look', { files: [cat] });
  await p.settled();
  assert.deepEqual(
    p.hs.messages(p.at).map(({ content }) => [content.msgtype, content.body]),
    [['m.image', 'look']],
  );
});

test('a message bears the name and picture that it was said under, and those who cannot see them read the name', async (t) => {
  const p = await begin(t);
  p.network.files.set('face', png);
  p.network.say('zoe', '#chan', 'deployed', { shownAs: 'Deploy Bot', avatar: 'face' });
  p.network.say('zoe', '#chan', '', { shownAs: 'Deploy Bot', avatar: 'face', files: [cat] });
  await p.settled();
  const [text, file] = p.hs.messages(p.at).map(({ content }) => content);
  assert.equal(text?.body, 'Deploy Bot: deployed');
  const profile = text?.['com.beeper.per_message_profile'] as Record<string, unknown>;
  assert.deepEqual(
    { ...profile, avatar_url: 0 },
    { id: 'fake/zoe Deploy Bot', displayname: 'Deploy Bot', avatar_url: 0, has_fallback: true },
  );
  assert.equal(stored(p, profile.avatar_url)?.type, 'image/png');
  assert.equal(file?.body, 'cat.png');
  assert.equal((file?.['com.beeper.per_message_profile'] as Record<string, unknown> | undefined)?.has_fallback, false);
});

test('a reaction that is a picture of the network’s is one in Matrix, called as it is called there, and can be taken back', async (t) => {
  const p = await begin(t);
  p.network.files.set('party', png);
  p.network.files.set('gone', new PermanentError('NETWORK_REFUSED', 'gone'));
  const { id } = p.network.say('zoe', '#chan', 'done');
  p.network.react('yan', '#chan', id, ':party:', true, 'party');
  p.network.react('yan', '#chan', id, ':gone:', true, 'gone');
  await p.settled();
  const [picture, words] = p.events(p.at, 'm.reaction').map(({ content }) => content as Record<string, Record<string, unknown>>);
  assert.match(String(picture?.['m.relates_to']?.key), /^mxc:/);
  assert.equal(picture?.shortcode, ':party:');
  assert.equal(picture?.['com.beeper.reaction.shortcode'], ':party:');
  assert.equal(words?.['m.relates_to']?.key, ':gone:');
  p.network.react('yan', '#chan', id, ':party:', false);
  await p.settled();
  assert.deepEqual(
    p.events(p.at, 'm.room.redaction').map(({ redacts }) => redacts),
    [p.events(p.at, 'm.reaction')[0]?.event_id],
  );
});

test('pictures in a text come from the homeserver, and are words where they cannot', async (t) => {
  const p = await begin(t);
  p.network.files.set('party', png);
  p.network.files.set('gone', new PermanentError('NETWORK_REFUSED', 'gone'));
  const { formatter } = p.parts.adapter;
  const image = (source: string, alt: string) => ({ is: 'image' as const, source, alt });
  const of = [{ is: 'text' as const, text: 'well ' }, image('party', ':party:'), image('gone', ':gone:'), image('party', ':party:')];
  t.mock.method(formatter, 'parse', () => [{ is: 'paragraph', of }]);
  p.network.say('zoe', '#chan', 'whatever');
  await p.settled();
  const [event] = p.hs.messages(p.at);
  assert.equal(event?.content.body, 'well :party::gone::party:');
  const html = String(event?.content.formatted_body);
  assert.equal(html.match(/<img data-mx-emoticon src="mxc:/g)?.length, 2);
  assert.match(html, />:gone:</);
  assert.equal(uploads(p), 1);
});

test('a ghost has its person’s picture, and another one when they change it', async (t) => {
  const p = await begin(t);
  p.network.files.set('face', png);
  const say = async (avatar: string) => {
    const sender = { ...personOf('zoe'), avatar };
    const event: RemoteEvent = { kind: 'message', at: Date.now(), channel: p.of.channel, sender, body: 'hello', style: 'text' };
    await p.parts.remoteToMatrix.accept(event);
    await p.settled();
  };
  await say('face');
  const ghost = p.hs.messages(p.at)[0]?.sender ?? '';
  const first = p.hs.world.users.get(ghost)?.avatar;
  assert.deepEqual(stored(p, first)?.bytes, png);
  // No picture: neither the words nor the old face are lost for that.
  await say('a page that asks to log in');
  assert.equal(p.hs.world.users.get(ghost)?.avatar, first);
  assert.equal(p.hs.messages(p.at).length, 2);
});
