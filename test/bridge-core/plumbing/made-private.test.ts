// Channels that are made private while something is done for their rooms, on a whole bridge over the fakes: what was begun for all leads
// nobody there in the end.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { inFake } from '../../support/fake-adapter.ts';
import { until } from '../../support/waiting.ts';
import { startLoggedIn } from '../logged-in.ts';

async function begin(t: TestContext, isPrivateToo = true) {
  const bridge = await startLoggedIn(t, {
    settings: 'portals: { aliases: true, directory: true, spaces: true }\nmembership: { per_second: 1000 }',
    options: { mirror: { channels: true, people: 'off', isPrivateToo } },
  });
  const { homeserver, network, adapter } = bridge;
  await bridge.logIn(bridge.ada);
  const shows = (channel: string) => `dev.causeway://fake/fake/${channel}`;
  return {
    ...bridge,
    /** Its room, once there is nothing to be done for it but what is held. */
    async appear(name: string) {
      network.channel(name);
      adapter().inbox.changed?.(inFake(name));
      const rooms = () => [...homeserver.world.rooms.values()];
      return (await until(`the room of ${name}`, () => rooms().find((room) => room.stateOf('m.bridge', shows(name))))).id;
    },
    turn(name: string, isPrivate: boolean) {
      if (isPrivate) network.hidden.add(name);
      else network.hidden.delete(name);
      adapter().inbox.changed?.(inFake(name), isPrivate);
    },
    /** The first such request stands still from when it is `reached` until it is let `go`. */
    hold(on: string) {
      const [reached, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const gate = () => {
        reached.resolve();
        return gone.promise;
      };
      homeserver.fault({ on, times: 1, act: { gate } });
      t.after(() => gone.resolve());
      return { reached: reached.promise, go: () => gone.resolve() };
    },
    linkOf(name: string) {
      const store = new Sqlite(bridge.storePath, { readonly: true });
      const row = store.prepare('SELECT options FROM links WHERE channel = ?').get(inFake(name)) as { options: string } | undefined;
      store.close();
      return row === undefined ? undefined : (JSON.parse(row.options) as Record<string, unknown>);
    },
    isLedInto: (room: string) => [...homeserver.world.aliases.values()].includes(room),
    isInSpace: (room: string) =>
      [...homeserver.world.rooms.values()].some((each) => each.stateOf('m.space.child', room)?.content.via !== undefined),
  };
}

for (const [what, held] of [
  ['is made', 'POST .*/createRoom'],
  ['is listed', 'PUT .*/directory/list/room'],
] as const)
  test(`while its room ${what} for all: it is in no list then, no alias leads there, and it is closed`, async (t) => {
    const scene = await begin(t);
    const { homeserver } = scene;
    const request = scene.hold(held);
    const making = scene.appear('#lawn');
    await request.reached;
    scene.turn('#lawn', true);
    await until('it to be for few', () => scene.linkOf('#lawn')?.membersOnly === true);
    request.go();
    const room = await making;
    await until('no trace', () => !homeserver.world.listed.has(room) && !scene.isLedInto(room));
    await until('it to be closed', () => scene.linkOf('#lawn')?.guarded === true);
    assert.equal(homeserver.room(room).stateOf('m.room.join_rules')?.content.join_rule, 'invite');
  });

test('before its room could be made: it has one once it is for all again', async (t) => {
  const scene = await begin(t, false);
  const { homeserver, network } = scene;
  homeserver.fault({ on: 'POST .*/createRoom', act: { answer: 502 } });
  const making = scene.appear('#lawn');
  await until('the room to be asked for', () => homeserver.requests.some(({ path }) => path.endsWith('/createRoom')));
  scene.turn('#lawn', true);
  await until('it not to be wanted', () => scene.linkOf('#lawn') === undefined);
  homeserver.clearFaults();
  scene.turn('#lawn', false);
  const room = await making;
  await until('the words', () => {
    network.say('zoe', '#lawn', 'for all');
    return scene.spoken(room).includes('fake_zoe: for all');
  });
});

test('before its room is put into the space: it is not put in', async (t) => {
  const scene = await begin(t);
  const request = scene.hold('PUT .*/state/m.space.child');
  await scene.appear('#garden');
  await request.reached;
  const room = await scene.appear('#lawn');
  scene.turn('#lawn', true);
  await until('it to be closed', () => scene.linkOf('#lawn')?.guarded === true);
  request.go();
  const last = await scene.appear('#green');
  await until('the next to be in', () => scene.isInSpace(last));
  assert.ok(!scene.isInSpace(room));
});

test('while its room is put into the space: it is taken out again', async (t) => {
  const scene = await begin(t);
  const request = scene.hold('PUT .*/state/m.space.child');
  const room = await scene.appear('#lawn');
  await request.reached;
  scene.turn('#lawn', true);
  await until('it to be closed', () => scene.linkOf('#lawn')?.guarded === true);
  request.go();
  const last = await scene.appear('#green');
  await until('the next to be in', () => scene.isInSpace(last));
  await until('it to be out', () => !scene.isInSpace(room) && scene.linkOf('#lawn')?.inSpace === undefined);
});

test('while an alias more is led into its room: it leads nowhere', async (t) => {
  const scene = await begin(t);
  const room = await scene.appear('#lawn');
  const request = scene.hold('PUT .*/directory/room/');
  const answer = scene.homeserver.pusher.ask('GET', `/_matrix/app/v1/rooms/${encodeURIComponent('#fake_=23=4cawn:hs.test')}`);
  await request.reached;
  scene.turn('#lawn', true);
  await until('it to be closed', () => scene.linkOf('#lawn')?.guarded === true);
  request.go();
  assert.equal((await answer).status, 404);
  await until('no alias', () => !scene.isLedInto(room));
});
