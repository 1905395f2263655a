// An IRC adapter with tools that write everything down: what the core would be told, remembered and logged.

import type { ChannelId, Json, Logger, Outgoing, RemoteEvent, Speaker, Style, UserId } from '#bridge-core';
import { userId } from '#bridge-core';
import { IrcAdapter } from '../../../bridges/irc/adapter.ts';
import { ircSettings } from '../../../bridges/irc/settings.ts';
import { type IrcTiming, usualTiming } from '../../../bridges/irc/timing.ts';
import { keepTools } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';

export interface Wish {
  readonly port: number;
  /** Laid over the network's section of the config. */
  readonly network?: Readonly<Record<string, unknown>>;
  readonly links?: readonly Readonly<Record<string, unknown>>[];
  readonly timing?: Partial<IrcTiming>;
  /** What an earlier adapter remembered. */
  readonly memory?: Map<string, Json>;
}

export interface ConnectionNews {
  readonly speaker: Speaker;
  readonly state: string;
  readonly reason?: string | undefined;
}

export interface WithAdapter {
  readonly adapter: IrcAdapter;
  /** As asked for; what is changed counts from then on. */
  readonly timing: { -readonly [Name in keyof IrcTiming]: number };
  readonly events: RemoteEvent[];
  readonly connections: ConnectionNews[];
  readonly suspended: { readonly channel: ChannelId; readonly reason: string }[];
  /** Channels that let us in again. */
  readonly readmitted: ChannelId[];
  readonly memberLists: ChannelId[];
  readonly memory: Map<string, Json>;
  /** How often each figure was counted, by name. */
  readonly counted: Map<string, number>;
  readonly logged: { readonly level: string; readonly message: string; readonly fields: object }[];
  /** `sender: body` of the messages so far. */
  texts(): string[];
  event<Kind extends RemoteEvent['kind']>(
    kind: Kind,
    fits?: (event: Extract<RemoteEvent, { kind: Kind }>) => boolean,
  ): Promise<Extract<RemoteEvent, { kind: Kind }>>;
  /** The network's bot is connected and in the channel. */
  watch(name: string): Promise<ChannelId>;
  say(person: string, channel: ChannelId, body: string, style?: Style, more?: Partial<Outgoing>): Promise<string | undefined>;
  join(person: string, channel: ChannelId): Promise<void>;
}

/** `alice` → `@alice:hs.test`. */
export const matrixId = (name: string): UserId => userId(`@${name}:hs.test`);
export const speaker = (name: string): Speaker => ({ as: 'user', user: matrixId(name), name });

export function withAdapter(test: { after(end: () => Promise<void>): void }, wish: Wish): WithAdapter {
  const connections: ConnectionNews[] = [];
  const suspended: { channel: ChannelId; reason: string }[] = [];
  const readmitted: ChannelId[] = [];
  const memberLists: ChannelId[] = [];
  const logged: { level: string; message: string; fields: object }[] = [];
  const stored = wish.memory ?? new Map<string, Json>();
  const counted = new Map<string, number>();
  const count = (name: string) => void counted.set(name, (counted.get(name) ?? 0) + 1);
  const note = (level: string) => (fields: object, message: string) => void logged.push({ level, message, fields });
  const log: Logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error'), child: () => log };
  const { events, tools } = keepTools(
    {
      connection: (who, _network, state, reason) => void connections.push({ speaker: who, state, reason }),
      suspended: (channel, reason) => void suspended.push({ channel, reason }),
      readmitted: (channel) => void readmitted.push(channel),
      members: (channel) => void memberLists.push(channel),
    },
    stored,
  );
  const network = { host: '127.0.0.1', port: wish.port, tls: false, flood: 'off', puppets: { max: 2000 }, ...wish.network };
  const settings = ircSettings.parse({ networks: { local: network }, links: wish.links ?? [] });
  const timing = { ...usualTiming, ...wish.timing };
  const adapter = new IrcAdapter(settings, { ...tools, log, count }, timing);
  test.after(() => adapter.disconnect());

  return {
    adapter,
    timing,
    events,
    connections,
    suspended,
    readmitted,
    memberLists,
    memory: stored,
    counted,
    logged,
    texts: () => events.flatMap((event) => (event.kind === 'message' ? [`${event.sender.name}: ${event.body}`] : [])),
    event(kind, fits = () => true) {
      type Wanted = Extract<RemoteEvent, { kind: typeof kind }>;
      const isWanted = (event: RemoteEvent): event is Wanted => event.kind === kind && fits(event as Wanted);
      return until(`a ${kind} event among ${events.length}`, () => events.find(isWanted));
    },
    async watch(name) {
      await until('the bot', () => adapter.status()[0]?.state === 'up' || undefined);
      const channel = await adapter.channels.resolve(name);
      if (channel === undefined) throw new Error(`${name} is no channel`);
      await adapter.watch(channel.id);
      return channel.id;
    },
    async say(person, channel, body, style = 'text', more = {}) {
      const session = await adapter.session(person === 'bot' ? { as: 'bot' } : speaker(person), channel);
      await session.join(channel);
      return session.send({ key: Math.random().toString(36), channel, body, style, ...more });
    },
    async join(person, channel) {
      const session = await adapter.session(speaker(person), channel);
      await session.join(channel);
    },
  };
}
