// What a picture shows, in words, for those who cannot see it: over a whole bridge, both ways.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

test('what a picture shows in words goes with it, both ways', { timeout: 180_000 }, async (t) => {
  const { slack, ann, general, homeserver, person, room } = await wholeBridge(t);
  const pictures = () =>
    homeserver.events(room).filter(({ type, sender, content }) => type === 'm.room.message' && content.url && sender !== person);
  ann.upload(general, { name: 'alone.png', bytes: pixel, altText: 'a sleeping cat' });
  ann.upload(general, { name: 'beside.png', bytes: pixel, altText: 'a sleeping cat', comment: 'mine' });
  await until('both', () => pictures().length === 2 || undefined);
  assert.deepEqual(
    pictures().map(({ content }) => [content.filename, content.body]),
    [
      ['alone.png', 'a sleeping cat'],
      ['beside.png', 'a sleeping cat'],
    ],
  );
  assert.ok(
    homeserver.events(room).some(({ content }) => content.body === 'mine'),
    'what she says of it stands by itself',
  );

  homeserver.world.media.set('dog', { type: 'image/png', name: 'dog.png', bytes: pixel });
  const media = { msgtype: 'm.image', body: 'dog.png', url: 'mxc://hs.test/dog', info: { mimetype: 'image/png' } };
  homeserver.say(person, room, { ...media, 'm.alt_text': { 'm.text': [{ body: 'a running dog' }] } });
  homeserver.say(person, room, { ...media, 'm.alt_text': 'long '.repeat(300) });
  await until('both files', () => ann.sees(general).filter(({ files }) => files?.[0]?.name === 'dog.png').length === 2 || undefined);
  const [first, second] = slack.callsOf('files.getUploadURLExternal').map(({ args }) => String(args.alt_txt));
  assert.deepEqual([first, second?.length], ['a running dog', 1_000]);
});
