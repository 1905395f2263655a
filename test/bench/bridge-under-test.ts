// The bridge of a measurement as an operator starts it, between a stub homeserver and whatever network its config names: rooms of
// the stub with people in them, the config and registration, the process. All of it ends with us, however we end.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { freePort } from '../../quickstart/servers/ports.ts';
import { ServerProcess } from '../../quickstart/servers/processes.ts';
import { type RemoteHomeserver, spawnFakeHomeserver } from '../support/fake-homeserver/remote.ts';
import { clock } from './clock.ts';

export interface BridgeWish {
  readonly protocol: 'irc' | 'slack' | 'gitter';
  /** Of the config; `rooms` are those that were made, one for each channel. */
  readonly section: (rooms: readonly string[]) => object;
  readonly channels: number;
  /** Matrix people, each in every room; or, `apart`, as many as rooms and each alone in one. */
  readonly people: number;
  readonly apart?: boolean;
  /** Answers of the stub are held back so many ms. */
  readonly latency?: number;
  readonly inFlight?: number;
}

export interface BridgeUnderTest {
  readonly folder: string;
  readonly stub: RemoteHomeserver;
  /** Where the bridge listens. */
  readonly bridgeUrl: string;
  /** The bridge's database. */
  readonly store: string;
  readonly rooms: readonly string[];
  readonly people: readonly string[];
  startBridge(): Promise<BridgeRun>;
  logTail(): string;
  stop(): Promise<void>;
}

export interface BridgeRun {
  readonly pid: number;
  readonly startedAt: number;
  hasEnded(): boolean;
  /** Resolves once it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

const tokens = { asToken: 'as-token-of-the-bench', hsToken: 'hs-token-of-the-bench', registrationId: 'causeway-bench' };

export async function setUpBridge(wish: BridgeWish): Promise<BridgeUnderTest> {
  const { protocol } = wish;
  const folder = mkdtempSync(join(tmpdir(), 'causeway-bench-'));
  const names = `${protocol}_.*`;
  const botLocalpart = `${protocol}bot`;
  const stub = await spawnFakeHomeserver({
    ...{ ...tokens, botLocalpart, latency: wish.latency ?? 0, userNamespace: names, aliasNamespace: names },
  });
  const people = await Promise.all(
    Array.from({ length: wish.people }, (_, number) => stub.call('user', `person${number}`, `person${number}`)),
  );
  const rooms: string[] = [];
  for (let number = 0; number < wish.channels; number += 1) {
    const members = wish.apart === true ? [people[number] as string] : people;
    const creator = members[0] as string;
    const levels = { users: { [creator]: 100, [stub.bot]: 50 } };
    rooms.push(await stub.call('createRoom', { creator, version: '11', levels, members: members.slice(1), invite: [stub.bot] }));
  }
  const address = `127.0.0.1:${await freePort()}`;
  const store = join(folder, 'data', `${protocol}.db`);
  const config = join(folder, `${protocol}.yaml`);
  const registration = join(folder, 'registration.yaml');
  writeFileSync(
    config,
    dump({
      homeserver: { url: stub.url, domain: 'hs.test', in_flight: wish.inFlight ?? 16 },
      appservice: { listen: address, url: `http://${address}`, registration },
      store,
      permissions: { 'hs.test': 'user' },
      log: { level: 'info', format: 'json' },
      [protocol]: wish.section(rooms),
    }),
  );
  const namespace = (sign: string) => [{ exclusive: true, regex: `${sign}${names}:hs\\.test` }];
  writeFileSync(
    registration,
    dump({
      ...{ id: tokens.registrationId, url: `http://${address}`, as_token: tokens.asToken, hs_token: tokens.hsToken },
      ...{ sender_localpart: botLocalpart, rate_limited: false, receive_ephemeral: true, protocols: [protocol] },
      namespaces: { users: namespace('@'), aliases: namespace('#'), rooms: [] },
    }),
    { mode: 0o600 },
  );
  await stub.call('pushTo', `http://${address}`);

  const running = new Set<ServerProcess>();
  const log = join(folder, 'bridge.log');
  return {
    ...{ folder, stub, bridgeUrl: `http://${address}`, store, rooms, people },
    startBridge: async () => {
      const startedAt = clock();
      const bridge = new ServerProcess({
        ...{ name: 'the bridge', command: process.execPath, args: ['bridges/causeway.mjs', 'run', config] },
        // As `npm start` and the image set it.
        env: { ...process.env, MALLOC_ARENA_MAX: '1' },
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
    stop: async () => {
      for (const bridge of running) bridge.signal('SIGKILL');
      await stub.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
