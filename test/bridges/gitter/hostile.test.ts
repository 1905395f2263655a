// What nobody should do and somebody does: names that are markup, aliases of anything, calls of any shape, servers that answer late, never or
// nonsense. Nothing of it may reach what it should not, nor hold up what is in order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Resolver } from '../../../bridges/gitter/resolver.ts';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';
import { heard, loginOf, withAdapter } from './with-gitter.ts';

const quickly = { timeout: 180_000 };
const unlimited = { rate: { calls: 100_000, window: 60_000 } };
type Bridge = Awaited<ReturnType<typeof wholeBridge>>;

/** Says it to the bot and resolves with its answer. */
async function talk({ homeserver, person }: Bridge) {
  const chat = homeserver.createRoom({ creator: person });
  homeserver.invite(person, chat, homeserver.bot, { is_direct: true });
  const answers = () => homeserver.messages(chat).filter(({ sender }) => sender === homeserver.bot);
  await until('a greeting', () => answers().length > 0 || undefined);
  return async (words: string, patience?: number): Promise<string> => {
    const before = answers().length;
    homeserver.say(person, chat, words);
    return await until(`an answer to ${words}`, () => String(answers().at(before)?.content.body ?? '') || undefined, patience);
  };
}

test('a resolver’s server that answers an error or nonsense is told of, at once, and holds up nothing', quickly, async (t) => {
  const bridge = await wholeBridge(t, { isApproved: true, gitter: unlimited, section: { resolver: { server: 'gitter.test' } } });
  const { homeserver, matrixRoom, person, room } = bridge;
  const ask = await talk(bridge);
  const on = 'GET .*/directory/room/';
  for (const act of [
    { answer: 502, errcode: 'M_UNKNOWN', error: 'Failed to fetch alias' },
    { answer: 504, errcode: 'M_UNKNOWN', error: 'timeout' },
    { raw: '<h1>Bad Gateway</h1>', status: 502 },
  ]) {
    homeserver.fault({ on, act });
    assert.match(await ask('where org/of-old'), /gitter\.test cannot be asked now/);
    assert.match(await ask(`link ${matrixRoom} org/of-old`), /That was not done/);
    homeserver.say(person, matrixRoom, `meanwhile ${JSON.stringify(act)}`);
    await until('words to go on', () => room.messages.some(({ text }) => text.includes('meanwhile')) || undefined);
    homeserver.clearFaults();
  }
  for (const raw of ['{"room_id": 5}', '{"room_id": "javascript:alert(1)"}', '{}', '[]', 'null', '<h1>Welcome</h1>']) {
    homeserver.fault({ on, act: { raw, status: 200 } });
    assert.match(await ask('where org/of-old'), /That was not done/, raw);
    homeserver.clearFaults();
  }
  homeserver.fault({ on, act: { raw: '{"room_id": "!x:elsewhere.test", "servers": 5}', status: 200 } });
  assert.match(
    await ask('where org/of-old'),
    /is the Matrix room #org_of-old:gitter\.test now/,
    'a room may have moved on to another server',
  );
});

test('a resolver’s server that does not answer is not waited for', quickly, async () => {
  const never = () => new Promise<undefined>(() => {});
  const resolver = new Resolver({ server: 'gitter.test', resolveAlias: never, patience: 50 });
  await assert.rejects(resolver.answer('org/room'), { code: 'BAD_REQUEST', message: /gitter\.test cannot be asked now \(no answer\)/ });
  assert.equal(await resolver.hint('org/room'), undefined);
});

test('calls of integration managers in any shape are refused, and change nothing', quickly, async (t) => {
  const secret = 'a-secret-of-sixteen';
  const bridge = await wholeBridge(t, { isApproved: true, gitter: unlimited, config: { provisioning: { secret } } });
  const { matrixRoom, person, url } = bridge;
  const call = async (verb: string, body: string) => {
    const answer = await fetch(`${url}/_matrix/provision/${verb}`, {
      ...{ method: 'POST', body, headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' } },
    });
    return answer.status;
  };
  const user_id = person;
  for (const verb of ['link', 'unlink', 'getlink'])
    for (const body of [
      ...['', '{', 'null', '[]', '5', '"x"'],
      ...[
        { user_id, matrix_room_id: 5, remote_room_name: 'org/room' },
        { user_id, matrix_room_id: {}, remote_room_name: [] },
      ].map((each) => JSON.stringify(each)),
      ...[
        { user_id, matrix_room_id: '', remote_room_name: '' },
        { user_id: 5, matrix_room_id: matrixRoom, remote_room_name: 'org/room' },
      ].map((each) => JSON.stringify(each)),
    ]) {
      const status = await call(verb, body);
      // This one never named anybody.
      if (verb === 'getlink' && body.includes('"user_id":5')) continue;
      assert.ok(status >= 400 && status < 500, `${verb} ${body}: ${status}`);
    }
  const links = [
    { matrix_room_id: 'no room', remote_room_name: 'org/room' },
    { matrix_room_id: matrixRoom, remote_room_name: '../../user' },
    { matrix_room_id: matrixRoom, remote_room_name: '__proto__' },
    { matrix_room_id: matrixRoom, remote_room_name: 'x'.repeat(10_000) },
    { matrix_room_id: matrixRoom, remote_room_name: 'org/room\r\nX: y' },
  ];
  for (const link of links)
    for (const verb of ['link', 'unlink']) {
      const status = await call(verb, JSON.stringify({ user_id, ...link }));
      assert.ok(status >= 400 && status < 500, `${verb} ${JSON.stringify(link).slice(0, 100)}: ${status}`);
    }
  assert.equal(await call('getlink', JSON.stringify({ user_id, matrix_room_id: matrixRoom })), 200, 'the link stands');
});

test('an alias of anything but a room of Gitter makes no room, least of all one of a private chat', quickly, async (t) => {
  const bridge = await wholeBridge(t, { isApproved: true, gitter: unlimited, config: { portals: { aliases: true, beside_links: true } } });
  const { ann, bob, gitter, homeserver } = bridge;
  const chat = bob.open(ann);
  const secret = gitter.addRoom('org/secret', [ann], { isPrivate: true });
  const before = homeserver.world.rooms.size;
  for (const name of [
    ...[`~${chat.id}`, `=7e${chat.id}`, chat.id, secret.id, 'org=2Fsecret', 'org=2F..=2Fuser', '..', '.', '=2F', 'org=2F', '=2Froom'],
    ...[
      'ann',
      'org=2Froom=0d=0aX',
      'org=2Froom=00',
      'org=2F=2Froom',
      'org=2Froom?x',
      'org=2Froom#x',
      'org=2Froom=3Fq=3D1',
      'é=2Fà',
      '%2e%2e',
    ],
    ...['__proto__', 'constructor', 'x'.repeat(250), 'a=2Fb=2Fc=2Fd', 'org=2Fnowhere', '=zz', '='],
  ]) {
    const alias = `#gitter_${name}:hs.test`;
    const { status } = await homeserver.pusher.ask('GET', `/_matrix/app/v1/rooms/${encodeURIComponent(alias)}`);
    assert.equal(status, 404, alias);
  }
  assert.equal(homeserver.world.rooms.size, before);
});

/** Line breaks, markup, calls, another direction, nothing at all, far too much. */
const names = [
  'A\r\nB',
  'x\n\n# Heading',
  '**bold** `code` [l](javascript:x)',
  '@all @/all',
  '<img src=x onerror=1>',
  '🎉\u202eevil\u0000',
  ' \n ',
  'n'.repeat(400),
];

const isOneLine = (text: string): boolean => !/[\p{Cc}\u202a-\u202e]/u.test(text);

for (const isApproved of [true, false])
  test(
    `whatever somebody in Matrix is called, it is one line and no markup, ${isApproved ? 'beside' : 'before'} the words`,
    quickly,
    async (t) => {
      const bridge = await wholeBridge(t, { isApproved, gitter: unlimited });
      const { homeserver, matrixRoom, room } = bridge;
      for (const [at, name] of names.entries()) {
        const who = homeserver.user(`who${at}`, name);
        homeserver.join(who, matrixRoom);
        homeserver.say(who, matrixRoom, `words ${at}`);
        homeserver.say(who, matrixRoom, { msgtype: 'm.emote', body: `waves ${at}` });
      }
      const said = () => room.messages.filter(({ text }) => /(?:words|waves) \d$/.test(text));
      await until('all of it', () => said().length === 2 * names.length || undefined);
      for (const { text, virtualUser, rendered } of said()) {
        assert.ok(isOneLine(text) && isOneLine(virtualUser?.displayName ?? ''), JSON.stringify(text));
        assert.ok((virtualUser?.displayName ?? '').length <= 255);
        assert.match(rendered.html, /^(?:<code>[^<>]*<\/code> )?[^<>]*$/, 'a name is no markup');
        assert.deepEqual(rendered.mentions, [], 'and calls nobody');
      }
    },
  );

test('whatever somebody in Gitter is called, they are shown, in one line that a homeserver takes', quickly, async (t) => {
  const bridge = await wholeBridge(t, { isApproved: true, gitter: unlimited });
  const { gitter, homeserver, matrixRoom, room } = bridge;
  const all = [...names, 'm'.repeat(100_000), `${'n'.repeat(249)}\u{1f389}`];
  for (const [at, displayName] of all.entries()) {
    const who = gitter.addPerson({ username: `who${at}`, displayName });
    who.join(room);
    who.say(room, `words ${at}`);
  }
  const shown = () => homeserver.messages(matrixRoom).filter(({ content }) => String(content.body).startsWith('words '));
  await until('all', () => shown().length === all.length || undefined);
  for (const { sender } of shown()) {
    const name = String(homeserver.room(matrixRoom).stateOf('m.room.member', sender)?.content.displayname);
    assert.ok(isOneLine(name) && name.length > 0 && [...name].length <= 256 && name.isWellFormed(), JSON.stringify(name.slice(0, 100)));
  }
});

test('whatever a realtime channel, a stream or an answer tells, what comes after it is heard', quickly, async (t) => {
  const failed: unknown[] = [];
  const note = (thrown: unknown) => failed.push(thrown);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));
  const org = await withAdapter(t, {
    isApproved: true,
    gitter: { ...unlimited, faye: { retryInterval: 20 } },
    settings: { presence: true, bans: '1s' },
  });
  const { adapter, ann, bob, gitter, room, relay, events } = org;
  const chat = bob.open(ann);
  await adapter.signIn(loginOf(org, ann, '@ann:hs.test'));
  await gitter.waitForListener(chat, 'ann');
  await gitter.waitForListener(room, 'matrixbot');
  const id = ann.say(room, 'before');
  await heard(events, 'message');
  const odd = [null, 5, 'x', [], {}, [null], { id: null }, { id: 5 }, { id: '' }, { id: {} }, { id: '__proto__' }];
  const models: unknown[] = [
    ...odd,
    ...[null, 5, [], {}, 'x'].flatMap((value) =>
      [
        'text',
        'fromUser',
        'virtualUser',
        'sent',
        'editedAt',
        'parentId',
        'mentions',
        'issues',
        'status',
        'uri',
        'topic',
        'user',
        'security',
      ].map((name) => ({
        ...{ id: 'a'.repeat(24), text: 'odd', fromUser: { id: bob.id, username: 'bob' }, [name]: value },
      })),
    ),
    { id, text: '' },
    { id: room.id, uri: 5, topic: null, public: 'no' },
    { id: relay.id, username: null },
  ];
  const channels = [
    ...['/chatMessages', '/users', ''].map((part) => `/rooms/${room.id}${part}`),
    ...[`/rooms/${chat.id}/chatMessages`, `/user/${ann.id}/rooms`, `/user/${relay.id}/rooms`],
  ];
  for (const channel of channels) {
    for (const payload of odd) gitter.world.announce(channel, 'odd/create', payload as never);
    for (const payload of [{ notification: 'presence' }, { notification: 'presence', userId: 5, status: {} }, { notification: [] }])
      gitter.world.announce(channel, 'odd/create', payload as never);
    for (const operation of ['create', 'update', 'patch', 'other', 5])
      for (const model of models) gitter.world.announce(channel, 'odd/create', { operation, model } as never);
  }
  await until('room to be listened to', () => gitter.waitForListener(room, 'matrixbot').then(() => true));
  ann.say(room, 'after');
  bob.say(chat, 'after, privately');
  await heard(events, 'message', ({ body }) => body.text === 'after');
  await heard(events, 'message', ({ body }) => body.text === 'after, privately');

  for (const body of ['null', '5', '{}', '"x"', '{"results":5}', '{', '']) {
    gitter.fault({ on: 'GET /rooms/:room/chatMessages', times: 1, act: { status: 200, body } });
    gitter.fault({ on: 'GET /rooms/:room/bans', times: 1, act: { status: 200, body } });
    gitter.fault({ on: 'GET /user/:user/rooms', times: 2, act: { status: 200, body } });
    gitter.forgetFayeClients();
    ann.say(room, `with ${body}`);
    await heard(events, 'message', ({ body: said }) => said.text === `with ${body}`);
    gitter.clearFaults();
  }
  assert.deepEqual(failed, []);
  assert.equal(adapter.status()[0]?.state, 'up');
});
