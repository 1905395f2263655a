// What was said while only some might see it, in a room that others are in: at the edges, on a whole bridge over the fakes. Private
// channels have no room here.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Sqlite from 'better-sqlite3';
import type { Channel } from '../../../bridge-core/channel.ts';
import { type ChannelId, remoteUserId } from '../../../bridge-core/ids.ts';
import type { Mark, Said } from '../../../bridge-core/plumbing/kept-back.ts';
import { heldFrom, heldUntil, isKeptBack } from '../../../bridge-core/plumbing/kept-back.ts';
import type { Link } from '../../../bridge-core/plumbing/links.ts';
import { inFake } from '../../support/fake-adapter.ts';
import { until } from '../../support/waiting.ts';
import { startLoggedIn } from '../logged-in.ts';

async function begin(t: TestContext) {
  const settings = 'portals: { directory: true }\nmembership: { per_second: 1000 }';
  const bridge = await startLoggedIn(t, {
    settings,
    options: { mirror: { channels: true, people: 'off' }, history: true, closesGaps: false },
  });
  const { homeserver, network } = bridge;
  const { channels, inbox, mirror } = bridge.adapter();
  network.channel('#lawn');
  inbox.changed?.(inFake('#lawn'));
  const claim = 'fake://fake.test/#lawn';
  const room = await until('the room', () => [...homeserver.world.rooms.values()].find((each) => each.stateOf('m.room.bridging', claim)));
  const turn = (isPrivate: boolean) => {
    if (isPrivate) channels.hidden.add('#lawn');
    else channels.hidden.delete('#lawn');
    inbox.changed?.(inFake('#lawn'), isPrivate);
  };
  /** From now on; lets them be answered. */
  const looks = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    mirror.looks = () => promise;
    return resolve;
  };
  return {
    ...{ ...bridge, turn, looks },
    room: room.id,
    say: async (words: string) => {
      network.say('zoe', '#lawn', words);
      await bridge.adapter().reported();
    },
    shown: () => bridge.spoken(room.id).map((line) => line.replace('fake_zoe: ', '')),
  };
}

/** Says it until it is shown, for nothing tells when it is found out that all may hear. */
async function showsAgain({ say, shown }: Awaited<ReturnType<typeof begin>>): Promise<void> {
  await until('the words', async () => {
    await say('for all');
    return shown().includes('for all');
  });
}

test('made private and public again within a millisecond: what was said between is not shown, what follows is', async (t) => {
  const scene = await begin(t);
  await scene.say('before');
  await until('the words', () => scene.shown().includes('before'));
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const answer = scene.looks();
  scene.turn(true);
  await scene.say('for few');
  scene.turn(false);
  answer();
  await showsAgain(scene);
  assert.deepEqual([...new Set(scene.shown())], ['before', 'for all']);
});

test('what was shown before is taken back while its channel is private, too; who did that, and why, is not told', async (t) => {
  const scene = await begin(t);
  await scene.say('before');
  await until('the words', () => scene.shown().includes('before'));
  const answer = scene.looks();
  scene.turn(true);
  scene.network.redact('ned', '#lawn', scene.network.channel('#lawn').messages.at(-1)?.id ?? '', 'of the layoffs');
  await scene.adapter().reported();
  scene.turn(false);
  answer();
  await showsAgain(scene);
  const events = scene.homeserver.events(scene.room);
  assert.deepEqual(new Set(scene.shown()), new Set(['for all']));
  assert.deepEqual(
    events.filter(({ type }) => type === 'm.room.redaction').map(({ content }) => content.reason),
    [undefined],
  );
  assert.doesNotMatch(JSON.stringify(events), /layoffs|fake_ned/);
});

test('what was said while its room was shut is not read back when it is opened, what was said before is', async (t) => {
  const scene = await begin(t);
  await scene.say('before');
  await until('the words', () => scene.shown().includes('before'));
  scene.turn(true);
  await scene.hears(scene.room, /is private now/);
  await scene.say('for few');
  scene.turn(false);
  await scene.hears(scene.room, /is shown here again/);
  await showsAgain(scene);
  assert.deepEqual([...new Set(scene.shown())], ['before', 'for all']);
});

test('what still waits is not shown after a later time of the same either, nor after a start', async (t) => {
  const scene = await begin(t);
  await scene.say('before');
  await until('the words', () => scene.shown().includes('before'));
  scene.homeserver.fault({ on: 'PUT .*/send/m.room.message', act: { answer: 502 } });
  const store = new Sqlite(scene.storePath, { readonly: true });
  t.after(() => store.close());
  const times = () => store.prepare("SELECT sum(json_array_length(options, '$.kept')) FROM links").pluck().get() ?? 0;
  for (const [time, words] of ['for few', 'for few again', 'for few once more'].entries()) {
    const answer = scene.looks();
    scene.turn(true);
    await scene.say(words);
    scene.turn(false);
    answer();
    await until('it to be public again', () => times() === time + 1);
    await scene.say(`for all ${time}`);
  }
  await scene.restart({}, () => scene.homeserver.clearFaults());
  await until('the words', () => scene.shown().includes('for all 2'));
  assert.deepEqual(scene.shown(), ['before', 'for all 0', 'for all 1', 'for all 2']);
});

test('an answer of before it was made private once more opens nothing', async (t) => {
  const scene = await begin(t);
  const { mirror } = scene.adapter();
  const ask = mirror.channel.bind(mirror);
  const answers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let asked = 0;
  mirror.channel = async (id) => {
    const found = await ask(id);
    asked += 1;
    await answers[asked - 1]?.promise;
    return found;
  };
  scene.turn(true);
  scene.turn(false);
  await until('it to be asked', () => asked === 1);
  scene.turn(true);
  answers[0]?.resolve();
  await until('it to be asked again', () => asked === 2);
  await scene.say('for few');
  await scene.settled();
  answers[1]?.resolve();
  await scene.hears(scene.room, /is private now/);
  assert.deepEqual(scene.shown(), []);
});

test('what is said to be of a private channel is not shown in a room for all, however late it comes', async (t) => {
  const scene = await begin(t);
  const { inbox } = scene.adapter();
  const sender = { id: remoteUserId('fake/zoe'), name: 'zoe', fields: { nick: 'zoe' } };
  const base = { at: Date.now(), channel: inFake('#lawn'), isPrivate: true } as const;
  await inbox.receive({ ...base, kind: 'message', sender, body: 'for few', style: 'text' });
  await inbox.receive({ ...base, kind: 'channel', name: '#layoffs' });
  await inbox.receive({ ...base, kind: 'channel', topic: 'who goes' });
  await scene.say('for all');
  await until('the words', () => scene.shown().includes('for all'));
  assert.deepEqual(scene.shown(), ['for all']);
  const state = JSON.stringify(scene.homeserver.events(scene.room).map(({ content }) => content));
  assert.doesNotMatch(state, /layoffs|who goes/);
});

test('what clients show of it follows its name, but not while the network has it as private', async (t) => {
  const scene = await begin(t);
  const { inbox, channels } = scene.adapter();
  const describe = channels.describe.bind(channels);
  const now: Partial<Channel> = {};
  t.mock.method(channels, 'describe', (id: ChannelId) => ({ ...describe(id), ...now }));
  const shown = () =>
    scene.homeserver
      .events(scene.room)
      .filter(({ type }) => type === 'm.bridge')
      .map(({ content }) => (content.channel as { displayname: string }).displayname);
  const call = async (name: string, kind: 'public' | 'private') => {
    Object.assign(now, { name, kind });
    await inbox.receive({ kind: 'channel', at: Date.now(), channel: inFake('#lawn'), name });
  };
  await until('its first name', () => shown().at(-1) === '#lawn');
  await call('#meadow', 'public');
  await until('the name', () => shown().at(-1) === '#meadow');
  await call('#layoffs', 'private');
  await scene.settled();
  await call('#garden', 'public');
  await until('the name', () => shown().at(-1) === '#garden');
  assert.deepEqual(shown(), ['#lawn', '#meadow', '#garden']);
});

test('what was taken in before a channel was made private stays for all, in the same millisecond too; what is read back goes by its time', () => {
  const [from, to] = [{ seq: 5, at: 1_000 } as const, { seq: 9, at: 2_000 } as const];
  const link = { options: { kept: [{ from, to }] } } as unknown as Link;
  const told = (seq: number, at: number): Said => ({ seq, task: { do: 'show', event: { kind: 'message', at } } });
  for (const said of [told(5, 1_000), told(4, 1_500), told(10, 2_000), told(10, 999)])
    assert.ok(!isKeptBack(link, said), JSON.stringify(said));
  for (const said of [told(6, 1_000), told(9, 3_000), told(10, 1_000), told(20, 1_999)])
    assert.ok(isKeptBack(link, said), JSON.stringify(said));
});

test('where its id is what it is called, and another since it was made private: the room is claimed by the old one until it is public', async (t) => {
  const scene = await begin(t);
  const { homeserver, network, room } = scene;
  const { channels, inbox } = scene.adapter();
  const claims = (name: string) => homeserver.room(room).stateOf('m.room.bridging', `fake://fake.test/${name}`)?.content.status;
  const move = async (from: string, to: string) => {
    network.channel(to);
    channels.hidden.add(to);
    await inbox.moved?.(inFake(from), inFake(to));
    await scene.settled();
  };
  scene.turn(true);
  await scene.hears(room, /is private now/);
  await move('#lawn', '#layoffs');
  await move('#layoffs', '#garden');
  channels.hidden.delete('#garden');
  inbox.changed?.(inFake('#garden'));
  await until('the claims', () => claims('#garden') === 'success' && claims('#lawn') === 'failure');
  await scene.settled();
  const told = JSON.stringify(homeserver.events(room).map(({ state_key, content }) => [state_key, content]));
  assert.doesNotMatch(told, /layoffs/);
});

test('times without number run together, the first of them; nothing that was kept back is shown for that', () => {
  const mark = (seq: number): Mark => ({ seq, at: seq * 1_000 });
  const said = (seq: number): Said => ({ seq, task: { do: 'repeat' } });
  let link = { options: {} } as Link;
  const then = (options: Link['options']) => {
    link = { ...link, options: { ...link.options, ...options } };
  };
  for (let time = 1; time <= 40; time += 1) {
    then(heldFrom(link, mark(10 * time)));
    then(heldFrom(link, mark(10 * time + 1)));
    then(heldUntil(link, mark(10 * time + 5)));
    then(heldUntil(link, mark(10 * time + 6)));
  }
  assert.equal((link.options.kept as unknown[]).length, 16);
  for (let time = 1; time <= 40; time += 1) {
    assert.ok([1, 5].every((row) => isKeptBack(link, said(10 * time + row))));
    if (time > 26) assert.ok([0, 6].every((row) => !isKeptBack(link, said(10 * time + row))));
  }
});
