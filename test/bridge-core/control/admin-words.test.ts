// Words of the bridge's admins that people know from older bridges, over a whole bridge.

import assert from 'node:assert/strict';
import { test } from 'node:test';
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
