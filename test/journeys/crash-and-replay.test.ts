// The bridge is killed with -9 in mid-load, again and again, at instants that a seed decides, and started anew on the same
// store. Matrix → IRC: nothing acknowledged is lost, and at most the line in flight of each session doubles. IRC → Matrix:
// nothing that was journaled is lost, nothing doubles. The order holds.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openLoadedBridge } from '../support/loaded-bridge.ts';
import { judge, numbersFrom } from '../support/numbered-lines.ts';
import { openChance } from '../support/seed.ts';
import { until, untilAll } from '../support/waiting.ts';

const kills = 10;
/** Said for each kill, all at once or one every ms. */
const portion = 200;
const gaps = [0, 0.5, 1];
/** A kill that met nothing in flight does not count; so often it is tried in all. */
const mostKills = 2 * kills;

const chance = openChance();
const stage = await openLoadedBridge(after, { people: 5 });
const { homeserver, people, watcher } = stage;

/** The watcher has heard so many of the people's lines, or nothing new for a while. */
function heardSo(many: number): Promise<unknown> {
  const since = watcher.mark();
  let count = 0;
  return watcher
    .waitForLine(({ command, text }) => (many === 0 || (command === 'PRIVMSG' && /^up \d+$/.test(text)) ? ++count >= many : false), {
      since,
      timeout: 5_000,
    })
    .catch(() => undefined);
}

test(`killed ${kills} times while Matrix speaks: nothing that the homeserver was answered is lost on IRC`, async (t) => {
  t.diagnostic(`seed ${chance.seed}`);
  const inFlight: number[] = [];
  let said = 0;
  let tries = 0;
  await stage.start();
  for (; inFlight.length < kills && tries < mostKills; tries += 1) {
    const heard = heardSo(chance.number((portion * 3) / 4));
    const saying = stage.sayInMatrix('up', numbersFrom(said, portion), chance.pick(gaps));
    await heard;
    const { inFlight: rows } = await stage.kill();
    await saying;
    said += portion;
    if (rows.toNetwork > 0) inFlight.push(rows.toNetwork);
    await stage.start();
  }
  await untilAll('lines on IRC', said, () => new Set(stage.heardOnIrc('up').map(({ number }) => number)).size);
  await until('nothing more to be pushed', async () => (await homeserver.counts()).waiting === 0);
  await watcher.settle();
  const { lost, doubled, wrong } = judge(numbersFrom(0, said), stage.heardOnIrc('up'), people.length);
  t.diagnostic(`${said} said, killed ${tries} times, rows in flight ${inFlight.join(' ')}: ${lost.length} lost, ${doubled.length} doubled`);
  assert.deepEqual({ lost, wrong }, { lost: [], wrong: [] }, `seed ${chance.seed}`);
  assert.equal(inFlight.length, kills, 'kills that met rows in flight');
});

/** Messages that the bridge has sent to the homeserver. */
async function sends(): Promise<number> {
  return (await homeserver.counts()).sends ?? 0;
}

test(`killed ${kills} times while IRC speaks: what was journaled stands in the room, once, in the order of the channel`, async (t) => {
  t.diagnostic(`seed ${chance.seed}`);
  const inFlight: number[] = [];
  const untaken: number[] = [];
  let said = 0;
  let tries = 0;
  let taken: ReadonlySet<string> = new Set();
  for (; inFlight.length < kills && tries < mostKills; tries += 1) {
    if (tries > 0) await stage.start();
    const since = stage.heardOnIrc('down').length;
    const enough = (await sends()) + chance.number((portion * 3) / 4);
    const saying = stage.sayOnIrc('down', numbersFrom(said, portion), chance.pick(gaps));
    for (const end = Date.now() + 5_000; (await sends()) < enough && Date.now() < end; );
    const remains = await stage.kill();
    await saying;
    said += portion;
    await until('the channel to have heard all', () => stage.heardOnIrc('down').length === since + portion);
    // Read in order and journaled in order: what the kill cut off is an end, never a hole.
    const isTaken = stage
      .heardOnIrc('down')
      .slice(since)
      .map(({ number }) => remains.takenIn.has(`down ${number}`));
    untaken.push(isTaken.filter((taken) => !taken).length);
    assert.equal(isTaken.lastIndexOf(true), portion - (untaken.at(-1) ?? 0) - 1, `a hole in what was taken in; seed ${chance.seed}`);
    if (remains.inFlight.toMatrix > 0) inFlight.push(remains.inFlight.toMatrix);
    taken = remains.takenIn;
  }
  await stage.start();
  const expected = stage
    .heardOnIrc('down')
    .map(({ number }) => number)
    .filter((number) => taken.has(`down ${number}`));
  await untilAll('lines in the room', expected.length, async () => (await stage.heardInMatrix('down')).length).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const stands = (await stage.heardInMatrix('down')).map(({ number }) => number);
  t.diagnostic(
    `${said} said, killed ${tries} times, rows in flight ${inFlight.join(' ')}, read by nobody ${untaken.join(' ')}: ` +
      `${expected.length} journaled, ${new Set(stands).size} stand, ${stands.length - new Set(stands).size} doubled`,
  );
  assert.deepEqual(stands, expected, `seed ${chance.seed}`);
  assert.equal(inFlight.length, kills, 'kills that met rows in flight');
});
