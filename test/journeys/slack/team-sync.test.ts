// A whole workspace comes to a real Synapse: each of its channels has a room, also where the bridge is killed while it makes them; what
// becomes of a channel becomes of its room.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MatrixError } from '../../support/matrix-person.ts';
import { until } from '../../support/waiting.ts';
import { openSlackStage } from './stage.ts';

const count = 24;
const numbers = Array.from({ length: count }, (_, number) => number);

const stage = await openSlackStage({
  config: { portals: { spaces: true, moderators: ['@alice:hs.test'] } },
  section: { team_sync: { deny: ['hr-*'], users: 'all', rooms_per_minute: 600 } },
  async prepare({ slack, team, ann, bob }) {
    for (const number of numbers) slack.addChannel(team, `room-${number}`, [ann, bob], { id: `C1ROOM${number}` });
    slack.addChannel(team, 'hr-pay', [ann], { id: 'C1HRPAY' });
    slack.addChannel(team, 'secret', [ann], { id: 'C1SECRET', isPrivate: true });
  },
});
const { alice, ann, bob, slack, bridge } = stage;
const { domain } = stage.synapse;
const aliasOf = (id: string) => `#slack_t0001_${id.toLowerCase()}:${domain}`;
const portals = async () => (await bridge.links('slack')).filter(({ channel }) => channel.startsWith('T0001/C1'));
const live = async () => (await portals()).filter(({ state }) => state === 'live');

test('each channel has one room, though the bridge was killed five times while they were made', { timeout: 180_000 }, async () => {
  for (const tenths of [1, 3, 5, 7, 9]) {
    await until(`${tenths} tenths of the rooms`, async () => (await live()).length >= (count * tenths) / 10, 60_000);
    await bridge.kill();
    await bridge.start();
  }
  await until('every room', async () => (await live()).length === count, 60_000);
  const all = await portals();
  assert.equal(new Set(all.map(({ room }) => room)).size, count);
  assert.deepEqual(all.map(({ channel }) => channel).toSorted(), numbers.map((number) => `T0001/C1ROOM${number}`).toSorted());
  for (const id of ['C1HRPAY', 'C1SECRET', 'C0GENERAL'])
    await assert.rejects(alice.join(aliasOf(id)), (error: MatrixError) => error.status === 404, id);
  assert.ok(slack.callsOf('conversations.info').length <= count, 'lists tell of channels, not a question for each');
});

test('who comes into one of them speaks and is heard there at once', async () => {
  const room = await alice.join(aliasOf('C1ROOM7'));
  assert.equal((await alice.state(room, 'm.room.name')).name, '#room-7');
  const mark = alice.mark();
  bob.say('C1ROOM7', 'hello from Slack');
  await alice.waitForText(room, 'hello from Slack', { since: mark });
  await alice.say(room, 'hello from Matrix');
  await bob.waitForMessage('C1ROOM7', 'hello from Matrix');
});

test('everybody of the workspace is known, and found by their name', async () => {
  const profile = await until('Ann', async () =>
    alice.call<{ displayname?: string }>('GET', `/v3/profile/${encodeURIComponent(stage.ghostOf(ann))}`).catch(() => undefined),
  );
  assert.equal(profile.displayname, 'Ann Example');
});

test('a channel that is renamed, archived, opened again and deleted takes its room along', { timeout: 60_000 }, async () => {
  const room = await alice.join(aliasOf('C1ROOM3'));
  const carol = await stage.matrixPerson('carol');
  await carol.join(room);
  const stateOf = (type: string) => alice.state(room, type).catch(() => undefined);
  ann.rename('C1ROOM3', 'liftoff');
  await until('the name', async () => (await stateOf('m.room.name'))?.name === '#liftoff');

  const mark = alice.mark();
  ann.archive('C1ROOM3');
  await alice.waitForText(room, /archived the channel/, { since: mark });
  await until('silence', async () => (await stateOf('m.room.power_levels'))?.events_default === 100);
  await assert.rejects(carol.say(room, 'anybody there?'), (error: MatrixError) => error.status === 403);
  ann.unarchive('C1ROOM3');
  await until('the open room', async () => (await stateOf('m.room.power_levels'))?.events_default === 0);
  await carol.say(room, 'here we are');
  await ann.waitForMessage('C1ROOM3', 'here we are');

  ann.deleteChannel('C1ROOM3');
  await until('the end of the room', async () => (await stateOf('m.room.tombstone'))?.body === 'The channel was deleted in Slack.');
  await alice.waitForText(room, /^The channel was deleted in Slack\./);
  await assert.rejects(carol.say(room, 'is it over?'), (error: MatrixError) => error.status === 403);
  await until('the link to be gone', async () => (await portals()).length === count - 1);
  const fresh = ann.createChannel('after-that');
  await until('its room', async () =>
    (await bridge.links('slack')).some(({ channel, state }) => channel.endsWith(fresh.id) && state === 'live'),
  );
});
