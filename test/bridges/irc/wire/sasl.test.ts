import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openConnection } from '../../../../bridges/irc/wire/connect.ts';
import type { OutLine, SaslSettings } from '../../../../bridges/irc/wire/connection.ts';
import { Authentication } from '../../../../bridges/irc/wire/sasl.ts';
import { Scram, ScramFailure } from '../../../../bridges/irc/wire/scram.ts';
import { until } from '../../../support/waiting.ts';
import { connect, fakeIrcd, settingsFor } from './connecting.ts';

const accounts = { causeway: 'right, horse=battery', 'ü,=': 'pässwörd' };
const credentials = (mechanism: 'plain' | 'scram-sha-256' | 'auto', password = accounts.causeway): SaslSettings => ({
  mechanism,
  username: 'causeway',
  password,
});
const refusal = { name: 'PermanentError', code: 'NETWORK_LOGIN' };
const nobody = { line: () => {}, closed: () => {} };

test('each mechanism logs in with the right password', async (t) => {
  const server = await fakeIrcd(t, { accounts });
  for (const mechanism of ['plain', 'scram-sha-256', 'auto'] as const) {
    const { connection } = await connect(t, server, { nick: `n-${mechanism}`, sasl: credentials(mechanism) });
    assert.equal(connection.account, 'causeway');
    assert.ok(connection.capabilities.has('sasl'));
  }
  assert.deepEqual(
    server.lines().filter((line) => /^AUTHENTICATE (?:PLAIN|SCRAM)/.test(line)),
    ['AUTHENTICATE PLAIN', 'AUTHENTICATE SCRAM-SHA-256', 'AUTHENTICATE SCRAM-SHA-256'],
  );
});

test('the password never travels with SCRAM', async (t) => {
  const server = await fakeIrcd(t, { accounts });
  await connect(t, server, { sasl: credentials('scram-sha-256') });
  const sent = server
    .lines()
    .flatMap((line) => (line.startsWith('AUTHENTICATE ') ? [Buffer.from(line.slice(13), 'base64').toString()] : []));
  assert.ok(!sent.some((text) => text.includes('horse')));
});

test('names and passwords of any characters are carried', async (t) => {
  const server = await fakeIrcd(t, { accounts });
  for (const mechanism of ['plain', 'scram-sha-256'] as const) {
    const { connection } = await connect(t, server, { nick: `u-${mechanism}`, sasl: { mechanism, username: 'ü,=', password: 'pässwörd' } });
    assert.equal(connection.account, 'ü,=');
  }
});

test('a password of any length goes in pieces of 400', async (t) => {
  for (const length of [10, 285, 286, 400, 900]) {
    const password = 'p'.repeat(length);
    const server = await fakeIrcd(t, { accounts: { causeway: password } });
    const { connection } = await connect(t, server, { sasl: credentials('plain', password) });
    assert.equal(connection.account, 'causeway');
    for (const line of server.lines()) assert.ok(line.length <= 'AUTHENTICATE '.length + 400);
  }
});

test('a wrong password is refused, once and for good', async (t) => {
  const server = await fakeIrcd(t, { accounts });
  for (const mechanism of ['plain', 'scram-sha-256', 'auto'] as const) {
    await assert.rejects(openConnection(settingsFor(server, { sasl: credentials(mechanism, 'wrong') }), nobody), refusal);
  }
  await until('all to be gone', () => server.connections === 0);
});

test('a server that cannot prove that it knows the password is left, and never given it', async (t) => {
  const server = await fakeIrcd(t, { accounts, faults: { forgedSignature: true } });
  for (const mechanism of ['scram-sha-256', 'auto'] as const) {
    await assert.rejects(openConnection(settingsFor(server, { sasl: credentials(mechanism) }), nobody), {
      ...refusal,
      message: /signature of the server is wrong/,
    });
  }
  assert.ok(!server.lines().includes('AUTHENTICATE PLAIN'));
});

test('a mechanism that is not offered is not tried; auto takes what there is', async (t) => {
  const server = await fakeIrcd(t, { accounts, capabilities: [['sasl', 'EXTERNAL,PLAIN']] });
  await assert.rejects(openConnection(settingsFor(server, { sasl: credentials('scram-sha-256') }), nobody), {
    ...refusal,
    message: /offers SASL EXTERNAL,PLAIN only/,
  });
  const { connection } = await connect(t, server, { sasl: credentials('auto') });
  assert.equal(connection.account, 'causeway');
});

test('without a list auto begins with the strongest and goes on to the next', async (t) => {
  const server = await fakeIrcd(t, { accounts, capabilities: [['sasl', '']] });
  const { connection } = await connect(t, server, { sasl: credentials('auto') });
  assert.equal(connection.account, 'causeway');
});

/** An authentication with the server's part played by the test. */
function exchange(sasl: SaslSettings, offered = '') {
  const sent: string[] = [];
  const outcome: string[] = [];
  const authentication = new Authentication({
    sasl,
    offered,
    write: (line: OutLine) => void sent.push(line.params.join(' ')),
    done: () => void outcome.push('done'),
    failed: (reason) => void outcome.push(reason),
  });
  return { authentication, sent, outcome };
}

test('EXTERNAL names no account', async () => {
  const { authentication, sent, outcome } = exchange({ mechanism: 'external' }, 'PLAIN,EXTERNAL');
  authentication.challenge('+');
  await until('the answer', () => sent.length === 2);
  assert.deepEqual(sent, ['EXTERNAL', '+']);
  authentication.numeric('903', '', 'ok');
  assert.deepEqual(outcome, ['done']);
});

test('success without the proof of SCRAM is none', async () => {
  const { authentication, sent, outcome } = exchange(credentials('scram-sha-256'), 'SCRAM-SHA-256');
  authentication.challenge('+');
  await until('the first message', () => sent.length === 2);
  authentication.numeric('903', '', 'SASL authentication successful');
  assert.match(outcome[0] ?? '', /not proved/);
});

test('908 narrows the choice, 904 goes on to what is left, 902 and 906 end it', () => {
  const auto = exchange(credentials('auto'));
  auto.authentication.numeric('908', 'PLAIN,EXTERNAL', 'are available');
  auto.authentication.numeric('904', 'failed', 'failed');
  assert.deepEqual(auto.sent, ['SCRAM-SHA-256', 'PLAIN']);
  auto.authentication.numeric('904', 'failed', 'wrong password');
  auto.authentication.numeric('904', 'failed', 'again');
  assert.deepEqual(auto.outcome, ['wrong password']);
  for (const numeric of ['902', '905', '906']) {
    const { authentication, outcome } = exchange(credentials('plain'));
    authentication.numeric(numeric, 'reason', `reason ${numeric}`);
    assert.deepEqual(outcome, [`reason ${numeric}`]);
  }
});

test('after it was dropped nothing is told or sent', async () => {
  const { authentication, sent, outcome } = exchange(credentials('plain'));
  authentication.drop();
  authentication.challenge('+');
  authentication.numeric('904', '', 'failed');
  assert.deepEqual([sent, outcome], [['PLAIN'], []]);
});

test('SCRAM-SHA-256 computes what RFC 7677 computes', async () => {
  const scram = new Scram('user', 'pencil', 'rOprNGfwEbeRWgbNEkqO');
  assert.equal(scram.first(), 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
  const final = await scram.answer('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096');
  assert.equal(final, 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=');
  assert.equal(scram.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), '');
  assert.equal(scram.isProven, true);
});

test('SCRAM refuses foreign nonces, too few or too many rounds, extensions and errors', async () => {
  const nonce = 'mine';
  const challenges = [
    'r=other,s=c2FsdA==,i=4096',
    'r=mine,s=c2FsdA==,i=4096',
    'r=mine+,s=c2FsdA==,i=4095',
    'r=mine+,s=c2FsdA==,i=99999999',
    'r=mine+,s=c2FsdA==,i=x',
    'r=mine+,s=,i=4096',
    'm=ext,r=mine+,s=c2FsdA==,i=4096',
    '',
  ];
  for (const challenge of challenges) await assert.rejects(new Scram('u', 'p', nonce).answer(challenge), ScramFailure, challenge);
  const scram = new Scram('u', 'p', nonce);
  await scram.answer('r=mine+,s=c2FsdA==,i=4096');
  for (const final of ['e=invalid-proof', 'v=', 'v=AAAA', '', `v=${Buffer.alloc(32).toString('base64')}`]) {
    assert.throws(() => scram.verify(final), ScramFailure);
  }
});
