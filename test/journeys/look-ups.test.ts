// Who and what stands for whom, asked by clients through the homeserver: people, channels, ghosts and aliases. Nobody is made up.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { load } from 'js-yaml';
import type { MatrixError } from '../support/matrix-person.ts';
import { until } from '../support/waiting.ts';
import { openStage } from './stage.ts';

interface Found {
  readonly userid?: string;
  readonly alias?: string;
  readonly protocol: string;
  readonly fields: Record<string, string>;
}

const stage = await openStage({ channels: ['#stage'], room: { alias: 'stage' } });
const { alice } = stage;
const { room } = stage.places['#stage'] as { room: string };
await alice.setState(room, 'm.room.canonical_alias', { alias: '#stage:hs.test' });
const bob = await stage.sitIn('Bob', '#stage');
const ask = <Answer>(path: string) => alice.call<Answer>('GET', `/v3/thirdparty/${path}`);
const { hs_token: token } = load(readFileSync(join(stage.bridge.folder, 'irc-registration.yaml'), 'utf8')) as { hs_token: string };
/** As a homeserver asks; Synapse itself does not pass on who stands behind an id. */
const askBridge = async (path: string): Promise<Found[]> => {
  const answer = await fetch(`${stage.bridge.url}/_matrix/app/v1/thirdparty/${path}`, { headers: { authorization: `Bearer ${token}` } });
  return answer.ok ? ((await answer.json()) as Found[]) : [];
};

test('the protocol is listed with its network and what may be asked', async () => {
  const { irc } =
    await ask<
      Record<
        string,
        { user_fields: string[]; location_fields: string[]; instances: { network_id?: string; desc: string; fields: object }[] }
      >
    >('protocols');
  assert.deepEqual(irc?.user_fields, ['domain', 'nick']);
  assert.deepEqual(irc?.location_fields, ['domain', 'channel']);
  assert.equal(irc?.instances.length, 1);
  assert.equal(irc?.instances[0]?.desc, 'TestNet');
  assert.deepEqual(irc?.instances[0]?.fields, { domain: 'local.test' });
});

test('a nick is found by the person who has it now, in any spelling; one of nobody is not', async () => {
  const found = [{ userid: stage.ghost('Bob'), protocol: 'irc', fields: { domain: 'local.test', nick: 'bob' } }];
  assert.deepEqual(await ask<Found[]>('user/irc?domain=local.test&nick=BOB'), found);
  assert.deepEqual(await ask<Found[]>('user/irc?domain=local.test&nick=nobody'), []);
  assert.deepEqual(await ask<Found[]>('user/irc?domain=elsewhere.test&nick=bob'), []);
  assert.deepEqual(await ask<Found[]>(`user/irc?domain=local.test&nick=${encodeURIComponent('bob\r\nQUIT')}`), []);
});

test('a ghost is told by its id, and no other user is', async () => {
  const of = (user: string) => askBridge(`user?userid=${encodeURIComponent(user)}`);
  assert.deepEqual(await of(stage.ghost('Bob')), [
    { userid: stage.ghost('Bob'), protocol: 'irc', fields: { domain: 'local.test', nick: 'bob' } },
  ]);
  for (const user of [alice.userId, '@ircbot:hs.test', '@irc_nowhere_bob:hs.test']) assert.deepEqual(await of(user), [], user);
});

test('a linked channel is found by its room’s alias, as it is open to all; an alias by its channel', async () => {
  const found = [{ alias: '#stage:hs.test', protocol: 'irc', fields: { domain: 'local.test', channel: '#stage' } }];
  assert.deepEqual(await ask<Found[]>('location/irc?domain=local.test&channel=%23STAGE'), found);
  assert.deepEqual(await ask<Found[]>('location/irc?domain=local.test&channel=%23nowhere'), []);
  assert.deepEqual(await askBridge(`location?alias=${encodeURIComponent('#stage:hs.test')}`), found);
  const ours = await askBridge(`location?alias=${encodeURIComponent('#irc_local_=23stage:hs.test')}`);
  assert.deepEqual(
    ours.map(({ fields }) => fields),
    [{ domain: 'local.test', channel: '#stage' }],
  );
  const stranger = await fetch(`${stage.bridge.url}/_matrix/app/v1/thirdparty/protocol/irc`, {
    headers: { authorization: 'Bearer guessed' },
  });
  assert.equal(stranger.status, 403);
});

test('a room that is closed is told to nobody', async () => {
  await alice.setState(room, 'm.room.join_rules', { join_rule: 'invite' });
  assert.deepEqual(await ask<Found[]>('location/irc?domain=local.test&channel=%23stage'), []);
  await alice.setState(room, 'm.room.join_rules', { join_rule: 'public' });
});

test('a ghost comes into being for whom the network confirms, with their name, and for nobody else', async () => {
  const carol = await stage.ircPerson('Carol');
  const profile = (user: string) => alice.call<{ displayname?: string }>('GET', `/v3/profile/${encodeURIComponent(user)}`);
  const made = await alice.createRoom({ isPublic: false });
  await alice.invite(made, stage.ghost('carol'));
  await until('the ghost', async () => (await profile(stage.ghost('carol'))).displayname === 'Carol' || undefined);
  await alice.invite(made, stage.ghost('nobody')).catch(() => undefined);
  await delay(500);
  await assert.rejects(profile(stage.ghost('nobody')), (error: MatrixError) => error.status === 404);
  await carol.quit();
});

test('an alias of ours that nobody linked leads nowhere, and makes no room', async () => {
  const before = await stage.bridge.command('links', stage.bridge.fileOf('irc'), '--json');
  const join = alice.join('#irc_local_=23nowhere:hs.test');
  await assert.rejects(join, (error: MatrixError) => error.status === 404);
  await delay(200);
  assert.equal((await stage.bridge.command('links', stage.bridge.fileOf('irc'), '--json')).output, before.output);
  assert.ok(!bob.heard.some(({ command, target }) => command === 'JOIN' && target === '#nowhere'));
});
