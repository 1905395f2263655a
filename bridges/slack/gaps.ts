// How far each channel was heard, kept over restarts, and the filling of what was missed: after each loss of what we hear by, before
// anything newer of the channel is handed on.

import type { ChannelId, KeyValue, Logger } from '#bridge-core';
import { messageOf } from '#bridge-core';
import { historyOf } from './history.ts';
import { makeChannelId, makeMessageId, parseId } from './ids.ts';
import type { Intake } from './intake.ts';
import type { SlackSettings } from './settings.ts';
import type { Team } from './team.ts';

export interface GapsParts {
  readonly memory: KeyValue;
  readonly intake: Intake;
  readonly settings: SlackSettings['history'];
  readonly watchedOf: (team: Team) => readonly ChannelId[];
  readonly log: Logger;
  readonly writeEvery?: number;
}

/** ms: what was heard since the last note is read again after a crash, and known by its id. */
const writeEvery = 15_000;
/** ms: newer messages of the channel wait so long for a turn in the budget. */
const patience = 60_000;

export class Gaps {
  readonly #parts: GapsParts;
  /** The newest message of each channel. */
  readonly #heard = new Map<ChannelId, string>();
  readonly #unwritten = new Set<ChannelId>();
  readonly #filling = new Set<ChannelId>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: GapsParts) {
    this.#parts = parts;
    for (const name of parts.memory.keys(heardName(''))) {
      const ts = parts.memory.get(name);
      if (typeof ts === 'string') this.#heard.set(name.slice(heardName('').length) as ChannelId, ts);
    }
  }

  heard(team: Team, channel: string, ts: string): void {
    const id = makeChannelId(team.id, channel);
    const before = this.#heard.get(id);
    if (before !== undefined && before >= ts) return;
    this.#heard.set(id, ts);
    this.#unwritten.add(id);
    this.#timer ??= setTimeout(() => void this.write(), this.#parts.writeEvery ?? writeEvery).unref();
  }

  /** From here on it is listened to: what was said before is no gap. */
  begin(id: ChannelId): void {
    if (this.#heard.has(id)) return;
    this.#heard.set(id, (Date.now() / 1_000).toFixed(6));
    this.#unwritten.add(id);
    this.#timer ??= setTimeout(() => void this.write(), this.#parts.writeEvery ?? writeEvery).unref();
  }

  async forget(id: ChannelId): Promise<void> {
    this.#heard.delete(id);
    this.#unwritten.delete(id);
    await this.#parts.memory.set(heardName(id), undefined);
  }

  /** Everything that is listened to, after the team was away. */
  fillAll(team: Team): void {
    for (const id of this.#parts.watchedOf(team)) this.fill(team, id);
  }

  fill(team: Team, id: ChannelId): void {
    const since = this.#heard.get(id);
    if (since === undefined || this.#filling.has(id)) return;
    this.#filling.add(id);
    const { intake, settings, log } = this.#parts;
    const { id: channel } = parseId(id);
    intake
      .before(id, async () => {
        const from = this.#heard.get(id) ?? since;
        const stretch = { team, reader: intake.readerOf(team), channel, since: makeMessageId(from), settings, patience };
        for await (const event of historyOf(stretch)) await intake.give(team, channel, event);
      })
      .catch((thrown) => log.warn({ channel: id, why: messageOf(thrown) }, 'what was missed could not be read'))
      .finally(() => this.#filling.delete(id));
  }

  async write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const channels = [...this.#unwritten];
    this.#unwritten.clear();
    await Promise.all(channels.map((id) => this.#parts.memory.set(heardName(id), this.#heard.get(id))));
  }
}

const heardName = (id: string): string => `heard ${id}`;
