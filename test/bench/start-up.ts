// From the start of the process to messages that flow both ways, with what an earlier run left behind: a person who spoke, the
// compile cache, links long made. Beside it the IRC server's own time from connecting to its welcome.

import { bareClient } from './bare-irc.ts';
import type { BridgeRun } from './bridge-under-test.ts';
import { clock, sleep, until } from './clock.ts';
import { flowsBothWays, openListener, startWarm } from './ready.ts';
import { quantile, type Report, seconds } from './report.ts';
import { type Rig, setUp } from './rig.ts';

const runs = 5;
const manyChannels = 500;
/** ms */
const ours = 800;
const forMany = 15_000;

export async function measureStartUp(report: Report): Promise<void> {
  await measureOneChannel(report);
  await measureManyChannels(report);
}

async function measureOneChannel(report: Report): Promise<void> {
  const rig = await setUp({ channels: 1, people: 1 });
  try {
    await stopAtRest(await startWarm(rig));
    const times: number[] = [];
    const welcomes: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const bare = await bareClient({ port: rig.ircPort, nick: `bare${run}` });
      bare.close();
      welcomes.push(bare.welcomedAfter);
      const probe = await openListener(rig, `starter${run}`);
      const bridge = await rig.startBridge();
      const { atMatrix, atNetwork } = await flowsBothWays(rig, bridge, probe, 10);
      times.push(Math.max(atMatrix, atNetwork) - bridge.startedAt);
      probe.close();
      await stopAtRest(bridge);
    }
    const [time, welcome] = [median(times), median(welcomes)];
    report.add({
      ...{ figure: 'start to messages both ways, 1 channel', value: seconds(time), floor: `${seconds(welcome)} to 001` },
      ...{ bar: `≤ ${seconds(welcome + ours)} (0.8 s of ours)`, met: time <= welcome + ours, raw: { ms: time, welcomeMs: welcome } },
    });
  } finally {
    await rig.stop();
  }
}

async function measureManyChannels(report: Report): Promise<void> {
  const rig = await setUp({ channels: manyChannels, people: 1 });
  try {
    const first = await rig.startBridge();
    await flowsEverywhere(rig, first, 'before');
    await stopAtRest(first);
    const bridge = await rig.startBridge();
    const time = (await flowsEverywhere(rig, bridge, 'after')) - bridge.startedAt;
    report.add({
      ...{ figure: `start to messages both ways in each of ${manyChannels} channels`, value: seconds(time) },
      ...{ bar: `≤ ${seconds(forMany)}`, met: time <= forMany, raw: { ms: time } },
    });
  } finally {
    await rig.stop();
  }
}

/** Says a line on each side of each link, again and again where it has not come through; tells when the last one had. */
async function flowsEverywhere(rig: Rig, bridge: BridgeRun, tag: string): Promise<number> {
  const probe = await openListener(rig, `everywhere${tag}`);
  const person = rig.people[0] as string;
  const silentThere = new Set(rig.channels.keys());
  const silentHere = new Set(rig.channels.keys());
  let last = 0;
  probe.hear((line, at) => {
    const number = Number(new RegExp(`${tag} matrix (\\d+)`).exec(line)?.[1] ?? -1);
    if (silentThere.delete(number)) last = Math.max(last, at);
  });
  await until('a first answer of the bridge', () =>
    fetch(`${rig.bridgeUrl}/health`).then(
      () => true,
      () => false,
    ),
  );
  await until(
    'messages both ways in every channel',
    async () => {
      if (bridge.hasEnded()) throw new Error(`the bridge ended; its log: ${rig.logTail()}`);
      // What was said in a room before its link was live came to nothing.
      for (const number of silentThere) void rig.stub.call('say', person, rig.rooms[number] as string, `${tag} matrix ${number}`);
      for (const number of silentHere) probe.write(`PRIVMSG ${rig.channels[number]} :${tag} irc ${number}\r\n`);
      await sleep(500);
      for (const number of silentHere) {
        const events = await rig.stub.call('events', rig.rooms[number] as string);
        const first = events.find(({ content }) => String(content.body).includes(`${tag} irc ${number}`));
        if (first === undefined) continue;
        silentHere.delete(number);
        last = Math.max(last, first.arrived);
      }
      return silentHere.size === 0 && silentThere.size === 0;
    },
    { ms: 120_000 },
  );
  probe.close();
  return last;
}

/** What it wrote lately must be on disk, as with any bridge that an operator starts anew. */
async function stopAtRest(bridge: BridgeRun): Promise<void> {
  const rest = bridge.startedAt + 3_000 - clock();
  if (rest > 0) await sleep(rest);
  await bridge.kill('SIGTERM');
}

function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
