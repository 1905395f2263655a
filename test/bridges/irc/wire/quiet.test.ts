import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { concerns } from '../../../../bridges/irc/wire/quiet.ts';
import { sleep, takePlace } from '../../../../bridges/irc/wire/slices.ts';
import { until } from '../../../support/waiting.ts';
import { connect, fakeIrcd } from './connecting.ts';

const wanted = (line: string, isAwaiting = false) => {
  const padded = `xx\n${line}\nyy`;
  return concerns(padded, 3, 3 + line.length, 'me', isAwaiting);
};

test('what other people do in channels is dropped', () => {
  for (const line of [
    ':anna!a@b PRIVMSG #tea :hello me, says anna',
    '@time=x;msgid=y :anna!a@b PRIVMSG #tea :hi',
    ':anna!a@b NOTICE @#tea :hi',
    ':anna!a@b JOIN #tea * :Anna',
    ':anna!a@b JOIN :#me',
    ':anna!a@b PART #tea\r',
    ':anna!a@b QUIT',
    ':anna!a@b NICK berta',
    ':anna!a@b AWAY :gone',
    '@+typing=active :anna!a@b TAGMSG #tea',
    '@batch=1 :anna!a@b QUIT :irc.a irc.b',
    ':anna!a@b MODE #tea +v berta',
    ':anna!a@b KICK #tea berta :bye',
    ':meaning!a@b PRIVMSG #tea :x',
    ':anna!a@b PRIVMSG meaning :x',
    ':anna!a@b privmsg #tea :x',
  ]) {
    assert.equal(wanted(line), false, line);
  }
});

test('what concerns oneself, and what is not known, comes', () => {
  for (const line of [
    ':me!a@b PRIVMSG #tea :own echo',
    '@label=1;time=x :me!a@b JOIN #tea',
    ':me NICK you',
    ':anna!a@b PRIVMSG me :psst',
    ':anna!a@b PRIVMSG :me',
    ':anna!a@b NOTICE me',
    ':anna!a@b INVITE me #tea',
    ':oper!a@b KICK #tea me :out',
    ':anna!a@b MODE #tea +v me',
    ':irc.test 353 me = #tea :anna berta',
    ':irc.test 404 me #tea :Cannot send',
    'PING :x',
    'ERROR :Closing Link',
    ':irc.test CAP me NEW :sasl',
    ':irc.test FAIL REDACT X :y',
    ':irc.test BATCH +1 chathistory #tea',
    ':irc.test UNHEARDOF #tea',
    '',
    '@tagsonly',
    ':x',
  ]) {
    assert.equal(wanted(line), true, line);
  }
});

test('while an answer is awaited, batches and labels come too', () => {
  const line = '@time=x;batch=7 :anna!a@b PRIVMSG #tea :history';
  assert.equal(wanted(line), false);
  assert.equal(wanted(line, true), true);
  assert.equal(wanted(':anna!a@b PRIVMSG #tea :live', true), false);
});

test('the look at a line never reads beyond it, and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(':', '@', ' ', 'm', 'e', '!', 'PRIVMSG', ';batch=', '#') }), (line) => {
      const clean = line.replace(/\n/g, '');
      const alone = concerns(clean, 0, clean.length, 'me', false);
      assert.equal(wanted(clean), alone);
    }),
    { numRuns: 2_000 },
  );
});

test('a quiet connection hears private lines and its own, and no channel; a listening one hears all', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna').join('#tea');
  const { connection, heard, hears } = await connect(t, server, { quiet: true });
  await connection.send({ command: 'JOIN', params: ['#tea'] }, 'command');
  await hears('366');
  anna.say('#tea', 'unheard');
  anna.say('bridge', 'private');
  await hears('PRIVMSG bridge private');
  anna.join('#other');
  server.mode('#tea', '+v', 'bridge');
  await hears('MODE #tea +v bridge');
  connection.listen(true);
  anna.say('#tea', 'heard');
  await hears('PRIVMSG #tea heard');
  connection.listen(false);
  anna.say('#tea', 'unheard again');
  server.kick('#tea', 'bridge', 'out');
  await hears('KICK #tea bridge');
  assert.ok(!heard().some((line) => line.includes('unheard')));
});

/** Whoever slept has been woken, and once more after what it had to read then; the ticker rests. Started for real, it could not be
 *  stopped while timers are mocked, and would run for ever. */
async function allAwake(): Promise<void> {
  const places = Array.from({ length: 20 }, takePlace);
  for (const _ of ['to read', 'to rest']) await Promise.all(places.map((place) => new Promise<void>((resume) => sleep({ place, resume }))));
}

test('it reads in slices: many lines wake it once; but an awaited answer comes at once', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna').join('#tea');
  const { connection, hears } = await connect(t, server, { quiet: true });
  await connection.send({ command: 'JOIN', params: ['#tea'] }, 'command');
  await hears('366');
  await connection.send({ command: 'PRIVMSG', params: ['#tea', 'echoed'] });
  await hears('PRIVMSG #tea echoed');
  await allAwake();
  // The ticker that wakes them stands still: what comes now comes without it.
  t.mock.timers.enable({ apis: ['setInterval'] });
  anna.say('#tea', 'this puts it to sleep');
  await delay(20);
  await connection.fence();
  anna.say('#tea', 'and again');
  await delay(20);
  const answer = await connection.ask({ command: 'WHOIS', params: ['anna'] });
  assert.equal(answer[0]?.command, '311');
  anna.say('#tea', 'and again');
  await delay(20);
  await connection.send({ command: 'PRIVMSG', params: ['#tea', 'mine'] });
  await hears('PRIVMSG #tea mine');
  t.mock.timers.tick(1_000);
  t.mock.timers.reset();
});

test('a listening one that is flooded hears a few lines a turn, in order, so that they are journaled before more is read', async (t) => {
  const server = await fakeIrcd(t);
  const { lines } = await connect(t, server);
  const before = lines.length;
  for (let n = 0; n < 1_000; n += 1) server.send('bridge', `:anna!a@b PRIVMSG #tea :${n} ${'x'.repeat(80)}`);
  let most = 0;
  for (let had = before; lines.length < before + 1_000; had = lines.length) {
    await nextTurn();
    most = Math.max(most, lines.length - had);
  }
  assert.ok(most < 60, `${most} lines in one turn`);
  const numbers = lines.slice(before).map((line) => Number(line.params[1]?.split(' ')[0]));
  assert.deepEqual(numbers, [...numbers.keys()]);
});

test('a nick beyond ASCII is known in the raw bytes, also after a change and over cut lines', async (t) => {
  const server = await fakeIrcd(t, { faults: { splitWrites: true } });
  const { connection, hears } = await connect(t, server, { quiet: true });
  server.send('bridge', ':bridge!a@b NICK żółw');
  await until('the new nick', () => connection.nick === 'żółw');
  for (const line of [':x!y@z PRIVMSG #tea :no', ':x!y@z PRIVMSG żółw :yes ü', ':x!y@z PRIVMSG bridge :no']) server.send('bridge', line);
  const line = await hears('PRIVMSG żółw');
  assert.equal(line.params[1], 'yes ü');
});

test('history asked for on a quiet connection comes whole', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna').join('#tea');
  for (let i = 0; i < 30; i++) anna.say('#tea', `line ${i}`);
  const { connection } = await connect(t, server, {
    quiet: true,
    capabilities: ['message-tags', 'batch', 'labeled-response', 'server-time', 'draft/chathistory'],
  });
  await connection.send({ command: 'JOIN', params: ['#tea'] }, 'command');
  const page = await connection.ask({ command: 'CHATHISTORY', params: ['LATEST', '#tea', '*', '50'] });
  assert.equal(page.filter((line) => line.command === 'PRIVMSG').length, 30);
});

test('the end of the connection is noticed while it sleeps', async (t) => {
  const server = await fakeIrcd(t);
  const anna = server.person('anna').join('#tea');
  for (const end of ['drop', 'hang up'] as const) {
    const { connection, ended, hears } = await connect(t, server, { quiet: true });
    await connection.send({ command: 'JOIN', params: ['#tea'] }, 'command');
    await hears('366');
    anna.say('#tea', 'sleep');
    if (end === 'drop') server.drop('bridge');
    else server.client('bridge').quit('Server shutting down', true);
    await until('the end', () => ended.length === 1);
    assert.equal(ended[0]?.fault, 'network');
  }
});
