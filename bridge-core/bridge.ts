// One network joined to one homeserver: builds the parts and wires them; decides nothing. Signals that go up are callbacks
// given here, so that no part knows the whole.

import type { Adapter, Network } from './adapter.ts';
import type { Logger } from './adapter-tools.ts';
import { Brought } from './appservice/brought.ts';
import { CatchUp } from './appservice/catch-up.ts';
import { openMedia } from './appservice/media.ts';
import { openHomeserver } from './appservice/open-homeserver.ts';
import { openOutgoing } from './appservice/outgoing-files.ts';
import { openPages } from './appservice/pages.ts';
import { openTransactions } from './appservice/transactions.ts';
import type { WebRoutes } from './appservice/web.ts';
import { buildControl } from './bridge-control.ts';
import { buildDoubles } from './bridge-doubles.ts';
import { inboxOf } from './bridge-inbox.ts';
import { buildMembership } from './bridge-membership.ts';
import { buildPortals } from './bridge-portals.ts';
import { makeReload } from './bridge-reload.ts';
import { keepTidy, showFigures, tellCommitTime } from './bridge-upkeep.ts';
import { Records } from './control/records.ts';
import { printDuration } from './durations.ts';
import { messageOf } from './errors.ts';
import type { RoomId } from './ids.ts';
import type { WaitingInbox } from './inbox.ts';
import type { MatrixEvent } from './matrix-event.ts';
import type { Health } from './observe/health.ts';
import type { Metrics } from './observe/metrics.ts';
import type { Attachment } from './pipeline/content.ts';
import { CrossingAddresses } from './pipeline/crossing-addresses.ts';
import { Failures } from './pipeline/failures.ts';
import { Gaps } from './pipeline/gaps.ts';
import { soon } from './pipeline/in-time.ts';
import { learnt } from './pipeline/inherited.ts';
import { Journal } from './pipeline/journal.ts';
import { Lanes } from './pipeline/lanes.ts';
import { MatrixRouting } from './pipeline/matrix-routing.ts';
import { MatrixToRemote } from './pipeline/matrix-to-remote.ts';
import { Passing } from './pipeline/passing.ts';
import { Recovery } from './pipeline/recovery.ts';
import { Relations } from './pipeline/relations.ts';
import { RemoteToMatrix } from './pipeline/remote-to-matrix.ts';
import { RoomCalls } from './pipeline/room-calls.ts';
import { isHeldLane, linkLane, linkOfLane, type Row, roomLane, sideOf, states, towards } from './pipeline/row.ts';
import { UserLimit } from './pipeline/user-limit.ts';
import { BridgeBots } from './plumbing/bridge-bots.ts';
import { BridgeInfo } from './plumbing/bridge-info.ts';
import { described } from './plumbing/described.ts';
import { letIn } from './plumbing/letting-in.ts';
import { isNewHere, Links } from './plumbing/links.ts';
import { LoopGuard } from './plumbing/loop-guard.ts';
import { Plumb } from './plumbing/plumb.ts';
import { Upgrades } from './plumbing/upgrades.ts';
import type { Json } from './remote-event.ts';
import type { CoreSettings, Registration } from './settings.ts';
import { openNotes } from './store/notes.ts';
import type { SqliteStore } from './store/sqlite.ts';
import { adoptedGhosts } from './virtual-users/adopted.ts';
import type { Sealed } from './virtual-users/key-rotation.ts';
import type { Keys } from './virtual-users/keys.ts';
import { type KnownLogin, Logins } from './virtual-users/logins.ts';
import { openNames } from './virtual-users/names.ts';
import { Puppets } from './virtual-users/puppets.ts';
import { rotateAll } from './virtual-users/sealed.ts';

/** What is in flight at a stop may take so long, ms; the rest waits in the journal. */
const drainMs = 5_000;
/** All lanes towards Matrix share the homeserver's fate. */
const homeserverScope = 'homeserver';

export interface BridgeOptions<Body extends Json> {
  readonly settings: CoreSettings;
  readonly registration: Registration;
  readonly network: Pick<Network<unknown, Body>, 'protocol'> & Partial<Pick<Network<unknown, Body>, 'names'>>;
  readonly adapter: Adapter<Body>;
  readonly inbox: WaitingInbox<Body>;
  readonly store: SqliteStore;
  /** Where the adapter has put its own pages already. */
  readonly web: WebRoutes;
  readonly keys: Keys;
  /** The adapter's. */
  readonly secrets: Sealed;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
}

export function buildBridge<Body extends Json>(options: BridgeOptions<Body>) {
  const { settings, registration, adapter, store, web, log, metrics } = options;
  const { count } = metrics;
  const { protocol } = options.network;
  const { domain, url, inFlight } = settings.homeserver;
  const { botLocalpart } = settings.appservice;
  const { escapedInAliases } = options.network.names ?? {};
  const names = openNames({ ...settings.names, domain, botLocalpart, escapedInAliases, adopted: adoptedGhosts(store) });
  const homeserver = openHomeserver({
    ...{ url, domain, inFlight, bot: names.bot, asToken: registration.asToken, registrationId: registration.id, log, count },
    tokenOf: settings.doublePuppeting === 'token' ? (user) => doubles?.tokenOf(user) : undefined,
  });

  const notes = openNotes(store);
  const media = openMedia({ homeserver, keys: options.keys, store, web, log });
  const pages = openPages({ store, web });

  const brought = new Brought({ store, homeserver, open: adapter.open?.bind(adapter) });

  const links = new Links({ store });
  const journal = new Journal({ store, run: store.run });
  const relations = new Relations({ store, learn: (relation) => learnt({ homeserver, links, ghosts }, relation) });
  const recovery = new Recovery({ homeserver });
  const { roster, queue, limits, ghosts, sync, mendPlace } = buildMembership<Body>({
    ...{ settings, adapter, store, notes, homeserver, names, links, relations, brought, log, count },
    settled: async (room) => void (await Promise.all(links.byRoom(room).map((link) => matrixLanes.passed(linkLane(link))))),
  });
  const logins: Logins<Body> = new Logins<Body>({
    ...{ store, keys: options.keys, adapter, log, onRefused: refused },
  });
  const { doubles, doubled } = buildDoubles({
    ...{ settings, store, keys: options.keys, homeserver, logins, roster, journal, log },
    onRefused: (user) => control.doubling?.refused(user),
  });
  const puppets = new Puppets<Body>({ adapter, logins: adapter.logins.length > 0 ? logins : undefined });
  const failures = new Failures<Body>({
    store,
    journal,
    links,
    adapter,
    log,
    count: (row) => ended(row, 'dead'),
  });
  const passing = new Passing<Body>({ adapter, homeserver, links, roster, names, relations, doubles, log });

  const ended = (row: Row, outcome: 'delivered' | 'dead'): void => {
    metrics.event(sideOf(row), outcome);
    metrics.stage(`journaled_${outcome}`, sideOf(row), Date.now() - row.at);
  };
  const delivered = (row: Row): void => ended(row, 'delivered');
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
    outage: (network, isOver, lanes) => tellOfOutage(network, isOver, lanes),
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
  const guard = new LoopGuard({ homeserver, links, channels: adapter.channels, protocol: protocol.id, tell, log });
  const info = new BridgeInfo({ homeserver, links, channels: adapter.channels, protocol, log });
  const configuredLinks = () => adapter.configuredLinks();
  const takeIn = (room: RoomId, since: number) => catchUp.moved(room, since, roster.refresh(room));
  const upgrades = new Upgrades({ homeserver, links, guard, info, channels: adapter.channels, configuredLinks, takeIn, tell, log });
  const startedAt = Date.now();
  const plumb = new Plumb<Body>({
    ...{ homeserver, adapter, links, guard, info, tell, log },
    letIn: (room) => letIn<Body>({ homeserver, adapter, links, names, startedAt }, room),
  });
  const bridgeBots = new BridgeBots({ homeserver });

  const rooms = buildPortals<Body>({
    ...{ settings, adapter, store, notes, homeserver, names, ghosts, logins, roster, links, guard, info, plumb, doubles, log },
    tellPerson: (user, words) => control.tellPerson(user, words),
    ...{ tell, count },
    said: (link) => soon(matrixLanes.passed(linkLane(link))),
    mark: () => journal.mark(),
    take: (event) => gaps.receive(event),
  });
  const control: ReturnType<typeof buildControl<Body>> = buildControl<Body>({
    ...{ settings, protocol, adapter, store, notes, homeserver, names, ghosts, logins, roster, links, guard, plumb, upgrades, tell, log },
    ...{ rooms, doubles, hsToken: registration.hsToken },
    takeIn: (room, since) => catchUp.room(room, since),
    personJoined: (room, user) => sync.personJoined(room, user),
    matchMembers: (link, wish) => sync.match(link, wish),
  });
  const { permissions, acts, lookups } = control;

  const addresses = new CrossingAddresses<Body>({ adapter, links, relations, domain });
  const gaps = new Gaps<Body>({
    ...{ adapter, store, journal, links, settings: settings.history, count, log, lanes: matrixLanes },
    take: (event, how) => remoteToMatrix.accept(event, how),
  });
  const remoteToMatrix: RemoteToMatrix<Body> = new RemoteToMatrix<Body>({
    ...{ adapter, homeserver, brought, store, journal, lanes: matrixLanes, relations, recovery, links, ghosts, names, log },
    ...{ addresses, failures, chats: rooms.chats, doubles, doubled, keepsBack: rooms.membersOnly.keepsBack },
    mark: settings.sidecar ? rooms.sidecar.mark : undefined,
    act: (event) => acts.act(event),
    heard: gaps.heard,
    said: (lane) => soon(networkLanes.passed(lane)),
    passing: (event, on) => {
      if (event.kind === 'membership' || event.kind === 'profile') sync.heard(event, on);
      else passing.fromNetwork(event, on);
    },
    count: (outcome) => metrics.event('network', outcome),
    journaled: (ms) => metrics.stage('received_journaled', 'matrix', ms),
  });
  const mediaLink = (file: Attachment, event: MatrixEvent) => media.link(file.mxc, file.name, file.type, event);
  const limit = new UserLimit({ settings: settings.activeUsers, store, notes, links, tell, log });
  metrics.gauge('blocked', () => [[{}, limit.isBlocked ? 1 : 0]]);
  const routing = new MatrixRouting({
    ...{ links, names, roster, journal, doubled, limit, hearsAll: settings.doublePuppeting === 'namespace' },
    isAct: (event) => acts.isAct(event),
  });
  const matrixToRemote = new MatrixToRemote<Body>({
    ...{ adapter, routing, store, journal, lanes: networkLanes, matrixLanes, relations, recovery, links, roster, puppets, ghosts },
    ...{ addresses, markLate: settings.ages.markLate, calls: new RoomCalls({ homeserver }) },
    isBridgeBot: (room, user) => bridgeBots.includes(room, user),
    mediaLink,
    openFile: (file, event) => openOutgoing(homeserver, file, mediaLink(file, event)),
    picture: (mxc) => media.avatar(mxc),
    page: (event, title, body) => pages.publish({ room: event.room, event: event.id, title, body }),
    passing: (event) => passing.fromMatrix(event),
    redacted,
    count: (outcome) => metrics.event('matrix', outcome),
    journaled: (ms) => metrics.stage('received_journaled', 'network', ms),
    log,
  });
  const transactions = openTransactions({
    ...{ store, log, count, onFailure: ping },
    accept: (batch) => catchUp.take(batch),
    recovered: (since) => catchUp.readBack(since),
  });

  const catchUp = new CatchUp({
    ...{ homeserver, notes, log },
    rooms: () => links.all().filter(({ state }) => state === 'live'),
    accept: (batch) => matrixToRemote.accept(batch),
  });

  links.onChange(({ link, was }) => {
    if (link !== undefined && was !== undefined && link.room !== was.room) limits?.moved(was.room, link.room);
    if (link !== undefined && isNewHere(link, was)) {
      roster
        .refresh(link.room)
        .then(() => sync.linked(link))
        .catch((thrown) => log.warn({ room: link.room, why: messageOf(thrown) }, 'member list not read'));
    }
    if (link === undefined && was !== undefined) sync.unlinked(was);
  });

  const records = new Records({
    ...{ store, links, journal },
    revive: (rows) => {
      for (const row of rows) (row.direction === towards.matrix ? matrixLanes : networkLanes).push(row);
    },
  });

  const networks = new Map<number, string>();
  function networkOf(row: Row): string {
    let name = networks.get(row.link);
    if (name === undefined) {
      const link = links.get(row.link);
      name = link === undefined ? '' : (described(adapter.channels, link.channel).network?.id ?? '');
      networks.set(row.link, name);
    }
    return name;
  }

  /** People whose words wait are told that they do. */
  function tellOfOutage(network: string, isOver: boolean, lanes: readonly string[]): void {
    const rooms = new Set(lanes.flatMap((lane) => links.get(linkOfLane(lane))?.room ?? []));
    const name = adapter.status().find((status) => status.network === network)?.name ?? network;
    const words = isOver
      ? `${name} is back; what waited is delivered now.`
      : `${name} is away. What is said here waits for it, ${printDuration(settings.ages.toNetwork)} at most.`;
    for (const room of rooms) tell(room, words);
  }

  // What was taken back must not stay readable by a link that we gave out.
  function redacted(event: MatrixEvent): void {
    const { room, redacts } = event;
    if (redacts === undefined || web.url('') === undefined) return;
    Promise.all([media.revoke({ room, id: redacts }), pages.revoke({ room, event: redacts })]).catch((thrown) =>
      log.error({ event: redacts, why: messageOf(thrown) }, 'links to a redacted message still work'),
    );
  }

  function refused(login: KnownLogin, reason: string): void {
    control.accounts.refused(login, reason);
    rooms.membersOnly.loginsChanged(login.network);
  }

  function ping(): void {
    homeserver.ping().catch((thrown) => log.warn({ why: messageOf(thrown) }, 'the homeserver did not reach us'));
  }

  showFigures<Body>({ metrics, health: options.health, adapter, homeserver, store, journal, links, logins, queue, limits });
  let stopUpkeep: (() => void) | undefined;

  return {
    web,
    provisioning: control.provisioning,
    resolveAlias: (alias: string) => homeserver.resolveAlias(alias),
    /** What the control socket asks. */
    orders: {
      links: async () => records.links(),
      dead: async () => records.dead(),
      retry: () => records.retry(),
      keys: async (order: Json) =>
        order === 'rotate'
          ? { ...(await rotateAll({ keys: options.keys, store, secrets: options.secrets, logins })) }
          : { ...options.keys.count() },
      backup: (destination: Json) => records.backup(String((destination as { destination?: Json }).destination ?? destination)),
    },
    inbound: {
      transaction: async (id: string, body: unknown, isFirstOfConnection: boolean): Promise<void> => {
        matrixLanes.heardFrom(homeserverScope);
        catchUp.heard(isFirstOfConnection);
        await transactions.receive(id, body);
      },
      user: lookups.userExists,
      alias: lookups.aliasExists,
      thirdParty: lookups.thirdParty,
    },
    /** Opens the inbox and lets what waits in the journal go. */
    start(): void {
      limits?.start();
      options.inbox.open(inboxOf<Body>({ gaps, limit, networkLanes, logins, control, rooms, sync, plumb, links, relations, journal, log }));
      for (const { seq, direction, lane, state } of journal.pending()) {
        if (isHeldLane(lane)) gaps.load(seq);
        else (direction === towards.matrix ? matrixLanes : networkLanes).load(seq, lane, state === states.parked);
      }
      matrixLanes.start();
      networkLanes.start();
      gaps.start();
      limit.start();
      plumb.resume();
      rooms.start();
      control.start();
      stopUpkeep = keepTidy({ store, journal, relations, brought, transactions, log });
      tellCommitTime(store, log);
    },
    /** Says in one line each what is wrong on the homeserver's side; retried by the caller. */
    async greet(): Promise<void> {
      await homeserver.check();
      await homeserver.register(homeserver.bot).catch(() => false);
      await homeserver.ping();
    },
    async stop(): Promise<void> {
      stopUpkeep?.();
      control.stop();
      rooms.stop();
      catchUp.stop();
      plumb.stop();
      sync.stop();
      await limits?.stop();
      gaps.stop();
      limit.stop();
      await queue.stop();
      transactions.close();
      failures.flush();
      const drained = Promise.all([matrixLanes.stop(), networkLanes.stop()]);
      await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, drainMs).unref())]);
      // What was given up meanwhile is told after the next start.
      failures.flush();
    },
    /** After the sessions are gone. */
    async close(): Promise<void> {
      await homeserver.close();
    },
    /** Lines that say what was taken over, and what needs a restart; none where nothing has changed. */
    reload: makeReload<Body>({ settings, adapter, permissions, plumb }),
  };
}

export type Bridge = Awaited<ReturnType<typeof buildBridge>>;
