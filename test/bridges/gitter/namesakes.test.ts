// Of people that two bridges show in Gitter under one name: what the other one says is theirs, what we said is ours, from the first moment of
// a start and whatever became of the answers.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { GitterAdapter } from '../../../bridges/gitter/adapter.ts';
import type { FakeGitter, Room } from '../../support/fake-gitter.ts';
import { keptIn } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';
import { type GitterEvents, heard, quick, settingsFor, withAdapter } from './with-gitter.ts';

const quickly = { timeout: 180_000 };
const zoe = { style: 'text' as const, shownAs: { name: 'Zoe' }, by: '@zoe:hs.test' as never };

/** Another bridge's account, which speaks for whom it likes. */
function otherBridge(gitter: FakeGitter, room: Room) {
  const other = gitter.addPerson({ username: 'otherbridge', displayName: 'Other' });
  other.join(room);
  const token = gitter.tokenOf(other, gitter.addClient({ mayUseVirtualUsers: true }));
  return async (as: string, text: string) => {
    const body = JSON.stringify({ text, virtualUser: { type: 'matrix', externalId: as, displayName: 'Somebody' } });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${gitter.apiUrl}/rooms/${room.id}/chatMessages`, { method: 'POST', headers, body });
    assert.equal(answer.status, 200);
  };
}

const texts = (events: GitterEvents) => events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : []));

async function restarted(t: TestContext, org: Awaited<ReturnType<typeof withAdapter>>, meanwhile: () => Promise<void> = async () => {}) {
  const { adapter, gitter, token, tools, memory, channel } = org;
  await adapter.disconnect();
  await meanwhile();
  const next = new GitterAdapter(settingsFor(gitter, token), { ...tools, memory: keptIn(memory) }, quick);
  t.after(() => next.disconnect());
  void next.watch(channel);
  await next.connect();
  return next;
}

test('from the first moment of a start a namesake’s words are told, and what was posted in doubt before it is not', quickly, async (t) => {
  const org = await withAdapter(t, { isApproved: true });
  const { adapter, gitter, room, events, channel } = org;
  const say = otherBridge(gitter, room);
  const bot = await adapter.session({ as: 'bot' }, channel);
  await bot.send({ key: 'one', channel, body: { text: 'answered' }, ...zoe });
  gitter.fault({ on: 'POST /rooms/:room/chatMessages', times: 1, act: { drop: 'after' } });
  gitter.deliveryFault({ on: 'chatMessages/create', username: 'matrixbot', times: 1, act: 'lose' });
  await assert.rejects(bot.send({ key: 'two', channel, body: { text: 'in doubt' }, ...zoe }));
  // As where the process is killed in that moment: nobody heard it come back.
  const noted = new Map(org.memory);
  assert.ok([...noted.keys()].some((name) => name.startsWith('doubt ')));
  await restarted(t, org, async () => {
    for (const [name, value] of noted) org.memory.set(name, value);
    await say('zoe:hs.test', 'while we were away');
    await say('zoe:hs.test', 'in doubt');
  });
  await say('zoe:hs.test', 'just after the start');
  await heard(events, 'message', ({ body }) => body.text === 'just after the start');
  assert.deepEqual(
    texts(events).filter((text) => text !== 'answered'),
    ['while we were away', 'in doubt', 'just after the start'],
    'of the same words one message alone is ours; whether one that was answered is, the core knows',
  );
});

test('a doubt is over once the post is found, and the same words are the namesake’s then', quickly, async (t) => {
  const org = await withAdapter(t, { isApproved: true });
  const { adapter, gitter, room, events, channel } = org;
  const say = otherBridge(gitter, room);
  const bot = await adapter.session({ as: 'bot' }, channel);
  gitter.fault({ on: 'POST /rooms/:room/chatMessages', times: 1, act: { drop: 'after' } });
  gitter.deliveryFault({ on: 'chatMessages/create', username: 'matrixbot', times: 1, act: 'lose' });
  const message = { key: 'one', channel, body: { text: 'the same' }, ...zoe };
  await assert.rejects(bot.send(message));
  assert.equal(await bot.sent?.(message, Date.now() - 5_000, () => false), room.messages.at(-1)?.id);
  await say('zoe:hs.test', 'the same');
  await heard(events, 'message', ({ body }) => body.text === 'the same');
});

test(
  'over a restart what we said for people is not shown again, edited or not, and what a namesake said meanwhile is',
  quickly,
  async (t) => {
    const stage = await wholeBridge(t, { isApproved: true });
    const { gitter, room, homeserver, matrixRoom, person } = stage;
    const say = otherBridge(gitter, room);
    const shown = () =>
      homeserver
        .messages(matrixRoom)
        .flatMap(({ sender, content }) =>
          sender.startsWith('@gitter_')
            ? [`${sender} ${(content['m.new_content'] as { body?: string } | undefined)?.body ?? content.body}`]
            : [],
        );
    const first = homeserver.say(person, matrixRoom, 'by us');
    await until('it there', () => room.messages.some(({ text }) => text === 'by us') || undefined);
    homeserver.say(person, matrixRoom, 'and more');
    await until('it there', () => room.messages.some(({ text }) => text === 'and more') || undefined);
    gitter.deliveryFault({ username: 'matrixbot', act: 'lose' });
    homeserver.say(person, matrixRoom, {
      ...{ msgtype: 'm.text', body: '* by us, edited', 'm.new_content': { msgtype: 'm.text', body: 'by us, edited' } },
      'm.relates_to': { rel_type: 'm.replace', event_id: first },
    });
    await until('the edit there', () => room.messages.some(({ text }) => text === 'by us, edited') || undefined);
    await stage.stop();
    gitter.clearFaults();
    await say(person.slice(1), 'by the namesake');
    await stage.restart();
    await until('the namesake', () => shown().some((line) => line.endsWith('by the namesake')) || undefined);
    await until('the end', () => {
      stage.ann.say(room, 'the end');
      return shown().some((line) => line.endsWith('the end')) || undefined;
    });
    assert.deepEqual(
      shown().filter((line) => !line.endsWith('the end')),
      [`@gitter_matrix-${person.slice(1).replace(':', '=3a')}:hs.test by the namesake`],
    );
  },
);
