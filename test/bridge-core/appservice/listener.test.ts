// The listener over real sockets: which bridge a request is for, what is answered, and what nobody but its owner may see.

import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Inbound, type Listener, type ListeningBridge, openListener } from '../../../bridge-core/appservice/listener.ts';
import { WebRoutes } from '../../../bridge-core/appservice/web.ts';
import { RetryableError } from '../../../bridge-core/errors.ts';
import { userId } from '../../../bridge-core/ids.ts';
import { Health } from '../../../bridge-core/observe/health.ts';
import { openMetrics } from '../../../bridge-core/observe/metrics.ts';
import { startFakeHomeserver } from '../../support/fake-homeserver.ts';
import { within } from '../../support/waiting.ts';
import { bothSides, collectingLog } from './kit.ts';

const nobody: Inbound = {
  transaction: async () => {},
  user: async () => false,
  alias: async () => false,
  thirdParty: {
    protocol: async () => undefined,
    user: async () => undefined,
    userOf: async () => [],
    location: async () => undefined,
    locationOf: async () => [],
  },
};

async function listen(t: TestContext): Promise<{ listener: Listener; log: ReturnType<typeof collectingLog>; ask: typeof ask }> {
  const log = collectingLog();
  const listener = await openListener({ host: '127.0.0.1', port: 0, log });
  t.after(() => listener.close());
  const base = `http://127.0.0.1:${listener.address.port}`;
  async function ask(path: string, { token, ...init }: RequestInit & { token?: string } = {}) {
    const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...init.headers };
    const answer = await fetch(base + path, { ...init, headers });
    const text = await answer.text();
    const isJson = text !== '' && answer.headers.get('content-type')?.includes('json') === true;
    return { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }
  return { listener, log, ask };
}

const bridge = (name: string, inbound: Partial<Inbound> = {}, more: Partial<ListeningBridge> = {}): ListeningBridge => ({
  name,
  hsToken: `token-of-${name}`,
  webPrefix: name,
  inbound: { ...nobody, ...inbound },
  ...more,
});

test('the token picks the bridge, by header or by query; none and a wrong one are refused', async (t) => {
  const { listener, ask } = await listen(t);
  const taken: string[] = [];
  for (const name of ['one', 'two']) {
    listener.add(bridge(name, { transaction: async (id, body) => void taken.push(`${name} ${id} ${JSON.stringify(body)}`) }));
  }
  const put = (path: string, token?: string) => ask(path, { method: 'PUT', body: '{"events":[]}', ...(token !== undefined && { token }) });
  assert.equal((await put('/_matrix/app/v1/transactions/1', 'token-of-one')).status, 200);
  assert.equal((await put('/_matrix/app/v1/transactions/2?access_token=token-of-two')).status, 200);
  assert.equal((await put('/transactions/3', 'token-of-two')).status, 200);
  assert.deepEqual(taken, ['one 1 {"events":[]}', 'two 2 {"events":[]}', 'two 3 {"events":[]}']);
  const without = await put('/_matrix/app/v1/transactions/4');
  assert.deepEqual([without.status, without.body.errcode], [401, 'M_MISSING_TOKEN']);
  for (const wrong of ['token-of-three', 'token-of-on', '']) {
    const refused = await put('/_matrix/app/v1/transactions/4?access_token=', wrong);
    assert.ok(refused.status === 403 || refused.status === 401);
  }
  assert.equal(taken.length, 3);
});

test('each bridge is told when a transaction comes over a connection that was opened since its last', async (t) => {
  const { listener } = await listen(t);
  const taken: string[] = [];
  for (const name of ['one', 'two'])
    listener.add(bridge(name, { transaction: async (_id, _body, isFirst) => void taken.push(`${name} ${isFirst}`) }));
  const connection = (): Agent => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    return agent;
  };
  const ask = (agent: Agent, method: string, path: string, name: string) =>
    new Promise<void>((resolve, reject) => {
      const { port } = listener.address;
      const headers = { authorization: `Bearer token-of-${name}` };
      const asked = request({ ...{ agent, method, port, headers }, host: '127.0.0.1', path: `/_matrix/app/v1/${path}` }, (answer) =>
        answer.resume().on('end', resolve),
      );
      asked.on('error', reject).end(method === 'GET' ? undefined : '{}');
    });
  const [first, second] = [connection(), connection()];
  await ask(first, 'PUT', 'transactions/1', 'one');
  await ask(first, 'PUT', 'transactions/1', 'two');
  await ask(first, 'PUT', 'transactions/2', 'one');
  // A second one beside it, opened for a question, while the first still serves.
  await ask(second, 'GET', 'users/nobody', 'one');
  await ask(first, 'PUT', 'transactions/3', 'one');
  await ask(second, 'PUT', 'transactions/4', 'one');
  first.destroy();
  second.destroy();
  const after = connection();
  await ask(after, 'POST', 'ping', 'one');
  await ask(after, 'PUT', 'transactions/1', 'one');
  await ask(after, 'PUT', 'transactions/1', 'two');
  assert.deepEqual(taken, ['one true', 'two true', 'one false', 'one false', 'one false', 'one true', 'two true']);
});

test('a bridge that was taken off is known no more', async (t) => {
  const { listener, ask } = await listen(t);
  const remove = listener.add(bridge('one'));
  const ping = () => ask('/_matrix/app/v1/ping', { method: 'POST', token: 'token-of-one', body: '{}' });
  assert.equal((await ping()).status, 200);
  remove();
  assert.equal((await ping()).status, 403);
});

test('users and aliases are answered honestly', async (t) => {
  const { listener, ask } = await listen(t);
  listener.add(bridge('one', { user: async (id) => id === '@irc_bob:hs.test', alias: async (alias) => alias === '#irc_#node:hs.test' }));
  const get = async (path: string) => {
    const { status, body } = await ask(path, { token: 'token-of-one' });
    return [status, body.errcode];
  };
  assert.deepEqual(await get('/_matrix/app/v1/users/%40irc_bob%3Ahs.test'), [200, undefined]);
  assert.deepEqual(await get('/_matrix/app/v1/users/%40irc_eve%3Ahs.test'), [404, 'M_NOT_FOUND']);
  assert.deepEqual(await get('/_matrix/app/v1/rooms/%23irc_%23node%3Ahs.test'), [200, undefined]);
  assert.deepEqual(await get('/rooms/%23nowhere%3Ahs.test'), [404, 'M_NOT_FOUND']);
});

test('third-party look-ups go both ways, under the stable and the older path', async (t) => {
  const { listener, ask } = await listen(t);
  const asked: unknown[] = [];
  listener.add(
    bridge('one', {
      thirdParty: {
        protocol: async (name) => (name === 'irc' ? { instances: [] } : undefined),
        user: async (protocol, fields) => {
          asked.push([protocol, fields]);
          return [{ userid: '@x' }];
        },
        userOf: async (user) => [{ userid: user }],
        location: async (protocol) => (protocol === 'irc' ? [{ alias: '#x' }] : undefined),
        locationOf: async (alias) => [{ alias }],
      },
    }),
  );
  for (const base of ['/_matrix/app/v1/thirdparty', '/_matrix/app/unstable/thirdparty']) {
    const get = async (path: string) => (await ask(base + path, { token: 'token-of-one' })).body;
    assert.deepEqual(await get('/protocol/irc'), { instances: [] });
    assert.equal((await get('/protocol/smoke')).errcode, 'M_NOT_FOUND');
    assert.deepEqual(await get('/user/irc?nick=bob&access_token=hidden'), [{ userid: '@x' }]);
    assert.deepEqual(await get('/user?userid=%40a%3Ab'), [{ userid: '@a:b' }]);
    assert.deepEqual(await get('/location/irc?channel=%23node'), [{ alias: '#x' }]);
    assert.equal((await get('/location/smoke')).errcode, 'M_NOT_FOUND');
    assert.deepEqual(await get('/location?alias=%23a%3Ab'), [{ alias: '#a:b' }]);
  }
  assert.deepEqual(asked[0], ['irc', { nick: 'bob' }]);
});

test('every refusal is JSON with an errcode, and a failure of ours makes the homeserver try again', async (t) => {
  const { listener, ask, log } = await listen(t);
  listener.add(
    bridge('one', {
      transaction: async (id) => {
        if (id === 'bad') throw new RetryableError('STORE_BROKEN', 'disk full');
      },
    }),
  );
  const token = 'token-of-one';
  const cases: [string, RequestInit, number, string][] = [
    ['/_matrix/app/v1/transactions/bad', { method: 'PUT', body: '{}' }, 500, 'M_UNKNOWN'],
    ['/_matrix/app/v1/transactions/1', { method: 'PUT', body: '{"events":[' }, 400, 'M_NOT_JSON'],
    ['/_matrix/app/v1/transactions/1', { method: 'PUT' }, 400, 'M_NOT_JSON'],
    ['/_matrix/app/v1/transactions/1', { method: 'PUT', body: '' }, 400, 'M_NOT_JSON'],
    ['/_matrix/app/v1/transactions/1', { method: 'GET' }, 405, 'M_UNRECOGNIZED'],
    ['/_matrix/app/v1/ping', { method: 'GET' }, 405, 'M_UNRECOGNIZED'],
    ['/_matrix/app/v1/nothing', { method: 'GET' }, 404, 'M_UNRECOGNIZED'],
    ['/', { method: 'GET' }, 404, 'M_UNRECOGNIZED'],
    ['/%zz', { method: 'GET' }, 400, 'M_UNKNOWN'],
  ];
  for (const [path, init, status, errcode] of cases) {
    const answer = await ask(path, { token, ...init });
    assert.deepEqual([answer.status, answer.body?.errcode], [status, errcode], `${init.method} ${path}`);
  }
  assert.ok(log.lines.some((line) => String(line.error).includes('disk full')));
});

test('a transaction may be 20 MB, of any content type; more is refused', async (t) => {
  const { listener, ask } = await listen(t);
  let size = 0;
  listener.add(
    bridge('one', {
      transaction: async (_id, body) => {
        size = JSON.stringify(body).length;
      },
    }),
  );
  const put = (bytes: number) =>
    ask('/_matrix/app/v1/transactions/1', {
      ...{ method: 'PUT', token: 'token-of-one', headers: { 'content-type': 'text/odd; charset=utf-8' } },
      body: JSON.stringify({ events: [{ content: 'x'.repeat(bytes) }] }),
    });
  assert.equal((await put(20_000_000)).status, 200);
  assert.ok(size > 20_000_000);
  const refused = await put(21_000_000);
  assert.deepEqual([refused.status, refused.body.errcode], [413, 'M_TOO_LARGE']);
});

test('a real homeserver of the tests pushes, repeats after our failure, and its ping is answered', async (t) => {
  const { listener } = await listen(t);
  const { fake, homeserver } = await bothSides(t, { backoff: 20 });
  const bodies: string[] = [];
  let failures = 2;
  listener.add({
    ...bridge('one', {
      transaction: async (id, body) => {
        if (failures > 0) {
          failures -= 1;
          throw new RetryableError('STORE_BROKEN', 'not yet');
        }
        bodies.push(`${id}: ${(body as { events: { content: { body: string } }[] }).events.map((event) => event.content.body).join()}`);
      },
    }),
    hsToken: fake.hsToken,
  });
  const room = fake.createRoom({ creator: fake.user('alice'), members: [fake.bot] });
  fake.pushTo(`http://127.0.0.1:${listener.address.port}`);
  await homeserver.ping();
  for (const text of ['a', 'b', 'c']) fake.say(fake.user('alice'), room, text);
  await fake.drained();
  assert.deepEqual(bodies, ['1: a,b,c']);
});

test('health and readiness for all, details and metrics for this machine and the token only', async (t) => {
  const { listener, ask } = await listen(t);
  const health = new Health();
  health.add('homeserver', () => ({ ok: true, ready: false, detail: 'being asked' }));
  const metrics = openMetrics('one');
  t.after(() => metrics.close());
  metrics.event('matrix', 'accepted');
  const before = await ask('/ready');
  assert.equal(before.status, 503, 'no bridge yet');
  listener.add(bridge('one', {}, { health: () => health.report(), metricsToken: 'opensesame' }));

  const local = await ask('/health');
  assert.deepEqual([local.status, local.body.ok, local.body.bridges.one.details.homeserver.detail], [200, true, 'being asked']);
  assert.equal((await ask('/ready')).status, 503);
  assert.deepEqual([(await ask('/health', { method: 'HEAD' })).status, (await ask('/health', { method: 'HEAD' })).text], [200, '']);
  assert.match((await ask('/metrics')).text, /causeway_events_total\{bridge="one",side="matrix",outcome="accepted"\} 1/);

  const outside = { headers: { 'x-forwarded-for': '203.0.113.9' } };
  assert.deepEqual((await ask('/health', outside)).body, { ok: true });
  assert.deepEqual((await ask('/ready', outside)).body, { ready: false });
  assert.equal((await ask('/metrics', outside)).status, 403);
  for (const header of ['x-real-ip', 'forwarded', 'via'])
    assert.equal((await ask('/metrics', { headers: { [header]: 'for=203.0.113.9' } })).status, 403, header);
  assert.equal((await ask('/metrics', { ...outside, token: 'opensesam' })).status, 403);
  assert.equal((await ask('/metrics', { ...outside, headers: { ...outside.headers, authorization: 'Bearer opensesame' } })).status, 200);
});

test('public paths belong to the bridge whose prefix they bear', async (t) => {
  const { listener, ask } = await listen(t);
  for (const name of ['irc', 'slack']) {
    const web = new WebRoutes();
    web.route('POST', '/hook/:team', ({ params, body, query, headers }) => ({
      status: 201,
      headers: { 'x-bridge': name },
      body: { team: params.team, said: body.toString(), q: query.get('q'), type: headers['content-type'] },
    }));
    web.route('GET', '/page', () => ({ body: '<p>hi</p>', headers: { 'content-type': 'text/html' } }));
    listener.add(bridge(name, {}, { web }));
  }
  const posted = await ask('/slack/hook/T%2F1?q=7', {
    method: 'POST',
    body: 'a=b',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  assert.equal(posted.status, 201);
  assert.equal(posted.headers.get('x-bridge'), 'slack');
  assert.deepEqual(posted.body, { team: 'T/1', said: 'a=b', q: '7', type: 'application/x-www-form-urlencoded' });
  assert.equal((await ask('/irc/page')).text, '<p>hi</p>');
  const head = await ask('/irc/page', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text, head.headers.get('content-length')], [200, '', '9']);
  const wrong = await ask('/irc/page', { method: 'POST', body: '' });
  assert.deepEqual([wrong.status, wrong.headers.get('allow'), wrong.body.errcode], [405, 'GET', 'M_UNRECOGNIZED']);
  assert.equal((await ask('/gitter/page')).status, 404);
  assert.equal((await ask('/irc/nothing')).status, 404);
});

test('a page that fails is told in JSON, and one address may not ask without end', async (t) => {
  const { listener, ask } = await listen(t);
  const web = new WebRoutes();
  web.route('GET', '/broken', () => {
    throw new Error('secret detail');
  });
  web.route('POST', '/hook', () => ({ status: 204 }), { isUnlimited: true });
  listener.add(bridge('irc', {}, { web }));
  const failed = await ask('/irc/broken');
  assert.deepEqual([failed.status, failed.body.errcode], [500, 'M_UNKNOWN']);
  assert.ok(!failed.text.includes('secret'));
  // Many at once, for what counts is how many come within a minute.
  const askUntilRefused = async (): Promise<typeof failed> => {
    for (let number = 0; number < 25; number += 1) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => ask('/irc/nothing')));
      const refused = answers.find(({ status }) => status === 429);
      if (refused !== undefined) return refused;
    }
    throw new assert.AssertionError({ message: 'nothing was refused' });
  };
  assert.equal((await askUntilRefused()).body.errcode, 'M_LIMIT_EXCEEDED');
  assert.equal((await ask('/irc/hook', { method: 'POST', body: '{}' })).status, 204, 'a webhook is');
  const other = await ask('/irc/nothing', { headers: { 'x-forwarded-for': '203.0.113.9' } });
  assert.equal(other.status, 404, 'somebody else behind the same proxy is not held back');
});

test('what is not HTTP is answered and cut, and the listener lives on', async (t) => {
  const { listener, ask } = await listen(t);
  listener.add(bridge('one'));
  const socket = connect(listener.address.port, '127.0.0.1');
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    socket
      .setEncoding('utf8')
      .on('data', (chunk) => (text += chunk))
      .on('close', () => resolve(text))
      .on('error', reject);
    socket.write('NICK someone\r\n\r\n');
  });
  assert.match(answer, /^HTTP\/1\.1 400/);
  assert.equal((await ask('/_matrix/app/v1/users/x', { token: 'token-of-one' })).status, 404);
});

test('who is refused is refused before a body is read', async (t) => {
  const { listener } = await listen(t);
  const web = new WebRoutes();
  web.route('POST', '/hook', () => ({ body: 'taken' }));
  listener.add(bridge('one', {}, { web }));
  /** The status that comes though of 20 MB not a byte was sent. */
  const early = (method: string, path: string, patience = 5_000) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(listener.address.port, '127.0.0.1', () => {
        socket.write(`${method} ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 20000000\r\n\r\n`);
      });
      socket.setTimeout(patience, () => socket.destroy(new Error(`${method} ${path}: the body was waited for`)));
      socket.on('error', reject);
      socket.once('data', (answer) => {
        socket.destroy();
        resolve(answer.toString().slice(9, 12));
      });
    });
  assert.equal(await early('PUT', '/_matrix/app/v1/transactions/1'), '401');
  assert.equal(await early('PUT', '/_matrix/app/v1/transactions/1?access_token=wrong'), '403');
  assert.equal(await early('POST', '/_matrix/app/v1/transactions/1?access_token=token-of-one'), '405');
  assert.equal(await early('POST', '/nothing'), '404');
  assert.equal(await early('POST', '/two/hook'), '404');
  assert.equal(await early('PUT', '/one/hook'), '405');
  await assert.rejects(early('POST', '/one/hook', 200), /the body was waited for/);
});

test('a port that is taken is told as that, with the setting that names it', async (t) => {
  const { listener } = await listen(t);
  await assert.rejects(openListener({ host: '127.0.0.1', port: listener.address.port, log: collectingLog() }), {
    code: 'LISTEN_FAILED',
    message: /appservice\.listen/,
  });
});

test('closing does not wait for connections that are only kept', async () => {
  const listener = await openListener({ host: '127.0.0.1', port: 0, log: collectingLog() });
  const fake = await startFakeHomeserver({ appserviceUrl: `http://127.0.0.1:${listener.address.port}` });
  listener.add({ ...bridge('one'), hsToken: fake.hsToken });
  const room = fake.createRoom({ creator: fake.user('alice'), members: [userId(fake.bot)] });
  fake.say(fake.user('alice'), room, 'x');
  await fake.drained();
  // They would be kept for minutes.
  await within('the end', listener.close());
  await fake.stop();
});
