// What comes from a Slack, whichever way: once, in order, to whom it concerns; and what ends a channel, a login, a team.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelId, remoteUserId, userId } from '#bridge-core';
import { until } from '../../support/waiting.ts';
import { openWeb } from '../../support/web-door.ts';
import { heard, type Wish, withAdapter } from './with-slack.ts';

const alice = userId('@alice:hs.test');

async function loggedIn(t: TestContext, wish: Wish = {}) {
  const all = await withAdapter(t, wish);
  const { slack, app, ann, adapter } = all;
  const token = slack.setup.authorize(app, ann.user, { token: 'xoxp-ann' });
  await adapter.signIn({
    ...{ user: alice, account: remoteUserId('T0001/U0ANN'), network: 'T0001', name: 'Ann on Acme', credentials: { token: token.value } },
  });
  return { ...all, token };
}

test('several ways at once, events doubled and out of order: each is told once', { timeout: 180_000 }, async (t) => {
  const web = await openWeb();
  t.after(() => web.close());
  const { slack, app, ann, general, events } = await withAdapter(t, { transport: ['socket', 'events', 'rtm'], isClassic: true, web });
  app.eventsUrl = `${web.url}/events`;
  slack.eventFault({ on: 'message', every: 3, act: 'double' });
  const lines = Array.from({ length: 20 }, (_, number) => `line ${number}`);
  for (const line of lines) ann.say(general, line);
  const texts = () => events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : []));
  await until('all lines', () => texts().length >= lines.length);
  await delay(200);
  assert.deepEqual(texts().toSorted(), lines.toSorted());
});

test('several ways at once, each of them cut or away and back in mid-load: each message is told once, none is lost', {
  timeout: 180_000,
}, async (t) => {
  const web = await openWeb();
  t.after(() => web.close());
  const { slack, app, ann, general, events } = await withAdapter(t, { transport: ['socket', 'events', 'rtm'], isClassic: true, web });
  // Slack tells an app by one of the first two, as its settings say at that time, and by RTM beside it.
  const eventsUrl = `${web.url}/events`;
  const nowhere = `${web.url}/nowhere`;
  app.eventsUrl = eventsUrl;
  const said: string[] = [];
  const say = async (word: string, count = 12) => {
    for (let number = 0; number < count; number += 1) {
      said.push(`${word} ${number}`);
      ann.say(general, `${word} ${number}`);
      await delay(5);
    }
  };
  const texts = () => events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : []));
  const toldBy = (transport: string) =>
    slack.deliveries.items.filter((each) => each.transport === transport && each.outcome === 'taken').length;
  const allTold = () => until('all that was said', () => new Set(texts()).size >= said.length || undefined);
  const open = (what: () => number) => until('the way to be open again', () => what() > 0 || undefined);

  const act = { before: { cut: 'before' }, after: { cut: 'after' } } as const;
  for (const cut of [act.before, act.after]) {
    slack.eventFault({ on: 'message', transport: 'socket', after: 4, times: 1, act: cut });
    await say(`socket cut ${cut.cut}`);
    await open(() => slack.socketMode.connections(app));
    slack.eventFault({ on: 'message', transport: 'rtm', after: 4, times: 1, act: cut });
    await say(`RTM cut ${cut.cut}`);
    await open(() => slack.rtm.connections());
  }
  await allTold();

  // Socket Mode is switched off in mid-load, and its place taken by the Events API; that is away for longer than Slack tries.
  app.usesSocketMode = false;
  slack.socketMode.cut(app);
  await say('by Events API');
  app.eventsUrl = nowhere;
  await say('the Events API away');
  const isGivenUp = ({ transport, attempt, outcome }: { transport: string; attempt: number; outcome: string }) =>
    transport === 'events' && attempt === 3 && outcome === 'failed';
  await until('Slack to give up', () => slack.deliveries.items.filter(isGivenUp).length >= 12 || undefined);
  app.eventsUrl = eventsUrl;
  slack.eventFault({ on: 'message', transport: 'rtm', after: 4, times: 1, act: act.before });
  await say('RTM cut, the Events API there');
  await allTold();

  // Nothing is there, neither to tell nor to be asked.
  app.usesSocketMode = true;
  await say('before all is cut');
  await slack.down();
  await say('all cut');
  await slack.up();
  await say('after all was cut');
  await allTold();
  await delay(300);
  assert.deepEqual(texts().toSorted(), said.toSorted());
  for (const transport of ['socket', 'events', 'rtm']) assert.ok(toldBy(transport) > 0, `${transport} told something`);
});

test('a preview of a link is no edit, and a person’s new name and picture are told', { timeout: 180_000 }, async (t) => {
  const { slack, ann, general, events } = await withAdapter(t);
  slack.addPreview('https://news.test/', { title: 'News', text: 'of today' });
  ann.say(general, 'see <https://news.test/>');
  await slack.waitForDelivery('message/message_changed');
  ann.change({ displayName: 'annette' });
  const { was, user } = await heard(events, 'profile');
  assert.deepEqual([was.name, user.name], ['Ann Example', 'annette']);
  assert.ok(!events.some(({ kind }) => kind === 'edit'));
});

test('a private chat is told where one of its people is logged in, and where none is, not', { timeout: 180_000 }, async (t) => {
  const { bob, ann, adapter, events, slack, team } = await loggedIn(t);
  const cid = slack.addPerson(team, { id: 'U0CID', name: 'cid' });
  cid.say(bob, 'not for us');
  const dm = bob.open(ann);
  bob.say(dm, 'for ann');
  const event = await heard(events, 'message');
  assert.deepEqual([event.body.text, event.channel, event.sender.id], ['for ann', `T0001/${dm.id}`, 'T0001/U0BOB']);
  assert.deepEqual(adapter.channels.chat(event.channel), { kind: 'direct', people: [alice] });
  const group = bob.open(ann, cid);
  cid.say(group, 'for all three');
  const said = await heard(events, 'message', ({ body }) => body.text === 'for all three');
  assert.deepEqual(adapter.channels.chat(said.channel), { kind: 'group', people: [alice] });
  await delay(100);
  assert.equal(events.filter(({ kind }) => kind === 'message').length, 2);
});

test('a private channel is nothing to who is not in it, by id, by name or in a list', { timeout: 180_000 }, async (t) => {
  const { adapter, slack, team, ann, bob, bot } = await loggedIn(t);
  slack.addChannel(team, 'secret', [bob, bot.user], { id: 'C0SECRET', isPrivate: true });
  slack.addChannel(team, 'ours', [ann], { id: 'C0OURS', isPrivate: true });
  for (const query of ['C0SECRET', 'T0001/C0SECRET', '#secret', 'https://acme.slack.com/archives/C0SECRET'])
    assert.equal(await adapter.channels.resolve(query, alice), undefined, query);
  assert.equal((await adapter.channels.resolve('#ours', alice))?.id, 'T0001/C0OURS');
  assert.equal((await adapter.channels.resolve('C0OURS', alice))?.kind, 'private');
  assert.equal(await adapter.channels.resolve('C0OURS', userId('@stranger:hs.test')), undefined);
  const listed = async (by?: typeof alice) => {
    const ids: string[] = [];
    for await (const { id } of adapter.channels.list(undefined, by === undefined ? {} : { by })) ids.push(id);
    return ids.toSorted();
  };
  assert.deepEqual(await listed(), ['T0001/C0GENERAL']);
  assert.deepEqual(await listed(alice), ['T0001/C0GENERAL', 'T0001/C0OURS']);
  assert.equal(await adapter.channels.approvePlumb('T0001/C0OURS' as ChannelId, alice, { id: '!r:hs.test' as never }), 'granted');
});

test('a token that Slack revoked ends the login: told once, and the bot speaks instead', { timeout: 180_000 }, async (t) => {
  const { adapter, ann, app, channel, connections } = await loggedIn(t);
  await adapter.session({ as: 'user', user: alice }, channel);
  ann.revokeApp(app);
  await until('the end', () => connections.find(({ state }) => state === 'logged-out'));
  await assert.rejects(adapter.session({ as: 'user', user: alice }, channel), { code: 'NETWORK_LOGIN' });
  assert.equal(connections.filter(({ state }) => state === 'logged-out').length, 1);
});

test('a token that is found dead only in use ends the login too', { timeout: 180_000 }, async (t) => {
  const { adapter, token, channel, connections } = await loggedIn(t);
  const session = await adapter.session({ as: 'user', user: alice }, channel);
  token.isRevoked = true;
  await assert.rejects(session.send({ key: 'k', channel, body: { text: 'x' }, style: 'text' }), { code: 'NETWORK_LOGIN' });
  assert.equal(connections.filter(({ state }) => state === 'logged-out').length, 1);
});

test('logging out voids a token of ours, and leaves a pasted one alone', { timeout: 180_000 }, async (t) => {
  const { adapter, slack, app, ann } = await loggedIn(t);
  const login = (token: string, from: string) => ({
    ...{ user: alice, account: remoteUserId('T0001/U0ANN'), network: 'T0001', name: 'Ann', credentials: { token, from } },
  });
  const pasted = slack.setup.authorize(app, ann.user, { token: 'xoxp-pasted' });
  await adapter.signIn(login(pasted.value, 'paste'));
  await adapter.signOut(login(pasted.value, 'paste'));
  assert.equal(pasted.isRevoked, false);
  const own = slack.setup.authorize(app, ann.user, { token: 'xoxp-own' });
  await adapter.signIn(login(own.value, 'oauth'));
  await adapter.signOut(login(own.value, 'oauth'));
  assert.equal(own.isRevoked, true);
});

test('whose account somebody else has logged in with has no session any more', { timeout: 180_000 }, async (t) => {
  const { adapter, channel, token } = await loggedIn(t);
  const speaker = { as: 'user', user: alice } as const;
  await adapter.session(speaker, channel);
  assert.ok(adapter.openSession(speaker, channel) !== undefined);
  const login = { account: remoteUserId('T0001/U0ANN'), network: 'T0001', name: 'Ann on Acme', credentials: { token: token.value } };
  await adapter.signIn({ ...login, user: userId('@ann:hs.test') });
  assert.equal(adapter.openSession(speaker, channel), undefined);
});

test('a channel that is deleted is gone, one that the bot is put out of is shut; one with another id goes on under it', {
  timeout: 180_000,
}, async (t) => {
  const shut: [string, string][] = [];
  const moved: [string, string][] = [];
  const gone: string[] = [];
  const inbox = {
    gone: (channel: ChannelId) => void gone.push(channel),
    suspended: (channel: ChannelId, reason: string) => void shut.push([channel, reason]),
    moved: async (from: ChannelId, to: ChannelId) => void moved.push([from, to]),
  };
  const { slack, team, ann, bot, adapter, general } = await withAdapter(t, { inbox });
  for (const id of ['C0GONE', 'C0OUT', 'C0OLD']) {
    slack.addChannel(team, id.toLowerCase(), [ann, bot.user], { id });
    await adapter.watch(`T0001/${id}` as ChannelId);
  }
  ann.deleteChannel('C0GONE');
  ann.kick('C0OUT', bot.user);
  slack.channels.changeId(slack.world.channel('C0OLD'));
  await until('all of it', () => (gone.length === 1 && shut.length === 1 && moved.length === 1) || undefined);
  assert.deepEqual(gone, ['T0001/C0GONE']);
  assert.deepEqual(
    shut.map(([channel]) => channel),
    ['T0001/C0OUT'],
  );
  assert.equal(moved[0]?.[0], 'T0001/C0OLD');
  assert.ok(general.members.has(bot.user.id));
});

test('an app that is taken out of the workspace takes its team down, with the reason', { timeout: 180_000 }, async (t) => {
  const { slack, app, team, adapter } = await withAdapter(t);
  slack.uninstall(app, team);
  const status = await until('the end', () => adapter.status().find(({ state }) => state === 'down'));
  assert.match(status.detail ?? '', /taken out|revoked|account_inactive|invalid_auth|token/);
});

test('`/matrix` asks the core, and its words are for the asker alone', { timeout: 180_000 }, async (t) => {
  const asked: object[] = [];
  const inbox = {
    asked: async (act: object) => {
      asked.push(act);
      return 'done: <b>';
    },
  };
  const { ann, general } = await withAdapter(t, { inbox });
  const answer = await ann.command(general, '/matrix link #room:hs.test');
  assert.deepEqual([answer.text, answer.isInChannel], ['done: &lt;b&gt;', false]);
  await ann.command(general, '/matrix status');
  assert.match((await ann.command(general, '/matrix fly')).text ?? '', /matrix link/);
  assert.deepEqual(
    asked.map((act) => JSON.parse(JSON.stringify(act))).map(({ do: what, room, channel, by }) => [what, room, channel, by.id]),
    [
      ['link', '#room:hs.test', 'T0001/C0GENERAL', 'T0001/U0ANN'],
      ['status', undefined, 'T0001/C0GENERAL', 'T0001/U0ANN'],
    ],
  );
});

test('an app that a workspace has for itself tells of that workspace alone, whatever names its requests bear', {
  timeout: 180_000,
}, async (t) => {
  const web = await openWeb();
  t.after(() => web.close());
  const app = { client_id: '3.4', client_secret: 'c1de', signing_secret: 'their-own' };
  const teams = [
    { id: 'T0001', bot_token: 'xoxb-1', transport: ['events'] },
    { id: 'T0002', bot_token: 'xoxb-2', transport: ['events'], app },
  ];
  const { events } = await withAdapter(t, { transport: 'events', web, settings: { teams } });
  const post = async (secret: string, team: string, ts: string) => {
    const message = { type: 'message', channel: 'C0GENERAL', user: 'U0ANN', text: `by ${secret} for ${team}`, ts, event_ts: ts };
    const body = JSON.stringify({ type: 'event_callback', team_id: team, event_id: `Ev${ts}`, event: message });
    const at = String(Math.floor(Date.now() / 1_000));
    const signature = `v0=${createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex')}`;
    const headers = { 'content-type': 'application/json', 'x-slack-request-timestamp': at, 'x-slack-signature': signature };
    return (await fetch(`${web.url}/events`, { method: 'POST', headers, body })).status;
  };
  for (const [at, team] of ['T0001', 'T0002', 'T0003'].entries()) await post('their-own', team, `${1_700_000_000 + at}.000100`);
  assert.equal(await post('s3cret', 'T0009', '1700000009.000100'), 200, 'the other workspace of a shared channel');
  assert.deepEqual(
    events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : [])),
    ['by s3cret for T0009'],
  );
});
