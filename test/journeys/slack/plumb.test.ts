// A channel is linked to a room from each side, and each way in which that is refused says what is lacking, and no more than the
// asker may know.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSlackStage } from './stage.ts';

const stage = await openSlackStage({ transport: 'socket' });
const { alice, ann, bob, botId, slack, team, app, bot } = stage;

async function crosses(room: string, channel: Parameters<typeof ann.say>[0], word: string): Promise<void> {
  ann.say(channel, `${word} down`);
  await alice.waitForText(room, `${word} down`);
  await alice.say(room, `${word} up`);
  await ann.waitForMessage(channel, `${word} up`);
}

test('from Matrix, without a login: somebody in the channel is asked, and agrees', async () => {
  const channel = slack.addChannel(team, 'asked', [ann, bob]);
  const room = await stage.openRoom({ name: 'asked' });
  await alice.say(room, '!slack link #asked');
  await alice.waitForText(room, /asked/i);
  const question = await ann.waitForMessage(channel, ({ blocks, bot_id }) => blocks !== undefined && bot_id === bot.botId);
  const [approve] = JSON.stringify(question.blocks).match(/"action_id":"[^"]*approve[^"]*"/) ?? assert.fail(JSON.stringify(question));
  await ann.press(channel, question.ts ?? '', approve.slice(13, -1));
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

  const room = await stage.openRoom({ name: 'mine' });
  await alice.say(room, '!slack link #mine');
  await alice.waitForText(room, /is now linked/);
  await crosses(room, open, 'mine');

  const other = await stage.openRoom({ name: 'other' });
  await alice.waitForText(other, /^To link this room/);
  const answers: string[] = [];
  for (const query of ['#secret', 'C0SECRET', 'T0001/C0SECRET', '#no-such-channel', 'C0NOWHERE']) {
    const since = alice.mark();
    await alice.say(other, `!slack link ${query}`);
    const { content } = await alice.waitFor(
      ({ room: where, sender, type }) => where === other && sender === botId && type === 'm.room.message',
      { since },
    );
    assert.doesNotMatch(content.body, /private/i);
    answers.push(content.body.replace(query, 'X'));
  }
  assert.equal(new Set(answers).size, 1, `what may not be known is as what is not there: ${answers.join(' | ')}`);
});

test('from Slack: by somebody whose login has the power in the room at once, else the room is asked', async () => {
  const channel = slack.addChannel(team, 'from-slack', [ann, bob]);
  const room = await stage.openRoom({ name: 'from-slack', alias: 'from-slack' });
  const alias = `#from-slack:${stage.synapse.domain}`;
  await bob.command(channel, `/matrix link ${alias}`);
  const asked = await alice.waitForText(room, /approve/);
  assert.match(asked.content.body, /from-slack/);
  const since = alice.mark();
  await alice.say(room, '!slack approve');
  await alice.waitForText(room, /now linked/, { since });
  await crosses(room, channel, 'from slack');
});

test('refused: no power in the room, linked elsewhere, not allowed to use the bridge', async () => {
  const channel = slack.addChannel(team, 'refused', [ann, bob]);
  const mallory = await stage.matrixPerson('mallory');
  const room = await stage.openRoom({ name: 'refused' });
  await mallory.join(room);
  await mallory.say(room, '!slack link #refused');
  await mallory.waitForText(room, /power level 0/);

  const second = await stage.openRoom({ name: 'second' });
  await alice.say(second, '!slack link #mine');
  await alice.waitForText(second, /linked to another room/);
  assert.deepEqual(ann.texts(channel), [], 'nothing was said in the channel');
});
