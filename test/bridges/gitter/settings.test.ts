// The section of the config: the smallest one, what stands where nothing is written, and each fault with its place.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { GitterSettings } from '../../../bridges/gitter/settings.ts';
import { networks } from '../../../bridges/networks.ts';
import { printFault } from '../../../config/faults.ts';
import { checkConfig, loadConfig } from '../../../config/load.ts';
import { sample } from '../../../config/sample.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const smallest = `homeserver: { url: http://127.0.0.1:8008, domain: example.org }
appservice: { listen: 127.0.0.1:9999, url: http://127.0.0.1:9999, registration: registration.yaml }
store: data/gitter.db
gitter:
  api_url: http://127.0.0.1:5000/api/v1
  faye_url: http://127.0.0.1:5000/bayeux
  stream_url: http://127.0.0.1:5000/stream/v1       # optional
  token: 0123456789abcdef0123456789abcdef01234567  # the relay account's
  links:
    - { channel: org/room, room: "!gitter:example.org" }
`;

const written = (text: string): string => {
  const file = join(tempFolder(), 'gitter.yaml');
  writeFileSync(file, text);
  return file;
};

const faultsOf = async (text: string) =>
  (
    await checkConfig(written(text), {
      env: {
        GITTER_TOKEN: 'x',
        GITTER_CLIENT_ID: 'x',
        GITTER_CLIENT_SECRET: 'x',
        METRICS_TOKEN: 'x'.repeat(16),
        PROVISIONING_SECRET: 'x'.repeat(16),
      },
      networks,
    })
  ).faults.map(printFault);

test('the smallest config is whole, and all else has defaults', async () => {
  const { networkSettings } = await loadConfig(written(smallest), { env: {}, networks });
  const settings = networkSettings as GitterSettings;
  assert.deepEqual(settings.links, [{ channel: 'org/room', room: '!gitter:example.org', topic: 'gitter-to-matrix' }]);
  assert.deepEqual(
    [settings.virtualUsers, settings.relay, settings.presence, settings.resolver],
    ['auto', '`{name}` {text}', false, undefined],
  );
  assert.deepEqual([settings.echoTimeout, settings.bans, settings.history.most], [5_000, 300_000, 1_000]);
  const more = `${smallest}  resolver: { server: gitter.im }\n  oauth: { url: http://127.0.0.1:5000/login/oauth/, client_id: a, client_secret: b }\n`;
  const whole = (await loadConfig(written(more), { env: {}, networks })).networkSettings as GitterSettings;
  assert.deepEqual(whole.oauth, { url: 'http://127.0.0.1:5000/login/oauth', clientId: 'a', clientSecret: 'b' });
});

test('the sample is a config as it stands, and with every comment taken up', async () => {
  const text = sample(await (networks.gitter ?? assert.fail)());
  assert.deepEqual(await faultsOf(text), []);
  assert.deepEqual(await faultsOf(text.replace(/^( *)#(?=[^ #])/gm, '$1')), []);
});

for (const [what, text, told] of [
  [
    'a link twice',
    smallest.replace('  links:\n', '  links:\n    - { channel: Org/Room, room: "!gitter:example.org" }\n'),
    /the same link once more/,
  ],
  ['no name of a room', smallest.replace('channel: org/room', 'channel: "#room here"'), /a name such as org\/room/],
  ['an alias for a room', smallest.replace('"!gitter:example.org"', '"#gitter:example.org"'), /a room id/],
  ['a template without the words', `${smallest}  relay: "{name}:"\n`, /\{name\} and \{text\}/],
  ['no token', smallest.replace(/ {2}token.*\n/, ''), /token/],
] as const) {
  test(`${what} is a fault with its place`, async () => {
    const faults = await faultsOf(text);
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', told);
    assert.match(faults[0] ?? '', /gitter\.yaml:\d+/);
  });
}
