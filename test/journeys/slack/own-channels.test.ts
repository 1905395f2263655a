// Rooms of people's own for Slack's channels: a private channel that the bot is not in, and a channel of which two have a room each.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Person } from '../../support/fake-slack.ts';
import type { MatrixPerson } from '../../support/matrix-person.ts';
import { until } from '../../support/waiting.ts';
import { openSlackStage } from './stage.ts';

const stage = await openSlackStage({ transport: 'socket', config: { sidecar: true, double_puppeting: 'namespace' } });
const { alice, ann, bob, botId, slack, team, app } = stage;
const secret = slack.addChannel(team, 'secret', [ann, bob], { id: 'C0SECRET', isPrivate: true });
const open = slack.addChannel(team, 'open', [ann, bob], { id: 'C0OPEN' });
const carol = await stage.matrixPerson('carol');
const cid = slack.addPerson(team, { id: 'U0CID', name: 'cid', realName: 'Cid Example' });

/** Resolves with their direct chat with the bot. */
async function logIn(person: MatrixPerson, as: Person): Promise<string> {
  const chat = await person.createRoom({ isDirect: true, isPublic: false, invite: [botId] });
  await person.waitForText(chat, /Slack bridge/);
  await person.say(chat, 'login token');
  const since = person.mark();
  await person.waitForText(chat, /token/i);
  await person.say(chat, slack.setup.authorize(app, as.user).value);
  await person.waitForText(chat, /logged in|Example/i, { since });
  return chat;
}

async function ask(person: MatrixPerson, chat: string, line: string, answer: RegExp): Promise<string> {
  const since = person.mark();
  await person.say(chat, line);
  return String((await person.waitForText(chat, answer, { since, timeout: 60_000 })).content.body);
}

async function join(person: MatrixPerson, chat: string, channel: string): Promise<string> {
  const room = /(!\S+)$/.exec(await ask(person, chat, `join ${channel}`, /is yours in/))?.[1] ?? '';
  await person.join(room);
  return room;
}

let annsChat = '';
let cidsChat = '';
let room = '';

test('a private channel that the bot is not in: its person joins it by word, hears there and speaks as themselves', {
  timeout: 180_000,
}, async () => {
  annsChat = await logIn(alice, ann);
  cidsChat = await logIn(carol, cid);
  await ask(carol, cidsChat, 'join #secret', /names no channel/);
  room = await join(alice, annsChat, '#secret');
  bob.say(secret, 'between us');
  assert.equal((await alice.waitForText(room, 'between us')).sender, stage.ghostOf(bob));
  await alice.say(room, 'and back');
  const seen = await bob.waitForMessage(secret, 'and back');
  assert.deepEqual([seen.user, seen.username], [ann.id, undefined]);
  assert.ok(!secret.members.has(stage.bot.user.id));
});

test('two people have a room each of one channel, and what is said there stands once in either', { timeout: 180_000 }, async () => {
  const hers = await join(alice, annsChat, '#open');
  const theirs = await join(carol, cidsChat, '#open');
  assert.notEqual(hers, theirs);
  assert.ok(open.members.has(cid.id) && !open.members.has(stage.bot.user.id), 'they came in by themselves');
  bob.say(open, 'to everybody');
  await alice.waitForText(hers, 'to everybody');
  await carol.waitForText(theirs, 'to everybody');
  await carol.say(theirs, 'by Cid');
  assert.equal((await bob.waitForMessage(open, 'by Cid')).user, cid.id);
  await alice.waitForText(hers, /by Cid$/);
  bob.say(open, 'the last');
  await alice.waitForText(hers, 'the last');
  for (const [who, where] of [[alice, hers] as const, [carol, theirs] as const])
    assert.equal(who.messages(where).filter(({ content }) => content.body === 'to everybody').length, 1);
});

test('who leaves the channel in Slack hears nothing more of it, and comes back once they are in it again', {
  timeout: 180_000,
}, async () => {
  const since = alice.mark();
  ann.leave(secret);
  await alice.waitForText(room, /You have left #secret/, { since, timeout: 60_000 });
  bob.say(secret, 'without her');
  await ask(alice, annsChat, 'join #secret', /names no channel/);
  bob.invite(secret, ann);
  await ask(alice, annsChat, 'join #secret', /is yours in/);
  bob.say(secret, 'here again');
  await alice.waitForText(room, 'here again');
  assert.ok(!alice.messages(room).some(({ content }) => content.body === 'without her'));
});

test('what she says with Slack’s own client is hers here, and nothing of it goes back; she lists her rooms, closes one and logs out', {
  timeout: 180_000,
}, async () => {
  const hers = await join(alice, annsChat, '#open');
  const posts = () => slack.calls.items.filter(({ method }) => method === 'chat.postMessage').length;
  const before = posts();
  const ts = ann.say(open, 'from my fone');
  const shown = await alice.waitForText(hers, 'from my fone');
  assert.equal(shown.sender, alice.userId);
  ann.edit(open, ts, 'from my phone');
  const edit = await alice.waitFor(({ room: where, content }) => where === hers && content['m.new_content']?.body === 'from my phone');
  assert.equal(edit.sender, alice.userId);
  bob.say(open, 'so be it');
  await alice.waitForText(hers, 'so be it');
  assert.equal(posts(), before);
  const listed = await ask(alice, annsChat, 'list', /#open/);
  assert.ok(listed.includes(hers), listed);
  assert.match(await ask(alice, annsChat, 'part #open', /closed/), /You are still in it/);
  assert.ok(open.members.has(ann.id));
  const again = await join(alice, annsChat, '#secret');
  await ask(alice, annsChat, 'logout', /no longer logged in/);
  const joined = () => alice.call<{ joined_rooms: string[] }>('GET', '/v3/joined_rooms').then(({ joined_rooms }) => joined_rooms);
  await until('her to be out', async () => !(await joined()).includes(again) || undefined);
});
