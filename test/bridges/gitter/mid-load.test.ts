// Logins that end, by themselves or by force, while people speak: nothing is lost, nothing doubled, the order of each stays.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Person } from '../../support/fake-gitter.ts';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

const quickly = { timeout: 180_000 };
const unlimited = { rate: { calls: 100_000, window: 60_000 } };
type Bridge = Awaited<ReturnType<typeof wholeBridge>>;

async function chatWithBot({ homeserver }: Bridge, user: string) {
  const chat = homeserver.createRoom({ creator: user });
  homeserver.setState(user, chat, 'm.room.power_levels', '', { users: { [user]: 100, [homeserver.bot]: 100 } });
  homeserver.invite(user, chat, homeserver.bot, { is_direct: true });
  const answers = () => homeserver.messages(chat).filter(({ sender }) => sender === homeserver.bot);
  await until('a greeting', () => answers().length > 0 || undefined);
  return {
    chat,
    answers: () => answers().map(({ content }) => String(content.body)),
    ask: async (words: string, answer = /./): Promise<string> => {
      const before = answers().length;
      homeserver.say(user, chat, words);
      return await until(`an answer to ${words}`, () =>
        answers()
          .slice(before)
          .map(({ content }) => String(content.body))
          .find((body) => answer.test(body)),
      );
    },
  };
}

async function logIn(bridge: Bridge, user: string, as: Person) {
  const chat = await chatWithBot(bridge, user);
  await chat.ask('login token', /token/i);
  await chat.ask(bridge.gitter.tokenOf(as), /logged in/i);
  await until('their channel', () => bridge.gitter.faye.clientsOf(as.username).length > 0 || undefined);
  return chat;
}

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name} ${at}`);

/** What stands in Gitter of these words, in order. */
const saidBy = ({ room }: Bridge, name: string) => room.messages.map(({ text }) => text).filter((text) => text.startsWith(`${name} `));

test('logging out in mid-load: what was not said yet is said by the relay account, once and in order', quickly, async (t) => {
  const bridge = await wholeBridge(t, { isApproved: true, gitter: unlimited });
  const { ann, gitter, homeserver, matrixRoom, person, room } = bridge;
  const chat = await logIn(bridge, person, ann);
  gitter.setLatency(15);
  const words = numbered('line', 40);
  for (const text of words.slice(0, 20)) homeserver.say(person, matrixRoom, text);
  await until('some', () => saidBy(bridge, 'line').length > 3 || undefined);
  const asked = chat.ask('logout', /no longer logged in|logged out/i);
  for (const text of words.slice(20)) homeserver.say(person, matrixRoom, text);
  await asked;
  // Of those before it some may be hers still, or all.
  words.push('line the last');
  homeserver.say(person, matrixRoom, 'line the last');
  await until('all', () => saidBy(bridge, 'line').length >= words.length || undefined);
  await delay(200);
  assert.deepEqual(saidBy(bridge, 'line'), words);
  const by = room.messages.filter(({ text }) => text.startsWith('line ')).map(({ user }) => user.username);
  assert.deepEqual([by[0], by.at(-1)], ['ann', 'matrixbot']);
  const shown = homeserver
    .messages(matrixRoom)
    .filter(({ sender, content }) => sender !== person && String(content.body).startsWith('line '));
  assert.deepEqual(shown, [], 'nothing of it comes back');
});

test(
  'two logins in one shared room, one revoked in mid-load: the other goes on as itself, and nothing of either is lost',
  quickly,
  async (t) => {
    const bridge = await wholeBridge(t, { isApproved: true, gitter: unlimited });
    const { ann, bob, gitter, homeserver, matrixRoom, person, room } = bridge;
    const ben = homeserver.user('ben', 'Ben');
    homeserver.invite(person, matrixRoom, ben);
    homeserver.join(ben, matrixRoom);
    const chat = await logIn(bridge, person, ann);
    await logIn(bridge, ben, bob);
    gitter.setLatency(10);
    const [hers, his] = [numbered('hers', 30), numbered('his', 30)];
    for (const [at, text] of hers.entries()) {
      homeserver.say(person, matrixRoom, text);
      homeserver.say(ben, matrixRoom, his[at] ?? '');
      if (at === 12) {
        await until('some', () => saidBy(bridge, 'hers').length > 3 || undefined);
        ann.revoke();
      }
    }
    await until('all', () => (saidBy(bridge, 'hers').length >= hers.length && saidBy(bridge, 'his').length >= his.length) || undefined);
    await delay(200);
    assert.deepEqual([saidBy(bridge, 'hers'), saidBy(bridge, 'his')], [hers, his]);
    const by = (name: string) => new Set(room.messages.filter(({ text }) => text.startsWith(name)).map(({ user }) => user.username));
    assert.deepEqual([[...by('his ')], [...by('hers ')].sort()], [['bob'], ['ann', 'matrixbot']]);
    await until('the word of it', () => chat.answers().some((body) => /log in again|no longer/i.test(body)) || undefined);
  },
);

for (const how of ['logging out', 'a revoked token'] as const)
  test(
    `${how} while it is not known whether the last word arrived: it is found, stands there once and is shown here once`,
    quickly,
    async (t) => {
      const bridge = await wholeBridge(t, { isApproved: true, gitter: unlimited });
      const { ann, bob, gitter, homeserver, matrixRoom, person, room, url } = bridge;
      const chat = await logIn(bridge, person, ann);
      const taken = async () => {
        const told = await (await fetch(`${url}/metrics`)).text();
        return Number(/^causeway_events_total\{[^}]*side="network",outcome="accepted"[^}]*\} (\d+)/m.exec(told)?.[1] ?? 0);
      };
      const before = await taken();
      gitter.fault({ on: 'POST /rooms/:room/chatMessages', times: 1, act: { drop: 'after' } });
      gitter.fault({ on: 'GET /rooms/:room/chatMessages', act: { status: 502 } });
      homeserver.say(person, matrixRoom, 'in doubt');
      await until('it there', () => room.messages.some(({ text }) => text === 'in doubt') || undefined);
      // As somebody's who is logged in: whether we said it, it waits to be known.
      await until('it heard', async () => (await taken()) > before || undefined);
      if (how === 'logging out') await chat.ask('logout', /no longer logged in|logged out/i);
      else ann.revoke();
      gitter.clearFaults();
      homeserver.say(person, matrixRoom, 'after it');
      const after = await until('what comes after it', () => room.messages.find(({ text }) => text === 'after it'));
      assert.equal(after.user.username, 'matrixbot');
      bob.say(room, 'the last');
      await until('the last', () => homeserver.messages(matrixRoom).some(({ content }) => content.body === 'the last') || undefined);
      assert.deepEqual(
        room.messages.map(({ text, user }) => `${user.username}: ${text}`),
        ['ann: in doubt', 'matrixbot: after it', 'bob: the last'],
      );
      const shown = homeserver.messages(matrixRoom).filter(({ sender }) => sender.startsWith('@gitter_'));
      assert.deepEqual(
        shown.map(({ content }) => content.body),
        ['the last'],
      );
    },
  );

test(
  'a token that is revoked while a private chat is open: the next word there is told not to have arrived, and a new login goes on in the same room',
  quickly,
  async (t) => {
    const bridge = await wholeBridge(t, { isApproved: true, gitter: unlimited });
    const { ann, bob, gitter, homeserver, person } = bridge;
    const chat = await logIn(bridge, person, ann);
    const place = bob.open(ann);
    await gitter.waitForListener(place, 'ann');
    bob.say(place, 'psst');
    const where = await until('a room of it', () =>
      [...homeserver.world.rooms.keys()].find((id) => homeserver.messages(id).some(({ content }) => content.body === 'psst')),
    );
    homeserver.join(person, where);
    homeserver.say(person, where, 'what?');
    await until('it there', () => place.messages.some(({ text }) => text === 'what?') || undefined);
    ann.revoke();
    await until('the word of it', () => chat.answers().some((body) => /log in again|no longer/i.test(body)) || undefined);
    homeserver.say(person, where, 'are you there?');
    bob.say(place, 'hello?');
    const notice = await until('a notice', () =>
      homeserver.messages(where).find(({ sender, content }) => sender === homeserver.bot && content.msgtype === 'm.notice'),
    );
    assert.match(String(notice.content.body), /not logged in to Gitter any more/);
    assert.ok(!place.messages.some(({ text }) => text === 'are you there?'));
    await chat.ask('login token', /token/i);
    await chat.ask(gitter.tokenOf(ann), /logged in/i);
    await gitter.waitForListener(place, 'ann');
    await until('what was said meanwhile', () => homeserver.messages(where).some(({ content }) => content.body === 'hello?') || undefined);
    homeserver.say(person, where, 'back');
    await until('it there', () => place.messages.some(({ text, user }) => text === 'back' && user.username === 'ann') || undefined);
  },
);
