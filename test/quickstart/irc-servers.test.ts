// The IRC servers that journeys stand on: InspIRCd alone, in a pair that splits, with TLS and limits; ngIRCd.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startInspircd, startInspircdPair } from '../../quickstart/servers/inspircd.ts';
import { startNgircd } from '../../quickstart/servers/ngircd.ts';
import { IrcPerson } from '../support/irc-person.ts';
import { tempFolder } from '../support/temp-folder.ts';

const connect = (server: { readonly port: number }, nick: string) => IrcPerson.connect({ port: server.port, nick });

it('InspIRCd lets people talk as fast as they like, and comes back on its port after a kill', async (t) => {
  const server = await startInspircd({ folder: tempFolder() });
  t.after(() => server.stop());
  const [anna, otto] = await Promise.all([connect(server, 'anna'), connect(server, 'otto')]);
  await Promise.all([anna.join('#c'), otto.join('#c')]);
  for (let n = 1; n <= 500; n += 1) anna.say('#c', `line ${n}`);
  await otto.waitForText('#c', 'line 500');
  assert.deepEqual(
    otto.texts('#c'),
    Array.from({ length: 500 }, (_, n) => `anna: line ${n + 1}`),
  );
  await server.kill();
  await otto.waitForLine(() => false).catch((error: Error) => assert.match(error.message, /disconnected/));
  await server.start();
  const again = await connect(server, 'anna');
  await again.quit();
});

it('InspIRCd speaks TLS with a certificate of its own, and slows down who floods it where it is told to', async (t) => {
  const server = await startInspircd({ folder: tempFolder(), tls: true, flood: { threshold: 10, perSecond: 2 } });
  t.after(() => server.stop());
  const anna = await IrcPerson.connect({ port: server.tlsPort ?? 0, nick: 'anna', tls: true });
  const otto = await connect(server, 'otto');
  assert.equal((await otto.whois('anna')).secure, true);
  await anna.join('#c');
  await otto.join('#c');
  // From the saying on: that the first is read late must not make it short.
  const began = performance.now();
  // Six more than the bucket holds, also where it has run empty since she came: two go with each second of the server's clock.
  for (let n = 1; n <= 16; n += 1) anna.say('#c', `line ${n}`);
  const last = await otto.waitForText('#c', 'line 16');
  assert.ok(last.at - began > 500, `sixteen lines took ${last.at - began} ms`);
  await Promise.all([anna.quit(), otto.quit()]);
});

it('InspIRCd lacks what was left out', async (t) => {
  const server = await startInspircd({ folder: tempFolder(), without: ['ircv3_ctctags', 'ircv3_batch'] });
  t.after(() => server.stop());
  const anna = await IrcPerson.connect({ port: server.port, nick: 'anna', caps: ['message-tags', 'server-time'] });
  assert.ok(anna.caps.includes('server-time'));
  assert.ok(!anna.caps.includes('message-tags'));
  await anna.quit();
});

it('two InspIRCds link, split by command and by a kill, and link again', async (t) => {
  const pair = await startInspircdPair({ folder: tempFolder() });
  t.after(() => pair.stop());
  const anna = await connect(pair.first, 'anna');
  const otto = await connect(pair.second, 'otto');
  await anna.join('#c');
  await otto.join('#c');
  const isSplit = (line: { command: string; nick: string; text: string }) =>
    line.command === 'QUIT' && line.nick === 'otto' && line.text === 'irc1.test irc2.test';

  await pair.split();
  await anna.waitForLine(isSplit);
  const beforeJoining = anna.mark();
  await pair.connect();
  await anna.waitForLine(({ command, nick }) => command === 'JOIN' && nick === 'otto', { since: beforeJoining });
  otto.say('#c', 'back again');
  await anna.waitForText('#c', 'back again');

  const beforeKilling = anna.mark();
  await pair.second.kill();
  await anna.waitForLine(isSplit, { since: beforeKilling });
  await pair.second.start();
  await pair.connect();
  await anna.quit();
});

it('ngIRCd answers, with hardly any capabilities', async (t) => {
  const server = await startNgircd({ folder: tempFolder() });
  t.after(() => server.stop());
  const anna = await connect(server, 'anna');
  assert.deepEqual(anna.caps, ['multi-prefix']);
  assert.equal(anna.supports.CASEMAPPING, 'ascii');
  await server.restart();
  const again = await connect(server, 'anna');
  await again.quit();
});
