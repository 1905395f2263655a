// What who rules a room says of its link, over a whole bridge: which way topic and name are carried.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roomWishes } from '../../../bridge-core/control/room-wishes.ts';
import { channelId, roomId, userId } from '../../../bridge-core/ids.ts';
import { Links } from '../../../bridge-core/plumbing/links.ts';
import { inFake } from '../../support/fake-adapter.ts';
import { type FakeBridge, startFakeBridge } from '../../support/fake-bridge.ts';
import { until } from '../../support/waiting.ts';
import { startRig } from '../rig.ts';

function asking({ homeserver, room }: FakeBridge) {
  const said = () => homeserver.messages(room).map(({ content }) => String(content.body));
  return async (by: string, words: string, wanted: RegExp) => {
    const before = said().length;
    homeserver.say(by, room, `!fake ${words}`);
    const after = () => said().slice(before + 1);
    await until(`${wanted} after ${words}`, () => after().some((line) => wanted.test(line)) || undefined);
  };
}

const namesOf = ({ homeserver, room }: FakeBridge, sender: string): unknown[] =>
  homeserver.events(room).flatMap((event) => (event.type === 'm.room.name' && event.sender === sender ? [event.content.name] : []));

test('who rules a room has its name carried both ways, over a restart, and no rename comes back; others may not', async (t) => {
  const bridge = await startFakeBridge(t, { permissions: { 'hs.test': 'user' } });
  const { homeserver, network, room, person } = bridge;
  const ask = asking(bridge);
  const eve = homeserver.user('eve', 'Eve');
  homeserver.invite(person, room, eve);
  homeserver.join(eve, room);
  homeserver.setState(person, room, 'm.room.power_levels', '', { users: { [person]: 100, [homeserver.bot]: 100 } });
  await ask(eve, 'carry name both', /power/);
  await ask(person, 'carry name sideways', /off, both, fake-to-matrix, matrix-to-fake/);
  await ask(person, 'carry', /^#place: topic fake-to-matrix, name off$/);
  // Neither way, as it is for rooms that people brought.
  homeserver.setState(person, room, 'm.room.name', '', { name: 'Ours' });
  network.call('zoe', '#place', 'theirs');
  network.say('zoe', '#place', 'after it');
  await until('zoe', () => homeserver.messages(room).some(({ content }) => content.body === 'after it') || undefined);
  assert.deepEqual([network.channel('#place').title, namesOf(bridge, homeserver.bot)], ['theirs', []]);

  await ask(person, 'carry name both', /^The name of this room is carried: both\.$/);
  await bridge.restart();
  network.say('zoe', '#place', 'are you back?');
  await until('the bridge', () => homeserver.messages(room).some(({ content }) => content.body === 'are you back?') || undefined);
  network.call('zoe', '#place', 'From there');
  await until('the name in the room', () => namesOf(bridge, homeserver.bot).includes('From there') || undefined);
  homeserver.setState(person, room, 'm.room.name', '', { name: 'From here' });
  await until('the name there', () => network.channel('#place').title === 'From here' || undefined);
  // Whatever was on its way after it has arrived with this.
  network.say('zoe', '#place', 'and last');
  await until('zoe', () => homeserver.messages(room).some(({ content }) => content.body === 'and last') || undefined);
  assert.deepEqual(namesOf(bridge, homeserver.bot), ['From there']);
  const calls = network.log.flatMap((each) => (each.what === 'called' ? [`${each.nick}: ${each.name}`] : []));
  assert.deepEqual(calls, ['zoe: theirs', 'zoe: From there', 'ann[m]: From here']);

  await ask(person, 'carry name off', /carried: off/);
  network.call('zoe', '#place', 'Unheard');
  network.say('zoe', '#place', 'truly last');
  await until('zoe', () => homeserver.messages(room).some(({ content }) => content.body === 'truly last') || undefined);
  assert.deepEqual(namesOf(bridge, homeserver.bot), ['From there']);
});

test('what the config says of a link is not changed by a word, and a network without names of channels is given none', async (t) => {
  const fixed = await startFakeBridge(t);
  const link = { channel: inFake('#other'), room: fixed.room as never, topic: 'both', name: 'to-matrix' } as const;
  const here = await startFakeBridge(t, { options: { verbs: ['setTopic'] } });
  await asking(here)(here.person, 'carry name both', /cannot be given/);
  await asking(here)(here.person, 'carry topic both', /carried: both/);
  Object.assign(fixed.adapter().options, { links: [...fixed.adapter().options.links, link] });
  await asking(fixed)(fixed.person, 'names', /as everywhere/);
  await until('the second link', () => fixed.homeserver.messages(fixed.room) && fixed.network.channel('#other').members.size > 0);
  await asking(fixed)(fixed.person, 'carry name both', /config/);
});

test('one link of a room that is taken away meanwhile keeps no wish from the others', async (t) => {
  const { store, network } = await startRig(t);
  const links = new Links({ store });
  const room = roomId('!r:hs.test');
  const made = [];
  for (const name of ['#one', '#two', '#three'])
    made.push(await links.add({ room, channel: channelId(`libera/${name}`), origin: 'command', state: 'live' }));
  const wishes = roomWishes({ links, adapter: network.adapter, protocol: { id: 'irc' } });
  const asked = { user: userId('@op:hs.test'), room, isDirect: false, channels: [] };
  const [first, ...others] = made.map(({ id }) => id);
  const wish = async (name: string, ...words: string[]) => {
    const done = wishes.find((each) => each.name === name)?.run(asked, words);
    return await Promise.all([done, links.remove(others.shift() ?? 0)]);
  };
  await wish('names', '{name} (there)');
  await wish('carry', 'topic', 'off');
  const { namesAsked, topicAsked } = links.get(first ?? 0)?.options ?? {};
  assert.deepEqual([namesAsked, topicAsked], ['{name} (there)', 'off']);
  assert.equal(links.byRoom(room).length, 1);
});
