// Which session reports what is said in a channel. Many hear each line; one reports it: the bot where it can, else a puppet
// that is there. A second one, the standby, listens along, and the two are kept in step line by line (Backlog), so that it can
// go on exactly where a lost reporter stopped, also where that had heard nothing for minutes on a dead socket.

import { setTimeout as delay } from 'node:timers/promises';
import { Backlog, keyOf } from './backlog.ts';
import type { IrcTiming } from './timing.ts';
import type { IrcLine } from './wire/connection.ts';

/** A session, as far as listening goes. */
export interface Ear {
  readonly isBot: boolean;
  /** When the server last said anything to it, ms since 1970. */
  readonly heardAt: number;
  /** Hear what others say in channels, or spare the work. */
  listen(on: boolean): void;
  /** Resolves when all that the server sent so far has been heard. */
  fence(): Promise<void>;
}

interface Fresh {
  /** Behind it nothing is in doubt any more. */
  readonly fence: Promise<void>;
  /** The reports that count no more: each is for one line heard, and its own are for none. */
  readonly seen: Set<number>;
}

/** One watched channel. */
export interface Coverage {
  readonly folded: string;
  readonly attendees: Set<Ear>;
  reporter: Ear | undefined;
  standby: Ear | undefined;
  /** Goes up with each change of the two: who comes into step meanwhile does so for nothing. */
  changes: number;
  /** Heard by the standby, not yet by the reporter; and the other way round. */
  unreported: Backlog;
  ahead: Backlog;
  /** Reported by the former reporter, not yet heard by this one. */
  already: Backlog;
  /** Who began to listen just now: what they hear first may have been reported already. (On a server without message ids two
   *  lines of the same person and words cannot be told apart in these few milliseconds.) */
  readonly fresh: Map<Ear, Fresh>;
  /** The standby has heard all that the reporter has not told: whoever of the two is lost now, nothing is. */
  isComplete: boolean;
  /** Of the last message reported, '' where it has none; undefined: there was none. */
  lastId: string | undefined;
  handedOverAt: number;
  /** When the reporter last heard something there; since when nobody reports. */
  heardAt: number;
  lostAt: number | undefined;
}

export interface ReportersParts {
  readonly timing: IrcTiming;
  readonly report: (coverage: Coverage, line: IrcLine) => void;
  /** Nobody heard the channel in between. Resolves when the time was filled from the server's history, or the gap told. */
  readonly bridgeGap: (coverage: Coverage, ear: Ear, from: number) => Promise<void> | undefined;
  readonly handedOver: (folded: string) => void;
}

export class Reporters {
  readonly #parts: ReportersParts;
  readonly #channels = new Map<string, Coverage>();
  /** In how many channels each must listen. */
  readonly #duties = new Map<Ear, Set<Coverage>>();
  /** What was reported lately in all channels, whoever stood by. */
  readonly #recent: Backlog;

  constructor(parts: ReportersParts) {
    this.#parts = parts;
    this.#recent = new Backlog(parts.timing.recent, 2_000);
  }

  watch(folded: string): Coverage {
    const known = this.#channels.get(folded);
    if (known !== undefined) return known;
    const { timing } = this.#parts;
    const backlog = () => new Backlog(timing.backlog);
    const coverage: Coverage = {
      folded,
      attendees: new Set(),
      reporter: undefined,
      standby: undefined,
      changes: 0,
      unreported: backlog(),
      ahead: backlog(),
      already: backlog(),
      fresh: new Map(),
      isComplete: false,
      lastId: undefined,
      handedOverAt: Number.NEGATIVE_INFINITY,
      heardAt: 0,
      lostAt: undefined,
    };
    this.#channels.set(folded, coverage);
    return coverage;
  }

  unwatch(folded: string): void {
    const coverage = this.#channels.get(folded);
    if (coverage === undefined) return;
    this.#channels.delete(folded);
    for (const ear of [coverage.reporter, coverage.standby]) if (ear !== undefined) this.#relieve(ear, coverage);
    coverage.attendees.clear();
  }

  get(folded: string): Coverage | undefined {
    return this.#channels.get(folded);
  }

  /** Who proves what `speaker` says there by hearing it. */
  hearerFor(speaker: Ear, folded: string): Ear | undefined {
    const coverage = this.#channels.get(folded);
    if (coverage?.reporter === undefined || coverage.reporter === speaker) return undefined;
    return performance.now() - coverage.handedOverAt < this.#parts.timing.unsureAfterHandover ? undefined : coverage.reporter;
  }

  /** Where this session listens for others' sake. */
  dutiesOf(ear: Ear): Iterable<Coverage> {
    return this.#duties.get(ear) ?? [];
  }

  arrived(ear: Ear, folded: string): void {
    const coverage = this.#channels.get(folded);
    if (coverage === undefined) return;
    coverage.attendees.add(ear);
    if (coverage.reporter === undefined) {
      // With a standby the time before is being filled just now, and it goes on from there.
      if (coverage.standby === undefined) this.#begin(coverage, ear);
    } else if (ear.isBot) this.#standBy(coverage, ear);
    else if (coverage.standby === undefined) this.#standBy(coverage, ear);
  }

  departed(ear: Ear, folded: string): void {
    const coverage = this.#channels.get(folded);
    if (coverage === undefined) return;
    coverage.attendees.delete(ear);
    if (ear === coverage.standby) {
      coverage.standby = undefined;
      coverage.changes += 1;
      this.#relieve(ear, coverage);
      if (coverage.reporter !== undefined) this.#pickStandby(coverage);
      else {
        // It was to go on from what nobody had heard; who is there or came in meanwhile has waited for it.
        coverage.lostAt ??= Math.max(coverage.heardAt, ear.heardAt);
        this.#inherit(coverage);
      }
    } else if (ear === coverage.reporter) this.#replace(coverage, ear);
  }

  /** A line of the channel that is not by one of our own sessions. */
  heard(ear: Ear, coverage: Coverage, line: IrcLine): void {
    if (ear !== coverage.reporter && ear !== coverage.standby) return;
    const key = keyOf(line);
    const now = Date.now();
    if (ear === coverage.standby) {
      const isAhead = coverage.ahead.take(key);
      const wasReported = this.#wasReported(ear, coverage, key);
      if (!isAhead && !wasReported) coverage.unreported.push(key, line, now);
      return;
    }
    coverage.heardAt = now;
    const wasReported = this.#wasReported(ear, coverage, key);
    if (coverage.already.take(key) || wasReported) return;
    if (coverage.standby !== undefined && !coverage.unreported.take(key)) coverage.ahead.push(key, undefined, now);
    this.#report(coverage, key, line);
  }

  /** For one who asks of line after line whether it was reported lately, by any session: each report answers once. */
  recaller(coverage: Coverage): (key: string) => boolean {
    const seen = new Set<number>();
    return (key) => this.#recent.recall(`${coverage.folded} ${key}`, seen);
  }

  #wasReported(ear: Ear, coverage: Coverage, key: string): boolean {
    const fresh = coverage.fresh.get(ear);
    return fresh !== undefined && this.#recent.recall(`${coverage.folded} ${key}`, fresh.seen);
  }

  /** Reports from here on; what nobody heard since `lostAt` is filled from the history, or told. */
  #begin(coverage: Coverage, ear: Ear): void {
    const from = coverage.lostAt;
    coverage.lostAt = undefined;
    const filling = from === undefined ? undefined : this.#parts.bridgeGap(coverage, ear, from);
    if (filling === undefined) {
      this.#takeOver(coverage, ear);
      return;
    }
    // What comes live waits behind the history.
    coverage.standby = ear;
    const changes = ++coverage.changes;
    this.#charge(ear, coverage);
    const goOn = () => {
      if (coverage.changes === changes && this.#channels.get(coverage.folded) === coverage) this.#takeOver(coverage, ear);
    };
    filling.then(goOn, goOn);
  }

  /** Goes on for a lost one, once it is shown to hear: a server that dies takes one connection after the other, and what is said
   *  from then on is told or fetched once somebody is back. What comes live meanwhile waits. */
  #inherit(coverage: Coverage, asked: ReadonlySet<Ear> = new Set(), patience = this.#parts.timing.handover): void {
    const there = [...coverage.attendees].filter((ear) => !asked.has(ear));
    const heir = coverage.standby ?? there.find(({ isBot }) => isBot) ?? there[0];
    if (heir === undefined) return;
    const changes = ++coverage.changes;
    const isNew = heir !== coverage.standby;
    if (isNew) {
      coverage.unreported.clear();
      coverage.ahead.clear();
    }
    coverage.standby = heir;
    this.#charge(heir, coverage);
    const stillWaits = () => coverage.changes === changes && this.#channels.get(coverage.folded) === coverage;
    // Lost: it departs, and another goes on.
    (isNew ? this.#hearAll(coverage, heir) : heir.fence()).then(
      () => void (stillWaits() && this.#begin(coverage, heir)),
      () => {},
    );
    // On a dead socket: others are asked in turn, among them who came in meanwhile. Or it is only slow, as all may be: they have longer
    // in the next round.
    const askOthers = async () => {
      do await delay(patience, undefined, { ref: false });
      while (stillWaits() && coverage.attendees.size < 2);
      if (!stillWaits()) return;
      coverage.standby = undefined;
      this.#relieve(heir, coverage);
      const all = new Set(asked).add(heir);
      if ([...coverage.attendees].some((ear) => !all.has(ear))) this.#inherit(coverage, all, patience);
      else this.#inherit(coverage, new Set([heir]), patience * 2);
    };
    void askOthers();
  }

  #replace(coverage: Coverage, lost: Ear): void {
    this.#relieve(lost, coverage);
    coverage.reporter = undefined;
    const { standby } = coverage;
    if (standby !== undefined && coverage.isComplete) {
      const heardAt = Math.max(coverage.heardAt, standby.heardAt);
      this.#takeOver(coverage, standby);
      // Not later: it may sit on a dead socket as well.
      coverage.heardAt = heardAt;
      return;
    }
    coverage.lostAt = Math.max(coverage.heardAt, lost.heardAt);
    this.#parts.handedOver(coverage.folded);
    this.#inherit(coverage);
  }

  /** Exactly on: what the former one had not reported comes first, what it had is not repeated. */
  #takeOver(coverage: Coverage, next: Ear): void {
    const former = coverage.reporter;
    const missed = coverage.standby === next ? coverage.unreported.drain() : [];
    if (coverage.standby !== next) this.#hearAll(coverage, next).catch(() => {});
    if (coverage.standby !== undefined && coverage.standby !== next) this.#relieve(coverage.standby, coverage);
    coverage.reporter = next;
    coverage.standby = undefined;
    coverage.changes += 1;
    coverage.already = coverage.ahead;
    coverage.ahead = new Backlog(this.#parts.timing.backlog);
    coverage.unreported = new Backlog(this.#parts.timing.backlog);
    if (coverage.heardAt > 0) coverage.handedOverAt = performance.now();
    coverage.heardAt = Date.now();
    this.#charge(next, coverage);
    if (former !== undefined && coverage.attendees.has(former)) {
      coverage.standby = former;
      coverage.isComplete = true;
      for (const { key } of missed) coverage.ahead.push(key, undefined, coverage.heardAt);
    } else {
      if (former !== undefined) this.#relieve(former, coverage);
      this.#pickStandby(coverage);
    }
    this.#parts.handedOver(coverage.folded);
    for (const { key, line } of missed) this.#report(coverage, key, line);
  }

  #report(coverage: Coverage, key: string, line: IrcLine): void {
    const number = this.#recent.push(`${coverage.folded} ${key}`, undefined, coverage.heardAt);
    if (coverage.reporter !== undefined) coverage.fresh.get(coverage.reporter)?.seen.add(number);
    if (line.command === 'PRIVMSG' || line.command === 'NOTICE') coverage.lastId = line.tags.msgid ?? '';
    this.#parts.report(coverage, line);
  }

  #pickStandby(coverage: Coverage): void {
    let best: Ear | undefined;
    for (const ear of coverage.attendees) {
      if (ear === coverage.reporter) continue;
      best ??= ear;
      // The bot above all; else one that listens already costs nothing more.
      if (ear.isBot || (this.#duties.has(ear) && !best.isBot)) best = ear;
    }
    if (best !== undefined) this.#standBy(coverage, best);
  }

  #standBy(coverage: Coverage, ear: Ear): void {
    if (coverage.standby !== undefined && coverage.standby !== ear) this.#relieve(coverage.standby, coverage);
    coverage.standby = ear;
    coverage.changes += 1;
    coverage.unreported.clear();
    coverage.ahead.clear();
    coverage.isComplete = false;
    this.#charge(ear, coverage);
    void this.#comeIntoStep(coverage, ear);
  }

  /** After the first fence the standby has heard all since it listens. What the reporter has not told of that by the second was
   *  said before it came in: too late now, for later lines are told. What the reporter had told by the second and the standby has
   *  not heard by the third, it never will, and that must not hide the like of it later. Then the bot takes its office back. */
  async #comeIntoStep(coverage: Coverage, ear: Ear): Promise<void> {
    const { changes } = coverage;
    const stillStands = () =>
      coverage.changes === changes && coverage.reporter !== undefined && this.#channels.get(coverage.folded) === coverage;
    try {
      await this.#hearAll(coverage, ear);
      if (!stillStands()) return;
      const heard = coverage.unreported.mark();
      const hasTold = await Promise.race([
        coverage.reporter?.fence().then(() => true),
        delay(this.#parts.timing.handover, false, { ref: false }),
      ]);
      const told = coverage.ahead.mark();
      await ear.fence();
      if (!stillStands()) return;
      coverage.ahead.dropBefore(told);
      if (hasTold === true) coverage.unreported.dropBefore(heard);
      coverage.isComplete = hasTold === true;
      if (!ear.isBot) return;
      // A reporter that answers no PING sits on a dead socket.
      if (hasTold === true || coverage.reporter === undefined) this.#takeOver(coverage, ear);
      else this.#replace(coverage, coverage.reporter);
    } catch {
      // Lost: another will stand by.
    }
  }

  async #hearAll(coverage: Coverage, ear: Ear): Promise<void> {
    const fresh = { fence: ear.fence(), seen: coverage.fresh.get(ear)?.seen ?? new Set<number>() };
    coverage.fresh.set(ear, fresh);
    try {
      await fresh.fence;
    } finally {
      // One who stood by before and does so again waits for the later fence.
      if (coverage.fresh.get(ear) === fresh) coverage.fresh.delete(ear);
    }
  }

  #charge(ear: Ear, coverage: Coverage): void {
    const duties = this.#duties.get(ear);
    if (duties !== undefined) {
      duties.add(coverage);
      return;
    }
    this.#duties.set(ear, new Set([coverage]));
    ear.listen(true);
  }

  #relieve(ear: Ear, coverage: Coverage): void {
    const duties = this.#duties.get(ear);
    duties?.delete(coverage);
    if (duties?.size !== 0) return;
    this.#duties.delete(ear);
    ear.listen(false);
  }
}
