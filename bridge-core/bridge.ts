// One network joined to one homeserver: builds the parts and wires them; decides nothing. Signals that go up are callbacks
// given here, so that no part knows the whole.

import type { Adapter, Json, Logger, Network, RemoteEvent } from './adapter.ts';
import { openHomeserver } from './appservice/homeserver.ts';
import { openTransactions } from './appservice/transactions.ts';
import { WebRoutes } from './appservice/web.ts';
import { Records } from './control/records.ts';
import { messageOf, type PermanentError } from './errors.ts';
import type { RoomId, UserId } from './ids.ts';
import type { WaitingInbox } from './inbox.ts';
import { Roster } from './membership/roster.ts';
import type { Health } from './observe/health.ts';
import type { Metrics } from './observe/metrics.ts';
import { Failures } from './pipeline/failures.ts';
import { Journal } from './pipeline/journal.ts';
import { Lanes } from './pipeline/lanes.ts';
import { MatrixRouting } from './pipeline/matrix-routing.ts';
import { MatrixToRemote } from './pipeline/matrix-to-remote.ts';
import { Passing } from './pipeline/passing.ts';
import { Recovery } from './pipeline/recovery.ts';
import { Relations } from './pipeline/relations.ts';
import { RemoteToMatrix } from './pipeline/remote-to-matrix.ts';
import { type Row, roomLane, states, towards } from './pipeline/row.ts';
import { BridgeInfo } from './plumbing/bridge-info.ts';
import { Links } from './plumbing/links.ts';
import { LoopGuard } from './plumbing/loop-guard.ts';
import { Plumb } from './plumbing/plumb.ts';
import type { CoreSettings, Registration } from './settings.ts';
import type { SqliteStore } from './store/sqlite.ts';
import { Ghosts } from './virtual-users/ghosts.ts';
import { openNames } from './virtual-users/names.ts';
import { Puppets } from './virtual-users/puppets.ts';

const stateNames = ['waiting', 'begun', 'parked', 'dead'] as const;
/** What is in flight at a stop may take so long, ms; the rest waits in the journal. */
const drainMs = 5_000;
/** All lanes towards Matrix share the homeserver's fate. */
const homeserverScope = 'homeserver';

export interface BridgeOptions<Body extends Json> {
  readonly settings: CoreSettings;
  readonly registration: Registration;
  readonly network: Pick<Network<unknown, Body>, 'protocol'>;
  readonly adapter: Adapter<Body>;
  readonly inbox: WaitingInbox<Body>;
  readonly store: SqliteStore;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
}

export function buildBridge<Body extends Json>(options: BridgeOptions<Body>) {
  const { settings, registration, adapter, store, log, metrics } = options;
  const { count } = metrics;
  const { domain, url, inFlight } = settings.homeserver;
  const names = openNames({ ...settings.names, domain, botLocalpart: settings.appservice.botLocalpart });
  const homeserver = openHomeserver({
    ...{ url, domain, inFlight, bot: names.bot, asToken: registration.asToken, registrationId: registration.id, log, count },
  });

  const links = new Links({ store });
  const journal = new Journal({ store, run: store.run });
  const relations = new Relations({ store });
  const recovery = new Recovery({ homeserver });
  const roster = new Roster({ store, members: (room) => homeserver.joinedMembers(room) });
  const ghosts = new Ghosts({ store, homeserver, names, places: roster, log });
  const puppets = new Puppets<Body>({ adapter });
  const failures = new Failures<Body>({
    store,
    journal,
    links,
    adapter,
    log,
    count: (row) => metrics.event(sideOf(row), 'dead'),
  });
  const passing = new Passing<Body>({ adapter, homeserver, links, roster, names, log });

  const delivered = (row: Row): void => {
    metrics.event(sideOf(row), 'delivered');
    metrics.stage('journaled_delivered', sideOf(row), Date.now() - row.at);
  };
  const laneParts = { journal, store, log, delivered, bury: failures.bury.bind(failures) };
  const matrixLanes: Lanes = new Lanes({
    ...laneParts,
    carry: (row) => remoteToMatrix.carry(row),
    mend: mendPlace,
    scopeOf: () => homeserverScope,
    probe: () => homeserver.check().then(() => true),
    age: settings.ages.toMatrix,
  });
  const networkLanes: Lanes = new Lanes({
    ...laneParts,
    carry: (row) => matrixToRemote.carry(row),
    mend: async () => false,
    scopeOf: networkOf,
    probe: async (scope) => adapter.status().some(({ network, state }) => network === scope && state === 'up'),
    age: settings.ages.toNetwork,
  });
  failures.tellThrough(matrixLanes);

  /** Words of the bot, as durable as a message. */
  const tell = (room: RoomId, text: string): void => {
    store
      .write(() =>
        journal.append({ ...{ direction: towards.matrix, lane: roomLane(room), link: 0, source: '' }, task: { do: 'tell', text } }),
      )
      .then((row) => matrixLanes.push(row))
      .catch((thrown) => log.error({ room, why: messageOf(thrown) }, 'cannot tell the room'));
  };
  const guard = new LoopGuard({ homeserver, links, channels: adapter.channels, protocol: options.network.protocol.id, tell, log });
  const info = new BridgeInfo({ homeserver, links, channels: adapter.channels, protocol: options.network.protocol, log });
  const plumb = new Plumb<Body>({ homeserver, adapter, links, guard, info, tell, log });

  const remoteToMatrix = new RemoteToMatrix<Body>({
    ...{ adapter, homeserver, store, journal, lanes: matrixLanes, relations, recovery, links, ghosts, names, log },
    act: async (event) => log.debug({ type: event.type }, 'nothing acts on this yet'),
    passing: (event, on) => passing.fromNetwork(event, on),
    count: (outcome) => metrics.event('network', outcome),
  });
  const routing = new MatrixRouting<Body>({ adapter, links, names, roster, journal, isAct: () => false, isBridgeBot: () => false });
  const matrixToRemote = new MatrixToRemote<Body>({
    ...{ adapter, routing, store, journal, lanes: networkLanes, matrixLanes, relations, recovery, links, roster, puppets, ghosts },
    markLate: settings.ages.markLate,
    mediaLink: () => undefined,
    page: async () => undefined,
    passing: (event) => passing.fromMatrix(event),
    redacted: () => {},
    count: (outcome) => metrics.event('matrix', outcome),
  });
  const transactions = openTransactions({ store, log, count, accept: (batch) => matrixToRemote.accept(batch), onFailure: ping });

  links.onChange(({ link, was }) => {
    if (link?.state === 'live' && was?.state !== 'live') {
      roster.refresh(link.room).catch((thrown) => log.warn({ room: link.room, why: messageOf(thrown) }, 'member list not read'));
    }
  });

  const records = new Records({
    ...{ store, links, journal },
    revive: (rows) => {
      for (const row of rows) (row.direction === towards.matrix ? matrixLanes : networkLanes).push(row);
    },
  });
  const web = new WebRoutes();

  /** Where it is delivered to. */
  function sideOf(row: Row): 'matrix' | 'network' {
    return row.direction === towards.matrix ? 'matrix' : 'network';
  }

  const networks = new Map<number, string>();
  function networkOf(row: Row): string {
    let name = networks.get(row.link);
    if (name === undefined) {
      const link = links.get(row.link);
      name = link === undefined ? '' : adapter.channels.describe(link.channel).network.id;
      networks.set(row.link, name);
    }
    return name;
  }

  // A ghost that the homeserver does not know in the room after all is brought in once more.
  async function mendPlace(row: Row, error: PermanentError): Promise<boolean> {
    if (error.code !== 'FORBIDDEN_IN_ROOM' || row.rejoined || row.task.do !== 'show' || !('sender' in row.task.event)) return false;
    row.rejoined = true;
    const room = links.get(row.link)?.room;
    if (room !== undefined) await ghosts.forget(room, names.ghostOf(row.task.event.sender));
    return room !== undefined;
  }

  function ping(): void {
    homeserver.ping().catch((thrown) => log.warn({ why: messageOf(thrown) }, 'the homeserver did not reach us'));
  }

  metrics.gauge('journal_rows', () =>
    journal
      .depth()
      .map(({ direction, state, rows }) => [{ side: direction === towards.matrix ? 'matrix' : 'network', state: stateNames[state] }, rows]),
  );
  metrics.gauge('journal_oldest_seconds', () =>
    journal
      .depth()
      .filter(({ state }) => state !== states.dead)
      .map(({ direction, oldest }) => [{ side: direction === towards.matrix ? 'matrix' : 'network' }, (Date.now() - oldest) / 1_000]),
  );
  metrics.gauge('connections', () => adapter.status().map(({ network, state, sessions }) => [{ network, state }, sessions]));
  metrics.gauge('requests_in_flight', () => [[{}, homeserver.load().inFlight]]);
  metrics.gauge('requests_waiting', () => [[{}, homeserver.load().waiting]]);
  metrics.gauge('links', () => countBy(links.all().map(({ state }) => state)).map(([state, links]) => [{ state }, links]));
  for (const { network } of adapter.status()) {
    options.health.add(`network ${network}`, () => {
      const status = adapter.status().find((each) => each.network === network);
      return { ok: status?.state === 'up', detail: status?.detail ?? status?.state ?? 'gone' };
    });
  }

  return {
    web,
    /** What the control socket asks. */
    orders: {
      links: async () => records.links(),
      dead: async () => records.dead(),
      retry: () => records.retry(),
      backup: (destination: Json) => records.backup(String((destination as { destination?: Json }).destination ?? destination)),
    },
    inbound: {
      transaction: async (id: string, body: unknown): Promise<void> => {
        matrixLanes.resume(homeserverScope);
        await transactions.receive(id, body);
      },
      user: async (_id: UserId): Promise<boolean> => false,
      alias: async (_alias: string): Promise<boolean> => false,
      thirdParty: {
        protocol: async () => undefined,
        user: async () => undefined,
        userOf: async () => [],
        location: async () => undefined,
        locationOf: async () => [],
      },
    },
    /** Opens the inbox and lets what waits in the journal go. */
    start(): void {
      options.inbox.open({
        receive: (event: RemoteEvent<Body>) => remoteToMatrix.accept(event),
        connection: (speaker, network, state, reason) => {
          log.info({ network, state, ...(reason !== undefined && { reason }) }, 'connection');
          if (speaker.as === 'bot' && state === 'up') networkLanes.resume(network);
        },
        suspended: (channel, reason) => {
          plumb
            .suspend(
              links.byChannel(channel),
              reason,
              `${reason}. Messages are no longer carried; link the channel again once that is mended.`,
            )
            .catch((thrown) => log.error({ channel, why: messageOf(thrown) }, 'cannot suspend a link'));
        },
      });
      for (const { seq, direction, lane, state } of journal.pending()) {
        (direction === towards.matrix ? matrixLanes : networkLanes).load(seq, lane, state === states.parked);
      }
      matrixLanes.start();
      networkLanes.start();
      plumb.resume();
    },
    /** Says in one line each what is wrong on the homeserver's side; retried by the caller. */
    async greet(): Promise<void> {
      await homeserver.check();
      await homeserver.register(homeserver.bot).catch(() => false);
      await homeserver.ping();
    },
    async stop(): Promise<void> {
      plumb.stop();
      transactions.close();
      await failures.flush();
      const drained = Promise.all([matrixLanes.stop(), networkLanes.stop()]);
      await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, drainMs).unref())]);
    },
    /** After the sessions are gone. */
    async close(): Promise<void> {
      await homeserver.close();
    },
    async reload(_settings: CoreSettings, _networkSettings: unknown): Promise<string[]> {
      return [];
    },
  };
}

function countBy(words: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts];
}

export type Bridge = Awaited<ReturnType<typeof buildBridge>>;
