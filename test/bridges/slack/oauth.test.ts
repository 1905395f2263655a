// Logging in by Slack's page: the link, the way there and back, once, by whom it was given to; and what it comes to.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type LoginResult, type UserId, userId } from '#bridge-core';
import { SlackAdapter } from '../../../bridges/slack/adapter.ts';
import { agree } from '../../support/agreeing.ts';
import { until } from '../../support/waiting.ts';
import { openWeb } from '../../support/web-door.ts';
import { heard, quick, settingsFor, withAdapter } from './with-slack.ts';

const alice = userId('@alice:hs.test');

async function stage(t: TestContext, settings: object = {}) {
  const web = await openWeb();
  t.after(() => web.close());
  const logins: { user: UserId; result: LoginResult }[] = [];
  const inbox = { loggedIn: async (user: UserId, result: LoginResult) => void logins.push({ user, result }) };
  const ended: unknown[] = [];
  const count = (name: string, labels: unknown) => name === 'oauth_session_result' && ended.push(labels);
  const all = await withAdapter(t, { web, inbox, settings, count });
  const flow = all.adapter.logins.find(({ id }) => id === 'browser') ?? assert.fail('no way by browser');
  const link = async () => {
    const { value } = await flow.run(alice).next();
    return (value as { open: string }).open;
  };
  return { ...all, logins, ended, link };
}

/** As a browser: to Slack, which redirects; and back with the cookie. */
async function begin(link: string) {
  const { status, location, cookie } = await agree(link);
  return { status, to: location, cookie };
}

async function back(url: string, cookie: string) {
  const answer = await fetch(url, { headers: { cookie } });
  return { status: answer.status, text: (await answer.text()).replace(/<style>.*<\/style>/, '').replace(/<[^>]*>/g, ' ') };
}

test('a person logs in, speaks as themselves, and is heard where they speak by Slack itself', { timeout: 180_000 }, async (t) => {
  const { ann, adapter, channel, general, events, link, logins } = await stage(t);
  const { status, to, cookie } = await begin(await link());
  assert.equal(status, 303);
  const answer = await back(ann.approve(to), cookie);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /logged in as Ann Example on Acme/);
  const [{ user, result } = assert.fail('nobody is logged in')] = logins;
  assert.deepEqual([user, result.account, result.network, result.name], [alice, 'T0001/U0ANN', 'T0001', 'Ann Example on Acme']);

  await adapter.signIn({ ...result, user });
  const session = await adapter.session({ as: 'user', user: alice }, channel);
  await session.send({ key: 'k', channel, body: { text: 'as myself' }, style: 'text' });
  await session.send({ key: 'm', channel, body: { text: 'waves' }, style: 'emote' });
  assert.equal((await ann.waitForMessage(general, 'as myself')).user, 'U0ANN');
  assert.equal((await ann.waitForMessage(general, 'waves')).subtype, 'me_message');
  ann.say(general, 'by Slack itself');
  await heard(events, 'message');
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(
    events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : [])),
    ['by Slack itself'],
  );
});

test('a link is good for one login, and only in the browser that it was opened in', { timeout: 180_000 }, async (t) => {
  const { ann, link, logins } = await stage(t);
  const given = await link();
  const { to, cookie } = await begin(given);
  const url = ann.approve(to);
  assert.equal((await back(url, '')).status, 403);
  assert.equal(logins.length, 0);
  const again = await begin(given);
  assert.equal((await back(ann.approve(again.to), again.cookie)).status, 200);
  assert.equal((await back(url, cookie)).status, 403);
  const used = await begin(given);
  assert.equal(used.status, 410);
  assert.equal(logins.length, 1);
});

test('of two who come back by one link at the same time one is logged in', { timeout: 180_000 }, async (t) => {
  const { ann, bob, link, logins } = await stage(t);
  const given = await link();
  const [one, other] = [await begin(given), await begin(given)];
  const answers = await Promise.all([back(ann.approve(one.to), one.cookie), back(bob.approve(other.to), other.cookie)]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 403]);
  assert.equal(logins.length, 1);
});

test('who refuses on the page is told so, and nothing is kept', { timeout: 180_000 }, async (t) => {
  const { ann, link, logins, ended } = await stage(t);
  const { to, cookie } = await begin(await link());
  const answer = await back(ann.deny(to), cookie);
  assert.equal(answer.status, 403);
  assert.match(answer.text, /cancelled/);
  assert.equal(logins.length, 0);
  const other = await begin(await link());
  await back(ann.approve(other.to), other.cookie);
  assert.deepEqual(ended, [
    { result: 'failed', reason: 'DENIED' },
    { result: 'success', reason: '' },
  ]);
});

test('a pasted token is asked who it is; a bot’s, a stranger’s or none is refused', { timeout: 180_000 }, async (t) => {
  const { slack, app, bob, adapter } = await stage(t);
  const token = slack.setup.authorize(app, bob.user, { token: 'xoxp-bob' }).value;
  const other = slack.setup.team({ id: 'T0009', name: 'Elsewhere' });
  const stranger = slack.setup.authorize(app, slack.addPerson(other, 'eve').user, { token: 'xoxp-eve' }).value;
  const flow = adapter.logins.find(({ id }) => id === 'token') ?? assert.fail('no way by token');
  const tried = async (given: string) => {
    const steps = flow.run(alice);
    await steps.next();
    const { value } = await steps.next({ token: given });
    return value as LoginResult;
  };
  assert.equal((await tried(token)).name, 'Bob Example on Acme');
  for (const [given, words] of [
    ['xoxb-1', /bot/],
    [stranger, /not in/],
    ['xoxp-nobody', /does not take/],
    ['hello', /no token/],
  ] as const)
    await assert.rejects(tried(given), words);
});

test('a workspace installs the app by a link; its token is renewed, and outlives a restart', { timeout: 180_000 }, async (t) => {
  const { slack, app, adapter, tools, logins } = await stage(t);
  const other = slack.setup.team({ id: 'T0002', name: 'Elsewhere' });
  const eve = slack.addPerson(other, { id: 'U0EVE', name: 'eve', isAdmin: true });
  const lounge = slack.addChannel(other, 'lounge', [eve], { id: 'C0LOUNGE' });
  Object.assign(app, { hasTokenRotation: true });
  const command = adapter.commands.find(({ name }) => name === 'install') ?? assert.fail('no install');
  const words = await command.run({ user: alice, room: '!chat:hs.test' as never, isDirect: true }, []);
  const { to, cookie } = await begin(/https?:\/\/\S+/.exec(words)?.[0] ?? '');
  const answer = await back(eve.approve(to), cookie);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /in Elsewhere now/);
  const [{ result } = assert.fail('nobody is logged in')] = logins;
  assert.equal(result.account, 'T0002/U0EVE');
  const isUp = (of: SlackAdapter) => () => of.status().find(({ network, state }) => network === 'T0002' && state === 'up');
  await until('the team', isUp(adapter));
  assert.equal((await adapter.channels.resolve('T0002 #lounge'))?.id, 'T0002/C0LOUNGE');

  slack.world.clock.forward(13 * 3_600_000);
  const bot = await adapter.session({ as: 'bot' }, 'T0002/C0LOUNGE' as never);
  await bot.send({ key: 'k', channel: 'T0002/C0LOUNGE' as never, body: { text: 'with a new token' }, style: 'text' });
  await eve.waitForMessage(lounge, 'with a new token');
  const { refresh } = JSON.parse(tools.secrets.get('bot T0002') ?? '{}');
  assert.ok(typeof refresh === 'string');

  const again = new SlackAdapter(settingsFor(slack, ['socket']), tools, quick);
  t.after(() => again.disconnect());
  await adapter.disconnect();
  await again.connect();
  await until('the team again', isUp(again));
});

test('who follows a link is asked first whether they are whom it was given to', { timeout: 180_000 }, async (t) => {
  const { link } = await stage(t);
  const given = await link();
  const answer = await fetch(given, { redirect: 'manual' });
  const text = await answer.text();
  assert.equal(answer.status, 200);
  assert.match(text, /@alice:hs\.test on Matrix will be able to read and write in Slack as you/);
  const browser = /name="browser" value="([^"]+)"/.exec(text)?.[1] ?? '';
  const elsewhere = await fetch(given, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ browser }) });
  assert.equal(elsewhere.status, 403, 'another site’s page cannot answer it in their browser');
  assert.equal((await fetch(`${given}&agreed`, { redirect: 'manual' })).status, 200, 'and no address says that they agreed');
});

test('a link for a login brings no app into a workspace, whatever was put into its address', { timeout: 180_000 }, async (t) => {
  const { slack, adapter, link, logins, tools } = await stage(t);
  const other = slack.setup.team({ id: 'T0002', name: 'Elsewhere' });
  const eve = slack.addPerson(other, { id: 'U0EVE', name: 'eve', isAdmin: true });
  const { to, cookie } = await begin(await link());
  const forged = new URL(to);
  forged.searchParams.set('scope', 'chat:write,channels:read,users:read');
  const answer = await back(eve.approve(forged.href), cookie);
  assert.equal(answer.status, 403, answer.text);
  assert.match(answer.text, /the bridge is not in Elsewhere/);
  assert.equal(tools.secrets.get('bot T0002'), undefined);
  assert.deepEqual(
    adapter.status().map(({ network }) => network),
    ['T0001'],
  );
  assert.equal(logins.length, 0);
});

test('an admin has a link made by which somebody else brings the app in, or logs in', { timeout: 180_000 }, async (t) => {
  const { slack, adapter, logins } = await stage(t);
  const other = slack.setup.team({ id: 'T0002', name: 'Elsewhere' });
  const eve = slack.addPerson(other, { id: 'U0EVE', name: 'eve', isAdmin: true });
  const command = adapter.commands.find(({ name }) => name === 'oauth') ?? assert.fail('no oauth');
  const asked = { user: alice, room: '!chat:hs.test' as never, isDirect: true };
  await assert.rejects(command.run({ ...asked, isDirect: false }, ['@bob:hs.test']), /direct chat/);
  await assert.rejects(command.run(asked, ['bob']), /Matrix id/);
  for (const [words, page] of [
    [['@bob:hs.test'], /in Elsewhere now/],
    [['@bob:hs.test', 'puppet'], /Elsewhere/],
  ] as const) {
    const { to, cookie } = await begin(/https?:\/\/\S+/.exec(await command.run(asked, words))?.[0] ?? '');
    const answer = await back(eve.approve(to), cookie);
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.text, page);
  }
  assert.deepEqual(
    logins.map(({ user }) => user),
    ['@bob:hs.test', '@bob:hs.test'],
  );
});
