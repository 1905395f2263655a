// The scripted server does what the specifications say, seen through our own connection and through another client library.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allCapabilities } from '../../../support/fake-ircd.ts';
import { IrcPerson } from '../../../support/irc-person.ts';
import { connect, fakeIrcd } from './connecting.ts';

const all = Object.keys(allCapabilities).filter((name) => name !== 'sasl');

test('a foreign client library logs in, joins, talks, asks and leaves', async (t) => {
  const server = await fakeIrcd(t, { accounts: { berta: 'secret' } });
  const anna = server.person('anna', { account: 'anna' }).join('#tea');
  const berta = await IrcPerson.connect({ port: server.port, nick: 'berta', account: { account: 'berta', password: 'secret' } });
  await berta.join('#tea');
  berta.say('#tea', 'hello');
  await anna.waitForText('#tea', 'hello');
  anna.action('#tea', 'waves');
  await berta.waitForText('#tea', '\u0001ACTION waves\u0001');
  assert.equal((await berta.whois('anna')).account, 'anna');
  assert.equal((await berta.whois('nobody')).error, 'not_found');
  assert.equal(server.world.user('berta')?.account, 'berta');
  assert.deepEqual(
    (await berta.names('#tea')).map((name) => name.split('!')[0]),
    ['@anna', 'berta'],
  );
  await berta.quit('bye');
  await anna.waitFor((heard) => heard.command === 'QUIT');
});

test('each client gets only what it negotiated', async (t) => {
  const server = await fakeIrcd(t);
  const plain = await connect(t, server, { nick: 'plain', capabilities: [] });
  const rich = await connect(t, server, { nick: 'rich', capabilities: all });
  for (const { connection, hears } of [plain, rich]) {
    await connection.send({ command: 'JOIN', params: ['#tea'] });
    await hears('JOIN #tea');
    await connection.fence();
  }
  const anna = server.person('anna', { account: 'anna', realname: 'Anna A' }).join('#tea');
  anna.setAway('lunch');
  anna.setName('Anna B');
  anna.tag('#tea', { '+typing': 'active' });
  anna.say('#tea', 'hi', { '+draft/reply': 'x' });
  server.changeHost('anna', 'new', 'host.test');
  anna.invite('plain', '#other');
  await Promise.all([plain.connection.fence(), rich.connection.fence()]);
  const said = plain.lines.find((line) => line.command === 'PRIVMSG');
  assert.deepEqual({ ...said?.tags }, {});
  assert.deepEqual(
    plain.heard().filter((line) => /^(?:JOIN|QUIT|AWAY|SETNAME|TAGMSG|CHGHOST|353|INVITE)/.test(line)),
    [
      'JOIN #tea',
      '353 plain = #tea @plain',
      'JOIN #tea', // rich
      'JOIN #tea', // anna
      'QUIT Changing host',
      'JOIN #tea',
      'INVITE plain #other',
    ],
  );
  const full = rich.lines.find((line) => line.command === 'PRIVMSG');
  assert.deepEqual(Object.keys(full?.tags ?? {}).sort(), ['+draft/reply', 'account', 'msgid', 'time']);
  assert.deepEqual(
    rich.heard().filter((line) => /^(?:JOIN|QUIT|AWAY|SETNAME|TAGMSG|CHGHOST|353)/.test(line)),
    ['JOIN #tea * A bridge', 'JOIN #tea anna Anna A', 'AWAY lunch', 'SETNAME Anna B', 'TAGMSG #tea', 'CHGHOST new host.test'],
  );
});

test('a netsplit and its end come as batches, or plainly', async (t) => {
  const server = await fakeIrcd(t);
  const rich = await connect(t, server, { nick: 'rich', capabilities: ['batch'] });
  const plain = await connect(t, server, { nick: 'plain', capabilities: [] });
  for (const { connection } of [rich, plain]) {
    await connection.send({ command: 'JOIN', params: ['#tea'] });
    await server.waitForMember('#tea', connection.nick);
  }
  server.person('anna').join('#tea').becomeOperator('#tea');
  server.person('berta').join('#tea');
  server.split(['anna', 'berta']);
  assert.deepEqual(server.members('#tea'), ['rich', 'plain']);
  server.heal();
  await Promise.all([rich.connection.fence(), plain.connection.fence()]);
  const told = rich.lines.filter((line) => /^(?:BATCH|QUIT|MODE)$/.test(line.command) || (line.command === 'JOIN' && line.tags.batch));
  assert.deepEqual(
    told.map((line) => `${line.command} ${line.command === 'BATCH' ? line.params.slice(1).join(' ') : line.nick}`.trim()),
    [
      'MODE irc.fake.test',
      'BATCH netsplit irc.fake.test far.fake.test',
      'QUIT anna',
      'QUIT berta',
      'BATCH',
      'BATCH netjoin irc.fake.test far.fake.test',
      'JOIN anna',
      'JOIN berta',
      'BATCH',
      'MODE irc.fake.test',
    ],
  );
  assert.ok(plain.heard().includes('QUIT irc.fake.test far.fake.test'));
  assert.ok(!plain.heard().some((line) => line.startsWith('BATCH')));
});

test('a multi-line message is one to who can take it, and its lines to others', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna').join('#tea');
  const { connection, lines } = await connect(t, server, { capabilities: all });
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  const paste = async (label: string, ...texts: [string, boolean?][]) => {
    await connection.send({ command: 'BATCH', params: ['+1', 'draft/multiline', '#tea'], tags: { label, '+draft/reply': 'abc' } });
    for (const [text, isMore] of texts) {
      const tags = { batch: '1', ...(isMore ? { 'draft/multiline-concat': '' } : {}) };
      await connection.send({ command: 'PRIVMSG', params: ['#tea', text], tags });
    }
    await connection.send({ command: 'BATCH', params: ['-1'] });
    await connection.fence();
    return lines.find((line) => line.tags.label === label);
  };
  const echo = await paste('.a', ['one'], [''], ['two '], ['more', true]);
  assert.deepEqual(echo?.params.slice(1), ['draft/multiline', '#tea']);
  assert.deepEqual(anna.texts('#tea'), ['bridge: one', 'bridge: two ', 'bridge: more']);
  assert.deepEqual(
    anna.heard.filter((each) => each.command === 'PRIVMSG').map((each) => each.msgid),
    [echo?.tags.msgid, undefined, undefined],
  );
  assert.equal(server.said('#tea')[0]?.text, 'one\n\ntwo more');
  assert.equal(
    (await paste('.b', ['x'.repeat(440)], ...Array.from({ length: 10 }, (): [string] => ['y'.repeat(440)])))?.params[1],
    'MULTILINE_MAX_BYTES',
  );
  assert.equal((await paste('.c', ...Array.from({ length: 25 }, (): [string] => ['z'])))?.params[1], 'MULTILINE_MAX_LINES');
  assert.equal((await paste('.d', [''], ['']))?.params[1], 'MULTILINE_INVALID');
});

test('messages are redacted by their sender or an operator, and by nobody else', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna').join('#tea');
  const berta = server.person('berta').join('#tea');
  const { connection, hears } = await connect(t, server, { capabilities: all });
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  const id = berta.say('#tea', 'oops') ?? '';
  const redact = async (msgid: string) =>
    (await connection.ask({ command: 'REDACT', params: ['#tea', msgid, 'why'] })).map((line) => line.params[1]);
  assert.deepEqual(await redact(id), ['REDACT_FORBIDDEN']);
  assert.deepEqual(await redact('unknown'), ['UNKNOWN_MSGID']);
  anna.redact('#tea', id, 'spam');
  assert.equal((await hears(`REDACT #tea ${id} spam`)).nick, 'anna');
  assert.equal(server.said('#tea')[0]?.isRedacted, true);
  const page = await connection.ask({ command: 'CHATHISTORY', params: ['LATEST', '#tea', '*', '10'] });
  assert.ok(!page.some((line) => line.command === 'PRIVMSG'));
});

test('history is read from either end, by id and by time', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna').join('#tea');
  const ids = Array.from({ length: 10 }, (_, i) => `msgid=${anna.say('#tea', `${i}`)}`);
  const { connection } = await connect(t, server, { capabilities: all });
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  const read = async (...params: (string | undefined)[]) => {
    const page = await connection.ask({ command: 'CHATHISTORY', params: params.map((param) => param ?? '') });
    return page
      .flatMap((line) => (line.command === 'BATCH' ? [] : [line.command === 'FAIL' ? (line.params[1] ?? '') : line.params[1]]))
      .join('');
  };
  assert.equal(await read('LATEST', '#tea', '*', '3'), '789');
  assert.equal(await read('LATEST', '#tea', ids[7], '9'), '89');
  assert.equal(await read('AFTER', '#tea', ids[2], '3'), '345');
  assert.equal(await read('BEFORE', '#tea', ids[5], '3'), '234');
  assert.equal(await read('AROUND', '#tea', ids[5], '3'), '456');
  assert.equal(await read('BETWEEN', '#tea', ids[1], ids[8], '4'), '2345');
  assert.equal(await read('BETWEEN', '#tea', ids[8], ids[1], '4'), '4567');
  assert.equal(await read('AFTER', '#tea', 'timestamp=2000-01-01T00:00:00.000Z', '2'), '01');
  assert.equal(await read('BEFORE', '#tea', 'timestamp=2000-01-01T00:00:00.000Z', '2'), '');
  assert.equal(await read('AFTER', '#tea', 'msgid=unknown', '2'), 'INVALID_PARAMS');
  assert.equal(await read('AFTER', '#tea', 'timestamp=yesterday', '2'), 'INVALID_PARAMS');
  assert.equal(await read('AFTER', '#other', '*', '2'), 'INVALID_TARGET');
  assert.equal(await read('SIDEWAYS', '#tea', '*', '2'), 'INVALID_PARAMS');
  anna.say('bridge', 'psst');
  assert.equal(await read('LATEST', 'anna', '*', '5'), 'psst');
});

test('read marks are told at JOIN before the names, and only move forward', async (t) => {
  const server = await fakeIrcd(t);
  const { connection, heard } = await connect(t, server, {
    capabilities: ['draft/read-marker', 'labeled-response', 'batch', 'message-tags'],
  });
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  await connection.fence();
  const commands = heard().map((line) => line.split(' ').slice(0, 3).join(' '));
  assert.ok(commands.indexOf('MARKREAD #tea *') < commands.findIndex((line) => line.startsWith('366')));
  const mark = async (...params: string[]) => (await connection.ask({ command: 'MARKREAD', params })).map((line) => line.params[1]).join();
  const [earlier, later] = ['timestamp=2026-01-01T00:00:00.000Z', 'timestamp=2026-02-01T00:00:00.000Z'];
  assert.equal(await mark('#tea', later), later);
  assert.equal(await mark('#tea', earlier), later);
  assert.equal(await mark('#tea'), later);
  assert.equal(await mark('#tea', 'yesterday'), 'INVALID_PARAMS');
  assert.equal(await mark(), 'NEED_MORE_PARAMS');
});

test('MONITOR, WHO, WHOX, MODE and the refusals of JOIN answer as servers do', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna', { account: 'acc' }).join('#tea');
  const { connection, hears } = await connect(t, server);
  const ask = async (command: string, ...params: string[]) =>
    (await connection.ask({ command, params })).map((line) => [line.command, ...line.params.slice(1)].join(' '));
  assert.deepEqual(await ask('MONITOR', '+', 'anna,berta'), ['730 anna!anna@anna.people.test', '731 berta']);
  const berta = server.person('berta');
  await hears('730 bridge berta!');
  berta.rename('Bertha');
  await hears('731 bridge berta');
  await connection.send({ command: 'JOIN', params: ['#tea'] });
  await hears('366');
  assert.deepEqual(await ask('WHO', 'anna', '%tcnuhaf,42'), ['354 42 * anna anna.people.test anna H acc', '315 anna End of /WHO list.']);
  assert.equal((await ask('WHO', '#tea'))[0], '352 #tea anna anna.people.test irc.fake.test anna H@ 0 anna');
  assert.deepEqual(await ask('MODE', '#tea', '+k', 'sesame'), ["482 #tea You're not channel operator"]);
  anna.mode('#tea', '+kil-t', 'sesame', '5');
  await hears('MODE #tea +kil-t sesame 5');
  assert.equal((await ask('MODE', '#tea'))[0], '324 #tea +inkl sesame 5');
  await connection.send({ command: 'PART', params: ['#tea'] });
  assert.deepEqual(await ask('JOIN', '#tea'), ['473 #tea Cannot join channel (+i)']);
  anna.mode('#tea', '-i+b', 'bridge!*@*');
  assert.deepEqual(await ask('JOIN', '#tea', 'sesame'), ['474 #tea Cannot join channel (+b)']);
  server.refuseJoin('#full', '471', 'Cannot join channel (+l)', 1);
  assert.deepEqual(await ask('JOIN', '#full'), ['471 #full Cannot join channel (+l)']);
  server.refuseJoin('#old', '470', '#new');
  const forwarded = (await ask('JOIN', '#old')).map((line) => line.split(' ').slice(0, 3).join(' '));
  assert.deepEqual([forwarded[0], forwarded.at(-1)], ['470 #old #new', '366 #new End']);
});

test('NAMES of ten thousand come whole, and unasked only where they are wanted', async (t) => {
  const server = await fakeIrcd(t);
  server.crowd('#crowd', 10_000);
  const spared = await connect(t, server, { nick: 'spared', capabilities: ['no-implicit-names'] });
  await spared.connection.send({ command: 'JOIN', params: ['#crowd'] });
  await spared.connection.fence();
  assert.ok(!spared.heard().some((line) => line.startsWith('353')));
  const told = await connect(t, server, { nick: 'told', capabilities: [] });
  await told.connection.send({ command: 'JOIN', params: ['#crowd'] });
  await told.hears('366');
  const names = told.lines.filter((line) => line.command === '353').flatMap((line) => (line.params[3] ?? '').split(' '));
  assert.equal(new Set(names).size, 10_002);
});
