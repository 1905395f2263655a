// Whether Slack reaches us, where it calls us and nothing else tells: it gives up an event after six minutes and says so to nobody. A stretch
// without any request, an event that took several tries, and events held back put what was told meanwhile in doubt: then it is looked for.

import { type Logger, messageOf } from '#bridge-core';
import type { Team } from './team.ts';

export interface Look {
  /** ms: as far back at least, even of a channel of which newer things were heard. */
  readonly from?: number;
  /** Something was missed for certain: then it is also looked further back. */
  readonly isSure: boolean;
  /** Further back it is looked all the same: what began before the page that is read shows nowhere else. */
  readonly isDeep?: boolean;
}

export interface ReachTiming {
  /** ms without a request: whatever Slack gave up began before such a stretch was over. */
  readonly silence: number;
  /** ms between two rounds while nothing is heard: at first, and while they find nothing. */
  readonly first: number;
  readonly most: number;
  /** ms between two rounds that look further back. */
  readonly deep: number;
  /** ms: doubts of one time are one. */
  readonly settle: number;
}

export interface ReachParts {
  readonly teams: () => Iterable<Team>;
  /** All channels of the team, in turns; what newer things wait for, at once. Resolves with how many messages were found. */
  readonly look: (team: Team, look: Look) => Promise<number>;
  readonly count: (name: string, labels?: Readonly<Record<string, string>>, by?: number) => void;
  readonly log: Logger;
  readonly timing?: ReachTiming | undefined;
}

interface State {
  /** ms. */
  lastRound: number;
  lastDeep: number;
  pause: number;
  doubt: { readonly since: number; readonly from: number } | undefined;
  isLooking: boolean;
}

const minute = 60_000;
const usual: ReachTiming = { silence: 5 * minute, first: 10 * minute, most: 60 * minute, deep: 360 * minute, settle: minute };
/** ms before a doubt: all tries of one event. */
const lookBack = 10 * minute;
/** The second retry comes a minute late: others may have come to nothing. */
const manyTries = 2;

export class Reach {
  readonly #parts: ReachParts;
  readonly #timing: ReachTiming;
  /** ms, by app: the last request. */
  readonly #last = new Map<string, number>();
  readonly #states = new Map<Team, State>();
  readonly #begun = Date.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: ReachParts) {
    this.#parts = parts;
    this.#timing = parts.timing ?? usual;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#check(), this.#timing.settle).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Before what came is handed on: then it is known still how far its channel was heard. `tries`: Slack's own before this one. */
  told(via: string, tries = 0): void {
    const now = Date.now();
    const before = this.#last.get(via) ?? this.#begun;
    this.#last.set(via, now);
    if (now - before < this.#timing.silence && tries < manyTries) return;
    for (const team of this.#teams(via)) {
      if (now - before >= this.#timing.silence) this.#round(team, { isSure: false }, before);
      else this.#doubt(team, now - lookBack);
    }
  }

  /** Too many events: since `from` Slack keeps some to itself. */
  heldBack(via: string, id: string, from: number): void {
    for (const team of this.#teams(via)) if (team.id === id) this.#doubt(team, from);
  }

  #doubt(team: Team, from: number): void {
    const state = this.#stateOf(team);
    state.doubt = { since: state.doubt?.since ?? Date.now(), from: this.#within(Math.min(from, state.doubt?.from ?? from)) };
  }

  #check(): void {
    const now = Date.now();
    const { settle, most, deep } = this.#timing;
    for (const team of this.#teams()) {
      const state = this.#stateOf(team);
      if (!team.isReachable || state.isLooking) continue;
      const heard = this.#lastOf(team);
      if (heard > state.lastRound) state.pause = this.#timing.first;
      if (state.doubt !== undefined && now - state.doubt.since >= settle) {
        const { from } = state.doubt;
        state.doubt = undefined;
        this.#round(team, { from, isSure: true }, from);
      } else if (now - Math.max(heard, state.lastRound) >= state.pause) {
        state.pause = Math.min(most, state.pause * 2);
        const isDeep = now - Math.max(heard, state.lastDeep) >= deep;
        if (isDeep) state.lastDeep = now;
        this.#round(team, { isSure: false, isDeep }, heard);
      }
    }
  }

  #round(team: Team, look: Look, since: number): void {
    const state = this.#stateOf(team);
    state.lastRound = Date.now();
    state.isLooking = true;
    this.#look(team, look, since)
      .catch((thrown) => this.#parts.log.warn({ team: team.id, why: messageOf(thrown) }, 'what Slack may have given up could not be read'))
      .finally(() => {
        state.isLooking = false;
      });
  }

  async #look(team: Team, look: Look, since: number): Promise<void> {
    const found = await this.#parts.look(team, look);
    if (found === 0) return;
    this.#parts.count('slack_given_up', { network: team.id }, found);
    this.#parts.log.warn(
      { team: team.id, messages: found },
      'messages were found of which Slack did not tell: see that it reaches the address for events, and that the app is still subscribed to them',
    );
    this.#stateOf(team).pause = this.#timing.first;
    if (!look.isSure) await this.#parts.look(team, { from: this.#within(since - lookBack), isSure: true });
  }

  /** What was missed before the start is read at the start. */
  #within(from: number): number {
    return Math.max(from, this.#begun);
  }

  /** Those that are heard in this way alone. */
  *#teams(via?: string): Generator<Team> {
    for (const team of this.#parts.teams()) {
      const ways = team.transports.filter((transport) => transport !== 'webhook');
      if (team.isInstalled && ways.length === 1 && ways[0] === 'events' && (via === undefined || team.isToldBy(via))) yield team;
    }
  }

  #lastOf(team: Team): number {
    let last = this.#begun;
    for (const [via, at] of this.#last) if (team.isToldBy(via)) last = Math.max(last, at);
    return last;
  }

  #stateOf(team: Team): State {
    const state = this.#states.get(team) ?? {
      ...{ lastRound: this.#begun, lastDeep: this.#begun, pause: this.#timing.first, doubt: undefined, isLooking: false },
    };
    this.#states.set(team, state);
    return state;
  }
}
