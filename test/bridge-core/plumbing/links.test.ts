import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPlaceholder, type LinkChange, Links, placeholderOf } from '../../../bridge-core/plumbing/links.ts';
import { channel, room, startRig } from '../rig.ts';

const one = room('!one:hs.test');
const two = room('!two');

test('links come back after a restart as they were', async (t) => {
  const rig = await startRig(t);
  const links = new Links({ store: rig.store });
  const made = await links.add({ room: one, channel: channel('#a'), origin: 'config', options: { topic: 'both' } });
  const suspended = await links.setState(
    (await links.add({ room: two, channel: channel('#a'), origin: 'command' })).id,
    'suspended',
    'banned',
  );
  const live = await links.set(made.id, { state: 'live', claim: 'success', options: { info: 'x' } });
  const again = new Links({ store: rig.reopen() });
  assert.deepEqual(again.all(), [live, suspended]);
  assert.deepEqual(again.get(made.id)?.options, { topic: 'both', info: 'x' });
  assert.deepEqual(again.liveOn(channel('#a')), [live]);
});

test('what is asked for every message is the same array until a link changes', async (t) => {
  const rig = await startRig(t);
  const links = new Links({ store: rig.store });
  const link = await links.add({ room: one, channel: channel('#a'), origin: 'config', state: 'live' });
  assert.equal(links.liveIn(one), links.liveIn(one));
  assert.equal(links.byRoom(two), links.byChannel(channel('#none')));
  const before = links.liveIn(one);
  await links.setClaim(link.id, 'success');
  assert.notEqual(links.liveIn(one), before);
  await links.setState(link.id, 'suspended', 'why');
  assert.deepEqual(links.liveIn(one), []);
  assert.equal(links.byRoom(one)[0]?.reason, 'why');
  await links.setState(link.id, 'live');
  assert.equal(links.byRoom(one)[0]?.reason, undefined);
});

test('room and channel are linked once', async (t) => {
  const rig = await startRig(t);
  const links = new Links({ store: rig.store });
  await links.add({ room: one, channel: channel('#a'), origin: 'config' });
  await assert.rejects(links.add({ room: one, channel: channel('#A'), origin: 'command' }), { code: 'LINK_EXISTS' });
  assert.equal(links.all().length, 1);
});

test('changes are told in order, and a number never comes twice', async (t) => {
  const rig = await startRig(t);
  const links = new Links({ store: rig.store });
  const told: LinkChange[] = [];
  links.onChange((change) => told.push(change));
  const link = await links.add({ room: one, channel: channel('#a'), origin: 'config' });
  await links.setState(link.id, 'live');
  await links.remove(link.id);
  await links.remove(link.id);
  const next = await links.add({ room: one, channel: channel('#a'), origin: 'config' });
  assert.ok(next.id > link.id);
  assert.deepEqual(
    told.map((change) => [change.was?.state, change.link?.state]),
    [
      [undefined, 'pending'],
      ['pending', 'live'],
      ['live', undefined],
      [undefined, 'pending'],
    ],
  );
});

test('several links change together or not at all', async (t) => {
  const rig = await startRig(t);
  const links = new Links({ store: rig.store });
  const a = await links.add({ room: one, channel: channel('#a'), origin: 'config' });
  const b = await links.add({ room: two, channel: channel('#b'), origin: 'config' });
  await links.add({ room: two, channel: channel('#a'), origin: 'config' });
  // The second change would make a pair that exists already.
  await assert.rejects(
    links.setAll([
      [b.id, { state: 'live' }],
      [a.id, { room: two }],
    ]),
  );
  assert.equal(links.get(b.id)?.state, 'pending');
  assert.deepEqual(links.byRoom(one), [a]);
  assert.deepEqual(new Links({ store: rig.reopen() }).get(b.id)?.state, 'pending');
});

test('of several links those that are gone by then are left out; one alone is told to be', async (t) => {
  const rig = await startRig(t);
  const links = new Links({ store: rig.store });
  const [a, b] = [
    await links.add({ room: one, channel: channel('#a'), origin: 'config' }),
    await links.add({ room: one, channel: channel('#b'), origin: 'config' }),
  ];
  const removed = links.remove(a.id);
  await links.setAll([a, b].map(({ id }) => [id, { room: two }]));
  await removed;
  assert.deepEqual([links.get(a.id), links.get(b.id)?.room], [undefined, two]);
  await links.setAll([[a.id, { room: two }]]);
  await assert.rejects(links.set(a.id, { room: two }), { code: 'LINK_UNKNOWN' });
});

test('a link begun in a unit stands or falls with it', async (t) => {
  const rig = await startRig(t);
  const { store } = rig;
  const links = new Links({ store });
  const wanted = { room: placeholderOf(channel('#chat')), channel: channel('#chat'), origin: 'portal', state: 'wanted' } as const;
  await assert.rejects(
    store.write(() => {
      links.begin(wanted);
      throw new Error('the row could not be written');
    }),
  );
  links.disown(wanted);
  assert.equal(links.find(wanted.room, wanted.channel), undefined);
  const [first, second] = await Promise.all([store.write(() => links.begin(wanted)), store.write(() => links.begin(wanted))]);
  assert.equal(first.id, second.id);
  links.disown(wanted);
  assert.equal(links.find(wanted.room, wanted.channel)?.id, first.id, 'what is on disk is not forgotten');
  const [again] = new Links({ store: rig.reopen() }).byChannel(wanted.channel);
  assert.equal(again?.state, 'wanted');
  assert.ok(isPlaceholder(again.room));
});

test('a link knows every id that its channel had, over a restart too', async (t) => {
  const rig = await startRig(t);
  const links = new Links({ store: rig.store });
  const [a, b, c] = [channel('#a'), channel('#b'), channel('#c')];
  const { id } = await links.add({ room: one, channel: a, origin: 'config' });
  assert.deepEqual(links.formerOf(a), []);
  await links.move(a, b);
  await links.add({ room: two, channel: b, origin: 'command' });
  await links.move(b, c);
  assert.deepEqual(links.formerOf(c), [a, b]);
  const again = new Links({ store: rig.reopen() });
  assert.deepEqual(again.formerOf(c), [a, b]);
  await again.move(c, a);
  assert.deepEqual(again.formerOf(a), [b, c], 'its own id of now is no former one');
  assert.equal(again.get(id)?.channel, a);
});

test('of two links that a move makes one, the one that stays knows what the other knew', async (t) => {
  const rig = await startRig(t);
  const links = new Links({ store: rig.store });
  const [a, b] = [channel('#a'), channel('#b')];
  await links.add({ room: one, channel: a, origin: 'config' });
  const stays = await links.add({ room: one, channel: b, origin: 'config' });
  await links.move(a, b);
  assert.deepEqual(
    links.all().map(({ id }) => id),
    [stays.id],
  );
  assert.deepEqual(links.formerOf(b), [a]);
});
