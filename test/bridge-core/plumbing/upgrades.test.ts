import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { userId } from '../../../bridge-core/ids.ts';
import type { MatrixEvent } from '../../../bridge-core/matrix-event.ts';
import { BridgeInfo } from '../../../bridge-core/plumbing/bridge-info.ts';
import { Links } from '../../../bridge-core/plumbing/links.ts';
import { LoopGuard } from '../../../bridge-core/plumbing/loop-guard.ts';
import { Plumb } from '../../../bridge-core/plumbing/plumb.ts';
import { isTombstone, Upgrades } from '../../../bridge-core/plumbing/upgrades.ts';
import { channel, type Rig, room, startRig } from '../rig.ts';

const node = channel('#node');
const key = 'irc://irc.libera.test/#node';
const infoKey = 'dev.causeway://irc/libera/#node';

function build(rig: Rig, t: TestContext) {
  const { homeserver, network, tell, log } = rig;
  const links = new Links({ store: rig.store });
  const channels = network.adapter.channels;
  const guard = new LoopGuard({ homeserver, links, channels, protocol: 'irc', tell, log, patience: 200 });
  const info = new BridgeInfo({ homeserver, links, channels, protocol: { id: 'irc', name: 'IRC' }, log });
  const plumb = new Plumb({ homeserver, adapter: network.adapter, links, guard, info, tell, log });
  const upgrades = new Upgrades({ homeserver, links, guard, info, channels, configuredLinks: () => network.configured, tell, log });
  const tombstones: MatrixEvent[] = [];
  rig.onEvent = (event) => {
    guard.seen(event);
    if (isTombstone(event)) tombstones.push(event);
  };
  t.after(() => plumb.stop());
  const tombstone = async (): Promise<MatrixEvent> => {
    await rig.fake.drained();
    const event = tombstones.at(-1);
    assert.ok(event);
    return event;
  };
  return { links, plumb, upgrades, tombstone };
}

async function start(t: TestContext, version = '11') {
  const rig = await startRig(t);
  const op = rig.fake.user('op');
  const levels = { users: version === '12' ? { [rig.bot]: 50 } : { [op]: 100, [rig.bot]: 50 } };
  const old = rig.fake.createRoom({ creator: op, version, levels });
  const parts = build(rig, t);
  await parts.plumb.link({ room: room(old), channel: node, origin: 'command', requester: userId(op) });
  await parts.plumb.settled();
  return { rig, op, old, ...parts };
}

/** As Synapse does: what may be done in the old room is done in the new one by the same people. */
function upgrade(rig: Rig, op: string, old: string, version: string, more: object = {}): string {
  const levels = { users: version === '12' ? { [rig.bot]: 50 } : { [op]: 100, [rig.bot]: 50 } };
  const made = rig.fake.createRoom({ creator: op, version, levels, creation: { predecessor: { room_id: old } }, ...more });
  rig.fake.setState(op, old, 'm.room.tombstone', '', { body: 'moved', replacement_room: made });
  return made;
}

test('link, claim and bridge info follow into a room of version 12, whose id names no server', async (t) => {
  const { rig, op, old, links, upgrades, tombstone } = await start(t);
  const before = links.find(room(old), node);
  const made = upgrade(rig, op, old, '12');
  assert.ok(!made.includes(':'));
  await upgrades.follow(await tombstone());
  const link = links.find(room(made), node);
  assert.equal(link?.id, before?.id);
  assert.equal(link?.state, 'live');
  assert.equal(link?.claim, 'success');
  assert.deepEqual(links.byRoom(room(old)), []);
  assert.deepEqual(rig.fake.room(made).stateOf('m.room.bridging', key)?.content, { user_id: op, status: 'success' });
  assert.equal(rig.fake.room(old).stateOf('m.room.bridging', key)?.content.status, 'failure');
  assert.equal(rig.fake.room(made).stateOf('m.bridge', infoKey)?.content.bridgebot, rig.bot);
  assert.ok(rig.fake.requests.some(({ path }) => path.includes(`/join/${made}`)));
});

test('what is unlinked while its room is followed leaves the rest to follow, and its claim to nobody', async (t) => {
  const { rig, op, old, links, plumb, upgrades, tombstone } = await start(t);
  const other = channel('#other');
  await plumb.link({ room: room(old), channel: other, origin: 'command', requester: userId(op) });
  await plumb.settled();
  const made = upgrade(rig, op, old, '11');
  const closed = await tombstone();
  let isUnlinked = false;
  // Once it is claimed in the new room.
  const gate = async () => {
    if (isUnlinked) return;
    isUnlinked = true;
    await links.remove(links.find(room(old), node)?.id ?? 0);
  };
  rig.fake.fault({ on: `PUT .*/rooms/${made}/state/m.room.bridging/${key}`, act: { gate }, times: 1 });
  await upgrades.follow(closed);
  assert.equal(isUnlinked, true);
  assert.deepEqual(
    links.byRoom(room(made)).map((link) => link.channel),
    [other],
  );
  assert.deepEqual(links.byRoom(room(old)), []);
  assert.equal(rig.fake.room(made).stateOf('m.room.bridging', key)?.content.status, 'failure');
});

test('who runs the bridge is told to name the new room in the config, of links that stand there alone', async (t) => {
  for (const byCommand of [undefined, true] as const) {
    const rig = await startRig(t);
    const op = rig.fake.user('op');
    const old = rig.fake.createRoom({ creator: op, version: '11', members: [rig.bot], levels: { users: { [op]: 100, [rig.bot]: 50 } } });
    const { links, upgrades, tombstone } = build(rig, t);
    rig.network.configured = [{ room: room(old), channel: node, ...(byCommand && { byCommand }) }];
    await links.add({ room: room(old), channel: node, origin: 'config', state: 'live' });
    const made = upgrade(rig, op, old, '11');
    await upgrades.follow(await tombstone());
    assert.equal(links.find(room(made), node)?.state, 'live');
    assert.equal(rig.log.lines.filter((line) => line.includes('name the new one there')).length, byCommand ? 0 : 1);
  }
});

test('done again after a crash, nothing happens twice', async (t) => {
  const { rig, op, old, links, upgrades, tombstone } = await start(t, '12');
  const made = upgrade(rig, op, old, '12');
  const event = await tombstone();
  await upgrades.follow(event);
  const count = rig.fake.events(made).length;
  await upgrades.follow(event);
  assert.equal(rig.fake.events(made).length, count);
  assert.equal(links.all().length, 1);
});

test('a crash before the links moved is mended by doing it again', async (t) => {
  const { rig, op, old, links, upgrades, tombstone } = await start(t);
  const made = upgrade(rig, op, old, '11');
  const event = await tombstone();
  const setAll = links.setAll.bind(links);
  links.setAll = async () => {
    throw new Error('killed');
  };
  await assert.rejects(upgrades.follow(event), /killed/);
  links.setAll = setAll;
  await upgrades.follow(event);
  assert.equal(links.find(room(made), node)?.claim, 'success');
});

test('a closed new room is entered once the bot is invited, whoever invites', async (t) => {
  const { rig, op, old, links, upgrades, tombstone } = await start(t);
  const made = upgrade(rig, op, old, '12', { joinRule: 'invite' });
  await assert.rejects(upgrades.follow(await tombstone()), { code: 'FORBIDDEN_IN_ROOM', message: /invite it/, after: 3000 });
  assert.equal(upgrades.awaits(room(made)), true);
  assert.equal(links.find(room(old), node)?.state, 'live');
  rig.fake.invite(op, made, rig.bot);
  await upgrades.invited(room(made));
  assert.equal(links.find(room(made), node)?.state, 'live');
  assert.equal(upgrades.awaits(room(made)), false);
});

test('a room that does not name the old one is not followed', async (t) => {
  const { rig, op, old, links, upgrades, tombstone } = await start(t);
  const strange = rig.fake.createRoom({ creator: rig.fake.user('mallory') });
  rig.fake.setState(op, old, 'm.room.tombstone', '', { replacement_room: strange });
  await upgrades.follow(await tombstone());
  assert.equal(links.find(room(old), node)?.state, 'live');
  assert.ok(!rig.fake.members(strange).includes(rig.bot));
  assert.match(rig.told[0]?.text ?? '', /does not name this one as its predecessor/);
});

test('rooms that name one another end the link, which would never come to rest', async (t) => {
  const { rig, op, old, links, upgrades, tombstone } = await start(t);
  const made = upgrade(rig, op, old, '11');
  const event = await tombstone();
  // As a homeserver can that makes the ids of its rooms as it likes.
  Object.assign(rig.fake.room(old).stateOf('m.room.create')?.content ?? {}, { predecessor: { room_id: made } });
  rig.fake.setState(op, made, 'm.room.tombstone', '', { replacement_room: old });
  await upgrades.follow(event);
  assert.deepEqual(
    links.all().map(({ room: in_, state, reason }) => [in_, state, reason]),
    [[made, 'suspended', 'the room was closed and no new one named']],
  );
});

test('an encrypted new room suspends the link there, with a notice', async (t) => {
  const { rig, op, old, links, upgrades, tombstone } = await start(t);
  const made = upgrade(rig, op, old, '12', { encrypted: true });
  await upgrades.follow(await tombstone());
  assert.equal(links.find(room(made), node)?.state, 'suspended');
  assert.deepEqual(rig.network.unwatched, [node]);
  assert.match(rig.told.find((each) => each.room === made)?.text ?? '', /is encrypted/);
});

test('without power in the new room the link is carried on unclaimed', async (t) => {
  const { rig, op, old, links, upgrades, tombstone } = await start(t);
  const made = upgrade(rig, op, old, '12', { levels: {} });
  await upgrades.follow(await tombstone());
  assert.equal(links.find(room(made), node)?.state, 'live');
  assert.equal(links.find(room(made), node)?.claim, 'none');
});

test('what another bridge holds in the new room stays theirs', async (t) => {
  const { rig, op, old, links, upgrades, tombstone } = await start(t);
  const other = rig.fake.user('otherbot');
  const made = upgrade(rig, op, old, '12', { members: [other] });
  rig.fake.setState(other, made, 'm.room.bridging', key, { user_id: other, status: 'success' });
  await upgrades.follow(await tombstone());
  assert.equal(links.find(room(made), node)?.state, 'suspended');
  assert.equal(rig.fake.room(made).stateOf('m.room.bridging', key)?.sender, other);
});

test('a config that still names the old room keeps the link where it is now', async (t) => {
  const { rig, op, old, plumb, links, upgrades, tombstone } = await start(t);
  const other = channel('#other');
  rig.network.configured = [{ room: room(old), channel: other }];
  plumb.resume();
  await plumb.settled();
  const made = upgrade(rig, op, old, '12');
  await upgrades.follow(await tombstone());
  rig.reopen();
  const again = build(rig, t);
  again.plumb.resume();
  await again.plumb.settled();
  assert.deepEqual(
    again.links.all().map((link) => [link.room, link.channel, link.state]),
    links.all().map((link) => [link.room, link.channel, link.state]),
  );
  assert.equal(again.links.find(room(made), other)?.state, 'live');
});

test('a room that is closed without a new one is told so, once and with the reason, and is not linked again by a restart', async (t) => {
  const { rig, op, old, links, plumb, upgrades, tombstone } = await start(t);
  const other = channel('#other');
  rig.network.configured = [{ room: room(old), channel: other }];
  plumb.resume();
  await plumb.settled();
  rig.fake.setState(op, old, 'm.room.tombstone', '', { body: 'closed' });
  const event = await tombstone();
  await upgrades.follow(event);
  await upgrades.follow(event);
  const standing = (of: typeof links) => of.all().map(({ channel, state, reason }) => [channel, state, reason]);
  const reason = 'the room was closed and no new one named';
  assert.deepEqual(standing(links), [
    [node, 'suspended', reason],
    [other, 'suspended', reason],
  ]);
  assert.deepEqual(rig.told, [{ room: old, text: 'This room was closed and no new one named: it is no longer linked to #node, #other.' }]);
  assert.equal(rig.log.lines.filter((line) => line.includes(`not linked any more: ${reason}`)).length, 1);

  rig.reopen();
  const again = build(rig, t);
  again.plumb.resume();
  await again.plumb.settled();
  assert.deepEqual(standing(again.links), standing(links));
  assert.equal(rig.told.length, 1);
  await assert.rejects(again.plumb.link({ room: room(old), channel: channel('#third'), origin: 'command', requester: userId(op) }), {
    code: 'ROOM_CLOSED',
    message: reason,
  });
});

test('a config that names a room which was replaced is told the new one', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const gone = rig.fake.createRoom({ creator: op, version: '11', levels: { users: { [op]: 100, [rig.bot]: 50 } } });
  rig.fake.setState(op, gone, 'm.room.tombstone', '', { body: 'moved', replacement_room: '!next:hs.test' });
  rig.network.configured = [{ room: room(gone), channel: channel('#other') }];
  plumb.resume();
  await plumb.settled();
  const [link] = links.byRoom(room(gone));
  assert.deepEqual([link?.state, link?.reason], ['suspended', 'the room was closed and !next:hs.test took its place: link that one']);
  rig.fake.setState(op, gone, 'm.room.tombstone', '', {});
  plumb.reconsider(room(gone));
  await plumb.settled();
  assert.equal(links.byRoom(room(gone))[0]?.state, 'live', 'it was opened again');
});
