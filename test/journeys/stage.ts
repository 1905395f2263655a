// Where the journeys take place: real servers, the bridge between them, and a room linked to a channel for each act. Opened
// once a file, closed when the file's last test is over.

import { after } from 'node:test';
import type { IrcPerson } from '../support/irc-person.ts';
import type { MatrixPerson, RoomEvent, RoomOptions } from '../support/matrix-person.ts';
import { type RealServers, type RealServersOptions, startRealServers } from '../support/real-servers.ts';
import { until } from '../support/waiting.ts';

export interface Place {
  readonly room: string;
  readonly channel: string;
}

export interface StageOptions extends RealServersOptions {
  /** Linked from the config, each to a room of its own that alice made. The first one is `place`. */
  readonly channels?: readonly string[];
  readonly room?: RoomOptions;
  /** So many links of the config will not go live. */
  readonly refused?: number;
  /** Before the bridge starts: more rooms, more links. */
  readonly prepare?: (stage: Stage) => Promise<void>;
}

export interface Stage extends RealServers {
  /** On Matrix, and the maker of the rooms. */
  readonly alice: MatrixPerson;
  readonly places: Readonly<Record<string, Place>>;
  /** Of alice, where the bots are invited and have the power that they need. */
  makeRoom(wish: RoomOptions): Promise<string>;
  /** Somebody on IRC who is in the channels. */
  sitIn(nick: string, ...channels: readonly string[]): Promise<IrcPerson>;
  /** Commands of an operator of the first IRC server; done when it resolves. */
  asOperator(...lines: readonly string[]): Promise<void>;
  /** While `work` goes on the bridge stands still: whoever is to hear it first has the time to come. */
  whileBridgeSleeps<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Resolves once the bridge carries in all links of the config. */
  startBridge(): Promise<void>;
}

let operators = 0;

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const servers = await startRealServers({ after }, options);
  const alice = await servers.matrixPerson('alice');
  const places: Record<string, Place> = {};
  const makeRoom = (wish: RoomOptions) => {
    const bots = botsOf(servers);
    // From version 12 on the maker stands above all levels, and may not be listed.
    const isOld = wish.version !== undefined && Number(wish.version) < 12;
    const users = Object.fromEntries([...(isOld ? [[alice.userId, 100]] : []), ...bots.map((bot) => [bot, 50])]);
    return alice.createRoom({ invite: bots, powerLevels: { users }, ...wish });
  };
  for (const channel of options.channels ?? ['#stage']) {
    const room = await makeRoom({ name: channel, ...options.room });
    await servers.link(room, channel);
    places[channel] = { room, channel };
  }
  const stage: Stage = {
    ...servers,
    alice,
    places,
    makeRoom,
    async sitIn(nick, ...channels) {
      const person = await servers.ircPerson(nick);
      for (const channel of channels) await person.join(channel);
      return person;
    },
    async asOperator(...lines) {
      operators += 1;
      const operator = await servers.ircPerson(`oper${operators}`);
      operator.raw('OPER root rootpw');
      await operator.waitForLine(({ command }) => command === '381');
      for (const line of lines) operator.raw(line);
      await operator.settle();
      await operator.quit();
    },
    async whileBridgeSleeps(work) {
      servers.bridge.signal('SIGSTOP');
      try {
        return await work();
      } finally {
        servers.bridge.signal('SIGCONT');
      }
    },
    async startBridge() {
      await servers.bridge.start();
      await until('all links to be live', async () => (await areLinksLive(servers, options.refused)) || undefined);
    },
  };
  await options.prepare?.(stage);
  await stage.startBridge();
  return stage;
}

export function botsOf(servers: Pick<RealServers, 'bridge' | 'synapse'>): string[] {
  return servers.bridge.names.map((name) => `@${servers.bridge.configOf(name).appservice.bot}:${servers.synapse.domain}`);
}

async function areLinksLive({ bridge }: RealServers, refused = 0): Promise<boolean> {
  for (const name of bridge.names) {
    const links = await bridge.links(name);
    const wanted = (bridge.configOf(name).irc as { readonly links: readonly object[] }).links;
    if (links.filter(({ state }) => state === 'live').length < wanted.length - refused) return false;
  }
  return true;
}

/** `alice[m]: hello`; `alice[m] (emote): waves`. */
export function ircLines(person: IrcPerson, target: string, since = 0): string[] {
  return person.heard.slice(since).flatMap((line) => {
    if (line.target.toLowerCase() !== target.toLowerCase() || line.nick === person.nick) return [];
    if (line.command === 'NOTICE') return [`${line.nick} (notice): ${line.text}`];
    if (line.command !== 'PRIVMSG') return [];
    const action = /^\x01ACTION (.*)\x01$/s.exec(line.text)?.[1];
    return [action === undefined ? `${line.nick}: ${line.text}` : `${line.nick} (emote): ${action}`];
  });
}

/** `irc_local_bob: hello`; `irc_local_bob (emote): waves`. */
export function roomLines(events: readonly RoomEvent[], room: string, but?: string): string[] {
  return events.flatMap((event) => {
    if (event.room !== room || event.type !== 'm.room.message' || event.sender === but) return [];
    const kind = String(event.content.msgtype ?? 'redacted').replace('m.', '');
    return [`${event.sender.slice(1, event.sender.indexOf(':'))}${kind === 'text' ? '' : ` (${kind})`}: ${event.content.body}`];
  });
}
