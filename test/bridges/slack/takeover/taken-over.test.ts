// A bridge that took over the store of matrix-appservice-slack: what that had made goes on, what was said then can be pointed at from
// both sides, nothing is told again.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { takeOver } from '../../../../bridge-core/host.ts';
import { matrixAppserviceSlack } from '../../../../bridges/slack/takeover/forerunner.ts';
import { until } from '../../../support/waiting.ts';
import { bodiesIn } from '../matrix-side.ts';
import { type WholeBridge, wholeBridge } from '../whole-bridge.ts';
import { type Acme, givenUp } from '../with-slack.ts';
import { type Old, type OldEvent, type OldReaction, oldNedb, oldPostgres, stopPostgres } from './old-bridge.ts';

after(stopPostgres);

type Stage = Acme & Pick<WholeBridge, 'homeserver' | 'person' | 'room' | 'folder'>;

const annsGhost = '@slack_acme_U0ANN:hs.test';
const bobsGhost = '@slack_acme_U0BOB:hs.test';

/** What the old bot posts for others. */
async function postAs({ slack, general }: Stage, username: string, text: string): Promise<string> {
  const answer = await fetch(`${slack.apiUrl}chat.postMessage`, {
    method: 'POST',
    headers: { authorization: 'Bearer xoxb-1', 'content-type': 'application/json' },
    body: JSON.stringify({ channel: general.id, text, username }),
  });
  const told = (await answer.json()) as { ok: boolean; ts: string };
  assert.ok(told.ok, JSON.stringify(told));
  return told.ts;
}

/** A room in which the old bridge carried all sorts of things, and a private chat of Bob with Ann. */
async function past(stage: Stage) {
  const { homeserver, person, room, ann, bob, general, slack, app } = stage;
  homeserver.join(homeserver.bot, room);
  for (const localpart of ['slack_acme_U0ANN', 'slack_acme_U0BOB', 'slack_older_U0BOB']) {
    homeserver.user(localpart);
    homeserver.invite(person, room, `@${localpart}:hs.test`);
    homeserver.join(`@${localpart}:hs.test`, room);
  }
  const events: OldEvent[] = [];
  const reactions: OldReaction[] = [];
  const carried = (event: string, ts: string, replies?: readonly string[]) => {
    events.push({ room, event, channel: general.id, ts, ...(replies !== undefined && { replies }) });
    return { event, ts };
  };
  const rootTs = ann.say(general, 'what ann said');
  const answerTs = ann.reply(general, rootTs, 'in its thread');
  const root = carried(homeserver.say(annsGhost, room, 'what ann said'), rootTs, [answerTs]);
  const answer = carried(homeserver.say(annsGhost, room, 'in its thread'), answerTs);
  const own = carried(homeserver.say(person, room, 'what alice said'), await postAs(stage, 'Alice', 'what alice said'));
  // Edited and taken note of in those days, so that neither is news.
  ann.edit(general, rootTs, 'what ann said (mended)');
  const replaced = { 'm.new_content': { msgtype: 'm.text', body: 'what ann said (mended)' } };
  const relates = { 'm.relates_to': { rel_type: 'm.replace', event_id: root.event } };
  const edit = homeserver.say(annsGhost, room, { msgtype: 'm.text', body: '* what ann said (mended)', ...replaced, ...relates });
  carried(edit, ann.sees(general).find(({ ts }) => ts === rootTs)?.edited?.ts ?? '');
  ann.react(general, own.ts, 'thumbsup');
  const sign = { 'm.relates_to': { rel_type: 'm.annotation', event_id: own.event, key: '👍️' } };
  const reaction = homeserver.say(annsGhost, room, sign, 'm.reaction');
  reactions.push({ room, event: reaction, channel: general.id, ts: own.ts, by: ann.id, name: 'thumbsup' });

  // The old bridge had heard all that.
  for (const text of ['what ann said (mended)', 'thumbsup', 'in its thread']) await givenUp(slack, text);
  const bobs = homeserver.user('bob', 'Bob');
  homeserver.invite(person, room, bobs);
  homeserver.join(bobs, room);
  const direct = bob.open(ann);
  const chat = homeserver.createRoom({ creator: annsGhost, isDirect: true });
  homeserver.invite(annsGhost, chat, bobs, { is_direct: true });
  homeserver.join(bobs, chat);
  events.push({ room: chat, event: homeserver.say(annsGhost, chat, 'between us'), channel: direct.id, ts: ann.say(direct, 'between us') });

  const old: Old = {
    teams: [{ id: 'T0001', name: 'Acme', domain: 'acme', token: 'xoxb-1', botId: stage.bot.botId, user: stage.bot.user.id }],
    rooms: [
      { room, inbound: 'one', remote: { id: general.id, name: '#general', slack_team_id: 'T0001', slack_type: 'channel' } },
      { room: chat, inbound: direct.id, remote: { id: direct.id, slack_team_id: 'T0001', slack_type: 'im', puppet_owner: bobs } },
    ],
    ghosts: [
      { id: annsGhost, team: 'T0001', slackId: 'U0ANN', name: 'Ann Example' },
      { id: bobsGhost, team: 'T0001', slackId: 'U0BOB', name: 'Bob Example' },
      { id: '@slack_older_U0BOB:hs.test', team: 'T0001', slackId: 'U0BOB', name: 'Bob of old' },
    ],
    puppets: [{ slackId: 'U0BOB', team: 'T0001', user: bobs, token: slack.setup.authorize(app, bob.user).value }],
    ...{ events, reactions },
  };
  return { old, root, answer, own, reaction, bobs, chat, direct };
}

type Past = Awaited<ReturnType<typeof past>>;

/** Undefined: skipped. */
async function takenOver(t: TestContext, from: (stage: Stage, old: Old) => Promise<string | undefined>) {
  let was: (Past & { readonly events: number }) | undefined;
  const bridge = await wholeBridge(t, {
    isLinked: false,
    section: () => ({ teams: [], links: [] }),
    before: async (stage) => {
      const made = await past(stage);
      const address = await from(stage, made.old);
      if (address === undefined) return;
      const { core, networkSettings } = stage.loaded;
      const forerunner = matrixAppserviceSlack as Parameters<typeof takeOver>[1]['forerunner'];
      await takeOver(core, { forerunner, from: address, networkSettings, isTrial: false, mayLeaveOut: false });
      stage.ann.say(stage.general, 'said while no bridge ran');
      was = { ...made, events: stage.homeserver.events(stage.room).length };
    },
  });
  return was === undefined ? undefined : { ...bridge, ...was };
}

test('a room goes on: each side points at what was said before, people keep their ghosts, nothing is told again', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await takenOver(t, async (_stage, old) => (await oldPostgres(t, old))?.address);
  if (bridge === undefined) return;
  const { homeserver, room, person, ann, general, root, answer, own, reaction } = bridge;
  const since = () => homeserver.events(room).slice(bridge.events);
  const event = (what: string, fits: (each: ReturnType<typeof since>[number]) => boolean) => until(what, () => since().find(fits));

  const between = await event('what was said meanwhile', ({ content }) => content.body === 'said while no bridge ran');
  assert.equal(between.sender, annsGhost, 'Ann is who she was');
  homeserver.say(person, room, 'a new word');
  await ann.waitForMessage(general, 'a new word');

  // From Matrix.
  homeserver.say(person, room, { msgtype: 'm.text', body: 'an answer', 'm.relates_to': { 'm.in_reply_to': { event_id: root.event } } });
  assert.equal((await ann.waitForMessage(general, 'an answer')).thread_ts, root.ts);
  homeserver.say(person, room, {
    msgtype: 'm.text',
    body: 'in the thread too',
    'm.relates_to': { 'm.in_reply_to': { event_id: answer.event } },
  });
  assert.equal((await ann.waitForMessage(general, 'in the thread too')).thread_ts, root.ts, 'an answer to a reply');
  const mended = { msgtype: 'm.text', body: '* what alice meant', 'm.new_content': { msgtype: 'm.text', body: 'what alice meant' } };
  homeserver.say(person, room, { ...mended, 'm.relates_to': { rel_type: 'm.replace', event_id: own.event } });
  await until('the edit', () => ann.texts(general).includes('what alice meant') || undefined);
  homeserver.say(person, room, { 'm.relates_to': { rel_type: 'm.annotation', event_id: root.event, key: '🎉' } }, 'm.reaction');
  await until('the reaction', () =>
    ann.sees(general).find(({ ts, reactions }) => ts === root.ts && reactions?.some(({ name }) => name === 'tada')),
  );

  // From Slack.
  ann.edit(general, root.ts, 'mended again');
  const edit = await event(
    'the edit',
    ({ content }) => (content['m.new_content'] as { body?: string } | undefined)?.body === 'mended again',
  );
  assert.deepEqual([edit.sender, (edit.content['m.relates_to'] as { event_id: string }).event_id], [annsGhost, root.event]);
  ann.react(general, own.ts, 'heart');
  await event('the reaction', ({ type, sender }) => type === 'm.reaction' && sender === annsGhost);
  ann.unreact(general, own.ts, 'thumbsup');
  const taken = await event('the reaction gone', ({ redacts, content }) => (redacts ?? content.redacts) === reaction);
  assert.equal(taken.sender, annsGhost);
  ann.delete(general, answer.ts);
  const gone = await event('the deletion', ({ redacts, content }) => (redacts ?? content.redacts) === answer.event);
  assert.equal(gone.sender, annsGhost, 'by who wrote it');
  homeserver.redact(person, room, own.event);
  await until('what alice said to be gone', () => !ann.texts(general).includes('what alice meant') || undefined);

  await until('the ghost of nobody to leave', () => !homeserver.members(room).includes('@slack_older_U0BOB:hs.test') || undefined);
  const others = since().filter(({ sender }) => sender !== person && sender !== homeserver.bot);
  const said = others.filter(({ type }) => type === 'm.room.message').map(({ content }) => content.body);
  assert.deepEqual(said, ['said while no bridge ran', '* mended again'], 'nothing is told twice');
  assert.equal(others.filter(({ type }) => type === 'm.reaction').length, 1);
  assert.ok(![...homeserver.world.users.keys()].some((user) => /t0001/.test(user)), 'nobody has a second ghost');
});

test('a puppet speaks as themselves, and their private chat goes on in its room, in which the bot was not', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await takenOver(t, async (_stage, old) => (await oldPostgres(t, old))?.address);
  if (bridge === undefined) return;
  const { homeserver, room, ann, bob, general, direct, chat, bobs } = bridge;
  const rooms = homeserver.world.rooms.size;
  homeserver.say(bobs, room, 'bob himself');
  const said = await ann.waitForMessage(general, 'bob himself');
  assert.equal(said.user, bob.id);
  await until('the bot in the chat', () => homeserver.members(chat).includes(homeserver.bot) || undefined);
  ann.say(direct, 'are you there');
  const heard = await until('ann in the chat', () => homeserver.events(chat).find(({ content }) => content.body === 'are you there'));
  assert.equal(heard.sender, annsGhost);
  homeserver.say(bobs, chat, 'still here');
  assert.equal((await bob.waitForMessage(direct, 'still here')).user, bob.id);
  assert.deepEqual(bodiesIn(bridge, chat), ['between us', 'are you there', 'still here']);
  assert.equal(homeserver.world.rooms.size, rooms, 'no other room is made');
});

test('from nedb a room goes on likewise', { timeout: 180_000 }, async (t) => {
  const bridge = await takenOver(t, (stage, old) => oldNedb(stage.folder, old));
  assert.ok(bridge);
  const { homeserver, room, person, ann, general, root } = bridge;
  await until('what was said meanwhile', () => bodiesIn(bridge, room).includes('said while no bridge ran') || undefined);
  homeserver.say(person, room, { msgtype: 'm.text', body: 'an answer', 'm.relates_to': { 'm.in_reply_to': { event_id: root.event } } });
  assert.equal((await ann.waitForMessage(general, 'an answer')).thread_ts, root.ts);
  ann.say(general, 'the last word');
  await until('the last word', () => bodiesIn(bridge, room).includes('the last word') || undefined);
  const news = homeserver
    .events(room)
    .slice(bridge.events)
    .filter(({ sender, type }) => sender === annsGhost && type !== 'm.room.member');
  assert.deepEqual(
    news.map(({ type, content }) => [type, content.body]),
    [
      ['m.room.message', 'said while no bridge ran'],
      ['m.room.message', 'the last word'],
    ],
  );
});

test('a room of the old pair of webhooks goes on by them: what they bring proves itself by the last part of the old address', {
  timeout: 180_000,
}, async (t) => {
  const inbound = 'a0b1c2d3e4f5g6h7i8j9k0l1m2n3o4p5';
  let hook = '';
  const bridge = await wholeBridge(t, {
    isLinked: false,
    section: () => ({ teams: [], links: [], app: undefined }),
    before: async ({ homeserver, room, folder, slack, general, loaded }) => {
      homeserver.join(homeserver.bot, room);
      const remote = { id: general.id, name: '#general', webhook_uri: slack.addIncomingWebhook(general, { isOld: true }) };
      const from = await oldNedb(folder, { rooms: [{ room, inbound, remote }] });
      const forerunner = matrixAppserviceSlack as Parameters<typeof takeOver>[1]['forerunner'];
      const { core, networkSettings } = loaded;
      const { advice } = await takeOver(core, { forerunner, from, networkSettings, isTrial: false, mayLeaveOut: false });
      hook = /webhooks\/(w[0-9a-f]+)/.exec(advice.join())?.[1] ?? '';
    },
  });
  const { homeserver, room, person, ann, general, slack, team, url, folder } = bridge;
  const store = new Sqlite(join(folder, 'slack.db'), { readonly: true });
  t.after(() => store.close());
  const known = store.prepare('SELECT name FROM roster WHERE room = ? AND user = ?');
  await until('people of the room to be known', () => known.get(room, person));
  slack.addOutgoingWebhook(team, `${url}/slack/webhooks/${hook}/${inbound}`, { channel: general, token: 'whatever Slack made' });
  homeserver.say(person, room, 'to the channel');
  assert.equal((await ann.waitForMessage(general, 'to the channel')).username, 'Alice');
  ann.say(general, 'to the room');
  await until('what ann says', () => bodiesIn(bridge, room).includes('to the room') || undefined);
  const forged = await fetch(`${url}/slack/webhooks/${hook}/another`, { method: 'POST', body: new URLSearchParams({ text: 'forged' }) });
  assert.equal(forged.status, 403);
});
