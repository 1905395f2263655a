// Trouble while both sides speak, and the bridge stays: transactions that repeat or break off, a homeserver that fails, forgets
// or is away, a ghost that it will not hear, an IRC server that is away. Nothing is lost, nothing doubles, the order holds, and
// who is not concerned is not held up.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openLoadedBridge } from '../support/loaded-bridge.ts';
import { judge, numbersFrom, type Spoken } from '../support/numbered-lines.ts';
import { until, untilAll } from '../support/waiting.ts';

const stage = await openLoadedBridge(after, { people: 5 });
const { homeserver, bridge, room, people, speakers, irc } = stage;
const ghosts = speakers.map(({ nick }) => `@irc_local_${nick}:hs.test`);
const sends = 'PUT .*/send/m\\.room\\.message/';

before(async () => {
  await stage.start();
  // A first word each way: everybody has their connection, and their ghost its place.
  await Promise.all([
    stage.sayInMatrix('firstUp', numbersFrom(0, people.length)),
    stage.sayOnIrc('firstDown', numbersFrom(0, speakers.length)),
  ]);
  await until('the first words on IRC', () => stage.heardOnIrc('firstUp').length === people.length);
  await until('the first words in the room', async () => (await stage.heardInMatrix('firstDown')).length === speakers.length);
});

/** When each number was said, ms since 1970. */
type Said = Map<number, number>;

/** Both sides say `<tag>Up <number>` and `<tag>Down <number>`, so many a second each, until `work` is done. */
async function underLoad(tag: string, rate: { readonly up?: number; readonly down?: number }, work: () => Promise<unknown>) {
  let isOver = false;
  const speak = async (perSecond: number, say: (numbers: readonly number[]) => Promise<void>): Promise<Said> => {
    const said: Said = new Map();
    const began = performance.now();
    for (let number = 0; perSecond > 0 && !(isOver && number % people.length === 0); number += 1) {
      await delay(Math.max(0, began + (number * 1_000) / perSecond - performance.now()));
      said.set(number, Date.now());
      await say([number]);
    }
    return said;
  };
  const up = speak(rate.up ?? 0, (numbers) => stage.sayInMatrix(`${tag}Up`, numbers));
  const down = speak(rate.down ?? 0, (numbers) => stage.sayOnIrc(`${tag}Down`, numbers));
  await work().finally(() => {
    isOver = true;
  });
  const over = Date.now();
  return { up: await up, down: await down, over };
}

/** While the trouble lasted, of what was said in its first half at least half arrived: how fast, is the machine's affair. */
function assertGoesOn(said: Said, heard: readonly Spoken[], over: number): void {
  const began = Math.min(...said.values());
  const early = [...said].flatMap(([number, at]) => (at < (began + over) / 2 ? [number] : []));
  const arrived = new Set(heard.flatMap(({ number, at }) => (at < over ? [number] : [])));
  const inTime = early.filter((number) => arrived.has(number));
  assert.ok(inTime.length >= early.length / 2, `${inTime.length} of ${early.length} arrived while the trouble lasted`);
}

/** All that was said in Matrix is heard on IRC: judged, with the longest time that a line took. */
async function arrivedOnIrc(tag: string, said: Said) {
  const heardSo = () => new Set(stage.heardOnIrc(tag).map(({ number }) => number)).size;
  await untilAll(`${tag} on IRC`, said.size, heardSo).catch(() => undefined);
  await delay(300);
  const heard = stage.heardOnIrc(tag);
  return { ...judge([...said.keys()], heard, people.length), heard, slowest: slowest(said, heard) };
}

/** All that was said on IRC stands in the room, once, in the channel's order. */
async function arrivedInMatrix(tag: string, said: Said): Promise<Spoken[]> {
  await untilAll(`${tag} in the room`, said.size, async () => (await stage.heardInMatrix(tag)).length).catch(() => undefined);
  await delay(300);
  const stands = await stage.heardInMatrix(tag);
  assert.deepEqual(
    stands.map(({ number }) => number),
    stage.heardOnIrc(tag).map(({ number }) => number),
  );
  assert.equal(stands.length, said.size);
  return stands;
}

function slowest(said: Said, heard: readonly Spoken[]): number {
  return Math.round(Math.max(0, ...heard.map(({ number, at }) => at - (said.get(number) ?? at))));
}

function eventSaying(text: string, id = text.replaceAll(' ', '')) {
  const [sender = ''] = people;
  const content = { msgtype: 'm.text', body: text };
  return { event_id: `$${id}`, room_id: room, sender, type: 'm.room.message', origin_server_ts: Date.now(), content };
}

async function push(id: string, body: string): Promise<number> {
  const headers = { authorization: `Bearer ${stage.hsToken}`, 'content-type': 'application/json' };
  return (await fetch(`${bridge.url}/_matrix/app/v1/transactions/${id}`, { method: 'PUT', headers, body })).status;
}

/** The head of a request for `length` bytes and fewer bytes than that; then the connection ends. */
async function pushInPart(id: string, body: string): Promise<void> {
  const { host, hostname, port } = new URL(bridge.url);
  const head = [`PUT /_matrix/app/v1/transactions/${id} HTTP/1.1`, `host: ${host}`, `authorization: Bearer ${stage.hsToken}`];
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {}).resume();
  socket.end(`${head.join('\r\n')}\r\ncontent-type: application/json\r\ncontent-length: ${body.length * 2}\r\n\r\n${body}`);
  await new Promise((resolve) => socket.once('close', resolve));
}

test('transactions that repeat, in whole or in part, or break off: each event is heard once, and others are not held up', async (t) => {
  const of = (...events: object[]) => JSON.stringify({ events });
  const { up, over } = await underLoad('amid', { up: 50 }, async () => {
    assert.equal(await push('h1', of(eventSaying('hand 0'))), 200);
    assert.equal(await push('h1', of(eventSaying('hand 0'))), 200, 'the same again');
    assert.equal(await push('h1', of(eventSaying('hand 1'))), 200, 'other events under the same number');
    assert.equal(await push('h2', of(eventSaying('hand 0'), eventSaying('hand 1'))), 200, 'the same events under another number');
    assert.equal(await push('h3', of(eventSaying('hand 2'), eventSaying('hand 2'), eventSaying('hand 3'))), 200, 'one event twice');
    assert.equal(await push('h4', of(eventSaying('hand 3'), eventSaying('hand 4'))), 200, 'a known event and a new one');
    const whole = of(eventSaying('hand 5'), eventSaying('hand 6'));
    assert.equal(await push('h5', whole.slice(0, -20)), 400, 'no JSON');
    await pushInPart('h5', whole.slice(0, -20));
    await pushInPart('h5', whole);
    await until('what came whole', () => stage.heardOnIrc('hand').length >= 5);
    await delay(500);
    assert.equal(stage.heardOnIrc('hand').length, 5, 'nothing of a body that broke off');
    assert.equal(await push('h5', whole), 200);
    assert.equal(await push('h5', whole), 200);
    await until('the last of it', () => stage.heardOnIrc('hand').length >= 7);
    await delay(500);
  });
  assert.deepEqual(
    stage.heardOnIrc('hand').map(({ number }) => number),
    numbersFrom(0, 7),
  );
  const verdict = await arrivedOnIrc('amidUp', up);
  assertWhole(t, verdict, up.size);
  assertGoesOn(up, verdict.heard, over);
});

function assertWhole(t: TestContext, verdict: Awaited<ReturnType<typeof arrivedOnIrc>>, said: number): void {
  const { slowest: took, heard: _, ...rest } = verdict;
  t.diagnostic(`Matrix → IRC: ${said} said, the slowest took ${took} ms`);
  assert.deepEqual(rest, { lost: [], doubled: [], wrong: [] });
}

test('a storm of failures from the homeserver, some of them untrue: every line once, in order; the other way is not held up', async (t) => {
  const { up, down, over } = await underLoad('storm', { up: 30, down: 30 }, async () => {
    await homeserver.call('fault', { on: sends, every: 3, act: { answer: 500 } });
    await homeserver.call('fault', { on: sends, every: 3, act: { answer: 502, done: true } });
    await homeserver.call('fault', { on: sends, every: 5, act: { drop: 'after' } });
    await delay(6_000);
    await homeserver.call('clearFaults');
  });
  const stands = await arrivedInMatrix('stormDown', down);
  t.diagnostic(`IRC → Matrix: ${down.size} said, the slowest took ${slowest(down, stands)} ms`);
  const verdict = await arrivedOnIrc('stormUp', up);
  assertWhole(t, verdict, up.size);
  assertGoesOn(up, verdict.heard, over);
});

test('two ghosts that the homeserver will not hear, one refused and one failing: the others go on, nothing of theirs is lost', async (t) => {
  const [, refused = '', failing = ''] = ghosts;
  const { down, over } = await underLoad('shut', { down: 25 }, async () => {
    await delay(1_000);
    await homeserver.call('fault', { on: sends, user: refused, act: { answer: 403, errcode: 'M_FORBIDDEN', error: 'not you' } });
    await homeserver.call('fault', { on: sends, user: failing, act: { answer: 500 } });
    await delay(8_000);
  });
  const numbersOf = (speaker: number) => [...down.keys()].filter((number) => number % speakers.length === speaker);
  const standing = async (speaker: number) => (await stage.heardInMatrix('shutDown')).filter((line) => line.speaker === speaker);
  const others = (await stage.heardInMatrix('shutDown')).filter(({ speaker }) => speaker !== 1 && speaker !== 2);
  for (const speaker of [0, 3, 4]) {
    await until(`all of speaker ${speaker}`, async () => (await standing(speaker)).length >= numbersOf(speaker).length);
    assert.deepEqual(
      (await standing(speaker)).map(({ number }) => number),
      numbersOf(speaker),
    );
  }
  const took = slowest(down, others);
  const late = others.filter(({ number, at }) => at - (down.get(number) ?? at) > 1_000).length;
  t.diagnostic(`others: ${others.length} lines, the slowest took ${took} ms, ${late} more than 1 s`);
  assertGoesOn(new Map([...down].filter(([number]) => ![1, 2].includes(number % speakers.length))), others, over);

  const isBuried = async () => (JSON.parse((await bridge.command('dead', bridge.fileOf('irc'), '--json')).output) as object[]).length;
  const refusedSo = (await standing(1)).length;
  await until('all of the refused to be given up', async () => (await isBuried()) >= numbersOf(1).length - refusedSo);
  assert.equal(await isBuried(), numbersOf(1).length - refusedSo);
  await speakers[1]?.waitForText('speaker1', /did not reach the Matrix room/);
  const failedSo = (await standing(2)).length;
  assert.ok(failedSo < numbersOf(2).length && refusedSo < numbersOf(1).length);

  await homeserver.call('clearFaults');
  const cleared = performance.now();
  const { code, output } = await bridge.command('dead', bridge.fileOf('irc'), '--retry');
  assert.equal(code, 0, output);
  for (const speaker of [1, 2]) {
    await until(`all of speaker ${speaker}`, async () => (await standing(speaker)).length >= numbersOf(speaker).length);
    assert.deepEqual(
      (await standing(speaker)).map(({ number }) => number),
      numbersOf(speaker),
    );
  }
  t.diagnostic(
    `refused: ${numbersOf(1).length - refusedSo} given up and retried; failing: ${numbersOf(2).length - failedSo} parked, ` +
      `through ${Math.round(performance.now() - cleared)} ms after it was mended`,
  );
});

/** Sends of which the bridge could not tell whether they arrived. */
function inDoubt(): number {
  return bridge.logLines().filter(({ code }) => code === 'OUTCOME_UNKNOWN').length;
}

test('the homeserver restarts three times and forgets transaction ids: nothing is lost, nothing doubles, either way', async (t) => {
  // So slow that a PUT is under way at nearly any moment.
  await homeserver.call('setLatency', 20);
  const inDoubtBefore = inDoubt();
  const { up, down } = await underLoad('again', { up: 40, down: 40 }, async () => {
    for (let time = 0; time < 3; time += 1) {
      await delay(1_000);
      await homeserver.call('restart', 300);
    }
    await delay(1_000);
  });
  await homeserver.call('setLatency', 0);
  const stands = await arrivedInMatrix('againDown', down);
  const doubts = inDoubt() - inDoubtBefore;
  t.diagnostic(`IRC → Matrix: ${down.size} said, the slowest took ${slowest(down, stands)} ms, ${doubts} in doubt`);
  assert.ok(doubts > 0, 'no PUT was cut off');
  assertWhole(t, await arrivedOnIrc('againUp', up), up.size);
});

test('the homeserver is away while IRC speaks: nothing is lost, in order, with the time at which it was said', async (t) => {
  const { down } = await underLoad('away', { down: 20 }, async () => {
    await homeserver.call('down');
    await delay(11_000);
    await homeserver.call('up');
    await delay(500);
  });
  const stands = await arrivedInMatrix('awayDown', down);
  const late = stands.filter(({ number, at }) => at - (down.get(number) ?? at) > 10_500);
  t.diagnostic(`${down.size} said, the slowest took ${slowest(down, stands)} ms, ${late.length} bear a time of their own`);
  assert.ok(late.length > 0);
  for (const { number, dated = 0 } of late) {
    assert.ok(Math.abs(dated - (down.get(number) ?? 0)) < 5_000, `${number} bears a time ${dated - (down.get(number) ?? 0)} ms off`);
  }
});

test('the IRC server is away while Matrix speaks: nothing is lost, in the order of each speaker', async (t) => {
  const { up } = await underLoad('gone', { up: 100 }, async () => {
    await delay(1_000);
    await irc.stop();
    await delay(5_000);
    // Somebody is to be in the channel before the bridge is.
    bridge.signal('SIGSTOP');
    await irc.start();
    await stage.watchAgain();
    bridge.signal('SIGCONT');
  });
  const { lost, doubled, wrong } = await arrivedOnIrc('goneUp', up);
  t.diagnostic(`${up.size} said, ${lost.length} lost, ${doubled.length} doubled`);
  assert.deepEqual({ lost, wrong }, { lost: [], wrong: [] });
  assert.ok(doubled.length <= people.length);
});
