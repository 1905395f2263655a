// Floods both ways through one room: over IRC, and in the same run over another network, for the two to stand beside each other.

import type { BridgeUnderTest } from './bridge-under-test.ts';
import { sleep, until } from './clock.ts';
import { type FlowResult, matrixToNetwork, networkToMatrix, type Speaker } from './flows.ts';
import { openListener, openSpeakers, startWarm } from './ready.ts';
import { setUp } from './rig.ts';

/** On each side. */
export const people = 10;
const warmUp = 1_500;
const measured = 3_000;

/** A bridge to another network, not yet started, with one room on one channel. */
export interface OtherRig {
  readonly bridge: BridgeUnderTest;
  readonly channel: string;
  readonly speakers: readonly Speaker[];
  /** Texts of the channel go to this one from now on. */
  hear(listener: (line: string, at: number) => void): void;
  stop(): Promise<void>;
}

/** CPU ms of a message. */
export async function floodOverIrc(): Promise<{ toMatrix: number; toNetwork: number }> {
  const rig = await setUp({ channels: 1, people });
  try {
    const bridge = await startWarm(rig);
    const speakers = await openSpeakers(rig, people);
    const listener = await openListener(rig);
    await networkToMatrix(rig, bridge, speakers, { count: warmUp });
    const toMatrix = await networkToMatrix(rig, bridge, speakers, { count: measured });
    await matrixToNetwork(rig, bridge, listener.hear, { count: warmUp });
    const toNetwork = await matrixToNetwork(rig, bridge, listener.hear, { count: measured });
    for (const client of [...speakers, listener]) client.close();
    return { toMatrix: toMatrix.cpuMs, toNetwork: toNetwork.cpuMs };
  } finally {
    await rig.stop();
  }
}

export async function floodBothWays(rig: OtherRig): Promise<{ toMatrix: FlowResult; toNetwork: FlowResult }> {
  const bridge = await rig.bridge.startBridge();
  await firstBothWays(rig);
  const ground = { stub: rig.bridge.stub, rooms: rig.bridge.rooms, people: rig.bridge.people, channels: [rig.channel] };
  await networkToMatrix(ground, bridge, rig.speakers, { count: warmUp });
  const toMatrix = await networkToMatrix(ground, bridge, rig.speakers, { count: measured });
  await matrixToNetwork(ground, bridge, rig.hear, { count: warmUp });
  const toNetwork = await matrixToNetwork(ground, bridge, rig.hear, { count: measured });
  return { toMatrix, toNetwork };
}

async function firstBothWays({ bridge, hear, speakers, channel }: OtherRig): Promise<void> {
  const [room = '', person = ''] = [bridge.rooms[0], bridge.people[0]];
  let isHeard = false;
  hear((line) => {
    isHeard ||= line.includes('first from Matrix');
  });
  let tries = 0;
  await until(
    'the first messages both ways',
    async () => {
      tries += 1;
      if (!isHeard) await bridge.stub.call('say', person, room, `first from Matrix ${tries}`);
      speakers[0]?.say(channel, `first from there ${tries}`);
      const events = await bridge.stub.call('events', room);
      return isHeard && events.some(({ content }) => String(content.body).includes('first from there'));
    },
    { ms: 60_000, every: 200 },
  );
  hear(() => {});
  await sleep(2_000);
}
