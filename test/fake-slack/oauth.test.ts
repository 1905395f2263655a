// OAuth of the fake, with @slack/oauth's InstallProvider at the other end.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Installation, InstallProvider } from '@slack/oauth';
import type { NewApp } from '../support/fake-slack/setup.ts';
import { acme, refusal, silent } from './acme.ts';

type Installed = Installation<'v2', boolean>;

/** A bridge's OAuth door: `/install` sends to Slack, `/return` takes the code. */
async function provider(t: TestContext, app: NewApp = {}) {
  const world = await acme(t, { app: { clientId: '1.2', clientSecret: 'c0de', redirectUris: ['http://127.0.0.1/return'], ...app } });
  const { slack } = world;
  const stored: Installed[] = [];
  const states = new Map<string, object>();
  const installer = new InstallProvider({
    clientId: '1.2',
    clientSecret: 'c0de',
    logger: silent,
    authorizationUrl: slack.authorizeUrl,
    clientOptions: { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 } },
    directInstall: true,
    stateStore: {
      generateStateParam: async (options) => {
        const state = `state-${states.size}`;
        states.set(state, options);
        return state;
      },
      verifyStateParam: async (_now, state) => {
        const options = states.get(state);
        states.delete(state);
        if (options === undefined) throw new Error('state used or unknown');
        return options as never;
      },
    },
    installationStore: {
      storeInstallation: async (installation) => void stored.push(installation as Installed),
      fetchInstallation: async () => stored.at(-1) as Installation<'v1' | 'v2', boolean>,
    },
  });
  const redirectUri = 'http://127.0.0.1/return';
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/return'))
      void installer.handleCallback(request, response, {
        success: (_i, _o, _q, res) => res.end('welcome'),
        failure: (error, _o, _q, res) => res.end(error.message),
      });
    else {
      const scopes = {
        scopes: ['chat:write', 'channels:read', 'incoming-webhook'],
        userScopes: ['chat:write', 'im:history'],
        redirectUri,
        metadata: '@ann:example.org',
      };
      void installer.handleInstallPath(request, response, {}, scopes);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  world.atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const begin = async () => {
    const response = await fetch(`${origin}/install`, { redirect: 'manual' });
    return { address: response.headers.get('location') ?? '', cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '' };
  };
  const comeBack = async (address: string, cookie: string) => {
    const back = new URL(address);
    return (await fetch(`${origin}${back.pathname}${back.search}`, { headers: { cookie } })).text();
  };
  return { ...world, installer, stored, begin, comeBack };
}

test('from click to tokens: bot and person in one flow, the state come back, the code good once', async (t) => {
  const { slack, ann, begin, comeBack, stored, client, team, app } = await provider(t);
  const { address, cookie } = await begin();
  const query = new URL(address).searchParams;
  assert.deepEqual(
    [query.get('client_id'), query.get('scope'), query.get('user_scope')],
    ['1.2', 'chat:write,channels:read,incoming-webhook', 'chat:write,im:history'],
  );
  const back = ann.approve(address);
  assert.equal(new URL(back).searchParams.get('state'), query.get('state'));
  assert.equal(await comeBack(back, cookie), 'welcome');
  const [installation] = stored as [Installed];
  assert.deepEqual(
    [installation.team?.id, installation.user.id, installation.appId, installation.metadata, installation.tokenType],
    [team.id, ann.id, app.id, '@ann:example.org', 'bot'],
  );
  assert.match(installation.incomingWebhook?.url ?? '', /\/services\/T0001\//);
  assert.equal((await client(installation.bot?.token).auth.test()).bot_id, installation.bot?.id);
  const own = await client(installation.user.token).chat.postMessage({ channel: 'C0GENERAL', text: 'as myself' });
  assert.deepEqual([own.message?.user, own.message?.app_id], [ann.id, app.id]);
  assert.match(await comeBack(back, cookie), /state used/);
  const exchange = {
    client_id: '1.2',
    client_secret: 'c0de',
    code: new URL(back).searchParams.get('code') ?? '',
    redirect_uri: 'http://127.0.0.1/return',
  };
  assert.equal(await refusal(client('').oauth.v2.access(exchange)), 'invalid_code');
  assert.deepEqual(slack.undocumented, []);
});

test('who cancels is sent back with access_denied, and nothing is stored', async (t) => {
  const { bob, begin, comeBack, stored } = await provider(t);
  const { address, cookie } = await begin();
  assert.match(await comeBack(bob.deny(address), cookie), /cancelled/);
  assert.deepEqual(stored, []);
});

test('the page is a form that a browser can send, and it refuses what is wrong in its own words', async (t) => {
  const { slack, ann, begin } = await provider(t);
  const { address } = await begin();
  const page = await (await fetch(address)).text();
  assert.match(page, /Bridge is requesting permission/);
  const fields = [...page.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
    name,
    value.replaceAll('&#38;', '&'),
  ]);
  const form = new URLSearchParams([
    ...fields.filter(([name]) => name !== 'org' && name !== 'decision'),
    ['person', ann.id],
    ['decision', 'allow'],
  ] as [string, string][]);
  const answered = await fetch(slack.authorizeUrl, { method: 'POST', body: form, redirect: 'manual' });
  assert.deepEqual([answered.status, new URL(answered.headers.get('location') ?? '').pathname], [302, '/return']);
  const wrong = async (change: Record<string, string>) => {
    const url = new URL(address);
    for (const [name, value] of Object.entries(change)) url.searchParams.set(name, value);
    return /id="error">([^<]*)/.exec(await (await fetch(url)).text())?.[1];
  };
  assert.equal(await wrong({ client_id: '9.9' }), 'invalid_client_id');
  assert.equal(await wrong({ redirect_uri: 'http://evil.test/' }), 'bad_redirect_uri');
  assert.equal(await wrong({ scope: 'chat:shout' }), 'invalid_scope: chat:shout');
  assert.throws(() => ann.approve(`${address}&scope=nonsense`.replace('scope=chat', 'scope=x')), /Slack shows an error/);
});

test('the exchange checks secret, address and age of the code', async (t) => {
  const { slack, ann, begin, client } = await provider(t);
  const web = client('');
  const code = async () => new URL(ann.approve((await begin()).address)).searchParams.get('code') ?? '';
  const access = async (change: object) =>
    refusal(
      web.oauth.v2.access({
        client_id: '1.2',
        client_secret: 'c0de',
        redirect_uri: 'http://127.0.0.1/return',
        code: await code(),
        ...change,
      }),
    );
  assert.equal(await access({ client_secret: 'wrong' }), 'bad_client_secret');
  assert.equal(await access({ client_id: '9.9' }), 'invalid_client_id');
  assert.equal(await access({ redirect_uri: 'http://127.0.0.1/return/other' }), 'bad_redirect_uri');
  const old = await code();
  slack.world.clock.forward(10 * 60_000 + 1000);
  assert.equal(await access({ code: old }), 'invalid_code');
  assert.equal(await access({}), 'none');
});

test('rotated tokens end after twelve hours and are renewed by the library, each refresh token once', async (t) => {
  const { slack, ann, begin, comeBack, stored, installer, client } = await provider(t, { hasTokenRotation: true });
  const { address, cookie } = await begin();
  await comeBack(ann.approve(address), cookie);
  const [{ bot, user }] = stored as [Installed];
  assert.match(bot?.token ?? '', /^xoxe\.xoxb-1-/);
  const query = { teamId: 'T0001', enterpriseId: undefined, isEnterpriseInstall: false };
  const [refreshToken, token] = [bot?.refreshToken ?? '', bot?.token];
  for (const each of [bot, user]) if (each !== undefined) each.expiresAt = Math.floor(Date.now() / 1000) + 60;
  const renewed = await installer.authorize(query);
  assert.notEqual(renewed.botToken, token);
  assert.equal((await client(renewed.botToken).auth.test()).ok, true);
  assert.equal((await client(renewed.userToken).auth.test()).user_id, ann.id);
  const again = client('').oauth.v2.access({
    client_id: '1.2',
    client_secret: 'c0de',
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
  });
  assert.equal(await refusal(again), 'invalid_refresh_token');
  slack.world.clock.forward(12 * 3600_000 + 1000);
  assert.equal(await refusal(client(renewed.botToken).auth.test()), 'token_expired');
});

test('a revoked token is told of, and the last one uninstalls the app', async (t) => {
  const { slack, app, ann, bot, team, client } = await acme(t, { app: { socketMode: true } });
  const puppet = slack.setup.authorize(app, ann.user);
  const told = (what: string) => slack.waitForDelivery(what, ({ attempt }) => attempt === 0).then(({ payload }) => payload.event);
  const kept = await client(puppet.value).auth.revoke({ test: true });
  assert.deepEqual([(kept as { revoked?: boolean }).revoked, slack.deliveries.items.length], [false, 0]);
  await client(puppet.value).auth.revoke();
  assert.deepEqual(await told('tokens_revoked'), { type: 'tokens_revoked', tokens: { oauth: [ann.id] } });
  assert.equal(
    slack.deliveries.items.some(({ what }) => what === 'app_uninstalled'),
    false,
  );
  slack.uninstall(app, team);
  assert.deepEqual(await told('app_uninstalled'), { type: 'app_uninstalled' });
  assert.equal(await refusal(client(bot.token.value).auth.test()), 'account_inactive');
});
