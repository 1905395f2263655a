// A whole network kept in step, on a whole bridge over the fakes: rooms for its channels, ghosts for its people.

import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { RetryableError } from '../../../bridge-core/errors.ts';
import { Mirrors } from '../../../bridge-core/plumbing/mirrors.ts';
import { inFake } from '../../support/fake-adapter.ts';
import { type FakeBridge, type FakeBridgeWish, startFakeBridge } from '../../support/fake-bridge.ts';
import { silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';

const settings = 'portals: { directory: true, spaces: true }\nmembership: { per_second: 1000 }';

async function begin(t: TestContext, wish: FakeBridgeWish = {}): Promise<FakeBridge> {
  const bridge = await startFakeBridge(t, {
    settings,
    ...wish,
    options: { mirror: { channels: true, people: 'off' }, ...wish.options },
  });
  return bridge;
}

const aliasOf = (name: string) => `#fake_${name.replace('#', '=23')}:hs.test`;
const made = ({ homeserver }: FakeBridge): number => homeserver.requests.filter(({ path }) => path.endsWith('/createRoom')).length;
const roomOf = ({ homeserver }: FakeBridge, name: string) => homeserver.world.aliases.get(aliasOf(name));
const said = ({ homeserver }: FakeBridge, room: string) => homeserver.messages(room).map(({ content }) => String(content.body));

/** A channel comes to be, and the network tells of it. */
function appear(bridge: FakeBridge, name: string): void {
  bridge.network.channel(name);
  bridge.adapter().inbox.changed?.(inFake(name));
}

async function opened(bridge: FakeBridge, name: string): Promise<string> {
  return await until(`a room of ${name}; ${bridge.lines.slice(-3).join('; ')}`, () => {
    const room = roomOf(bridge, name);
    const isLive = room !== undefined && bridge.homeserver.room(room).stateOf('m.bridge', `dev.causeway://fake/fake/${name}`) !== undefined;
    return isLive ? room : undefined;
  });
}

const state = ({ homeserver }: FakeBridge, room: string, type: string) => homeserver.room(room).stateOf(type, '')?.content;
const closed = (bridge: FakeBridge, room: string) => state(bridge, room, 'm.room.power_levels')?.events_default === 100;

test('every channel of the network has a room, those that come later too; hidden and excluded ones have none', async (t) => {
  const bridge = await begin(t);
  bridge.adapter().channels.hidden.add('#secret');
  bridge.adapter().mirror.excluded.add('#noise');
  for (const name of ['#secret', '#noise', '#garden', '#shed']) appear(bridge, name);
  const [garden, shed] = [await opened(bridge, '#garden'), await opened(bridge, '#shed')];
  assert.notEqual(garden, shed);
  // One that is linked to a room has it.
  appear(bridge, '#place');
  for (const name of ['#secret', '#noise', '#place']) assert.equal(roomOf(bridge, name), undefined, name);
  assert.ok(bridge.homeserver.world.listed.has(garden));
  bridge.network.say('zoe', '#garden', 'it is carried at once');
  await until('the words', () => said(bridge, garden).includes('it is carried at once'));
  bridge.homeserver.say(bridge.person, bridge.room, '!fake status');
  const progress = 'fake as a whole: rooms for 3 of 3 channels';
  await until('the progress', () => said(bridge, bridge.room).some((line) => line.includes(progress)));
});

test('a start finds what is there: nothing is made twice, and what was missed meanwhile follows', async (t) => {
  const bridge = await begin(t);
  appear(bridge, '#garden');
  const garden = await opened(bridge, '#garden');
  await until('the space, too', () => made(bridge) === 2);
  const before = made(bridge);
  bridge.network.setTopic('zoe', '#garden', 'of flowers');
  await until('the topic', () => state(bridge, garden, 'm.room.topic')?.topic === 'of flowers');
  const topics = () => bridge.homeserver.requests.filter(({ path }) => path.includes('/state/m.room.topic')).length;
  const told = topics();
  bridge.network.down();
  bridge.network.channel('#garden').topic = 'of roses';
  bridge.network.channel('#later');
  bridge.network.channel('#garden').isArchived = true;
  const restarting = bridge.restart();
  bridge.network.up();
  await restarting;
  const later = await opened(bridge, '#later');
  await until('the topic of meanwhile', () => state(bridge, garden, 'm.room.topic')?.topic === 'of roses');
  await until('the room to be closed', () => closed(bridge, garden));
  assert.equal(topics(), told + 1);
  assert.equal(made(bridge), before + 1);
  assert.equal(roomOf(bridge, '#garden'), garden);
  assert.notEqual(later, garden);
});

test('who is archived is silent until opened again; who becomes private or is left out is shown no longer until they are back', async (t) => {
  const bridge = await begin(t);
  appear(bridge, '#garden');
  const room = await opened(bridge, '#garden');
  bridge.network.archive('zoe', '#garden');
  await until('the closed room', () => closed(bridge, room));
  await until('the words for it', () => said(bridge, room).some((line) => line.includes('archived the channel')));
  await until('the list without it', () => !bridge.homeserver.world.listed.has(room));
  bridge.network.archive('zoe', '#garden', false);
  await until('the open room', () => !closed(bridge, room) && bridge.homeserver.world.listed.has(room));

  for (const among of [bridge.adapter().channels.hidden, bridge.adapter().mirror.excluded]) {
    among.add('#garden');
    bridge.adapter().inbox.changed?.(inFake('#garden'));
    await until('the closed room', () => closed(bridge, room));
    await until('the words for it', () => said(bridge, room).at(-1)?.endsWith('What is said there is no longer shown here.'));
    bridge.network.say('zoe', '#garden', 'not for everybody');
    await bridge.adapter().reported();
    among.delete('#garden');
    bridge.adapter().inbox.changed?.(inFake('#garden'));
    await until('the open room', () => !closed(bridge, room));
    await until('the words for it', () => said(bridge, room).at(-1) === 'What is said in the channel is shown here again.');
    assert.ok(!said(bridge, room).includes('not for everybody'));
  }
  bridge.network.say('zoe', '#garden', 'for everybody');
  await until('the words', () => said(bridge, room).includes('for everybody'));
});

test('a channel that is gone for good: its own room is closed for good, others are told and unlinked, over a restart too', async (t) => {
  const bridge = await begin(t, { settings: `${settings.replace('{ directory', '{ aliases: true, directory')}` });
  const answer = await bridge.homeserver.pusher.ask('GET', `/_matrix/app/v1/rooms/${encodeURIComponent(aliasOf('#place'))}`);
  assert.equal(answer.status, 200);
  const portal = await opened(bridge, '#place');
  bridge.network.say('zoe', '#place', 'a last word');
  await bridge.adapter().reported();
  // The homeserver refuses for a while: what is to be done outlives the bridge.
  bridge.homeserver.fault({ on: 'PUT .*/state/m.room.tombstone', act: { answer: 502 }, times: 2 });
  bridge.adapter().inbox.gone?.(inFake('#place'), '#place was deleted');
  const notices = (room: string) => said(bridge, room).filter((line) => line.startsWith('#place was deleted'));
  await until('the notice', () => notices(portal).length > 0);
  await bridge.restart();
  await until('the tombstone', () => state(bridge, portal, 'm.room.tombstone')?.body === '#place was deleted.');
  assert.ok(closed(bridge, portal));
  assert.ok(said(bridge, portal).indexOf('a last word') < said(bridge, portal).indexOf(notices(portal)[0] ?? ''));
  await until('the alias to be gone', () => roomOf(bridge, '#place') === undefined);
  await until('the notice', () => notices(bridge.room).length > 0);
  assert.equal(state(bridge, bridge.room, 'm.room.tombstone'), undefined);
  assert.equal(notices(portal).length, 1);
});

test('people’s names are followed page by page, on from where a stop left them; those without a ghost only where all have one', async (t) => {
  const bridge = await begin(t, { options: { mirror: { channels: false, people: 'all' } } });
  for (const nick of ['zoe', 'yan', 'xie', 'wim', 'val']) bridge.network.people.add(nick);
  await bridge.restart();
  await until('everybody’s ghost', () => bridge.homeserver.world.users.has('@fake_val:hs.test'));

  assert.equal(bridge.adapter().mirror.asked.at(-1), undefined);
  for (const nick of ['ulf', 'tea']) bridge.network.people.add(nick);
  // The third page stands still; the bridge is stopped meanwhile.
  const reached = Promise.withResolvers<void>();
  bridge.network.opensPeople = async (from) => {
    if (from < 4) return;
    reached.resolve();
    await new Promise(() => {});
  };
  await bridge.restart();
  await reached.promise;
  bridge.network.opensPeople = async () => {};
  await bridge.restart();
  await until('the new ones', () => bridge.homeserver.world.users.has('@fake_tea:hs.test'));
  assert.deepEqual(bridge.adapter().mirror.asked, ['4']);

  const known = await begin(t, { options: { mirror: { channels: false, people: 'known' } } });
  known.network.people.add('zoe');
  known.network.people.add('yan');
  known.network.say('zoe', '#place', 'hello');
  await until('hello', () => said(known, known.room).includes('hello'));
  await known.restart();
  await until('everybody to be seen', () => known.lines.includes('looked at a whole network'));
  assert.ok(!known.homeserver.world.users.has('@fake_yan:hs.test'));
});

test('a channel that does not let the bot in is told to be refused, and has a room once it does; what was unlinked is left alone', async (t) => {
  const bridge = await begin(t);
  bridge.network.channel('#garden').isClosed = true;
  appear(bridge, '#garden');
  const status = async (wanted: string) => {
    await until(`${wanted}; ${said(bridge, bridge.room).at(-1)}`, () => {
      if (said(bridge, bridge.room).at(-1)?.includes('as a whole') !== false)
        bridge.homeserver.say(bridge.person, bridge.room, '!fake status');
      return said(bridge, bridge.room).some((line) => line.includes(wanted)) || undefined;
    });
  };
  await status('1 refused');
  assert.equal(roomOf(bridge, '#garden'), undefined);
  assert.deepEqual(bridge.adapter().mirror.refusals, [inFake('#garden')]);
  bridge.network.channel('#garden').isClosed = false;
  await bridge.restart();
  const room = await opened(bridge, '#garden');

  bridge.homeserver.say(bridge.person, bridge.room, `!fake unlink ${room} #garden`);
  await until('the end of it', () => roomOf(bridge, '#garden') === undefined);
  await bridge.restart();
  appear(bridge, '#shed');
  await opened(bridge, '#shed');
  assert.equal(roomOf(bridge, '#garden'), undefined);
});

test('a space is called as its network is, from when that is renamed, and after a start; what people call it stands until then', async (t) => {
  const bridge = await begin(t);
  const { homeserver, network } = bridge;
  appear(bridge, '#garden');
  const garden = await opened(bridge, '#garden');
  const space = await until('the space', () =>
    [...homeserver.world.rooms.values()].find((room) => room.stateOf('m.space.child', garden)?.content.via !== undefined),
  );
  const called = () => space.stateOf('m.room.name')?.content.name;
  assert.equal(called(), 'Fake');
  network.title = 'Faker';
  bridge.adapter().inbox.renamed?.('fake');
  await until('the name', () => called() === 'Faker');
  const info = () => homeserver.room(garden).stateOf('m.bridge', 'dev.causeway://fake/fake/#garden')?.content.network;
  await until('what the room says of it', () => (info() as { displayname?: string } | undefined)?.displayname === 'Faker');
  // Only then is it known that the space is called so.
  const store = new DatabaseSync(bridge.storePath, { readOnly: true });
  t.after(() => store.close());
  await until('it noted', () => store.prepare("SELECT 1 FROM meta WHERE name = 'note:space:fake is called' AND value = '\"Faker\"'").get());
  homeserver.setState(homeserver.bot, space.id, 'm.room.name', '', { name: 'Ours' });
  bridge.adapter().inbox.renamed?.('fake');
  await bridge.restart();
  appear(bridge, '#shed');
  await opened(bridge, '#shed');
  assert.equal(called(), 'Ours');
  network.title = 'Fakest';
  await bridge.restart();
  await until('the name', () => called() === 'Fakest');
});

test('a network that is no longer wished for while it is looked at, and then is again, is looked at again', async (t) => {
  let [isWished, looks] = [true, 0];
  const mirror = {
    networks: () => (isWished ? [{ id: 'n', channels: true, people: 'off' }] : []),
    channels: () => {
      looks += 1;
      if (looks > 1) return [];
      isWished = false;
      throw new RetryableError('NETWORK_BUSY', 'later', { after: 1 });
    },
  };
  const links = { onChange: () => {}, all: () => [] };
  const mirrors = new Mirrors({ links, adapter: { mirror }, log: silentLog } as never);
  t.after(() => mirrors.stop());
  mirrors.connected('n');
  await mirrors.settled();
  isWished = true;
  mirrors.connected('n');
  await mirrors.settled();
  assert.equal(looks, 2);
});
