// What the measurements over IRC stand on: a real IRC server without limits, and the bridge between it and a stub homeserver.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startInspircd } from '../../quickstart/servers/inspircd.ts';
import { type BridgeUnderTest, type BridgeWish, setUpBridge } from './bridge-under-test.ts';

export interface RigOptions extends Pick<BridgeWish, 'channels' | 'people' | 'apart' | 'latency' | 'inFlight'> {
  /** The bridge speaks TLS to the IRC server. */
  readonly tls?: boolean;
}

export interface Rig extends BridgeUnderTest {
  readonly ircPort: number;
  /** 0 without TLS. */
  readonly tlsPort: number;
  readonly channels: readonly string[];
  stopIrc(): Promise<void>;
  startIrc(): Promise<void>;
}

export async function setUp(options: RigOptions): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-bench-irc-'));
  mkdirSync(join(folder, 'irc'));
  const irc = await startInspircd({ folder: join(folder, 'irc'), tls: options.tls === true });
  const channels = Array.from({ length: options.channels }, (_, number) => `#bench${number}`);
  const port = irc.tlsPort ?? irc.port;
  const local = { host: '127.0.0.1', port, tls: options.tls === true && { insecure: true }, flood: 'off', puppets: { max: 2_000 } };
  const bridge = await setUpBridge({
    ...options,
    protocol: 'irc',
    section: (rooms) => ({
      networks: { local },
      links: channels.map((channel, number) => ({ network: 'local', channel, room: rooms[number] })),
    }),
  });
  return {
    ...{ ...bridge, ircPort: irc.port, tlsPort: irc.tlsPort ?? 0, channels },
    stopIrc: () => irc.stop(),
    startIrc: () => irc.start(),
    stop: async () => {
      await bridge.stop();
      await irc.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
