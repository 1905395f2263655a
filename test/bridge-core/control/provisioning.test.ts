// The provisioning door over HTTP: who is let in and who is not, the neutral calls, a dialect of an adapter's, sessions by OpenID.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { networkIn } from '../../../bridge-core/control/provisioning.ts';
import { channelId, remoteUserId, userId } from '../../../bridge-core/ids.ts';
import type { ProvisioningDialect, ProvisioningVerbs } from '../../../bridge-core/provisioning.ts';
import { resultFor } from '../../support/fake-adapter/logins.ts';
import { inFake } from '../../support/fake-adapter.ts';
import { type FakeBridgeWish, startFakeBridge } from '../../support/fake-bridge.ts';
import { until } from '../../support/waiting.ts';

const carol = '@carol:hs.test';

async function start(t: TestContext, wish: FakeBridgeWish = {}) {
  const bridge = await startFakeBridge(t, {
    permissions: { 'hs.test': 'user', '@op:hs.test': 'admin', '@none:hs.test': 'none', 'far.test': 'user' },
    ...wish,
    options: { logins: true, puppets: 'login' },
  });
  const { homeserver, url } = bridge;
  homeserver.user('carol');
  const call = async (
    method: string,
    path: string,
    body?: object | string,
    { token = homeserver.hsToken, prefix = '', headers = {} }: { token?: string | undefined; prefix?: string; headers?: object } = {},
  ) => {
    const answer = await fetch(`${url}${prefix}/_matrix/provision${path}`, {
      method,
      // Kept, a connection could be one to the bridge before a restart.
      headers: { connection: 'close', ...(token !== '' && { authorization: `Bearer ${token}` }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
  };
  const room = homeserver.createRoom({
    ...{ creator: carol, version: '11', members: [homeserver.bot], alias: '#beds:hs.test' },
    levels: { users: { [carol]: 100, [homeserver.bot]: 50 } },
  });
  return { bridge, homeserver, url, call, room };
}

test('without the secret or a session nothing is answered, and a body is not even read', async (t) => {
  const { call } = await start(t);
  for (const token of ['', 'wrong', 'cw-wrong']) {
    const answer = await call('POST', '/v1/link', { user_id: carol }, { token });
    assert.deepEqual([answer.status, answer.body.errcode], [401, 'M_AS_BAD_TOKEN'], token);
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
  }
  assert.equal((await call('GET', '/nothing')).status, 404);
  assert.equal((await call('DELETE', '/link', { user_id: carol })).status, 405);
  assert.equal((await call('POST', '/link', 'no json')).body.errcode, 'M_NOT_JSON');
  assert.equal((await call('POST', '/link', '[]')).body.errcode, 'M_AS_BAD_VALUE');
  assert.equal((await call('POST', '/link', { user_id: carol, channel: 'x'.repeat(70_000) })).status, 413);
});

test('a secret of its own shuts out the homeserver’s token; `enabled: false` everybody', async (t) => {
  const own = await start(t, { settings: 'provisioning: { secret: "a-secret-of-its-own" }' });
  assert.equal((await own.call('GET', '/bot')).status, 401);
  assert.equal((await own.call('GET', '/bot', undefined, { token: 'a-secret-of-its-own' })).status, 200);
  const off = await start(t, { settings: 'provisioning: { enabled: false }' });
  assert.equal((await off.call('GET', '/bot')).status, 404);
});

test('whom a call is for must be named, be a person, and be allowed to use the bridge', async (t) => {
  const { call } = await start(t);
  for (const user of [undefined, 'carol', '@bridge:hs.test', 17]) {
    const answer = await call('POST', '/logout', { user_id: user, account: 'x' });
    assert.deepEqual([answer.status, answer.body.errcode], [400, 'M_AS_BAD_VALUE'], String(user));
  }
  assert.equal((await call('GET', '/logins?user_id=%40none%3Ahs.test')).body.errcode, 'M_FORBIDDEN');
  assert.equal((await call('GET', `/logins/?user_id=${encodeURIComponent(carol)}`)).status, 200);
  const faulty = await call('POST', '/link', { userId: carol, room: 'beds' });
  assert.equal(faulty.status, 400);
  assert.match(faulty.body.errors.join(), /room: .*channel: /);
});

test('link, ask, list, unlink: the same rules as in chat, in programs’ words', async (t) => {
  const { bridge, homeserver, call, room } = await start(t);
  const { channels } = bridge.adapter();
  assert.deepEqual((await call('GET', '/bot')).body, { user: homeserver.bot, name: 'Fake', requiresPublicRoom: false });
  const post = async (path: string, body: object) => await call('POST', path, { user_id: carol, ...body });
  const refused = await post('/link', { room, channel: '#garden' });
  assert.deepEqual([refused.status, refused.body.errcode, refused.body.code], [403, 'M_FORBIDDEN', 'DENIED']);
  assert.equal((await post('/link', { room, channel: 'not a channel' })).body.code, 'CHANNEL_UNKNOWN');
  channels.answering.add(inFake('#garden'));
  const asked = await post('/v1/link', { room: '#beds:hs.test', channel: '#garden' });
  assert.deepEqual([asked.status, asked.body.state], [200, 'asked']);
  channels.approved.add(`${inFake('#garden')} ${carol}`);
  const links = async (user = carol) => await call('GET', `/links/${encodeURIComponent(room)}?user_id=${encodeURIComponent(user)}`);
  assert.deepEqual((await links()).body.links, [{ room, channel: 'fake/#garden', name: '#garden', network: 'fake', state: 'asked' }]);
  await bridge.adapter().inbox.asked?.({
    ...{ channel: channelId('fake/#garden'), by: { id: remoteUserId('fake/eve'), name: 'Eve', fields: {} }, do: 'approve' },
    ...{ room: room as never, requester: userId(carol) },
  });
  assert.equal((await links()).body.links[0].state, 'live');
  assert.deepEqual([(await post('/link', { room, channel: '#garden' })).status], [409]);
  homeserver.user('dave');
  const outside = await links('@dave:hs.test');
  assert.deepEqual([outside.status, outside.body.code], [403, 'FORBIDDEN_IN_ROOM']);
  const nowhere = await call('GET', `/links/!nowhere:hs.test?user_id=@dave:hs.test`);
  assert.equal(nowhere.body.error.replace('!nowhere:hs.test', 'X'), outside.body.error.replace(room, 'X'));
  assert.equal((await post('/unlink', { room, user_id: '@dave:hs.test' })).body.code, 'FORBIDDEN_IN_ROOM');
  assert.deepEqual((await post('/unlink', { room })).body, {});
  assert.equal((await post('/unlink', { room })).body.code, 'LINK_UNKNOWN');
});

test('what a private channel is called that a room asked for is for who asked; an admin elsewhere does not learn of it at all', async (t) => {
  const { bridge, homeserver, call, room } = await start(t);
  const { channels } = bridge.adapter();
  for (const name of ['op', 'dave']) homeserver.user(name);
  homeserver.join('@dave:hs.test', room);
  channels.answering.add(inFake('#garden'));
  assert.equal((await call('POST', '/link', { user_id: carol, room, channel: '#garden' })).body.state, 'asked');
  const names = async (user: string) => {
    const { body } = await call('GET', `/links/${encodeURIComponent(room)}?user_id=${encodeURIComponent(user)}`);
    return (body.links as { name: string }[]).map(({ name }) => name);
  };
  assert.deepEqual([await names('@op:hs.test'), await names('@dave:hs.test')], [['#garden'], ['#garden']]);
  channels.hidden.add('#garden');
  assert.deepEqual(await names(carol), ['#garden']);
  assert.deepEqual(await names('@dave:hs.test'), ['the channel']);
  assert.deepEqual(await names('@op:hs.test'), []);
});

test('logins, networks and channels of a person are theirs alone', async (t) => {
  const { bridge, homeserver, call } = await start(t);
  bridge.network.channel('#garden').topic = 'beds';
  const get = async (path: string, user = carol) => await call('GET', `${path}${path.includes('?') ? '&' : '?'}user_id=${user}`);
  assert.deepEqual((await get('/networks')).body, { networks: [] });
  assert.equal((await get('/channels?network=fake')).body.code, 'NETWORK_UNKNOWN');
  const url = (await call('POST', '/login', { user_id: carol })).body.url;
  assert.match(url, /^https:\/\/fake\.test\/login\/\d/);
  assert.equal((await call('POST', '/login', { user_id: carol, flow: 'token' })).body.code, 'UNSUPPORTED');
  await bridge.adapter().inbox.loggedIn?.(userId(carol), resultFor('ada'));
  const login = { user: carol, account: 'fake/ada', network: 'fake', networkName: 'Fake', name: 'ada on Fake', state: 'live' };
  assert.deepEqual((await get('/logins')).body.logins, [login]);
  assert.doesNotMatch(JSON.stringify((await get('/logins')).body), /token-of|sealed/);
  assert.deepEqual((await get('/networks')).body.networks, [{ id: 'fake', name: 'Fake' }]);
  const { channels } = (await get('/channels?network=fake')).body;
  assert.deepEqual(
    channels.find(({ name }: { name: string }) => name === '#garden'),
    {
      ...{ id: 'fake/#garden', name: '#garden', network: 'fake', kind: 'public', topic: 'beds' },
    },
  );
  bridge.network.join('eve', '#garden');
  assert.equal((await get('/channel?channel=%23garden')).body.members, 1);
  homeserver.user('dave');
  assert.deepEqual((await get('/logins', '@dave:hs.test')).body.logins, []);
  assert.equal((await call('POST', '/logout', { user_id: '@dave:hs.test', account: 'fake/ada' })).body.code, 'LOGIN_UNKNOWN');
  assert.equal((await call('POST', '/logout', { user_id: carol, account: 'fake/ada' })).status, 200);
  assert.deepEqual((await get('/logins')).body.logins, []);
});

test('a session by the own homeserver’s OpenID: acts for its person alone, ends by word and by time', async (t) => {
  const { homeserver, call, bridge } = await start(t);
  homeserver.openIdTokens.set('open-1', carol);
  homeserver.openIdTokens.set('open-2', '@none:hs.test');
  homeserver.openIdTokens.set('open-3', '@carol:elsewhere.test');
  const exchange = (token: string, server = 'hs.test', prefix = '') =>
    call(
      'POST',
      '/v1/exchange_openid',
      { openIdToken: { access_token: token, matrix_server_name: server }, matrixServer: server },
      { token: '', prefix },
    );
  assert.equal((await exchange('unknown')).body.errcode, 'M_AS_BAD_OPENID');
  assert.equal((await exchange('open-2')).body.errcode, 'M_FORBIDDEN');
  assert.equal((await exchange('open-3')).body.errcode, 'M_AS_BAD_OPENID', 'a server vouches for its own people alone');
  assert.equal((await call('POST', '/v1/exchange_openid', {}, { token: '' })).body.errcode, 'M_AS_BAD_VALUE');
  const { status, body } = await exchange('open-1', 'hs.test', '/fake');
  assert.deepEqual([status, body.userId, body.expires_in], [200, carol, 3_600]);
  const token = body.token as string;
  assert.match(token, /^cw-/);
  assert.equal((await call('GET', '/v1/session', undefined, { token })).body.userId, carol);
  assert.equal((await call('GET', '/logins', undefined, { token })).status, 200);
  assert.equal((await call('GET', '/logins?user_id=@dave:hs.test', undefined, { token })).body.errcode, 'M_FORBIDDEN');
  // The token itself is nowhere on disk.
  await bridge.restart();
  assert.equal((await call('GET', '/logins', undefined, { token })).status, 200);
  assert.deepEqual((await call('DELETE', '/v1/session', undefined, { token })).body, {});
  assert.equal((await call('GET', '/logins', undefined, { token })).status, 401);
  const [one, other] = [(await exchange('open-1')).body.token, (await exchange('open-1')).body.token];
  assert.deepEqual((await call('DELETE', '/v1/session/all', undefined, { token: one })).body, {});
  assert.equal((await call('GET', '/logins', undefined, { token: other })).status, 401);
  await bridge.restart({ provisioning: { ...bridge.core.provisioning, session: 1_000 } });
  const { token: last, expires_in: lasts } = (await exchange('open-1')).body;
  assert.equal(lasts, 1);
  await until('it to be over', async () => (await call('GET', '/logins', undefined, { token: last })).status === 401 || undefined);
});

test('of other servers only those are asked whose people may use the bridge; an address of the operator’s goes before', async (t) => {
  let asked = 0;
  const far = createServer((request, response) => {
    asked += 1;
    assert.equal(request.url, '/_matrix/federation/v1/openid/userinfo?access_token=t%26k');
    response.end(JSON.stringify({ sub: '@fay:far.test' }));
  }).listen(0, '127.0.0.1');
  t.after(() => far.close());
  await new Promise((resolve) => far.once('listening', resolve));
  const { call } = await start(t, {
    settings: `provisioning: { open_id_servers: { far.test: "http://127.0.0.1:${(far.address() as AddressInfo).port}" } }`,
  });
  const exchange = (server: string) =>
    call('POST', '/exchange_openid', { matrix_server_name: server, access_token: 't&k', expires_in: 3600 }, { token: '' });
  assert.equal((await exchange('stranger.test')).body.errcode, 'M_FORBIDDEN');
  assert.equal(asked, 0);
  assert.equal((await exchange('far.test')).body.userId, '@fay:far.test');
  assert.equal(asked, 1);
});

test('too much is refused: for a person, and of those who try to prove who they are', async (t) => {
  const { homeserver, call } = await start(t, { settings: 'provisioning: { per_minute: 3 }' });
  for (let count = 0; count < 3; count += 1) assert.equal((await call('GET', `/logins?user_id=${carol}`)).status, 200);
  const refused = await call('GET', `/logins?user_id=${carol}`);
  assert.deepEqual([refused.status, refused.body.errcode], [429, 'M_AS_LIMIT_EXCEEDED']);
  assert.ok(refused.body.retry_after_ms > 0);
  assert.equal((await call('GET', `/logins?user_id=${homeserver.user('dave')}`)).status, 200);
  const exchange = () => call('POST', '/exchange_openid', { matrix_server: 'hs.test', access_token: 'x' }, { token: '' });
  const statuses = (await Promise.all(Array.from({ length: 12 }, exchange))).map(({ status }) => status);
  assert.ok(statuses.includes(429));
});

test('strangers, from however many addresses, use up nobody’s chance to prove who they are', async (t) => {
  const { homeserver, call } = await start(t);
  homeserver.openIdTokens.set('open-1', carol);
  const exchange = (token: string, from: string) =>
    call(
      'POST',
      '/exchange_openid',
      { matrix_server: 'hs.test', access_token: token },
      { token: '', headers: { 'x-forwarded-for': from } },
    );
  // All at once: a chance comes back with time.
  const often = (from: (count: number) => string) => Promise.all(Array.from({ length: 12 }, (_, count) => exchange('none', from(count))));
  for (let stranger = 0; stranger < 4; stranger += 1) {
    const answers = await often(() => `203.0.113.${stranger}`);
    assert.ok(answers.some(({ status }) => status === 429));
  }
  assert.equal((await exchange('open-1', '198.51.100.7')).status, 200);
  const statuses = (await often((count) => `2001:db8::${count + 1}`)).map(({ status }) => status);
  assert.ok(statuses.includes(429), 'who has a network has one chance');
});

test('addresses of one network are one asker', () => {
  assert.equal(networkIn('203.0.113.9'), '203.0.113.9');
  assert.equal(networkIn('::ffff:203.0.113.9'), '203.0.113.9');
  assert.equal(networkIn('2001:db8:0:1::5'), networkIn('2001:0db8:0000:0001:ffff::1'));
  assert.notEqual(networkIn('2001:db8:0:1::5'), networkIn('2001:db8:0:2::5'));
});

test('browsers may ask: preflight and headers', async (t) => {
  const { call } = await start(t);
  const preflight = await call('OPTIONS', '/v1/link', undefined, { token: '' });
  assert.equal(preflight.status, 204);
  assert.match(String(preflight.headers.get('access-control-allow-headers')), /Authorization/);
  assert.equal((await call('GET', '/bot')).headers.get('access-control-allow-origin'), '*');
});

test('an adapter’s dialect: its own words, inputs and refusals, before the neutral ones', async (t) => {
  let verbs: ProvisioningVerbs | undefined;
  const dialect = (given: ProvisioningVerbs): ProvisioningDialect => {
    verbs = given;
    const link = z.object({ matrix_room_id: z.string(), channel_id: z.string() });
    return {
      routes: [
        { method: 'POST', path: '/getbotid', isForNobody: true, run: async () => ({ bot_user_id: given.bot().user }) },
        {
          ...{ method: 'POST', path: '/link', input: link },
          run: async ({ user, input }) => {
            const { matrix_room_id, channel_id } = input as z.infer<typeof link>;
            return { status: (await given.link(user, matrix_room_id, channel_id)).state };
          },
        },
      ],
      nameOf: ({ code }) => (code === 'DENIED' ? { status: 403, errcode: 'FAKE_NOT_ENOUGH_POWER' } : undefined),
    };
  };
  const { homeserver, call, room } = await start(t, { provisioning: dialect });
  assert.ok(verbs);
  assert.deepEqual((await call('POST', '/getbotid', {})).body, { bot_user_id: homeserver.bot });
  assert.deepEqual((await call('POST', '/getbotid/')).body, { bot_user_id: homeserver.bot });
  assert.match((await call('POST', '/link', { user_id: carol, room, channel: '#garden' })).body.error, /matrix_room_id/);
  const refused = await call('POST', '/link', { user_id: carol, matrix_room_id: room, channel_id: '#garden' });
  assert.deepEqual([refused.status, refused.body.errcode], [403, 'FAKE_NOT_ENOUGH_POWER']);
  assert.equal((await call('GET', '/bot')).status, 200);
});
