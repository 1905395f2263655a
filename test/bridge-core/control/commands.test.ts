import assert from 'node:assert/strict';
import { test } from 'node:test';
import { userId } from '../../../bridge-core/ids.ts';
import { person, room } from '../rig.ts';
import { answers, lastAnswer, linkable, node, start } from './control-rig.ts';

test('an admin links in the room, lists, and unlinks', async (t) => {
  const { rig, op, links, quiet } = await start(t);
  const id = linkable(rig, op);
  rig.fake.say(op, id, '!irc link #node');
  await quiet();
  assert.equal(links.find(room(id), node)?.state, 'live');
  assert.equal(lastAnswer(rig), '#node on Libera is now linked to this room.');
  rig.fake.say(op, id, '!irc list');
  await quiet();
  assert.equal(lastAnswer(rig), '#node on Libera, from command, live');
  rig.fake.say(op, id, '!IRC unlink');
  await quiet();
  assert.equal(lastAnswer(rig), '#node is no longer linked to this room.');
  assert.deepEqual(links.all(), []);
});

test('a command that is carried out again after a crash acts once and answers the same', async (t) => {
  const { rig, op, links, acts, acted, quiet } = await start(t);
  const id = linkable(rig, op);
  rig.fake.say(op, id, '!irc link #node');
  await quiet();
  const event = acted.find(({ type }) => type === 'm.room.message');
  assert.ok(event);
  const events = rig.fake.events(id).length;
  await acts.act(event);
  assert.equal(links.all().length, 1);
  assert.equal(rig.fake.events(id).length, events);
  assert.deepEqual(answers(rig, id).slice(-2), Array(2).fill('#node on Libera is now linked to this room.'));
});

test('what is no command goes where messages go', async (t) => {
  const { rig, op, acted, quiet } = await start(t);
  const id = linkable(rig, op);
  for (const said of ['hello', '!ircd restart', 'irc help', '!slack help']) rig.fake.say(op, id, said);
  rig.fake.say(op, id, { msgtype: 'm.notice', body: '!irc help' });
  rig.fake.say(op, id, { msgtype: 'm.text', body: '* !irc help', 'm.relates_to': { rel_type: 'm.replace', event_id: '$x' } });
  rig.fake.say(rig.bot, id, '!irc help');
  await quiet();
  assert.deepEqual(acted, []);
});

test('help prints the table, an unknown word gets it too, and only the first line counts', async (t) => {
  const { rig, op, quiet } = await start(t);
  const id = linkable(rig, op);
  rig.fake.say(op, id, '!irc help');
  await quiet();
  for (const word of ['link', 'unlink', 'list', 'status', 'whois', 'nick', 'help'])
    assert.match(lastAnswer(rig), new RegExp(`^${word}`, 'm'));
  rig.fake.say(op, id, '!irc frobnicate now');
  await quiet();
  assert.match(lastAnswer(rig), /^I do not know “frobnicate”\. [\s\S]*^help/m);
  rig.fake.say(op, id, '!irc status\n!irc link #node');
  await quiet();
  assert.match(lastAnswer(rig), /^Libera: connected, 1 session\n0 links$/);
});

test('status, whois and nick answer people, and not those who may not use the bridge', async (t) => {
  const { rig, op, quiet } = await start(t);
  const carol = rig.fake.user('carol');
  const banned = rig.fake.user('banned');
  const id = linkable(rig, op, { members: [rig.bot, carol, banned] });
  rig.fake.say(op, id, '!irc link #node');
  rig.network.known.set(person('alice').id, { ...person('Alice'), detail: '“Alice L.”, logged in as al' });
  await quiet();
  const ask = async (who: string, what: string) => {
    rig.fake.say(who, id, `!irc ${what}`);
    await quiet();
    return lastAnswer(rig);
  };
  assert.equal(await ask(carol, 'status'), 'Libera: connected');
  const alice = 'Alice on Libera is @irc_libera_alice:hs.test in Matrix: “Alice L.”, logged in as al.';
  for (const network of ['libera', 'Libera', 'irc.libera.test']) assert.equal(await ask(carol, `whois ${network} ALICE`), alice);
  for (const words of ['alice', 'nowhere alice'])
    assert.match(await ask(carol, `whois ${words}`), /on which network\? Give one of libera \(Libera\), oftc \(OFTC\) before the name/);
  assert.equal(
    await ask(carol, 'whois @irc_libera_alice:hs.test'),
    '@irc_libera_alice:hs.test stands for Alice on Libera: “Alice L.”, logged in as al.',
  );
  assert.equal(await ask(carol, 'whois oftc/alice'), 'There is nobody called alice on OFTC.');
  assert.equal(await ask(carol, `whois ${carol}`), `${carol} has no session on the network.`);
  const { self } = await rig.network.adapter.session({ as: 'user', user: userId(carol) }, node);
  rig.network.known.set(self, { ...person('Carol[m]'), id: self });
  assert.equal(await ask(carol, `whois ${carol}`), `${carol} is Carol[m] on Libera.`);
  assert.equal(await ask(carol, 'nick Caro'), 'You are now Caro on Libera.');
  assert.equal(await ask(carol, 'nick libera taken'), 'taken cannot be had on Libera; you are taken1.');
  assert.deepEqual(rig.network.renamed[0], { user: carol, channel: node, wanted: 'Caro' });
  for (const verb of ['status', 'whois libera alice', 'nick x', 'list', 'unlink', 'link #node'])
    assert.match(await ask(banned, verb), /^That was not done: @banned:hs.test may not .*has “none”/, verb);
});

test('an admin may name an open room that the bot is not in; one without power there leaves no trace', async (t) => {
  const { rig, op, links, quiet } = await start(t);
  const dm = rig.fake.createRoom({ creator: op, joinRule: 'invite', invite: [rig.bot], isDirect: true });
  await quiet();
  const open = rig.fake.createRoom({ creator: op, version: '11', levels: { users: { [op]: 100, [rig.bot]: 50 } } });
  rig.fake.say(op, dm, `link ${open} #node`);
  await quiet();
  assert.equal(links.find(room(open), node)?.state, 'live');
  const theirs = rig.fake.createRoom({ creator: rig.fake.user('carol') });
  rig.fake.say(op, dm, `link ${theirs} #other`);
  await quiet();
  assert.match(lastAnswer(rig), /power level 0/);
  assert.ok(!rig.fake.members(theirs).includes(rig.bot));
});

test('who comes into a linked room is told of where that matters, and not for a new name', async (t) => {
  const { rig, op, arrivals, quiet } = await start(t);
  const id = linkable(rig, op);
  rig.fake.join(rig.fake.user('early'), id);
  rig.fake.say(op, id, '!irc link #node');
  await quiet();
  const carol = rig.fake.user('carol', 'Carol');
  rig.fake.join(carol, id);
  rig.fake.world.setProfile(carol, { name: 'Caro' });
  await quiet();
  assert.deepEqual(arrivals, [carol]);
});

test('in a direct chat a channel alone names its link', async (t) => {
  const { rig, op, links, quiet } = await start(t);
  const one = linkable(rig, op);
  const dm = rig.fake.createRoom({ creator: op, joinRule: 'invite', invite: [rig.bot], isDirect: true });
  const ask = async (line: string) => {
    rig.fake.say(op, dm, line);
    await quiet();
    return lastAnswer(rig);
  };
  await quiet();
  await ask(`link ${one} #node`);
  assert.equal(await ask('unlink #node'), `#node is no longer linked to ${one}.`);
  assert.match(await ask('unlink #nowhere'), /which room\?/);
  assert.deepEqual(links.all(), []);
});
