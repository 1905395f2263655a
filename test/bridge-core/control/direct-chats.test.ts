import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { channel, room } from '../rig.ts';
import { answers, build, lastAnswer, linkable, node, start } from './control-rig.ts';

test('an invited bot greets in a direct chat, where no prefix is needed', async (t) => {
  const { rig, op, links, quiet } = await start(t);
  const target = linkable(rig, op, { alias: '#target:hs.test' });
  const dm = rig.fake.createRoom({ creator: op, joinRule: 'invite', invite: [rig.bot], isDirect: true });
  await quiet();
  assert.ok(rig.fake.members(dm).includes(rig.bot));
  assert.match(answers(rig, dm)[0] ?? '', /^Hello, I am the IRC bridge\.[\s\S]*link \[room\]/);
  rig.fake.say(op, dm, 'link #node');
  await quiet();
  assert.match(lastAnswer(rig), /which room\? Give its id or alias/);
  rig.fake.say(op, dm, 'link #target:hs.test libera #node');
  await quiet();
  assert.equal(links.find(room(target), node)?.state, 'live');
  assert.equal(lastAnswer(rig), `#node on Libera is now linked to ${target}.`);
  rig.fake.say(op, dm, `!unlink ${target} #node`);
  await quiet();
  assert.deepEqual(links.all(), []);
  rig.fake.say(op, dm, 'hello?');
  await quiet();
  assert.match(lastAnswer(rig), /^I do not know “hello\?”/);
});

test('what somebody says as soon as the bot is there is answered, while the room is still being looked at', async (t) => {
  const { rig, op, directChats, quiet } = await start(t);
  rig.fake.fault({ on: 'GET .*/(?:state|joined_members|members)', act: { wait: 500 }, times: 10 });
  const dm = rig.fake.createRoom({ creator: op, joinRule: 'invite', invite: [rig.bot], isDirect: true });
  const looks = ({ method, path }: { method: string; path: string }) =>
    method === 'GET' && decodeURIComponent(path).includes(dm) && /state|members/.test(path);
  await until('the look at the room', () => rig.fake.requests.some(looks) || undefined);
  assert.ok(directChats.isDirect(room(dm)));
  rig.fake.say(op, dm, 'whoami');
  await quiet();
  assert.ok(answers(rig, dm).some((answer) => !answer.startsWith('Hello')));
});

test('a direct chat that the bot is put out of is none any more', async (t) => {
  const { rig, op, directChats, notes, quiet } = await start(t);
  const dm = rig.fake.createRoom({ creator: op, joinRule: 'invite', invite: [rig.bot], isDirect: true });
  await quiet();
  assert.ok(directChats.isDirect(room(dm)));
  rig.fake.kick(op, dm, rig.bot);
  await quiet();
  assert.equal(directChats.isDirect(room(dm)), false);
  assert.equal(notes.get(`direct:${dm}`), undefined);
});

test('a stranger’s invitation is declined with the reason', async (t) => {
  const { rig, quiet } = await start(t);
  const stranger = '@eve:elsewhere.test';
  rig.fake.world.register(stranger);
  const dm = rig.fake.createRoom({ creator: stranger, joinRule: 'invite', invite: [rig.bot], isDirect: true });
  await quiet();
  const member = rig.fake.room(dm).stateOf('m.room.member', rig.bot);
  assert.equal(member?.content.membership, 'leave');
  assert.match(String(member?.content.reason), /@eve:elsewhere.test may not use this bridge/);
  assert.deepEqual(rig.told, []);
});

test('an invitation of a ghost is declined with the reason; ours are not', async (t) => {
  const { rig, op, quiet } = await start(t);
  const ghost = rig.fake.user('irc_libera_alice');
  const id = rig.fake.createRoom({ creator: op, joinRule: 'invite', invite: [ghost, rig.bot] });
  rig.fake.join(rig.bot, id);
  await quiet();
  const member = rig.fake.room(id).stateOf('m.room.member', ghost);
  assert.equal(member?.content.membership, 'leave');
  assert.match(String(member?.content.reason), /private chats .* are not carried/);
  rig.fake.invite(rig.bot, id, ghost);
  await quiet();
  assert.equal(rig.fake.room(id).membership(ghost), 'invite');
});

test('an encrypted direct chat is answered in clear and goes on in a room that cannot be encrypted', async (t) => {
  const { rig, op, quiet, directChats } = await start(t);
  const dm = rig.fake.createRoom({ creator: op, joinRule: 'invite', invite: [rig.bot], isDirect: true, encrypted: true });
  await quiet();
  const [said] = rig.fake.messages(dm);
  assert.equal(said?.sender, rig.bot);
  assert.equal(said?.content['dev.causeway.notice'], true);
  assert.ok(!rig.fake.members(dm).includes(rig.bot));
  const own = [...rig.fake.world.rooms.keys()].find((id) => id !== dm) ?? '';
  assert.match(String(said?.content.body), new RegExp(`cannot read encrypted messages.*${own}`));
  assert.equal(rig.fake.room(own).membership(op), 'invite');
  assert.equal(rig.fake.room(own).stateOf('m.room.encryption'), undefined);
  assert.match(answers(rig, own)[0] ?? '', /^Hello/);
  rig.fake.join(op, own);
  await quiet();
  assert.equal(directChats.isDirect(room(own)), true);
  assert.ok(rig.fake.room(own).power(op) < rig.fake.room(own).needsFor('m.room.encryption', true));
  rig.fake.say(op, own, 'status');
  await quiet();
  assert.match(lastAnswer(rig), /Libera: connected/);
  const again = rig.fake.createRoom({ creator: op, joinRule: 'invite', invite: [rig.bot], isDirect: true, encrypted: true });
  await quiet();
  assert.equal(rig.fake.world.rooms.size, 3, 'the chat that there is already is used again');
  assert.match(String(rig.fake.messages(again)[0]?.content.body), new RegExp(own));
});

test('a direct chat that is encrypted later moves too, also after a restart', async (t) => {
  const first = await start(t);
  const { rig, op } = first;
  const dm = rig.fake.createRoom({ creator: op, joinRule: 'invite', invite: [rig.bot], isDirect: true });
  await first.quiet();
  rig.reopen();
  const second = build(rig, t);
  assert.equal(second.directChats.isDirect(room(dm)), true);
  rig.fake.setState(op, dm, 'm.room.encryption', '', { algorithm: 'm.megolm.v1.aes-sha2' });
  rig.fake.say(op, dm, { ciphertext: 'x' }, 'm.room.encrypted');
  await second.quiet();
  assert.ok(!rig.fake.members(dm).includes(rig.bot));
  assert.equal(rig.fake.world.rooms.size, 2);
  assert.deepEqual(second.failed, []);
});

test('a linked room that becomes encrypted is suspended with one clear notice', async (t) => {
  const { rig, op, links, quiet } = await start(t);
  const id = linkable(rig, op);
  for (const name of ['#node', '#other']) rig.fake.say(op, id, `!irc link ${name}`);
  await quiet();
  rig.fake.setState(op, id, 'm.room.encryption', '', { algorithm: 'm.megolm.v1.aes-sha2' });
  rig.fake.say(op, id, { ciphertext: 'x' }, 'm.room.encrypted');
  await quiet();
  assert.deepEqual(
    links.byRoom(room(id)).map(({ state, reason }) => [state, reason]),
    Array(2).fill(['suspended', 'the room is encrypted']),
  );
  assert.equal(answers(rig, id).filter((text) => text.includes('is encrypted now')).length, 1);
  assert.deepEqual(rig.network.unwatched.sort(), [node, channel('#other')].sort());
});

test('an encrypted event in a room that is not encrypted changes nothing there', async (t) => {
  const { rig, op, links, failed, directChats, quiet } = await start(t);
  const id = linkable(rig, op);
  const dm = rig.fake.createRoom({ creator: op, joinRule: 'invite', invite: [rig.bot], isDirect: true });
  rig.fake.say(op, id, '!irc link #node');
  await quiet();
  const member = rig.fake.user('eve');
  rig.fake.join(member, id);
  rig.fake.say(member, id, { ciphertext: 'x' }, 'm.room.encrypted');
  rig.fake.say(op, dm, { ciphertext: 'x' }, 'm.room.encrypted');
  await quiet();
  assert.equal(links.find(room(id), node)?.state, 'live');
  assert.ok(directChats.isDirect(room(dm)));
  assert.ok(!answers(rig).some((text) => /encrypted now/.test(text)));
  assert.deepEqual(failed, []);
});

test('an invitation to an encrypted room is answered with why it cannot be linked', async (t) => {
  const { rig, op, quiet } = await start(t);
  const id = rig.fake.createRoom({ creator: op, joinRule: 'invite', name: 'Secret', encrypted: true, invite: [rig.bot] });
  await quiet();
  assert.match(answers(rig, id)[0] ?? '', /encrypted, so it cannot be linked/);
  rig.fake.say(op, id, '!irc link #node');
  await quiet();
  assert.match(lastAnswer(rig), /is encrypted.*use one without encryption/);
});

test('a room of the config is entered whoever invites, and linked; a bot that is put out suspends its links until it is back', async (t) => {
  const { rig, plumb, links, roster, quiet } = await start(t);
  const stranger = '@eve:elsewhere.test';
  rig.fake.world.register(stranger);
  const id = rig.fake.createRoom({
    creator: stranger,
    version: '11',
    joinRule: 'invite',
    levels: { users: { [stranger]: 100, [rig.bot]: 50 } },
  });
  rig.network.configured = [{ room: room(id), channel: node }];
  plumb.resume();
  await quiet();
  assert.equal(links.find(room(id), node)?.state, 'suspended');
  rig.fake.invite(stranger, id, rig.bot);
  await quiet();
  assert.equal(links.find(room(id), node)?.state, 'live');
  rig.fake.kick(stranger, id, rig.bot, 'enough');
  await quiet();
  assert.equal(links.find(room(id), node)?.state, 'suspended');
  assert.match(links.find(room(id), node)?.reason ?? '', /removed from the room by @eve:elsewhere.test \(enough\)/);
  assert.deepEqual(roster.joined(room(id)), []);
  rig.fake.invite(stranger, id, rig.bot);
  await quiet();
  assert.equal(links.find(room(id), node)?.state, 'live');
});

test('power given to the bot claims what went live without it', async (t) => {
  const { rig, op, plumb, links, quiet } = await start(t);
  const id = rig.fake.createRoom({ creator: op, version: '11', members: [rig.bot] });
  rig.network.configured = [{ room: room(id), channel: node }];
  plumb.resume();
  await quiet();
  assert.equal(links.find(room(id), node)?.claim, 'none');
  rig.fake.setState(op, id, 'm.room.power_levels', '', { users: { [op]: 100, [rig.bot]: 50 } });
  await quiet();
  assert.equal(links.find(room(id), node)?.claim, 'success');
});

test('a chat of two that its client forgot to mark is direct all the same; an open room of two is a room to be linked', async (t) => {
  const { rig, op, links, quiet } = await start(t);
  const chat = rig.fake.createRoom({ creator: op, joinRule: 'invite', invite: [rig.bot] });
  await quiet();
  rig.fake.say(op, chat, 'status');
  await quiet();
  assert.match(lastAnswer(rig), /Libera: connected/);
  const open = rig.fake.createRoom({ creator: op, version: '11', levels: { users: { [op]: 100, [rig.bot]: 50 } }, invite: [rig.bot] });
  await quiet();
  assert.match(lastAnswer(rig), /says “!irc link #channel” here/);
  const before = rig.told.length;
  rig.fake.say(op, open, 'status');
  await quiet();
  assert.equal(rig.told.length, before);
  rig.fake.say(op, open, '!irc link #node');
  await quiet();
  assert.equal(links.find(room(open), node)?.state, 'live');
});
