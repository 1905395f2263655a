// Files of the room given to a network that takes them: with their words, thread and sender; and what becomes of those that it
// does not take, or that are gone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PermanentError } from '../../../bridge-core/errors.ts';
import { type Pipeline, type PipelineWish, startPipeline } from './pipeline-rig.ts';

const upload = { files: 'upload', threads: true, shownAs: true } as const;

async function stage(t: Parameters<typeof startPipeline>[0], adapter: PipelineWish['adapter'] = {}) {
  const p = await startPipeline(t, { mediaLinks: true, adapter: { ...upload, ...adapter } });
  const room = p.room();
  const link = await p.link(room, '#chan');
  p.hs.world.media.set('cat', { type: 'image/png', name: 'cat.png', bytes: Buffer.from('a picture of a cat') });
  return { p, room, link };
}

const image = (more: object = {}) => ({ msgtype: 'm.image', body: 'cat.png', url: 'mxc://hs.test/cat', info: { size: 7 }, ...more });
const messages = (p: Pipeline) => p.network.channel('#chan').messages;
const seen = (p: Pipeline) => messages(p).map(({ nick, body, carried, shownAs }) => [nick, body, carried?.words, shownAs]);

test('a file arrives as a file, as long as it is, with the words beside it', async (t) => {
  const { p, room, link } = await stage(t);
  const id = p.hs.say(p.alice, room, image({ filename: 'cat.png', body: 'my cat', info: { size: 7, mimetype: 'image/png' } }));
  p.hs.say(p.alice, room, image());
  await p.settled();
  assert.deepEqual(seen(p), [
    ['alice[m]', 'my cat', 'a picture of a cat', undefined],
    ['alice[m]', '', 'a picture of a cat', undefined],
  ]);
  assert.deepEqual(
    [messages(p)[0]?.carried?.name, messages(p)[0]?.carried?.type, messages(p)[0]?.carried?.bytes],
    ['cat.png', 'image/png', 18],
  );
  assert.equal(p.parts.relations.ofEvent(id as never, link.id)[0]?.remote, messages(p)[0]?.id);
});

test('so does a sticker, and a file in a thread or in answer to something', async (t) => {
  const { p, room } = await stage(t);
  const root = p.hs.say(p.alice, room, 'the root');
  await p.settled();
  p.hs.say(p.alice, room, { body: 'wave', url: 'mxc://hs.test/cat', info: {} }, 'm.sticker');
  p.hs.say(p.alice, room, image({ 'm.relates_to': { rel_type: 'm.thread', event_id: root, is_falling_back: true } }));
  p.hs.say(p.alice, room, image({ 'm.relates_to': { 'm.in_reply_to': { event_id: root } } }));
  await p.settled();
  const [first, sticker, threaded, reply] = messages(p);
  assert.equal(sticker?.carried?.name, 'wave');
  assert.deepEqual([threaded?.thread, threaded?.replyTo], [first?.id, undefined]);
  assert.deepEqual([reply?.thread, reply?.replyTo], [undefined, first?.id]);
});

test('what it shows goes along, however that is written', async (t) => {
  const { p, room } = await stage(t);
  const alts = [
    'a cat',
    { 'm.text': [{ body: 'a cat' }, { mimetype: 'text/html', body: '<i>a cat</i>' }] },
    { 'org.matrix.msc1767.text': 'a cat' },
    [{ body: 'a cat' }],
    { 'm.text': 7 },
    undefined,
  ];
  for (const alt of alts) p.hs.say(p.alice, room, image({ 'm.alt_text': alt }));
  p.hs.say(p.alice, room, { body: 'wave', url: 'mxc://hs.test/cat', info: {} }, 'm.sticker');
  await p.settled();
  const told = messages(p).map(({ carried }) => carried?.alt);
  assert.deepEqual(told, ['a cat', 'a cat', 'a cat', 'a cat', undefined, undefined, 'wave']);
});

test('whom the bot speaks for is shown, or where that cannot be, named in the words', async (t) => {
  const shown = await stage(t, { puppets: 'none' });
  shown.p.hs.say(shown.p.bob, shown.room, image());
  await shown.p.settled();
  assert.deepEqual(seen(shown.p), [['causeway', '', 'a picture of a cat', 'Bob']]);
  for (const adapter of [{ shownAs: false }, { fileShownAs: false }, { fileShownAs: false, boxes: true }]) {
    const { p, room } = await stage(t, { puppets: 'none', ...adapter });
    p.hs.say(p.bob, room, image());
    p.hs.say(p.bob, room, image({ filename: 'cat.png', body: 'my cat' }));
    await p.settled();
    assert.deepEqual(seen(p), [
      ['causeway', '* Bob sent an image', 'a picture of a cat', undefined],
      ['causeway', '<Bob> my cat', 'a picture of a cat', undefined],
    ]);
  }
});

test('words too long for one body follow in others, the file once', async (t) => {
  const { p, room } = await stage(t, { bytes: 40, lines: 10 });
  let count = 0;
  p.network.meet = () => {
    count += 1;
    return count === 2 ? 'busy' : undefined;
  };
  p.hs.say(p.alice, room, image({ filename: 'cat.png', body: 'one two three four five six seven eight nine ten eleven' }));
  await p.settled();
  assert.ok(messages(p).length > 1);
  assert.deepEqual(
    messages(p)
      .map(({ carried }) => carried !== undefined)
      .filter(Boolean).length,
    1,
  );
  assert.equal(messages(p)[0]?.carried?.words, 'a picture of a cat');
});

test('a file that the network does not take is told by its address; where that fails too, its sender hears of it', async (t) => {
  const { p, room } = await stage(t);
  p.network.meet = ({ file }) => (file === undefined ? undefined : new PermanentError('NETWORK_REFUSED', 'the file is too large'));
  p.hs.say(p.alice, room, image({ filename: 'cat.png', body: 'my cat' }));
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: sent an image: cat.png (7 B) https://media.test/cat.png — my cat']);
  p.network.meet = () => 'refuse';
  const id = p.hs.say(p.alice, room, image());
  await p.settled();
  assert.deepEqual(p.parts.dead, ['NETWORK_REFUSED']);
  const [status] = p.events(room, 'com.beeper.message_send_status');
  assert.equal((status?.content['m.relates_to'] as { event_id: string } | undefined)?.event_id, id);
});

test('a file that is gone is told by its name; one that cannot be had now is waited for', async (t) => {
  const { p, room } = await stage(t);
  p.hs.say(p.alice, room, image({ url: 'mxc://hs.test/gone' }));
  await p.settled();
  assert.match(p.network.said('#chan')[0] ?? '', /^alice\[m\]: sent an image: cat\.png/);
  p.hs.fault({ path: /media\/download/, times: 1, status: 502 } as never);
  p.hs.say(p.alice, room, image());
  await p.settled();
  assert.equal(messages(p).at(-1)?.carried?.words, 'a picture of a cat');
});

for (const fate of ['doubtful', 'lost'] as const) {
  test(`a file whose outcome is unknown (${fate}) is there once`, async (t) => {
    const { p, room } = await stage(t);
    p.network.script([fate]);
    p.hs.say(p.alice, room, image());
    await p.settled();
    assert.equal(messages(p).length, 1);
  });
}

test('the words beside a file are edited, and the file stays', async (t) => {
  const { p, room } = await stage(t);
  const first = p.hs.say(p.alice, room, image({ filename: 'cat.png', body: 'my cat' }));
  await p.settled();
  const fresh = image({ filename: 'cat.png', body: 'my dog' });
  p.hs.say(p.alice, room, { ...fresh, 'm.new_content': fresh, 'm.relates_to': { rel_type: 'm.replace', event_id: first } });
  await p.settled();
  assert.deepEqual(seen(p), [['alice[m]', 'my dog', 'a picture of a cat', undefined]]);
  const bare = image();
  p.hs.say(p.alice, room, { ...bare, 'm.new_content': bare, 'm.relates_to': { rel_type: 'm.replace', event_id: first } });
  await p.settled();
  assert.deepEqual(seen(p), [['alice[m]', '', 'a picture of a cat', undefined]]);
});

test('a network that takes only addresses is given those, and no file is fetched', async (t) => {
  const { p, room } = await stage(t, { files: 'link' });
  p.hs.say(p.alice, room, image());
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: sent an image: cat.png (7 B) https://media.test/cat.png']);
  assert.ok(!p.hs.requests.some(({ path }) => path.includes('/media/download')));
});
