// What every measurement stands on: a stub homeserver in a process of its own, a real IRC server without limits, the bridge
// as an operator starts it, with so many linked channels. All of them end with us, however we end.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { startInspircd } from '../../quickstart/servers/inspircd.ts';
import { freePort } from '../../quickstart/servers/ports.ts';
import { ServerProcess } from '../../quickstart/servers/processes.ts';
import { type RemoteHomeserver, spawnFakeHomeserver } from '../support/fake-homeserver/remote.ts';

export interface RigOptions {
  readonly channels: number;
  /** Matrix people, each in every room; or, `apart`, as many as rooms and each alone in one. */
  readonly people: number;
  readonly apart?: boolean;
  /** Answers of the stub are held back so many ms. */
  readonly latency?: number;
  readonly inFlight?: number;
  /** The bridge speaks TLS to the IRC server. */
  readonly tls?: boolean;
}

export interface Rig {
  readonly stub: RemoteHomeserver;
  readonly ircPort: number;
  /** Where the bridge listens. */
  readonly bridgeUrl: string;
  /** The bridge's database. */
  readonly store: string;
  /** 0 without TLS. */
  readonly tlsPort: number;
  readonly rooms: readonly string[];
  readonly channels: readonly string[];
  readonly people: readonly string[];
  readonly folder: string;
  /** Starts the bridge; resolves once it said that it runs and the homeserver knows it. */
  startBridge(): Promise<BridgeRun>;
  logTail(): string;
  stopIrc(): Promise<void>;
  startIrc(): Promise<void>;
  stop(): Promise<void>;
}

export interface BridgeRun {
  readonly pid: number;
  readonly startedAt: number;
  hasEnded(): boolean;
  /** Resolves once it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

const tokens = {
  asToken: 'as-token-of-the-bench',
  hsToken: 'hs-token-of-the-bench',
  registrationId: 'causeway-bench',
  botLocalpart: 'ircbot',
};

export async function setUp(options: RigOptions): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-bench-'));
  mkdirSync(join(folder, 'irc'));
  const irc = await startInspircd({ folder: join(folder, 'irc'), tls: options.tls === true });
  const stub = await spawnFakeHomeserver({ ...tokens, latency: options.latency ?? 0 });
  const listen = await freePort();
  const people = await Promise.all(
    Array.from({ length: options.people }, (_, number) => stub.call('user', `person${number}`, `person${number}`)),
  );
  const channels = Array.from({ length: options.channels }, (_, number) => `#bench${number}`);
  const rooms: string[] = [];
  for (const number of channels.keys()) {
    const members = options.apart === true ? [people[number] as string] : people;
    const creator = members[0] as string;
    const levels = { users: { [creator]: 100, [stub.bot]: 50 } };
    rooms.push(await stub.call('createRoom', { creator, version: '11', levels, members: members.slice(1), invite: [stub.bot] }));
  }
  const port = irc.tlsPort ?? irc.port;
  const store = join(folder, 'data', 'irc.db');
  const config = join(folder, 'irc.yaml');
  const address = `127.0.0.1:${listen}`;
  writeFileSync(
    config,
    dump({
      homeserver: { url: stub.url, domain: 'hs.test', in_flight: options.inFlight ?? 16 },
      appservice: { listen: address, url: `http://${address}`, registration: join(folder, 'registration.yaml') },
      store,
      permissions: { 'hs.test': 'user' },
      log: { level: 'info', format: 'json' },
      irc: {
        networks: {
          local: { host: '127.0.0.1', port, tls: options.tls === true && { insecure: true }, flood: 'off', puppets: { max: 2_000 } },
        },
        links: channels.map((channel, number) => ({ network: 'local', channel, room: rooms[number] })),
      },
    }),
  );
  writeFileSync(
    join(folder, 'registration.yaml'),
    dump({
      ...{ id: tokens.registrationId, url: `http://${address}`, as_token: tokens.asToken, hs_token: tokens.hsToken },
      ...{ sender_localpart: tokens.botLocalpart, rate_limited: false, receive_ephemeral: true, protocols: ['irc'] },
      namespaces: {
        users: [{ exclusive: true, regex: '@irc_.*:hs\\.test' }],
        aliases: [{ exclusive: true, regex: '#irc_.*:hs\\.test' }],
        rooms: [],
      },
    }),
    { mode: 0o600 },
  );
  await stub.call('pushTo', `http://${address}`);

  const running = new Set<ServerProcess>();
  const log = join(folder, 'bridge.log');
  return {
    ...{ stub, ircPort: irc.port, tlsPort: irc.tlsPort ?? 0, bridgeUrl: `http://${address}`, store, rooms, channels, people, folder },
    startBridge: async () => {
      const startedAt = clock();
      const bridge = new ServerProcess({
        ...{ name: 'the bridge', command: process.execPath, args: ['bridges/causeway.mjs', 'run', config] },
        log,
      });
      running.add(bridge);
      return {
        ...{ pid: bridge.pid, startedAt, hasEnded: () => bridge.hasExited },
        kill: async (signal) => {
          running.delete(bridge);
          bridge.signal(signal);
          await bridge.exited;
        },
      };
    },
    logTail: () => readFileSync(log, 'utf8').slice(-2_000),
    stopIrc: () => irc.stop(),
    startIrc: () => irc.start(),
    stop: async () => {
      for (const bridge of running) bridge.signal('SIGKILL');
      await stub.stop();
      await irc.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Polls until `holds`; rejects after `ms` with what was waited for. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { ms = 60_000, every = 20 }: { readonly ms?: number; readonly every?: number } = {},
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${ms / 1_000} s: ${what}`);
    await sleep(every);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** ms since 1970 with fractions. All processes of a run count from the same clock: they differ by microseconds, measured. */
export function clock(): number {
  return performance.timeOrigin + performance.now();
}
