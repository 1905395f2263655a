// The bridge at work: started, with a first message through each way; and the driver's own clients beside it.

import { type BareClient, bareClient } from './bare-irc.ts';
import type { BridgeRun } from './bridge-under-test.ts';
import { clock, sleep, until } from './clock.ts';
import type { Rig } from './rig.ts';

export interface ListeningClient extends BareClient {
  /** Whole PRIVMSG lines go to this one from now on. */
  hear(listener: (line: string, at: number) => void): void;
}

/** In all channels of the rig. */
export async function openListener(rig: Rig, nick = 'listener'): Promise<ListeningClient> {
  let listen: (line: string, at: number) => void = () => {};
  const client = await bareClient({ port: rig.ircPort, nick, channels: rig.channels, hear: (line, at) => listen(line, at) });
  return {
    ...client,
    hear: (listener) => {
      listen = listener;
    },
  };
}

/** Each in all channels, or, where there are as many of them as channels, each in its own. */
export async function openSpeakers(rig: Rig, count: number, name = 'speaker'): Promise<BareClient[]> {
  const own = (number: number) => [rig.channels[number % rig.channels.length] as string];
  const isApart = rig.channels.length > 1 && count >= rig.channels.length;
  return await Promise.all(
    Array.from({ length: count }, (_, number) =>
      bareClient({ port: rig.ircPort, nick: `${name}${number}`, channels: isApart ? own(number) : rig.channels }),
    ),
  );
}

export async function startWarm(rig: Rig): Promise<BridgeRun> {
  const bridge = await rig.startBridge();
  const probe = await openListener(rig, 'probe');
  await flowsBothWays(rig, bridge, probe);
  probe.close();
  return bridge;
}

/** The same after a clean restart: its links stand, and what is compiled lies in the cache. */
export async function restartWarm(rig: Rig): Promise<BridgeRun> {
  const first = await startWarm(rig);
  await sleep(2_000);
  await first.kill('SIGTERM');
  return await startWarm(rig);
}

export interface FirstFlow {
  /** When the first of our lines came in at the homeserver, and when a line from Matrix was heard first. */
  readonly atMatrix: number;
  readonly atNetwork: number;
}

/** Speaks on each side of the first room until a line of it reached the other; in Matrix not before the bridge listens, so that
 *  no pause of the homeserver is measured. */
export async function flowsBothWays(rig: Rig, bridge: BridgeRun, probe: ListeningClient, every = 100): Promise<FirstFlow> {
  const [room, channel, person] = [rig.rooms[0] as string, rig.channels[0] as string, rig.people[0] as string];
  const tag = `probe${Math.round(clock())}`;
  const from = (await rig.stub.call('events', room)).length;
  let atNetwork = 0;
  let atMatrix = 0;
  probe.hear((line, at) => {
    if (line.includes(`${tag} from Matrix`)) atNetwork ||= at;
  });
  let isListening = false;
  await until(
    'the first messages both ways',
    async () => {
      if (bridge.hasEnded()) throw new Error(`the bridge ended; its log: ${rig.logTail()}`);
      isListening ||= await fetch(`${rig.bridgeUrl}/health`).then(
        () => true,
        () => false,
      );
      if (isListening && atNetwork === 0) await rig.stub.call('say', person, room, `${tag} from Matrix`);
      if (atMatrix === 0) {
        probe.write(`PRIVMSG ${channel} :${tag} from IRC\r\n`);
        const events = await rig.stub.call('events', room, from);
        atMatrix = events.find(({ content }) => String(content.body).includes(`${tag} from IRC`))?.arrived ?? 0;
      }
      return atNetwork > 0 && atMatrix > 0;
    },
    { ms: 120_000, every },
  );
  probe.hear(() => {});
  return { atMatrix, atNetwork };
}
