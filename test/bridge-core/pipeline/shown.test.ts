// What stands in a channel's rooms, as adapters are told it; and that what they then find, and hear as well, happens once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remoteMessageId } from '#bridge-core';
import { shownBetween, threadsShown } from '../../../bridge-core/pipeline/shown.ts';
import { personOf, remoteIdOf } from '../../support/fake-adapter/events.ts';
import { inFake } from '../../support/fake-adapter.ts';
import { type Pipeline, startPipeline } from './pipeline-rig.ts';

const channel = inFake('#chan');
const number = ({ id }: { id: string }) => Number(id.slice(1));
const standing = (p: Pipeline) =>
  shownBetween(p.parts, channel, remoteMessageId('m0'), remoteMessageId('m99')).sort((one, other) => number(one) - number(other));
const reaction = (to: string, key: string) => ({ 'm.relates_to': { rel_type: 'm.annotation', event_id: to, key } });

test('messages of both sides, who gave what to them, threads, and what is gone', async (t) => {
  const p = await startPipeline(t, { adapter: { threads: true } });
  const room = p.room();
  await p.link(room, '#chan');
  const first = p.network.say('zoe', '#chan', 'first').id;
  p.network.react('yan', '#chan', first, '🎉', true);
  p.network.say('yan', '#chan', 'in its thread', { thread: first });
  const second = p.network.say('zoe', '#chan', 'second').id;
  await p.settled();
  const event = p.hs.messages(room)[0]?.event_id ?? '';
  p.hs.say(p.alice, room, reaction(event, '👍'), 'm.reaction');
  const third = p.hs.say(p.alice, room, 'third');
  await p.settled();
  p.network.redact('zoe', '#chan', second);
  await p.settled();
  const [one, reply, two, three] = standing(p);
  assert.deepEqual(
    one?.reactions.map(({ emoji, by }) => [emoji, by]).sort(),
    [
      ['🎉', remoteIdOf('yan')],
      ['👍', remoteIdOf('alice[m]')],
    ].sort(),
  );
  assert.deepEqual([one?.sender, one?.thread, one?.isGone], [remoteIdOf('zoe'), undefined, false]);
  assert.deepEqual([reply?.sender, reply?.thread], [remoteIdOf('yan'), remoteMessageId(first)]);
  assert.deepEqual([two?.id, two?.isGone], [second, true]);
  assert.deepEqual([three?.sender, three?.isGone], [undefined, false]);
  p.hs.redact(p.alice, room, third);
  await p.settled();
  assert.equal(standing(p)[3]?.isGone, true, 'what Matrix took away on the network is gone as well');
  assert.deepEqual(threadsShown(p.parts, channel, 0, 5), [first]);
  assert.deepEqual(threadsShown(p.parts, channel, Date.now() + 1_000, 5), []);
});

test('what is on its way already counts as shown', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  p.hs.fault({ on: 'PUT .*/send/', act: { wait: 200 }, times: 1 });
  const { id } = p.network.say('zoe', '#chan', 'first');
  await p.parts.adapter.reported();
  assert.deepEqual(standing(p), [{ id, isGone: false, reactions: [], sender: remoteIdOf('zoe') }]);
  await p.settled();
});

test('what was found and is told of by an event as well happens once', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const { id } = p.network.say('zoe', '#chan', 'first');
  await p.settled();
  const found = { at: Date.now(), channel, sender: personOf('yan'), target: remoteMessageId(id) };
  const give = async (event: object) => {
    await p.parts.gaps.receive({ ...found, ...event } as never);
    await p.settled();
  };
  const count = (type: string) => p.hs.events(room).filter((event) => event.type === type).length;
  for (const _ of [1, 2]) await give({ kind: 'reaction', emoji: '🎉', on: true });
  assert.equal(count('m.reaction'), 1);
  for (const _ of [1, 2]) await give({ kind: 'reaction', emoji: '🎉', on: false });
  assert.equal(count('m.room.redaction'), 1);
  for (const _ of [1, 2]) await give({ kind: 'redaction', sender: personOf('zoe') });
  await give({ kind: 'edit', sender: personOf('zoe'), body: 'mended', style: 'text' });
  assert.equal(count('m.room.redaction'), 2);
  assert.equal(count('m.room.message'), 1, 'nobody mends what is gone');
});

test('a reaction that one of ours gave from Matrix is not shown again when it is found on the network', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const { id } = p.network.say('zoe', '#chan', 'first');
  await p.settled();
  p.hs.say(p.alice, room, reaction(p.hs.messages(room)[0]?.event_id ?? '', '👍'), 'm.reaction');
  await p.settled();
  const found = { at: Date.now(), channel, sender: personOf('alice[m]'), target: remoteMessageId(id) };
  await p.parts.gaps.receive({ ...found, kind: 'reaction', emoji: '👍\ufe0f', on: true });
  await p.settled();
  assert.deepEqual(
    p.hs
      .events(room)
      .filter(({ type }) => type === 'm.reaction')
      .map(({ sender }) => sender),
    [p.alice],
  );
});

test('of what another bridge had carried nothing is concluded, not from a sign that somebody gave to it since either', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  const link = await p.link(room, '#chan');
  const { id } = p.network.say('zoe', '#chan', 'first');
  await p.settled();
  const event = p.hs.messages(room)[0]?.event_id ?? '';
  assert.equal(standing(p).length, 1);
  await p.parts.store.write(() => p.parts.store.prepare("UPDATE relations SET sender = '', author = NULL WHERE link = ?").run(link.id));
  assert.deepEqual(standing(p), []);
  p.hs.say(p.alice, room, reaction(event, '👍'), 'm.reaction');
  await p.settled();
  assert.ok(p.network.find('#chan', id)?.reactions.size === 1, 'it is given there');
  assert.deepEqual(standing(p), []);
});
