// What a whole bridge between Gitter and Matrix does, as people on either side see it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { type WholeWish, wholeBridge } from './whole-bridge.ts';

type Whole = Awaited<ReturnType<typeof wholeBridge>>;

const quickly = { timeout: 180_000 };

const approved = (more: WholeWish = {}): WholeWish => ({ isApproved: true, ...more });

async function inRoom({ homeserver, matrixRoom }: Whole, body: string, room = matrixRoom) {
  return await until(`${body} in the room`, () => homeserver.messages(room).find(({ content }) => content.body === body));
}

const bodiesIn = ({ homeserver, matrixRoom }: Whole) => homeserver.messages(matrixRoom).map(({ content }) => content.body);

async function inGitter({ room }: Whole, text: string, isThere = (each: string) => each === text) {
  return await until(`${text} in Gitter among ${room.messages.map((message) => message.text)}`, () =>
    room.messages.find((message) => isThere(message.text)),
  );
}

/** Said to the bot in a chat of the two. */
async function talk(bridge: Whole, user = bridge.person) {
  const { homeserver } = bridge;
  const chat = homeserver.createRoom({ creator: user, isDirect: true });
  homeserver.invite(user, chat, homeserver.bot, { is_direct: true });
  await until('its greeting', () => homeserver.messages(chat).find(({ sender }) => sender === homeserver.bot));
  return async (line: string, fits = /./) => {
    const before = homeserver.events(chat).length;
    homeserver.say(user, chat, line);
    const answer = await until(`an answer to ${line}`, () =>
      homeserver
        .events(chat)
        .slice(before)
        .find(({ sender, type, content }) => sender === homeserver.bot && type === 'm.room.message' && fits.test(String(content.body))),
    );
    return String(answer.content.body);
  };
}

test('edits, removals and threads go both ways', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved());
  const { ann, homeserver, matrixRoom, person, room } = bridge;
  const id = ann.say(room, 'who is in?');
  const shown = await inRoom(bridge, 'who is in?');
  const relates = { rel_type: 'm.thread', event_id: shown.event_id, is_falling_back: true, 'm.in_reply_to': { event_id: shown.event_id } };
  const mine = homeserver.say(person, matrixRoom, { msgtype: 'm.text', body: 'me', 'm.relates_to': relates });
  const said = await inGitter(bridge, 'me');
  assert.deepEqual([said.parentId, said.virtualUser?.externalId], [id, 'alice:hs.test']);
  const edited = { msgtype: 'm.text', body: '* me too', 'm.new_content': { msgtype: 'm.text', body: 'me too' } };
  homeserver.say(person, matrixRoom, { ...edited, 'm.relates_to': { rel_type: 'm.replace', event_id: mine } });
  await inGitter(bridge, 'me too');
  homeserver.redact(person, matrixRoom, mine);
  await until('it gone', () => room.messages.length === 1 || undefined);
  ann.edit(id, 'who is in now?');
  await inRoom(bridge, '* who is in now?');
  ann.delete(id);
  await until('it redacted', () =>
    homeserver.events(matrixRoom).find(({ type, redacts }) => type === 'm.room.redaction' && redacts === shown.event_id),
  );
});

test('a picture is shown as one, by an address of ours', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved());
  const { homeserver, matrixRoom, person, url } = bridge;
  homeserver.say(person, matrixRoom, {
    msgtype: 'm.image',
    body: 'look',
    filename: 'cat.png',
    url: 'mxc://hs.test/cat',
    info: { mimetype: 'image/png' },
  });
  const said = await inGitter(bridge, 'a picture', (text) => text.includes('cat.png'));
  assert.ok(said.text.startsWith(`look\n\n![cat.png](${url}/gitter/media/`), said.text);
  homeserver.say(person, matrixRoom, { msgtype: 'm.file', body: 'a.zip', url: 'mxc://hs.test/zip' });
  assert.match((await inGitter(bridge, 'a file', (text) => text.includes('a.zip'))).text, /sent a file: a\.zip http/);
});

test('bans go both ways, and end both ways', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved({ section: { bans: '1s' } }));
  const { ann, bob, homeserver, matrixRoom, person, relay, room, gitter } = bridge;
  room.admins.add(relay.id);
  await bridge.restart();
  await gitter.waitForListener(room, 'matrixbot');
  bob.say(room, 'spam');
  const { sender } = await inRoom(bridge, 'spam');
  homeserver.ban(person, matrixRoom, sender, 'no spam');
  await until('the ban', () => room.bans.find(({ user }) => user === bob.user));
  homeserver.setState(person, matrixRoom, 'm.room.member', sender, { membership: 'leave' });
  await until('its end', () => room.bans.length === 0 || undefined);
  homeserver.join(homeserver.user('carol', 'Carol'), matrixRoom);
  homeserver.say('@carol:hs.test', matrixRoom, 'hello');
  await inGitter(bridge, 'hello');
  homeserver.setState(person, matrixRoom, 'm.room.power_levels', '', { users: { [person]: 100, [homeserver.bot]: 90 } });
  const membership = () => homeserver.room(matrixRoom).stateOf('m.room.member', '@carol:hs.test')?.content.membership;
  ann.ban(room, { type: 'matrix', externalId: 'carol:hs.test' });
  await until('carol to be banned', () => membership() === 'ban' || undefined);
  ann.unban(room, { type: 'matrix', externalId: 'carol:hs.test' });
  await until('carol to be let in', () => membership() === 'leave' || undefined);
});

test('an alias of the old bridge’s form leads into a room of its own', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved({ config: { portals: { aliases: true } } }));
  const { ann, gitter, homeserver, person } = bridge;
  const garden = gitter.addRoom('org/Garden', [ann], { topic: 'of flowers' });
  const alias = '#gitter_org=2Fgarden:hs.test';
  const answer = await homeserver.pusher.ask('GET', `/_matrix/app/v1/rooms/${encodeURIComponent(alias)}`);
  assert.equal(answer.status, 200);
  const portal = homeserver.world.aliases.get(alias) ?? '';
  assert.equal(homeserver.room(portal).stateOf('m.room.name', '')?.content.name, 'org/Garden');
  homeserver.join(person, portal);
  await gitter.waitForListener(garden, 'matrixbot');
  ann.say(garden, 'hello');
  await inRoom(bridge, 'hello', portal);
  homeserver.say(person, portal, 'hello back');
  await until('the answer', () => garden.messages.find(({ text }) => text === 'hello back'));
});

test('while people speak a link is made at the first start: whatever is said once the room is listened to stands there, and nothing old', {
  timeout: 180_000,
}, async (t) => {
  const said: string[] = [];
  let listenedTo: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const bridge = await wholeBridge(
    t,
    approved({
      before: ({ ann, bob, gitter, homeserver, matrixRoom, person, room }) => {
        homeserver.setState(person, matrixRoom, 'm.room.power_levels', '', { users: { [person]: 100, [homeserver.bot]: 50 } });
        // So long it takes until the link stands.
        homeserver.fault({ on: 'PUT .*/state/m.room.bridging/', after: 1, times: 1, act: { wait: 300 } });
        const speak = () => {
          const isListening = () =>
            gitter.faye.clientsOf('matrixbot').some((client) => client.subscriptions.has(`/rooms/${room.id}/chatMessages`));
          if (listenedTo === undefined && isListening()) listenedTo = said.length;
          said.push(`line ${said.length}`);
          (said.length % 3 === 0 ? bob : ann).say(room, said.at(-1) ?? '');
        };
        for (let n = 0; n < 5; n += 1) speak();
        timer = setInterval(speak, 4);
        t.after(() => clearInterval(timer));
      },
    }),
  );
  await until('the room to be listened to', () => listenedTo !== undefined);
  clearInterval(timer);
  bridge.ann.say(bridge.room, 'the last');
  said.push('the last');
  await inRoom(bridge, 'the last');
  const { homeserver, matrixRoom } = bridge;
  const shown = homeserver.messages(matrixRoom).map(({ content }) => String(content.body));
  assert.deepEqual(shown, said.slice(-shown.length), 'each once, in order, and none is missing between');
  assert.ok(
    listenedTo !== undefined && shown.length >= said.length - listenedTo,
    `${shown.length} of ${said.length} from ${listenedTo} on`,
  );
  assert.ok(shown.length < said.length - 4, 'what was said before the bridge was there is not told');
});

test('what was said while the bridge was away is brought, once, and what it said itself is not', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved());
  const { ann, homeserver, matrixRoom, person, room, gitter } = bridge;
  ann.say(room, 'one');
  await inRoom(bridge, 'one');
  homeserver.say(person, matrixRoom, 'from Matrix');
  await inGitter(bridge, 'from Matrix');
  await bridge.stop();
  ann.say(room, 'two');
  ann.say(room, 'three');
  await bridge.restart();
  await gitter.waitForListener(room, 'matrixbot');
  await inRoom(bridge, 'three');
  ann.say(room, 'four');
  await inRoom(bridge, 'four');
  const bodies = homeserver.messages(matrixRoom).map(({ content }) => content.body);
  assert.deepEqual(bodies, ['one', 'from Matrix', 'two', 'three', 'four']);
});

test('answers that are lost after the post was made double nothing and lose nothing', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved());
  const { gitter, homeserver, matrixRoom, person, room } = bridge;
  gitter.fault({ on: 'POST /rooms/:room/chatMessages', every: 3, times: 4, act: { drop: 'after' } });
  gitter.fault({ on: 'POST /rooms/:room/chatMessages', every: 4, times: 3, act: { drop: 'before' } });
  const words = Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? `line ${n}` : 'the same'));
  for (const text of words) homeserver.say(person, matrixRoom, text);
  await until('the last', () => room.messages.length >= words.length || undefined);
  assert.deepEqual(
    room.messages.map(({ text }) => text),
    words,
  );
});

test('an account that Gitter hides is told of in the room', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved({ section: { echo_timeout: '100ms' } }));
  const { homeserver, matrixRoom, person, relay } = bridge;
  relay.user.isShadowBanned = true;
  homeserver.say(person, matrixRoom, 'unseen');
  const told = await until('a word of it', () => homeserver.messages(matrixRoom).find(({ sender }) => sender === homeserver.bot));
  assert.match(String(told.content.body), /the account matrixbot seems to be hidden there/);
});

test('people link rooms of which they are admins, by their own login', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved({ config: { permissions: { 'hs.test': 'user' } } }));
  const { ann, gitter, homeserver, person } = bridge;
  const plans = gitter.addRoom('org/plans', [ann]);
  const room = homeserver.createRoom({ creator: person, version: '11', levels: { users: { [person]: 100, [homeserver.bot]: 50 } } });
  homeserver.invite(person, room, homeserver.bot);
  await until('the bot in the room', () => homeserver.members(room).includes(homeserver.bot) || undefined);
  const ask = await talk(bridge);
  assert.match(await ask(`link ${room} org/plans`), /log in to Gitter with the account of an admin/);
  assert.match(await ask('login token'), /token/);
  await ask(gitter.tokenOf(ann), /ann on Gitter/);
  await ask(`link ${room} org/plans`, /org\/plans on Gitter is now linked/);
  await gitter.waitForListener(plans, 'matrixbot');
  homeserver.say(person, room, 'as myself');
  const said = await until('it said', () => plans.messages.find(({ text }) => text === 'as myself'));
  assert.deepEqual([said.user.username, said.virtualUser], ['ann', undefined]);
  ann.say(plans, 'by other means');
  await until('it heard', () => homeserver.messages(room).find(({ content }) => content.body === 'by other means'));
  assert.deepEqual(
    homeserver.messages(room).flatMap(({ sender, content }) => (sender === homeserver.bot ? [] : [content.body])),
    ['as myself', 'by other means'],
  );
  await ask('logout', /logged out|no longer/i);
});

test('where a room of gitter.im went is told, to be joined or linked', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved({ section: { resolver: { server: 'gitter.test' } } }));
  const { homeserver, matrixRoom } = bridge;
  homeserver.world.aliases.set('#matrix-org_gitter:gitter.test', matrixRoom);
  const ask = await talk(bridge);
  const told = await ask('where Matrix-Org/Gitter');
  assert.match(told, /is the Matrix room #matrix-org_gitter:gitter\.test now/);
  assert.match(told, /https:\/\/matrix\.to\/#\/#matrix-org_gitter/);
  assert.match(told, /link #matrix-org_gitter:gitter\.test/);
  assert.match(await ask('where org/nowhere'), /gitter\.test has no room for org\/nowhere/);
  assert.match(await ask(`link ${matrixRoom} matrix-org/gitter`), /it is the Matrix room #matrix-org_gitter:gitter\.test now/);
});

test('the calls that integration managers made to the old bridge are answered in its words', quickly, async (t) => {
  const secret = 'a-secret-of-sixteen';
  const bridge = await wholeBridge(t, approved({ config: { provisioning: { secret } } }));
  const { homeserver, matrixRoom, person, url, gitter, ann } = bridge;
  const call = async (verb: string, body: object) => {
    const answer = await fetch(`${url}/_matrix/provision/${verb}`, {
      ...{ method: 'POST', body: JSON.stringify(verb === 'getlink' ? body : { user_id: person, ...body }) },
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    });
    return [answer.status, await answer.json()] as const;
  };
  assert.deepEqual(await call('getbotid/', {}), [200, { bot_user_id: homeserver.bot }]);
  assert.deepEqual(await call('getlink', { matrix_room_id: matrixRoom }), [
    200,
    { matrix_room_id: matrixRoom, remote_room_name: 'org/room' },
  ]);
  gitter.addRoom('org/other', [ann]);
  const room = homeserver.createRoom({ creator: person, version: '11', levels: { users: { [person]: 100, [homeserver.bot]: 50 } } });
  homeserver.invite(person, room, homeserver.bot);
  await until('the bot in the room', () => homeserver.members(room).includes(homeserver.bot) || undefined);
  assert.equal((await call('getlink', { matrix_room_id: room }))[0], 404);
  const link = { matrix_room_id: room, remote_room_name: 'org/other' };
  assert.deepEqual(await call('link', link), [200, {}]);
  assert.deepEqual(await call('unlink', link), [200, {}]);
  assert.equal((await call('link', { matrix_room_id: room }))[0], 400);
  assert.equal((await call('nothing', {}))[0], 404);
});

test('a private chat of a logged-in person has a room of its own, in which they are themselves', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved());
  const { ann, bob, gitter, homeserver, person } = bridge;
  const ask = await talk(bridge);
  await ask('login token');
  await ask(gitter.tokenOf(ann), /ann on Gitter/);
  const chat = bob.open(ann);
  await gitter.waitForListener(chat, 'ann');
  bob.say(chat, 'psst');
  const room = await until('the room of the chat', () =>
    [...homeserver.world.rooms.keys()].find((id) => homeserver.messages(id).some(({ content }) => content.body === 'psst')),
  );
  assert.equal(homeserver.messages(room)[0]?.sender, `@gitter_${bob.id}:hs.test`);
  homeserver.join(person, room);
  homeserver.say(person, room, 'what is it?');
  await until('the answer', () => chat.messages.find(({ text, user }) => text === 'what is it?' && user.username === 'ann'));
});

test('two rooms on one Gitter room hear each other, each person under their own name', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved({ config: { portals: { aliases: true, beside_links: true } } }));
  const { gitter, homeserver, matrixRoom, person, room } = bridge;
  const alias = '#gitter_org=2Froom:hs.test';
  await homeserver.pusher.ask('GET', `/_matrix/app/v1/rooms/${encodeURIComponent(alias)}`);
  const other = homeserver.world.aliases.get(alias) ?? '';
  const dora = homeserver.user('dora', 'Dora');
  homeserver.join(dora, other);
  homeserver.say(dora, other, 'from the other room');
  const told = await until('it in the first', () =>
    homeserver.messages(matrixRoom).find(({ content }) => String(content.body).includes('from the other room')),
  );
  assert.match(String(told.content.body), /Dora/);
  homeserver.say(person, matrixRoom, 'from the first room');
  await until('it in the other', () =>
    homeserver.messages(other).find(({ content }) => /Alice.*from the first room/s.test(String(content.body))),
  );
  const names = room.messages.map(({ text, virtualUser }) => `${virtualUser?.displayName}: ${text}`);
  assert.deepEqual(names, ['Dora: from the other room', 'Alice: from the first room']);
  assert.equal(gitter.callsOf('POST /rooms/:room/chatMessages').length, 2);
});

test('clients look people and rooms up by their names in Gitter', quickly, async (t) => {
  const { ann, homeserver } = await wholeBridge(t, approved());
  const look = async (path: string) => {
    const { text } = await homeserver.pusher.ask('GET', `/_matrix/app/v1/thirdparty/${path}`);
    return JSON.parse(text) as unknown;
  };
  assert.deepEqual(await look('user/gitter?username=ann'), [
    { userid: `@gitter_${ann.id}:hs.test`, protocol: 'gitter', fields: { username: 'ann' } },
  ]);
  const protocol = (await look('protocol/gitter')) as { user_fields: string[]; location_fields: string[] };
  assert.deepEqual([protocol.user_fields, protocol.location_fields], [['username'], ['room']]);
});

test('a room that is renamed in Gitter takes its link along', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved());
  const { ann, gitter, homeserver, matrixRoom, person, room } = bridge;
  ann.say(room, 'before');
  await inRoom(bridge, 'before');
  gitter.renameRoom(room, 'org/renamed');
  ann.say(room, 'after');
  await inRoom(bridge, 'after');
  homeserver.say(person, matrixRoom, 'from Matrix');
  await inGitter(bridge, 'from Matrix');
  ann.say(room, 'and on');
  await inRoom(bridge, 'and on');
});

test('a room that was renamed in Gitter is still heard after each restart', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved());
  const { ann, gitter, room } = bridge;
  gitter.renameRoom(room, 'org/renamed');
  ann.say(room, 'renamed');
  await inRoom(bridge, 'renamed');
  for (const words of ['first', 'second', 'third']) {
    await bridge.restart();
    ann.say(room, words);
    await inRoom(bridge, words);
  }
  assert.deepEqual(bodiesIn(bridge), ['renamed', 'first', 'second', 'third']);
});

test('of a room that was renamed while the bridge was away, what was missed comes and nothing comes twice', quickly, async (t) => {
  const bridge = await wholeBridge(t, approved());
  const { ann, gitter, room } = bridge;
  for (const words of ['one', 'two']) ann.say(room, words);
  await inRoom(bridge, 'two');
  await bridge.stop();
  gitter.renameRoom(room, 'org/renamed');
  ann.say(room, 'missed');
  await bridge.restart();
  await inRoom(bridge, 'missed');
  ann.say(room, 'and on');
  await inRoom(bridge, 'and on');
  assert.deepEqual(bodiesIn(bridge), ['one', 'two', 'missed', 'and on']);
});

test('a reaction is told in words, and so is that it was taken back; where that is not wished for nothing is said', quickly, async (t) => {
  for (const reactions of ['words', 'off'] as const) {
    const bridge = await wholeBridge(t, approved({ section: { reactions } }));
    const { bob, homeserver, matrixRoom, person, room } = bridge;
    bob.say(room, 'lunch?');
    const { event_id } = await inRoom(bridge, 'lunch?');
    const relates = { rel_type: 'm.annotation', event_id, key: '👍️' };
    const reaction = homeserver.say(person, matrixRoom, { 'm.relates_to': relates }, 'm.reaction');
    if (reactions === 'words') {
      const told = await inGitter(bridge, 'reacted', (text) => text.includes('reacted'));
      assert.deepEqual([told.text, told.isStatus, told.virtualUser?.displayName], ['Alice reacted 👍️ to @bob: "lunch?"', true, 'Alice']);
      homeserver.redact(person, matrixRoom, reaction);
      await inGitter(bridge, 'Alice took back 👍️');
    } else {
      homeserver.say(person, matrixRoom, 'the last');
      await inGitter(bridge, 'the last');
      assert.deepEqual(
        room.messages.map(({ text }) => text),
        ['lunch?', 'the last'],
      );
    }
    await bridge.stop();
  }
});
