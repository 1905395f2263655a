// When people's posts were last changed by us, with their own login, kept over restarts: Slack shows a change made by their own client in
// the same way, and what was missed is read from the history alone.

import { type KeyValue, PermanentError } from '#bridge-core';
import { makeChannelId, tsOf } from './ids.ts';

export interface OwnEditsParts {
  readonly team: string;
  readonly memory: KeyValue;
}

type Noted = readonly [ts: string, edited: string];

/** Of one channel. Those of before the last message that was heard there are asked for no more. */
const mostNoted = 100;
/** ms by which Slack's clock may be before ours. */
const clockMargin = 60_000;
/** Of a change that is under way: whatever stands there may be ours. */
const underWay = 'now';

export class OwnEdits {
  readonly #parts: OwnEditsParts;

  constructor(parts: OwnEditsParts) {
    this.#parts = parts;
    // Of changes made before any were noted nothing is known.
    if (parts.memory.get(sinceName(parts.team)) === undefined)
      void parts.memory.set(sinceName(parts.team), tsOf(Date.now())).catch(() => {});
  }

  /** `edit` returns the moment that Slack gave the change, if it said so. */
  async during(channel: string, ts: string, edit: () => Promise<string | undefined>): Promise<void> {
    const before = this.#noted(channel).find(([of]) => of === ts)?.[1];
    await this.#note(channel, ts, underWay);
    try {
      await this.#note(channel, ts, (await edit()) ?? tsOf(Date.now() + clockMargin));
    } catch (thrown) {
      // Whether it was made after all nobody knows until it is tried again; a refusal is tried no more.
      if (thrown instanceof PermanentError) await this.#note(channel, ts, before);
      throw thrown;
    }
  }

  /** Also where that is not certain. */
  isOurs(channel: string, ts: string, edited: string): boolean {
    const { memory, team } = this.#parts;
    const noted = this.#noted(channel);
    const mine = noted.find(([of]) => of === ts)?.[1];
    if (mine === underWay || (mine !== undefined && Number(edited) <= Number(mine))) return true;
    // One whose outcome is not known has no moment, and stays.
    const floor = noted.length < mostNoted ? undefined : noted.find(([, at]) => at !== underWay)?.[1];
    const since = memory.get(sinceName(team));
    return [floor, since].some((from) => typeof from === 'string' && Number(edited) <= Number(from));
  }

  #noted(channel: string): readonly Noted[] {
    const noted = this.#parts.memory.get(channelName(this.#parts.team, channel));
    return Array.isArray(noted) ? (noted as readonly Noted[]) : [];
  }

  async #note(channel: string, ts: string, edited: string | undefined): Promise<void> {
    const others = this.#noted(channel).filter(([of]) => of !== ts);
    const all = edited === undefined ? others : [...others, [ts, edited] as const].slice(-mostNoted);
    await this.#parts.memory.set(channelName(this.#parts.team, channel), all.length > 0 ? all : undefined);
  }
}

const sinceName = (team: string): string => `edits since ${team}`;
const channelName = (team: string, channel: string): string => `edits ${makeChannelId(team, channel)}`;
