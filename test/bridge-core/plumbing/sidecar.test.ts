// Rooms of people's own for channels that they are in by their own accounts, on a whole bridge over the fakes.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { FakeBridgeWish } from '../../support/fake-bridge.ts';
import { until } from '../../support/waiting.ts';
import { type LoggedIn, startLoggedIn } from '../logged-in.ts';

const settings = 'sidecar: true';

interface Scene extends LoggedIn {
  /** In their direct chat; the bot's answer. */
  asks(person: string, line: string, answer: RegExp): Promise<string>;
  /** Their room of the channel, which they come into. */
  roomOf(person: string, channel: string): Promise<string>;
}

async function start(t: TestContext, wish: FakeBridgeWish = {}): Promise<Scene> {
  const bridge = await startLoggedIn(t, { settings, ...wish });
  const { homeserver } = bridge;
  await bridge.logIn(bridge.ada, bridge.bob);
  const chats = new Map<string, string>();
  const asks = async (person: string, line: string, answer: RegExp) => {
    const room = chats.get(person) ?? (await bridge.chat(person));
    chats.set(person, room);
    const before = bridge.words(room).length;
    homeserver.say(person, room, line);
    return await until(`an answer to ${line}`, () => bridge.words(room).slice(before)[0]).then((said) => {
      assert.match(said, answer);
      return said;
    });
  };
  return {
    ...{ ...bridge, asks },
    async roomOf(person, channel) {
      const room = /matrix\.to\/#\/(!\S+)/.exec(await asks(person, `join ${channel}`, /is yours in/))?.[1] ?? '';
      assert.ok(['invite', 'join'].includes(homeserver.room(room).membership(person)));
      if (homeserver.room(room).membership(person) !== 'join') homeserver.join(person, room);
      await bridge.settled();
      return room;
    },
  };
}

test('a channel of hers becomes a private room: heard and spoken by her own session, her own words marked as such', async (t) => {
  const scene = await start(t);
  const { network, homeserver, ada } = scene;
  network.join('ada', '#garden');
  network.join('ada', '#kitchen');
  network.join('zoe', '#garden');
  const listed = await scene.asks(ada, 'list', /^#garden on Fake\n#kitchen on Fake/);
  assert.ok(!listed.includes('matrix.to'));
  const room = await scene.roomOf(ada, '#garden');
  const { state } = homeserver.room(room);
  assert.equal(homeserver.room(room).stateOf('m.room.name')?.content.name, '#garden');
  assert.equal(homeserver.room(room).stateOf('m.room.join_rules')?.content.join_rule, 'invite');
  assert.equal(homeserver.room(room).stateOf('m.room.bridging', 'fake://fake.test/#garden')?.content.status, 'success');
  assert.ok(![...state.values()].some(({ type }) => type === 'm.room.canonical_alias'));
  await scene.asks(ada, 'list', new RegExp(`^#garden on Fake: https://matrix.to/#/${room}`));

  network.say('zoe', '#garden', 'hello Ada');
  await until('the line', () => scene.spoken(room).includes('fake_zoe: hello Ada'));
  homeserver.say(ada, room, 'hello Zoe');
  await until('the answer', () => network.said('#garden').includes('ada: hello Zoe'));
  network.say('ada', '#garden', 'from my phone');
  await until('her own line', () => scene.spoken(room).includes('fake_ada: from my phone'));
  assert.equal(homeserver.room(room).stateOf('m.room.member', '@fake_ada:hs.test')?.content.displayname, 'ada (you)');
  await scene.settled();
  assert.deepEqual(scene.spoken(room), ['fake_zoe: hello Ada', 'ada: hello Zoe', 'fake_ada: from my phone']);
  assert.ok(!network.channel('#garden').members.has('causeway'), 'the bot has no business there');
  assert.equal(await scene.asks(ada, 'join #garden', /is yours in/).then((said) => said.includes(room)), true);
});

test('several people of one channel have a room each; each line stands once in each', async (t) => {
  const scene = await start(t);
  const { network, homeserver, ada, bob } = scene;
  const [hers, his] = [await scene.roomOf(ada, '#garden'), await scene.roomOf(bob, '#garden')];
  assert.notEqual(hers, his);
  network.say('zoe', '#garden', 'to you both');
  await until('it to be heard', () => scene.spoken(hers).length === 1 && scene.spoken(his).length === 1);
  homeserver.say(ada, hers, 'from Ada');
  await until('the line', () => network.said('#garden').includes('ada: from Ada'));
  network.say('bob', '#garden', 'from Bob’s phone');
  const bodies = (room: string) => homeserver.messages(room).map(({ content }) => String(content.body));
  await until('all in both', () => [hers, his].every((room) => bodies(room).length === 3));
  await scene.settled();
  assert.deepEqual(scene.spoken(hers), ['fake_zoe: to you both', 'ada: from Ada', 'fake_bob: from Bob’s phone']);
  assert.deepEqual(bodies(his), ['to you both', 'Ada: from Ada', 'from Bob’s phone']);
  assert.deepEqual(network.said('#garden'), ['zoe: to you both', 'ada: from Ada', 'bob: from Bob’s phone']);
});

test('who goes from a private channel hears nothing more of it, while others do; who comes back does again', async (t) => {
  const scene = await start(t);
  const { network, homeserver, ada, bob } = scene;
  for (const nick of ['ada', 'bob', 'zoe']) network.join(nick, '#den');
  scene.adapter().channels.hidden.add('#den');
  const [hers, his] = [await scene.roomOf(ada, '#den'), await scene.roomOf(bob, 'fake #den')];
  network.leave('ada', '#den');
  await scene.hears(hers, /^You have left #den on Fake: nothing of it/);
  await scene.settled();
  network.say('zoe', '#den', 'she is gone');
  await until('the line', () => scene.spoken(his).includes('fake_zoe: she is gone'));
  await scene.asks(ada, 'join #den', /names no channel that you may know of/);
  homeserver.say(ada, hers, 'can you hear me?');
  await scene.settled();
  assert.deepEqual(scene.spoken(hers), ['ada: can you hear me?']);
  network.join('ada', '#den');
  await scene.asks(ada, 'join #den', new RegExp(`is yours in https://matrix.to/#/${hers}`));
  network.say('zoe', '#den', 'welcome back');
  await until('the line', () => scene.spoken(hers).includes('fake_zoe: welcome back'));
  assert.ok(!network.said('#den').some((line) => line.includes('can you hear')));
});

test('who goes and comes back at once goes on hearing; who comes back and goes at once does not come in by that', async (t) => {
  const scene = await start(t);
  const { network, ada } = scene;
  for (const nick of ['ada', 'zoe']) network.join(nick, '#den');
  const room = await scene.roomOf(ada, '#den');
  network.leave('ada', '#den');
  network.join('ada', '#den');
  await scene.hears(room, /^You have left #den on Fake/);
  await scene.adapter().reported();
  await until('the line', () => {
    network.say('zoe', '#den', 'still with us?');
    return scene.spoken(room).includes('fake_zoe: still with us?');
  });
  for (const what of ['leave', 'join', 'leave'] as const) network[what]('ada', '#den');
  await until('it to be told twice', () => scene.words(room).filter((words) => words.startsWith('You have left')).length >= 2);
  await scene.settled();
  assert.ok(!network.channel('#den').members.has('ada'));
});

test('part closes the room and not the channel; only one’s own', async (t) => {
  const scene = await start(t);
  const { network, homeserver, ada, bob } = scene;
  const room = await scene.roomOf(ada, '#garden');
  await scene.asks(bob, 'part #garden', /you have no room of #garden/);
  network.say('zoe', '#garden', 'one');
  await until('the line', () => scene.spoken(room).includes('fake_zoe: one'));
  homeserver.say(ada, room, '!fake part');
  await until('nobody to be left', () => homeserver.members(room).length === 0);
  assert.equal(homeserver.room(room).stateOf('m.room.bridging', 'fake://fake.test/#garden')?.content.status, 'failure');
  assert.ok(network.channel('#garden').members.has('ada'));
  network.say('zoe', '#garden', 'two');
  const again = await scene.roomOf(ada, '#garden');
  assert.notEqual(again, room);
  network.say('zoe', '#garden', 'three');
  await until('the line', () => scene.spoken(again).includes('fake_zoe: three'));
  homeserver.leave(ada, again);
  await until('all to go', () => homeserver.members(again).length === 0);
});

test('logging out closes all rooms of hers, and none of others', async (t) => {
  const scene = await start(t);
  const { network, homeserver, ada, bob } = scene;
  const rooms = [await scene.roomOf(ada, '#garden'), await scene.roomOf(ada, '#kitchen')];
  const his = await scene.roomOf(bob, '#garden');
  await scene.asks(ada, 'logout', /no longer logged in/);
  for (const room of rooms) await until('nobody to be left', () => homeserver.members(room).length === 0);
  network.say('zoe', '#garden', 'still here?');
  await until('the line', () => scene.spoken(his).includes('fake_zoe: still here?'));
  await scene.asks(ada, 'join #garden', /not logged in to Fake/);
});

test('a guest is spoken for by its person’s account, or by their own', async (t) => {
  const scene = await start(t);
  const { network, homeserver, ada, bob, person } = scene;
  const room = await scene.roomOf(ada, '#garden');
  const guest = homeserver.user('gil', 'Gil');
  await scene.asks(bob, `invite ${guest} #garden`, /you have no room/);
  await scene.asks(ada, `invite ${guest} #garden`, /is invited\. Who is not logged in/);
  homeserver.say(ada, room, `!fake invite ${bob}`);
  await until('both to be invited', () => [guest, bob].every((user) => homeserver.room(room).membership(user) === 'invite'));
  for (const user of [guest, bob]) homeserver.join(user, room);
  homeserver.say(guest, room, 'may I?');
  homeserver.say(bob, room, 'as myself');
  await until('both', () => network.said('#garden').length === 2);
  assert.deepEqual(network.said('#garden').toSorted(), ['ada: <Gil> may I?', 'bob: as myself']);
  homeserver.say(bob, room, '!fake part');
  await scene.hears(room, /this is the room of somebody else/);
  homeserver.leave(bob, room);
  await scene.settled();
  assert.ok(network.channel('#garden').members.has('bob'), 'leaving the room is not leaving the channel');
  assert.ok(homeserver.members(room).includes(ada));
  assert.equal(person.length > 0, true);
});

test('over a restart it goes on: nothing is lost while it is not known yet who is in the channel, and the room is no other', async (t) => {
  const scene = await start(t);
  const { network, homeserver, ada } = scene;
  const room = await scene.roomOf(ada, '#garden');
  await scene.restart();
  await until('the network', () => scene.adapter().status()[0]?.state === 'up');
  network.say('zoe', '#garden', 'after it');
  await until('the line', () => scene.spoken(room).includes('fake_zoe: after it'));
  homeserver.say(ada, room, 'me too');
  await until('hers', () => network.said('#garden').includes('ada: me too'));
  await scene.asks(ada, 'list', new RegExp(room));
});

test('with double puppeting she comes into her room by herself, and what she says there is hers', async (t) => {
  const scene = await start(t, { settings: `${settings}\ndouble_puppeting: namespace`, homeserver: { hasEverybody: true } });
  const { network, homeserver, ada } = scene;
  const said = await scene.asks(ada, 'join #garden', /is yours in/);
  const room = /(!\S+)/.exec(said)?.[1] ?? '';
  assert.ok(homeserver.members(room).includes(ada));
  network.say('ada', '#garden', 'from my phone');
  await until('hers', () => scene.spoken(room).includes('ada: from my phone'));
  await scene.settled();
  assert.deepEqual(network.said('#garden'), ['ada: from my phone']);
});

test('a shared room and rooms of their own live side by side, several logins serving the shared one', async (t) => {
  const scene = await start(t);
  const { network, homeserver, ada, bob, room } = scene;
  for (const user of [ada, bob]) homeserver.join(user, room);
  const hers = await scene.roomOf(ada, '#place');
  homeserver.say(ada, room, 'Ada here');
  homeserver.say(bob, room, 'Bob here');
  await until('both', () => network.said('#place').length === 2);
  network.say('zoe', '#place', 'hello both');
  await until('the shared room', () => scene.spoken(room).includes('fake_zoe: hello both'));
  await until('hers', () => scene.spoken(hers).includes('fake_zoe: hello both'));
  await scene.settled();
  assert.deepEqual(network.said('#place').toSorted(), ['ada: Ada here', 'bob: Bob here', 'zoe: hello both']);
  assert.equal(scene.spoken(room).filter((line) => line.includes('hello both')).length, 1);
  assert.equal(scene.spoken(hers).filter((line) => line.includes('hello both')).length, 1);
  await scene.asks(ada, 'part #place', /is closed/);
  network.say('zoe', '#place', 'the shared one stays');
  await until('the line', () => scene.spoken(room).includes('fake_zoe: the shared one stays'));
});

test('a room whose making had no answer is made once, and one that a stop cut short is finished after it', async (t) => {
  const scene = await start(t);
  const { network, homeserver, ada } = scene;
  homeserver.fault({ on: 'POST .*/createRoom', times: 1, act: { drop: 'after' } });
  const room = await scene.roomOf(ada, '#garden');
  const named = () => [...homeserver.world.rooms.values()].filter((each) => each.stateOf('m.room.name')?.content.name === '#garden');
  assert.deepEqual(
    named().map(({ id }) => id),
    [room],
  );
  homeserver.fault({ on: 'PUT .*/state/m.room.bridging/.*kitchen', act: { answer: 502 } });
  homeserver.say(ada, await scene.chat(ada), 'join #kitchen');
  const kitchen = () => [...homeserver.world.rooms.values()].find((each) => each.stateOf('m.room.name')?.content.name === '#kitchen');
  await until('the room', kitchen);
  await scene.restart();
  homeserver.clearFaults();
  await until('her to be invited', () => kitchen()?.membership(ada) === 'invite');
  network.say('zoe', '#kitchen', 'tea?');
  await until('the line', () => scene.spoken(kitchen()?.id).includes('fake_zoe: tea?'));
});

test('switched off, rooms that there are rest, and go on once it is on again', async (t) => {
  const scene = await start(t);
  const { network, ada } = scene;
  const room = await scene.roomOf(ada, '#garden');
  await scene.restart({ sidecar: false });
  await until('the network', () => scene.adapter().status()[0]?.state === 'up');
  await scene.settled();
  network.say('zoe', '#garden', 'unheard');
  await scene.settled();
  assert.deepEqual(scene.spoken(room), []);
  await scene.restart();
  await until('it to be live', () => scene.asks(ada, 'list', new RegExp(`#garden on Fake: https://matrix.to/#/${room}`)));
  network.say('zoe', '#garden', 'heard again');
  await until('the line', () => scene.spoken(room).includes('fake_zoe: heard again'));
});

test('where it is not switched on, nobody has such rooms', async (t) => {
  const scene = await start(t, { settings: '' });
  await scene.asks(scene.ada, 'part #garden', /I do not know “part”/);
  // That word is then the admins', for the bot itself.
  await scene.asks(scene.ada, 'join #garden', /may not send me into rooms/);
});

test('who logs out while the homeserver has too much to do is put out of all of their rooms all the same', async (t) => {
  const scene = await start(t);
  const { homeserver, ada } = scene;
  const rooms = [await scene.roomOf(ada, '#garden'), await scene.roomOf(ada, '#kitchen')];
  homeserver.fault({ on: 'POST .*/kick', times: 1, act: { answer: 500, errcode: 'M_UNKNOWN' } });
  await scene.asks(ada, 'logout', /no longer logged in/);
  await until('her to be out', () => rooms.every((room) => homeserver.room(room).membership(ada) === 'leave') || undefined);
  await until('the bot, too', () => rooms.every((room) => homeserver.room(room).membership(homeserver.bot) === 'leave') || undefined);
});
