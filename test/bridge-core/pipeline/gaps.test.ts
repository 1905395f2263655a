// What was said while nobody of ours listened, fetched by the core: before what comes live, once, over crashes, and told where
// it cannot be had.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { PermanentError, RetryableError } from '../../../bridge-core/errors.ts';
import type { RoomId } from '../../../bridge-core/ids.ts';
import { until } from '../../support/waiting.ts';
import { type Pipeline, type PipelineWish, startPipeline } from './pipeline-rig.ts';

type Begun = Pipeline & { at: RoomId };

async function begin(t: Parameters<typeof startPipeline>[0], wish: PipelineWish = {}): Promise<Begun> {
  const p = await startPipeline(t, { ...wish, adapter: { closesGaps: false, ...wish.adapter } });
  const room = p.room();
  await p.link(room, '#chan');
  p.network.say('zoe', '#chan', 'before');
  await until('before', () => p.inRoom(room).length === 1);
  await p.settled();
  return Object.assign(p, { at: room });
}

const said = (p: Begun, room = p.at) => p.hs.messages(room).map(({ content }) => String(content.body));
const heard = (p: Begun) => p.temp.committed("SELECT id FROM heard WHERE channel = 'fake/#chan'");
const heldRows = (p: Begun) => p.temp.committed("SELECT count(*) FROM journal WHERE lane LIKE '% held'");
const sayAll = (p: Begun, ...lines: string[]) => lines.map((line, at) => p.network.say(at % 2 === 0 ? 'zoe' : 'yan', '#chan', line));

/** Asking for what was said waits until it is let go. */
function holdHistory(p: Begun): { go: () => void; asked: () => string[] } {
  const asked: string[] = [];
  let go: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  p.network.opensHistory = async (channel) => {
    asked.push(channel);
    await gate;
  };
  return { go, asked: () => asked };
}

test('what was said while the network was away comes first, at the time that it was said; then what came live', async (t) => {
  const p = await begin(t);
  p.network.down();
  sayAll(p, 'missed one', 'missed two');
  const history = holdHistory(p);
  p.network.up();
  await until('being asked', () => history.asked().length === 1);
  sayAll(p, 'live one', 'live two');
  await p.parts.adapter.reported();
  assert.equal(heldRows(p), 2);
  assert.deepEqual(said(p), ['before']);
  history.go();
  await until('the last', () => said(p).includes('live two'));
  await p.settled();
  assert.deepEqual(said(p), ['before', 'missed one', 'missed two', 'live one', 'live two']);
  assert.ok(p.parts.counts.includes('gap_fills filled'));
  assert.ok(p.parts.counts.includes('replayed_messages 2'));
  assert.equal(heard(p), p.network.channel('#chan').messages.at(-1)?.id);
});

test('what was said while the bridge was down is fetched at its start, whatever rooms the channel has', async (t) => {
  const p = await begin(t);
  const other = p.room();
  await p.link(other, '#chan');
  await p.parts.adapter.disconnect();
  sayAll(p, 'missed');
  await p.restart();
  await until('both', () => said(p).includes('missed') && said(p, other).includes('missed'));
  sayAll(p, 'live');
  await until('live', () => said(p).includes('live'));
  await p.settled();
  assert.deepEqual(said(p), ['before', 'missed', 'live']);
  assert.deepEqual(said(p, other), ['missed', 'live']);
});

test('a crash while something is held: it waits for what was missed again, and all is there once', async (t) => {
  const p = await begin(t);
  p.network.down();
  sayAll(p, 'missed one', 'missed two', 'missed three');
  const first = holdHistory(p);
  p.network.up();
  await until('being asked', () => first.asked().length === 1);
  sayAll(p, 'live one', 'live two');
  await p.parts.adapter.reported();
  p.network.opensHistory = async () => {};
  await p.restart();
  await until('the last', () => said(p).includes('live two'));
  await p.settled();
  assert.deepEqual(said(p), ['before', 'missed one', 'missed two', 'missed three', 'live one', 'live two']);
  first.go();
  await delay(20);
  assert.equal(said(p).length, 6);
});

test('the connection lost in the middle: it goes on where it stopped', async (t) => {
  const p = await begin(t, { gaps: { firstDelay: 20 } });
  p.network.down();
  sayAll(p, 'one', 'two', 'three', 'four');
  const { history } = p.parts.adapter;
  let times = 0;
  p.parts.adapter.history = async function* (channel, since, most) {
    times += 1;
    let given = 0;
    for await (const event of history.call(p.parts.adapter, channel, since, most)) {
      if (times === 1 && given === 2) throw new RetryableError('NETWORK_BUSY', 'come again');
      given += 1;
      yield event;
    }
  };
  p.network.up();
  await until('the last', () => said(p).includes('four'));
  await p.settled();
  assert.deepEqual(said(p), ['before', 'one', 'two', 'three', 'four']);
  assert.equal(times, 2);
});

for (const [what, error] of [
  ['fails for long', new RetryableError('NETWORK_BUSY', 'come again')],
  ['is refused', new PermanentError('NETWORK_REFUSED', 'no')],
  ['is broken', new TypeError('oops')],
] as const) {
  test(`where the history ${what}, what came live goes on behind a word of what may be missing`, async (t) => {
    const p = await begin(t, { gaps: { giveUp: 150, firstDelay: 20 } });
    p.network.down();
    sayAll(p, 'missed');
    p.network.opensHistory = async () => {
      await delay(10);
      throw error;
    };
    p.network.up();
    sayAll(p, 'live');
    await until('live', () => said(p).includes('live'));
    await p.settled();
    assert.equal(said(p).length, 3);
    assert.match(said(p)[1] ?? '', /^Messages between .* may be missing here/);
    assert.ok(p.parts.counts.includes('gap_fills given_up'));
    sayAll(p, 'later');
    await until('later', () => said(p).includes('later'));
  });
}

test('an adapter that stands still holds up nothing for good', async (t) => {
  const p = await begin(t, { gaps: { giveUp: 100 } });
  p.network.down();
  const history = holdHistory(p);
  p.network.up();
  sayAll(p, 'live');
  await until('live', () => said(p).includes('live'));
  history.go();
  await p.settled();
  assert.match(said(p)[1] ?? '', /may be missing here/);
});

test('more than may be fetched: as much as may, then a word of the rest', async (t) => {
  const p = await begin(t, { history: { gap: 2 } });
  p.network.down();
  sayAll(p, 'one', 'two', 'three', 'four');
  p.network.up();
  await until('the word', () => said(p).length === 4);
  sayAll(p, 'live');
  await until('live', () => said(p).includes('live'));
  await p.settled();
  assert.deepEqual(said(p).toSpliced(3, 1), ['before', 'one', 'two', 'live']);
  assert.match(said(p)[3] ?? '', /may be missing here/);
});

test('many channels: the most lively first, two at once, and one where somebody speaks before those that wait', async (t) => {
  const p = await begin(t);
  const names = ['#one', '#two', '#three', '#four', '#five'];
  for (const [at, name] of names.entries()) {
    await p.link(p.room(), name);
    p.network.say('zoe', name, 'hello');
    await until(name, () => p.temp.committed('SELECT count(*) FROM heard') === at + 2);
    await delay(2);
  }
  await p.settled();
  p.network.down();
  const asked: string[] = [];
  const gates: (() => void)[] = [];
  p.network.opensHistory = async (channel) => {
    asked.push(channel);
    await new Promise<void>((resolve) => gates.push(resolve));
  };
  p.network.up();
  await until('two', () => asked.length === 2);
  p.network.say('zoe', '#one', 'is anybody there?');
  await until('held', () => heldRows(p) === 1);
  assert.deepEqual(asked, ['#five', '#four']);
  gates.shift()?.();
  await until('a third', () => asked.length === 3);
  while (asked.length < 6) {
    for (const go of gates.splice(0)) go();
    await delay(5);
  }
  for (const go of gates.splice(0)) go();
  assert.deepEqual(asked, ['#five', '#four', '#one', '#three', '#two', '#chan']);
  await p.settled();
});

test('a new link brings along as many old messages as it is told to, and what is on them, to its own room alone', async (t) => {
  const p = await begin(t, { history: { onLink: 2 } });
  const [, three] = sayAll(p, 'two', 'three');
  await until('three', () => said(p).includes('three'));
  for (const { id } of p.network.channel('#chan').messages.filter(({ body }) => body !== 'two')) p.network.react('zoe', '#chan', id, '👍');
  const other = p.room();
  await p.link(other, '#chan');
  await until('two of them', () => said(p, other).length === 2);
  sayAll(p, 'live');
  await until('live', () => said(p, other).includes('live'));
  await p.settled();
  assert.deepEqual(said(p, other), ['two', 'three', 'live']);
  assert.deepEqual(said(p), ['before', 'two', 'three', 'live']);
  const signs = p.hs.events(other).filter(({ type }) => type === 'm.reaction');
  const reacted = p.hs.messages(other).find(({ content }) => content.body === three?.body)?.event_id;
  assert.deepEqual(
    signs.map(({ content }) => (content['m.relates_to'] as { event_id: string }).event_id),
    [reacted],
  );
});

test('what a link brings along that was made while the network was away comes once it is back, whoever closes the gaps', async (t) => {
  for (const closesGaps of [false, true]) {
    const p = await begin(t, { history: { onLink: 2 }, adapter: { closesGaps } });
    sayAll(p, 'two', 'three');
    await until('three', () => said(p).includes('three'));
    p.network.down();
    const other = p.room();
    await p.link(other, '#chan');
    assert.deepEqual(said(p, other), []);
    p.network.up();
    await until('two of them', () => said(p, other).length === 2);
    sayAll(p, 'live');
    await until('live', () => said(p, other).includes('live'));
    await p.settled();
    assert.deepEqual(said(p, other), ['two', 'three', 'live']);
  }
});

test('a channel whose last link is gone is forgotten: linked again it begins anew', async (t) => {
  const p = await begin(t);
  await p.parts.links.remove(p.parts.links.all()[0]?.id ?? 0);
  await p.parts.store.flush();
  assert.equal(heard(p), undefined);
  sayAll(p, 'unheard');
  await delay(5);
  await p.link(p.at, '#chan');
  p.network.down();
  p.network.up();
  sayAll(p, 'live');
  await until('live', () => said(p).includes('live'));
  await p.settled();
  assert.deepEqual(said(p), ['before', 'live']);
});

test('where the adapter closes gaps itself nothing is asked, and nothing noted', async (t) => {
  const p = await begin(t, { adapter: { closesGaps: true } });
  let asked = 0;
  p.network.opensHistory = async () => {
    asked += 1;
  };
  p.network.down();
  sayAll(p, 'missed');
  p.network.up();
  await until('missed', () => said(p).includes('missed'));
  await p.settled();
  assert.equal(asked, 0);
  assert.equal(p.temp.committed('SELECT count(*) FROM heard'), 0);
});

test('whatever goes away and comes back, and in the middle of whatever: every line is there once, in order', async (t) => {
  const seed = Date.now() % 100_000;
  t.diagnostic(`seed ${seed}`);
  let state = seed;
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const p = await begin(t, { gaps: { firstDelay: 5 }, timing: { parkTries: 1_000, parkAfter: 60_000 } });
  const lines = ['before'];
  const say = () => {
    for (let n = random(4); n > 0; n -= 1) {
      lines.push(`line ${lines.length}`);
      p.network.say(n % 2 === 0 ? 'zoe' : 'yan', '#chan', lines.at(-1) ?? '');
    }
  };
  p.network.opensHistory = async () => {
    await delay(random(15));
    if (random(4) === 0) throw new RetryableError('NETWORK_BUSY', 'come again', { after: 5 });
  };
  for (let step = 0; step < 40; step += 1) {
    say();
    await delay(random(10));
    const what = random(6);
    if (what === 0 && p.network.isUp) p.network.down();
    else if (what <= 2 && !p.network.isUp) p.network.up();
    else if (what === 3 && p.network.isUp) await p.restart();
    else if (what === 4)
      p.hs.fault({ on: 'PUT /_matrix/client/v3/rooms/.*', act: { drop: random(2) === 0 ? 'before' : 'after' }, times: 1 });
  }
  if (!p.network.isUp) p.network.up();
  say();
  lines.push('end');
  p.network.say('zoe', '#chan', 'end');
  await until('the end', () => said(p).includes('end'));
  await p.settled();
  assert.deepEqual(said(p), lines);
});
