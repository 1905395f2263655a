import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../../support/waiting.ts';
import { connect, fakeIrcd } from './connecting.ts';

test('lines cut into any pieces, with any line end, come whole', async (t) => {
  for (const lineEnd of ['\r\n', '\n', '\r\r\n'] as const) {
    const server = await fakeIrcd(t, { faults: { splitWrites: true, lineEnd } });
    const anna = server.person('anna').join('#tea');
    const { connection, hears, lines } = await connect(t, server);
    await connection.send({ command: 'JOIN', params: ['#tea'] });
    await hears('366');
    for (let i = 0; i < 50; i++) anna.say('#tea', `${i} żółć 🫖 ${'ü'.repeat(i)}`);
    await hears('PRIVMSG #tea 49');
    const texts = lines.filter((line) => line.command === 'PRIVMSG').map((line) => line.params[1]);
    assert.deepEqual(
      texts,
      Array.from({ length: 50 }, (_, i) => `${i} żółć 🫖 ${'ü'.repeat(i)}`),
    );
  }
});

test('a line that is not UTF-8 is read in the fallback encoding, and only that line', async (t) => {
  const server = await fakeIrcd(t);
  const { hears } = await connect(t, server, { encoding: 'windows-1252' });
  server.sendBytes('bridge', Buffer.from(':a!b@c PRIVMSG bridge :caf\xe9 \x80\r\n:a!b@c PRIVMSG bridge :', 'latin1'));
  server.sendBytes('bridge', Buffer.from('café \ufffd\r\n'));
  await hears('PRIVMSG bridge café €');
  await hears('PRIVMSG bridge café \ufffd');
});

test('NUL, empty and senseless lines do no harm', async (t) => {
  const server = await fakeIrcd(t);
  const { connection, hears } = await connect(t, server);
  for (const line of [
    '',
    ' ',
    ':',
    '@',
    '@a',
    '@a :b',
    ':x',
    ': ',
    '\0',
    '@=;;=; :n!u@h PRIVMSG',
    ':n!u@h',
    'BATCH',
    'BATCH -x',
    'CAP',
    'NICK',
  ]) {
    server.send('bridge', line);
  }
  server.send('bridge', ':x!y@z PRIVMSG bridge :still here');
  await hears('PRIVMSG bridge still here');
  await connection.fence();
});

test('a line without an end is no IRC: the connection is cut before it fills the memory', async (t) => {
  const server = await fakeIrcd(t);
  const { ended } = await connect(t, server);
  server.sendBytes('bridge', Buffer.alloc(40_000, 'x'));
  await until('the end', () => ended.length > 0);
  assert.match(ended[0]?.message ?? '', /16 KB/);
});

test('what is said in one turn leaves in one write', async (t) => {
  const chunks: string[] = [];
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      chunks.push(data.toString());
      if (data.includes('USER')) socket.write(':s 001 bridge :Hi\r\n:s 422 bridge :No MOTD\r\n');
      if (data.includes('QUIT')) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { connection } = await connect(t, { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port });
  chunks.length = 0;
  for (let i = 0; i < 40; i++) void connection.send({ command: 'PRIVMSG', params: ['#tea', `${i}`] });
  await until('the lines', () => chunks.join('').includes('#tea 39'));
  assert.equal(chunks.length, 1);
});

test('a server that stops reading is given up before it fills the memory', async (t) => {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(':s 001 bridge :Hi\r\n:s 422 bridge :No MOTD\r\n');
      socket.pause();
    });
    t.after(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { connection, ended } = await connect(t, { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port });
  const line = { command: 'PRIVMSG', params: ['#tea', 'x'.repeat(400)] };
  for (let i = 0; i < 200 && ended.length === 0; i++) {
    for (let n = 0; n < 500; n++) void connection.send(line);
    await delay(1);
  }
  assert.match(ended[0]?.message ?? '', /stopped reading/);
});
