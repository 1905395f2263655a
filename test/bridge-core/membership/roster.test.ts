import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type UserId, userId } from '../../../bridge-core/ids.ts';
import { Roster } from '../../../bridge-core/membership/roster.ts';
import { room, startRig } from '../rig.ts';

const one = room('!one:hs.test');
const anna = userId('@anna:hs.test');
const nobody = async () => new Map<UserId, { name?: string }>();

test('who is where outlives a restart', async (t) => {
  const rig = await startRig(t);
  const roster = new Roster({ store: rig.store, members: nobody });
  await rig.store.write(() => {
    roster.set(one, anna, 'join', 'Anna', 'mxc://hs.test/anna');
    roster.set(one, userId('@ben:hs.test'), 'invite');
  });
  const again = new Roster({ store: rig.reopen(), members: nobody });
  assert.deepEqual(again.joined(one), [anna]);
  assert.deepEqual(again.present(one), [anna, '@ben:hs.test']);
  assert.equal(again.nameOf(one, anna), 'Anna');
  assert.equal(again.avatarOf(one, anna), 'mxc://hs.test/anna');
  assert.equal(again.membership(one, userId('@carl:hs.test')), 'leave');
});

test('only what is new counts as a change', async (t) => {
  const rig = await startRig(t);
  const roster = new Roster({ store: rig.store, members: nobody });
  await rig.store.write(() => {
    assert.equal(roster.set(one, anna, 'leave'), false);
    assert.equal(roster.set(one, anna, 'join', 'Anna'), true);
    assert.equal(roster.set(one, anna, 'join', 'Anna'), false);
    assert.equal(roster.set(one, anna, 'join', 'Annie'), true);
    assert.equal(roster.set(one, anna, 'join', 'Annie', 'mxc://hs.test/a'), true);
    assert.equal(roster.set(one, anna, 'join', 'Annie', 'mxc://hs.test/a'), false);
    assert.equal(roster.set(one, anna, 'leave'), true);
  });
  assert.deepEqual(roster.joined(one), []);
});

test('a refresh takes the list of ten thousand, keeps bans, and lets an event that came meanwhile stand', async (t) => {
  const rig = await startRig(t);
  const list = new Map(Array.from({ length: 10_000 }, (_, number) => [userId(`@u${number}:hs.test`), { name: `U${number}` }] as const));
  const answer = Promise.withResolvers<typeof list>();
  const roster = new Roster({ store: rig.store, members: () => answer.promise });
  const gone = userId('@gone:hs.test');
  const banned = userId('@banned:hs.test');
  await rig.store.write(() => {
    roster.set(one, gone, 'join');
    roster.set(one, banned, 'ban');
  });
  const refreshed = roster.refresh(one);
  await rig.store.write(() => {
    roster.set(one, userId('@u1:hs.test'), 'join', 'U1');
    roster.set(one, userId('@u1:hs.test'), 'leave');
    roster.set(one, anna, 'join', 'Anna');
  });
  const begun = process.cpuUsage();
  answer.resolve(list);
  await refreshed;
  assert.ok(process.cpuUsage(begun).user < 2_000_000, 'not each compared with each');
  assert.equal(roster.joined(one).length, 10_000);
  assert.equal(roster.isIn(one, anna), true);
  assert.equal(roster.isIn(one, userId('@u1:hs.test')), false);
  assert.equal(roster.isIn(one, gone), false);
  assert.equal(roster.membership(one, banned), 'ban');
});

test('a room that is forgotten is unknown on disk too', async (t) => {
  const rig = await startRig(t);
  const roster = new Roster({ store: rig.store, members: nobody });
  await rig.store.write(() => roster.set(one, anna, 'join'));
  await rig.store.write(() => roster.forget(one));
  assert.deepEqual(roster.joined(one), []);
  assert.deepEqual(new Roster({ store: rig.reopen(), members: nobody }).joined(one), []);
});

test('who is called as another in the room is known for it, as they come, go and change their names', async (t) => {
  const rig = await startRig(t);
  const roster = new Roster({ store: rig.store, members: nobody });
  const ben = userId('@ben:hs.test');
  const told = (user: UserId, membership: 'join' | 'invite' | 'leave', name?: string) =>
    rig.store.write(() => void roster.set(one, user, membership, name));
  await told(anna, 'join', 'Anna');
  await told(ben, 'invite', 'Anna');
  assert.equal(roster.hasNamesake(one, anna), false);
  await told(ben, 'join', 'Anna');
  assert.deepEqual([roster.hasNamesake(one, anna), roster.hasNamesake(one, ben)], [true, true]);
  await told(ben, 'join', 'Ben');
  assert.equal(roster.hasNamesake(one, anna), false);
  await told(ben, 'join', 'Anna');
  await told(ben, 'leave');
  assert.equal(roster.hasNamesake(one, anna), false);
  assert.equal(roster.hasNamesake(one, ben), false);
});
