// One side away for half a minute while people go on talking on the other: nothing lost, in order, and the backlog drained as
// fast as the side that is back takes it. Both outages are had at once, on two bridges of their own.

import { countArrivals, told } from './arrivals.ts';
import { bareClient } from './bare-irc.ts';
import { clock, sleep, until } from './clock.ts';
import { openSpeakers, startWarm } from './ready.ts';
import { type Report, rate } from './report.ts';
import { setUp } from './rig.ts';

const people = 5;
const awayMs = 30_000;
const pace = 20;
const count = (awayMs / 1_000) * pace;
/** ms that the homeserver takes for an answer: so its own pace in one room is known. */
const latency = 20;

export async function measureOutages(report: Report): Promise<void> {
  await Promise.all([homeserverAway(report), networkAway(report)]);
}

async function homeserverAway(report: Report): Promise<void> {
  const rig = await setUp({ channels: 1, people: 1, latency });
  try {
    await startWarm(rig);
    const speakers = await openSpeakers(rig, people);
    const room = rig.rooms[0] as string;
    await rig.stub.call('down');
    await paced((number) => speakers[number % people]?.write(`PRIVMSG ${rig.channels[0]} :outage ${number}\r\n`));
    await rig.stub.call('up');
    const back = clock();
    const arrived = async () => (await rig.stub.call('events', room)).filter(({ content }) => /^outage \d/.test(String(content.body)));
    await untilAllOrRest(async () => (await arrived()).length);
    const events = await arrived();
    const numbers = events.map(({ content }) => Number(String(content.body).split(' ')[1]));
    const result = countArrivals(numbers, count, people);
    const [first, last] = [events[0]?.arrived ?? 0, events.at(-1)?.arrived ?? 0];
    const drained = (events.length / (last - first)) * 1_000;
    // Half of its pace is left for what the answer takes beside the latency.
    const least = 500 / latency;
    report.add({
      figure: `homeserver away ${awayMs / 1_000} s, ${pace} IRC lines a second`,
      value: `${told(result)}; after ${((first - back) / 1_000).toFixed(1)} s at ${rate(drained)}`,
      bar: `0 lost, in order, ≥ ${rate(least)} of ${rate(1_000 / latency)}`,
      met: result.lost === 0 && result.disordered === 0 && result.doubled === 0 && drained >= least,
      raw: { ...result, drainedPerSecond: drained, firstAfterMs: first - back },
    });
    for (const speaker of speakers) speaker.close();
  } finally {
    await rig.stop();
  }
}

async function networkAway(report: Report): Promise<void> {
  const rig = await setUp({ channels: 1, people });
  try {
    await startWarm(rig);
    await rig.stub.flood({ users: [...rig.people], rooms: [...rig.rooms], count: people, prefix: 'first words ' });
    await sleep(3_000);
    await rig.stopIrc();
    await paced((number) => rig.stub.call('say', rig.people[number % people] as string, rig.rooms[0] as string, `outage ${number}`));
    await rig.startIrc();
    const back = clock();
    const heard: { number: number; at: number }[] = [];
    const listener = await bareClient({
      ...{ port: rig.ircPort, nick: 'listener', channels: rig.channels },
      hear: (line, at) => {
        const number = /outage (\d+)/.exec(line)?.[1];
        if (number !== undefined) heard.push({ number: Number(number), at });
      },
    });
    await untilAllOrRest(() => heard.length);
    const result = countArrivals(
      heard.map(({ number }) => number),
      count,
      people,
    );
    const [first, last] = [heard[0]?.at ?? 0, heard.at(-1)?.at ?? 0];
    report.add({
      figure: `IRC server away ${awayMs / 1_000} s, ${pace} Matrix messages a second`,
      value: `${told(result)}; within ${((last - back) / 1_000).toFixed(1)} s`,
      bar: '0 lost, in order for each speaker',
      met: result.lost === 0 && result.disordered === 0 && result.doubled === 0,
      raw: { ...result, firstAfterMs: first - back, lastAfterMs: last - back },
    });
    listener.close();
  } finally {
    await rig.stop();
  }
}

async function paced(say: (number: number) => unknown): Promise<void> {
  const began = clock();
  for (let number = 0; number < count; number += 1) {
    await sleep(Math.max(0, began + (number * 1_000) / pace - clock()));
    say(number);
  }
}

/** Longer than the bridge waits before it tries a server again that was away for half a minute. */
const rest = 60_000;

/** All there, or nothing new for so long that no more will come. */
async function untilAllOrRest(reached: () => number | Promise<number>): Promise<void> {
  let last = -1;
  let since = Date.now();
  await until(
    'the backlog drained',
    async () => {
      const now = await reached();
      if (now !== last) since = Date.now();
      last = now;
      return now >= count || Date.now() - since > rest;
    },
    { ms: 300_000, every: 200 },
  );
  await sleep(500);
}
