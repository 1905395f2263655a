// The commented sample: valid as it stands, valid with every comment taken up, and the same as the file that is shipped.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { IrcSettings } from '../../bridges/irc/settings.ts';
import { printFault } from '../../config/faults.ts';
import { checkConfig, loadConfig } from '../../config/load.ts';
import { sample } from '../../config/sample.ts';
import { irc, networks, smallest } from './networks.ts';

const text = sample(irc);
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sample-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const uncommented = text.replace(/^( *)#(?=[^ #])/gm, '$1');
const otherWays = text.replace(/^( *)##(?=[^ #])/gm, '$1').replace(/^( *)#tls: true\n/m, '');
const env = {
  METRICS_TOKEN: 'a token of sixteen',
  PROVISIONING_SECRET: 'a-secret-of-sixteen',
  IRC_PASSWORD: 'x',
  IRC_SERVER_PASSWORD: 'x',
  CHANNEL_KEY: 'x',
};

async function faultsOf(config: string): Promise<string> {
  const file = join(folder, 'irc.yaml');
  for (const name of ['ca.pem', 'client.pem', 'client.key']) writeFileSync(join(folder, name), '-----BEGIN X-----\n');
  writeFileSync(file, config);
  return (await checkConfig(file, { env, networks })).faults.map(printFault).join('\n');
}

test('the sample is a config as it stands', async () => {
  assert.equal(await faultsOf(text), '');
});

test('the sample is a config with every comment taken up', async () => {
  assert.notEqual(uncommented, text);
  assert.equal(await faultsOf(uncommented), '');
  assert.equal(await faultsOf(otherWays), '');
});

test('taking up the comments changes no default', async () => {
  const file = join(folder, 'irc.yaml');
  writeFileSync(file, smallest);
  const plain = await loadConfig(file, { env, networks });
  const whole = uncommented.replace(/^#?(public_url|metrics_token).*\n/gm, '');
  await faultsOf(whole);
  const full = await loadConfig(file, { env, networks });
  // What has no default is an example there.
  const provisioning = { ...plain.core.provisioning, secret: 0, limits: 0, openIdServers: 0 };
  assert.deepEqual({ ...full.core.provisioning, secret: 0, limits: 0, openIdServers: 0 }, provisioning);
  const examples = (core: typeof plain.core) => ({
    ...{ log: 0, provisioning },
    activeUsers: { ...core.activeUsers, limit: 0 },
    membership: { ...core.membership, idle: 0, maxGhosts: 0 },
  });
  assert.deepEqual({ ...full.core, ...examples(full.core) }, { ...plain.core, ...examples(plain.core) });
  const [one, other] = [plain, full].map((config) => (config.networkSettings as IrcSettings).networks);
  const [local, libera] = [one?.local, other?.libera];
  for (const key of [
    'nick',
    'username',
    'realname',
    'puppetNick',
    'puppetUsername',
    'puppetRealname',
    'keepalive',
    'lines',
    'encoding',
  ] as const) {
    assert.deepEqual(libera?.[key], local?.[key], key);
  }
});

test('every setting is described', () => {
  const lines = text.split('\n');
  for (const [at, line] of lines.entries()) {
    const key = /^ *(?:##?)?(?:- )?([a-z_]+):/.exec(line)?.[1];
    if (key === undefined || ['libera', 'irc'].includes(key)) continue;
    const before = lines[at - 1] ?? '';
    assert.match(before, /^ *# \S|^ *##?tls|^ *#tls|^$/, `${key} has no description`);
  }
});

test('the file that is shipped is what `causeway sample irc` prints', () => {
  const shipped = readFileSync(new URL('../../config/irc.yaml', import.meta.url), 'utf8');
  assert.equal(shipped, text, 'stale: npx --no-install causeway sample irc > config/irc.yaml');
});
