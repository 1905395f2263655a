// What changes about a workspace while the bridge is in it: its name and address, and what the app may do there once it is installed anew.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { userId } from '#bridge-core';
import { agree } from '../../support/agreeing.ts';
import { botScopes } from '../../support/fake-slack/setup.ts';
import { until } from '../../support/waiting.ts';
import { openWeb } from '../../support/web-door.ts';
import { heard, type Wish, withAdapter } from './with-slack.ts';

const alice = userId('@alice:hs.test');
const lacking = botScopes.filter((scope) => scope !== 'chat:write.customize');

async function installable(t: TestContext, wish: Wish) {
  const web = await openWeb();
  t.after(() => web.close());
  const all = await withAdapter(t, { web, inbox: { loggedIn: async () => {} }, ...wish });
  const install = async () => {
    const command = all.adapter.commands.find(({ name }) => name === 'install') ?? assert.fail('no install');
    const words = await command.run({ user: alice, room: '!chat:hs.test' as never, isDirect: true }, []);
    const { location, cookie } = await agree(/https?:\/\/\S+/.exec(words)?.[0] ?? '');
    const back = await fetch(all.ann.approve(location), { headers: { cookie } });
    assert.equal(back.status, 200, await back.text());
  };
  return { ...all, install };
}

test('an app that is installed again may do at once what it could not before', { timeout: 180_000 }, async (t) => {
  const { adapter, channel, install, ann, general } = await installable(t, { scopes: lacking });
  assert.equal(adapter.capabilities(channel).shownAs, false);
  await install();
  await until('the new right', () => adapter.capabilities(channel).shownAs || undefined);
  const bot = await adapter.session({ as: 'bot' }, channel);
  await bot.send({ key: 'k', channel, body: { text: 'hello' }, style: 'text', shownAs: { name: 'Alice' } });
  assert.equal((await ann.waitForMessage(general, 'hello')).username, 'Alice');
});

test('what Slack’s own page lets the app do from now on is found without a restart', { timeout: 180_000 }, async (t) => {
  const { adapter, channel, slack } = await installable(t, { scopes: lacking });
  assert.equal(adapter.capabilities(channel).shownAs, false);
  slack.setup.install(slack.world.apps.get('A0BRIDGE') ?? assert.fail('no app'), slack.world.team('T0001'), { token: 'xoxb-1' });
  await until('the new right', () => adapter.capabilities(channel).shownAs || undefined);
});

test('a classic app that was taken out hears again once it is installed again', { timeout: 180_000 }, async (t) => {
  const { adapter, slack, app, team, ann, general, events, install } = await installable(t, { transport: 'rtm' });
  slack.uninstall(app, team);
  await slack.down();
  await slack.up();
  await until('the end of the token', () => adapter.status()[0]?.state === 'down' || undefined);
  await install();
  await until('the team again', () => adapter.status()[0]?.state === 'up' || undefined);
  ann.say(general, 'heard again');
  await heard(events, 'message', ({ body }) => body.text === 'heard again');
});

test('a workspace’s new name and address are followed', { timeout: 180_000 }, async (t) => {
  const { adapter, slack, team, channel } = await withAdapter(t);
  const address = () => adapter.channels.permalinks.of({ channel }, channel) ?? '';
  assert.ok(!address().includes('/acme-two/'));
  slack.people.renameTeam(team, 'Acme Two');
  slack.people.moveTeam(team, 'acme-two');
  await until('both', () => (adapter.status()[0]?.name === 'Acme Two' && address().includes('/acme-two/')) || undefined);
  assert.equal(adapter.channels.describe(channel).network.name, 'Acme Two');
});
