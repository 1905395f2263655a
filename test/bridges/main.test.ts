// The commands that need no running bridge, as an operator would run them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { smallest, variable } from '../config/networks.ts';
import { type CliOptions, causeway } from './cli.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'main-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (text: string, name = 'irc.yaml') => writeFileSync(join(folder, name), text);
const cli = (words: readonly string[], options: Omit<CliOptions, 'cwd'> = {}) => causeway(words, { cwd: folder, ...options });

/** A second bridge that shares nothing with the first unless the change makes it. */
const second = smallest
  .replace('registration: registration.yaml', 'registration: second-registration.yaml, bot: secondbot')
  .replace(
    'store: data/irc.db',
    'store: data/second.db\nweb_prefix: second\nnames: { ghosts: "second_{network}_{nick}", aliases: "second_{network}_{channel}" }',
  );

test('the sample is printed, and is a config without faults', async () => {
  const { code, stdout, stderr } = await cli(['sample', 'irc']);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout, readFileSync(new URL('../../config/irc.yaml', import.meta.url), 'utf8'));
  write(stdout);
  const check = await cli(['check', 'irc.yaml']);
  assert.equal(check.code, 0, check.stdout);
  assert.match(check.stdout, /irc\.yaml: no faults/);
});

test('check tells all faults of all files at once and ends with 2', async () => {
  write(smallest.replace('port: 6667', 'prot: 6667').replace('user,', 'usr,'));
  write(second.replace('network: local', 'network: locl'), 'second.yaml');
  const { code, stdout } = await cli(['check', 'irc.yaml', 'second.yaml', 'missing.yaml']);
  assert.equal(code, 2);
  assert.match(
    stdout,
    /^irc\.yaml:4:31 {2}permissions\["example\.org"\]\n {4}found: {3}"usr"\n {4}allowed: none, user, admin\n {4}hint: {4}did you mean "user"\?$/m,
  );
  assert.match(stdout, /^irc\.yaml:7:31 {2}irc\.networks\.local\.prot\n.*unknown key "prot"\n.*host, port, .*\n.*did you mean "port"\?$/m);
  assert.match(stdout, /^second\.yaml:\d+:\d+ {2}irc\.links\[0\]\.network\n.*"locl"\n.*local\n.*did you mean "local"\?$/m);
  assert.match(stdout, /cannot read missing\.yaml/);
  assert.match(stdout, /irc\.yaml: 2 faults/);
});

test('check warns of what is given up without calling it a fault', async () => {
  write(smallest);
  const { code, stdout } = await cli(['check', 'irc.yaml']);
  assert.equal(code, 0);
  assert.match(stdout, /warning: irc\.yaml:1:1 {2}public_url[\s\S]*name and size only/);
  assert.match(stdout, /warning: irc\.yaml:2:67 {2}appservice\.registration[\s\S]*`causeway register irc\.yaml` writes it/);
});

test('a variable of the environment that is missing is named, and one that is there is used', async () => {
  write(smallest.replace('tls: false', `tls: false, password: "${variable('IRC_PASSWORD')}"`));
  const without = await cli(['check', 'irc.yaml']);
  assert.equal(without.code, 2);
  assert.match(without.stdout, /irc\.yaml:7:\d+ {2}irc\.networks\.local\.password\n.*IRC_PASSWORD\}, which is not set/);
  const set = await cli(['check', 'irc.yaml'], { env: { IRC_PASSWORD: 'hunter2', CAUSEWAY_LOG_LEVEL: 'debug' } });
  assert.equal(set.code, 0, set.stdout);
  assert.doesNotMatch(set.stdout, /hunter2/);
});

test('register writes what the homeserver needs, private, and a second time keeps the tokens', async () => {
  write(smallest);
  const first = await cli(['register', 'irc.yaml']);
  assert.equal(first.code, 0, first.stderr);
  assert.equal(first.stderr, '');
  const path = join(folder, 'registration.yaml');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const made = load(readFileSync(path, 'utf8')) as Record<string, unknown>;
  assert.equal(made.url, 'http://127.0.0.1:9999');
  assert.equal(made.rate_limited, false);
  assert.equal(made.receive_ephemeral, true);
  assert.deepEqual(made.protocols, ['irc']);

  const again = await cli(['register', 'irc.yaml']);
  assert.match(again.stdout, /is up to date/);

  const changed = await cli(['register', 'irc.yaml', '--set', 'appservice.url=http://bridge:9999']);
  assert.match(changed.stdout, /id and tokens stay\.\n {2}url: "http:\/\/127\.0\.0\.1:9999" → "http:\/\/bridge:9999"/);
  const after = load(readFileSync(path, 'utf8')) as Record<string, unknown>;
  assert.deepEqual({ ...after, url: made.url }, made);

  const moved = await cli(['check', 'irc.yaml']);
  assert.equal(moved.code, 0);
  assert.match(moved.stdout, /url http:\/\/bridge:9999[\s\S]*then restart the homeserver/);
});

test('register writes elsewhere where it is told to, and says that the config names another', async () => {
  write(smallest);
  const { code, stdout } = await cli(['register', 'irc.yaml', '-o', 'other.yaml']);
  assert.equal(code, 0);
  assert.ok(existsSync(join(folder, 'other.yaml')) && !existsSync(join(folder, 'registration.yaml')));
  assert.match(stdout, /The config names another/);
});

test('register never writes over a file that is no registration', async () => {
  write(smallest);
  const { code, stderr } = await cli(['register', 'irc.yaml', '-o', 'irc.yaml']);
  assert.equal(code, 2);
  assert.match(stderr, /irc\.yaml is no registration.*move it away/);
  assert.equal(readFileSync(join(folder, 'irc.yaml'), 'utf8'), smallest);
});

test('check refuses two bridges that would be taken for each other', async () => {
  write(smallest);
  write(second, 'second.yaml');
  await cli(['register', 'irc.yaml']);
  await cli(['register', 'second.yaml']);
  const good = await cli(['check', 'irc.yaml', 'second.yaml']);
  assert.equal(good.code, 0, good.stdout);

  write(smallest.replace('registration: registration.yaml', 'registration: third-registration.yaml'), 'third.yaml');
  const registration = readFileSync(join(folder, 'registration.yaml'), 'utf8');
  write(registration.replace(/as_token: .*/, 'as_token: another').replace(/id: .*/, 'id: third'), 'third-registration.yaml');
  const { code, stdout } = await cli(['check', 'irc.yaml', 'third.yaml']);
  assert.equal(code, 2);
  const told = [...stdout.matchAll(/^third\.yaml:\d+:\d+ {2}(\S+)\n {4}found: {3}(.*)$/gm)].map(
    ([, path, found]) => `${path} ${found?.replace(/ which meets .*/, '')}`,
  );
  assert.deepEqual(told, [
    'store the store of irc.yaml',
    'web_prefix irc, as that of irc.yaml',
    'appservice.registration a registration with the hs_token of irc.yaml',
    'appservice.registration namespaces.users ^@irc_[^:]+_[^:]+:example\\.org$,',
    'appservice.registration namespaces.aliases ^#irc_[^:]+_[^:]+:example\\.org$,',
  ]);
  assert.doesNotMatch(stdout, new RegExp(/hs_token: (\S+)/.exec(registration)?.[1] ?? 'none'));
});

test('check refuses a registration that does not fit the config', async () => {
  write(smallest);
  await cli(['register', 'irc.yaml']);
  const { code, stdout } = await cli(['check', 'irc.yaml', '--set', 'names.ghosts=i_{network}_{nick}']);
  assert.equal(code, 2);
  assert.match(stdout, /irc\.yaml:2:67 {2}appservice\.registration\n.*no place for ghosts such as @i_a0_a0:example\.org/);
});

test('run without a registration, or with faults, ends with 2 and says what to do', async () => {
  write(smallest);
  const without = await cli(['run', 'irc.yaml']);
  assert.equal(without.code, 2);
  assert.match(
    without.stderr,
    /^CONFIG_INVALID: 1 fault\nirc\.yaml:2:67 {2}appservice\.registration[\s\S]*`causeway register irc\.yaml` writes it/,
  );
  write(smallest.replace('port: 6667', 'prot: 6667').replace('user,', 'usr,'));
  const wrong = await cli(['run', 'irc.yaml']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /2 faults[\s\S]*"usr"[\s\S]*"prot"/);
  assert.doesNotMatch(wrong.stderr, /\n {4}at /, 'no stack');
});

test('wrong usage ends with 2, help with 0', async () => {
  const codes = async (...words: string[]) => (await cli(words)).code;
  assert.equal(await codes('bogus'), 2);
  assert.equal(await codes('check'), 2);
  assert.equal(await codes('check', 'a.yaml', '--bogus'), 2);
  assert.equal(await codes('check', 'a.yaml', '--set', 'x'), 2);
  assert.equal(await codes('sample', 'irk'), 2);
  assert.equal(await codes(), 2);
  assert.equal(await codes('--help'), 0);
  assert.equal(await codes('help', 'run'), 0);
});

test('a failure says its code and what to do; where it arose only when asked', async () => {
  write(smallest);
  const brief = await cli(['links', 'irc.yaml']);
  assert.equal(brief.code, 1);
  assert.match(brief.stderr, /^NOT_RUNNING: there is no store .*data\/irc\.db yet\nNo bridge runs on this store/);
  assert.doesNotMatch(brief.stderr, /\n {4}at /);
  assert.match((await cli(['links', 'irc.yaml', '--verbose'])).stderr, /\n {4}at /);
});

test('what is lost without a public address is told of the network that it is about', async () => {
  const slack = 'slack: { teams: [{ id: T0001, bot_token: xoxb-1 }], app: { app_token: xapp-1 } }\n';
  write(smallest.replace(/^irc:[\s\S]*/m, slack), 'slack.yaml');
  const { stdout } = await cli(['check', 'slack.yaml']);
  assert.match(stdout, /public_url\n.*\n.*\n {4}hint: {4}without it people of Matrix have no pictures in Slack, nobody can log in/);
  assert.doesNotMatch(stdout, /name and size/);
});

test('the registration of a bridge to another network is neither taken over nor told to be mended', async () => {
  write(smallest);
  assert.equal((await cli(['register', 'irc.yaml'])).code, 0);
  const before = readFileSync(join(folder, 'registration.yaml'), 'utf8');
  write(
    smallest
      .replace(/^irc:[\s\S]*/m, 'gitter: { token: t, api_url: "http://127.0.0.1:1/api", faye_url: "http://127.0.0.1:1/faye" }\n')
      .replace('irc.db', 'gitter.db'),
    'gitter.yaml',
  );
  const { code, stderr } = await cli(['register', 'gitter.yaml']);
  assert.equal(code, 2);
  assert.match(stderr, /registration\.yaml is the registration of a bridge to irc, and stays as it is\. Name another file/);
  assert.equal(readFileSync(join(folder, 'registration.yaml'), 'utf8'), before);
  const check = await cli(['check', 'gitter.yaml']);
  assert.match(check.stdout, /found: {3}the registration of a bridge to irc\n.*\n {4}hint: {4}name another file/);
  assert.match(check.stdout, /1 fault/);
});

test('a registration that cannot be written there is told as that', async () => {
  write(smallest);
  for (const path of ['nowhere/registration.yaml', '.']) {
    const { code, stderr } = await cli(['register', 'irc.yaml', '-o', path]);
    assert.equal(code, 2);
    assert.match(stderr, /^REGISTRATION_UNWRITABLE: .*\nName another path/);
  }
});

test('an address that another process has is told as that, and is no fault of the config', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  write(smallest.replaceAll('127.0.0.1:9999', `127.0.0.1:${port}`));
  assert.equal((await cli(['register', 'irc.yaml'])).code, 0);
  const { code, stderr } = await cli(['run', 'irc.yaml']);
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(`^LISTEN_FAILED: appservice\\.listen: cannot listen on 127\\.0\\.0\\.1:${port} .*EADDRINUSE.*\\nAnother process has`),
  );
});

test('version says the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.equal((await cli(['version'])).stdout, `causeway ${version} (Node ${process.versions.node})\n`);
});

test('the command works whatever Node finds it', async (context) => {
  const bin = fileURLToPath(new URL('../../bridges/causeway.mjs', import.meta.url));
  const same = await cli(['version'], { command: [process.execPath, bin] });
  assert.match(same.stdout, /^causeway /);
  const old = olderNode();
  if (old === undefined) return context.skip('no older Node on this machine');
  const handedOver = await cli(['version'], { command: [old, bin] });
  assert.equal(handedOver.stdout, same.stdout);
  assert.equal((await cli(['check'], { command: [old, bin] })).code, 2);
});

function olderNode(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((path) => !path.includes('node_modules'));
  const found = folders.map((path) => join(path, 'node')).find((path) => existsSync(path));
  if (found === undefined) return undefined;
  const version = Number(execFileSync(found, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }));
  return version < 24 ? found : undefined;
}
