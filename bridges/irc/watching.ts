// Which channels are watched on one network, and what goes with the beginning and the end of that: coverage, member list, key,
// the way its name is written, the time until when it was heard.

import type { ChannelId, Inbox, Logger } from '#bridge-core';
import type { Bot } from './bot.ts';
import { makeChannelId, parseId } from './ids.ts';
import type { NetworkMemory } from './network-memory.ts';
import type { Presence } from './presence.ts';
import type { Reporters } from './reporters.ts';
import type { IrcSession } from './session.ts';
import type { Watched, WatchedChannels } from './watched.ts';

export interface WatchingParts {
  readonly network: string;
  readonly channels: WatchedChannels;
  readonly memory: NetworkMemory;
  readonly presence: Presence;
  readonly reporters: Reporters;
  readonly inbox: Inbox;
  readonly log: Logger;
  readonly fold: (name: string) => string;
  /** As written in the config, and the key; what is named first counts. */
  readonly keys: () => Iterable<readonly [string, string]>;
  readonly bot: () => Bot;
  readonly sessions: () => Iterable<IrcSession>;
  /** A puppet that was there before a loss or restart goes back in. */
  readonly goBack: (session: IrcSession, channel: Watched) => void;
}

export class Watching {
  readonly #parts: WatchingParts;
  /** Into these we come back as asked: put out again it is meant at once. */
  readonly #calledBack = new Set<string>();

  constructor(parts: WatchingParts) {
    this.#parts = parts;
  }

  /** Resolves once the bot is in, or at once while there is no connection. */
  async watch(id: ChannelId): Promise<void> {
    const { channels, presence, sessions, goBack, bot } = this.#parts;
    const folded = parseId(id).name;
    const known = channels.get(folded);
    if (known !== undefined) return bot().enter(known);
    const channel = this.#begin(id, folded);
    channels.add(channel);
    presence.watch(folded);
    if (channel.wasShutOut) {
      // In this order: what all were heard until does not count for it before it stands among those that were not.
      this.mark();
      this.#parts.memory.noteShutOut(id, false);
    }
    // The bot asks first.
    const entering = bot().enter(channel);
    for (const session of sessions()) goBack(session, channel);
    await entering;
  }

  /** `isForNow`: it is still to be gone back into. */
  async unwatch(id: ChannelId, isForNow = false): Promise<void> {
    const { channels, memory } = this.#parts;
    const channel = channels.get(parseId(id).name);
    if (channel === undefined && isForNow) return;
    memory.noteShutOut(id, false);
    // Should it be watched again, what was said meanwhile was not for us.
    memory.forgetHeard(id);
    if (channel !== undefined) await this.#end(channel, 'no longer linked');
  }

  /** The channel does not want us. */
  shutOut(channel: Watched, reason: string): void {
    const { memory, inbox, log } = this.#parts;
    log.warn({ channel: channel.id }, `shut out: ${reason}`);
    const { reporter, heardAt, lostAt = 0, lastId } = channel.coverage;
    const until = reporter === undefined ? Math.max(heardAt, lostAt) : Date.now();
    if (until > 0) memory.noteHeard(channel.id, until, lastId);
    memory.noteShutOut(channel.id, true);
    void this.#end(channel, 'the link is suspended');
    inbox.suspended(channel.id, reason);
  }

  /** Somebody invites the bot. True: into a channel that had put it out, and for whose links it is now asked to be watched again. */
  calledBack(name: string): boolean {
    const { network, fold, memory, inbox } = this.#parts;
    const folded = fold(name);
    const id = makeChannelId(network, folded);
    if (!memory.isShutOut(id)) return false;
    this.#calledBack.add(folded);
    inbox.readmitted?.(id);
    return true;
  }

  nameOf(folded: string): string {
    return this.#parts.channels.get(folded)?.name ?? this.#parts.memory.channelName(folded);
  }

  keyOf(folded: string): string | undefined {
    const watched = this.#parts.channels.get(folded);
    if (watched !== undefined) return watched.key;
    for (const [name, key] of this.#parts.keys()) if (this.#parts.fold(name) === folded) return key;
    return undefined;
  }

  /** Writes down until when each channel was heard: of those where somebody listens one note tells that they do. */
  mark(): void {
    const { channels, memory } = this.#parts;
    const unheard: ChannelId[] = [];
    for (const channel of channels) {
      const { heardAt, lostAt = 0, lastId, reporter } = channel.coverage;
      if (reporter === undefined) unheard.push(channel.id);
      const until = Math.max(heardAt, lostAt);
      if (until <= channel.markedAt) continue;
      channel.markedAt = until;
      memory.noteHeard(channel.id, until, lastId);
    }
    if (unheard.length < channels.size) memory.noteListening(Date.now(), unheard);
  }

  /** Before all connections are closed: nobody takes over from those who go. */
  stop(): void {
    this.mark();
    for (const channel of this.#parts.channels) {
      clearTimeout(channel.timer);
      this.#parts.reporters.unwatch(channel.folded);
    }
  }

  #begin(id: ChannelId, folded: string): Watched {
    const { memory, reporters } = this.#parts;
    const key = this.keyOf(folded);
    const name = memory.keepChannelName(folded);
    const coverage = reporters.watch(folded);
    const mark = memory.heardUntil(id);
    // What was said since is fetched once somebody is there, where the server has kept it.
    coverage.lostAt = mark?.at;
    coverage.lastId = mark?.id;
    const kickedAt = this.#calledBack.delete(folded) ? performance.now() : undefined;
    const fresh = { topic: undefined, kickedAt, timer: undefined, replay: undefined, wasShutOut: memory.isShutOut(id) };
    return { id, folded, name, coverage, key, markedAt: mark?.markedAt ?? 0, ...fresh };
  }

  async #end(channel: Watched, words: string): Promise<void> {
    const { channels, presence, reporters, sessions, bot } = this.#parts;
    reporters.unwatch(channel.folded);
    const { session } = bot();
    const all = [...sessions(), ...(session === undefined ? [] : [session])];
    const leaving = all.map((each) => each.attendance.leave(channel.name, words).catch(() => {}));
    channels.remove(channel);
    presence.unwatch(channel.folded);
    await Promise.all(leaving);
  }
}
