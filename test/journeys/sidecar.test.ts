// People's own rooms, and people shown as themselves, on a real Synapse: by the registration's power, and by a token of theirs. The
// network is one in memory, where a test can be anybody with any client.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { z } from 'zod';
import type { Adapter, AdapterTools } from '#bridge-core';
import { type Host, type Network, startHost } from '#bridge-core/host';
import { loadConfig } from '../../config/load.ts';
import { freePort } from '../../quickstart/servers/ports.ts';
import { startSynapse } from '../../quickstart/servers/synapse.ts';
import { generateRegistration } from '../../registration/generate.ts';
import { readRegistration, writeRegistrationFile } from '../../registration/registration.ts';
import { FakeAdapter, FakeNetwork } from '../support/fake-adapter.ts';
import { MatrixPerson } from '../support/matrix-person.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { silentLog } from '../support/tools.ts';
import { until } from '../support/waiting.ts';

const folder = tempFolder();

/** One bridge over a network of its own, whose ghosts begin with its name. */
async function prepare(name: string, more: string) {
  const network = new FakeNetwork();
  network.people.add('zoe');
  let adapter: FakeAdapter | undefined;
  const fake: Network = {
    ...{ protocol: { id: 'fake', name: 'Fake' }, settings: z.object({}) },
    names: { ghosts: 'fake_{nick}', aliases: 'fake_{channel}' },
    create: (_settings: unknown, tools: AdapterTools) => {
      adapter = new FakeAdapter({ network, tools, logins: true, puppets: 'login' });
      return adapter as Adapter;
    },
  };
  const address = `127.0.0.1:${await freePort()}`;
  const file = join(folder, `${name}.yaml`);
  const load = async (url: string) => {
    writeFileSync(
      file,
      `homeserver: { url: "${url}", domain: hs.test }
appservice: { listen: "${address}", url: "http://${address}", registration: ${name}-registration.yaml, bot: ${name}bot }
store: ${name}.db
web_prefix: ${name}
names: { ghosts: "${name}_{nick}", aliases: "${name}_{channel}" }
fake: {}
${more}`,
    );
    return await loadConfig(file, { env: {}, networks: { fake: async () => fake } });
  };
  const { core, network: known } = await load('http://127.0.0.1:1');
  writeRegistrationFile(core.appservice.registration, (await generateRegistration(core, known)).file, 'test');
  let host: Host | undefined;
  let start: () => Promise<void> = async () => {};
  after(() => host?.stop());
  return {
    ...{ network, bot: `@${name}bot:hs.test`, registration: core.appservice.registration },
    ghost: (nick: string) => `@${name}_${nick}:hs.test`,
    async begin(url: string) {
      const config = await load(url);
      const definition = {
        ...{ settings: config.core, network: config.network, networkSettings: config.networkSettings, file },
        registration: readRegistration(config.core),
        reload: async () => ({ settings: config.core, networkSettings: config.networkSettings }),
      };
      start = async () => {
        host = await startHost([definition], { log: silentLog });
        await until('the network', () => adapter?.status()[0]?.state === 'up');
      };
      await start();
    },
    async restart() {
      await host?.stop();
      await start();
    },
    /** What our sessions did there, joining aside. */
    deeds: () => network.log.filter(({ isOurs, what }) => isOurs === true && what !== 'join'),
  };
}

const own = await prepare('own', 'sidecar: true\ndouble_puppeting: namespace');
const given = await prepare('given', 'double_puppeting: token\nportals: { aliases: true }');
const synapse = await startSynapse({ folder: join(folder, 'synapse'), registrations: [own.registration, given.registration] });
const people: MatrixPerson[] = [];
after(async () => {
  for (const each of people) await each.stop();
  await synapse.stop();
});
await own.begin(synapse.url);
await given.begin(synapse.url);

async function person(name: string): Promise<MatrixPerson> {
  const made = await new MatrixPerson({ url: synapse.url, ...(await synapse.registerPerson(name)) }).sync();
  people.push(made);
  return made;
}

async function chatWith(who: MatrixPerson, bot: string): Promise<string> {
  const room = await who.createRoom({ isPublic: false, isDirect: true, invite: [bot] });
  await who.waitForText(room, /^Hello/);
  return room;
}

async function logIn(who: MatrixPerson, room: string): Promise<void> {
  const nick = who.userId.slice(1, who.userId.indexOf(':'));
  await who.say(room, 'login token');
  await who.waitForText(room, /^Your nick/);
  await who.say(room, nick);
  await who.waitForText(room, /^Your token/);
  await who.say(room, `token-of-${nick}`);
  await who.waitForText(room, /^You are logged in as/);
}

async function ask(who: MatrixPerson, room: string, line: string, answer: RegExp): Promise<string> {
  const since = who.mark();
  await who.say(room, line);
  return String((await who.waitForText(room, answer, { since })).content.body);
}

const [ada, bob, gil] = (await Promise.all(['ada', 'bob', 'gil'].map(person))) as [MatrixPerson, MatrixPerson, MatrixPerson];
const lines = async (who: MatrixPerson, room: string) =>
  (await who.history(room))
    .filter(({ type, content }) => type === 'm.room.message' && content.body !== undefined && !('m.new_content' in content))
    .map(({ sender, content }) => `${sender.slice(1, sender.indexOf(':'))}: ${content.body}`);
const settle = () => new Promise((resolve) => setTimeout(resolve, 1_500));

let chat = '';
let hers = '';
let his = '';

test('two people log in, list their channels and join one each: each comes into a private room of theirs by themselves', {
  timeout: 180_000,
}, async () => {
  const { network } = own;
  for (const nick of ['ada', 'bob', 'zoe']) network.join(nick, '#garden');
  chat = await chatWith(ada, own.bot);
  await logIn(ada, chat);
  await ask(ada, chat, 'list', /^#garden on Fake/);
  hers = /(!\S+)$/.exec(await ask(ada, chat, 'join #garden', /is yours in/))?.[1] ?? '';
  const bobs = await chatWith(bob, own.bot);
  await logIn(bob, bobs);
  his = /(!\S+)$/.exec(await ask(bob, bobs, 'join #garden', /is yours in/))?.[1] ?? '';
  assert.notEqual(hers, his);
  assert.ok((await ada.members(hers)).has(ada.userId) && !(await ada.members(hers)).has(bob.userId));
  assert.equal((await ada.state(hers, 'm.room.join_rules')).join_rule, 'invite');
  assert.equal((await ada.state(hers, 'm.room.bridging', 'fake://fake.test/#garden')).status, 'success');
  assert.ok(!network.channel('#garden').members.has('causeway'));
});

test('what they say there with any client is theirs here, in every form, and nothing of it goes back', { timeout: 180_000 }, async () => {
  const { network } = own;
  const before = own.deeds().length;
  const zoes = network.say('zoe', '#garden', 'hello both');
  await ada.waitForText(hers, 'hello both');
  const first = network.say('ada', '#garden', 'from my fone');
  const shown = await ada.waitForText(hers, 'from my fone');
  assert.equal(shown.sender, ada.userId);
  network.edit('ada', '#garden', first.id, 'from my phone');
  const edit = await ada.waitFor(({ room, content }) => room === hers && content['m.new_content']?.body === 'from my phone');
  assert.equal(edit.sender, ada.userId);
  network.react('ada', '#garden', zoes.id, '🌻');
  const reaction = await ada.waitFor(({ room, type }) => room === hers && type === 'm.reaction');
  assert.equal(reaction.sender, ada.userId);
  network.markRead('ada', '#garden', zoes.id);
  network.say('bob', '#garden', 'and from mine');
  assert.equal((await bob.waitForText(his, 'and from mine')).sender, bob.userId);
  assert.equal((await ada.waitForText(hers, 'and from mine')).sender, own.ghost('bob'));
  network.redact('ada', '#garden', first.id);
  await ada.waitFor(({ room, type, sender }) => room === hers && type === 'm.room.redaction' && sender === ada.userId);
  await bob.waitFor(({ room, type }) => room === his && type === 'm.room.redaction');
  await settle();
  assert.equal(own.deeds().length, before, 'nothing went back');
  assert.deepEqual(await lines(bob, his), ['own_zoe: hello both', 'bob: and from mine']);
});

test('their own sessions say what they say here, once in each room, over a restart of the bridge and of the homeserver', {
  timeout: 180_000,
}, async () => {
  const { network } = own;
  await ada.say(hers, 'good morning');
  await until('her line', () => network.said('#garden').includes('ada: good morning'));
  await bob.waitForText(his, 'ada: good morning');
  network.say('ada', '#garden', 'before it');
  await own.restart();
  network.say('ada', '#garden', 'after it');
  assert.equal((await ada.waitForText(hers, 'after it')).sender, ada.userId);
  await synapse.restart();
  network.say('ada', '#garden', 'and once more');
  assert.equal((await ada.waitForText(hers, 'and once more')).sender, ada.userId);
  await ada.say(hers, 'all here');
  await until('her line', () => network.said('#garden').includes('ada: all here'));
  await settle();
  const said = network.said('#garden').filter((line) => line.startsWith('ada: '));
  assert.deepEqual(said, ['ada: good morning', 'ada: before it', 'ada: after it', 'ada: and once more', 'ada: all here']);
  const shown = (await lines(ada, hers)).filter((line) => line.startsWith('ada: '));
  assert.deepEqual(shown, said);
});

test('a guest comes in by her word and is said by her account; logging out closes the room, and his stays', {
  timeout: 180_000,
}, async () => {
  const { network } = own;
  await ask(ada, chat, `invite ${gil.userId} #garden`, /is invited/);
  await gil.join(hers);
  await gil.say(hers, 'may I?');
  await until('the guest', () => network.said('#garden').includes('ada: <gil> may I?'));
  await ask(ada, chat, 'logout', /no longer logged in/);
  const joined = (who: MatrixPerson) => who.call<{ joined_rooms: string[] }>('GET', '/v3/joined_rooms').then((all) => all.joined_rooms);
  await until('both to be out', async () => !(await joined(ada)).includes(hers) && !(await joined(gil)).includes(hers));
  network.say('zoe', '#garden', 'where is Ada?');
  await bob.waitForText(his, 'where is Ada?');
  network.say('ada', '#garden', 'still there');
  assert.equal((await bob.waitForText(his, 'still there')).sender, own.ghost('ada'));
});

test('by a token of hers: taken away as soon as it is said, used for her alone, noticed when it is dead', {
  timeout: 180_000,
}, async () => {
  const { network } = given;
  const room = await ada.join('#given_=23hall:hs.test');
  const direct = await chatWith(ada, given.bot);
  await logIn(ada, direct);
  network.say('ada', '#hall', 'not yet');
  assert.equal((await ada.waitForText(room, 'not yet')).sender, given.ghost('ada'));
  const session = await ada.call<{ access_token: string }>('POST', '/v3/login', {
    ...{ type: 'm.login.password', identifier: { type: 'm.id.user', user: 'ada' }, password: ada.password },
  });
  await ask(ada, direct, `double-puppet ${session.access_token}`, /is shown as said by you from now on/);
  network.say('ada', '#hall', 'as myself');
  assert.equal((await ada.waitForText(room, 'as myself')).sender, ada.userId);
  const since = ada.mark();
  const headers = { authorization: `Bearer ${session.access_token}` };
  await fetch(`${synapse.url}/_matrix/client/v3/logout`, { method: 'POST', headers });
  network.say('ada', '#hall', 'and no more');
  assert.equal((await ada.waitForText(room, 'and no more')).sender, given.ghost('ada'));
  await ada.waitForText(direct, /no longer takes the access token/, { since });
  await settle();
  assert.deepEqual(network.said('#hall'), ['ada: not yet', 'ada: as myself', 'ada: and no more']);
});
