// Words of the bridge's admins that people know from older bridges, over a whole bridge.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inFake } from '../../support/fake-adapter.ts';
import { startFakeBridge } from '../../support/fake-bridge.ts';
import { until } from '../../support/waiting.ts';

test('an admin sends the bot into rooms and out of them with all its ghosts, sees which are of no use, and filters what is linked', async (t) => {
  const bridge = await startFakeBridge(t, { permissions: { 'hs.test': 'admin', '@eve:hs.test': 'user' } });
  const { homeserver, network, room, person } = bridge;
  const { bot } = homeserver;
  const eve = homeserver.user('eve', 'Eve');
  homeserver.invite(person, room, eve);
  homeserver.join(eve, room);
  const bodies = (where: string) => homeserver.messages(where).map(({ content }) => String(content.body));
  const ask = async (by: string, words: string): Promise<string> => {
    const before = bodies(room).length;
    homeserver.say(by, room, `!fake ${words}`);
    return await until(`an answer to ${words}`, () => bodies(room).slice(before + 1)[0]);
  };
  const other = homeserver.createRoom({ creator: person });
  homeserver.setState(person, other, 'm.room.name', '', { name: 'Of no use' });
  homeserver.setState(person, other, 'm.room.join_rules', '', { join_rule: 'public' });
  assert.match(await ask(eve, `enter ${other}`), /may not send me into rooms/);
  assert.match(await ask(person, 'enter nowhere'), /which room/);
  assert.equal(await ask(person, `join ${other}`), `I am in ${other}.`);
  assert.ok(homeserver.members(other).includes(bot));
  // A chat with the bot is of use.
  const chat = homeserver.createRoom({ creator: person });
  homeserver.invite(person, chat, bot, { is_direct: true });
  await until('the greeting', () => bodies(chat).length > 0 || undefined);
  assert.equal(await ask(person, 'stalerooms'), `${other} (Of no use)`);
  assert.match(await ask(eve, 'stale'), /may not see all my rooms/);
  // What it is called is for those who may enter it.
  homeserver.setState(person, other, 'm.room.join_rules', '', { join_rule: 'invite' });
  assert.equal(await ask(person, 'stale'), `${other} (Of no use)`, 'who is in it may know');
  const hers = homeserver.createRoom({ creator: eve, members: [bot], joinRule: 'invite' });
  homeserver.setState(eve, hers, 'm.room.name', '', { name: 'Hers' });
  assert.deepEqual((await ask(person, 'stale')).split('\n').sort(), [`${other} (Of no use)`, hers].sort());
  homeserver.leave(bot, hers);

  network.say('zoe', '#place', 'a ghost');
  await until('it', () => bodies(room).includes('a ghost') || undefined);
  const ghost = '@fake_zoe:hs.test';
  homeserver.invite(person, other, ghost);
  homeserver.join(ghost, other);
  assert.match(await ask(person, `leave ${room}`), /is linked: take the link away first/);
  assert.equal(await ask(person, `leave ${other}`), `I have left ${other}.`);
  assert.deepEqual(homeserver.members(other), [person]);
  assert.equal(await ask(person, 'stale'), 'Something is linked to every room that I am in.');

  const line = `${room}: #place on Fake, from config, live, not claimed`;
  assert.equal(await ask(person, 'list --team fake --room #PLACE'), line);
  assert.equal(await ask(person, `list ${room}`), line);
  assert.equal(await ask(person, 'list suspended'), 'Nothing that is linked fits that.');
  assert.equal(await ask(eve, 'list #place'), line);
});

test('an admin brings all people of a channel into its room and puts out who is gone, or only counts them; and lists what is not carried', async (t) => {
  const bridge = await startFakeBridge(t, { permissions: { 'hs.test': 'admin', '@eve:hs.test': 'user' } });
  const { homeserver, network, room, person } = bridge;
  const eve = homeserver.user('eve', 'Eve');
  homeserver.invite(person, room, eve);
  homeserver.join(eve, room);
  const bodies = () => homeserver.messages(room).map(({ content }) => String(content.body));
  const ask = async (by: string, words: string): Promise<string> => {
    const before = bodies().length;
    homeserver.say(by, room, `!fake ${words}`);
    return await until(`an answer to ${words}`, () => bodies().slice(before + 1)[0]);
  };
  const ghosts = () =>
    homeserver
      .members(room)
      .filter((user) => user.startsWith('@fake_'))
      .sort();
  for (const nick of ['yan', 'zoe']) network.join(nick, '#place');
  assert.match(await ask(eve, 'sync_users'), /may not bring people into rooms/);
  assert.equal(await ask(person, 'sync_users -c'), `#place (${room}): 2 to come in, 0 to go (only counted)`);
  assert.equal(await ask(person, 'sync_users --leave'), `#place (${room}): 0 to go`);
  assert.deepEqual(ghosts(), []);
  assert.equal(await ask(person, 'sync_users -A'), `#place (${room}): 2 to come in, 0 to go`);
  await until('both', () => ghosts().length === 2 || undefined);
  const nothing = `#place (${room}): 0 to come in, 0 to go (only counted)`;
  await until('the bridge to know them there', async () => (await ask(person, 'sync_users -c')) === nothing || undefined);
  // Gone without a word of it.
  network.channels.get('#place')?.members.delete('zoe');
  network.join('xia', '#place');
  assert.match(await ask(person, 'sync_users -x'), /no switch -x/);
  assert.match(await ask(person, 'sync_users #nowhere'), /nothing live is linked to #nowhere/);
  assert.equal(await ask(person, 'sync -cjl #place'), `#place (${room}): 1 to come in, 1 to go (only counted)`);
  assert.equal(await ask(person, `sync -l ${room}`), `#place (${room}): 1 to go`);
  await until('her gone', () => ghosts().join() === '@fake_yan:hs.test' || undefined);

  assert.equal(await ask(person, 'list -F'), 'Nothing that is linked fits that.');
  bridge.adapter().inbox.suspended(inFake('#place'), 'it is shut');
  await until('the word of it', () => bodies().some((body) => body.includes('it is shut')) || undefined);
  assert.match(await ask(person, 'list --failed'), /#place on Fake, from config, suspended \(it is shut\)/);
  assert.equal(await ask(person, 'list -F live'), 'Nothing that is linked fits that.');
});

test('of a channel of which nothing is heard yet its room and the lists say so, and how many there are the status', async (t) => {
  const bridge = await startFakeBridge(t);
  const { homeserver, room, person } = bridge;
  const bodies = () => homeserver.messages(room).map(({ content }) => String(content.body));
  const ask = async (words: string): Promise<string> => {
    const before = bodies().length;
    homeserver.say(person, room, `!fake ${words}`);
    return await until(`an answer to ${words}`, () => bodies().slice(before + 1)[0]);
  };
  const adapter = bridge.adapter();
  const status = adapter.status();
  Object.assign(adapter, {
    status: () => status.map((each) => ({ ...each, state: 'up', note: '3 of 9 rooms heard so far', unheard: 6 })),
    unheard: (channel: string) => (channel === inFake('#place') ? 'not heard yet: soon' : undefined),
  });
  const told = await ask('status');
  assert.match(told, /^fake: connected, .*3 of 9 rooms heard so far$/m);
  assert.match(told, /^#place: not heard yet: soon$/m);
  assert.match(await ask('list'), /^#place on Fake, from config, live, .*not heard yet: soon$/);
  const { port } = new URL(bridge.url);
  const ready = (await (await fetch(`http://127.0.0.1:${port}/ready`)).json()) as object;
  assert.match(JSON.stringify(ready), /3 of 9 rooms heard so far/);
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  assert.match(metrics, /^causeway_channels_unheard\{[^}]*\} 6$/m);
});
