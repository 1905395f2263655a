// Messages through the bridge, counted at the far end: in a flood, or so many a second. Order is held per speaker.

import { type Arrivals, countArrivals } from './arrivals.ts';
import type { BridgeRun } from './bridge-under-test.ts';
import { clock, sleep, until } from './clock.ts';
import { cpuOf } from './process-costs.ts';
import type { Rig } from './rig.ts';

export interface FlowResult extends Arrivals {
  readonly sent: number;
  readonly perSecond: number;
  readonly cpuMs: number;
  /** From said to heard at the far end, ms; sorted. */
  readonly latencies: readonly number[];
}

export interface Flow {
  readonly count: number;
  /** Messages a second; undefined: as fast as it goes. */
  readonly pace?: number;
}

/** What a flow needs of a rig. */
type Ground = Pick<Rig, 'stub' | 'rooms' | 'channels' | 'people'>;

/** Somebody on the network. */
export interface Speaker {
  say(channel: string, text: string): void;
}

/** Bodies are `<tag>:<number>`; the number tells the speaker, who take turns. */
const bodyPattern = /([a-z]+\d+):(\d+)/;
let runs = 0;
function nextTag(letter: string): string {
  runs += 1;
  return `${letter}${runs}`;
}

export async function networkToMatrix(rig: Ground, bridge: BridgeRun, speakers: readonly Speaker[], flow: Flow): Promise<FlowResult> {
  const tag = nextTag('n');
  const from = await Promise.all(rig.rooms.map(async (room) => (await rig.stub.call('events', room)).length));
  const sendsBefore = (await rig.stub.counts()).sends ?? 0;
  const saidAt: number[] = [];
  const cpuBefore = cpuOf(bridge.pid);
  const began = clock();
  await pace(flow, (number) => {
    const speaker = number % speakers.length;
    saidAt.push(clock());
    speakers[speaker]?.say(rig.channels[number % rig.channels.length] as string, `${tag}:${number}`);
  });
  await settle(async () => ((await rig.stub.counts()).sends ?? 0) - sendsBefore, flow.count);
  const heard: Heard[] = [];
  for (const [index, room] of rig.rooms.entries()) {
    for (const event of await rig.stub.call('events', room, from[index]))
      heardIn(heard, tag, String(event.content.body ?? ''), event.arrived);
  }
  return summarise(flow, speakers.length, heard, saidAt, began, cpuOf(bridge.pid) - cpuBefore);
}

export async function matrixToNetwork(
  rig: Ground,
  bridge: BridgeRun,
  hear: (listener: (line: string, at: number) => void) => void,
  flow: Flow,
): Promise<FlowResult> {
  const tag = nextTag('m');
  const heard: Heard[] = [];
  hear((line, at) => heardIn(heard, tag, line, at));
  const cpuBefore = cpuOf(bridge.pid);
  const began = clock();
  const said = await rig.stub.flood({
    ...{ users: [...rig.people], rooms: [...rig.rooms], count: flow.count, prefix: `${tag}:` },
    ...(flow.pace !== undefined && { gap: 1_000 / flow.pace }),
  });
  await settle(async () => heard.length, flow.count);
  hear(() => {});
  return summarise(
    flow,
    rig.people.length,
    heard,
    said.map(({ at }) => at),
    began,
    cpuOf(bridge.pid) - cpuBefore,
  );
}

interface Heard {
  readonly number: number;
  readonly at: number;
}

function heardIn(heard: Heard[], tag: string, text: string, at: number): void {
  const match = bodyPattern.exec(text);
  if (match?.[1] === tag) heard.push({ number: Number(match[2]), at });
}

function summarise(
  flow: Flow,
  speakers: number,
  heard: readonly Heard[],
  saidAt: readonly number[],
  began: number,
  cpu: number,
): FlowResult {
  const arrivals = countArrivals(
    heard.map(({ number }) => number),
    flow.count,
    speakers,
  );
  const latencies = heard.map(({ number, at }) => at - (saidAt[number] ?? at));
  const end = heard.reduce((latest, { at }) => Math.max(latest, at), began);
  return {
    ...arrivals,
    ...{ sent: flow.count, latencies: latencies.sort((a, b) => a - b) },
    perSecond: ((flow.count - arrivals.lost) / (end - began)) * 1_000,
    cpuMs: cpu / Math.max(1, flow.count - arrivals.lost),
  };
}

async function pace(flow: Flow, say: (number: number) => void): Promise<void> {
  const began = clock();
  for (let number = 0; number < flow.count; number += 1) {
    if (flow.pace !== undefined) {
      const ahead = began + (number * 1_000) / flow.pace - clock();
      if (ahead > 0) await sleep(ahead);
    } else if (number % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
    say(number);
  }
}

/** Until the count grew by `wanted`, or has not grown for half a minute: a server that a thousand sockets listen to takes its time. */
async function settle(count: () => Promise<number>, wanted: number): Promise<void> {
  let reached = 0;
  let since = Date.now();
  await until(
    `${wanted} messages at the far end`,
    async () => {
      const now = await count();
      if (now > reached) {
        reached = now;
        since = Date.now();
      }
      return reached >= wanted || Date.now() - since > 30_000;
    },
    { ms: 600_000, every: 50 },
  );
  await sleep(200);
}
