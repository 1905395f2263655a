// What an older bridge left, taken into the store of a bridge to the fake network: people who keep their old ghosts, messages of
// which nobody kept who said them, and chats in which the bot was not.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { channelId, eventId, remoteMessageId, remoteUserId, roomId, userId } from '#bridge-core';
import { takeOver } from '../../bridge-core/host.ts';
import type { Inheritance } from '../../bridge-core/inheritance.ts';
import { openStore } from '../../bridge-core/store/sqlite.ts';
import { inFake } from '../support/fake-adapter.ts';
import { startFakeBridge } from '../support/fake-bridge.ts';
import { until } from '../support/waiting.ts';

const zoes = '@fake_old_ZOE:hs.test';
const nobodys = '@fake_older_ZOE:hs.test';
const nothing: Inheritance = {
  ...{ tables: [], secrets: [], memory: [], links: [], ghosts: [], logins: [], directChats: [], messages: [], reactions: [], advice: [] },
};

/** With a room of an older bridge, in which Zoe and Ann spoke. */
async function stage(t: TestContext) {
  const bridge = await startFakeBridge(t, { options: { messageIds: true, threads: true } });
  const { homeserver, network, person } = bridge;
  const old = homeserver.createRoom({ creator: person, members: [homeserver.bot], levels: { users: { [homeserver.bot]: 50 } } });
  for (const ghost of [zoes, nobodys]) {
    homeserver.user(ghost.slice(1, ghost.indexOf(':')));
    homeserver.join(ghost, old);
  }
  const root = { event: homeserver.say(zoes, old, 'the root'), id: network.say('zoe', '#old', 'the root').id };
  const own = { event: homeserver.say(person, old, 'from matrix'), id: network.say('bridge', '#old', 'from matrix').id };
  const hand = { 'm.relates_to': { rel_type: 'm.annotation', event_id: own.event, key: '👍' } };
  const reaction = homeserver.say(zoes, old, hand, 'm.reaction');
  network.react('zoe', '#old', own.id, '👍');
  network.join('zoe', '#old');
  await homeserver.drained();
  const [room, channel] = [roomId(old), inFake('#old')];
  const message = ({ event, id }: typeof root) => ({
    room,
    channel,
    event: eventId(event),
    id: remoteMessageId(id),
    part: 0,
    at: Date.now(),
  });
  const inheritance: Inheritance = {
    ...nothing,
    links: [{ room, channel }],
    ghosts: [
      { ghost: userId(zoes), of: { id: remoteUserId('fake/zoe'), fields: { network: 'fake', nick: 'zoe' } }, name: 'zoe' },
      { ghost: userId(nobodys) },
    ],
    messages: [message(root), message(own)],
    reactions: [
      {
        ...{ room, channel, event: eventId(reaction), emoji: '👍', by: remoteUserId('fake/zoe'), ghost: userId(zoes), at: Date.now() },
        target: { event: eventId(own.event), id: remoteMessageId(own.id) },
      },
    ],
    secrets: [{ name: 'bot', value: 'of the old one' }],
    logins: [
      { user: userId('@eve:hs.test'), account: remoteUserId('fake/eve'), network: 'fake', name: 'eve', credentials: { token: 'eves' } },
    ],
  };
  const take = (what: Inheritance = inheritance, isTrial = false) =>
    takeOver(bridge.core, {
      forerunner: { name: 'an older one', read: async () => what, translate: () => ({ config: {}, notes: [] }) },
      ...{ from: '', networkSettings: {}, isTrial, mayLeaveOut: false },
    });
  return { ...bridge, old, root, own, reaction, inheritance, take };
}

test('people keep their ghosts; each side points at what was said before; what an older bridge had shown is not shown again', {
  timeout: 180_000,
}, async (t) => {
  const s = await stage(t);
  const { homeserver, network, person, old, root, own, reaction } = s;
  await s.restart({}, async () => void (await s.take()));
  const since = homeserver.events(old).length;
  const news = () => homeserver.events(old).slice(since);
  const event = (what: string, fits: (each: ReturnType<typeof news>[number]) => boolean) => until(what, () => news().find(fits));

  network.say('zoe', '#old', 'hello again');
  assert.equal((await event('her word', ({ content }) => content.body === 'hello again')).sender, zoes);
  network.edit('zoe', '#old', root.id, 'the root, mended');
  const edit = await event('the edit', ({ content }) => content['m.new_content'] !== undefined);
  assert.deepEqual([edit.sender, (edit.content['m.relates_to'] as { event_id: string }).event_id], [zoes, root.event]);
  network.react('zoe', '#old', own.id, '👍', false);
  const taken = await event('the sign to go', ({ type }) => type === 'm.room.redaction');
  assert.deepEqual([taken.sender, taken.redacts ?? taken.content.redacts], [zoes, reaction]);

  homeserver.say(person, old, { msgtype: 'm.text', body: 'an answer', 'm.relates_to': { 'm.in_reply_to': { event_id: root.event } } });
  await until(
    'the answer',
    () =>
      network.log.some((each) => each.what === 'message' && each.message.body.includes('an answer') && each.message.replyTo === root.id) ||
      undefined,
  );
  const mended = { msgtype: 'm.text', body: '* mended', 'm.new_content': { msgtype: 'm.text', body: 'mended' } };
  homeserver.say(person, old, { ...mended, 'm.relates_to': { rel_type: 'm.replace', event_id: own.event } });
  await until('the edit there', () => network.log.some((each) => each.what === 'edit' && each.target === own.id) || undefined);
  homeserver.redact(person, old, own.event);
  await until('it to be gone there', () => network.log.some((each) => each.what === 'redaction' && each.target === own.id) || undefined);

  await until('the ghost of nobody to leave', () => !homeserver.members(old).includes(nobodys) || undefined);
  assert.deepEqual(
    news()
      .filter(({ type, sender }) => type === 'm.room.message' && sender !== person)
      .map(({ content }) => content.body),
    ['hello again', '* the root, mended'],
  );
  assert.ok(!homeserver.world.users.has('@fake_zoe:hs.test'), 'she has one ghost');
});

test('what the older bridge said by a ghost in its last moments does not go back to the network', { timeout: 180_000 }, async (t) => {
  const s = await stage(t);
  const { homeserver, network, person, old } = s;
  await s.restart({}, async () => {
    await s.take();
    homeserver.say(zoes, old, 'its last word');
  });
  homeserver.say(person, old, 'after that');
  await until('what Ann says', () => network.said('#old').some((line) => line.includes('after that')) || undefined);
  assert.ok(!network.said('#old').some((line) => line.includes('its last word')));
});

test('a trial tells the same and changes nothing; taken twice is taken once; what is undone stays undone', {
  timeout: 180_000,
}, async (t) => {
  const s = await stage(t);
  const { core } = s;
  const more = {
    memory: [{ name: 'heard', value: 'long ago' }],
    directChats: [{ room: roomId('!eve:hs.test'), user: userId('@eve:hs.test') }],
  };
  const take = (isTrial = false) => s.take({ ...s.inheritance, ...more }, isTrial);
  await assert.rejects(take(), { code: 'STORE_LOCKED' });
  await s.restart({}, async () => {
    const read = async (sql: string) => {
      const store = openStore(core.store, (thrown) => {
        throw thrown;
      });
      try {
        return store.prepare<{ n: number }>(sql).all();
      } finally {
        await store.close();
      }
    };
    const [links] = await read('SELECT count(*) AS n FROM links');
    const trial = await take(true);
    assert.deepEqual(await read('SELECT count(*) AS n FROM links'), [links]);
    const first = await take();
    assert.deepEqual(first.counts, trial.counts);
    assert.deepEqual(first.counts, {
      secrets: { taken: 1, known: 0 },
      links: { taken: 1, known: 0 },
      ghosts: { taken: 2, known: 0 },
      logins: { taken: 1, known: 0 },
      'direct chats': { taken: 1, known: 0 },
      messages: { taken: 2, known: 0 },
      reactions: { taken: 1, known: 0 },
    });
    const store = openStore(core.store, (thrown) => {
      throw thrown;
    });
    const undone = ["logins WHERE account = 'fake/eve'", "memory WHERE name = 'heard'", "meta WHERE name = 'note:direct:!eve:hs.test'"];
    await store.write(() => {
      for (const what of undone) assert.equal(store.prepare(`DELETE FROM ${what}`).run().changes, 1);
    });
    await store.close();
    const second = await take();
    for (const { taken } of Object.values(second.counts)) assert.equal(taken, 0);
    for (const what of undone) assert.deepEqual(await read(`SELECT count(*) AS n FROM ${what}`), [{ n: 0 }], what);
  });
});

test('a channel that is linked elsewhere, a ghost that its person has here already, messages of no room', {
  timeout: 180_000,
}, async (t) => {
  const s = await stage(t);
  const { homeserver, network, room, inheritance } = s;
  network.say('zoe', '#place', 'hello');
  await until('her ghost', () => homeserver.events(room).some(({ sender }) => sender === '@fake_zoe:hs.test') || undefined);
  await s.restart({}, async () => {
    const told = await s.take({
      ...inheritance,
      links: [{ room: roomId('!other:hs.test'), channel: inFake('#place') }],
      messages: inheritance.messages.map((each) => ({ ...each, room: roomId('!other:hs.test'), channel: channelId('fake/#place') })),
      reactions: [],
    });
    assert.deepEqual(
      told.left.map(({ kind, what, rows }) => [kind, what, rows]),
      [
        ['links', 'fake/#place in !other:hs.test', undefined],
        ['messages', 'of rooms without a link', 2],
      ],
    );
    assert.match(told.left[0]?.why ?? '', new RegExp(`is linked to ${room.replace('$', '\\$')} here`));
  });
  network.say('zoe', '#place', 'once more');
  const again = await until('her word', () => homeserver.events(room).find(({ content }) => content.body === 'once more'));
  assert.equal(again.sender, '@fake_zoe:hs.test', 'rooms know her by that one');
});

test('a chat in which the bot was not: one of its ghosts asks it in, once its person is logged in', { timeout: 180_000 }, async (t) => {
  const s = await stage(t);
  const { homeserver, network } = s;
  const eve = homeserver.user('eve', 'Eve');
  const chat = network.chat('zoe', 'eve');
  const room = homeserver.createRoom({ creator: zoes, isDirect: true });
  homeserver.invite(zoes, room, eve);
  homeserver.join(eve, room);
  const login = { user: userId(eve), account: remoteUserId('fake/eve'), network: 'fake', name: 'eve', credentials: { nick: 'eve' } };
  await s.restart({}, async () => {
    const links = [{ room: roomId(room), channel: inFake(chat), chat: { kind: 'direct' as const, people: [userId(eve)] } }];
    await s.take({ ...nothing, ghosts: s.inheritance.ghosts, links, logins: [login] });
  });
  await until('the bot', () => homeserver.members(room).includes(homeserver.bot) || undefined);
  network.say('zoe', chat, 'are you there');
  const heard = await until('her word', () => homeserver.events(room).find(({ content }) => content.body === 'are you there'));
  assert.equal(heard.sender, zoes);
});

test('a chat whose room nobody lets the bot into has another room made', { timeout: 180_000 }, async (t) => {
  const s = await stage(t);
  const { homeserver, network } = s;
  const eve = homeserver.user('eve', 'Eve');
  const chat = network.chat('zoe', 'eve');
  const room = homeserver.createRoom({ creator: eve, joinRule: 'invite' });
  const login = { user: userId(eve), account: remoteUserId('fake/eve'), network: 'fake', name: 'eve', credentials: { nick: 'eve' } };
  await s.restart({}, async () => {
    const links = [{ room: roomId(room), channel: inFake(chat), chat: { kind: 'direct' as const, people: [userId(eve)] } }];
    await s.take({ ...nothing, ghosts: s.inheritance.ghosts, links, logins: [login] });
  });
  await until('the refusal', () => s.lines.some((line) => /not carried: the bot may not enter/.test(line)) || undefined);
  network.say('zoe', chat, 'are you there');
  const rooms = () => [...homeserver.world.rooms.keys()];
  const made = await until('another room', () =>
    rooms().find((each) => homeserver.events(each).some(({ content }) => content.body === 'are you there')),
  );
  assert.notEqual(made, room);
  assert.equal(homeserver.room(made).membership(eve), 'invite');
});

test('where the older bridge had another bot, a room goes on once ours is asked in, also without the power to claim the channel', {
  timeout: 180_000,
}, async (t) => {
  const s = await stage(t);
  const { homeserver, network, person } = s;
  const room = homeserver.createRoom({ creator: person, joinRule: 'invite' });
  await s.restart({}, async () => {
    await s.take({ ...nothing, links: [{ room: roomId(room), channel: inFake('#elsewhere') }] });
  });
  await until('the refusal', () => s.lines.some((line) => /not carried: the bot may not enter/.test(line)) || undefined);
  await until('the bot to be out there', () => !network.channel('#elsewhere').members.has('causeway') || undefined);
  homeserver.invite(person, room, homeserver.bot);
  await until('the bot', () => homeserver.members(room).includes(homeserver.bot) || undefined);
  await until('the bot there', () => network.channel('#elsewhere').members.has('causeway') || undefined);
  network.say('zoe', '#elsewhere', 'at last');
  await until('her word', () => homeserver.events(room).find(({ content }) => content.body === 'at last'));
  homeserver.say(person, room, 'and back');
  await until('what Ann says', () => network.said('#elsewhere').some((line) => line.includes('and back')) || undefined);
});
