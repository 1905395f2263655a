// Both directions of the pipeline between a homeserver on a real socket and a fake network, over a real store, with delays of
// a few milliseconds. What the bridge decides outside the pipeline (commands, claims, membership) is left out.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { Brought } from '../../../bridge-core/appservice/brought.ts';
import { openHomeserver } from '../../../bridge-core/appservice/open-homeserver.ts';
import { openOutgoing } from '../../../bridge-core/appservice/outgoing-files.ts';
import { openTransactions } from '../../../bridge-core/appservice/transactions.ts';
import type { PermanentError } from '../../../bridge-core/errors.ts';
import type { RichText } from '../../../bridge-core/format/rich-text.ts';
import { toPlain } from '../../../bridge-core/format/to-html.ts';
import { type RoomId, roomId, type UserId, userId } from '../../../bridge-core/ids.ts';
import type { MatrixEvent } from '../../../bridge-core/matrix-event.ts';
import { Roster } from '../../../bridge-core/membership/roster.ts';
import type { Attachment } from '../../../bridge-core/pipeline/content.ts';
import { CrossingAddresses } from '../../../bridge-core/pipeline/crossing-addresses.ts';
import { Failures } from '../../../bridge-core/pipeline/failures.ts';
import { type GapParts, Gaps } from '../../../bridge-core/pipeline/gaps.ts';
import { soon } from '../../../bridge-core/pipeline/in-time.ts';
import { Journal } from '../../../bridge-core/pipeline/journal.ts';
import { Lanes } from '../../../bridge-core/pipeline/lanes.ts';
import { MatrixRouting } from '../../../bridge-core/pipeline/matrix-routing.ts';
import { MatrixToRemote } from '../../../bridge-core/pipeline/matrix-to-remote.ts';
import { Recovery } from '../../../bridge-core/pipeline/recovery.ts';
import { Relations } from '../../../bridge-core/pipeline/relations.ts';
import { RemoteToMatrix } from '../../../bridge-core/pipeline/remote-to-matrix.ts';
import { RoomCalls } from '../../../bridge-core/pipeline/room-calls.ts';
import { isHeldLane, type Row, states, towards } from '../../../bridge-core/pipeline/row.ts';
import type { Timing } from '../../../bridge-core/pipeline/timing.ts';
import { type Link, Links } from '../../../bridge-core/plumbing/links.ts';
import type { Json } from '../../../bridge-core/remote-event.ts';
import type { SqliteStore } from '../../../bridge-core/store/sqlite.ts';
import { Ghosts } from '../../../bridge-core/virtual-users/ghosts.ts';
import { openNames } from '../../../bridge-core/virtual-users/names.ts';
import { Puppets } from '../../../bridge-core/virtual-users/puppets.ts';
import { FakeAdapter, type FakeAdapterOptions, FakeNetwork, inFake } from '../../support/fake-adapter.ts';
import { type FakeHomeserver, type FakeHomeserverOptions, type RawEvent, startFakeHomeserver } from '../../support/fake-homeserver.ts';
import { openTempStore } from '../../support/temp-store.ts';
import { keepTools } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { longAge, quiet, shortTiming } from './lanes-rig.ts';

export interface PipelineWish {
  readonly adapter?: Partial<FakeAdapterOptions>;
  readonly homeserver?: FakeHomeserverOptions;
  readonly timing?: Partial<Timing>;
  readonly age?: number;
  readonly markLate?: number;
  /** What the core fetches, where the adapter leaves that to it. */
  readonly history?: Partial<GapParts<string>['settings']>;
  readonly gaps?: GapParts<string>['timing'];
  /** Long texts go onto pages. */
  readonly pages?: boolean;
  readonly mediaLinks?: boolean;
}

const names = openNames({
  ...{ ghosts: 'fake_{network}_{nick}', aliases: 'fake_{network}_{channel}', displayName: '{name}' },
  ...{ domain: 'hs.test', botLocalpart: 'bridge' },
});

export type Pipeline = Awaited<ReturnType<typeof startPipeline>>;

export async function startPipeline(t: TestContext, wish: PipelineWish = {}) {
  const hs = await startFakeHomeserver({ userNamespace: 'fake_.*', aliasNamespace: 'fake_.*', ...wish.homeserver });
  const temp = openTempStore(t);
  const network = new FakeNetwork();
  const memory = new Map<string, Json>();
  const begin = () => build(temp.store, hs, network, memory, wish);
  let parts = begin();
  // The newest parts take what the homeserver pushes, whatever was restarted.
  const door = await openDoor((id, body) => parts.transactions.receive(id, body));
  hs.pushTo(door.url);
  await parts.adapter.connect();
  await until('the bot', () => parts.adapter.status()[0]?.state === 'up');
  let isEnded = false;
  const end = async (): Promise<void> => {
    if (isEnded) return;
    isEnded = true;
    network.release();
    await halt(parts);
    await hs.stop();
    await door.close();
  };
  t.after(end);
  const alice = hs.user('alice', 'Alice');
  const bob = hs.user('bob', 'Bob');

  return {
    ...{ hs, network, temp, alice, bob, end },
    get parts() {
      return parts;
    },
    /** A room with Alice, Bob and the bot. */
    room(): RoomId {
      return roomId(hs.createRoom({ creator: alice, members: [bob, hs.bot], levels: { users: { [hs.bot]: 100 }, redact: 0 } }));
    },
    async link(room: RoomId, name: string, options = {}): Promise<Link> {
      const { links, adapter, roster } = parts;
      const link = await links.add({ room, channel: inFake(name), origin: 'config', state: 'live', options });
      await roster.refresh(room);
      await adapter.watch(link.channel);
      return link;
    },
    /** `sender: body` of the messages in the room, ghosts by their nick, people by their localpart. */
    inRoom: (room: RoomId): string[] => hs.messages(room).map((event) => `${calledIn(event.sender)}: ${event.content.body}`),
    events: (room: RoomId, type: string): RawEvent[] => hs.events(room).filter((event) => event.type === type),
    /** Waits until both sides rest: nothing is pushed, nothing waits. */
    async settled(): Promise<void> {
      await until('everything to settle', async () => {
        await parts.adapter.reported();
        await hs.drained();
        await parts.store.flush();
        return parts.toNetwork.waiting() + parts.toMatrix.waiting() === 0 && isEmpty(parts) && hs.pusher.waiting === 0;
      });
      await hs.drained();
    },
    /** As after a stop and a start; `isCrash`: what was in memory only is lost. */
    async restart(): Promise<void> {
      await halt(parts);
      await temp.reopen();
      parts = begin();
      for (const { seq, direction, lane, state } of parts.journal.pending())
        if (isHeldLane(lane)) parts.gaps.load(seq);
        else (direction === towards.matrix ? parts.toMatrix : parts.toNetwork).load(seq, lane, state === states.parked);
      await parts.adapter.connect();
      await until('the bot', () => parts.adapter.status()[0]?.state === 'up');
      for (const link of parts.links.all()) await parts.adapter.watch(link.channel);
      parts.toMatrix.start();
      parts.toNetwork.start();
      parts.gaps.start();
    },
  };
}

function isEmpty({ journal }: { journal: Journal }): boolean {
  return [...journal.pending()].length === 0;
}

export const calledIn = (user: string): string => /^@fake_fake_(.*?):/.exec(user)?.[1] ?? user.slice(1, user.indexOf(':'));

async function halt(parts: ReturnType<typeof build>): Promise<void> {
  parts.gaps.stop();
  parts.failures.flush();
  await Promise.all([parts.toMatrix.stop(), parts.toNetwork.stop()]);
  // What was given up while they stopped is told after the next start.
  parts.failures.flush();
  await parts.adapter.disconnect();
  parts.transactions.close();
  await parts.homeserver.close();
}

function build(store: SqliteStore, hs: FakeHomeserver, network: FakeNetwork, memory: Map<string, Json>, wish: PipelineWish) {
  const homeserver = openHomeserver({
    ...{ url: hs.url, asToken: hs.asToken, domain: hs.domain, bot: userId(hs.bot), registrationId: hs.registrationId },
    ...{ inFlight: 16, log: quiet },
  });
  const kept = keepTools({ receive: (event) => gaps.receive(event), connection: connected }, memory);
  const adapter = new FakeAdapter({ network, tools: kept.tools, ...wish.adapter });
  const links = new Links({ store });
  const journal = new Journal({ store, run: store.run });
  const relations = new Relations({ store });
  const recovery = new Recovery({ homeserver });
  const roster = new Roster({ store, members: (room) => homeserver.joinedMembers(room) });
  const brought = new Brought({ store, homeserver, open: adapter.open.bind(adapter) });
  const storeAvatar = brought.avatar.bind(brought);
  const ghosts = new Ghosts({ store, homeserver, names, places: roster, log: quiet, storeAvatar });
  const puppets = new Puppets({ adapter });
  const counts: string[] = [];
  const pages: { title: string; text: string }[] = [];
  const dead: string[] = [];
  const redacted: MatrixEvent[] = [];
  const acted: string[] = [];
  const failures = new Failures({ store, journal, links, adapter, log: quiet, count: (_row, code) => void dead.push(code) });
  const shared = {
    ...{ journal, store, log: quiet, delivered: () => {}, bury: failures.bury.bind(failures) },
    ...{ age: wish.age ?? longAge, timing: { ...shortTiming, ...wish.timing } },
  };
  const toMatrix: Lanes = new Lanes({
    ...{ ...shared, scopeOf: () => 'homeserver', probe: () => homeserver.check().then(() => true) },
    carry: (row) => remoteToMatrix.carry(row),
    mend: mendPlace,
  });
  const toNetwork: Lanes = new Lanes({
    ...{ ...shared, scopeOf: () => 'fake', probe: async () => adapter.status()[0]?.state === 'up' },
    carry: (row) => matrixToRemote.carry(row),
    mend: async () => false,
  });
  failures.tellThrough(toMatrix);
  const count = (outcome: string) => void counts.push(outcome);
  const gaps = new Gaps({
    ...{ adapter, store, journal, links, lanes: toMatrix, settings: { gap: 1_000, onLink: 0, ...wish.history }, log: quiet },
    count: (name, labels, by = 1) => void counts.push(`${name} ${labels.outcome ?? by}`),
    take: (event, how) => remoteToMatrix.accept(event, how),
    ...(wish.gaps !== undefined && { timing: wish.gaps }),
  });
  const addresses = new CrossingAddresses({ adapter, links, relations, domain: hs.domain });
  const remoteToMatrix: RemoteToMatrix<string> = new RemoteToMatrix({
    ...{ adapter, homeserver, brought, store, journal, lanes: toMatrix, relations, recovery, links, ghosts, names, log: quiet },
    ...{ count, journaled: () => {}, passing: () => {}, act: async (event: MatrixEvent) => void acted.push(event.id) },
    ...{ addresses, failures, heard: gaps.heard, said: (lane) => soon(toNetwork.passed(lane)) },
  });
  const mediaLink = (file: Attachment) => (wish.mediaLinks ? `https://media.test/${file.name}` : undefined);
  const routing = new MatrixRouting({ links, names, roster, journal, isAct: (event) => event.content.body === '!act' });
  const matrixToRemote = new MatrixToRemote({
    ...{ adapter, routing, store, journal, lanes: toNetwork, matrixLanes: toMatrix, relations, recovery, links, roster, puppets, ghosts },
    ...{ markLate: wish.markLate ?? 60_000, isBridgeBot: async (_room: RoomId, user: UserId) => user.startsWith('@otherbridge:') },
    ...{ addresses, mediaLink, page: publish, picture: (mxc) => `https://pictures.test/${mxc.slice('mxc://'.length)}.png` },
    openFile: (file) => openOutgoing(homeserver, file, mediaLink(file)),
    calls: new RoomCalls({ homeserver }),
    ...{ count, journaled: () => {}, passing: () => {}, redacted: (event) => void redacted.push(event), log: quiet },
  });
  const transactions = openTransactions({
    ...{ store, log: quiet, accept: (batch) => matrixToRemote.accept(batch) },
    onFailure: () => void homeserver.ping().catch(() => undefined),
  });

  async function publish(_event: MatrixEvent, title: string, text: RichText): Promise<string | undefined> {
    if (wish.pages !== true) return undefined;
    pages.push({ title, text: toPlain(text) });
    return `https://pages.test/${pages.length}`;
  }

  function connected(speaker: { as: string }, _network: string, state: string): void {
    if (speaker.as === 'bot') gaps.connection('fake', state === 'up');
    if (speaker.as === 'bot' && state === 'up') toNetwork.resume('fake');
  }

  async function mendPlace(row: Row, error: PermanentError): Promise<boolean> {
    if (error.code !== 'FORBIDDEN_IN_ROOM' || row.task.do !== 'show' || !('sender' in row.task.event)) return false;
    const room = links.get(row.link)?.room;
    if (room !== undefined) await ghosts.forget(room, names.ghostOf(row.task.event.sender));
    return room !== undefined;
  }

  return {
    ...{ store, homeserver, adapter, links, journal, relations, recovery, roster, ghosts, routing, failures, toMatrix, toNetwork },
    ...{ gaps, remoteToMatrix, matrixToRemote, transactions, counts, pages, dead, redacted, acted, kept },
  };
}

async function openDoor(receive: (id: string, body: unknown) => Promise<void>): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const id = request.url?.split('/transactions/')[1];
      const answer = (status: number) => response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
      if (id === undefined) answer(200);
      else
        receive(id, JSON.parse(Buffer.concat(chunks).toString())).then(
          () => answer(200),
          () => answer(500),
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
