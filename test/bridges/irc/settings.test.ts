// The irc section: what stands where nothing is written, and what is refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ircSettings } from '../../../bridges/irc/settings.ts';

type Given = Readonly<Record<string, unknown>>;

const network = (given: Given) => {
  const settings = ircSettings.parse({ networks: { net: { host: 'IRC.Example.org', ...given } } }).networks.net;
  assert.ok(settings !== undefined);
  return settings;
};
const refused = (given: unknown): string[] => (ircSettings.safeParse(given).error?.issues ?? []).map(({ path }) => path.join('.'));
const refusedIn = (given: Given): string[] => refused({ networks: { net: { host: 'h', ...given } } });

test('a host is enough: TLS, the usual pace, thirty puppets', () => {
  assert.deepEqual(network({}), {
    host: 'IRC.Example.org',
    port: 6697,
    tls: { insecure: false, minVersion: 'TLSv1.2' },
    nick: 'causeway',
    username: 'causeway',
    realname: 'Matrix bridge',
    flood: { burst: 5, every: 2000 },
    connects: { burst: 3, every: 1000 },
    puppets: { max: 30, wait: 60_000, idle: 30 * 86_400_000, overflow: 'relay', yieldAfter: 3_600_000 },
    puppetNick: '{display}[m]',
    puppetUsername: '{localpart}',
    puppetRealname: '{user}',
    domain: 'irc.example.org',
    aliases: [],
    keepalive: { ping: 60_000, timeout: 90_000 },
    lines: 4,
    encoding: 'latin1',
    channels: {},
  });
});

test('the port follows TLS unless it is set', () => {
  assert.equal(network({ tls: false }).port, 6667);
  assert.equal(network({ tls: {} }).port, 6697);
  assert.equal(network({ tls: false, port: 7000 }).port, 7000);
});

test('a server without limits is connected to fast, unless connects says otherwise', () => {
  assert.deepEqual(network({ flood: 'off' }).connects, { burst: 20, every: 5 });
  assert.deepEqual(network({ flood: 'off', connects: { burst: 1 } }).connects, { burst: 1, every: 1000 });
  assert.deepEqual(network({ connects: 'off' }).connects, { burst: 20, every: 5 });
  assert.deepEqual(network({ flood: { every: '500ms' } }).flood, { burst: 5, every: 500 });
});

test('an account has a name and a password, or a certificate', () => {
  assert.deepEqual(network({ sasl: { mechanism: 'scram-sha-256', username: 'u', password: 'p' } }).sasl?.mechanism, 'scram-sha-256');
  assert.deepEqual(refusedIn({ sasl: { mechanism: 'plain' } }), ['networks.net.sasl.username', 'networks.net.sasl.password']);
  assert.deepEqual(refusedIn({ sasl: { mechanism: 'external' } }), ['networks.net.sasl.mechanism']);
  const certificate = { cert: '-----BEGIN', key: '-----BEGIN' };
  assert.deepEqual(network({ sasl: { mechanism: 'external' }, tls: certificate }).sasl, { mechanism: 'external' });
  assert.equal(refusedIn({ tls: { cert: '-----BEGIN' } }).length, 1);
});

test('names, channels, keys and templates that IRC could not carry are refused', () => {
  for (const given of [
    { nick: '1st' },
    { nick: 'a b' },
    { username: 'a@b' },
    { puppet_nick: 'fixed' },
    { puppet_nick: '{nmae}' },
    { encoding: 'klingon' },
    { channels: { general: {} } },
    { channels: { '#a': { key: 'a,b' } } },
    { keepalive: { ping: '60' } },
    { lines: 0 },
    { host: 'irc.example.org/path' },
  ]) {
    assert.equal(refusedIn(given).length, 1, JSON.stringify(given));
  }
  assert.deepEqual(refused({ networks: { 'my net': { host: 'h' } } }), ['networks.my net']);
  assert.deepEqual(refused({ networks: {} }), ['networks']);
});

test('a link names a network that is there, a channel and a room id, once', () => {
  const links = (...given: Given[]) => refused({ networks: { net: { host: 'h' } }, links: given });
  const good = { network: 'net', channel: '#a', room: '!a:b' };
  assert.deepEqual(links(good, { ...good, room: '!v12' }, { ...good, channel: '&b' }), []);
  assert.deepEqual(links({ ...good, network: 'other' }), ['links.0.network']);
  assert.deepEqual(links({ ...good, room: '#a:b' }, { ...good, channel: 'a' }), ['links.0.room', 'links.1.channel']);
  assert.deepEqual(links(good, { ...good, channel: '#A' }), ['links.1']);
});

test('a wrong link is told beside a wrong network, not after it', () => {
  const given = { networks: { net: { port: 'x' } }, links: [{ network: 'nte', channel: '#a', room: '!a' }] };
  assert.deepEqual(refused(given), ['networks.net.host', 'networks.net.port', 'links.0.network']);
});
