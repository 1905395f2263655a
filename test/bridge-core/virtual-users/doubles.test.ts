// People are shown as themselves by an access token that they gave: given in a direct chat alone, kept sealed, taken back, refused.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { type LoggedIn, startLoggedIn } from '../logged-in.ts';

async function start(t: TestContext): Promise<LoggedIn & { readonly direct: string; readonly token: string }> {
  const scene = await startLoggedIn(t, { settings: 'double_puppeting: token' });
  await scene.logIn(scene.ada, scene.bob);
  scene.homeserver.join(scene.ada, scene.room);
  // In a chat that the bridge makes for it: the one that she makes is to be the newer one.
  const rooms = () => [...scene.homeserver.world.rooms.keys()];
  await until('her login to be told', () =>
    rooms().some((room) => scene.words(room).some((body) => /^You are logged in as ada/.test(body))),
  );
  const direct = await scene.chat(scene.ada, 50);
  return { ...scene, direct, token: scene.homeserver.tokenOf(scene.ada) };
}

async function give({ homeserver, ada, direct, hears }: LoggedIn & { readonly direct: string }, token: string): Promise<string> {
  const said = homeserver.say(ada, direct, `double-puppet ${token}`);
  await hears(direct, /is shown as said by you from now on/);
  return said;
}

test('before a token is given her ghost shows it, then she herself, by that token, over a restart; off takes it back', async (t) => {
  const scene = await start(t);
  const { homeserver, network, ada, direct, token, hears } = scene;
  network.say('ada', '#place', 'one');
  await until('the ghost', () => scene.spoken().includes('fake_ada: one'));
  homeserver.say(ada, direct, 'double-puppet');
  await hears(direct, /whoever has the token can act as you/);
  const said = await give(scene, token);
  await until('the secret to be gone', () => homeserver.room(direct).byId.get(said)?.content.body === undefined || undefined);
  network.say('ada', '#place', 'two');
  await until('her line', () => scene.spoken().includes('ada: two'));
  await scene.restart();
  await until('the network', () => scene.adapter().status()[0]?.state === 'up');
  network.say('ada', '#place', 'three');
  await until('her line', () => scene.spoken().includes('ada: three'));
  await scene.settled();
  assert.deepEqual(network.said('#place'), ['ada: one', 'ada: two', 'ada: three']);
  const asHer = homeserver.requests.filter((request) => request.user === ada);
  assert.ok(asHer.length > 0 && asHer.every((request) => request.token === token));
  assert.ok(!readFileSync(scene.storePath).includes(token) && !readFileSync(`${scene.storePath}-wal`).includes(token));
  homeserver.say(ada, direct, 'double-puppet off');
  await hears(direct, /I have forgotten your access token/);
  network.say('ada', '#place', 'four');
  await until('the ghost', () => scene.spoken().includes('fake_ada: four'));
});

test('a token that is not hers, or nobody’s, or said in a room, is not taken', async (t) => {
  const scene = await start(t);
  const { homeserver, ada, bob, room, direct, token, hears } = scene;
  homeserver.say(ada, direct, `double-puppet ${homeserver.tokenOf(bob)}`);
  await hears(direct, /that access token is not yours/);
  homeserver.say(ada, direct, 'double-puppet nonsense');
  await hears(direct, /does not take that access token/);
  homeserver.say(ada, room, `!fake double-puppet ${token}`);
  await hears(room, /our direct chat alone.*sign that session out/);
  scene.network.say('ada', '#place', 'still the ghost');
  await until('the ghost', () => scene.spoken().includes('fake_ada: still the ghost'));
});

test('a token that died is noticed with the next line, which her ghost shows, and she is told once, over a restart too', async (t) => {
  const scene = await start(t);
  const { homeserver, network, direct, token, words } = scene;
  await give(scene, token);
  homeserver.world.accessTokens.delete(token);
  network.say('ada', '#place', 'one');
  network.say('ada', '#place', 'two');
  await until('the ghost', () => scene.spoken().includes('fake_ada: two'));
  const told = () => words(direct).filter((body) => body.startsWith('The homeserver no longer takes the access token'));
  await until('her to be told', () => told().length === 1);
  await scene.restart();
  await until('the network', () => scene.adapter().status()[0]?.state === 'up');
  network.say('ada', '#place', 'three');
  await until('the ghost', () => scene.spoken().includes('fake_ada: three'));
  await scene.settled();
  assert.equal(told().length, 1);
  assert.deepEqual(scene.spoken(), ['fake_ada: one', 'fake_ada: two', 'fake_ada: three']);
  homeserver.say(scene.ada, direct, `double-puppet ${homeserver.tokenOf(scene.ada)}`);
  await until('the other to be taken', () => words(direct).filter((body) => /is shown as said by you from now on/.test(body)).length === 2);
  network.say('ada', '#place', 'four');
  await until('her line', () => scene.spoken().includes('ada: four'));
});

test('limits that the homeserver sets her alone hold up nobody else', async (t) => {
  const scene = await start(t);
  const { homeserver, network, room, person } = scene;
  await give(scene, scene.token);
  homeserver.setState(person, room, 'm.room.power_levels', '', { users: { [homeserver.bot]: 50 } });
  homeserver.fault({
    on: 'PUT .*/send/m.room.message/',
    user: scene.ada,
    times: 1,
    act: { answer: 429, errcode: 'M_LIMIT_EXCEEDED', extra: { retry_after_ms: 3_000 } },
  });
  network.say('ada', '#place', 'too fast');
  await scene.logIn(scene.bob);
  homeserver.say(scene.ada, scene.direct, 'whoami');
  await scene.hears(scene.direct, /^You are ada/);
  assert.ok(!scene.spoken().includes('ada: too fast'), 'it waits still');
  await until('her line', () => scene.spoken().includes('ada: too fast'));
});

test('logging out of the network forgets the token', async (t) => {
  const scene = await start(t);
  const { homeserver, ada, direct, hears } = scene;
  await give(scene, scene.token);
  homeserver.say(ada, direct, 'logout');
  await hears(direct, /no longer logged in/);
  homeserver.say(ada, direct, 'double-puppet off');
  await hears(direct, /I have no access token of yours/);
});
