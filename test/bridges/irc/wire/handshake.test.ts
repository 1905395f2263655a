import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { openConnection } from '../../../../bridges/irc/wire/connect.ts';
import type { ConnectionSettings } from '../../../../bridges/irc/wire/connection.ts';
import { capabilities } from '../../../support/fake-ircd.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { connect, fakeIrcd, settingsFor } from './connecting.ts';

const nobody = { line: () => {}, closed: () => assert.fail('closed is for connections that were open') };

function attempt(server: { host: string; port: number }, over: Partial<ConnectionSettings> = {}) {
  return openConnection(settingsFor(server, over), nobody);
}

test('asks for what it wants and is offered, and for nothing else', async (t) => {
  const server = await fakeIrcd(t, { capabilities: capabilities('message-tags', 'batch', 'away-notify', 'sasl') });
  const { connection } = await connect(t, server, { capabilities: ['batch', 'message-tags', 'draft/unheard-of'] });
  assert.deepEqual([...connection.capabilities].sort(), ['batch', 'message-tags']);
  assert.deepEqual(
    server.lines().filter((line) => line.startsWith('CAP')),
    ['CAP LS 302', 'CAP REQ :batch message-tags', 'CAP END'],
  );
  assert.equal(connection.capabilityValue('sasl'), 'PLAIN,SCRAM-SHA-256');
  assert.equal(connection.capabilityValue('draft/unheard-of'), undefined);
});

test('a list over several lines is read whole, and long requests go in lines that fit', async (t) => {
  const many = Array.from({ length: 60 }, (_, i): [string, string] => [`vendor.example/capability-number-${i}`, '']);
  const server = await fakeIrcd(t, { capabilities: many });
  const { connection } = await connect(t, server, { capabilities: many.map(([name]) => name) });
  assert.equal(connection.capabilities.size, 60);
  for (const line of server.lines()) assert.ok(Buffer.byteLength(line) <= 510);
});

test('a capability that is refused after all costs only itself', async (t) => {
  const server = await fakeIrcd(t, { capabilities: capabilities('message-tags', 'batch', 'chghost') });
  // Withdrawn between LS and REQ.
  server.world.offered.set('chghost', '');
  const opened = connect(t, server, { capabilities: ['message-tags', 'batch', 'chghost'] });
  await server.waitForLine(/^CAP LS/);
  server.world.offered.delete('chghost');
  const { connection } = await opened;
  assert.deepEqual([...connection.capabilities].sort(), ['batch', 'message-tags']);
});

test('servers that know no CAP, say so wrongly, or say nothing, let us in all the same', async (t) => {
  for (const cap of ['unknown', 'unregistered', 'silent'] as const) {
    for (const motd of ['sent', 'missing'] as const) {
      const server = await fakeIrcd(t, { faults: { cap, motd } });
      const { connection } = await connect(t, server);
      assert.equal(connection.nick, 'bridge');
      assert.equal(connection.capabilities.size, 0);
      assert.equal(connection.isupport.network, 'FakeNet');
    }
  }
});

test('PASS, NICK and USER come in this order, free of line breaks', async (t) => {
  const server = await fakeIrcd(t, { password: 'sesame' });
  await connect(t, server, { password: 'sesame', realname: 'A bridge\r\nOPER me', username: 'brid ge' });
  assert.deepEqual(server.lines().slice(0, 4), ['CAP LS 302', 'PASS sesame', 'NICK bridge', 'USER bridge 0 * :A bridgeOPER me']);
});

test('a wrong server password is a refused login', async (t) => {
  const server = await fakeIrcd(t, { password: 'sesame' });
  await assert.rejects(attempt(server, { password: 'wrong' }), { name: 'PermanentError', code: 'NETWORK_LOGIN' });
  await assert.rejects(attempt(server), { code: 'NETWORK_LOGIN' });
});

test('a nick that is taken, wrong or unavailable makes way for the next', async (t) => {
  for (const nickRefusal of ['432', '433', '436', '437'] as const) {
    const server = await fakeIrcd(t, { faults: { nickRefusals: 3, nickRefusal } });
    const asked: [string, number][] = [];
    const { connection } = await connect(t, server, {
      nextNick: (refused, tries) => {
        asked.push([refused, tries]);
        return `bridge${tries}`;
      },
    });
    assert.equal(connection.nick, 'bridge3');
    assert.deepEqual(asked, [
      ['bridge', 1],
      ['bridge1', 2],
      ['bridge2', 3],
    ]);
  }
});

test('a nick in use by somebody there is not taken twice', async (t) => {
  const server = await fakeIrcd(t);
  server.person('Bridge');
  const { connection } = await connect(t, server);
  assert.equal(connection.nick, 'bridge_');
});

test('a storm of refusals ends: by whoever picks nicks, or by a limit of our own', async (t) => {
  const server = await fakeIrcd(t, { faults: { nickRefusals: Number.POSITIVE_INFINITY } });
  await assert.rejects(attempt(server, { nextNick: (nick, tries) => (tries > 3 ? undefined : `${nick}_`) }), {
    name: 'RetryableError',
    code: 'NETWORK_BUSY',
  });
  await assert.rejects(attempt(server, { nextNick: (_nick, tries) => `n${tries}` }), { code: 'NETWORK_BUSY' });
  assert.ok(server.lines().length < 80);
  server.faults.nickRefusal = '432';
  await assert.rejects(attempt(server, { nextNick: () => undefined }), { name: 'PermanentError', code: 'NETWORK_REFUSED' });
});

test('a nick that the server cut without a word is known as it is', async (t) => {
  const server = await fakeIrcd(t, { faults: { nickLimit: 5 } });
  const { connection } = await connect(t, server, { nick: 'causewaybot' });
  assert.equal(connection.nick, 'cause');
});

test('who is turned away learns why, and whether to come again', async (t) => {
  const server = await fakeIrcd(t);
  const cases: [string[], string, string][] = [
    [['Your host is trying to (re)connect too fast -- throttled'], 'RetryableError', 'NETWORK_BUSY'],
    [['Too many host connections (local)'], 'RetryableError', 'NETWORK_BUSY'],
    [['No more connections allowed in your connection class'], 'RetryableError', 'NETWORK_BUSY'],
    [['This server is full.'], 'RetryableError', 'NETWORK_BUSY'],
    [['K-Lined'], 'PermanentError', 'NETWORK_BANNED'],
    [['G-lined: spam'], 'PermanentError', 'NETWORK_BANNED'],
    [['465 * :You are banned from this server- go away', 'go away'], 'PermanentError', 'NETWORK_BANNED'],
    [['Bad user info'], 'PermanentError', 'NETWORK_BANNED'],
    [['SASL access only'], 'PermanentError', 'NETWORK_LOGIN'],
    [['Server shutting down'], 'UnreachableError', 'NETWORK_UNREACHABLE'],
  ];
  for (const [refuse, name, code] of cases) {
    server.faults.refuse = refuse;
    await assert.rejects(attempt(server), { name, code }, refuse.join());
  }
});

test('a throttle says how long to wait', async (t) => {
  const server = await fakeIrcd(t, { faults: { refuse: ['Throttled: Reconnecting too fast'] } });
  await assert.rejects(attempt(server), { code: 'NETWORK_BUSY', after: 20_000 });
});

test('nothing there, nothing said, and a half said greeting all end as unreachable', async (t) => {
  await assert.rejects(attempt({ host: '127.0.0.1', port: 1 }), { name: 'UnreachableError', code: 'NETWORK_UNREACHABLE' });
  await assert.rejects(attempt({ host: 'no-such-host.invalid', port: 6667 }), { code: 'NETWORK_UNREACHABLE' });
  const server = await fakeIrcd(t, { faults: { frozen: true } });
  await assert.rejects(attempt(server, { connectTimeout: 100 }), { name: 'UnreachableError', message: /not registered within/ });
  server.faults.frozen = false;
  server.faults.cap = 'silent';
  server.faults.nickRefusals = 1;
  await assert.rejects(attempt(server, { connectTimeout: 100, nextNick: (nick) => nick, nick: '' }), { code: /NETWORK_/ });
});

test('a server that hangs up in mid-greeting is unreachable', async (t) => {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.write(':irc.fake.test 001 bridge :Welcome\r\n');
    setTimeout(() => socket.end(), 20);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as net.AddressInfo;
  await assert.rejects(attempt({ host: '127.0.0.1', port }), { code: 'NETWORK_UNREACHABLE' });
});

test('a cookie PING before registration is answered', async (t) => {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.write('PING :cookie1\r\n');
    socket.on('data', (data) => {
      if (data.includes('PONG cookie1')) socket.write(':s 001 bridge :Hi\r\n:s 422 bridge :No MOTD\r\n');
      if (data.includes('QUIT')) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as net.AddressInfo;
  const { connection } = await connect(t, { host: '127.0.0.1', port });
  assert.equal(connection.nick, 'bridge');
});

test('an attempt can be given up', async (t) => {
  const server = await fakeIrcd(t, { faults: { frozen: true } });
  const attempts = new AbortController();
  const opening = attempt(server, { signal: attempts.signal });
  await server.waitForLine(/^CAP LS/);
  attempts.abort();
  await assert.rejects(opening, { code: 'NETWORK_UNREACHABLE' });
  await assert.rejects(attempt(server, { signal: AbortSignal.abort() }), { code: 'NETWORK_UNREACHABLE' });
});

test('an offer of TLS on a plain port is passed on as advice', async (t) => {
  const server = await fakeIrcd(t, { capabilities: [['sts', 'port=6697,duration=300']] });
  const { warnings } = await connect(t, server);
  assert.match(warnings[0] ?? '', /sts=port=6697/);
});

test('TLS with a CA of our own; without it, or on a plain port, the reason is told', async (t) => {
  const folder = tempFolder();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const names = ['-subj', '/CN=irc.fake.test', '-addext', 'subjectAltName=DNS:irc.fake.test'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', ...names], {
    stdio: 'ignore',
  });
  const pem = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  const server = await fakeIrcd(t, { tls: pem });
  const { connection } = await connect(t, server, { tls: { ca: pem.cert, servername: 'irc.fake.test' } });
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  await server.waitForMember('#tea', 'bridge');
  await connect(t, server, { nick: 'other', tls: { insecure: true } });
  const refused = { name: 'ConfigError', code: 'NETWORK_TLS' };
  await assert.rejects(attempt(server, { tls: {} }), refused);
  await assert.rejects(attempt(server, { tls: { ca: pem.cert, servername: 'other.test' } }), refused);
  await assert.rejects(attempt(server, { tls: { ca: 'not a certificate' } }), refused);
  const plain = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.end(':irc.fake.test NOTICE * :*** Looking up your hostname\r\n');
  });
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  t.after(() => plain.close());
  const { port } = plain.address() as net.AddressInfo;
  await assert.rejects(attempt({ host: '127.0.0.1', port }, { tls: {} }), { code: 'NETWORK_TLS', message: /does this port speak TLS/ });
});
