// People log in by chat: what they are asked and told, what becomes of a secret, and what a restart leaves of it.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { userId } from '../../../bridge-core/ids.ts';
import { type FakeBridge, type FakeBridgeWish, startFakeBridge } from '../../support/fake-bridge.ts';
import { until } from '../../support/waiting.ts';

const permissions = { 'hs.test': 'user', '@op:hs.test': 'admin', '@none:hs.test': 'none' };

async function start(t: TestContext, wish: FakeBridgeWish = {}) {
  const bridge = await startFakeBridge(t, { permissions, ...wish, options: { logins: true, puppets: 'login', ...wish.options } });
  const { homeserver } = bridge;
  const ada = homeserver.user('ada', 'Ada');
  return { bridge, homeserver, ada, ...talk(bridge) };
}

function talk({ homeserver }: FakeBridge) {
  const words = (room: string) =>
    homeserver
      .messages(room)
      .filter(({ sender }) => sender === homeserver.bot)
      .map(({ content }) => String(content.body));
  const hears = (room: string, pattern: RegExp) =>
    until(`the bot to say ${pattern} in ${room}: ${words(room).join(' | ')}`, () => words(room).findLast((body) => pattern.test(body)));
  const chat = async (person: string, power?: number) => {
    const users = power === undefined ? {} : { levels: { users: { [person]: 100, [homeserver.bot]: power } } };
    const room = homeserver.createRoom({
      creator: person,
      version: '11',
      joinRule: 'invite',
      invite: [homeserver.bot],
      isDirect: true,
      ...users,
    });
    await hears(room, /^Hello/);
    return room;
  };
  /** The direct chat that the bot opened with this person. */
  const opened = (person: string) =>
    until(
      `a chat with ${person}`,
      () =>
        [...homeserver.world.rooms.values()].find(
          (room) => room.membership(person) === 'invite' && room.membership(homeserver.bot) === 'join',
        )?.id,
    );
  return { words, hears, chat, opened };
}

const logIn = async ({ homeserver, hears }: Awaited<ReturnType<typeof start>>, person: string, room: string, nick: string) => {
  homeserver.say(person, room, 'login token');
  await hears(room, /^Your nick:/);
  homeserver.say(person, room, nick);
  await hears(room, /^Your token:/);
  const secret = homeserver.say(person, room, `token-of-${nick}`);
  await hears(room, new RegExp(`^You are logged in as ${nick} on Fake`));
  return secret;
};

test('a login by token: fields one by one, the secret taken away, then they speak as themselves; logout gives it back', async (t) => {
  const stage = await start(t);
  const { bridge, homeserver, ada, hears, chat, words } = stage;
  const room = await chat(ada, 50);
  homeserver.say(ada, room, 'whoami');
  await hears(room, /^You are not logged in; the bot speaks for you\. “login” changes that/);
  homeserver.say(ada, room, 'login nowhere');
  await hears(room, /no such way to log in[\s\S]*login token – Log in by token[\s\S]*login page/);
  homeserver.say(ada, room, 'login');
  await hears(room, /^Log in by token on Fake\. Another way is “login page”/);
  await hears(room, /^Your nick:/);
  homeserver.say(ada, room, 'cancel');
  await hears(room, /^You are not logged in\.$/);
  const secret = await logIn(stage, ada, room, 'ada');
  await until('the secret to be gone', () => homeserver.room(room).byId.get(secret)?.content.body === undefined || undefined);
  assert.ok(words(room).includes('I ask the network …'));
  homeserver.join(ada, bridge.room);
  homeserver.say(ada, bridge.room, 'as myself');
  await until('her own voice', () => bridge.network.said('#place').includes('ada: as myself') || undefined);
  homeserver.say(ada, room, 'whoami');
  await hears(room, /^You are ada on Fake \(fake\/ada\)\.$/);
  homeserver.say(ada, room, 'logout');
  await hears(room, /^You are no longer logged in as ada on Fake/);
  homeserver.say(ada, bridge.room, 'by the bot');
  await until('the bot', () => bridge.network.said('#place').some((line) => /^causeway: .*by the bot/.test(line)) || undefined);
});

test('a secret that the homeserver does not take away at once is taken away later, and is the answer to one question alone', async (t) => {
  const stage = await start(t);
  const { homeserver, ada, chat, words } = stage;
  const room = await chat(ada, 50);
  homeserver.fault({ on: 'PUT .*/redact/', times: 1, act: { answer: 500, errcode: 'M_UNKNOWN' } });
  const secret = await logIn(stage, ada, room, 'ada');
  await until('the secret to be gone', () => homeserver.room(room).byId.get(secret)?.content.body === undefined || undefined);
  homeserver.say(ada, room, 'whoami');
  await stage.hears(room, /^You are ada on Fake/);
  assert.ok(!words(room).some((body) => /^I do not know|too late/.test(body)), words(room).join(' | '));
});

test('where the bot may not take a secret away it asks for that', async (t) => {
  const stage = await start(t);
  const room = await stage.chat(stage.ada, 0);
  await logIn(stage, stage.ada, room, 'ada');
  await stage.hears(room, /^Please delete that message/);
});

test('a secret is asked for in the direct chat alone; said in a room it is taken away, and not repeated', async (t) => {
  const { bridge, homeserver, hears, opened, words } = await start(t);
  const said = homeserver.say(bridge.person, bridge.room, '!fake login token token-of-ada');
  await hears(bridge.room, /asked for afterwards, and in our direct chat alone/);
  await hears(bridge.room, /^Please delete that message/);
  assert.ok(!words(bridge.room).some((body) => body.includes('token-of-ada')));
  assert.ok(homeserver.room(bridge.room).byId.has(said));
  homeserver.say(bridge.person, bridge.room, '!fake login token');
  await hears(bridge.room, /^Let us go on in our direct chat/);
  const room = await opened(bridge.person);
  await hears(room, /^Your nick:/);
  assert.ok(!bridge.network.said('#place').some((line) => line.includes('login')));
});

test('cancel ends it, a wrong token says so, and a second login begins anew', async (t) => {
  const { homeserver, ada, hears, chat, words } = await start(t);
  const room = await chat(ada);
  homeserver.say(ada, room, 'login token');
  await hears(room, /^Your nick:/);
  homeserver.say(ada, room, 'cancel');
  await hears(room, /^You are not logged in\.$/);
  homeserver.say(ada, room, 'cancel');
  await hears(room, /^There is nothing to cancel/);
  homeserver.say(ada, room, 'login token');
  await until('a second question', () => words(room).filter((body) => body.startsWith('Your nick')).length === 2 || undefined);
  homeserver.say(ada, room, 'login token');
  await hears(room, /^Your token:/);
  homeserver.say(ada, room, '!nonsense');
  await hears(room, /^You are not logged in: the network does not know that token\. Say “login”/);
});

test('a page: the link, the end told by the browser, also when the bridge was started anew in between', async (t) => {
  const { bridge, homeserver, ada, hears, chat } = await start(t);
  const room = await chat(ada);
  homeserver.say(ada, room, 'login page');
  const [page = ''] = /https:\S+/.exec(await hears(room, /^Open this page to go on: https/)) ?? [];
  await hears(room, /^I shall say so here once you are logged in/);
  await bridge.restart();
  bridge.adapter().door.pages.set(page, userId(ada));
  await bridge.adapter().door.finish(page, 'ada');
  await hears(room, /^You are logged in as ada on Fake/);
});

test('an answer that comes after a restart is known for a secret: taken away, and never repeated', async (t) => {
  const { bridge, homeserver, ada, hears, chat, words } = await start(t);
  const room = await chat(ada, 50);
  homeserver.say(ada, room, 'login token');
  await hears(room, /^Your nick:/);
  homeserver.say(ada, room, 'ada');
  await hears(room, /^Your token:/);
  await bridge.restart();
  const secret = homeserver.say(ada, room, 'swordfish');
  await hears(room, /^That came too late/);
  await until('the secret to be gone', () => homeserver.room(room).byId.get(secret)?.content.body === undefined || undefined);
  assert.ok(!words(room).some((body) => body.includes('swordfish')));
});

test('logins outlive a restart; the network’s refusal is told in a direct chat, with a way back', async (t) => {
  const stage = await start(t);
  const { bridge, homeserver, ada, hears, chat, opened } = stage;
  const room = await chat(ada);
  await logIn(stage, ada, room, 'ada');
  await bridge.restart();
  homeserver.join(ada, bridge.room);
  homeserver.say(ada, bridge.room, 'still me');
  await until('her voice', () => bridge.network.said('#place').includes('ada: still me') || undefined);
  homeserver.leave(ada, room);
  await homeserver.drained();
  const speaker = { as: 'user', user: userId(ada) } as const;
  bridge.adapter().inbox.connection(speaker, 'fake', 'logged-out', 'token_revoked');
  bridge.adapter().inbox.connection(speaker, 'fake', 'logged-out', 'token_revoked');
  const fresh = await opened(ada);
  const told = await hears(fresh, /^Fake no longer takes your login as ada on Fake \(token_revoked\)/);
  assert.match(told, /say “login” here, or open https:\/\/fake\.test\/login\/1$/);
  homeserver.say(ada, bridge.room, 'not me');
  await until('the bot', () => bridge.network.said('#place').some((line) => /^causeway: .*not me/.test(line)) || undefined);
  homeserver.join(ada, fresh);
  homeserver.say(ada, fresh, 'whoami');
  await hears(fresh, /the network no longer takes that login/);
  await bridge.adapter().door.finish('https://fake.test/login/1', 'ada');
  await hears(fresh, /^You are logged in as ada on Fake/);
});

test('an account that another takes over is theirs; the former is told', async (t) => {
  const stage = await start(t);
  const { homeserver, ada, hears, chat } = stage;
  const bob = homeserver.user('bob');
  const [hers, his] = [await chat(ada), await chat(bob)];
  await logIn(stage, ada, hers, 'ada');
  await logIn(stage, bob, his, 'ada');
  await hears(hers, /^ada on Fake was taken over by another Matrix account/);
  await logIn(stage, bob, his, 'bob');
  await hears(his, /logged in as bob on Fake, in place of ada on Fake/);
});

test('who may not use the bridge cannot log in, nor end a login of another; an admin can', async (t) => {
  const stage = await start(t);
  const { bridge, homeserver, ada, hears, chat } = stage;
  await logIn(stage, ada, await chat(ada), 'ada');
  const [none, bob, op] = ['none', 'bob', 'op'].map((name) => homeserver.user(name)) as [string, string, string];
  for (const person of [none, bob, op]) homeserver.join(person, bridge.room);
  homeserver.say(none, bridge.room, '!fake login token');
  await hears(bridge.room, /@none:hs.test may not log in/);
  homeserver.say(bob, bridge.room, '!fake logout fake/ada');
  await hears(bridge.room, /^That was not done: you are not logged in/);
  homeserver.say(op, bridge.room, '!fake status');
  await hears(bridge.room, /^1 login$/m);
  homeserver.say(op, bridge.room, '!fake logout fake/ada');
  await hears(bridge.room, /^@ada:hs.test is no longer logged in as ada on Fake/);
});
