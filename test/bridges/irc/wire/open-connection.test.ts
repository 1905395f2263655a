import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until, within } from '../../../support/waiting.ts';
import { connect, fakeIrcd } from './connecting.ts';

test('a connection joins, hears people and is heard', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna').join('#tea');
  const { connection, hears } = await connect(t, server);
  await connection.send({ command: 'JOIN', params: ['#tea'] }, 'command');
  await hears('366');
  anna.say('#tea', 'hello there');
  const line = await hears('PRIVMSG #tea hello there');
  assert.equal(line.nick, 'anna');
  assert.match(line.tags.time ?? '', /^\d{4}-/);
  assert.match(line.tags.msgid ?? '', /^fake-/);
  await connection.send({ command: 'PRIVMSG', params: ['#tea', ':) yes'] });
  await anna.waitForText('#tea', ':) yes');
});

test('its mask is a worst case until its own line shows the true one, and follows CHGHOST, 396 and NICK', async (t) => {
  const server = await fakeIrcd(t);
  const { connection, hears } = await connect(t, server);
  assert.ok(connection.mask.length >= 'bridge!~bridge@'.length + 63);
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  await hears('366');
  assert.equal(connection.mask, 'bridge!~bridge@client.fake.test');
  server.changeHost('bridge', 'cloak', 'users.fake.test');
  await connection.fence();
  assert.equal(connection.mask, 'bridge!cloak@users.fake.test');
  server.send('bridge', ':irc.fake.test 396 bridge other@hidden.test :is now your displayed host');
  await connection.fence();
  assert.equal(connection.mask, 'bridge!other@hidden.test');
  await connection.send({ command: 'NICK', params: ['Other'] });
  await connection.fence();
  assert.equal(connection.nick, 'Other');
  assert.equal(connection.mask, 'Other!cloak@users.fake.test');
});

test('without chghost a cloak is learnt from 396 alone', async (t) => {
  const server = await fakeIrcd(t);
  const { connection } = await connect(t, server, { capabilities: [] });
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  server.changeHost('bridge', '~bridge', 'cloaked.test');
  await connection.fence();
  assert.equal(connection.mask, 'bridge!~bridge@cloaked.test');
});

test('capabilities come and go while connected', async (t) => {
  const server = await fakeIrcd(t, { capabilities: [['batch', '']] });
  const { connection } = await connect(t, server, { capabilities: ['batch', 'message-tags', 'draft/multiline'] });
  assert.deepEqual([...connection.capabilities], ['batch']);
  server.offer('message-tags');
  server.offer('draft/multiline', 'max-bytes=100');
  server.offer('unheard-of');
  await until('the new ones', () => connection.capabilities.size === 3);
  assert.equal(connection.capabilityValue('draft/multiline'), 'max-bytes=100');
  assert.equal(connection.capabilityValue('unheard-of'), '');
  assert.ok(!connection.capabilities.has('unheard-of'));
  server.withdraw('message-tags');
  await until('one less', () => connection.capabilities.size === 2);
  assert.equal(connection.capabilityValue('message-tags'), undefined);
});

test('logs in once SASL is offered, where it came in without', async (t) => {
  const server = await fakeIrcd(t, { capabilities: [['batch', '']], accounts: { causeway: 'secret' } });
  const sasl = { mechanism: 'auto', username: 'causeway', password: 'secret' } as const;
  const { connection, warnings } = await connect(t, server, { sasl });
  assert.equal(connection.account, undefined);
  assert.match(warnings[0] ?? '', /SASL is not offered/);
  server.offer('sasl', 'PLAIN,SCRAM-SHA-256');
  await until('the login', () => connection.account === 'causeway');
});

test('later 005 lines change what is known of the server', async (t) => {
  const server = await fakeIrcd(t);
  const { connection } = await connect(t, server);
  assert.equal(connection.isupport.topiclen, 307);
  server.send('bridge', ':irc.fake.test 005 bridge TOPICLEN=50 -NETWORK CASEMAPPING=ascii :are supported by this server');
  await connection.fence();
  assert.equal(connection.isupport.topiclen, 50);
  assert.equal(connection.isupport.network, undefined);
  assert.equal(connection.isupport.fold('A[\\]^'), 'a[\\]^');
});

test('PING is answered at once, and PONG never handed on', async (t) => {
  const server = await fakeIrcd(t);
  const { heard, connection } = await connect(t, server, { flood: { burst: 1, every: 60_000 } });
  for (let i = 0; i < 3; i++) void connection.send({ command: 'PRIVMSG', params: ['#tea', `waiting ${i}`] });
  server.send('bridge', 'PING :are you there');
  assert.equal((await server.waitForLine(/^PONG/)).text, 'PONG :are you there');
  assert.ok(!heard().some((line) => line.startsWith('PING')));
});

test('silence is met by a PING, and a half-open connection cut; its queued lines fail', async (t) => {
  const server = await fakeIrcd(t);
  const { connection, ended } = await connect(t, server, {
    keepalive: { ping: 300, timeout: 2_000 },
    flood: { burst: 1, every: 60_000 },
  });
  await server.waitForLine(/^PING alive/);
  await delay(2_500);
  assert.equal(ended.length, 0, 'answered PINGs keep it alive');
  server.faults.frozen = true;
  await connection.send({ command: 'PRIVMSG', params: ['#tea', 'sent'] });
  const queued = connection.send({ command: 'PRIVMSG', params: ['#tea', 'queued'] });
  await assert.rejects(queued, { code: 'NETWORK_UNREACHABLE' });
  assert.deepEqual(
    ended.map(({ fault }) => fault),
    ['network'],
  );
});

test('close says goodbye, tells once that it was ours, and resolves when it is done', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna').join('#tea');
  const { connection, ended } = await connect(t, server);
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  await Promise.all([connection.close('good\r\nQUIT night'), connection.close()]);
  const quit = await anna.waitFor((heard) => heard.command === 'QUIT');
  assert.equal(quit.params[0], 'Quit: goodQUIT night');
  assert.deepEqual(
    ended.map(({ fault }) => fault),
    ['ours'],
  );
  await connection.close();
  await until('the server to notice', () => server.connections === 0);
});

test('close does not wait for a server that is gone', async (t) => {
  const server = await fakeIrcd(t);
  const { connection, ended } = await connect(t, server);
  server.faults.frozen = true;
  await within('the end', connection.close());
  assert.equal(ended[0]?.fault, 'ours');
});

test('the end of a connection tells whose fault it was', async (t) => {
  const server = await fakeIrcd(t);
  const endings: [string, () => void][] = [
    ['network NETWORK_UNREACHABLE', () => server.drop('bridge')],
    ['network NETWORK_UNREACHABLE', () => server.client('bridge').quit('Ping timeout: 240 seconds', true)],
    ['killed NETWORK_BUSY', () => server.kill('bridge', 'go away')],
    ['throttled NETWORK_BUSY', () => server.client('bridge').quit('Excess Flood', true)],
    ['banned NETWORK_BANNED', () => server.kline('bridge', 'no bridges here')],
  ];
  for (const [expected, act] of endings) {
    const { ended } = await connect(t, server);
    act();
    await until('the end', () => ended.length > 0);
    assert.deepEqual(
      ended.map(({ fault, code }) => `${fault} ${code}`),
      [expected],
    );
  }
});

test('lines that come with the greeting reach the listener after the connection is in hand, in order', async (t) => {
  const server = await fakeIrcd(t, { faults: { motd: 'none' } });
  const seen: string[] = [];
  const opened = connect(t, server);
  await server.waitForUser('bridge');
  const text = ['PRIVMSG bridge :1', '422 bridge :no MOTD', 'PRIVMSG bridge :2', 'PRIVMSG bridge :3'];
  server.sendBytes('bridge', Buffer.from(text.map((line) => `:a!b@c ${line}\r\n`).join('')));
  const { lines } = await opened;
  seen.push(...lines.map((line) => line.params[1] ?? ''));
  assert.deepEqual(seen, [], 'nothing before the caller has it');
  await until('all', () => lines.length === 3);
  assert.deepEqual(
    lines.map((line) => line.params[1]),
    ['1', '2', '3'],
  );
});

test('what happens within the greeting is learnt and told', async (t) => {
  const server = await fakeIrcd(t, { faults: { motd: 'none' } });
  const opened = connect(t, server);
  await server.waitForUser('bridge');
  const text = [
    'irc.fake.test 396 bridge cloak.test :is now your displayed host',
    'bridge!~b@cloak.test NICK forced',
    'irc.fake.test 422 forced :no MOTD',
  ];
  server.sendBytes('bridge', Buffer.from(text.map((line) => `:${line}\r\n`).join('')));
  const { connection, hears } = await opened;
  assert.equal(connection.mask, 'forced!~b@cloak.test');
  await hears('NICK forced');
});

test('the mask of history is not taken for the present one', async (t) => {
  const server = await fakeIrcd(t);
  const { connection, hears } = await connect(t, server);
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  await hears('366');
  server.replay('bridge', '#tea', [':bridge!old@ancient.test PRIVMSG #tea :said last year']);
  await hears('PRIVMSG #tea said');
  assert.equal(connection.mask, 'bridge!~bridge@client.fake.test');
});

test('what is longer than the server takes is cut at a character, its tags apart', async (t) => {
  const server = await fakeIrcd(t);
  const { connection } = await connect(t, server);
  await connection.send({ command: 'PRIVMSG', params: ['#tea', 'ü'.repeat(400)], tags: { '+draft/reply': 'x'.repeat(600) } });
  const { text } = await server.waitForLine(/PRIVMSG #tea/);
  const body = text.slice(text.indexOf(' ') + 1);
  assert.ok(Buffer.byteLength(body) <= 510);
  assert.match(body, /^PRIVMSG #tea ü+$/);
  assert.match(text, /^@\+draft\/reply=x{600} /);
});

test('a process that stood still does not take that for silence of the server', async (t) => {
  const server = await fakeIrcd(t);
  const { connection, ended } = await connect(t, server, { keepalive: { ping: 100, timeout: 1_000 } });
  await server.waitForLine(/^PING alive/);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
  await delay(300);
  assert.equal(ended.length, 0);
  await connection.fence();
});
