// Plumbing and control against a real Synapse: what the fake homeserver of the other tests claims must be true of it where
// rooms, power and memberships are concerned.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openHomeserver } from '../../../bridge-core/appservice/open-homeserver.ts';
import { type RoomId, userId } from '../../../bridge-core/ids.ts';
import type { MatrixEvent } from '../../../bridge-core/matrix-event.ts';
import { openStore } from '../../../bridge-core/store/sqlite.ts';
import { startSynapse } from '../../../quickstart/servers/synapse.ts';
import { type MatrixError, MatrixPerson } from '../../support/matrix-person.ts';
import { collectLog, FakeNetwork, receive, room } from '../rig.ts';
import { build, node } from './control-rig.ts';

const bot = userId('@bridge:hs.test');
const key = 'irc://irc.libera.test/#node';

async function start(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-'));
  const told: { room: RoomId; text: string }[] = [];
  const log = collectLog();
  const rig = { ...{ bot, told, log, network: new FakeNetwork() }, onEvent: (_event: MatrixEvent): void => {} };
  const receiver = await receive((event) => rig.onEvent(event));
  const registration = join(folder, 'registration.yaml');
  writeFileSync(
    registration,
    `{id: cw, url: '${receiver.url}', as_token: as-token, hs_token: hs-token, sender_localpart: bridge, rate_limited: false,
namespaces: {users: [{exclusive: true, regex: '@irc_.*:hs\\.test'}], aliases: [], rooms: []}}`,
  );
  const synapse = await startSynapse({ folder: join(folder, 'synapse'), registrations: [registration] });
  const homeserver = openHomeserver({
    ...{ url: synapse.url, domain: 'hs.test', bot, asToken: 'as-token', registrationId: 'cw', inFlight: 8, log },
  });
  const store = openStore(join(folder, 'store.db'), (fault) => assert.fail(String(fault)));
  t.after(async () => {
    await homeserver.close();
    await synapse.stop();
    await receiver.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await homeserver.register(bot).catch(() => false);
  const person = async (name: string) => {
    const { userId: id, accessToken } = await synapse.registerPerson(name);
    return new MatrixPerson({ url: synapse.url, userId: id, accessToken });
  };
  const tell = (where: RoomId, text: string) => void told.push({ room: where, text });
  const parts = build(Object.assign(rig, { homeserver, store, tell, fake: { drained: async () => {} } }), t);
  return { ...parts, rig, homeserver, told, op: await person('op'), person };
}

async function until(holds: () => unknown | Promise<unknown>, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; !(await holds()); ) {
    if (Date.now() > end) assert.fail(`not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('rooms, claims, upgrades and direct chats as a real homeserver has them', { timeout: 180_000 }, async (t) => {
  const { op, person, told, links, plumb, rig } = await start(t);
  const answer = () => told.at(-1)?.text ?? '';

  await t.test('a creator of a room of version 12 links it by command, and our claim comes back by transaction', async () => {
    const id = await op.createRoom({ version: '12', powerLevels: { users: { [bot]: 50 } } });
    assert.ok(!id.includes(':'));
    await op.invite(id, bot);
    await until(() => told.some(({ text }) => text.includes('!irc link')), 'the bot came in');
    await op.say(id, '!irc link libera #node');
    await until(() => links.liveOn(node).length === 1, 'the link');
    assert.deepEqual(await op.state(id, 'm.room.bridging', key), { user_id: op.userId, status: 'success' });
    await until(async () => (await op.state(id, 'm.bridge', 'dev.causeway://irc/libera/#node'))?.bridgebot === bot, 'the bridge info');
  });

  await t.test('a plain user is refused, and a foreign claim is answered once, then yielded to', async () => {
    const [link] = links.liveOn(node);
    assert.ok(link);
    const carol = await person('carol');
    await carol.join(link.room);
    await carol.say(link.room, '!irc link #other');
    await until(() => /@carol:hs.test may not link channels/.test(answer()), 'the refusal');
    await op.setState(link.room, 'm.room.power_levels', { users: { [bot]: 50, [carol.userId]: 50 } });
    await carol.setState(link.room, 'm.room.bridging', { user_id: carol.userId, status: 'pending' }, key);
    await until(() => answer().includes('@carol:hs.test tried to claim #node'), 'the first answer');
    assert.equal((await op.state(link.room, 'm.room.bridging', key)).user_id, op.userId);
    await carol.setState(link.room, 'm.room.bridging', { user_id: carol.userId, status: 'success' }, key);
    await until(() => links.get(link.id)?.state === 'suspended', 'the second answer');
    await carol.setState(link.room, 'm.room.bridging', { user_id: carol.userId, status: 'failure' }, key);
    await op.say(link.room, '!irc link #node');
    await until(() => links.get(link.id)?.state === 'live', 'linked again');
  });

  await t.test('the homeserver tells what our claim replaced, when it is asked without a transaction', async () => {
    const id = await op.createRoom({ version: '11', powerLevels: { users: { [op.userId]: 100, [bot]: 50 } } });
    await op.setState(id, 'm.room.bridging', { user_id: op.userId, status: 'failure' }, 'irc://irc.libera.test/#late');
    const onEvent = rig.onEvent;
    rig.onEvent = () => {};
    const late = (await rig.network.adapter.channels.resolve('#late'))?.id;
    assert.ok(late);
    const link = await plumb.link({ room: room(id), channel: late, origin: 'command', requester: userId(op.userId) });
    rig.onEvent = onEvent;
    assert.equal(link.claim, 'success');
    const [event] = (await op.history(id)).filter(({ type, sender }) => type === 'm.room.bridging' && sender === bot);
    assert.equal(event?.unsigned?.prev_content?.status, 'failure');
  });

  await t.test('an upgrade to version 12 is followed with link and claim', async () => {
    const [before] = links.all().filter(({ channel }) => channel.endsWith('#late'));
    assert.ok(before);
    const made = await op.upgrade(before.room, '12');
    await until(() => links.get(before.id)?.room === made, 'the link moved');
    assert.equal(links.get(before.id)?.state, 'live');
    await until(
      async () => (await op.state(before.room, 'm.room.bridging', 'irc://irc.libera.test/#late'))?.status === 'failure',
      'the old claim',
    );
    assert.equal((await op.state(made, 'm.room.bridging', 'irc://irc.libera.test/#late'))?.status, 'success');
  });

  await t.test('an encrypted direct chat goes on in a room of ours, which nobody can encrypt', async () => {
    await op.sync();
    try {
      const dm = await op.createRoom({ isPublic: false, isDirect: true, isEncrypted: true, invite: [bot] });
      await until(() => [...op.invites.values()].includes(bot), 'an invitation');
      const [own] = [...op.invites].find(([, by]) => by === bot) ?? [];
      assert.ok(own);
      await until(async () => !(await op.members(dm)).has(bot), 'the bot left');
      assert.ok((await op.history(dm)).some(({ sender, content }) => sender === bot && content.body?.includes(own)));
      await op.join(own);
      await assert.rejects(
        op.setState(own, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' }),
        (error: MatrixError) => error.status === 403,
      );
      await op.say(own, 'status');
      await until(() => /Libera: connected/.test(answer()), 'an answer to a line without prefix');
    } finally {
      await op.stop();
    }
  });

  await t.test('a declined invitation says why', async () => {
    const banned = await person('banned');
    const dm = await banned.createRoom({ isPublic: false, isDirect: true, invite: [bot] });
    await until(async () => (await banned.state(dm, 'm.room.member', bot))?.membership === 'leave', 'the refusal');
    assert.match((await banned.state(dm, 'm.room.member', bot)).reason, /@banned:hs.test may not use this bridge/);
  });

  await t.test('an invitation of a ghost that stands for nobody is taken back by the bot', async () => {
    const { room: made } = links.liveOn(node)[0] ?? assert.fail('the link is gone');
    await op.invite(made, '@irc_libera_nobody:hs.test');
    await until(async () => (await op.state(made, 'm.room.member', '@irc_libera_nobody:hs.test'))?.membership === 'leave', 'it is gone');
    assert.match((await op.state(made, 'm.room.member', '@irc_libera_nobody:hs.test')).reason, /are not carried/);
  });
});
