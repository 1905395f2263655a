// The bridge is killed in the middle of what takes several steps: a message of several lines, a PUT that takes long, rows set
// aside, a ghost's first word. And it is told to stop in mid-load.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { points } from '../support/crash-points.ts';
import { openLoadedBridge } from '../support/loaded-bridge.ts';
import { judge, numbersFrom } from '../support/numbered-lines.ts';
import { openChance } from '../support/seed.ts';
import { until, untilAll } from '../support/waiting.ts';

const chance = openChance();
const stage = await openLoadedBridge(after, { people: 3 });
const { homeserver, bridge, room, people, speakers } = stage;
const sends = 'PUT .*/send/m\\.room\\.message/';
const [alone = ''] = people;

const inRoom = async (tag: string) => (await stage.heardInMatrix(tag)).map(({ number }) => number);
const standAll = (tag: string, count: number) => until(`${count} of ${tag} in the room`, async () => (await inRoom(tag)).length >= count);

before(async () => {
  await stage.start();
  await Promise.all([
    stage.sayInMatrix('firstUp', numbersFrom(0, people.length)),
    stage.sayOnIrc('firstDown', numbersFrom(0, speakers.length)),
  ]);
  await until('the first words on IRC', () => stage.heardOnIrc('firstUp').length === people.length);
  await standAll('firstDown', speakers.length);
});

test('killed within messages of three lines each: at most one line doubles, never a whole message', async (t) => {
  await stage.start();
  const nth = 1 + chance.number(9);
  const count = 30;
  await stage.arm({ way: 'toNetwork', at: 'after line', nth });
  const messages = numbersFrom(0, count / 3).map((at) => numbersFrom(3 * at, 3).map((number) => `parts ${number}`));
  await homeserver.sayAll(
    room,
    messages.map((lines) => ({ user: alone, text: lines.join('\n') })),
  );
  await stage.died();
  await stage.start();
  await until('the last line', () => stage.heardOnIrc('parts').at(-1)?.number === count - 1);
  await stage.watcher.settle();
  const { lost, doubled, wrong } = judge(
    numbersFrom(0, count),
    stage.heardOnIrc('parts').map((line) => ({ ...line, speaker: 0 })),
    1,
  );
  t.diagnostic(`seed ${chance.seed}, line ${nth}: ${doubled.length} doubled`);
  assert.deepEqual({ lost, wrong }, { lost: [], wrong: [] });
  assert.ok(doubled.length <= 1);
});

/** ms; longer than a start takes. */
const late = 15_000;

test('killed while a PUT is under way that takes effect only after the next run has looked for it: the event stands once', async () => {
  await stage.start();
  await homeserver.call('fault', { on: sends, times: 1, act: { wait: late } });
  await stage.arm({ way: 'toMatrix', at: 'after PUT', nth: 1 });
  await stage.sayOnIrc('slow', [0, 1, 2]);
  const { takenIn } = await stage.died();
  const died = performance.now();
  await stage.start();
  // Three people's, who may be heard in any order.
  await standAll('slow', [0, 1, 2].filter((number) => takenIn.has(`slow ${number}`)).length);
  assert.ok(performance.now() - died < late, 'too late to have been first');
  await delay(late + 500 - (performance.now() - died));
  assert.deepEqual(
    await inRoom('slow'),
    stage
      .heardOnIrc('slow')
      .map(({ number }) => number)
      .filter((number) => takenIn.has(`slow ${number}`)),
  );
});

test('killed while rows of a ghost that fails are set aside: they come in order and once', async () => {
  await stage.start();
  const ofGhost = (numbers: readonly number[]) => numbers.filter((number) => number % speakers.length === 1);
  const ofOthers = (numbers: readonly number[]) => numbers.filter((number) => number % speakers.length !== 1);
  const user = `@irc_local_${speakers[1]?.nick}:hs.test`;
  await homeserver.call('fault', { on: sends, user, act: { answer: 500 } });
  await stage.sayOnIrc('aside', numbersFrom(0, 30));
  await until('the others to be heard', async () => ofOthers(await inRoom('aside')).length === 20);
  const { inFlight } = await stage.kill();
  assert.ok(inFlight.toMatrix >= 10);
  await stage.start();
  await stage.sayOnIrc('aside', numbersFrom(30, 15));
  await until('the others to be heard', async () => ofOthers(await inRoom('aside')).length === 30);
  assert.equal(ofGhost(await inRoom('aside')).length, 0);
  await homeserver.call('clearFaults');
  await standAll('aside', 45);
  await delay(200);
  const order = stage.heardOnIrc('aside').map(({ number }) => number);
  const stands = await inRoom('aside');
  assert.deepEqual(ofGhost(stands), ofGhost(order));
  assert.deepEqual(ofOthers(stands), ofOthers(order));
});

for (const at of points.newcomer) {
  test(`killed when a ghost has just been ${at} for its first word: it is said, once`, async () => {
    await stage.start();
    const nick = `newcomer-${at}`;
    const newcomer = await stage.sitIn(nick);
    await stage.arm({ way: 'newcomer', at, nth: 1 });
    for (const number of [0, 1, 2]) newcomer.raw(`PRIVMSG ${stage.channel} :${at} ${number}`);
    const { takenIn } = await stage.died();
    await stage.start();
    newcomer.raw(`PRIVMSG ${stage.channel} :${at} 3`);
    const expected = [0, 1, 2, 3].filter((number) => number === 3 || takenIn.has(`${at} ${number}`));
    assert.equal(expected[0], 0);
    await standAll(at, expected.length);
    await delay(200);
    assert.deepEqual(await inRoom(at), expected);
    const ghost = `@irc_local_${nick}:hs.test`;
    const members = (await homeserver.call('events', room)).filter((event) => event.state_key === ghost);
    assert.deepEqual(
      members.map(({ content }) => [content.membership, content.displayname]),
      [['join', nick]],
    );
  });
}

test('told to stop in mid-load and started again: nothing is lost, nothing doubles, either way', async (t) => {
  await stage.start();
  const count = 1_500;
  const [up, down] = [stage.sayInMatrix('stopUp', numbersFrom(0, count), 1), stage.sayOnIrc('stopDown', numbersFrom(0, count), 1)];
  await delay(200 + chance.number(500));
  await bridge.stop();
  await Promise.all([up, down]);
  await stage.start();
  await stage.sayOnIrc('stopDown', [count]);
  await untilAll('stopUp on IRC', count, () => new Set(stage.heardOnIrc('stopUp').map(({ number }) => number)).size);
  await until('the last in the room', async () => (await inRoom('stopDown')).at(-1) === count);
  await delay(300);
  const { lost, doubled, wrong } = judge(numbersFrom(0, count), stage.heardOnIrc('stopUp'), people.length);
  const order = stage.heardOnIrc('stopDown').map(({ number }) => number);
  const stands = await inRoom('stopDown');
  t.diagnostic(`seed ${chance.seed}: ${doubled.length} of ${count} doubled on IRC; ${order.length - stands.length} said while it was away`);
  assert.deepEqual({ lost, doubled, wrong }, { lost: [], doubled: [], wrong: [] });
  // What is missing was said between its going and its coming: one stretch.
  const [first, last] = [order.findIndex((number) => !stands.includes(number)), order.findLastIndex((number) => !stands.includes(number))];
  assert.deepEqual(stands, first < 0 ? order : [...order.slice(0, first), ...order.slice(last + 1)]);
});
