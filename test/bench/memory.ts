// What many puppets cost: memory of each, and CPU of a line that all of them hear, beside as many bare sockets in the same
// channel that hear the same lines.

import type { BareClient } from './bare-irc.ts';
import { type BareCrowd, bareCrowd } from './floors.ts';
import { type Flow, networkToMatrix } from './flows.ts';
import { cpuOf, rssOf } from './process-costs.ts';
import { openListener, openSpeakers, startWarm } from './ready.ts';
import { kb, ms, type Report } from './report.ts';
import { type BridgeRun, type Rig, setUp, sleep, until } from './rig.ts';

const few = 300;
const many = 1_000;
const kilobyte = 1_024;
const overBare = 1.3;

export async function measurePuppets(report: Report): Promise<void> {
  await measureCrowd(report, false);
  await measureCrowd(report, true);
}

async function measureCrowd(report: Report, tls: boolean): Promise<void> {
  const over = tls ? 'TLS' : 'plain TCP';
  const rig = await setUp({ channels: 1, people: many, tls });
  try {
    const bridge = await startWarm(rig);
    await sleep(8_000);
    const empty = rssOf(bridge.pid);
    await speakEach(rig, 0, few);
    const ofFew = (rssOf(bridge.pid) - empty) / few;
    report.add({ figure: `RSS of a puppet, ${few} of them, ${over}`, value: kb(ofFew), raw: { bytes: ofFew } });
    await speakEach(rig, few, many);
    const ofMany = (rssOf(bridge.pid) - empty) / many;

    const crowd = await bareCrowd(tls ? rig.tlsPort : rig.ircPort, rig.channels[0] as string, many, tls);
    const bare = crowd.held() / many;
    const most = tls ? overBare * bare : 60 * kilobyte;
    report.add({
      ...{ figure: `RSS of a puppet, ${many} of them, ${over}`, value: kb(ofMany), floor: timesFloor(ofMany, bare, kb) },
      ...{ bar: `≤ ${kb(most)}${tls ? ' (1.3 × bare)' : ''}`, met: ofMany <= most, raw: { bytes: ofMany, bareBytes: bare } },
    });
    const speakers = await openSpeakers(rig, 10);
    await measureLine(
      report,
      { rig, bridge, crowd, speakers },
      `CPU of a line in a flood that ${many} hear, ${over}`,
      { count: 2_000 },
      tls,
    );
    await measureLine(report, { rig, bridge, crowd, speakers }, `CPU of a line at 10/s that ${many} hear, ${over}`, {
      count: 100,
      pace: 10,
    });
    for (const speaker of speakers) speaker.close();
    await crowd.stop();
  } finally {
    await rig.stop();
  }
}

/** Each says a line, and so gets a connection; then all comes to rest. */
async function speakEach(rig: Rig, from: number, to: number): Promise<void> {
  const listener = await openListener(rig, `listener${from}`);
  let heard = 0;
  listener.hear((line) => {
    if (line.includes('my first line')) heard += 1;
  });
  await rig.stub.flood({ users: rig.people.slice(from, to), rooms: [...rig.rooms], count: to - from, prefix: 'my first line ' });
  await until(`lines of ${to - from} puppets`, () => heard >= to - from, { ms: 120_000 });
  listener.close();
  await sleep(10_000);
}

interface Crowded {
  readonly rig: Rig;
  readonly bridge: BridgeRun;
  readonly crowd: BareCrowd;
  readonly speakers: readonly BareClient[];
}

async function measureLine(report: Report, { rig, bridge, crowd, speakers }: Crowded, figure: string, flow: Flow, byBare = true) {
  const before = cpuOf(crowd.pid);
  const result = await networkToMatrix(rig, bridge, speakers, flow);
  const bare = (cpuOf(crowd.pid) - before) / flow.count;
  const most = byBare ? overBare * bare : 1.2;
  report.add({
    ...{ figure, value: ms(result.cpuMs), floor: timesFloor(result.cpuMs, bare, ms) },
    ...{ bar: `≤ ${ms(most)}${byBare ? ' (1.3 × bare)' : ''}`, met: result.cpuMs <= most && result.lost === 0 },
    raw: { cpuMs: result.cpuMs, bareCpuMs: bare, perSecond: result.perSecond, lost: result.lost },
  });
}

function timesFloor(value: number, floor: number, print: (value: number) => string): string {
  return `${(value / floor).toFixed(1)} × ${print(floor)}`;
}
