// How the connections come up, and what is said of those that do not.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { channelId } from '#bridge-core';
import { makeCertificate } from '../../../quickstart/servers/certificate.ts';
import { startFakeIrcd } from '../../support/fake-ircd.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/waiting.ts';
import { matrixId, withAdapter } from './with-adapter.ts';

const id = channelId('local/#chan');

async function certificate() {
  const { certFile, keyFile } = await makeCertificate(tempFolder(), 'localhost');
  return { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
}

test('over TLS with a CA of its own, the bot logs in by SASL; puppets do not', async (t) => {
  const tls = await certificate();
  const ircd = await startFakeIrcd({ tls, accounts: { bridge: 'secret' } });
  const sasl = { mechanism: 'auto', username: 'bridge', password: 'secret' };
  const world = withAdapter(t, { port: ircd.port, network: { tls: { ca: tls.cert, servername: 'localhost' }, sasl } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  await world.watch('#chan');
  await world.say('ann', id, 'safely');
  assert.equal(ircd.client('causeway').account, 'bridge');
  assert.equal(ircd.client('ann[m]').account, undefined);
});

test('the client certificate is shown by the bot alone', async (t) => {
  const tls = await certificate();
  const ircd = await startFakeIrcd({ tls });
  const world = withAdapter(t, { port: ircd.port, network: { tls: { insecure: true, cert: tls.cert, key: tls.key } } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  await world.watch('#chan');
  await world.say('ann', id, 'hello');
  assert.deepEqual(ircd.certificates, ['localhost', undefined]);
});

test('a certificate that nobody vouches for is not taken, and the reason told', async (t) => {
  const ircd = await startFakeIrcd({ tls: await certificate() });
  const world = withAdapter(t, { port: ircd.port, network: { tls: true }, timing: { reconnectFirst: 60_000 } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  const news = await until('the news', () => world.connections.find(({ state }) => state === 'down'));
  assert.match(news.reason ?? '', /certificate/);
  assert.deepEqual([world.adapter.status()[0]?.state, world.adapter.status()[0]?.detail], ['down', news.reason]);
  await assert.rejects(world.adapter.session({ as: 'bot' }, id), { code: 'NETWORK_TLS', name: 'UnreachableError' });
});

test('refused credentials are told, and not tried again at once', async (t) => {
  const ircd = await startFakeIrcd({ accounts: { bridge: 'secret' } });
  const sasl = { mechanism: 'plain', username: 'bridge', password: 'wrong' };
  const world = withAdapter(t, { port: ircd.port, network: { sasl }, timing: { reconnectFirst: 10, reconnectMost: 20 } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  await until('the news', () => world.connections.find(({ state }) => state === 'down'));
  await delay(200);
  assert.equal(world.connections.filter(({ state }) => state === 'down').length, 1);
  await assert.rejects(world.adapter.session({ as: 'bot' }, id), { code: 'NETWORK_LOGIN' });
  assert.equal(world.adapter.status()[0]?.isForGood, true, 'which somebody has to mend');
});

test('a server that is not there is tried again and again, and used once it is', async (t) => {
  const ircd = await startFakeIrcd();
  await ircd.stop();
  const world = withAdapter(t, { port: ircd.port, timing: { reconnectFirst: 20, reconnectMost: 50 } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  await world.adapter.watch(id);
  await until('some attempts', () => world.connections.filter(({ state }) => state === 'down').length > 2 || undefined);
  assert.equal(world.adapter.status()[0]?.isForGood, false, 'which ends by itself');
  await assert.rejects(world.join('ann', id), { name: 'UnreachableError', code: 'NETWORK_UNREACHABLE' });
  await ircd.listen();
  await ircd.waitForMember('#chan', 'causeway');
  await world.say('ann', id, 'there we are');
});

test('who is killed again and again comes back more slowly each time', async (t) => {
  const ircd = await startFakeIrcd();
  const world = withAdapter(t, { port: ircd.port, timing: { reconnectFirst: 10, reconnectMost: 5_000 } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  await world.watch('#chan');
  await world.join('ann', id);
  const waits: number[] = [];
  for (let round = 0; round < 3; round++) {
    const began = performance.now();
    ircd.kill('ann[m]', 'go away');
    await until('ann to be gone', () => ircd.world.user('ann[m]') === undefined || undefined);
    await ircd.waitForUser('ann[m]');
    waits.push(performance.now() - began);
  }
  assert.ok((waits[0] ?? 0) >= 45 && (waits[2] ?? 0) >= 180, `${waits}`);
});

test('people come in by who spoke last', async (t) => {
  const ircd = await startFakeIrcd();
  const memory = new Map(
    ['old', 'older', 'new', 'ancient'].map((name, at) => {
      const hours = [2, 3, 1, 3_000][at] ?? 0;
      const spoke = Date.now() - hours * 3_600_000;
      return [`puppet/local/${matrixId(name)}`, { nick: `${name}[m]`, spoke, channels: ['#chan'] }];
    }),
  );
  const network = { puppets: { max: 2000, idle: '30d' }, connects: { burst: 1, every: '30ms' } };
  const world = withAdapter(t, { port: ircd.port, memory, network });
  t.after(() => ircd.close());
  await world.adapter.connect();
  await world.adapter.watch(id);
  const all = ['causeway', 'new[m]', 'old[m]', 'older[m]'];
  for (const nick of all) await ircd.waitForMember('#chan', nick);
  const order = ircd.received.filter(({ text }) => text.startsWith('NICK ')).map(({ text }) => text.slice(5));
  assert.deepEqual(order, all);
  assert.deepEqual(ircd.members('#chan').sort(), all);
});

test('a stop is told once, without a word of a lost connection; a loss before it is told as one', async (t) => {
  const ircd = await startFakeIrcd();
  const world = withAdapter(t, { port: ircd.port, timing: { reconnectFirst: 20 } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  await world.watch('#chan');
  await world.join('ann', id);
  ircd.drop('causeway');
  await until('the bot back', () => world.connections.filter(({ speaker, state }) => speaker.as === 'bot' && state === 'up')[1]);
  assert.deepEqual(
    world.logged.filter(({ level }) => level === 'warn').map(({ message }) => message),
    ['connection lost'],
  );
  const [news, logged] = [world.connections.length, world.logged.length];
  await world.adapter.disconnect();
  await until('all to be gone', () => ircd.connections === 0 || undefined);
  assert.deepEqual(world.connections.slice(news), [{ speaker: { as: 'bot' }, state: 'down', reason: 'stopped' }]);
  assert.deepEqual(world.logged.slice(logged), []);
  const since = world.connections.length;
  await world.adapter.disconnect();
  assert.equal(world.connections.length, since, 'stopped once more, nothing is told');
});
