// How far each room was heard, kept over restarts, and the filling of what was missed: after each loss of what we hear by, before anything
// newer of the room is handed on. What was edited or removed meanwhile is noticed as far as the messages are remembered.

import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelId, type Inbox, type KeyValue, type Logger, messageOf, PermanentError, RetryableError } from '#bridge-core';
import type { GitterBody } from './body.ts';
import { sentAt } from './events.ts';
import { onePage, readSince } from './history.ts';
import { firstIdAt, isId, timeOf } from './ids.ts';
import type { Intake } from './intake.ts';
import type { Ask, Room } from './rooms.ts';
import type { GitterSettings } from './settings.ts';
import { Slots } from './slots.ts';
import type { WireMessage } from './wire/objects.ts';

export interface GapsParts {
  readonly memory: KeyValue;
  readonly intake: Intake;
  readonly inbox: Inbox<GitterBody>;
  readonly settings: Pick<GitterSettings, 'history'>;
  readonly log: Logger;
  /** As it is called now. */
  readonly channelOf: (room: Room) => ChannelId;
  /** Whether Gitter answers. */
  readonly isThere: () => boolean;
  readonly writeEvery?: number;
}

interface Reader {
  readonly ask: Ask;
  readonly by: string;
  readonly newest: readonly WireMessage[];
}

/** ms: what was heard since the last note is read again after a crash, and known by its id. */
const writeEvery = 15_000;
/** ms: newer messages of the room wait so long for a turn in the budget. */
const patience = 60_000;
/** ms: the history that cannot be read is tried again after these, while Gitter itself answers. */
const pauses = [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000] as const;
/** ms: as long as Gitter's limit of calls is all that stands in the way. */
const longestBusy = 900_000;
const usualBusy = 5_000;
/** ms: what is younger may be missing where it is read, and stand all the same. */
const settled = 30_000;
/** ms that Gitter's clock may be ahead of ours. */
const farAhead = 3_600_000;
/** Rooms that are read at once. */
const atOnce = 6;
/** ms: of what was heard before the loss, so much is looked at again for edits. */
const lookBack = 600_000;
/** ms that what was read may still be on its way to us. */
const onItsWay = 2_000;

export class Gaps {
  readonly #parts: GapsParts;
  /** When the newest message of each room was said, ms. */
  readonly #heard = new Map<ChannelId, number>();
  readonly #unwritten = new Set<ChannelId>();
  /** Since when a room is listened to, where that began in this process: what was said before is not told. */
  readonly #begun = new Map<ChannelId, number>();
  /** By room, those whose turn has not come. */
  readonly #next = new Map<string, { newest: readonly WireMessage[] }>();
  readonly #behind = new Set<string>();
  /** By whose calls it is read. */
  readonly #slots = new Map<string, Slots>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(parts: GapsParts) {
    this.#parts = parts;
    for (const name of parts.memory.keys(heardName(''))) {
      const at = parts.memory.get(name);
      if (typeof at === 'number') this.#heard.set(name.slice(heardName('').length) as ChannelId, sane(at));
    }
  }

  heard(channel: ChannelId, message: WireMessage): void {
    const at = sane(sentAt(message));
    if ((this.#heard.get(channel) ?? -1) >= at) return;
    this.#note(channel, at);
  }

  /** When something was said there last, as far as it was heard; ms. */
  heardAt(channel: ChannelId): number {
    return this.#heard.get(channel) ?? 0;
  }

  /** What comes waits for what was missed before it. */
  isBehind(room: string): boolean {
    return this.#behind.has(room);
  }

  /** From here on it is listened to: what was said before is no gap. Resolves when that is kept: a crash right after is one. */
  async begin(channel: ChannelId, since = Date.now()): Promise<void> {
    if (this.#heard.has(channel)) return;
    this.#begun.set(channel, since);
    this.#heard.set(channel, since);
    await this.#parts.memory.set(heardName(channel), since);
  }

  /** Somebody's chats are listened to from now on, or were already. */
  async listens(account: string): Promise<void> {
    const { memory } = this.#parts;
    if (memory.get(chatsName(account)) === undefined) await memory.set(chatsName(account), Date.now());
  }

  /** A chat of theirs. One that was made while they are listened for is new as a whole: its first words come with it. */
  async beginChat(account: string, { id, channel }: Pick<Room, 'id' | 'channel'>): Promise<void> {
    const since = this.#parts.memory.get(chatsName(account));
    const made = timeOf(id) ?? 0;
    // An id tells the second alone.
    await this.begin(channel, typeof since === 'number' && made + 1_000 > since ? made : Date.now());
  }

  /** The room is called otherwise from now on. */
  moved(from: ChannelId, to: ChannelId): void {
    const at = this.#heard.get(from);
    if (at === undefined) return;
    void this.forget(from).catch(() => {});
    this.#note(to, at);
  }

  async forget(channel: ChannelId): Promise<void> {
    this.#heard.delete(channel);
    this.#begun.delete(channel);
    this.#unwritten.delete(channel);
    await this.#parts.memory.set(heardName(channel), undefined);
  }

  /** Resolves when it is filled, or told to be a gap. `by`: whose calls; `newest`: what is known of the room already, as of now. */
  async fill(room: Room, ask: Ask, by: string, newest: readonly WireMessage[] = []): Promise<void> {
    // Whoever waits for a turn reads all that is there by then; who reads already may be past what is missing now.
    const next = this.#next.get(room.id);
    if (next !== undefined) next.newest = newest;
    if (next !== undefined || !this.#heard.has(this.#parts.channelOf(room))) return;
    const turn = { newest };
    this.#next.set(room.id, turn);
    this.#behind.add(room.id);
    try {
      await this.#parts.intake.before(room, () => {
        this.#next.delete(room.id);
        return this.#fillAtLast(room, { ask, by, newest: turn.newest });
      });
    } catch (thrown) {
      this.#parts.log.warn({ room: room.uri ?? room.id, why: messageOf(thrown) }, 'what was missed could not be read');
    } finally {
      if (!this.#next.has(room.id)) this.#behind.delete(room.id);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.write();
  }

  async write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const channels = [...this.#unwritten];
    this.#unwritten.clear();
    try {
      await Promise.all(channels.map((channel) => this.#parts.memory.set(heardName(channel), this.#heard.get(channel))));
    } catch (thrown) {
      for (const channel of channels) this.#unwritten.add(channel);
      throw thrown;
    }
  }

  /** A disk that takes nothing for a while: until then what is noted already counts, from where it is read anew. */
  #writeSoon(): void {
    this.write().catch((thrown) => this.#parts.log.warn({ why: messageOf(thrown) }, 'how far rooms were heard could not be noted'));
  }

  /** What is newer waits: once it is handed on, nobody would know what is missing before it. */
  async #fillAtLast(room: Room, reader: Reader): Promise<void> {
    const since = this.#heard.get(this.#parts.channelOf(room)) ?? Date.now();
    const patientUntil = Date.now() + longestBusy;
    for (let tries = 0; ; ) {
      try {
        return await this.#fill(room, reader);
      } catch (thrown) {
        if (this.#isClosed) throw thrown;
        // Where many rooms are read at once, each has its turn in the end.
        const isBusy = thrown instanceof RetryableError && thrown.code === 'NETWORK_BUSY' && Date.now() < patientUntil;
        const pause = isBusy ? (thrown.after ?? usualBusy) : pauses[tries];
        if (!isBusy) tries += 1;
        if (pause === undefined || !(thrown instanceof RetryableError)) {
          // Of a room that is closed to us nothing newer comes, and the next time reads it from here on.
          if (!(thrown instanceof PermanentError)) await this.#tellGap(room, since, Date.now());
          throw thrown;
        }
        do await delay(pause, undefined, { ref: false });
        while (!this.#isClosed && !this.#parts.isThere());
      }
    }
  }

  async #fill(room: Room, { ask, by, newest }: Reader): Promise<void> {
    const { intake, settings } = this.#parts;
    const since = this.#heard.get(this.#parts.channelOf(room)) ?? Date.now();
    const { most } = settings.history;
    const stretch = { ask, room: room.id, since, most: most || onePage, patience, newest };
    // Where many are read, the liveliest come first.
    const found = await this.#slotsOf(by).run(
      () => readSince(stretch),
      () => this.heardAt(this.#parts.channelOf(room)),
    );
    const known = intake.knownIn(room);
    const begun = this.#begun.get(this.#parts.channelOf(room)) ?? 0;
    const fresh = found.messages.filter((message) => sentAt(message) >= begun);
    const untold = most > 0 ? [] : await this.#unheardAmong(room, fresh);
    const last = untold.findLast((message) => sentAt(message) > since);
    const missingTo = last === undefined ? found.missingTo : sentAt(last);
    if (missingTo !== undefined) await this.#tellGap(room, since, missingTo);
    if (last !== undefined) this.heard(this.#parts.channelOf(room), last);
    for (const message of fresh) if (!untold.includes(message)) await intake.read(room, message, since);
    const isHeard = (message: WireMessage) => sentAt(message) >= begun || intake.known(message.id) !== undefined;
    const recent = found.older.filter((message) => sentAt(message) >= Date.now() - lookBack && isHeard(message));
    for (const message of recent) await intake.reread(room, message, since);
    await this.#lookForRemoved(room, known, [...recent, ...found.messages]);
  }

  /** Where nothing is read back: what nobody has heard, nor will. */
  async #unheardAmong(room: Room, messages: readonly WireMessage[]): Promise<WireMessage[]> {
    const { intake } = this.#parts;
    let unheard: WireMessage[] = [];
    for (const message of messages) if (!intake.wasHeard(message) && !(await intake.isOurs(room, message))) unheard.push(message);
    // What is said in the moment in which we come to listen again is read, and comes by itself as well.
    for (const until = Date.now() + onItsWay; unheard.length > 0 && Date.now() < until && !this.#isClosed; ) {
      await delay(50, undefined, { ref: false });
      unheard = unheard.filter((message) => !intake.wasHeard(message));
    }
    return unheard;
  }

  /** What was there and stands no more; of what is quite new a server may not know yet. */
  async #lookForRemoved(room: Room, known: readonly WireMessage[], messages: readonly WireMessage[]): Promise<void> {
    const [first] = messages;
    const last = messages.at(-1);
    if (first === undefined || last === undefined) return;
    const from = Math.max(sentAt(first), Date.now() - lookBack);
    const to = Math.max(sentAt(last), Date.now() - settled);
    const there = new Set(messages.map(({ id }) => id));
    const gone = new Set<string>();
    for (const message of known) if (sentAt(message) >= from && sentAt(message) < to) gone.add(message.id);
    // What was heard by an earlier process is known by what stands in the rooms. An id tells the second alone: in the last one
    // something of ours may have been said since it was read.
    const [channel, lastSecond] = [this.#parts.intake.channelOf(room), firstIdAt(to)];
    const shown = (await this.#parts.inbox.shown?.(channel, firstIdAt(from + 1_000), firstIdAt(to + 1_000))) ?? [];
    // Nor may what was read lack anything of that second only because it was handed on since.
    const isLater = (id: string) => {
      const message = this.#parts.intake.known(id);
      return message !== undefined && sentAt(message) >= to;
    };
    for (const { id, isGone, sender } of shown)
      if (!isGone && isId(id) && (sender !== undefined || id < lastSecond) && !isLater(id)) gone.add(id);
    for (const id of gone) if (!there.has(id)) await this.#parts.intake.removed(room, id);
  }

  async #tellGap(room: Room, from: number, to: number): Promise<void> {
    await this.#parts.inbox.receive({ kind: 'gap', at: Date.now(), channel: this.#parts.intake.channelOf(room), from, to });
  }

  #slotsOf(by: string): Slots {
    const slots = this.#slots.get(by) ?? new Slots(atOnce);
    this.#slots.set(by, slots);
    return slots;
  }

  #note(channel: ChannelId, at: number): void {
    this.#heard.set(channel, at);
    this.#unwritten.add(channel);
    this.#timer ??= setTimeout(() => this.#writeSoon(), this.#parts.writeEvery ?? writeEvery).unref();
  }
}

/** What says that it is of the far future would have all before it taken for heard. */
const sane = (at: number): number => (at > Date.now() + farAhead ? Date.now() : at);

const heardName = (channel: string): string => `heard ${channel}`;
const chatsName = (account: string): string => `chats ${account}`;
