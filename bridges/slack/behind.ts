// Which channels are still to be looked into further back after a loss (old-threads.ts), kept over restarts: newer things do not wait for it.

import { type ChannelId, type Inbox, type KeyValue, type Logger, messageOf, PermanentError } from '#bridge-core';
import type { SlackBody } from './body.ts';
import { parseId } from './ids.ts';
import type { Intake } from './intake.ts';
import { oldThreadsOf } from './old-threads.ts';
import type { Pace } from './pace.ts';
import type { SlackSettings } from './settings.ts';
import type { Team } from './team.ts';

export interface BehindParts {
  readonly memory: KeyValue;
  readonly intake: Intake;
  readonly settings: SlackSettings['history'];
  readonly inbox: Pick<Inbox<SlackBody>, 'shown'>;
  readonly pace: Pace;
  readonly log: Logger;
}

export class LookingBehind {
  readonly #parts: BehindParts;
  /** By channel: what is asked of it after what is under way. */
  readonly #underWay = new Map<ChannelId, Promise<void>>();
  #isStopped = false;

  constructor(parts: BehindParts) {
    this.#parts = parts;
  }

  /** Noted before anything newer is heard. False: it is still to be done for an earlier loss, and for this one with it. */
  async begin(id: ChannelId, since: string): Promise<boolean> {
    const noted = this.#parts.memory.get(nameOf(id));
    if (noted !== undefined) return noted === since;
    await this.#parts.memory.set(nameOf(id), since);
    return true;
  }

  async end(id: ChannelId): Promise<void> {
    const { memory } = this.#parts;
    if (memory.get(nameOf(id)) !== undefined) await memory.set(nameOf(id), undefined);
  }

  /** `from`: what is newer was read. */
  go(team: Team, id: ChannelId, from: string | undefined): void {
    const before = this.#underWay.get(id) ?? Promise.resolve();
    const mine = before
      .then(() => this.#look(team, id, from))
      .catch((thrown) => this.#parts.log.warn({ channel: id, why: messageOf(thrown) }, 'old threads could not be read'))
      .finally(() => {
        if (this.#underWay.get(id) === mine) this.#underWay.delete(id);
      });
    this.#underWay.set(id, mine);
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #look(team: Team, id: ChannelId, from: string | undefined): Promise<void> {
    const { memory, intake, settings, inbox, pace } = this.#parts;
    const since = memory.get(nameOf(id));
    if (typeof since !== 'string' || this.#isStopped) return;
    const { id: channel } = parseId(id);
    const behind = { team, reader: intake.readerOf(team), channel, since, from, settings, known: inbox, turn: () => pace.turn(team.id) };
    try {
      for await (const event of oldThreadsOf(behind)) {
        if (this.#isStopped) return;
        await intake.give(team, channel, event);
      }
    } catch (thrown) {
      // Whatever else it is, the next loss has it tried again.
      if (!(thrown instanceof PermanentError)) throw thrown;
    }
    if (!this.#isStopped) await this.end(id);
  }
}

const nameOf = (id: string): string => `behind ${id}`;
