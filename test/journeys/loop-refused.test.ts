// Two bridges on one channel in one room would repeat each other for ever. Whoever claimed it first has it, by m.room.bridging;
// the other is told who holds it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 700;
const bot = '@ircbot:hs.test';
const held = { room: '', channel: '#held' };
const stale = { room: '', channel: '#stale' };
const stage = await openStage({
  channels: ['#stage', '#again'],
  refused: 1,
  async prepare({ makeRoom, link, matrixPerson, alice }) {
    const holder = await matrixPerson('otherbridge');
    held.room = await makeRoom({ name: 'held' });
    await holder.join(held.room);
    await alice.setState(held.room, 'm.room.power_levels', {
      ...(await alice.state(held.room, 'm.room.power_levels')),
      users: { [bot]: 50, [holder.userId]: 50 },
    });
    // As an older bridge writes it, under the network's other spelling.
    await holder.setState(held.room, 'm.room.bridging', { user_id: '@operator:hs.test', status: 'success' }, 'irc://LOCAL.test/#Held');
    await link(held.room, held.channel);
    stale.room = await makeRoom({ name: 'stale' });
    await alice.setState(stale.room, 'm.room.bridging', { user_id: '@operator:hs.test', status: 'failure' }, 'irc://local.test/#stale');
    await link(stale.room, stale.channel);
  },
});
const { alice } = stage;
const admin = await stage.matrixPerson('admin');
const bob = await stage.sitIn('Bob', '#stage', '#again', '#held', '#stale');
const claim = (room: string, channel: string) => alice.state(room, 'm.room.bridging', `irc://local.test/${channel}`);
const crosses = async ({ room, channel }: { room: string; channel: string }, text: string) => {
  const since = alice.mark();
  const bobSince = bob.mark();
  bob.say(channel, `irc ${text}`);
  await alice.waitForText(room, `irc ${text}`, { since });
  await alice.say(room, `matrix ${text}`);
  await bob.waitForText(channel, `matrix ${text}`, { since: bobSince });
};
const isSilent = async ({ room, channel }: { room: string; channel: string }) => {
  const [since, bobSince] = [alice.mark(), bob.mark()];
  bob.say(channel, 'irc in vain');
  await alice.say(room, 'matrix in vain');
  await delay(settle);
  assert.deepEqual(roomLines(alice.heard.slice(since), room, alice.userId), []);
  assert.deepEqual(ircLines(bob, channel, bobSince), []);
};

test('a channel that another bridge holds is not linked from the config: the room is told who holds it, and nothing crosses', async () => {
  const notice = await alice.waitForText(held.room, /holds/);
  assert.equal(notice.sender, bot);
  assert.match(
    notice.content.body,
    /^#held is not linked: @operator:hs\.test .*holds #held in this room|^#held is not linked: @otherbridge:hs\.test .*holds #held/,
  );
  assert.equal(await claim(held.room, '#held'), undefined, 'nothing of ours was written');
  await isSilent(held);
});

test('nor by command, which says the same', async () => {
  const room = await admin.createRoom({ name: 'by command', version: '11', powerLevels: { users: { [admin.userId]: 100, [bot]: 50 } } });
  await admin.setState(room, 'm.room.bridging', { user_id: '@operator:hs.test', status: 'success' }, 'irc://local.test/#byhand');
  await admin.invite(room, bot);
  await admin.waitForText(room, /^To link this room/);
  await admin.say(room, '!irc link #byhand');
  const refusal = await admin.waitForText(room, /^That was not done: /);
  assert.match(refusal.content.body, /@(operator|admin):hs\.test.* holds #byhand in this room/);
  assert.deepEqual(await admin.state(room, 'm.room.bridging', 'irc://local.test/#byhand'), {
    user_id: '@operator:hs.test',
    status: 'success',
  });
});

test('a claim that was given up is nobody’s', async () => {
  assert.deepEqual(await claim(stale.room, '#stale'), { user_id: bot, status: 'success' });
  await crosses(stale, 'one');
});

test('once the other gives it back and the config is read anew, the channel is ours', async () => {
  await alice.setState(held.room, 'm.room.bridging', { user_id: '@operator:hs.test', status: 'failure' }, 'irc://LOCAL.test/#Held');
  stage.bridge.signal('SIGHUP');
  await until('the claim', async () => (await claim(held.room, '#held'))?.status === 'success' || undefined);
  // What is claimed is carried a moment later, once it is noted here; the room's bridge info comes after that.
  await alice.waitFor(({ room, type }) => room === held.room && type === 'm.bridge');
  await crosses(held, 'two');
});

test('a claim written over a live one is put back once, and the room told; the second time the link yields', async () => {
  const place = stage.places['#again'] as { room: string; channel: string };
  await crosses(place, 'before');
  const since = alice.mark();
  await alice.setState(place.room, 'm.room.bridging', { user_id: '@operator:hs.test', status: 'success' }, 'irc://local.test/#again');
  await alice.waitForText(place.room, /tried to claim #again, which is linked to this room already/, { since });
  assert.deepEqual(await claim(place.room, '#again'), { user_id: bot, status: 'success' });
  await crosses(place, 'between');
  await alice.setState(place.room, 'm.room.bridging', { user_id: '@operator:hs.test', status: 'success' }, 'irc://local.test/#again');
  await alice.waitForText(place.room, /this bridge no longer carries it here/, { since });
  await isSilent(place);
  const notices = roomLines(alice.heard.slice(since), place.room).filter((line) => line.startsWith('ircbot'));
  assert.equal(notices.length, 2, String(notices));
  await crosses(stage.places['#stage'] as { room: string; channel: string }, 'elsewhere');
});

test('a claim on another channel, and one by somebody without power, change nothing', async () => {
  const place = stage.places['#stage'] as { room: string; channel: string };
  await alice.setState(place.room, 'm.room.bridging', { user_id: '@operator:hs.test', status: 'success' }, 'irc://local.test/#unrelated');
  await admin.join(place.room);
  await assert.rejects(
    admin.setState(place.room, 'm.room.bridging', { user_id: admin.userId, status: 'success' }, 'irc://local.test/#stage'),
  );
  await crosses(place, 'still');
  assert.deepEqual(
    roomLines(alice.heard, place.room).filter((line) => line.startsWith('ircbot')),
    [],
  );
});
