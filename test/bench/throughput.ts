// Floods and paced flows, both ways: one room with ten speakers, two hundred rooms with one each, and a homeserver that
// answers after 20 ms.

import { isWhole, told } from './arrivals.ts';
import { clock, sleep } from './clock.ts';
import { inTurnFloor, type PacedFloor, pacedFloor, putFloor } from './floors.ts';
import { type FlowResult, matrixToNetwork, networkToMatrix } from './flows.ts';
import { rssOf } from './process-costs.ts';
import { openListener, openSpeakers, restartWarm, startWarm } from './ready.ts';
import { mb, ms, quantile, type Report, rate } from './report.ts';
import { setUp } from './rig.ts';

const warmUp = 2_000;
const measured = 6_000;
/** ms */
const slow = 20;
/** Of what one PUT after the other reaches: the rest is what the bridge takes between two of them. */
const ofInTurn = 0.95;
/** ms after which a bridge that does nothing has let go of what starting took. */
const settledAfter = 15_000;

export async function measureOneRoom(report: Report): Promise<void> {
  const rig = await setUp({ channels: 1, people: 10 });
  try {
    const bridge = await restartWarm(rig);
    const speakers = await openSpeakers(rig, 10);
    const listener = await openListener(rig);
    const put = await putFloor();
    await sleep(bridge.startedAt + settledAfter - clock());
    const idle = rssOf(bridge.pid);
    report.add({
      figure: 'RSS idle, 15 s after start',
      value: mb(idle),
      bar: '≤ 130 MB',
      met: idle <= 130 * 1_048_576,
      raw: { bytes: idle },
    });

    await networkToMatrix(rig, bridge, speakers, { count: warmUp });
    const toMatrix = await networkToMatrix(rig, bridge, speakers, { count: measured });
    judgeFlood(report, 'IRC → Matrix, flood, one room', toMatrix, put, { cpu: Math.max(0.3, 14 * put), perSecond: 2_500 });

    await matrixToNetwork(rig, bridge, listener.hear, { count: warmUp });
    const toNetwork = await matrixToNetwork(rig, bridge, listener.hear, { count: measured });
    judgeFlood(report, 'Matrix → IRC, flood, one room', toNetwork, put, { cpu: Math.max(0.12, 6 * put), perSecond: 5_000 });
    await sleep(10_000);
    const loaded = rssOf(bridge.pid);
    report.add({ figure: 'RSS 10 s after load', value: mb(loaded), raw: { bytes: loaded } });

    const paced = await pacedFloor(rig.folder, 100, 10);
    judgePaced(report, 'IRC → Matrix', await networkToMatrix(rig, bridge, speakers, { count: 1_500, pace: 100 }), paced, 0.7);
    judgePaced(report, 'Matrix → IRC', await matrixToNetwork(rig, bridge, listener.hear, { count: 1_500, pace: 100 }), paced, 0.5);
    for (const client of [...speakers, listener]) client.close();
  } finally {
    await rig.stop();
  }
}

export async function measureManyRooms(report: Report): Promise<void> {
  const rig = await setUp({ channels: 200, people: 200, apart: true, inFlight: 64 });
  try {
    const bridge = await startWarm(rig);
    const speakers = await openSpeakers(rig, 200);
    const listener = await openListener(rig);
    const put = await putFloor();
    await networkToMatrix(rig, bridge, speakers, { count: warmUp });
    judgeFlood(report, 'IRC → Matrix, flood, 200 rooms', await networkToMatrix(rig, bridge, speakers, { count: measured }), put);
    await matrixToNetwork(rig, bridge, listener.hear, { count: warmUp });
    judgeFlood(report, 'Matrix → IRC, flood, 200 rooms', await matrixToNetwork(rig, bridge, listener.hear, { count: measured }), put);
    for (const client of [...speakers, listener]) client.close();
  } finally {
    await rig.stop();
  }
}

export async function measureSlowHomeserver(report: Report): Promise<void> {
  const floor = await inTurnFloor(slow);
  const one = await setUp({ channels: 1, people: 10, latency: slow });
  try {
    const bridge = await startWarm(one);
    const speakers = await openSpeakers(one, 10);
    const listener = await openListener(one);
    await networkToMatrix(one, bridge, speakers, { count: 100 });
    const toMatrix = await networkToMatrix(one, bridge, speakers, { count: 1_000 });
    const least = ofInTurn * floor;
    report.add({
      figure: `homeserver ${slow} ms, one room, offered more than it takes`,
      ...{
        value: inOrder(toMatrix),
        floor: `${(toMatrix.perSecond / floor).toFixed(2)} × ${rate(floor)}`,
        bar: `≥ ${rate(least)}, in order`,
      },
      ...{ met: toMatrix.perSecond >= least && isWhole(toMatrix), raw: { ...plain(toMatrix), inTurnFloor: floor } },
    });
    await matrixToNetwork(one, bridge, listener.hear, { count: 100 });
    const toNetwork = await matrixToNetwork(one, bridge, listener.hear, { count: 1_000 });
    report.add({
      ...{ figure: `homeserver ${slow} ms, Matrix → IRC, one room`, value: inOrder(toNetwork), bar: 'all, in order' },
      ...{ met: isWhole(toNetwork), raw: plain(toNetwork) },
    });
    for (const client of [...speakers, listener]) client.close();
  } finally {
    await one.stop();
  }
  const many = await setUp({ channels: 200, people: 1, latency: slow, inFlight: 64 });
  try {
    const bridge = await startWarm(many);
    const speakers = await openSpeakers(many, 200);
    await networkToMatrix(many, bridge, speakers, { count: warmUp });
    const result = await networkToMatrix(many, bridge, speakers, { count: measured });
    report.add({
      ...{ figure: `homeserver ${slow} ms, 200 rooms, in_flight 64`, value: inOrder(result) },
      ...{ bar: '≥ 2000/s, in order', met: result.perSecond >= 2_000 && isWhole(result), raw: plain(result) },
    });
    for (const client of speakers) client.close();
  } finally {
    await many.stop();
  }
}

function judgeFlood(report: Report, figure: string, result: FlowResult, put: number, bar?: { cpu: number; perSecond: number }): void {
  report.add({
    figure,
    value: `${ms(result.cpuMs)} CPU · ${rate(result.perSecond)}${isWhole(result) ? '' : ` · ${told(result)}`}`,
    floor: `${(result.cpuMs / put).toFixed(1)} × ${ms(put)}`,
    bar: bar === undefined ? 'all, in order' : `≤ ${ms(bar.cpu)} · ≥ ${rate(bar.perSecond)}`,
    met: isWhole(result) && (bar === undefined || (result.cpuMs <= bar.cpu && result.perSecond >= bar.perSecond)),
    raw: { ...plain(result), putFloorMs: put },
  });
}

function judgePaced(report: Report, way: string, result: FlowResult, floor: PacedFloor, most: number): void {
  const bar = Math.max(most, 3 * floor.cpuMs);
  // As with CPU: on a machine where the bare PUT and commit take long, what they take is the measure.
  const slowest = Math.max(1.5, 3 * floor.p50);
  const [p50, p99] = [quantile(result.latencies, 0.5), quantile(result.latencies, 0.99)];
  report.add({
    ...{ figure: `${way}, 100/s: CPU`, value: ms(result.cpuMs), floor: `${(result.cpuMs / floor.cpuMs).toFixed(1)} × ${ms(floor.cpuMs)}` },
    ...{ bar: `≤ ${ms(bar)}`, met: result.cpuMs <= bar && isWhole(result), raw: { ...plain(result), pacedFloorMs: floor.cpuMs } },
  });
  report.add({
    ...{
      figure: `${way}, 100/s: latency p50 / p99`,
      value: `${ms(p50)} / ${ms(p99)}`,
      floor: `${(p50 / floor.p50).toFixed(1)} × ${ms(floor.p50)}`,
    },
    ...{ bar: `≤ ${ms(slowest)} / 6 ms`, met: p50 <= slowest && p99 <= 6, raw: { p50, p99, pacedFloorP50: floor.p50 } },
  });
}

const inOrder = ({ perSecond, disordered }: FlowResult): string => `${rate(perSecond)}, ${disordered} out of order`;

function plain({ latencies, ...rest }: FlowResult): Record<string, number> {
  return { ...rest, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
}
