// A homeserver on a real socket, a real store in a temp folder, and a network that does as it is told: what the parts between
// them are tested on. Transactions are narrowed and handed to `onEvent`, as the bridge's listener does.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ConfiguredLink, Session } from '../../bridge-core/adapter.ts';
import type { Logger } from '../../bridge-core/adapter-tools.ts';
import type { Homeserver } from '../../bridge-core/appservice/homeserver.ts';
import { openHomeserver } from '../../bridge-core/appservice/open-homeserver.ts';
import type { Channel } from '../../bridge-core/channel.ts';
import {
  type ChannelId,
  channelId,
  type RemoteUserId,
  type RoomId,
  remoteUserId,
  roomId,
  type UserId,
  userId,
} from '../../bridge-core/ids.ts';
import type { Speaker } from '../../bridge-core/logins.ts';
import { type MatrixEvent, narrow } from '../../bridge-core/matrix-event.ts';
import type { RemoteUser } from '../../bridge-core/remote-event.ts';
import { openStore, type SqliteStore } from '../../bridge-core/store/sqlite.ts';
import { openNames } from '../../bridge-core/virtual-users/names.ts';
import { type FakeHomeserver, startFakeHomeserver } from '../support/fake-homeserver.ts';

export interface Rig {
  readonly fake: FakeHomeserver;
  readonly homeserver: Homeserver;
  readonly store: SqliteStore;
  readonly network: FakeNetwork;
  readonly log: Logger & { readonly lines: string[] };
  /** What the bot would have said. */
  readonly told: { room: RoomId; text: string }[];
  readonly tell: (room: RoomId, text: string) => void;
  readonly bot: UserId;
  onEvent: (event: MatrixEvent) => void;
  /** As after a restart of the bridge: the same file, opened anew. */
  reopen(): SqliteStore;
}

export const names = openNames({
  ghosts: 'irc_{network}_{nick}',
  aliases: 'irc_{network}_{channel}',
  displayName: '{name}',
  domain: 'hs.test',
  botLocalpart: 'bridge',
});

export async function startRig(t: TestContext): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-'));
  const log = collectLog();
  const faults: unknown[] = [];
  const open = () => openStore(join(folder, 'store.db'), (fault) => faults.push(fault));
  const fake = await startFakeHomeserver();
  const homeserver = openHomeserver({
    url: fake.url,
    asToken: fake.asToken,
    domain: fake.domain,
    bot: userId(fake.bot),
    registrationId: fake.registrationId,
    inFlight: 16,
    log,
  });
  const told: { room: RoomId; text: string }[] = [];
  let store = open();
  const rig = {
    fake,
    homeserver,
    get store() {
      return store;
    },
    network: new FakeNetwork(),
    log,
    told,
    tell: (room: RoomId, text: string) => void told.push({ room, text }),
    bot: userId(fake.bot),
    onEvent: (_event: MatrixEvent): void => {},
    reopen() {
      void store.close();
      store = open();
      return store;
    },
  };
  const receiver = await receive((event) => rig.onEvent(event));
  fake.pushTo(receiver.url);
  t.after(async () => {
    await homeserver.close();
    await fake.stop();
    await receiver.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
    if (faults.length > 0) throw faults[0];
  });
  return rig;
}

/** Takes transactions as the bridge's listener does, on a free port. */
export async function receive(onEvent: (event: MatrixEvent) => void): Promise<{ url: string; close: () => Promise<void> }> {
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      // Answered first: what `onEvent` throws must fail the test, not keep it waiting.
      response.setHeader('content-type', 'application/json').end('{}');
      const body = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
      for (const raw of body.events ?? []) {
        const event = narrow(raw);
        if (!('fault' in event)) onEvent(event);
      }
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    close: async () => {
      receiver.closeAllConnections();
      await new Promise((resolve) => receiver.close(resolve));
    },
  };
}

export const room = (id: string): RoomId => roomId(id);

export function person(nick: string, name = nick): RemoteUser {
  return { id: remoteUserId(`libera/${nick.toLowerCase()}`), name, fields: { network: 'libera', nick: nick.toLowerCase() } };
}

export function channel(name: string, network = 'libera'): ChannelId {
  return channelId(`${network}/${name.toLowerCase()}`);
}

/** One network of IRC's kind, with other names of its host, whose channels are what the tests put in. */
export class FakeNetwork {
  configured: ConfiguredLink[] = [];
  readonly watched: ChannelId[] = [];
  readonly unwatched: ChannelId[] = [];
  watching: (channel: ChannelId) => Promise<void> = async () => {};
  readonly members = new Map<ChannelId, RemoteUser[]>();
  readonly known = new Map<RemoteUserId, RemoteUser>();
  /** What happens when a session is asked for. */
  opening: (speaker: Speaker) => void = () => {};
  readonly asked: Speaker[] = [];
  readonly left: { user: string; channel: ChannelId }[] = [];
  readonly joined: { user: string; channel: ChannelId }[] = [];
  readonly renamed: { user: string; channel: ChannelId; wanted: string }[] = [];
  readonly #open = new Set<string>();

  readonly adapter = {
    watch: async (id: ChannelId) => {
      this.watched.push(id);
      await this.watching(id);
    },
    unwatch: async (id: ChannelId) => void this.unwatched.push(id),
    configuredLinks: () => this.configured,
    capabilities: () => ({
      messageIds: false,
      threads: false,
      shownAs: false,
      files: 'link' as const,
      members: 'all' as const,
      puppets: 'automatic' as const,
      sendsPerSecond: 10,
    }),
    session: async (speaker: Speaker, _id: ChannelId): Promise<Session> => {
      this.asked.push(speaker);
      this.opening(speaker);
      if (speaker.as === 'user') this.#open.add(speaker.user);
      return this.#session(speaker);
    },
    openSession: (speaker: Speaker, _id: ChannelId): Session | undefined =>
      speaker.as === 'user' && !this.#open.has(speaker.user) ? undefined : this.#session(speaker),
    nick: async (user: UserId, id: ChannelId, wanted: string) => {
      this.renamed.push({ user, channel: id, wanted });
      return wanted === 'taken' ? 'taken1' : wanted;
    },
    lookups: {
      userFields: ['domain', 'nick'],
      locationFields: ['domain', 'channel'],
      fieldTypes: { nick: { regexp: '[^#\\s]+', placeholder: 'SomeNick' } },
      networks: () => ['libera', 'oftc'].map((id) => describe(channel('#any', id)).network),
      user: (fields: Readonly<Record<string, string>>) => {
        const network = networkOf(fields);
        const nick = fields.nick?.toLowerCase();
        if (network === undefined || !nick || /[\s#]/.test(nick)) return undefined;
        return { id: remoteUserId(`${network}/${nick}`), fields: { domain: `irc.${network}.test`, nick } };
      },
      channel: (fields: Readonly<Record<string, string>>) => {
        const network = networkOf(fields);
        const name = fields.channel?.toLowerCase();
        if (network === undefined || !name?.startsWith('#')) return undefined;
        return { id: channel(name, network), fields: { domain: `irc.${network}.test`, channel: name } };
      },
    },
    speakerOf: (): Speaker | undefined => undefined,
    user: async (id: RemoteUserId) => this.known.get(id),
    status: () => [{ network: 'libera', name: 'Libera', state: 'up' as const, sessions: 1 + this.#open.size }],
    channels: {
      describe: (id: ChannelId): Channel => describe(id),
      resolve: async (query: string): Promise<Channel | undefined> => {
        const [, network = 'libera', name] = /^(?:(\w+)[/ ])?([#&][^\s,]+)$/.exec(query.trim()) ?? [];
        if (name === undefined || !['libera', 'oftc'].includes(network)) return undefined;
        return describe(channel(name, network));
      },
      list: async function* () {},
      members: (id: ChannelId) => this.#list(id),
    },
  };

  async *#list(id: ChannelId) {
    yield* this.members.get(id) ?? [];
  }

  #session(speaker: Speaker): Session {
    const user = speaker.as === 'user' ? speaker.user : 'bot';
    return {
      self: remoteUserId(`libera/${user}`),
      speaker,
      fit: () => ({ bytes: 400, lines: 5, markup: true, style: 'text', mention: () => undefined }),
      join: async (id) => void this.joined.push({ user, channel: id }),
      leave: async (id) => void this.left.push({ user, channel: id }),
      send: async () => undefined,
      close: async () => {},
    };
  }
}

function networkOf(fields: Readonly<Record<string, string>>): string | undefined {
  return ['libera', 'oftc'].find((id) => fields.network === id || fields.domain === `irc.${id}.test`);
}

function describe(id: ChannelId): Channel {
  const [network = '', name = ''] = id.split(/\/(.*)/s);
  return {
    id,
    name,
    network: {
      id: network,
      name: network === 'libera' ? 'Libera' : 'OFTC',
      domain: `irc.${network}.test`,
      aliases: [`${network}.example`],
    },
  };
}

export function collectLog(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log = { lines, debug: write, info: write, warn: write, error: write, child: () => log };
  return log;
}
