// One channel in two rooms: what is said in one, and what becomes of it later, is heard in the other as well as it can be shown
// there, whatever the network itself can do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RawEvent } from '../../support/fake-homeserver.ts';
import { until } from '../../support/waiting.ts';
import { type PipelineWish, startPipeline } from './pipeline-rig.ts';

async function twoRooms(t: Parameters<typeof startPipeline>[0], adapter: PipelineWish['adapter'] = {}) {
  const p = await startPipeline(t, { mediaLinks: true, adapter });
  const [here, there] = [p.room(), p.room()];
  await p.link(here, '#chan');
  await p.link(there, '#chan');
  const events = (room: string, type = 'm.room.message') => p.hs.events(room).filter((event) => event.type === type);
  return { p, here, there, events };
}

const edit = (of: string, body: string) => ({
  ...{ msgtype: 'm.text', body: `* ${body}`, 'm.new_content': { msgtype: 'm.text', body } },
  'm.relates_to': { rel_type: 'm.replace', event_id: of },
});
const reaction = (to: string, key: string) => ({ 'm.relates_to': { rel_type: 'm.annotation', event_id: to, key } });
const relates = (event: RawEvent | undefined) => event?.content['m.relates_to'] as Record<string, unknown> | undefined;

const networks: readonly (readonly [name: string, adapter: PipelineWish['adapter']])[] = [
  ['a network with every verb', {}],
  ['a network with threads, files and names', { threads: true, files: 'upload', shownAs: true, puppets: 'none' }],
  ['a network without ids and verbs', { verbs: [], messageIds: false }],
];

for (const [name, adapter] of networks) {
  test(`${name}: an edit is an edit in the other room, under the speaker’s name`, async (t) => {
    const { p, here, there, events } = await twoRooms(t, adapter);
    const first = p.hs.say(p.alice, here, 'first words');
    await p.settled();
    p.hs.say(p.alice, here, edit(first, 'other words entirely'));
    await p.settled();
    const [shown, changed, more] = events(there);
    assert.equal(shown?.content.body, 'Alice: first words');
    assert.deepEqual(relates(changed), { rel_type: 'm.replace', event_id: shown?.event_id });
    const fresh = changed?.content['m.new_content'] as Record<string, unknown>;
    assert.equal(fresh.body, 'Alice: other words entirely');
    assert.equal((fresh['com.beeper.per_message_profile'] as { displayname: string }).displayname, 'Alice');
    assert.equal(more, undefined);
    assert.equal(events(here).length, 2, 'nothing comes back');
  });

  test(`${name}: what is removed here is removed there`, async (t) => {
    const { p, here, there, events } = await twoRooms(t, adapter);
    const first = p.hs.say(p.alice, here, 'first');
    await p.settled();
    p.hs.redact(p.alice, here, first);
    await p.settled();
    const [shown] = events(there);
    assert.deepEqual(
      events(there, 'm.room.redaction').map(({ redacts, sender }) => [redacts, sender]),
      [[shown?.event_id, p.hs.bot]],
    );
    assert.equal(events(there).length, 1);
    assert.equal(events(here, 'm.room.redaction').length, 1);
  });

  test(`${name}: a reaction is one of the bot’s there, in the person’s name, as long as anybody gives it`, async (t) => {
    const { p, here, there, events } = await twoRooms(t, adapter);
    const said = p.hs.say(p.alice, here, 'news');
    await p.settled();
    const one = p.hs.say(p.alice, here, reaction(said, '👍'), 'm.reaction');
    await p.settled();
    const two = p.hs.say(p.bob, here, reaction(said, '👍'), 'm.reaction');
    await p.settled();
    const given = events(there, 'm.reaction');
    assert.equal(given.length, 1);
    assert.deepEqual(relates(given[0]), { rel_type: 'm.annotation', event_id: events(there)[0]?.event_id, key: '👍' });
    assert.equal((given[0]?.content['com.beeper.per_message_profile'] as { displayname: string } | undefined)?.displayname, 'Alice');
    p.hs.redact(p.alice, here, one);
    await p.settled();
    assert.equal(events(there, 'm.room.redaction').length, 0);
    p.hs.redact(p.bob, here, two);
    await p.settled();
    assert.deepEqual(
      events(there, 'm.room.redaction').map(({ redacts }) => redacts),
      [given[0]?.event_id],
    );
    assert.equal(events(there).length, 1, 'and no words of it');
  });

  test(`${name}: what is repeated can be pointed at from where it is shown`, async (t) => {
    const { p, here, there, events } = await twoRooms(t, adapter);
    const said = p.hs.say(p.alice, here, 'news');
    await p.settled();
    const shown = events(there)[0]?.event_id ?? '';
    p.hs.say(p.bob, there, reaction(shown, '🎉'), 'm.reaction');
    p.hs.say(p.bob, there, { msgtype: 'm.text', body: 'indeed', 'm.relates_to': { 'm.in_reply_to': { event_id: shown } } });
    await p.settled();
    assert.deepEqual(relates(events(here, 'm.reaction')[0]), { rel_type: 'm.annotation', event_id: said, key: '🎉' });
    const answer = events(here).at(-1);
    assert.deepEqual(relates(answer), { 'm.in_reply_to': { event_id: said } });
    assert.match(String(answer?.content.body), /^Bob: .*indeed$/);
  });
}

test('on the network what is pointed at through the other room is the very message, with all its parts', async (t) => {
  const { p, here, there, events } = await twoRooms(t, { bytes: 30, lines: 10 });
  p.hs.say(p.alice, here, 'one two three four five six seven eight nine ten');
  await p.settled();
  const shown = events(there)[0]?.event_id ?? '';
  const [first] = p.network.channel('#chan').messages;
  p.hs.say(p.bob, there, reaction(shown, '🎉'), 'm.reaction');
  await p.settled();
  assert.deepEqual([...(first?.reactions ?? [])], ['🎉 bob[m]']);
  p.hs.redact(p.bob, there, shown);
  await p.settled();
  assert.ok(p.network.channel('#chan').messages.length > 1);
  assert.ok(p.network.channel('#chan').messages.every(({ isRedacted }) => isRedacted));
});

test('what the network says of a repeated message reaches both rooms', async (t) => {
  const { p, here, there, events } = await twoRooms(t);
  p.hs.say(p.alice, here, 'news');
  await p.settled();
  const [message] = p.network.channel('#chan').messages;
  p.network.react('zoe', '#chan', message?.id ?? '', '🎉');
  p.network.say('zoe', '#chan', 'indeed', { replyTo: message?.id ?? '' });
  await until('both rooms', () => events(here, 'm.reaction').length + events(there, 'm.reaction').length === 2);
  await until('the answers', () => [here, there].every((room) => events(room).some(({ content }) => content.body === 'indeed')));
  await p.settled();
  for (const room of [here, there]) {
    const [said] = events(room);
    assert.equal(relates(events(room, 'm.reaction')[0])?.event_id, said?.event_id);
    assert.deepEqual(relates(events(room).at(-1)), { 'm.in_reply_to': { event_id: said?.event_id } });
  }
});

for (const threads of [true, false])
  test(`files, stickers and threads look in the other room as they were, on a network with${threads ? '' : 'out'} threads`, async (t) => {
    const { p, here, there, events } = await twoRooms(t, { threads });
    p.hs.world.setProfile(p.alice, { avatar: 'mxc://hs.test/alice' });
    p.hs.join(p.alice, here);
    const info = { mimetype: 'image/png', size: 9, w: 10, h: 10 };
    p.hs.say(p.alice, here, { msgtype: 'm.image', body: 'my cat', filename: 'cat.png', url: 'mxc://hs.test/cat', info });
    const root = p.hs.say(p.alice, here, 'the root');
    await p.settled();
    const relation = { rel_type: 'm.thread', event_id: root, is_falling_back: true, 'm.in_reply_to': { event_id: root } };
    p.hs.say(p.alice, here, { msgtype: 'm.text', body: 'within', 'm.relates_to': relation });
    await p.settled();
    const [file, first, within] = events(there);
    const { msgtype, url, filename, body } = file?.content ?? {};
    assert.deepEqual(
      [msgtype, url, filename, body, file?.content.info],
      ['m.image', 'mxc://hs.test/cat', 'cat.png', 'Alice: my cat', info],
    );
    assert.equal(
      (file?.content['com.beeper.per_message_profile'] as { avatar_url: string } | undefined)?.avatar_url,
      'mxc://hs.test/alice',
    );
    assert.equal(relates(within)?.rel_type, 'm.thread');
    assert.equal(relates(within)?.event_id, first?.event_id);
  });

test('three rooms hear of each change once, and a chain of channels carries it on', async (t) => {
  const p = await startPipeline(t);
  const rooms = [p.room(), p.room(), p.room()];
  for (const room of rooms) await p.link(room, '#one');
  const [here = '' as never, , last = '' as never] = rooms;
  await p.link(last, '#two');
  const said = p.hs.say(p.alice, here, 'first');
  await p.settled();
  p.hs.say(p.alice, here, edit(said, 'second'));
  p.hs.say(p.bob, here, reaction(said, '👍'), 'm.reaction');
  await p.settled();
  for (const room of rooms.slice(1)) {
    assert.equal(p.events(room, 'm.reaction').length, 1);
    assert.deepEqual(
      p.hs.messages(room).map(({ content }) => content.body),
      ['Alice: first', '* Alice: second'],
    );
  }
  assert.deepEqual(p.network.said('#one'), ['alice[m]: second']);
  assert.deepEqual(p.network.said('#two'), ['causeway: <Alice> second']);
  assert.deepEqual([...(p.network.channel('#two').messages[0]?.reactions ?? [])], ['👍 causeway']);
  p.hs.redact(p.alice, here, said);
  await p.settled();
  assert.deepEqual([...p.network.said('#one'), ...p.network.said('#two')], []);
});

test('rooms and channels tied into a circle come to rest', async (t) => {
  const p = await startPipeline(t);
  const [here, there] = [p.room(), p.room()];
  for (const room of [here, there]) for (const name of ['#one', '#two']) await p.link(room, name);
  const said = p.hs.say(p.alice, here, 'first');
  await p.settled();
  p.hs.say(p.alice, here, edit(said, 'second'));
  p.hs.say(p.bob, here, reaction(said, '👍'), 'm.reaction');
  await p.settled();
  p.hs.redact(p.alice, here, said);
  await p.settled();
  assert.ok(p.hs.events(there).length < 60);
  assert.deepEqual(p.parts.dead, []);
});
