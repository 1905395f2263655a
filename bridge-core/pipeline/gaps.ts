// What was said while nobody of ours listened, for networks that can be asked (`Adapter.history`): asked for whenever the bot
// comes up, and brought in before what comes live meanwhile. That is journaled at once, in held lanes, and follows when the
// gap is closed; after a crash it is found there and waits again.

import { setTimeout as delay } from 'node:timers/promises';
import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import { messageOf, PermanentError, RetryableError } from '../errors.ts';
import type { ChannelId, RemoteMessageId } from '../ids.ts';
import { keepsPlaces } from '../plumbing/kept-back.ts';
import type { Link, LinkChange, Links } from '../plumbing/links.ts';
import type { Json, RemoteEvent } from '../remote-event.ts';
import type { Store } from '../store/store.ts';
import { Heard, type LastHeard, longest } from './heard.ts';
import { inTime } from './in-time.ts';
import type { Journal } from './journal.ts';
import type { Lanes } from './lanes.ts';
import type { Taking } from './remote-to-matrix.ts';
import { linkLane, needsRow, type Row } from './row.ts';
import { isTakenIn } from './taken-in.ts';

/** Channels asked at once. */
const atOnce = 2;
const usualTiming = { giveUp: 60_000, longestHold: 120_000, firstDelay: 1_000, maxDelay: 15_000 };

export interface GapParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'history' | 'closesGaps' | 'channels'>;
  readonly store: Store;
  readonly journal: Journal;
  /** Towards Matrix. */
  readonly lanes: Pick<Lanes, 'push'>;
  readonly links: Links;
  /** In messages: how many a gap may have, and how many a new link brings along. */
  readonly settings: { readonly gap: number; readonly onLink: number };
  readonly take: (event: RemoteEvent<Body>, how?: Taking) => Promise<readonly Row[]>;
  readonly count: (name: string, labels: Readonly<Record<string, string>>, by?: number) => void;
  readonly log: Logger;
  /** ms: a fill that fails or stands still for `giveUp` is given up, and nothing live is held for longer than `longestHold`. */
  readonly timing?: Partial<typeof usualTiming>;
}

/** One channel of which something may be missing. */
interface Gap {
  readonly channel: ChannelId;
  readonly network: string;
  /** Rows of what came live meanwhile, and by the ids of it the last of each: the history may say the same. */
  held: number[];
  readonly ids: Map<string, number>;
  readonly holding: Set<Promise<unknown>>;
  /** Links that are new and bring along what was said before. */
  fresh: Link[];
  isMissed: boolean;
  isRunning: boolean;
  /** The bot came up anew while it was asked. */
  isStale: boolean;
  patience: NodeJS.Timeout | undefined;
}

export class Gaps<Body extends Json> {
  readonly #parts: GapParts<Body>;
  readonly #timing: typeof usualTiming;
  readonly #open = new Map<ChannelId, Gap>();
  /** Asked next first. */
  #waiting: Gap[] = [];
  readonly #up = new Set<string>();
  readonly #heard: Heard;
  readonly #stopping = new AbortController();
  #running = 0;

  constructor(parts: GapParts<Body>) {
    this.#parts = parts;
    this.#timing = { ...usualTiming, ...parts.timing };
    this.#heard = new Heard(parts);
    if (this.#isAsked) parts.links.onChange((change) => this.#linksChanged(change));
  }

  /** In the unit of the row that an event becomes. Undefined where nobody is to be asked: then it costs nothing. */
  get heard(): ((event: RemoteEvent<Body>) => void) | undefined {
    return this.#fillsGaps ? (event) => this.#heard.note(event) : undefined;
  }

  get #isAsked(): boolean {
    return this.#fillsGaps || (this.#parts.adapter.history !== undefined && this.#parts.settings.onLink > 0);
  }

  get #fillsGaps(): boolean {
    return this.#parts.adapter.history !== undefined && this.#parts.adapter.closesGaps !== true;
  }

  /** Resolves once it is journaled, in its lane or before it. */
  async receive(event: RemoteEvent<Body>): Promise<void> {
    const gap = this.#open.get(event.channel);
    if (gap === undefined || !needsRow(event)) await this.#parts.take(event);
    else await this.#hold(gap, event);
  }

  connection(network: string, isUp: boolean): void {
    if (!isUp) {
      this.#up.delete(network);
      return;
    }
    this.#up.add(network);
    for (const gap of this.#open.values()) if (gap.network === network && gap.fresh.length > 0) this.#enqueue(gap);
    if (!this.#fillsGaps) return;
    const channels = new Set(this.#parts.links.all().flatMap(({ state, channel }) => (state === 'live' ? [channel] : [])));
    const asked = [...channels].filter((channel) => this.#networkOf(channel) === network);
    const lastOf = new Map(asked.map((channel) => [channel, this.#lastOf(channel).at]));
    for (const channel of asked.sort((a, b) => (lastOf.get(b) ?? 0) - (lastOf.get(a) ?? 0))) {
      const gap = this.#gapOf(channel);
      gap.isMissed = true;
      gap.isStale = gap.isRunning;
      this.#enqueue(gap);
    }
  }

  /** A row that an earlier run held back; `start` once all are loaded. */
  load(seq: number): void {
    const row = this.#parts.journal.read(seq);
    if (row?.task.do !== 'show') return;
    const gap = this.#gapOf(row.task.event.channel);
    gap.held.push(seq);
    if (row.source !== '') gap.ids.set(row.source, seq);
  }

  start(): void {
    for (const gap of this.#open.values()) {
      if (!this.#fillsGaps) this.#settle(this.#close(gap, false), gap);
      else if (!gap.isRunning && !this.#up.has(gap.network)) this.#bePatient(gap);
    }
  }

  stop(): void {
    this.#stopping.abort();
    for (const gap of this.#open.values()) clearTimeout(gap.patience);
  }

  async #hold(gap: Gap, event: RemoteEvent<Body>): Promise<void> {
    this.#hurry(gap);
    const holding = this.#parts.take(event, { isHeld: true }).then((rows) => {
      for (const { seq } of rows) {
        gap.held.push(seq);
        if (event.id !== undefined) gap.ids.set(event.id, seq);
      }
      gap.patience ??= setTimeout(() => this.#settle(this.#close(gap, false), gap), this.#timing.longestHold).unref();
    });
    gap.holding.add(holding);
    try {
      await holding;
    } finally {
      gap.holding.delete(holding);
    }
  }

  #linksChanged({ link, was }: LinkChange): void {
    if (link === undefined) {
      const { channel } = was;
      if (this.#parts.links.byChannel(channel).length > 0) return;
      this.#heard.forget(channel);
      return;
    }
    if (was !== undefined && was.channel !== link.channel) this.#heard.move(was.channel, link.channel);
    if (link.state !== 'live' || was?.state === 'live') return;
    const isNew = was === undefined || was.state !== 'suspended';
    if (!this.#heard.isKnown(link.channel)) {
      this.#heard.begin(link.channel);
    } else if (!isNew && this.#fillsGaps && this.#up.has(this.#networkOf(link.channel))) {
      const gap = this.#gapOf(link.channel);
      gap.isMissed = true;
      this.#enqueue(gap);
    }
    if (isNew && this.#parts.settings.onLink > 0) {
      const gap = this.#gapOf(link.channel);
      gap.fresh.push(link);
      // A link of the config may be live before its network is.
      if (this.#up.has(gap.network)) this.#enqueue(gap);
    }
  }

  #gapOf(channel: ChannelId): Gap {
    let gap = this.#open.get(channel);
    if (gap === undefined) {
      gap = {
        ...{ channel, network: this.#networkOf(channel), held: [], ids: new Map(), holding: new Set(), fresh: [] },
        ...{ isMissed: false, isRunning: false, isStale: false, patience: undefined },
      };
      this.#open.set(channel, gap);
    }
    return gap;
  }

  #enqueue(gap: Gap): void {
    if (!gap.isRunning && !this.#waiting.includes(gap)) this.#waiting.push(gap);
    this.#run();
  }

  /** Somebody speaks there: it is asked next. */
  #hurry(gap: Gap): void {
    if (this.#waiting[0] === gap || !this.#waiting.includes(gap)) return;
    this.#waiting = [gap, ...this.#waiting.filter((other) => other !== gap)];
  }

  #run(): void {
    while (this.#running < atOnce && !this.#stopping.signal.aborted) {
      const gap = this.#waiting.shift();
      if (gap === undefined) return;
      gap.isRunning = true;
      this.#running += 1;
      const filling = this.#fill(gap).finally(() => {
        gap.isRunning = false;
        this.#running -= 1;
        this.#takeUp(gap);
        this.#run();
      });
      this.#settle(filling, gap);
    }
  }

  /** What was asked of it in its last moment. */
  #takeUp({ channel, fresh, isStale }: Gap): void {
    if ((fresh.length === 0 && !isStale) || this.#stopping.signal.aborted) return;
    const next = this.#gapOf(channel);
    next.fresh = fresh;
    next.isMissed ||= isStale;
    next.isStale = false;
    this.#enqueue(next);
  }

  /** What cannot even be written is tried again when the network comes up, or by and by. */
  #settle(work: Promise<unknown>, gap: Gap): void {
    work.catch((thrown) => {
      this.#parts.log.error({ channel: gap.channel, err: thrown }, 'a gap could not be closed');
      const left = this.#open.get(gap.channel);
      if (left?.isRunning === false) this.#bePatient(left);
    });
  }

  async #fill(gap: Gap): Promise<void> {
    const { giveUp, firstDelay, maxDelay } = this.#timing;
    const last = this.#lastOf(gap.channel);
    let failingSince = 0;
    for (let tries = 0; ; tries += 1) {
      gap.isStale = false;
      try {
        const replayed = await this.#replay(gap);
        if (replayed > 0) failingSince = 0;
        if (gap.isStale || gap.fresh.length > 0 || !(await this.#close(gap, true))) continue;
        return this.#parts.count('gap_fills', { network: gap.network, outcome: 'filled' });
      } catch (thrown) {
        if (this.#stopping.signal.aborted) return;
        this.#parts.log.warn({ channel: gap.channel, why: messageOf(thrown) }, 'what was missed could not be fetched');
        if (!this.#up.has(gap.network)) return this.#bePatient(gap);
        failingSince ||= Date.now();
        const left = failingSince + giveUp - Date.now();
        if (thrown instanceof PermanentError || left <= 0) {
          if (await this.#giveUp(gap, last.at)) return;
          failingSince = 0;
          continue;
        }
        const after = (thrown instanceof RetryableError ? thrown.after : undefined) ?? Math.min(maxDelay, firstDelay * 2 ** tries);
        await delay(Math.min(left, after), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
        if (this.#stopping.signal.aborted) return;
      }
    }
  }

  /** Brings in what is older than all that came live; how much that was. */
  async #replay(gap: Gap): Promise<number> {
    for (const link of gap.fresh) await this.#bringAlong(gap, link);
    gap.fresh = [];
    if (!gap.isMissed) return 0;
    const { take, settings, count } = this.#parts;
    const { id, at } = this.#lastOf(gap.channel);
    let taken = 0;
    let until = at;
    try {
      for await (const event of this.#historyOf(gap, id ?? at)) {
        // One on its way into the journal would be taken for a repeat, and stay behind what follows it.
        while (gap.holding.size > 0) await Promise.allSettled(gap.holding);
        const held = event.id === undefined ? undefined : gap.ids.get(event.id);
        // It may have come live before the connection was lost once more: what follows is missed as well.
        if (held !== undefined) await this.#letGo(gap, true, held);
        else if (event.kind === 'message' && taken >= settings.gap) {
          if (event.id !== undefined && isTakenIn(this.#parts, event.channel, event.id)) continue;
          await take({ kind: 'gap', at: Date.now(), channel: gap.channel, from: until, to: Date.now() });
          break;
        }
        if ((await take(event)).length === 0 || event.kind !== 'message') continue;
        taken += 1;
        until = event.at;
      }
    } finally {
      if (taken > 0) count('replayed_messages', { network: gap.network }, taken);
    }
    if (!gap.isStale) gap.isMissed = false;
    return taken;
  }

  /** The last words of before, for this room alone. */
  async #bringAlong(gap: Gap, link: Link): Promise<void> {
    const { onLink } = this.#parts.settings;
    const words: RemoteEvent<Body>[] = [];
    const signs: Extract<RemoteEvent<Body>, { kind: 'reaction' }>[] = [];
    for await (const event of this.#historyOf(gap, Date.now() - longest, onLink)) {
      if (event.id !== undefined && gap.ids.has(event.id)) break;
      if (event.kind === 'message') words.push(event);
      else if (event.kind === 'reaction') signs.push(event);
      if (words.length > onLink) words.shift();
    }
    gap.fresh = gap.fresh.filter((other) => other !== link);
    const ids = new Set(words.map(({ id }) => id));
    for (const event of [...words, ...signs.filter(({ target }) => ids.has(target))]) await this.#parts.take(event, { only: [link] });
    this.#parts.count('replayed_messages', { network: gap.network }, words.length);
  }

  /** An adapter that stands still must not hold up a channel for good. */
  async *#historyOf(gap: Gap, since: RemoteMessageId | number, most?: number): AsyncGenerator<RemoteEvent<Body>> {
    const source = this.#parts.adapter.history?.(gap.channel, since, most)[Symbol.asyncIterator]();
    if (source === undefined) return;
    let isOver = false;
    try {
      for (;;) {
        const next = await inTime(source.next(), this.#timing.giveUp, this.#stopping.signal);
        isOver = next.done === true;
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      if (!isOver) void source.return?.().catch(() => undefined);
    }
  }

  async #giveUp(gap: Gap, from: number): Promise<boolean> {
    this.#parts.count('gap_fills', { network: gap.network, outcome: 'given_up' });
    if (gap.isMissed) await this.#parts.take({ kind: 'gap', at: Date.now(), channel: gap.channel, from, to: Date.now() });
    return await this.#close(gap, true);
  }

  /** While the network is away nothing is fetched, and nothing new comes: what is held waits only so long. */
  #bePatient(gap: Gap): void {
    clearTimeout(gap.patience);
    gap.patience = setTimeout(() => {
      gap.patience = undefined;
      // Nothing is held up by what a new link is still to bring along.
      if (gap.fresh.length === 0 || gap.held.length > 0) this.#settle(this.#close(gap, false), gap);
    }, this.#timing.giveUp).unref();
  }

  /** False: the bot came up anew meanwhile. `isWhole`: what is older than what is held was brought or told. */
  async #close(gap: Gap, isWhole: boolean): Promise<boolean> {
    while (gap.holding.size > 0) await Promise.allSettled(gap.holding);
    if (isWhole && gap.isStale) return false;
    // From here to the unit nothing may be awaited: what comes now goes to the lanes itself.
    if (this.#open.get(gap.channel) === gap) this.#open.delete(gap.channel);
    clearTimeout(gap.patience);
    gap.patience = undefined;
    await this.#letGo(gap, isWhole);
    return true;
  }

  /** What is held, up to this row, goes behind what was missed, all in one commit. */
  async #letGo(gap: Gap, isWhole: boolean, upTo = Number.POSITIVE_INFINITY): Promise<void> {
    const { store, journal, lanes, links } = this.#parts;
    const going = gap.held.filter((seq) => seq <= upTo).sort((a, b) => a - b);
    gap.held = gap.held.filter((seq) => seq > upTo);
    if (going.length === 0) return;
    const move = (seq: number): Row[] => {
      const row = journal.read(seq);
      if (row === undefined) return [];
      journal.remove(row);
      const link = links.get(row.link);
      if (link === undefined) return [];
      if (isWhole && row.task.do === 'show') this.#heard.note(row.task.event);
      const moved = journal.append({ ...row, lane: linkLane(link) });
      if (keepsPlaces(link)) journal.save(Object.assign(moved, { progress: { takenIn: seq } }));
      return [moved];
    };
    let rows: readonly Row[] = [];
    try {
      // What comes live right behind waits for the same commit, and is pushed in the order of the units.
      rows = await store.write(() => going.flatMap(move));
    } catch (thrown) {
      this.#gapOf(gap.channel).held.push(...going);
      throw thrown;
    }
    for (const row of rows) lanes.push(row);
  }

  #lastOf(channel: ChannelId): LastHeard {
    return this.#heard.last(channel, this.#parts.links.byChannel(channel));
  }

  #networkOf(channel: ChannelId): string {
    return this.#parts.adapter.channels.describe(channel).network.id;
  }
}
