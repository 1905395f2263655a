// The bridge as a process of its own, killed with -9 in mid-load, again and again, at instants that a seed decides: nothing is lost and
// nothing comes twice, in either direction, and answers of Gitter are lost after the work was done in between.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { dump } from 'js-yaml';
import { freePort } from '../../../quickstart/servers/ports.ts';
import { BridgeProcess } from '../../support/bridge-process.ts';
import { startFakeHomeserver } from '../../support/fake-homeserver.ts';
import { openChance } from '../../support/seed.ts';
import { readRemains } from '../../support/store-after-death.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until, untilAll } from '../../support/waiting.ts';
import { orgOnGitter } from './with-gitter.ts';

const kills = 10;
/** A kill that met nothing in flight does not count; so often it is tried in all. */
const mostKills = 40;

async function process(t: TestContext) {
  const org = await orgOnGitter({ isApproved: true, gitter: { rate: { calls: 100_000, window: 60_000 } } });
  const { gitter, token } = org;
  const homeserver = await startFakeHomeserver({ userNamespace: 'gitter_.*', aliasNamespace: 'gitter_.*' });
  const alice = homeserver.user('alice', 'Alice');
  const matrixRoom = homeserver.createRoom({ creator: alice });
  homeserver.invite(alice, matrixRoom, homeserver.bot);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const folder = tempFolder();
  const botLocalpart = homeserver.bot.slice(1, homeserver.bot.indexOf(':'));
  const registration = {
    ...{ id: homeserver.registrationId, url, as_token: homeserver.asToken, hs_token: homeserver.hsToken, sender_localpart: botLocalpart },
    ...{ rate_limited: false, namespaces: { users: [{ exclusive: true, regex: '@gitter_.*' }], aliases: [], rooms: [] } },
  };
  writeFileSync(join(folder, 'registration.yaml'), dump(registration));
  const config = {
    homeserver: { url: homeserver.url, domain: 'hs.test' },
    appservice: { listen: `127.0.0.1:${port}`, url, registration: 'registration.yaml', bot: botLocalpart },
    ...{ store: 'gitter.db', permissions: { 'hs.test': 'admin' } },
    gitter: {
      api_url: gitter.apiUrl,
      faye_url: gitter.fayeUrl,
      token,
      echo_timeout: '1s',
      links: [{ channel: 'org/room', room: matrixRoom }],
    },
  };
  const bridge = new BridgeProcess({ folder, configs: { gitter: config } });
  t.after(async () => {
    await bridge.stop();
    await homeserver.stop();
    await gitter.stop();
  });
  homeserver.pushTo(url);
  await bridge.start('listening');
  await gitter.waitForListener(org.room, 'matrixbot');
  // Before that what is said in the room is not for the network.
  await until('the link to be live', async () => (await bridge.links('gitter')).some(({ state }) => state === 'live'));
  return { ...org, homeserver, alice, matrixRoom, bridge, store: join(folder, 'gitter.db') };
}

test(`killed ${kills} times each way with rows in flight: no loss, no doubles, in order`, { timeout: 540_000 }, async (t) => {
  const { ann, gitter, room, homeserver, alice, matrixRoom, bridge, store } = await process(t);
  const chance = openChance();
  gitter.fault({ on: 'POST /rooms/:room/chatMessages', every: 15, act: { drop: 'after' } });
  gitter.setLatency(15);
  homeserver.setLatency(10);
  const said: { readonly up: string[]; readonly down: string[] } = { up: [], down: [] };
  let isOver = false;
  t.after(() => {
    isOver = true;
  });
  const speaking = (async () => {
    for (let n = 0; !isOver; n += 1) {
      said.up.push(`up ${n}`);
      homeserver.say(alice, matrixRoom, `up ${n}`);
      said.down.push(`down ${n}`);
      ann.say(room, `down ${n}`);
      await delay(60);
    }
  })();
  const met = { up: 0, down: 0 };
  let tries = 0;
  for (; tries < mostKills && (met.up < kills || met.down < kills); tries += 1) {
    await delay(300 + chance.number(700));
    await bridge.kill('SIGKILL');
    const { inFlight } = readRemains(store);
    if (inFlight.toNetwork > 0) met.up += 1;
    if (inFlight.toMatrix > 0) met.down += 1;
    await bridge.start('listening');
  }
  isOver = true;
  await speaking;
  // On a slow machine some come so late that they carry their time.
  const inGitter = () =>
    room.messages.filter(({ user }) => user.username === 'matrixbot').map(({ text }) => text.replace(/^\\\[\d\d:\d\d UTC\\\] /, ''));
  const inMatrix = () =>
    homeserver
      .messages(matrixRoom)
      .flatMap(({ sender, content }) => (sender.startsWith('@gitter_') && content.msgtype === 'm.text' ? [content.body] : []));
  const arrived = () => Math.min(inGitter().length, said.up.length) + Math.min(inMatrix().length, said.down.length);
  await untilAll('it', said.up.length + said.down.length, arrived);
  t.diagnostic(`seed ${chance.seed}: ${said.up.length} each way, ${tries} kills, in flight ${met.up} and ${met.down} times`);
  assert.deepEqual(inGitter(), said.up, `seed ${chance.seed}`);
  assert.deepEqual(inMatrix(), said.down, `seed ${chance.seed}`);
  assert.ok(met.up >= kills && met.down >= kills, `in flight ${met.up} and ${met.down} times of ${tries}`);
});
