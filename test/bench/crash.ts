// kill -9 in the midst of it: what was acknowledged to the homeserver, or read from the network and journaled, must arrive
// after the next start, once and in order.

import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { countArrivals, told } from './arrivals.ts';
import { clock, sleep, until } from './clock.ts';
import { openListener, openSpeakers, startWarm } from './ready.ts';
import type { Report } from './report.ts';
import { type Rig, setUp } from './rig.ts';

const people = 10;
const events = 1_000;
const lines = 2_000;
/** ms within which a line read must be on disk. */
const promised = 5;

export async function measureCrash(report: Report): Promise<void> {
  await crashTowardsNetwork(report, 'in a flood');
  await crashTowardsNetwork(report, 'at 100/s', 100);
  await crashTowardsMatrix(report);
}

/** Killed as soon as the homeserver has all its answers. */
async function crashTowardsNetwork(report: Report, how: string, pace?: number): Promise<void> {
  const rig = await setUp({ channels: 1, people });
  try {
    const bridge = await startWarm(rig);
    await rig.stub.flood({ users: [...rig.people], rooms: [...rig.rooms], count: people, prefix: 'first words ' });
    await sleep(3_000);
    const listener = await openListener(rig);
    const heard: number[] = [];
    listener.hear((line) => {
      const number = /crash (\d+)/.exec(line)?.[1];
      if (number !== undefined) heard.push(Number(number));
    });
    const before = (await rig.stub.counts()).events ?? 0;
    const saying = rig.stub.flood({
      ...{ users: [...rig.people], rooms: [...rig.rooms], count: events, prefix: 'crash ' },
      ...(pace !== undefined && { gap: 1_000 / pace }),
    });
    await until('every event acknowledged', async () => ((await rig.stub.counts()).events ?? 0) - before >= events, { every: 2 });
    await bridge.kill('SIGKILL');
    await saying;
    const inFlight = events - heard.length;
    await rig.startBridge();
    await atRest(() => heard.length);
    const result = countArrivals(heard, events, people);
    report.add({
      ...{ figure: `kill -9, ${events} acknowledged Matrix events ${how}`, value: `${inFlight} in flight; ${told(result)}` },
      ...{ bar: '0 lost, in order', met: result.lost === 0 && result.disordered === 0 && result.doubled <= people },
      raw: { ...result, inFlight },
    });
    listener.close();
  } finally {
    await rig.stop();
  }
}

/** Killed a few ms after the driver's own client heard the last line, with a homeserver so slow that most are still to be sent. */
async function crashTowardsMatrix(report: Report): Promise<void> {
  const rig = await setUp({ channels: 1, people: 1, latency: 2 });
  try {
    const bridge = await startWarm(rig);
    const speakers = await openSpeakers(rig, people);
    const listener = await openListener(rig);
    let heard = 0;
    let lastHeard = 0;
    listener.hear((_, at) => {
      heard += 1;
      lastHeard = at;
    });
    const room = rig.rooms[0] as string;
    const before = (await rig.stub.call('events', room)).length;
    for (let number = 0; number < lines; number += 1) {
      speakers[number % people]?.write(`PRIVMSG ${rig.channels[0]} :crash ${number}\r\n`);
      if (number % 20 === 19) await sleep(2);
    }
    await until('all lines heard', () => heard >= lines, { every: 1 });
    await sleep(lastHeard + promised - clock());
    const within = await shareJournaledWithin(rig, promised);
    await bridge.kill('SIGKILL');
    const journaled = journaledIn(rig);
    const arrived = async () => numbersIn(await rig.stub.call('events', room, before));
    const sentBefore = new Set(await arrived());
    await rig.startBridge();
    await atRest(async () => (await arrived()).length);
    const found = await arrived();
    const result = countArrivals(found, lines, people);
    const foundOnce = new Set(found);
    const missing = [...journaled].filter((number) => !foundOnce.has(number)).length;
    const unread = lines - new Set([...journaled, ...sentBefore]).size;
    report.add({
      figure: `kill -9, ${lines} IRC lines read`,
      value: `${journaled.size} in the journal, ${missing} of them lost; ${unread} not in it; ${told(result)}`,
      ...{ bar: '0 of those journaled, none doubled', met: missing === 0 && result.doubled === 0 && result.disordered === 0 },
      raw: { ...result, journaled: journaled.size, missing, unread },
    });
    report.add({
      ...{ figure: `IRC lines journaled within ${promised} ms of being read`, value: `${(within * 100).toFixed(2)} %` },
      ...{ bar: '≥ 99 %', met: within >= 0.99, raw: { share: within } },
    });
    for (const client of [...speakers, listener]) client.close();
  } finally {
    await rig.stop();
  }
}

/** From the bridge's own histogram. */
async function shareJournaledWithin(rig: Rig, limit: number): Promise<number> {
  const page = await (await fetch(`${rig.bridgeUrl}/metrics`)).text();
  const figure = (line: string) => Number(new RegExp(`^causeway_stage_seconds_${line} (\\S+)$`, 'm').exec(page)?.[1] ?? Number.NaN);
  const labels = 'bridge="[^"]*",stage="received_journaled",side="matrix"';
  return figure(`bucket{le="${limit / 1_000}",${labels}}`) / figure(`count{${labels}}`);
}

/** Numbers of the lines that stand in the killed bridge's journal. A copy is read: the files stay as the crash left them. */
function journaledIn(rig: Rig): Set<number> {
  const copy = join(rig.folder, 'copy.db');
  for (const end of ['', '-wal']) if (existsSync(rig.store + end)) copyFileSync(rig.store + end, copy + end);
  const database = new Sqlite(copy);
  const rows = database.prepare<[], { event: string }>('SELECT event FROM journal WHERE direction = 0').all();
  database.close();
  return new Set(rows.map(({ event }) => Number(/"crash (\d+)"/.exec(event)?.[1] ?? -1)).filter((number) => number >= 0));
}

function numbersIn(found: readonly { readonly content: Readonly<Record<string, unknown>> }[]): number[] {
  return found.map(({ content }) => Number(/^crash (\d+)/.exec(String(content.body))?.[1] ?? -1)).filter((number) => number >= 0);
}

/** Until nothing more has come for four seconds. */
async function atRest(count: () => number | Promise<number>): Promise<void> {
  let last = -1;
  let since = Date.now();
  await until(
    'the far end at rest',
    async () => {
      const now = await count();
      if (now !== last) since = Date.now();
      last = now;
      return Date.now() - since > 4_000;
    },
    { every: 200 },
  );
}
