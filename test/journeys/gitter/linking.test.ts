// How a room is linked to one of Gitter's on a real Synapse, by whom, in the bot's own words, in those of the old bridge's admin room and by its
// provisioning calls; and each way in which that is refused, which says what is lacking and no more than the asker may know.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Room } from '../../support/fake-gitter.ts';
import type { MatrixPerson } from '../../support/matrix-person.ts';
import { until } from '../../support/waiting.ts';
import { openGitterStage } from './stage.ts';

const patient = { timeout: 180_000 };
const soon = { timeout: 60_000 };
const secret = 'a-secret-of-sixteen';

const stage = await openGitterStage({
  config: { provisioning: { secret }, permissions: { 'hs.test': 'user', '@admin:hs.test': 'admin', '@mallory:hs.test': 'none' } },
  gitter: { rate: { calls: 1_000, window: 60_000 } },
});
const { alice, ann, bob, bridge, gitter, relay } = stage;
const admin = await stage.matrixPerson('admin');
const plans = gitter.addRoom('org/plans', [ann, bob]);

async function crosses(who: MatrixPerson, room: string, place: Room, words: string): Promise<void> {
  await gitter.waitForListener(place, 'matrixbot', soon);
  ann.say(place, `${words}, from there`);
  await who.waitForText(room, `${words}, from there`, soon);
  await who.say(room, `${words}, from here`);
  await ann.waitForMessage(place, `${words}, from here`, soon);
}

const links = async () => {
  const { output } = await bridge.command('links', bridge.fileOf('gitter'), '--json');
  return (JSON.parse(output) as { room: string; channel: string; state: string }[]).map((link) => `${link.room} ${link.channel}`);
};

test('by an admin of the room in Gitter with their own login; each other is told what is lacking', patient, async () => {
  const room = await stage.openRoom({ name: 'plans' });
  assert.match(await stage.ask(alice, room, '!gitter link org/plans'), /log in to Gitter with the account of an admin of that room/);
  const bobsChat = await stage.logIn(alice, bob);
  assert.match(await stage.ask(alice, room, '!gitter link org/plans'), /bob is no admin of org\/plans/);
  await stage.ask(alice, bobsChat, 'logout', /no longer logged in|logged out/i);
  const chat = await stage.logIn(alice, ann);
  const powerless = await stage.openRoom({ name: 'powerless', powerLevels: { users: { [stage.botId]: 0 } } });
  assert.match(await stage.ask(alice, powerless, '!gitter link org/plans'), /has power level 0 in the room and needs 50/);
  assert.match(await stage.ask(alice, room, '!gitter link org/plans'), /org\/plans on Gitter is now linked to this room/);
  await crosses(alice, room, plans, 'by a login');
  assert.match(await stage.ask(alice, powerless, '!gitter link org/plans'), /linked to another room/);

  const carol = await stage.matrixPerson('carol');
  await carol.join(room);
  assert.match(await stage.ask(carol, room, '!gitter unlink'), /power level 0/);
  const mallory = await stage.matrixPerson('mallory');
  await mallory.join(room);
  assert.match(await stage.ask(mallory, room, '!gitter link org/plans'), /may not link channels/);
  assert.match(await stage.ask(alice, room, '!gitter unlink'), /org\/plans is no longer linked/);
  await stage.ask(alice, chat, 'logout', /no longer logged in|logged out/i);
});

test('what is not there and what the asker may not know of are refused in the same words', patient, async () => {
  gitter.addRoom('org/secret', [ann, relay], { isPrivate: true });
  const room = await stage.openRoom({ name: 'curious' });
  const answers = new Set<string>();
  for (const name of ['org/secret', 'org/nowhere', 'https://gitter.im/org/secret'])
    answers.add((await stage.ask(alice, room, `!gitter link ${name}`)).replace(name, 'X'));
  assert.equal(answers.size, 1, [...answers].join(' | '));
});

test(
  'in the words of the old bridge’s admin room: link, list, bring people in, unlink by the room or by Gitter’s name',
  patient,
  async () => {
    const chat = await stage.chatOf(admin);
    const old = gitter.addRoom('org/old', [ann]);
    const room = await stage.openRoom({ name: 'old words' }, admin);
    assert.match(await stage.ask(admin, chat, `link ${room} org/old`), /now linked/);
    await crosses(admin, room, old, 'by the old words');
    assert.match(await stage.ask(admin, chat, 'list', /org\/old/), /: org\/old on Gitter, from command, live/);
    const quiet = gitter.addPerson('quiet');
    quiet.join(old);
    const ghost = stage.ghostOf(quiet);
    assert.match(await stage.ask(admin, chat, 'sync_users -c org/old'), /: 1 to come in, 0 to go \(only counted\)/);
    assert.match(await stage.ask(admin, chat, `sync_users ${room}`), /: 1 to come in, 0 to go/);
    await until('who says nothing to be there', async () => (await admin.members(room)).has(ghost) || undefined);
    assert.doesNotMatch(await stage.ask(admin, chat, 'list -F'), /org\/old/);
    assert.match(await stage.ask(admin, chat, 'unlink org/old'), /org\/old is no longer linked/);
    assert.match(await stage.ask(admin, chat, `link ${room} org/old`), /now linked/);
    assert.match(await stage.ask(admin, chat, `unlink ${room}`), /org\/old is no longer linked/);
    assert.match(await stage.ask(admin, chat, 'unlink org/room'), /stands in the bridge’s config/);
    assert.match(await stage.ask(admin, chat, 'unlink org/old'), /which room/i);
    assert.ok(!(await links()).some((line) => line.includes('org/old')));
  },
);

test('by the calls that integration managers made to the old bridge, refused as it refused', patient, async () => {
  const call = async (verb: string, body: object, bearer = secret) => {
    const answer = await fetch(`${bridge.url}/_matrix/provision/${verb}`, {
      ...{ method: 'POST', body: JSON.stringify(body) },
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    });
    return [answer.status, await answer.json()] as const;
  };
  const managed = gitter.addRoom('org/managed', [ann]);
  const room = await stage.openRoom({ name: 'managed' }, admin);
  const user_id = admin.userId;
  const link = { user_id, matrix_room_id: room, remote_room_name: 'org/managed' };
  assert.deepEqual(await call('getbotid', {}), [200, { bot_user_id: stage.botId }]);
  assert.equal((await call('getlink', { user_id, matrix_room_id: room }))[0], 404);
  assert.deepEqual(await call('link', link), [200, {}]);
  await crosses(admin, room, managed, 'by a call');
  assert.deepEqual(await call('getlink', { user_id, matrix_room_id: room }), [
    200,
    { matrix_room_id: room, remote_room_name: 'org/managed' },
  ]);
  assert.equal((await call('unlink', { ...link, user_id: alice.userId }))[0], 403);
  assert.equal((await call('link', link, 'guessed-secret-000'))[0], 401);
  assert.deepEqual(await call('unlink', link), [200, {}]);
  assert.equal((await call('link', { ...link, remote_room_name: 'org/nowhere' }))[0], 404);
  await until('the link gone', async () => !(await links()).some((line) => line.includes('org/managed')));
});
