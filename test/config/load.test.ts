// A config from file to settings: defaults, sources and their order, all faults at once, secrets that stay unseen.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { BridgeError } from '../../bridge-core/errors.ts';
import type { IrcSettings } from '../../bridges/irc/settings.ts';
import { ConfigFaults } from '../../config/faults.ts';
import { checkConfig, type LoadedConfig, loadConfig } from '../../config/load.ts';
import { variableFor } from '../../config/sources.ts';
import { networks, smallest, variable } from './networks.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface From {
  readonly env?: Record<string, string>;
  readonly flags?: Record<string, string>;
}

function write(text: string, name = 'irc.yaml'): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const load = (text: string, { env = {}, flags = {} }: From = {}): Promise<LoadedConfig> =>
  loadConfig(write(text), { env, flags, networks });
const check = (text: string, { env = {}, flags = {} }: From = {}) => checkConfig(write(text), { env, flags, networks });
const ircOf = (config: LoadedConfig) => config.networkSettings as IrcSettings;

async function faultsOf(text: string, from: From = {}): Promise<string[]> {
  const { faults } = await check(text, from);
  return faults.map(({ line, path, found, hint }) => [line, path, found, hint].join(' | '));
}

test('the smallest config is enough, and all else has its default', async () => {
  const { core, networkSettings } = await load(smallest);
  assert.deepEqual(core, {
    homeserver: { url: 'http://127.0.0.1:8008', domain: 'example.org', inFlight: 16 },
    appservice: {
      listen: { host: '127.0.0.1', port: 9999 },
      url: 'http://127.0.0.1:9999',
      registration: join(folder, 'registration.yaml'),
      botLocalpart: 'ircbot',
    },
    store: join(folder, 'data/irc.db'),
    publicUrl: undefined,
    webPrefix: 'irc',
    permissions: { 'example.org': 'user', '@op:example.org': 'admin' },
    membership: { ghosts: 'lazy', puppets: 'speakers', idle: undefined, maxGhosts: undefined, perSecond: 10, maxQueued: 10_000 },
    ages: { toMatrix: 7 * 86_400_000, toNetwork: 30 * 60_000, markLate: 120_000 },
    history: { onLink: 0, gap: 1_000 },
    portals: {
      ...{ aliases: false, allow: ['*'], deny: [], besideLinks: true, directory: false, history: 'joined' },
      ...{ direct: true, spaces: false, moderators: [], power: { invite: 0, state: 50 } },
      chats: { of: { allow: ['*'], deny: [] }, with: { allow: ['*'], deny: [] } },
    },
    provisioning: {
      ...{ enabled: true, secret: undefined, session: 3_600_000, perMinute: 80, requirePublicRoom: false },
      ...{ limits: { rooms: undefined, networks: undefined }, openIdServers: {}, channels: { allow: ['*'], deny: [] } },
    },
    activeUsers: { limit: undefined, minDays: 3, withinDays: 30 },
    names: { ghosts: 'irc_{network}_{nick}', aliases: 'irc_{network}_{channel}', displayName: '{name}' },
    log: { level: 'info', format: 'auto' },
    metricsToken: undefined,
    doublePuppeting: 'off',
    sidecar: false,
  });
  const { networks, links } = networkSettings as IrcSettings;
  assert.deepEqual(links, [{ network: 'local', channel: '#bench', room: '!bench:example.org', topic: 'irc-to-matrix' }]);
  assert.equal(networks.local?.domain, '127.0.0.1');
  assert.equal(networks.local?.puppets.max, 2000);
});

test('without permissions the own homeserver may use the bridge', async () => {
  const { core } = await load(smallest.replace(/^permissions.*\n/m, ''));
  assert.deepEqual(core.permissions, { 'example.org': 'user' });
});

test('settings cannot be changed once they are read', async () => {
  const config = await load(smallest);
  assert.ok(Object.isFrozen(config.core.homeserver) && Object.isFrozen(config.core.permissions));
  assert.ok(Object.isFrozen(ircOf(config).networks.local?.puppets) && Object.isFrozen(ircOf(config).links[0]));
});

test('an address to listen on may be IPv6 or a port alone', async () => {
  const listen = async (text: string) => (await load(smallest.replace('listen: 127.0.0.1:9999', `listen: ${text}`))).core.appservice.listen;
  assert.deepEqual(await listen('"[::1]:9999"'), { host: '::1', port: 9999 });
  assert.deepEqual(await listen('9998'), { host: '127.0.0.1', port: 9998 });
  assert.deepEqual(await listen('localhost:0'), { host: 'localhost', port: 0 });
});

test('an option goes before the environment and that before the file', async () => {
  const env = { CAUSEWAY_HOMESERVER_URL: 'http://env:1', CAUSEWAY_LOG_LEVEL: 'warn', CAUSEWAY_HOMESERVER_IN_FLIGHT: '64' };
  const { core } = await load(smallest, { env, flags: { 'log.level': 'debug' } });
  assert.equal(core.homeserver.url, 'http://env:1');
  assert.equal(core.log.level, 'debug');
  assert.equal(core.homeserver.inFlight, 64);
});

test('options and variables reach into the network, lists and truth values included', async () => {
  const env = { CAUSEWAY_IRC_NETWORKS_LOCAL_TLS: 'true', CAUSEWAY_IRC_NETWORKS_LOCAL_PORT: '7000' };
  const config = await load(smallest, { env, flags: { 'irc.links[0].channel': '#other', 'irc.networks.local.puppets.max': '0' } });
  const local = ircOf(config).networks.local;
  assert.deepEqual([local?.port, local?.puppets.max, local?.tls?.insecure], [7000, 0, false]);
  assert.equal(ircOf(config).links[0]?.channel, '#other');
});

test('each setting has one variable, made of its path', () => {
  assert.equal(variableFor(['irc', 'networks', 'my-net', 'puppet_nick']), 'CAUSEWAY_IRC_NETWORKS_MY_NET_PUPPET_NICK');
});

test('a fault in an option or a variable names it instead of a line', async () => {
  const { faults, warnings } = await check(smallest, {
    env: { CAUSEWAY_LOG_LEVEL: 'loud', CAUSEWAY_HOMESERVER_ULR: 'x' },
    flags: { 'homeserver.urll': 'http://x', 'a..b': '1', 'store.deep': 'x' },
  });
  const told = faults.map(({ file, line, path }) => `${line} ${file} ${path}`);
  assert.ok(told.includes('0 environment variable CAUSEWAY_LOG_LEVEL log.level'), told.join('\n'));
  assert.ok(told.includes('0 option --set homeserver.urll homeserver.urll'), told.join('\n'));
  assert.ok(told.includes('0 option --set a..b '), told.join('\n'));
  assert.ok(told.includes('0 option --set store.deep store.deep'), told.join('\n'));
  assert.match(warnings[0]?.hint ?? '', /CAUSEWAY_HOMESERVER_URL/);
});

test('variables in texts are filled in wherever they stand, also for numbers', async () => {
  const text = smallest
    .replace('port: 6667', `port: "${variable('PORT')}"`)
    .replace('example.org }', `"${variable('SUB')}.example.org" }`)
    .replace('max: 2000', `max: 1, wait: "${variable('N')}s"`)
    .replace('data/irc.db', () => `$${variable('PLAIN')}.db`);
  const config = await load(text, { env: { PORT: '7001', SUB: 'chat', N: '5' } });
  assert.equal(ircOf(config).networks.local?.port, 7001);
  assert.equal(ircOf(config).networks.local?.puppets.wait, 5000);
  assert.equal(config.core.homeserver.domain, 'chat.example.org');
  assert.equal(config.core.store, join(folder, `${variable('PLAIN')}.db`));
});

test('a text from the environment that looks like a number stays text where text is meant', async () => {
  const text = smallest.replace('tls: false', `tls: false, password: "${variable('PW')}"`);
  assert.equal(ircOf(await load(text, { env: { PW: '0123' } })).networks.local?.password, '0123');
});

test('a variable that is not set is a fault that names it, and the only one there', async () => {
  const text = smallest.replace('tls: false', `tls: false, password: "${variable('NOT_SET')}"`);
  assert.deepEqual(await faultsOf(text), [
    `7 | irc.networks.local.password | ${variable('NOT_SET')}, which is not set | set NOT_SET where the bridge is started`,
  ]);
});

test('a secret may stand in a file of its own, found from the folder of the config', async () => {
  writeFileSync(join(folder, 'secret'), 'hunter2\n');
  const config = await load(
    smallest.replace('tls: false', 'tls: false, password_file: secret, sasl: { mechanism: auto, username: u, password_file: secret }'),
  );
  assert.equal(ircOf(config).networks.local?.password, 'hunter2');
  assert.deepEqual(ircOf(config).networks.local?.sasl, { mechanism: 'auto', username: 'u', password: 'hunter2' });
  const byEnvironment = await load(smallest, { env: { CAUSEWAY_IRC_NETWORKS_LOCAL_PASSWORD_FILE: 'secret' } });
  assert.equal(ircOf(byEnvironment).networks.local?.password, 'hunter2');
});

test('a file that cannot be read, a secret given twice and a file for what is no secret are faults', async () => {
  writeFileSync(join(folder, 'secret'), 'hunter2\n');
  const faults = await faultsOf(
    smallest.replace(
      'tls: false',
      'tls: { ca: nowhere.pem }, password: a, password_file: secret, sasl: { mechanism: plain, username: u, password_file: gone }, nick_file: secret',
    ),
  );
  assert.equal(faults.length, 4, faults.join('\n'));
  assert.match(faults[0] ?? '', /^7 \| irc\.networks\.local\.tls\.ca \| "nowhere\.pem": ENOENT/);
  assert.match(faults[1] ?? '', /^7 \| irc\.networks\.local\.password_file \| password and password_file/);
  assert.match(faults[2] ?? '', /^7 \| irc\.networks\.local\.sasl\.password_file \| "gone": ENOENT/);
  assert.match(faults[3] ?? '', /^7 \| irc\.networks\.local\.nick_file \| the unknown key "nick_file" \|/);
});

test('certificates are read from their files, or taken as they stand', async () => {
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
  writeFileSync(join(folder, 'ca.pem'), pem);
  const fromFile = ircOf(await load(smallest.replace('tls: false', 'tls: { ca: ca.pem }')));
  assert.equal(fromFile.networks.local?.tls?.ca, pem);
  const inline = ircOf(await load(smallest.replace('tls: false', `tls: { ca: ${JSON.stringify(pem)} }`)));
  assert.equal(inline.networks.local?.tls?.ca, pem);
});

const wrong = `homeserver:
  url: 127.0.0.1:8008
  domian: example.org
appservice: { listen: 127.0.0.1:99999, url: http://127.0.0.1:9999 }
permissions: { "*": admn, "@bad": user }
ages: { to_matrix: 7 }
names: { ghosts: "irc_{netwrok}_{nick}", aliases: "{network}{channel}" }
stroe: data/irc.db
irc:
  networks:
    Libera: { host: x }
    local:
      host: 127.0.0.1
      prot: 6667
      flood: of
      puppets: { max: -1 }
      sasl: { mechanism: external }
  links:
    - { network: locl, channel: bench, room: "#bench:example.org" }
    - network: local
      channel: #x
      room: "!a:b"
    - { network: local, channel: "#A", room: "!a" }
    - { network: local, channel: "#a", room: "!a" }
`;

test('all faults are told at once, each with its line, what was found and what was probably meant', async () => {
  assert.deepEqual(await faultsOf(wrong), [
    '1 | homeserver.domain | nothing | add domain: example.org',
    '1 | store | nothing | add store: data/irc.db',
    '2 | homeserver.url | "127.0.0.1:8008" | ',
    '3 | homeserver.domian | the unknown key "domian" | did you mean "domain"?',
    '4 | appservice.listen | "127.0.0.1:99999" | ',
    '5 | permissions["*"] | "admn" | did you mean "admin"?',
    '5 | permissions["@bad"] | the name "@bad" | ',
    '6 | ages.to_matrix | 7 | add the unit: 7s',
    '7 | names.ghosts | {netwrok} | did you mean "{network}"?',
    '7 | names.aliases | "{network}{channel}" | the name template "{network}{channel}" must begin with fixed text, or every user would be a ghost',
    '8 | stroe | the unknown key "stroe" | did you mean "store"?',
    '11 | irc.networks.Libera | the name "Libera" | ',
    '14 | irc.networks.local.prot | the unknown key "prot" | did you mean "port"?',
    '15 | irc.networks.local.flood | "of" | did you mean "off"?',
    '16 | irc.networks.local.puppets.max | -1 | ',
    '17 | irc.networks.local.sasl.mechanism | external, without a client certificate | ',
    '19 | irc.links[0].network | "locl" | did you mean "local"?',
    '19 | irc.links[0].channel | "bench" | ',
    '19 | irc.links[0].room | "#bench:example.org" | ',
    '21 | irc.links[1].channel | nothing | a # after a space begins a comment: put the text in quotes',
    '24 | irc.links[3] | the same link once more | ',
  ]);
});

test('a bad name of a network hides none of the faults below it', async () => {
  const text = smallest.replace('local: {', 'Local: { lines: 0,').replace('network: local', 'network: Local');
  assert.deepEqual(await faultsOf(text), ['7 | irc.networks.Local | the name "Local" | ', '7 | irc.networks.Local.lines | 0 | ']);
});

test('nor does a bad name of a channel', async () => {
  const text = smallest.replace('local: {', 'local: { channels: { general: { key: "a b", kee: 1 }, "#good": { key: "a,b" } },');
  assert.deepEqual(await faultsOf(text), [
    '7 | irc.networks.local.channels.general | the name "general" | ',
    '7 | irc.networks.local.channels.general.key | a value that is not shown | ',
    '7 | irc.networks.local.channels.general.kee | the unknown key "kee" | did you mean "key"?',
    '7 | irc.networks.local.channels["#good"].key | a value that is not shown | ',
  ]);
});

test('nor a name in the sections of the bridge itself', async () => {
  const text = `${smallest.replace(/permissions: .*/, 'permissions: { "@op": boss, "a:b:c": user }')}provisioning: { open_id_servers: { "a b": nowhere } }\n`;
  assert.deepEqual(
    (await faultsOf(text)).map((line) => line.split(' | ').slice(1, 3).join(' ')),
    [
      'permissions["@op"] the name "@op"',
      'permissions["@op"] "boss"',
      'permissions["a:b:c"] the name "a:b:c"',
      'provisioning.open_id_servers["a b"] the name "a b"',
      'provisioning.open_id_servers["a b"] "nowhere"',
    ],
  );
});

test('every fault says what is allowed', async () => {
  const { faults } = await check(wrong);
  for (const fault of faults) assert.notEqual(fault.allowed, '', fault.path);
  assert.match(faults.find(({ path }) => path === 'irc.networks.local.puppets.max')?.allowed ?? '', /from 0 to 100000/);
  assert.match(faults.find(({ path }) => path === 'irc.networks.local.prot')?.allowed ?? '', /host, port, tls/);
});

test('loading throws them all in one error of the catalogue', async () => {
  await assert.rejects(load(wrong), (error: unknown) => {
    assert.ok(error instanceof ConfigFaults);
    assert.equal(error.code, 'CONFIG_INVALID');
    assert.equal(error.faults.length, 21);
    assert.match(error.message, /irc\.yaml:14:7 {2}irc\.networks\.local\.prot/);
    return true;
  });
});

test('a secret is never shown, even where it is wrong', async () => {
  const text = smallest
    .replace('store:', 'metrics_token: hunter2\nstore:')
    .replace('channel: "#bench"', 'key: "hunter 2", channel: "#bench"');
  const { faults } = await check(text);
  assert.deepEqual(
    faults.map(({ path }) => path),
    ['metrics_token', 'irc.links[0].key'],
  );
  assert.doesNotMatch(JSON.stringify(faults), /hunter/);
});

test('there is one network in a file, and its section must be there', async () => {
  assert.deepEqual(await faultsOf(smallest.split('irc:')[0] ?? ''), ['1 |  | no section of a network | ']);
  const two = await checkConfig(write(`${smallest}slack: {}\n`), { env: {}, networks: { ...networks, slack: networks.irc } });
  assert.match(JSON.stringify(two.faults), /the sections irc and slack/);
  assert.deepEqual(await faultsOf(smallest.replace(/^irc:[\s\S]*/m, 'irc:\n')), ['5 | irc | nothing | nothing stands after the colon']);
});

test('a file that is no mapping, or cannot be read, is refused in words', async () => {
  assert.match(JSON.stringify(await faultsOf('- a\n')), /a list/);
  const missing = loadConfig(join(folder, 'none.yaml'), { env: {}, networks });
  await assert.rejects(
    missing,
    (error: unknown) => error instanceof BridgeError && error.code === 'CONFIG_UNREADABLE' && /none\.yaml/.test(error.message),
  );
  writeFileSync(join(folder, 'latin.yaml'), Buffer.from([0xff, 0xfe, 0x61]));
  await assert.rejects(loadConfig(join(folder, 'latin.yaml'), { env: {}, networks }), /latin\.yaml/);
});

test('what is allowed but risky is warned of', async () => {
  const text = smallest.replace('"@op:example.org": admin', '"*": admin').replace('listen: 127.0.0.1:9999', 'listen: 0.0.0.0:9999');
  const { faults, warnings } = await check(text);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    warnings.map(({ line, path }) => `${line} ${path}`),
    ['1 public_url', '4 permissions["*"]', '2 appservice.listen'],
  );
  assert.match(warnings[0]?.hint ?? '', /name and size only/);
  const powerful = await check(`public_url: https://b.example.org/\ndouble_puppeting: namespace\n${smallest}`);
  assert.match(powerful.warnings[0]?.hint ?? '', /could read and act as anybody of example\.org/);
  const safe = await check(`public_url: https://b.example.org/\n${smallest}`);
  assert.deepEqual(safe.warnings, []);
  assert.equal(safe.config?.core.publicUrl, 'https://b.example.org');
});

/** Random settings in the shape of a config, right and wrong mixed, and texts torn out of one. */
const anything = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    variable('X'),
    '#a',
    '!r:d',
    'off',
    '60s',
    'a_b',
    '@u:d',
    '127.0.0.1:1',
    '__proto__',
    'constructor',
    `$${variable('X')}`,
    '/nope',
  ),
);
const mapping = (keys: string[], inner: fc.Arbitrary<unknown>) =>
  fc.dictionary(fc.constantFrom(...keys, '__proto__', 'toString', 'x'), fc.oneof(inner, anything), { maxKeys: 6 });
const networkLike = mapping(
  ['host', 'port', 'tls', 'sasl', 'flood', 'connects', 'puppets', 'channels', 'password_file', 'puppet_nick'],
  mapping(['ca', 'cert', 'key', 'mechanism', 'username', 'burst', 'every', 'max'], anything),
);
const configLike = mapping(
  ['homeserver', 'appservice', 'store', 'permissions', 'membership', 'ages', 'names', 'log', 'irc', 'metrics_token_file'],
  mapping(
    ['url', 'domain', 'listen', 'networks', 'links', 'ghosts', 'level'],
    fc.oneof(mapping(['local', 'b'], networkLike), fc.array(mapping(['network', 'channel', 'room', 'key'], anything), { maxLength: 3 })),
  ),
);
const torn = fc
  .tuple(fc.nat(smallest.length), fc.nat(20), fc.string())
  .map(([at, length, text]) => smallest.slice(0, at) + text + smallest.slice(at + length));

test('whatever the file says, loading ends in settings or in an error of the catalogue', async () => {
  const texts = fc.oneof(
    configLike.map((value) => JSON.stringify(value)),
    torn,
    fc.string(),
  );
  const names = fc.dictionary(
    fc.constantFrom('homeserver.url', 'irc.links[0].room', 'irc.networks.local', '__proto__.x', 'a.b.c', 'irc[0]', '..'),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(texts, names, async (text, flags) => {
      try {
        const { core } = await load(text, { env: { X: '5', CAUSEWAY_STORE: 'x' }, flags });
        assert.ok(Object.isFrozen(core));
      } catch (error) {
        assert.ok(error instanceof BridgeError && (error.code === 'CONFIG_INVALID' || error.code === 'CONFIG_UNREADABLE'), String(error));
        assert.notEqual(error.message, '');
      }
    }),
    { numRuns: 400 },
  );
  assert.equal(({} as { x?: unknown }).x, undefined);
});
