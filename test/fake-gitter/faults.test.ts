// Trouble that the fake makes when told to: in calls, in what Faye delivers, in connections.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeliveryFault } from '../support/fake-gitter.ts';
import { until } from '../support/waiting.ts';
import { apiOf, listen, org } from './org.ts';

const sending = 'POST /rooms/:room/chatMessages';

test('a lost answer leaves the work done, a lost call does not; both look alike to the caller', async (t) => {
  const { gitter, ann, room, api, path } = await org(t);
  const post = (text: string) =>
    api('POST', `${path}/chatMessages`, { text }).then(
      ({ status }) => status,
      () => 'broken',
    );
  for (const act of [{ drop: 'after' }, { drop: 'before' }, { doneBut: 502 }, { truncate: true }, { status: 503 }] as const)
    gitter.fault({ on: sending, times: 1, act });
  assert.deepEqual(
    [await post('done'), await post('undone'), await post('done, but 502'), await post('half told'), await post('refused')],
    ['broken', 'broken', 502, 'broken', 503],
  );
  assert.equal(await post('well'), 200);
  assert.deepEqual(ann.texts(room), ['done', 'done, but 502', 'half told', 'well']);
  const [lost, undone] = gitter.callsOf(sending);
  assert.deepEqual([lost?.answer, undone?.answer, lost?.fault, lost?.body.text], [undefined, undefined, { drop: 'after' }, 'done']);
});

test('faults hit the calls that they are meant for, as often as they are told to', async (t) => {
  const { gitter, bob, api, path } = await org(t);
  const theirs = apiOf(gitter, gitter.tokenOf(bob));
  const status = async (who = api) => (await who('GET', path)).status;
  gitter.fault({ on: 'GET /rooms/:room', username: 'bob', times: 1, act: { limited: 7000 } });
  assert.equal(await status(), 200);
  const asked = gitter.clock.now();
  const limited = await theirs('GET', path);
  const reset = Number(limited.headers.get('x-ratelimit-reset'));
  assert.ok(reset >= asked + 7000 && reset <= gitter.clock.now() + 7000, 'so long from the answer on');
  assert.deepEqual([limited.status, limited.headers.get('x-ratelimit-remaining')], [429, '0']);
  gitter.fault({ on: /^GET \/rooms/, after: 1, every: 2, times: 2, act: { status: 502 } });
  assert.deepEqual([await status(), await status(), await status(), await status(), await status()], [200, 200, 502, 200, 502]);
  gitter.fault({ on: '/api/v1/user', act: { status: 500, body: 'oops' } });
  assert.deepEqual([(await api('GET', '/user')).status, await status()], [500, 200]);
  gitter.clearFaults();
  assert.equal((await api('GET', '/user')).status, 200);
});

test('a call may be slow before or after its work', async (t) => {
  const { gitter, ann, room, token, api, path } = await org(t);
  const impatient = new AbortController();
  const post = (text: string) =>
    fetch(`${gitter.apiUrl}${path}/chatMessages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
      signal: impatient.signal,
    });
  gitter.fault({ on: sending, times: 1, act: { wait: 4_000, when: 'after' } });
  const posted = post('in time for Gitter');
  await until('its work', () => ann.texts(room).length > 0);
  impatient.abort();
  await assert.rejects(posted, { name: 'AbortError' });
  assert.deepEqual(ann.texts(room), ['in time for Gitter']);
  gitter.setLatency(20);
  const before = performance.now();
  await api('POST', `${path}/chatMessages`, { text: 'slow' });
  assert.ok(performance.now() - before >= 19);
});

interface Got {
  readonly texts: readonly string[];
  readonly numbers: readonly unknown[];
}

const deliveries: readonly (readonly [act: DeliveryFault['act'], got: Got])[] = [
  ['drop', { texts: ['a', 'c'], numbers: [1, 3] }],
  ['lose', { texts: ['a', 'c'], numbers: [1, 2] }],
  ['double', { texts: ['a', 'b', 'b', 'c'], numbers: [1, 2, 3, 4] }],
  ['reorder', { texts: ['a', 'c', 'b'], numbers: [1, 3, 2] }],
  ['skip', { texts: ['a', 'b', 'c'], numbers: [1, 3, 4] }],
  [{ delay: 60 }, { texts: ['a', 'c', 'b'], numbers: [1, 3, 2] }],
  [{ cut: 'after' }, { texts: ['a', 'b', 'c'], numbers: [1, 2, 3] }],
];

for (const [act, got] of deliveries)
  test(`what Faye delivers can suffer ${JSON.stringify(act)}`, async (t) => {
    const world = await org(t);
    const { gitter, ann, room, token, path } = world;
    const bridge = listen(world, token);
    await bridge.subscribe(`${path}/chatMessages`);
    gitter.deliveryFault({ on: 'chatMessages/create', transport: 'faye', username: 'relay', after: 1, times: 1, act });
    for (const text of ['a', 'b', 'c']) ann.say(room, text);
    await bridge.until('all', () => bridge.heard.length >= got.texts.length);
    assert.deepEqual({ texts: bridge.texts(), numbers: bridge.numbers() }, got);
  });

test('every delivery is written down with what became of it', async (t) => {
  const world = await org(t);
  const { gitter, ann, room, token, path } = world;
  const bridge = listen(world, token);
  await bridge.subscribe(`${path}/chatMessages`);
  await bridge.until('a line to it', () => gitter.faye.clientsOf('relay')[0]?.isReachable() === true);
  gitter.deliveryFault({ times: 1, act: 'drop' });
  ann.say(room, 'lost');
  ann.say(room, 'sent');
  gitter.cutFaye();
  ann.say(room, 'kept');
  const outcomes = gitter.deliveries.items.map(({ outcome, c, what, username }) => [outcome, c, what, username]);
  assert.deepEqual(outcomes, [
    ['lost', 1, 'chatMessages/create', 'relay'],
    ['sent', 2, 'chatMessages/create', 'relay'],
    ['kept', 3, 'chatMessages/create', 'relay'],
  ]);
  const delivery = await gitter.waitForDelivery('chatMessages/create', ({ outcome }) => outcome === 'kept');
  assert.equal(delivery.channel, `/api/v1${path}/chatMessages`);
});

test('long-polls and upgrades fail as any call can', async (t) => {
  const world = await org(t);
  const { gitter, ann, room, token, path } = world;
  gitter.fault({ on: 'POST /bayeux', times: 2, act: { status: 502 } });
  gitter.fault({ on: 'UPGRADE /bayeux', times: 1, act: { drop: 'before' } });
  const bridge = listen(world, token);
  await bridge.subscribe(`${path}/chatMessages`);
  ann.say(room, 'at last');
  await bridge.until('it', () => bridge.texts().includes('at last'));
});
