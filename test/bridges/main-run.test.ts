// A bridge in a process of its own, and the commands that speak to it: second starts, signals, kill -9, links, dead, backup.
// No IRC server answers here: what is carried over one is shown by the journeys.

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { load } from 'js-yaml';
import { freePort } from '../../quickstart/servers/ports.ts';
import { variable } from '../config/networks.ts';
import { FakeHomeserver, startFakeHomeserver } from '../support/fake-homeserver.ts';
import { until } from '../support/waiting.ts';
import { causeway, outcomeOf, start } from './cli.ts';

const room = '!somewhere:hs.test';
let folder = '';
let homeserver: FakeHomeserver | undefined;
const children = new Set<ChildProcess>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-test-'));
});
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  children.clear();
  await homeserver?.stop();
  homeserver = undefined;
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

const cli = (...words: string[]) => causeway(words, { cwd: folder });

async function configure(name: string, port: number, change: (text: string) => string = (text) => text): Promise<void> {
  const ircPort = await freePort();
  const text = `homeserver: { url: "${homeserver?.url ?? `http://127.0.0.1:${await freePort()}`}", domain: hs.test }
appservice: { listen: 127.0.0.1:${port}, url: http://127.0.0.1:${port}, registration: ${name}-registration.yaml, bot: ${name}bot }
store: data/${name}.db
web_prefix: ${name}
names: { ghosts: "${name}_{network}_{nick}", aliases: "${name}_{network}_{channel}" }
irc:
  networks:
    local: { host: 127.0.0.1, port: ${ircPort}, tls: false, flood: off }
  links:
    - { network: local, channel: "#bench", room: "${room}" }
`;
  writeFileSync(join(folder, `${name}.yaml`), change(text));
  const { code, stderr } = await cli('register', `${name}.yaml`);
  assert.equal(code, 0, stderr);
}

type Running = { readonly child: ChildProcess; log(): string };

async function run(names: readonly string[], port: number): Promise<Running> {
  const child = start(['run', ...names.map((name) => `${name}.yaml`)], { cwd: folder });
  children.add(child);
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  await until(`the bridge to listen: ${log}`, async () => {
    if (child.exitCode !== null) throw new Error(log);
    return (await fetch(`http://127.0.0.1:${port}/health`)).status > 0;
  });
  return { child, log: () => log };
}

async function stop({ child, log }: Running): Promise<void> {
  child.kill('SIGTERM');
  const [code] = await once(child, 'close');
  assert.equal(code, 0, log());
}

const files = (path = '.'): string[] => readdirSync(join(folder, path)).sort();

test('a second run on the same store is refused and told who runs, and the first goes on', async () => {
  const port = await freePort();
  await configure('irc', port);
  const first = await run(['irc'], port);
  const second = await cli('run', 'irc.yaml');
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`STORE_LOCKED: .*data/irc\\.db is held by process ${first.child.pid} on .* since 20`));
  assert.match(second.stderr, /Another bridge runs on this store/);
  assert.match((await cli('links', 'irc.yaml')).stdout, /#bench/);
  await stop(first);
});

test('SIGTERM stops cleanly: exit code 0, no socket, the store free', async () => {
  const port = await freePort();
  await configure('irc', port);
  const bridge = await run(['irc'], port);
  assert.ok(files('data').includes('irc.db.sock'));
  await stop(bridge);
  assert.match(bridge.log(), /"msg":"stopped"/);
  assert.ok(!files('data').includes('irc.db.sock'));
  await stop(await run(['irc'], port));
});

test('after kill -9 the next run starts at once', async () => {
  const port = await freePort();
  await configure('irc', port);
  const bridge = await run(['irc'], port);
  bridge.child.kill('SIGKILL');
  await once(bridge.child, 'close');
  await stop(await run(['irc'], port));
});

test('keys that were lost are made anew, and what is dead without them is told', async () => {
  const port = await freePort();
  await configure('irc', port);
  const first = await run(['irc'], port);
  await stop(first);
  assert.doesNotMatch(first.log(), /no keys file/);
  rmSync(join(folder, 'data/irc.db.keys'));
  const second = await run(['irc'], port);
  assert.match(second.log(), /there is no keys file: .* links to media given out before are dead/);
  assert.ok(files('data').includes('irc.db.keys'));
  await stop(second);
});

test('links are told by the running bridge, and out of its store when it does not run', async () => {
  const port = await freePort();
  await configure('irc', port);
  const bridge = await run(['irc'], port);
  const running = JSON.parse((await cli('links', 'irc.yaml', '--json')).stdout);
  assert.equal(running.length, 1);
  assert.equal(running[0].room, room);
  assert.match(running[0].channel, /local\/#bench/);
  await stop(bridge);
  assert.deepEqual(JSON.parse((await cli('links', 'irc.yaml', '--json')).stdout), running);
  const file = join(folder, 'irc.yaml');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('tls: false', `tls: false, sasl: { account: me, password: "${variable('NOT_SET')}" }`),
  );
  assert.equal((await cli('check', 'irc.yaml')).code, 2);
  assert.deepEqual(JSON.parse((await cli('links', 'irc.yaml', '--json')).stdout), running, 'a shell need not know the secrets');
  assert.match((await cli('links', 'irc.yaml')).stdout, /^1 {2}\w+ {2}!somewhere:hs\.test {2}↔ {2}local\/#bench {2}config/);
});

/** As the bridge would have left it: a line for Matrix that waited too long. */
function addDeadRow(): void {
  const database = new Sqlite(join(folder, 'data/irc.db'));
  const event = {
    do: 'show',
    event: {
      at: 1,
      channel: 'local/#bench',
      kind: 'message',
      sender: { id: 'local/eve', name: 'eve\u001b[31m', fields: {} },
      body: 'hello\u001b]0;x\u0007',
      style: 'text',
    },
  };
  database
    .prepare(
      "INSERT INTO journal (direction, lane, link, source, event, state, at, run, error) VALUES (0, 'x', 1, 's', ?, 3, ?, 1, 'TOO_OLD: waited too long')",
    )
    .run(JSON.stringify(event), Date.UTC(2026, 0, 2, 3, 4, 5));
  database.close();
}

test('dead messages are listed, harmless to the terminal, and get their second chance', async () => {
  const port = await freePort();
  await configure('irc', port);
  await stop(await run(['irc'], port));
  assert.equal((await cli('dead', 'irc.yaml')).stdout, 'No message was given up.\n');
  addDeadRow();
  const { code, stdout } = await cli('dead', 'irc.yaml');
  assert.equal(code, 0);
  assert.match(
    stdout,
    /to Matrix {2}2026-01-02 03:04:05 {2}!somewhere:hs\.test ↔ local\/#bench\n {4}eve.*: hello.*\n {4}TOO_OLD: waited too long\n1 message not delivered/,
  );
  assert.doesNotMatch(stdout, /[\u001b\u0007]/);
  assert.match((await cli('dead', 'irc.yaml', '--retry')).stdout, /^1 message will be delivered, late/);
  assert.equal((await cli('dead', 'irc.yaml')).stdout, 'No message was given up.\n');
});

test('a backup taken while the bridge runs is whole, private, and has the keys', async () => {
  const port = await freePort();
  await configure('irc', port);
  const bridge = await run(['irc'], port);
  // Keys are made when there is something to sign or seal.
  if (!files('data').includes('irc.db.keys')) writeFileSync(join(folder, 'data/irc.db.keys'), 'the keys', { mode: 0o600 });
  const { code, stdout, stderr } = await cli('backup', 'irc.yaml', 'copy.db');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /data\/irc\.db is copied to .*copy\.db\.\nIts keys are copied to .*copy\.db\.keys, readable by you alone/);
  for (const name of ['copy.db', 'copy.db.keys']) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
  assert.deepEqual(readFileSync(join(folder, 'copy.db.keys')), readFileSync(join(folder, 'data/irc.db.keys')));
  const copy = new Sqlite(join(folder, 'copy.db'), { readonly: true });
  assert.equal(copy.pragma('integrity_check', { simple: true }), 'ok');
  assert.equal(copy.prepare('SELECT count(*) FROM links').pluck().get(), 1);
  copy.close();
  const before = statSync(join(folder, 'copy.db')).ino;
  const refused = await cli('backup', 'irc.yaml', 'copy.db');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^BACKUP_FAILED: .*copy\.db is there already; --replace lets the copy take its place\n/);
  assert.equal(statSync(join(folder, 'copy.db')).ino, before);
  const nowhere = await cli('backup', 'irc.yaml', 'nowhere/copy.db');
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /^BACKUP_FAILED: the store cannot be copied to .*nowhere\/copy\.db\.new: .*\nNothing was replaced/);
  assert.equal((await cli('backup', 'irc.yaml', 'copy.db', '--replace')).code, 0);
  assert.notEqual(statSync(join(folder, 'copy.db')).ino, before);
  assert.deepEqual(
    files().filter((name) => name.includes('.new')),
    [],
  );
  await stop(bridge);
  mkdirSync(join(folder, 'kept'));
  assert.equal((await cli('backup', 'irc.yaml', 'kept')).code, 0, 'a folder will do, and the bridge need not run');
  assert.deepEqual(files('kept'), ['irc.db', 'irc.db.keys']);
});

test('a backup onto the store itself is refused', async () => {
  const port = await freePort();
  await configure('irc', port);
  await stop(await run(['irc'], port));
  const before = readFileSync(join(folder, 'data/irc.db'));
  symlinkSync(join(folder, 'data'), join(folder, 'elsewhere'));
  for (const destination of ['data/irc.db', 'data', 'elsewhere/irc.db']) {
    const { code, stderr } = await cli('backup', 'irc.yaml', destination, '--replace');
    assert.equal(code, 1);
    assert.match(stderr, /is the store itself/);
  }
  assert.deepEqual(readFileSync(join(folder, 'data/irc.db')), before);
});

test('SIGHUP reads the configs anew; one with faults changes nothing and is told', async () => {
  const port = await freePort();
  await configure('irc', port);
  const bridge = await run(['irc'], port);
  const file = join(folder, 'irc.yaml');
  const good = readFileSync(file, 'utf8');
  writeFileSync(file, good.replace('flood: off', 'flood: of'));
  bridge.child.kill('SIGHUP');
  await until('the fault to be told', () => /all stays as it was.*irc\.networks\.local\.flood.*\. Mend the places/.test(bridge.log()));
  writeFileSync(file, good);
  const before = bridge.log().length;
  bridge.child.kill('SIGHUP');
  await until('an answer to the reload', () => /"level":"info"/.test(bridge.log().slice(before)));
  assert.match((await cli('links', 'irc.yaml')).stdout, /#bench/);
  await stop(bridge);
});

test('two bridges run in one process, each with its own store, and answer for themselves', async () => {
  const port = await freePort();
  await configure('irc', port);
  await configure('other', port, (text) => text.replace('#bench', '#other'));
  const both = await run(['irc', 'other'], port);
  await until('both stores to listen', () => files('data').includes('irc.db.sock') && files('data').includes('other.db.sock'));
  assert.match((await cli('links', 'irc.yaml')).stdout, /#bench/);
  assert.match((await cli('links', 'other.yaml')).stdout, /#other/);
  await stop(both);
});

test('two bridges that would be taken for each other are refused before either starts', async () => {
  const port = await freePort();
  await configure('irc', port);
  const text = readFileSync(join(folder, 'irc.yaml'), 'utf8');
  writeFileSync(join(folder, 'twin.yaml'), text.replace('data/irc.db', 'data/twin.db').replace('web_prefix: irc', 'web_prefix: twin'));
  const { code, stderr } = await cli('run', 'irc.yaml', 'twin.yaml');
  assert.equal(code, 2);
  assert.match(stderr, /twin\.yaml:\d+:\d+ {2}appservice\.registration\n {4}found: {3}the registration of irc\.yaml/);
});

test('with a homeserver that knows it the bridge becomes ready; with the wrong token it says so in one line', async () => {
  const port = await freePort();
  homeserver = new FakeHomeserver({});
  await configure('irc', port);
  const registration = load(readFileSync(join(folder, 'irc-registration.yaml'), 'utf8')) as Record<string, string>;
  const known = {
    asToken: registration.as_token ?? '',
    hsToken: registration.hs_token ?? '',
    registrationId: registration.id ?? '',
    botLocalpart: 'ircbot',
  };
  homeserver = await startFakeHomeserver({ ...known, appserviceUrl: `http://127.0.0.1:${port}` });
  await configure('irc', port);
  const bridge = await run(['irc'], port);
  await until('the homeserver to be met', () => /the homeserver knows us/.test(bridge.log()));
  await stop(bridge);

  await homeserver.stop();
  homeserver = await startFakeHomeserver({ ...known, asToken: 'another', appserviceUrl: `http://127.0.0.1:${port}` });
  await configure('irc', port);
  const stranger = await run(['irc'], port);
  await until('the refusal to be told', () => /"code":"HOMESERVER_TOKEN"/.test(stranger.log()));
  await stop(stranger);
});

test('a process that is told twice to stop ends at once', async () => {
  const port = await freePort();
  await configure('irc', port);
  const child = start(['run', 'irc.yaml'], { cwd: folder });
  children.add(child);
  const outcome = outcomeOf(child);
  await until('the store to be held', () => files('.').includes('data') && files('data').includes('irc.db'));
  const told = Date.now();
  child.kill('SIGINT');
  child.kill('SIGTERM');
  const { code } = await outcome;
  assert.ok(code === 1 || code === 0, `it ended by itself: ${code}`);
  assert.ok(Date.now() - told < 20_000);
});

test('of two bridges, one that cannot start is named by its door and tried again, and runs once it can', async () => {
  const port = await freePort();
  const elsewhere = await freePort();
  await configure('irc', port);
  await configure('two', elsewhere);
  const holder = await run(['two'], elsewhere);
  const text = readFileSync(join(folder, 'two.yaml'), 'utf8').replaceAll(`127.0.0.1:${elsewhere}`, `127.0.0.1:${port}`);
  writeFileSync(join(folder, 'two.yaml'), text);
  const both = await run(['irc', 'two'], port);
  const read = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/${path}`);
    return { status: answer.status, body: (await answer.json()) as { ok?: boolean; bridges: Record<string, { details: Detail }> } };
  };
  type Detail = Record<string, { detail: string } | undefined>;
  const held = new RegExp(`^STORE_LOCKED: .*two\\.db is held by process ${holder.child.pid} `);
  const why = await until('the door to say what is lacking', async () => {
    const { status, body } = await read('health');
    assert.equal(status, 200);
    const found = Object.values(body.bridges).flatMap(({ details }) => details.start?.detail ?? []);
    return body.ok === false && Object.keys(body.bridges).length === 2 && held.test(found[0] ?? '') ? found : undefined;
  });
  assert.equal(why.length, 1, 'the other runs');
  assert.equal((await read('ready')).status, 503);
  const [line] = both
    .log()
    .split('\n')
    .filter((each) => each.includes('STORE_LOCKED'));
  const { bridge, msg } = JSON.parse(line ?? '{}') as { bridge: string; msg: string };
  assert.ok(Object.keys((await read('health')).body.bridges).includes(bridge));
  assert.match(msg, /^does not start: .* is held by .*\. Another bridge runs on this store/);
  await stop(holder);
  await until('the second one', () => files('data').includes('two.db.sock') || undefined);
  assert.match((await cli('links', 'two.yaml')).stdout, /#bench/);
  await until('the door to say so', async () => {
    const { bridges } = (await read('health')).body;
    return Object.values(bridges).every(({ details }) => details.start === undefined) || undefined;
  });
  assert.equal(both.log().split('does not start').length, 2, 'said once');
  await stop(both);
});

test('a config read anew is answered by each bridge for itself: what was taken over, what was not, and that nothing changed', async () => {
  const port = await freePort();
  await configure('irc', port);
  await configure('two', port);
  const both = await run(['irc', 'two'], port);
  await until('both', () => ['irc', 'two'].every((name) => files('data').includes(`${name}.db.sock`)) || undefined);
  const named = (name: string) => (load(readFileSync(join(folder, `${name}-registration.yaml`), 'utf8')) as { id: string }).id;
  const [irc, two] = [named('irc'), named('two')];
  /** What each said since, once both did. */
  const reloaded = async (): Promise<string[]> => {
    const from = both.log().length;
    both.child.kill('SIGHUP');
    return await until('an answer of each', () => {
      const lines = both
        .log()
        .slice(from)
        .split('\n')
        .flatMap((line) => (/taken over|needs a restart|stays as it was|read anew/.test(line) ? [JSON.parse(line)] : []))
        .map((line: { bridge: string; msg: string }) => `${line.bridge} ${line.msg.split('\n')[0]}`);
      return [irc, two].every((name) => lines.some((line) => line.startsWith(`${name} `))) ? lines.sort() : undefined;
    });
  };
  const sorted = (...lines: string[]) => lines.sort();
  assert.deepEqual(await reloaded(), sorted(`${irc} read anew: nothing has changed`, `${two} read anew: nothing has changed`));

  const good = { irc: readFileSync(join(folder, 'irc.yaml'), 'utf8'), two: readFileSync(join(folder, 'two.yaml'), 'utf8') };
  writeFileSync(join(folder, 'irc.yaml'), `${good.irc}permissions: { "@op:hs.test": none }\n`);
  writeFileSync(join(folder, 'two.yaml'), good.two.replace('flood: off', 'flood: of'));
  assert.deepEqual(await reloaded(), sorted(`${irc} permissions: taken over`, `${two} all stays as it was: 1 fault`));

  writeFileSync(join(folder, 'irc.yaml'), `public_url: "https://b.hs.test"\n${good.irc.replace(/ {2}links:\n.*\n/, '')}`);
  writeFileSync(join(folder, 'two.yaml'), good.two);
  assert.deepEqual(
    await reloaded(),
    sorted(
      ...[`${irc} links: taken over`, `${irc} permissions: taken over`, `${irc} public_url: needs a restart`],
      `${two} read anew: nothing has changed`,
    ),
  );
  await until('the link to be given up', async () => (await cli('links', 'irc.yaml')).stdout === 'No links.\n' || undefined);
  await stop(both);
});
