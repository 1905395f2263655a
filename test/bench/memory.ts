// What many puppets cost: memory of each, and CPU of a line that all of them hear, beside as many bare sockets in the same
// channel that hear the same lines. In a flood, what a line costs in a channel without them is added to what it costs the bare
// sockets: at the pace of that flood, for the server is the limit there, and few lines at once cost more each than many.

import type { BareClient } from './bare-irc.ts';
import type { BridgeRun } from './bridge-under-test.ts';
import { sleep, until } from './clock.ts';
import { type BareCrowd, bareCrowd } from './floors.ts';
import { type Flow, networkToMatrix } from './flows.ts';
import { cpuOf, rssOf } from './process-costs.ts';
import { openListener, openSpeakers, startWarm } from './ready.ts';
import { kb, ms, type Report } from './report.ts';
import { type Rig, setUp } from './rig.ts';

const few = 300;
const many = 1_000;
const kilobyte = 1_024;
const overBare = 1.3;
/** CPU ms a second that bridge and bare sockets take when nothing is said. */
const calm = 20;
const flood: Flow = { count: 2_000 };

export async function measurePuppets(report: Report): Promise<void> {
  await measureCrowd(report, false);
  await measureCrowd(report, true);
}

async function measureCrowd(report: Report, tls: boolean): Promise<void> {
  const over = tls ? 'TLS' : 'plain TCP';
  const rig = await setUp({ channels: 2, people: many, tls });
  const [crowdedChannel, calmChannel] = rig.channels.map((channel, at) => only(rig, channel, rig.rooms[at] as string));
  if (crowdedChannel === undefined || calmChannel === undefined) throw new Error('the rig has no two channels');
  try {
    const bridge = await startWarm(crowdedChannel);
    const speakers = await openSpeakers(crowdedChannel, 10);
    const others = await openSpeakers(calmChannel, 10, 'other');
    await networkToMatrix(crowdedChannel, bridge, speakers, { count: 2_000 });
    await sleep(20_000);
    const empty = rssOf(bridge.pid);
    let spoke = 0;
    const each = async (people: number) => {
      await speakEach(crowdedChannel, spoke, people);
      spoke = people;
      return (rssOf(bridge.pid) - empty) / people;
    };
    if (!tls) {
      const ofFew = await each(few);
      report.add({ figure: `RSS of a puppet, ${few} of them, ${over}`, value: kb(ofFew), raw: { bytes: ofFew } });
    }
    const ofMany = await each(many);
    const crowd = await bareCrowd(tls ? rig.tlsPort : rig.ircPort, rig.channels[0] as string, many, tls);
    const bare = crowd.held() / many;
    const mostHeld = tls ? overBare * bare : 60 * kilobyte;
    report.add({
      ...{ figure: `RSS of a puppet, ${many} of them, ${over}`, value: kb(ofMany), floor: timesFloor(ofMany, bare, kb) },
      ...{ bar: `≤ ${kb(mostHeld)}`, met: ofMany <= mostHeld, raw: { bytes: ofMany, bareBytes: bare } },
    });
    const crowded = { rig: crowdedChannel, bridge, crowd, speakers };
    const flooded = await measureLine(crowded, flood);
    const alone = tls ? await networkToMatrix(calmChannel, bridge, others, { ...flood, pace: flooded.perSecond }) : undefined;
    const most = alone === undefined ? 1.2 : overBare * (flooded.bareCpuMs + alone.cpuMs);
    reportLine(report, `CPU of a line in a flood that ${many} hear, ${over}`, flooded, most, alone?.cpuMs);
    const paced = await measureLine(crowded, { count: 100, pace: 10 });
    reportLine(report, `CPU of a line at 10/s that ${many} hear, ${over}`, paced, overBare * paced.bareCpuMs);
    for (const speaker of [...speakers, ...others]) speaker.close();
    await crowd.stop();
  } finally {
    await rig.stop();
  }
}

/** Each says a line, and so gets a connection; then all comes to rest, and the collector has been through. */
async function speakEach(rig: Rig, from: number, to: number): Promise<void> {
  const listener = await openListener(rig, `listener${from}`);
  let heard = 0;
  listener.hear((line) => {
    if (line.includes('my first line')) heard += 1;
  });
  await rig.stub.flood({ users: rig.people.slice(from, to), rooms: [...rig.rooms], count: to - from, prefix: 'my first line ' });
  await until(`lines of ${to - from} puppets`, () => heard >= to - from, { ms: 120_000 });
  listener.close();
  await sleep(20_000);
}

interface Crowded {
  readonly rig: Rig;
  readonly bridge: BridgeRun;
  readonly crowd: BareCrowd;
  readonly speakers: readonly BareClient[];
}

interface LineCost {
  readonly cpuMs: number;
  readonly bareCpuMs: number;
  readonly perSecond: number;
  readonly lost: number;
}

async function measureLine({ rig, bridge, crowd, speakers }: Crowded, flow: Flow): Promise<LineCost> {
  const pids = [bridge.pid, crowd.pid];
  const before = pids.map(cpuOf);
  const { perSecond, lost } = await networkToMatrix(rig, bridge, speakers, flow);
  // The server is the last to be done: what it still has for a thousand sockets must be heard, too.
  let last = 0;
  await until(
    'all lines heard by all',
    () => {
      const now = pids.reduce((sum, pid) => sum + cpuOf(pid), 0);
      const isCalm = now - last < calm;
      last = now;
      return isCalm;
    },
    { every: 1_000 },
  );
  const [cpuMs = 0, bareCpuMs = 0] = pids.map((pid, index) => (cpuOf(pid) - (before[index] ?? 0)) / flow.count);
  return { cpuMs, bareCpuMs, perSecond, lost };
}

/** `most`: what a line may cost, ms; `alone`: what one costs that none of them hears. */
function reportLine(report: Report, figure: string, line: LineCost, most: number, alone?: number): void {
  const { cpuMs, bareCpuMs, lost } = line;
  const floor = alone === undefined ? timesFloor(cpuMs, bareCpuMs, ms) : `${ms(bareCpuMs)} + ${ms(alone)}`;
  report.add({
    ...{ figure, value: ms(cpuMs), floor, bar: `≤ ${ms(most)}`, met: cpuMs <= most && lost === 0 },
    raw: { ...line, ...(alone !== undefined && { aloneCpuMs: alone }) },
  });
}

/** The rig with one of its channels alone. */
function only(rig: Rig, channel: string, room: string): Rig {
  return { ...rig, channels: [channel], rooms: [room] };
}

function timesFloor(value: number, floor: number, print: (value: number) => string): string {
  return `${(value / floor).toFixed(1)} × ${print(floor)}`;
}
