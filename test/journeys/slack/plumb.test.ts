// A channel is linked to a room from each side, and each way in which that is refused says what is lacking, and no more than the
// asker may know.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSlackStage } from './stage.ts';

const permissions = { 'hs.test': 'user', '@admin:hs.test': 'admin', '@barred:hs.test': 'none' };
const stage = await openSlackStage({ transport: 'socket', config: { permissions } });
const { alice, ann, bob, botId, bridge, slack, team, app, bot } = stage;
type Place = Parameters<typeof ann.say>[0];
type Person = typeof ann;

async function crosses(room: string, channel: Place, word: string): Promise<void> {
  ann.say(channel, `${word} down`);
  await alice.waitForText(room, `${word} down`);
  await alice.say(room, `${word} up`);
  await ann.waitForMessage(channel, `${word} up`);
}

const greeting = /^To link this room|^This room is encrypted, so it cannot be linked/;

/** With the bot in it, and its first words said. */
async function openRoom(wish: Parameters<typeof stage.openRoom>[0]): Promise<string> {
  const room = await stage.openRoom(wish);
  await alice.waitForText(room, greeting);
  return room;
}

/** Having heard all that was said there. */
async function joins(person: typeof alice, room: string): Promise<void> {
  await person.join(room);
  await person.waitForText(room, greeting);
}

/** What the channel is asked: the message, and the name of one of its buttons. */
async function asked(person: Person, channel: Place, button: 'approve' | 'refuse'): Promise<{ ts: string; action: string }> {
  const question = await person.waitForMessage(channel, ({ blocks, bot_id }) => blocks !== undefined && bot_id === bot.botId);
  const [, action] = new RegExp(`"action_id":"([^"]*${button}[^"]*)"`).exec(JSON.stringify(question.blocks)) ?? [];
  return { ts: question.ts ?? '', action: action ?? assert.fail(JSON.stringify(question)) };
}

/** Says it in the room: what the bot answers. */
async function answerTo(room: string, words: string, by = alice): Promise<string> {
  const since = by.mark();
  await by.say(room, words);
  const { content } = await by.waitFor(({ room: where, sender, type }) => where === room && sender === botId && type === 'm.room.message', {
    since,
  });
  return content.body;
}

async function isLinked(person: Person, channel: Place): Promise<boolean> {
  const { text = '' } = await person.command(channel, '/matrix status');
  assert.match(text, /is (not )?linked to/);
  return !text.includes('is not linked');
}

test('from Matrix, without a login: somebody in the channel is asked, and agrees', async () => {
  const channel = slack.addChannel(team, 'asked', [ann, bob]);
  const room = await openRoom({ name: 'asked' });
  await alice.say(room, '!slack link #asked');
  await alice.waitForText(room, /asked/i);
  const { ts, action } = await asked(ann, channel, 'approve');
  await ann.press(channel, ts, action);
  await alice.waitForText(room, /now linked/);
  await crosses(room, channel, 'asked');
});

test('from Matrix, with a login that is in the channel: at once; a private channel that it is not in is no channel', async () => {
  const open = slack.addChannel(team, 'mine', [ann]);
  slack.addChannel(team, 'secret', [bob], { isPrivate: true, id: 'C0SECRET' });
  const chat = await alice.createRoom({ isDirect: true, isPublic: false, invite: [botId] });
  await alice.waitForText(chat, /Slack bridge/);
  await alice.say(chat, 'login token');
  await alice.waitForText(chat, /token/i);
  await alice.say(chat, slack.setup.authorize(app, ann.user).value);
  await alice.waitForText(chat, /Ann Example/);

  const room = await openRoom({ name: 'mine' });
  await alice.say(room, '!slack link #mine');
  await alice.waitForText(room, /is now linked/);
  await crosses(room, open, 'mine');

  const other = await openRoom({ name: 'other' });
  const answers: string[] = [];
  for (const query of ['#secret', 'C0SECRET', 'T0001/C0SECRET', '#no-such-channel', 'C0NOWHERE']) {
    const answer = await answerTo(other, `!slack link ${query}`);
    assert.doesNotMatch(answer, /private/i);
    answers.push(answer.replace(query, 'X'));
  }
  assert.equal(new Set(answers).size, 1, `what may not be known is as what is not there: ${answers.join(' | ')}`);
});

test('from Slack: by somebody whose login has the power in the room at once, else the room is asked', async () => {
  // Alice, who made the room, has logged in as Ann.
  const hers = slack.addChannel(team, 'by-login', [ann, bob]);
  const ruled = await openRoom({ name: 'by-login', alias: 'by-login' });
  const since = alice.mark();
  const { text: done = '' } = await ann.command(hers, `/matrix link #by-login:${stage.synapse.domain}`);
  assert.match(done, /by-login is now linked to #by-login:hs\.test/);
  await alice.waitForText(ruled, /@alice:hs\.test linked this room to .*by-login/, { since });
  await crosses(ruled, hers, 'by login');

  const channel = slack.addChannel(team, 'from-slack', [ann, bob]);
  const room = await openRoom({ name: 'from-slack', alias: 'from-slack' });
  const { text: waits = '' } = await bob.command(channel, `/matrix link #from-slack:${stage.synapse.domain}`);
  assert.match(waits, /I have asked in the Matrix room/);
  const { content } = await alice.waitForText(room, /approve/);
  assert.match(content.body, /Bob Example asks to link this room to .*from-slack/);
  assert.equal(await isLinked(bob, channel), false);
  const before = alice.mark();
  await alice.say(room, '!slack approve');
  await alice.waitForText(room, /now linked/, { since: before });
  await crosses(room, channel, 'from slack');
});

test('refused: no power in the room, linked elsewhere, not allowed to use the bridge', async () => {
  const channel = slack.addChannel(team, 'refused', [ann, bob]);
  const mallory = await stage.matrixPerson('mallory');
  const room = await openRoom({ name: 'refused', alias: 'refused' });
  await joins(mallory, room);
  assert.match(await answerTo(room, '!slack link #refused', mallory), /@mallory:hs\.test has power level 0 in the room and needs 100/);

  const second = await openRoom({ name: 'second', alias: 'second' });
  assert.match(await answerTo(second, '!slack link #mine'), /linked to another room/);
  const { text: elsewhere = '' } = await ann.command('mine', `/matrix link #second:${stage.synapse.domain}`);
  assert.match(elsewhere, /^That was not done: .*linked to another room/);

  // Power in the room is none on the bridge, when asking and when answering.
  const barred = await stage.matrixPerson('barred');
  await joins(barred, room);
  const levels = await alice.call<{ users: object }>('GET', `/v3/rooms/${encodeURIComponent(room)}/state/m.room.power_levels`);
  const raised = { ...levels, users: { ...levels.users, [barred.userId]: 100 } };
  await alice.call('PUT', `/v3/rooms/${encodeURIComponent(room)}/state/m.room.power_levels`, raised);
  const lacking = /@barred:hs\.test may not .*needs the permission “user” on this bridge, and @barred:hs\.test has “none”/;
  assert.match(await answerTo(room, '!slack link #refused', barred), lacking);
  await bob.command(channel, `/matrix link #refused:${stage.synapse.domain}`);
  await barred.waitForText(room, /Bob Example asks/);
  assert.match(await answerTo(room, '!slack approve', barred), lacking);
  assert.deepEqual(ann.texts(channel), [], 'nothing was said in the channel');
  assert.equal(await isLinked(bob, channel), false);
});

test('refused in Slack by the button: the room hears by whom, who pressed it what was done, and nothing is linked', async () => {
  const channel = slack.addChannel(team, 'unwilling', [bob]);
  const room = await openRoom({ name: 'unwilling' });
  assert.match(await answerTo(room, '!slack link #unwilling'), /I have asked in .*unwilling/);
  const { ts, action } = await asked(bob, channel, 'refuse');
  const since = alice.mark();
  assert.equal(await bob.press(channel, ts, action), undefined);
  await alice.waitForText(room, /Bob Example in .*unwilling refused the link that @alice:hs\.test asked for/, { since });
  const answered = await bob.waitForMessage(channel, /It is refused; @alice:hs\.test is told/);
  assert.equal(answered.ts, ts);
  assert.doesNotMatch(JSON.stringify(answered.blocks ?? []), /action_id/, 'nobody can answer again');
  assert.equal(await isLinked(bob, channel), false);
});

test('refused by the room: who asked in Slack is told so in a chat with the bot, and nothing is linked', async () => {
  const cid = slack.addPerson(team, { id: 'U0CID', name: 'cid', realName: 'Cid Example' });
  const channel = slack.addChannel(team, 'unwanted', [cid]);
  const room = await openRoom({ name: 'unwanted', alias: 'unwanted' });
  await cid.command(channel, `/matrix link #unwanted:${stage.synapse.domain}`);
  await alice.waitForText(room, /Cid Example asks to link this room/);
  await answerTo(room, '!slack refuse');
  await cid.waitForMessage(bot.user, /The Matrix room does not want to be linked to .*unwanted/);
  assert.equal(await isLinked(cid, channel), false);
  assert.match(await answerTo(room, '!slack approve'), /nobody|nothing/i);
});

test('refused from both sides: an encrypted room, and nobody is asked for it', async () => {
  const channel = slack.addChannel(team, 'sealed', [bob]);
  const room = await openRoom({ name: 'sealed', alias: 'sealed', isEncrypted: true });
  assert.match(await answerTo(room, '!slack link #sealed'), /the room is encrypted, so the bridge cannot read it/);
  const { text = '' } = await bob.command(channel, `/matrix link #sealed:${stage.synapse.domain}`);
  assert.match(text, /^That was not done: the room is encrypted, so the bridge cannot read it/);
  assert.deepEqual(bob.texts(channel), []);
  assert.equal(await isLinked(bob, channel), false);
});

test('refused from both sides: more rooms than the bridge serves, and rooms that not everybody may join', async () => {
  const made = (await bridge.links('slack')).filter(({ origin }) => origin === 'command').length;
  await bridge.stop();
  await bridge.configure('slack', (config) => ({ ...config, provisioning: { limits: { rooms: made }, require_public_room: true } }));
  await stage.startBridge();
  const channel = slack.addChannel(team, 'one-more', [ann, bob]);
  const open = await openRoom({ name: 'one-more', alias: 'one-more' });
  const closed = await openRoom({ name: 'closed', alias: 'closed', isPublic: false });
  const link = async (alias: string) => (await ann.command(channel, `/matrix link #${alias}:${stage.synapse.domain}`)).text ?? '';

  const full = new RegExp(`this bridge serves ${made} rooms, and has as many`);
  assert.match(await answerTo(open, '!slack link #one-more'), full);
  assert.match(await link('one-more'), full);
  assert.match((await bob.command('from-slack', '/matrix unlink')).text ?? '', /is no longer linked/);
  assert.match(await answerTo(closed, '!slack link #one-more'), /not everybody may join/);
  assert.match(await link('closed'), /^That was not done: not everybody may join/);
  assert.equal(await isLinked(bob, channel), false);
  assert.match(await link('one-more'), /is now linked/);
  await crosses(open, channel, 'one more');
});
