// Direct and group chats of somebody who is logged in: begun in Slack, begun in Matrix, and one chat of two people who both are.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { MatrixPerson } from '../../support/matrix-person.ts';
import { until } from '../../support/waiting.ts';
import { openSlackStage } from './stage.ts';

const stage = await openSlackStage({ transport: 'socket' });
const { alice, ann, bob, botId, slack, team, app } = stage;

/** By pasting a token, as where no browser reaches the bridge. */
async function logIn(person: MatrixPerson, token: string): Promise<string> {
  const chat = await person.createRoom({ isDirect: true, isPublic: false, invite: [botId] });
  await person.waitForText(chat, /Slack bridge/);
  await person.say(chat, 'login token');
  const since = person.mark();
  await person.waitForText(chat, /token/i);
  await person.say(chat, token);
  await person.waitForText(chat, /logged in|Example/i, { since });
  return chat;
}

test('a direct message from Slack opens a private room with the sender, and an answer reaches them as oneself', async () => {
  await logIn(alice, slack.setup.authorize(app, ann.user).value);
  const dm = bob.open(ann);
  bob.say(dm, 'just between us');
  const room = await alice.waitForInvite();
  await alice.join(room);
  const shown = await alice.waitForText(room, 'just between us');
  assert.equal(shown.sender, stage.ghostOf(bob));
  assert.deepEqual([...(await alice.members(room)).keys()].sort(), [alice.userId, botId, stage.ghostOf(bob)].sort());
  await alice.say(room, 'and back');
  const heard = await bob.waitForMessage(dm, 'and back');
  assert.deepEqual([heard.user, heard.username], [ann.id, undefined]);
  bob.say(dm, 'again');
  await alice.waitForText(room, 'again');
});

test('a direct chat begun in Matrix reaches the person in Slack', async () => {
  const cora = slack.addPerson(team, { id: 'U0CORA', name: 'cora', realName: 'Cora Example' });
  const room = await alice.createRoom({ isDirect: true, isPublic: false, invite: [stage.ghostOf(cora)] });
  await alice.waitFor(
    ({ room: where, type, state_key, content }) =>
      where === room && type === 'm.room.member' && state_key === stage.ghostOf(cora) && content.membership === 'join',
    { timeout: 60_000 },
  );
  await alice.say(room, 'hello Cora');
  await cora.waitForMessage(ann, 'hello Cora');
  cora.say(ann, 'hello yourself');
  await alice.waitForText(room, 'hello yourself');
});

test('a group message is one room, named by its people; two of ours share it', async () => {
  const carol = await stage.matrixPerson('carol');
  const cora = slack.addPerson(team, { id: 'U0DORA', name: 'dora', realName: 'Dora Example' });
  await logIn(carol, slack.setup.authorize(app, bob.user).value);
  const before = new Set(alice.invites.keys());
  const group = cora.open(ann, bob);
  cora.say(group, 'the three of us');
  const room = await carol.waitForInvite();
  await carol.join(room);
  await carol.waitForText(room, 'the three of us');
  await until('the same room for both', () => alice.invites.has(room) || undefined);
  assert.ok(!before.has(room));
  await alice.join(room);
  await carol.say(room, 'I am here');
  const heard = await cora.waitForMessage(group, 'I am here');
  assert.equal(heard.user, bob.id);
  await alice.waitForText(room, 'I am here');
  // A second copy would come by Slack's own word of it.
  await delay(500);
  const shown = alice.messages(room).filter(({ content }) => content.body === 'I am here');
  assert.deepEqual(
    shown.map(({ sender }) => sender),
    [carol.userId],
    'no second copy by a ghost of a person of ours',
  );
});

test('who is not logged in and invites somebody of Slack is told how to', async () => {
  const dan = await stage.matrixPerson('dan');
  const room = await dan.createRoom({ isDirect: true, isPublic: false, invite: [stage.ghostOf(bob)] });
  const left = await dan.waitFor(
    ({ room: where, type, state_key, content }) =>
      where === room && type === 'm.room.member' && state_key === stage.ghostOf(bob) && content.membership === 'leave',
    { timeout: 60_000 },
  );
  assert.match(String(left.content.reason), /log ?in/i);
});
