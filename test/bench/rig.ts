// What every measurement stands on: a stub homeserver in a process of its own, a real IRC server without limits, the bridge
// as an operator starts it, with so many linked channels.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { startInspircd } from '../../quickstart/servers/inspircd.ts';
import { freePort } from '../../quickstart/servers/ports.ts';
import { type RemoteHomeserver, spawnFakeHomeserver } from '../support/fake-homeserver/remote.ts';

export interface RigOptions {
  readonly channels: number;
  /** Matrix people in every room. */
  readonly people: number;
  /** Answers of the stub are held back so many ms. */
  readonly latency?: number;
  readonly inFlight?: number;
  readonly puppets?: number;
}

export interface Rig {
  readonly stub: RemoteHomeserver;
  readonly ircPort: number;
  readonly rooms: readonly string[];
  readonly channels: readonly string[];
  readonly people: readonly string[];
  readonly folder: string;
  /** Starts the bridge; resolves once it said that it runs and the homeserver knows it. */
  startBridge(): Promise<BridgeRun>;
  stopIrc(): Promise<void>;
  startIrc(): Promise<void>;
  stop(): Promise<void>;
}

export interface BridgeRun {
  readonly pid: number;
  readonly startedAt: number;
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
  const irc = await startInspircd({ folder: join(folder, 'irc') });
  const stub = await spawnFakeHomeserver({ ...tokens, latency: options.latency ?? 0 });
  const listen = await freePort();
  const people = await Promise.all(
    Array.from({ length: options.people }, (_, number) => stub.call('user', `person${number}`, `person${number}`)),
  );
  const channels = Array.from({ length: options.channels }, (_, number) => `#bench${number}`);
  const rooms: string[] = [];
  for (const _ of channels) {
    const room = await stub.call('createRoom', { creator: people[0] as string, version: '11' });
    rooms.push(room);
    for (const person of people.slice(1)) await stub.call('join', person, room);
    await stub.call('invite', people[0] as string, room, stub.bot);
  }
  const config = join(folder, 'irc.yaml');
  const address = `127.0.0.1:${listen}`;
  writeFileSync(
    config,
    dump({
      homeserver: { url: stub.url, domain: 'hs.test', in_flight: options.inFlight ?? 16 },
      appservice: { listen: address, url: `http://${address}`, registration: join(folder, 'registration.yaml') },
      store: join(folder, 'data', 'irc.db'),
      permissions: { 'hs.test': 'user' },
      log: { level: 'info', format: 'json' },
      irc: {
        networks: {
          local: { host: '127.0.0.1', port: irc.port, tls: false, flood: 'off', puppets: { max: options.puppets ?? 2_000 } },
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

  const running = new Set<ChildProcess>();
  return {
    ...{ stub, ircPort: irc.port, rooms, channels, people, folder },
    startBridge: async () => {
      const log = openSync(join(folder, 'bridge.log'), 'a');
      const startedAt = performance.timeOrigin + performance.now();
      const child = spawn(process.execPath, ['bridges/causeway.mjs', 'run', config], { stdio: ['ignore', log, log] });
      running.add(child);
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      return {
        ...{ pid: child.pid ?? 0, startedAt },
        kill: async (signal) => {
          running.delete(child);
          child.kill(signal);
          await ended;
        },
      };
    },
    stopIrc: () => irc.stop(),
    startIrc: () => irc.start(),
    stop: async () => {
      for (const child of running) child.kill('SIGKILL');
      await stub.stop();
      await irc.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Polls until `holds`; rejects after `ms` with what was waited for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${ms / 1_000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
