// Private and group chats of people who are logged in, on a real Synapse; the network is one in memory, for a text network of
// this kind is what a test can hold in its hand.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { z } from 'zod';
import { type Adapter, type AdapterTools, remoteUserId, userId } from '#bridge-core';
import { type Network, startHost } from '#bridge-core/host';
import { loadConfig } from '../../config/load.ts';
import { freePort } from '../../quickstart/servers/ports.ts';
import { startSynapse } from '../../quickstart/servers/synapse.ts';
import { FakeAdapter, FakeNetwork } from '../support/fake-adapter.ts';
import { MatrixPerson } from '../support/matrix-person.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { silentLog } from '../support/tools.ts';
import { until } from '../support/waiting.ts';

const folder = tempFolder();
const network = new FakeNetwork();
const bot = '@fakebot:hs.test';
const ghost = (nick: string) => `@fake_${nick}:hs.test`;
let adapter: FakeAdapter;
const fake: Network = {
  ...{ protocol: { id: 'fake', name: 'Fake' }, settings: z.object({}), names: { ghosts: 'fake_{nick}', aliases: 'fake_{channel}' } },
  create: (_settings: unknown, tools: AdapterTools) => {
    adapter = new FakeAdapter({ network, tools });
    return adapter as Adapter;
  },
};
const address = `127.0.0.1:${await freePort()}`;
const registration = join(folder, 'registration.yaml');
writeFileSync(
  registration,
  `{id: fake, url: 'http://${address}', as_token: as-token, hs_token: hs-token, sender_localpart: fakebot, rate_limited: false,
namespaces: {users: [{exclusive: true, regex: '@fake_.*:hs\\.test'}], aliases: [{exclusive: true, regex: '#fake_.*:hs\\.test'}], rooms: []}}`,
);
const synapse = await startSynapse({ folder: join(folder, 'synapse'), registrations: [registration] });
const file = join(folder, 'fake.yaml');
writeFileSync(
  file,
  `homeserver: { url: ${synapse.url}, domain: hs.test }
appservice: { listen: ${address}, url: http://${address}, registration: registration.yaml, bot: fakebot }
store: fake.db
fake: {}`,
);
const config = await loadConfig(file, { env: {}, networks: { fake: async () => fake } });
const definition = {
  ...{ settings: config.core, network: config.network, networkSettings: config.networkSettings, file },
  registration: { id: 'fake', asToken: 'as-token', hsToken: 'hs-token', bot: userId(bot) },
  reload: async () => ({ settings: config.core, networkSettings: config.networkSettings }),
};
let host = await startHost([definition], { log: silentLog });
const people: MatrixPerson[] = [];
after(async () => {
  for (const each of people) await each.stop();
  await host.stop();
  await synapse.stop();
});

async function person(name: string): Promise<MatrixPerson> {
  const made = await new MatrixPerson({ url: synapse.url, ...(await synapse.registerPerson(name)) }).sync();
  people.push(made);
  return made;
}

async function logIn(...who: readonly MatrixPerson[]): Promise<void> {
  for (const { userId: user } of who) {
    const nick = user.slice(1, user.indexOf(':'));
    const account = remoteUserId(`fake/${nick}`);
    await adapter.signIn({ user: userId(user), account, network: 'fake', name: nick, credentials: { nick } });
  }
}

const [ann, ben, carol] = (await Promise.all(['ann', 'ben', 'carol'].map(person))) as [MatrixPerson, MatrixPerson, MatrixPerson];
for (const nick of ['zoe', 'yan']) network.people.add(nick);
await until('the network', () => adapter.status()[0]?.state === 'up');
await logIn(ann, ben);

test('somebody writes to Ann: a direct chat with their ghost, and lines cross over a restart of the bridge', {
  timeout: 180_000,
}, async () => {
  const chat = network.chat('ann', 'zoe');
  network.say('zoe', chat, 'are you there?');
  const room = await ann.waitForInvite(ghost('zoe'));
  await ann.join(room);
  const invitation = (await ann.history(room).catch(() => [])).find(
    ({ type, state_key }) => type === 'm.room.member' && state_key === ann.userId,
  );
  assert.equal(invitation?.unsigned?.prev_content?.is_direct ?? invitation?.content.is_direct, true);
  assert.equal(await ann.state(room, 'm.room.name'), undefined);
  assert.equal((await ann.state(room, 'm.room.join_rules')).join_rule, 'invite');
  assert.deepEqual([...(await ann.members(room)).keys()].sort(), [ann.userId, ghost('zoe'), bot].sort());
  await ann.waitForText(room, 'are you there?');
  await ann.say(room, 'I am');
  await until('the answer', () => network.said(chat).includes('ann: I am'));
  await assert.rejects(ann.setState(room, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' }));

  await host.stop();
  host = await startHost([definition], { log: silentLog });
  await until('the network', () => adapter.status()[0]?.state === 'up');
  await logIn(ann, ben);
  network.say('zoe', chat, 'still there?');
  await ann.waitForText(room, 'still there?');
  await ann.say(room, 'still');
  await until('the answer', () => network.said(chat).includes('ann: still'));
});

test('a group: two of ours in one room that is called after the others', { timeout: 180_000 }, async () => {
  const chat = network.chat('ann', 'ben', 'yan', 'zoe');
  network.say('yan', chat, 'to all');
  const room = await ben.waitForInvite();
  await ben.join(room);
  await until('Ann to be invited', () => ann.invites.has(room));
  await ann.join(room);
  assert.equal((await ann.state(room, 'm.room.name')).name, 'yan and zoe');
  await ben.waitForText(room, 'to all');
  await ben.say(room, 'from Ben');
  await ann.say(room, 'from Ann');
  await until('both', () => ['ben: from Ben', 'ann: from Ann'].every((line) => network.said(chat).includes(line)));
  await ann.waitForText(room, 'from Ben');
  assert.equal(ann.messages(room).filter(({ content }) => content.body === 'from Ben').length, 1);
});

for (const version of ['11', '12']) {
  test(`Ben begins a direct chat with a ghost, in a room of version ${version}`, { timeout: 180_000 }, async () => {
    const room = await ben.call<{ room_id: string }>('POST', '/v3/createRoom', {
      ...{ preset: 'trusted_private_chat', is_direct: true, invite: [ghost(version === '11' ? 'zoe' : 'yan')], room_version: version },
    });
    const nick = version === '11' ? 'zoe' : 'yan';
    await until('ghost and bot', async () => {
      const members = await ben.members(room.room_id);
      return members.has(ghost(nick)) && members.has(bot);
    });
    const chat = network.chat('ben', nick);
    const claim = () => ben.state(room.room_id, 'm.room.bridging', `fake://fake.test/${chat}`);
    await until('the claim', async () => (await claim())?.status === 'success');
    await ben.say(room.room_id, 'hello');
    await until('hello', () => network.said(chat).includes('ben: hello'));
    network.say(nick, chat, 'and hello');
    await ben.waitForText(room.room_id, 'and hello');
  });
}

test('Carol, who is not logged in, is told how to, and Ben’s encrypted chat goes on in clear', { timeout: 180_000 }, async () => {
  const invited = { preset: 'trusted_private_chat', is_direct: true };
  const hers = await carol.call<{ room_id: string }>('POST', '/v3/createRoom', { ...invited, invite: [ghost('zoe')] });
  await carol.waitForText(hers.room_id, /“login”/);
  await until('the ghost to go', async () => !(await carol.members(hers.room_id)).has(ghost('zoe')));

  const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
  const his = await ben.call<{ room_id: string }>('POST', '/v3/createRoom', {
    ...{ ...invited, invite: [ghost('zoe'), ghost('yan')], initial_state: [encryption] },
  });
  await ben.waitForText(his.room_id, /cannot read encrypted/);
  const own = await ben.waitForInvite();
  await ben.join(own);
  await ben.say(own, 'here then');
  await until('the line', () => network.said('&ben&yan&zoe').includes('ben: here then'));
});

test('Ann leaves: the ghost and the bot go too, and the next line makes a new room', { timeout: 180_000 }, async () => {
  const chat = network.chat('ann', 'yan');
  network.say('yan', chat, 'one');
  const room = await ann.waitForInvite(ghost('yan'));
  await ann.join(room);
  await ann.waitForText(room, 'one');
  await ann.leave(room);
  const joined = () => synapseMembers(room);
  await until('the ghost to go', async () => (await joined()) === 0);
  network.say('yan', chat, 'two');
  const next = await ann.waitForInvite(ghost('yan'));
  await ann.join(next);
  assert.notEqual(next, room);
  await ann.waitForText(next, 'two');
});

/** As the ghost sees it: it is out once it may not look any more. */
async function synapseMembers(room: string): Promise<number> {
  const path = `/_matrix/client/v3/joined_rooms?user_id=${encodeURIComponent(ghost('yan'))}`;
  const answer = await fetch(synapse.url + path, { headers: { authorization: 'Bearer as-token' } });
  const { joined_rooms: rooms } = (await answer.json()) as { joined_rooms: string[] };
  return rooms.filter((each) => each === room).length;
}
