// The registration file: what is generated, what stays, who may read it, and when it does not fit the config.

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { load } from 'js-yaml';
import { BridgeError } from '../../bridge-core/errors.ts';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import { generateRegistration } from '../../registration/generate.ts';
import { readRegistration, readRegistrationFile, writeRegistrationFile } from '../../registration/registration.ts';
import { networks, smallest } from '../config/networks.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registration-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function config(change: (text: string) => string = (text) => text): Promise<LoadedConfig> {
  const file = join(folder, 'irc.yaml');
  writeFileSync(file, change(smallest));
  return loadConfig(file, { env: {}, networks });
}

const codeIs = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof BridgeError && error.code === code && pattern.test(error.message);

test('it holds every key that a homeserver reads, stable names and old ones', async () => {
  const { core, network } = await config();
  const { file } = await generateRegistration(core, network);
  assert.match(file.as_token, /^[0-9a-f]{64}$/);
  assert.match(file.hs_token, /^[0-9a-f]{64}$/);
  assert.notEqual(file.as_token, file.hs_token);
  const { as_token, hs_token, ...rest } = file;
  assert.deepEqual(rest, {
    id: 'causeway-irc',
    url: 'http://127.0.0.1:9999',
    sender_localpart: 'ircbot',
    rate_limited: false,
    protocols: ['irc'],
    'de.sorunome.msc2409.push_ephemeral': true,
    receive_ephemeral: true,
    namespaces: {
      users: [
        { exclusive: true, regex: '^@irc_[^:]+_[^:]+:example\\.org$' },
        { exclusive: true, regex: '^@ircbot:example\\.org$' },
      ],
      aliases: [{ exclusive: true, regex: '^#irc_[^:]+_[^:]+:example\\.org$' }],
      rooms: [],
    },
  });
});

test('made anew it keeps id, tokens and what it does not know, and says what changed without the secrets', async () => {
  const first = await config();
  const { file } = await generateRegistration(first.core, first.network);
  const known = { ...file, id: 'named-by-hand', 'io.element.msc4190': true };
  const second = await config((text) =>
    text
      .replace('url: http://127.0.0.1:9999', 'url: http://bridge:9999')
      .replace('store:', 'names: { ghosts: "i_{network}_{nick}" }\nstore:'),
  );
  const again = await generateRegistration(second.core, second.network, known);
  assert.deepEqual([again.file.id, again.file.as_token, again.file.hs_token], ['named-by-hand', file.as_token, file.hs_token]);
  assert.equal(again.file['io.element.msc4190'], true);
  assert.equal(again.changes.length, 2, again.changes.join('\n'));
  assert.match(again.changes[0] ?? '', /^url: "http:\/\/127\.0\.0\.1:9999" → "http:\/\/bridge:9999"$/);
  assert.match(again.changes[1] ?? '', /^namespaces\.users: .* → .*@i_/);
  assert.doesNotMatch(again.changes.join(), new RegExp(file.as_token));
  const third = await generateRegistration(second.core, second.network, again.file);
  assert.deepEqual(third.changes, []);
});

test('it is written for its owner alone and leaves nothing beside it', async () => {
  const { core, network } = await config();
  const { file } = await generateRegistration(core, network);
  const path = core.appservice.registration;
  writeRegistrationFile(path, file, 'causeway register irc.yaml');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder).sort(), ['irc.yaml', 'registration.yaml']);
  assert.deepEqual(load(readFileSync(path, 'utf8')), file);
  assert.deepEqual(readRegistrationFile(path), file);
});

test('a group that could read it before can read it after', async () => {
  const { core, network } = await config();
  const { file } = await generateRegistration(core, network);
  const path = core.appservice.registration;
  writeRegistrationFile(path, file, 'x');
  chmodSync(path, 0o640);
  writeRegistrationFile(path, { ...file, url: 'http://other' }, 'x');
  assert.equal(statSync(path).mode & 0o777, 0o640);
  assert.equal(readRegistrationFile(path).url, 'http://other');
});

test('the bridge takes from it what it uses', async () => {
  const { core, network } = await config();
  const { file } = await generateRegistration(core, network);
  writeRegistrationFile(core.appservice.registration, file, 'x');
  assert.deepEqual(readRegistration(core), { id: file.id, asToken: file.as_token, hsToken: file.hs_token, bot: '@ircbot:example.org' });
});

test('one that is missing, broken or incomplete is refused in words', async () => {
  const { core } = await config();
  const path = core.appservice.registration;
  assert.throws(() => readRegistration(core), codeIs('REGISTRATION_UNREADABLE', /registration\.yaml.*ENOENT/));
  writeFileSync(path, 'id: [');
  assert.throws(() => readRegistration(core), codeIs('REGISTRATION_UNREADABLE', /registration\.yaml/));
  writeFileSync(path, 'id: a\nurl: null\nas_token: t\nsender_localpart: b\nnamespaces: {}\n');
  assert.throws(() => readRegistration(core), codeIs('REGISTRATION_UNREADABLE', /hs_token/));
});

test('one that does not fit the config is refused, and says in what', async () => {
  const first = await config();
  const { file } = await generateRegistration(first.core, first.network);
  const path = first.core.appservice.registration;
  writeRegistrationFile(path, file, 'x');
  const renamed = await config((text) =>
    text.replace('listen:', 'bot: other, listen:').replace('store:', 'names: { ghosts: "i_{network}_{nick}" }\nstore:'),
  );
  assert.throws(
    () => readRegistration(renamed.core),
    codeIs('REGISTRATION_MISMATCH', /sender_localpart is ircbot, the config says other; .*@i_a0_a0:example\.org/),
  );
  writeRegistrationFile(path, { ...file, hs_token: file.as_token }, 'x');
  assert.throws(() => readRegistration(first.core), codeIs('REGISTRATION_MISMATCH', /the same/));
});

test('a registration written by hand with wider namespaces fits', async () => {
  const { core } = await config();
  writeFileSync(
    core.appservice.registration,
    `id: cw\nurl: http://x\nas_token: a\nhs_token: h\nsender_localpart: ircbot\nnamespaces: { users: [{ exclusive: true, regex: '@irc_.*:example\\.org' }] }\n`,
  );
  assert.equal(readRegistration(core).id, 'cw');
});

test('double puppeting by namespace adds an open entry for everybody of the homeserver, without which it is refused; else it goes', async () => {
  const plain = await config();
  const { file } = await generateRegistration(plain.core, plain.network);
  writeRegistrationFile(plain.core.appservice.registration, file, 'test');
  const doubling = await config((text) => `${text}\ndouble_puppeting: namespace\n`);
  assert.throws(() => readRegistration(doubling.core), codeIs('REGISTRATION_MISMATCH', /no open entry for everybody of example\.org/));
  const wider = await generateRegistration(doubling.core, doubling.network, file);
  assert.deepEqual(wider.file.namespaces.users.at(-1), { exclusive: false, regex: '^@[^:]+:example\\.org$' });
  writeRegistrationFile(plain.core.appservice.registration, wider.file, 'test');
  readRegistration(doubling.core);
  const back = await generateRegistration(plain.core, plain.network, wider.file);
  assert.deepEqual(back.file.namespaces.users, file.namespaces.users);
});
