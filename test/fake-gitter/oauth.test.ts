// OAuth of the fake: the page in a browser, the exchange by plain fetch.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { openPage } from '../support/browser.ts';
import type { FakeGitter, OAuthClient } from '../support/fake-gitter.ts';
import { apiOf, org } from './org.ts';

function authorizeUrl(gitter: FakeGitter, { id, redirectUri }: OAuthClient, more: Readonly<Record<string, string>> = {}): string {
  const query = { response_type: 'code', client_id: id, redirect_uri: redirectUri, state: 'st&te', ...more };
  return `${gitter.oauthUrl}/authorize?${new URLSearchParams(query)}`;
}

async function exchange(gitter: FakeGitter, { id, secret, redirectUri }: OAuthClient, code: string, more: object = {}) {
  const fields = { client_id: id, client_secret: secret, code, redirect_uri: redirectUri, grant_type: 'authorization_code', ...more };
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${gitter.oauthUrl}/token`, { method: 'POST', headers, body: JSON.stringify(fields) });
  return { status: response.status, body: (await response.json()) as Readonly<Record<string, string>> };
}

const codeOf = (address: string) => new URL(address).searchParams.get('code') ?? '';

test('a code becomes a token once; the same person and client have the same token', async (t) => {
  const { gitter, ann } = await org(t);
  const client = gitter.addClient({ redirectUri: 'http://127.0.0.1:1/return' });
  const address = ann.approve(authorizeUrl(gitter, client));
  assert.ok(address.startsWith('http://127.0.0.1:1/return?code='));
  assert.equal(new URL(address).searchParams.get('state'), 'st&te');
  const { status, body } = await exchange(gitter, client, codeOf(address));
  assert.deepEqual([status, body.token_type, body.access_token?.length], [200, 'Bearer', 40]);
  assert.equal((await apiOf(gitter, body.access_token ?? '')('GET', '/user/me')).body.username, 'ann');
  assert.deepEqual(await exchange(gitter, client, codeOf(address)), {
    status: 403,
    body: { error: 'invalid_grant', error_description: 'Invalid authorization code' },
  });
  const again = await exchange(gitter, client, codeOf(ann.approve(authorizeUrl(gitter, client))));
  assert.equal(again.body.access_token, body.access_token);
  ann.revoke(client);
  assert.equal((await apiOf(gitter, body.access_token ?? '')('GET', '/user/me')).status, 401);
  const fresh = await exchange(gitter, client, codeOf(ann.approve(authorizeUrl(gitter, client))));
  assert.notEqual(fresh.body.access_token, body.access_token);
});

test('wrong secrets, addresses and grants are refused, and a code with them is spent', async (t) => {
  const { gitter, ann } = await org(t);
  const client = gitter.addClient({ redirectUri: 'http://127.0.0.1:1/return' });
  const code = () => codeOf(ann.approve(authorizeUrl(gitter, client)));
  assert.equal((await exchange(gitter, client, code(), { client_secret: 'wrong' })).status, 401);
  assert.equal((await exchange(gitter, client, code(), { grant_type: 'password' })).status, 501);
  const used = code();
  assert.equal((await exchange(gitter, client, used, { redirect_uri: 'http://127.0.0.1:1/' })).status, 403);
  assert.equal((await exchange(gitter, client, used)).status, 403);
});

test('an unknown client or another redirect address gets a page with 401, and nobody is sent anywhere', async (t) => {
  const { gitter } = await org(t);
  const client = gitter.addClient({ redirectUri: 'http://127.0.0.1:1/return' });
  for (const more of [{ client_id: 'x' }, { redirect_uri: 'http://127.0.0.1:1/return/' }, { response_type: 'token' }]) {
    const response = await fetch(authorizeUrl(gitter, client, more), { redirect: 'manual' });
    assert.deepEqual([response.status, response.headers.get('content-type')], [401, 'text/html; charset=utf-8']);
    assert.match(await response.text(), /<p id="error">/);
  }
});

test('whoever denies is sent back with an error', async (t) => {
  const { gitter, ann } = await org(t);
  const back = new URL(ann.deny(authorizeUrl(gitter, gitter.addClient())));
  assert.deepEqual([back.searchParams.get('error'), back.searchParams.get('state')], ['access_denied', 'st&te']);
});

test('a trusted client of somebody signed in needs no consent', async (t) => {
  const { gitter, ann } = await org(t);
  gitter.oauth.signedIn = ann.user;
  const client = gitter.addClient({ isTrusted: true });
  const response = await fetch(authorizeUrl(gitter, client), { redirect: 'manual' });
  assert.equal(response.status, 302);
  const { body } = await exchange(gitter, client, codeOf(response.headers.get('location') ?? ''));
  assert.equal(gitter.tokenOf(ann, client), body.access_token);
});

test('the token may be answered as a form, and asked for by one, unless JSON is wished for', async (t) => {
  const { gitter, ann } = await org(t, { quirks: { tokenAnswer: 'form' } });
  const client = gitter.addClient();
  const { id, secret, redirectUri } = client;
  const ask = async (accept: string) => {
    const code = codeOf(ann.approve(authorizeUrl(gitter, client)));
    const grant = { code, redirect_uri: redirectUri, grant_type: 'authorization_code' };
    const body = new URLSearchParams({ client_id: id, client_secret: secret, ...grant });
    return await (await fetch(`${gitter.oauthUrl}/token`, { method: 'POST', body, headers: { accept } })).text();
  };
  const token = gitter.tokenOf(ann, client);
  assert.equal(new URLSearchParams(await ask('*/*')).get('access_token'), token);
  assert.deepEqual(JSON.parse(await ask('application/json')), { access_token: token, token_type: 'Bearer' });
});

test('a person signs in and allows by clicking in a browser', async (t) => {
  const page = await openPage(t);
  if (page === undefined) return;
  const { gitter, bob, atEnd } = await org(t);
  const door = createServer((_request, response) => response.end('back at the bridge'));
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    door.closeAllConnections();
    door.close();
  });
  const client = gitter.addClient({ name: 'Causeway', redirectUri: `http://127.0.0.1:${(door.address() as AddressInfo).port}/return` });
  await page.goto(authorizeUrl(gitter, client));
  assert.match((await page.textContent('h1')) ?? '', /^Causeway wants/);
  await page.selectOption('select[name=person]', { label: 'bob' });
  await page.click('#allow');
  await page.waitForURL(/\/return/);
  const { body } = await exchange(gitter, client, codeOf(page.url()));
  assert.equal(body.access_token, gitter.tokenOf(bob, client));
  await page.goto(authorizeUrl(gitter, client));
  await page.click('#deny');
  await page.waitForURL(/error=access_denied/);
});
