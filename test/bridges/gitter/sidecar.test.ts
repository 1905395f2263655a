// People's rooms of their own over a whole bridge: listed, opened and closed by word, heard and spoken in by their own login, in Matrix as
// themselves; and a shared room in which several logins speak, each as themselves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

const quickly = { timeout: 180_000 };

type Whole = Awaited<ReturnType<typeof wholeBridge>>;

const wish = {
  isApproved: true,
  config: { sidecar: true, double_puppeting: 'namespace' },
  userNamespace: '.*',
};

/** Logged in by a chat with the bot. */
async function logIn({ gitter, homeserver }: Whole, user: string, as: { id: string; username: string }) {
  const chat = homeserver.createRoom({ creator: user, isDirect: true });
  homeserver.invite(user, chat, homeserver.bot, { is_direct: true });
  const answerTo = async (fits: RegExp, since = 0) =>
    String(
      (
        await until(`${fits} among ${homeserver.messages(chat).map(({ content }) => content.body)}`, () =>
          homeserver
            .events(chat)
            .slice(since)
            .find(({ sender, type, content }) => sender === homeserver.bot && type === 'm.room.message' && fits.test(String(content.body))),
        )
      ).content.body,
    );
  const ask = async (line: string, fits: RegExp) => {
    const since = homeserver.events(chat).length;
    homeserver.say(user, chat, line);
    return await answerTo(fits, since);
  };
  await answerTo(/./);
  await ask('login token', /token/);
  await ask(gitter.tokenOf(as), new RegExp(`${as.username} on Gitter`));
  return { chat, ask };
}

const roomIn = (words: string): string => /(![^\s/]+)$/.exec(words)?.[1] ?? '';

async function shown({ homeserver }: Whole, room: string, body: string | RegExp) {
  const fits = (text: unknown) => (typeof body === 'string' ? text === body : body.test(String(text)));
  return await until(`${body} in the room among ${homeserver.messages(room).map(({ content }) => content.body)}`, () =>
    homeserver.messages(room).find(({ content }) => fits(content.body)),
  );
}

test('a person lists, joins and parts with their own rooms, and is themselves in them on either side', quickly, async (t) => {
  const bridge = await wholeBridge(t, wish);
  const { ann, bob, gitter, homeserver, person } = bridge;
  const secret = gitter.addRoom('org/secret', [ann, bob], { isPrivate: true });
  const { ask } = await logIn(bridge, person, ann);
  assert.match(await ask('list', /org\/secret/), /org\/room on Gitter\norg\/secret on Gitter/);
  const room = roomIn(await ask('join org/secret', /is yours in/));
  assert.match(await ask('list', /org\/secret/), /org\/secret on Gitter: https/);
  homeserver.join(person, room);
  bob.say(secret, 'between us');
  assert.equal((await shown(bridge, room, 'between us')).sender, `@gitter_${bob.id}:hs.test`);
  homeserver.say(person, room, 'and back');
  await until('it in Gitter', () => secret.messages.find(({ text, user }) => text === 'and back' && user.username === 'ann'));
  ann.say(secret, 'typed in Gitter');
  assert.equal((await shown(bridge, room, 'typed in Gitter')).sender, person);
  const guest = homeserver.user('guest', 'Guest');
  await ask(`invite ${guest} org/secret`, /is invited/);
  homeserver.join(guest, room);
  homeserver.say(guest, room, 'by somebody else');
  const spoken = await until('the guest', () => secret.messages.find(({ text }) => text.includes('by somebody else')));
  assert.deepEqual([spoken.user.username, /Guest/.test(spoken.text)], ['ann', true]);
  bob.say(secret, 'the last');
  await shown(bridge, room, 'the last');
  assert.deepEqual(
    homeserver.messages(room).flatMap(({ content, sender }) => (sender === homeserver.bot ? [] : [content.body])),
    ['between us', 'and back', 'typed in Gitter', 'by somebody else', 'the last'],
    'each once',
  );
  assert.ok(!secret.members.has(bridge.relay.id));
  await ask('part org/secret', /is closed/);
  assert.ok(secret.members.has(ann.id), 'she stays in it');
  await ask('logout', /ann on Gitter/);
  assert.equal(gitter.faye.clientsOf('ann').filter((client) => client.isReachable()).length, 0);
});

test('a room of one’s own and the shared room of the same channel each have a line once', quickly, async (t) => {
  const bridge = await wholeBridge(t, wish);
  const { ann, bob, homeserver, matrixRoom, person, room } = bridge;
  const { ask } = await logIn(bridge, person, ann);
  const own = roomIn(await ask('join org/room', /is yours in/));
  homeserver.join(person, own);
  bob.say(room, 'to all');
  for (const each of [own, matrixRoom]) await shown(bridge, each, 'to all');
  homeserver.say(person, own, 'from her own');
  await until('it in Gitter', () => room.messages.find(({ text, user }) => text === 'from her own' && user.username === 'ann'));
  await shown(bridge, matrixRoom, /from her own/);
  homeserver.say(person, matrixRoom, 'from the shared one');
  await shown(bridge, own, /from the shared one/);
  bob.say(room, 'the last');
  for (const each of [own, matrixRoom]) {
    await shown(bridge, each, 'the last');
    for (const words of ['to all', 'from her own', 'from the shared one', 'the last'])
      assert.equal(homeserver.messages(each).filter(({ content }) => String(content.body).includes(words)).length, 1, words);
  }
});

test('in a shared room each of several logins speaks as themselves, and who has none by the relay account', quickly, async (t) => {
  const bridge = await wholeBridge(t, wish);
  const { ann, bob, homeserver, matrixRoom, person, room } = bridge;
  const ben = homeserver.user('ben', 'Ben');
  const carl = homeserver.user('carl', 'Carl');
  for (const user of [ben, carl]) homeserver.join(user, matrixRoom);
  await logIn(bridge, person, ann);
  await logIn(bridge, ben, bob);
  for (const [user, words] of [
    [person, 'by Ann'],
    [ben, 'by Bob'],
    [carl, 'by nobody'],
  ] as const) {
    homeserver.say(user, matrixRoom, words);
    await until(`${words} in Gitter`, () => room.messages.find(({ text }) => text.includes(words)));
  }
  assert.deepEqual(
    room.messages.map(({ user, virtualUser }) => virtualUser?.displayName ?? user.username),
    ['ann', 'bob', 'Carl'],
  );
  ann.say(room, 'Ann by other means');
  assert.equal((await shown(bridge, matrixRoom, 'Ann by other means')).sender, person);
  bob.say(room, 'Bob by other means');
  assert.equal((await shown(bridge, matrixRoom, 'Bob by other means')).sender, ben);
});
