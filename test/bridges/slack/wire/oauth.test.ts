// OAuth v2: a browser goes to Slack and comes back once, in its own name; tokens are renewed; what is lacking is named.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { BridgeError, DeniedError, type PermanentError } from '#bridge-core';
import { isRefusal } from '../../../../bridges/slack/wire/faults.ts';
import { Installer, renewToken, type StateStore } from '../../../../bridges/slack/wire/oauth.ts';
import { missingScopes, scopesFor, usualFeatures } from '../../../../bridges/slack/wire/scopes.ts';
import { wired } from './wired.ts';

const redirectUri = 'http://127.0.0.1/slack/oauth/return';

async function door(t: TestContext, app: object = {}) {
  const world = await wired(t, { app: { clientId: '1.2', clientSecret: 'c0de', redirectUris: [redirectUri], ...app } });
  const kept = new Map<string, string>();
  const states: StateStore = {
    keep: async (state, about) => void kept.set(state, about),
    take: async (state) => {
      const about = kept.get(state);
      kept.delete(state);
      return about;
    },
  };
  const installer = new Installer({
    clientId: '1.2',
    clientSecret: 'c0de',
    api: world.api,
    states,
    authorizeUrl: world.slack.authorizeUrl,
  });
  const scopes = scopesFor(usualFeatures);
  const begin = () =>
    installer.begin({ scopes: scopes.bot, userScopes: scopes.user, redirectUri, team: 'T0001', about: '@ann:example.org' });
  const back = (address: string) => new URL(address).searchParams;
  const sent = (cookie: string) => cookie.split(';')[0];
  return { ...world, installer, kept, scopes, begin, back, sent };
}

async function denied(call: Promise<unknown>): Promise<string> {
  const thrown = await call.catch((error: unknown) => error);
  assert.ok(thrown instanceof DeniedError, String(thrown));
  return thrown.message;
}

test('from click to tokens: bot and person at once, with what was asked for', async (t) => {
  const { installer, begin, back, sent, ann, api, app, team, scopes, slack } = await door(t);
  const { url, cookie } = await begin();
  const asked = new URL(url).searchParams;
  assert.deepEqual([asked.get('client_id'), asked.get('redirect_uri'), asked.get('team')], ['1.2', redirectUri, 'T0001']);
  assert.match(cookie, /^causeway-slack=[\w-]{32}; HttpOnly; Path=\/; Max-Age=600; SameSite=Lax$/);
  const granted = await installer.finish(back(ann.approve(url)), sent(cookie));
  assert.deepEqual(
    [granted.about, granted.app, granted.team, granted.isOrgWide],
    ['@ann:example.org', app.id, { id: team.id, name: 'Acme' }, false],
  );
  assert.deepEqual([granted.user.id, granted.user.scopes?.toSorted()], [ann.id, scopes.user]);
  assert.deepEqual(missingScopes(granted.bot?.scopes ?? [], scopes.bot), []);
  const self = await api.caller({ token: granted.bot?.token, scope: 'T0001' }).call('auth.test');
  assert.deepEqual([self.bot_id, self.user_id], [granted.bot?.id, granted.bot?.user]);
  const own = await api.caller({ token: granted.user.token, scope: 'T0001' }).call('auth.test');
  assert.equal(own.user_id, ann.id);
  assert.deepEqual(slack.undocumented, []);
});

test('a state is good once, in the browser that it was given to, and not for ever', async (t) => {
  const { installer, begin, back, sent, kept, ann } = await door(t);
  const { url, cookie } = await begin();
  const query = back(ann.approve(url));
  assert.match(await denied(installer.finish(query, undefined)), /another browser/);
  assert.match(await denied(installer.finish(query, 'causeway-slack=other')), /another browser/);
  await installer.finish(query, `theme=dark; ${sent(cookie)}`);
  assert.match(await denied(installer.finish(query, sent(cookie))), /used already/);
  const second = await begin();
  kept.clear();
  assert.match(await denied(installer.finish(back(ann.approve(second.url)), sent(second.cookie))), /too old/);
  assert.match(await denied(installer.finish(new URLSearchParams('code=1'), sent(cookie))), /ask for a new one/);
});

test('who cancels is told so, and the state is gone; other words of Slack are passed on, but no page', async (t) => {
  const { installer, begin, back, sent, kept, bob } = await door(t);
  const { url, cookie } = await begin();
  assert.match(await denied(installer.finish(back(bob.deny(url)), sent(cookie))), /cancelled/);
  assert.equal(kept.size, 0);
  const finish = (word: string) =>
    installer.finish(new URLSearchParams({ error: word }), undefined).catch((error: PermanentError) => error.message);
  assert.equal(await finish('invalid_team_for_non_distributed_app'), 'Slack refused it: invalid_team_for_non_distributed_app');
  assert.equal(await finish('<script>'), 'Slack refused it: without a word');
});

test('a fault of the exchange is one of the catalogue', async (t) => {
  const { slack, installer, begin, back, sent, ann } = await door(t);
  const failing = async () => {
    const { url, cookie } = await begin();
    const thrown = await installer.finish(back(ann.approve(url)), sent(cookie)).catch((error: unknown) => error);
    assert.ok(thrown instanceof BridgeError, String(thrown));
    return thrown.code;
  };
  slack.fault({ on: 'oauth.v2.access', times: 1, act: { error: 'bad_client_secret' } });
  assert.equal(await failing(), 'NETWORK_LOGIN');
  slack.fault({ on: 'oauth.v2.access', times: 1, act: { drop: 'after' } });
  assert.equal(await failing(), 'OUTCOME_UNKNOWN');
  slack.fault({ on: 'auth.test', times: 1, act: { status: 500 } });
  assert.equal(await failing(), 'OUTCOME_UNKNOWN');
});

test('over TLS the cookie goes over nothing else', async (t) => {
  const { installer } = await door(t);
  const { cookie } = await installer.begin({ scopes: ['chat:write'], userScopes: [], redirectUri: 'https://b.example/return', about: '' });
  assert.match(cookie, /; Secure;/);
  assert.match(installer.forget('https://b.example/return'), /^causeway-slack=; Secure; .*Max-Age=0/);
  assert.doesNotMatch(installer.forget(redirectUri), /Secure/);
});

test('rotated tokens bear their end, are renewed, and a refresh token is good once', async (t) => {
  const { installer, begin, back, sent, ann, api } = await door(t, { hasTokenRotation: true });
  const renew = (refresh = '') => renewToken(api, { clientId: '1.2', clientSecret: 'c0de' }, refresh);
  const { url, cookie } = await begin();
  const { bot, user } = await installer.finish(back(ann.approve(url)), sent(cookie));
  const hours = ((bot?.expiresAt ?? 0) - Date.now()) / 3600_000;
  assert.ok(hours > 11.9 && hours <= 12, `${hours}`);
  for (const old of [bot, user]) {
    const renewed = await renew(old?.refreshToken);
    assert.notEqual(renewed.token, old?.token);
    assert.ok(renewed.refreshToken !== old?.refreshToken && (renewed.expiresAt ?? 0) > Date.now());
    await api.caller({ token: renewed.token, scope: 'T0001' }).call('auth.test');
    const again = await renew(old?.refreshToken).catch((error: unknown) => error);
    assert.ok(isRefusal(again, 'invalid_refresh_token') && again.code === 'NETWORK_LOGIN', String(again));
  }
});

test('scopes that are missing are named; the one of a classic app stands for all', () => {
  assert.deepEqual(missingScopes(['chat:write'], ['chat:write', 'pins:read']), ['pins:read']);
  assert.deepEqual(missingScopes(['bot'], ['chat:write', 'pins:read']), []);
});
