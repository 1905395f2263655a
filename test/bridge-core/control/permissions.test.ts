import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Permissions } from '../../../bridge-core/control/permissions.ts';
import { userId } from '../../../bridge-core/ids.ts';
import { room } from '../rig.ts';
import { lastAnswer, linkable, node, start } from './control-rig.ts';

test('who may not link is told what is lacking: a stranger, a plain user, a room admin of another server, an admin without power', async (t) => {
  const { rig, op, links, quiet } = await start(t);
  const carol = rig.fake.user('carol');
  const stranger = '@eve:elsewhere.test';
  rig.fake.world.register(stranger);
  const theirs = rig.fake.createRoom({ creator: stranger, version: '11', members: [rig.bot, carol] });
  rig.fake.say(stranger, theirs, '!irc link #node');
  await quiet();
  assert.match(lastAnswer(rig), /@eve:elsewhere.test may not link channels: .*“admin”.*has “none”/);
  const own = linkable(rig, carol);
  rig.fake.say(carol, own, '!irc link #node');
  await quiet();
  assert.match(lastAnswer(rig), /@carol:hs.test may not link channels: .*“admin”.*has “user”/);
  rig.fake.join(op, own);
  rig.fake.say(op, own, '!irc link #node');
  await quiet();
  assert.match(lastAnswer(rig), /@op:hs.test has power level 0 in the room and needs 50 \(that of m.room.power_levels\) to link it/);
  assert.deepEqual(links.all(), []);
});

test('in a room of version 12 its creators rule, listed or not; others by the level of m.room.power_levels', async (t) => {
  const { rig, op, links, quiet } = await start(t);
  const id = rig.fake.createRoom({ creator: op, levels: { users: { [rig.bot]: 50 } }, members: [rig.bot] });
  rig.fake.say(op, id, '!irc link #node');
  await quiet();
  assert.equal(links.liveOn(node).length, 1);
  const carol = rig.fake.user('carol');
  const also = rig.fake.createRoom({
    creator: carol,
    levels: { users: { [rig.bot]: 50 } },
    creation: { additional_creators: [op] },
    members: [rig.bot, op],
  });
  rig.fake.say(op, also, '!irc link #other');
  await quiet();
  assert.equal(lastAnswer(rig), '#other on Libera is now linked to this room.');
});

test('odd power levels give nobody more than they should', async (t) => {
  const { rig, op, links, quiet } = await start(t);
  for (const levels of [{ users: { [op]: '100x', [rig.bot]: 50 } }, { users: 'all', events: [] }, { users: { [op]: null } }]) {
    const id = rig.fake.createRoom({ creator: rig.fake.user('carol'), version: '11', members: [rig.bot, op] });
    rig.fake.setState('@carol:hs.test', id, 'm.room.power_levels', '', levels);
    rig.fake.say(op, id, '!irc link #node');
    await quiet();
    assert.match(lastAnswer(rig), /needs 50/);
  }
  const old = rig.fake.createRoom({ creator: rig.fake.user('carol'), version: '6', members: [rig.bot, op] });
  rig.fake.setState('@carol:hs.test', old, 'm.room.power_levels', '', {
    users: { [op]: '100', [rig.bot]: '50' },
    events: { 'm.room.power_levels': '100' },
  });
  rig.fake.say(op, old, '!irc link #node');
  await quiet();
  assert.equal(links.liveOn(node).length, 1, 'old rooms wrote levels as words');
});

test('who rules the room may unlink it without being an admin, others may not; links of the config stay', async (t) => {
  const { rig, op, links, plumb, quiet } = await start(t);
  const carol = rig.fake.user('carol');
  const dave = rig.fake.user('dave');
  const id = rig.fake.createRoom({
    creator: op,
    version: '11',
    levels: { users: { [op]: 100, [carol]: 60, [rig.bot]: 50 } },
    members: [rig.bot, carol, dave],
  });
  rig.fake.say(op, id, '!irc plumb libera #node');
  await quiet();
  rig.fake.say(dave, id, '!irc unlink #node');
  await quiet();
  assert.match(lastAnswer(rig), /@dave:hs.test has power level 0/);
  assert.equal(links.all().length, 1);
  rig.fake.say(carol, id, '!irc unlink #node');
  await quiet();
  assert.deepEqual(links.all(), []);
  rig.network.configured = [{ room: room(id), channel: node }];
  plumb.resume();
  await quiet();
  rig.fake.say(op, id, '!irc unlink #node');
  await quiet();
  assert.match(lastAnswer(rig), /stands in the bridge’s config/);
  assert.equal(links.all().length, 1);
});

test('the most exact permission counts', async (t) => {
  const { permissions } = await start(t);
  permissions.replace({ '*': 'user', 'example.org': 'none', '@op:example.org': 'admin' });
  assert.equal(permissions.levelOf(userId('@op:example.org')), 'admin');
  assert.equal(permissions.levelOf(userId('@x:example.org')), 'none');
  assert.equal(permissions.levelOf(userId('@x:elsewhere')), 'user');
  permissions.replace({ 'example.org': 'user' });
  assert.equal(permissions.levelOf(userId('@x:sub.example.org')), 'none');
  assert.equal(permissions.levelOf(userId('@toString:constructor')), 'none');
});

test('who may not link a room does not send the bot out of it while somebody else is allowed to', async (t) => {
  const { rig } = await start(t);
  const op = rig.fake.user('ruler');
  const carol = rig.fake.user('carol');
  const id = room(rig.fake.createRoom({ creator: op, version: '11', levels: { users: { [op]: 100 } }, members: [carol] }));
  rig.fake.invite(op, id, rig.bot);
  const permissions = new Permissions({ levels: { 'hs.test': 'user' }, homeserver: rig.homeserver });
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  // What carol is asking of the room is answered once the other has been allowed to.
  const gate = async () => {
    reach();
    await opened;
  };
  rig.fake.fault({ on: 'GET .*/state$', after: 1, times: 1, act: { gate } });
  const refused = assert.rejects(permissions.mayLink(userId(carol), id), /power level 0/);
  await reached;
  await permissions.mayLink(userId(op), id);
  open();
  await refused;
  assert.ok(rig.fake.members(id).includes(rig.bot));
  const alone = room(rig.fake.createRoom({ creator: op, version: '11', levels: { users: { [op]: 100 } }, members: [carol] }));
  rig.fake.invite(op, alone, rig.bot);
  await assert.rejects(permissions.mayLink(userId(carol), alone), /power level 0/);
  assert.ok(!rig.fake.members(alone).includes(rig.bot), 'where nobody may, it goes again');
});
