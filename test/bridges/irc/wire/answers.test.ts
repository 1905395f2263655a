import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../support/waiting.ts';
import { connect, fakeIrcd } from './connecting.ts';

test('ask collects one line, many lines, an ACK and a refusal, and never mixes them up', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna').join('#tea');
  const { connection, hears, heard } = await connect(t, server);
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  await hears('366');
  const answers = Promise.all([
    connection.ask({ command: 'PRIVMSG', params: ['#tea', 'one'] }),
    connection.ask({ command: 'WHOIS', params: ['anna'] }),
    connection.ask({ command: 'MONITOR', params: ['C'] }),
    connection.ask({ command: 'PRIVMSG', params: ['#nowhere', 'two'] }),
  ]);
  anna.say('#tea', 'between');
  const [said, whois, nothing, refused] = await answers;
  assert.deepEqual(
    said.map((line) => [line.command, line.params[1], line.nick]),
    [['PRIVMSG', 'one', 'bridge']],
  );
  assert.deepEqual(
    whois.map((line) => line.command),
    ['311', '319', '312', '318'],
  );
  assert.deepEqual(nothing, []);
  assert.deepEqual(
    refused.map((line) => line.command),
    ['403'],
  );
  await hears('PRIVMSG #tea between');
  assert.ok(!heard().some((line) => /^(?:311|403|BATCH|ACK|PRIVMSG #tea one)/.test(line)));
});

test('what an asked line changed is told to the listener too', async (t) => {
  const server = await fakeIrcd(t);
  const { connection, heard } = await connect(t, server);
  const answer = await connection.ask({ command: 'NICK', params: ['renamed'] });
  assert.equal(answer[0]?.command, 'NICK');
  assert.deepEqual(heard(), ['NICK renamed']);
  assert.equal(connection.nick, 'renamed');
});

test('an answer that is a batch of its own kind comes with its BATCH lines', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna').join('#tea');
  anna.say('#tea', 'before');
  anna.paste('#tea', ['first', 'second']);
  const { connection, heard } = await connect(t, server, {
    capabilities: ['message-tags', 'batch', 'labeled-response', 'server-time', 'draft/chathistory', 'draft/multiline'],
  });
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  const page = await connection.ask({ command: 'CHATHISTORY', params: ['LATEST', '#tea', '*', '10'] });
  assert.deepEqual(
    page.map((line) => [line.command, line.params.at(-1)]).filter(([command]) => command !== 'BATCH'),
    [
      ['PRIVMSG', 'before'],
      ['PRIVMSG', 'first'],
      ['PRIVMSG', 'second'],
    ],
  );
  assert.deepEqual(
    page.filter((line) => line.command === 'BATCH').map((line) => line.params[1] ?? 'end'),
    ['chathistory', 'draft/multiline', 'end', 'end'],
  );
  assert.ok(!heard().some((line) => line.startsWith('PRIVMSG')));
});

test('a question without an answer in time has an unknown outcome, and so has one that a lost connection cut short', async (t) => {
  const server = await fakeIrcd(t);
  const { connection } = await connect(t, server);
  server.faults.swallow = 1;
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  await assert.rejects(connection.ask({ command: 'PRIVMSG', params: ['#tea', 'x'] }, { timeout: 30 }), { code: 'OUTCOME_UNKNOWN' });
  server.faults.cutAfterMessage = 1;
  await assert.rejects(connection.ask({ command: 'PRIVMSG', params: ['#tea', 'y'] }), { code: 'OUTCOME_UNKNOWN' });
  assert.deepEqual(
    server.said('#tea').map((said) => said.text),
    ['y'],
  );
  await assert.rejects(connection.ask({ command: 'PRIVMSG', params: ['#tea', 'z'] }), { code: 'NETWORK_UNREACHABLE' });
});

test('without labelled responses asking is refused, and tags are not sent', async (t) => {
  const server = await fakeIrcd(t, { capabilities: [] });
  const { connection } = await connect(t, server);
  await assert.rejects(connection.ask({ command: 'PING', params: ['x'] }), { code: 'UNSUPPORTED' });
  await connection.send({ command: 'PRIVMSG', params: ['nobody', 'x'], tags: { '+typing': 'active' } });
  assert.equal((await server.waitForLine(/nobody/)).text, 'PRIVMSG nobody x');
});

test('a fence resolves once everything before it was answered; all who wait meanwhile share the next', async (t) => {
  const server = await fakeIrcd(t);
  const { connection, heard } = await connect(t, server);
  await connection.send({ command: 'PRIVMSG', params: ['nobody', 'x'] });
  await connection.fence();
  assert.ok(heard().some((line) => line.startsWith('401')));
  const since = server.mark();
  await Promise.all([connection.fence(), connection.fence(), connection.fence(), connection.fence()]);
  assert.equal(server.received.slice(since).filter((line) => line.text.startsWith('PING')).length, 2);
});

test('a fence rejects when the connection is lost', async (t) => {
  const server = await fakeIrcd(t, { faults: { noPong: true } });
  const { connection } = await connect(t, server);
  const fences = [connection.fence(), connection.fence()];
  await server.waitForLine(/^PING/);
  server.drop('bridge');
  for (const fence of fences) await assert.rejects(fence, { code: 'NETWORK_UNREACHABLE' });
  await assert.rejects(connection.fence(), { code: 'NETWORK_UNREACHABLE' });
  await assert.rejects(connection.send({ command: 'AWAY', params: [] }), { code: 'NETWORK_UNREACHABLE' });
});

test('a server that talks on and answers no PING is given up: nobody waits for it without end', async (t) => {
  const server = await fakeIrcd(t, { faults: { noPong: true } });
  const anna = server.person('anna').join('#tea');
  const { connection, ended } = await connect(t, server, { keepalive: { ping: 60_000, timeout: 1_000 } });
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  await server.waitForMember('#tea', 'bridge');
  const talking = setInterval(() => anna.say('#tea', 'still here'), 50);
  t.after(() => clearInterval(talking));
  await assert.rejects(connection.fence(), { code: 'NETWORK_UNREACHABLE' });
  await until('its end', () => ended.length > 0 || undefined);
});

test('with flood control on, lines keep the order of each target and a fence stays behind them', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna').join('#tea').join('#cake');
  const { connection } = await connect(t, server, { flood: { burst: 3, every: 20 } });
  const join = connection.send({ command: 'JOIN', params: ['#tea,#cake'] }, 'command');
  await Promise.all([join, server.waitForMember('#cake', 'bridge')]);
  for (let i = 0; i < 10; i++) void connection.send({ command: 'PRIVMSG', params: ['#tea', `tea ${i}`] });
  for (let i = 0; i < 3; i++) void connection.send({ command: 'PRIVMSG', params: ['#cake', `cake ${i}`] });
  await connection.fence();
  assert.deepEqual(
    anna.texts('#tea'),
    [...Array(10).keys()].map((i) => `bridge: tea ${i}`),
  );
  assert.deepEqual(
    anna.texts('#cake'),
    [0, 1, 2].map((i) => `bridge: cake ${i}`),
  );
  const order = server.lines().filter((line) => line.startsWith('PRIVMSG'));
  assert.ok(order.findIndex((line) => line.includes('cake 2')) < order.findIndex((line) => line.includes('tea 9')), 'targets take turns');
});
