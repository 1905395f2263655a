// Lanes over a real store with a far side that does as a script says: what each row meets, in the order of its tries.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Logger } from '../../../bridge-core/adapter-tools.ts';
import { PermanentError, RetryableError, UnknownOutcomeError, UnreachableError } from '../../../bridge-core/errors.ts';
import { eventId, roomId, userId } from '../../../bridge-core/ids.ts';
import { Journal } from '../../../bridge-core/pipeline/journal.ts';
import { type LaneParts, Lanes } from '../../../bridge-core/pipeline/lanes.ts';
import { type Row, states, towards } from '../../../bridge-core/pipeline/row.ts';
import type { Timing } from '../../../bridge-core/pipeline/timing.ts';
import { openTempStore, type TempStore } from '../../support/temp-store.ts';
import { patience, until } from '../../support/waiting.ts';

export const shortTiming: Timing = {
  firstDelay: 4,
  maxDelay: 30,
  parkTries: 3,
  parkAfter: 10_000,
  tellAfter: 60_000,
  probeEvery: 30,
  parkedFirst: 20,
  parkedMax: 80,
};

/** ms. Rows that are to grow old are given another: many rows on a slow disk take their time. */
export const longAge = 3_600_000;

export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };

export type Fate = 'ok' | 'later' | 'unknown' | 'away' | 'never' | Error | (() => Promise<void> | void);

export const busy = (after?: number) => new RetryableError('NETWORK_BUSY', 'not now', after === undefined ? {} : { after });
export const away = () => new UnreachableError('NETWORK_UNREACHABLE', 'nobody there');
export const refused = () => new PermanentError('NETWORK_REFUSED', 'no');

export interface LanesRig extends TempStore {
  readonly journal: Journal;
  readonly lanes: Lanes;
  /** Names of rows, in the order of their tries, their deliveries and their burials. */
  readonly tries: string[];
  readonly delivered: string[];
  readonly buried: { name: string; code: string }[];
  probes: number;
  isUp: boolean;
  /** Most deliveries under way at once. */
  most: number;
  /** What the next tries of the row of this name meet; then `ok`. */
  script(name: string, ...fates: Fate[]): void;
  /** Each try of the row of this name fails, until that holds. */
  fails(name: string, until: () => boolean, error?: () => Error): void;
  /** Journals rows as `accept` does and hands them to the lanes: `speaker:name`. */
  say(lane: string, ...rows: string[]): Promise<Row[]>;
  /** Until so many rows are delivered or buried; each may take a commit of its own, on a slow disk. */
  ended(count: number): Promise<void>;
  /** Lanes of a later run over the same file, not yet started. */
  restart(): Promise<LanesRig>;
}

type Given = Partial<Omit<LaneParts, 'timing'>> & { timing?: Partial<Timing> };

export function openLanesRig(t: TestContext, given: Given = {}): LanesRig {
  return build(t, openTempStore(t), given);
}

function build(t: TestContext, temp: TempStore, given: Given): LanesRig {
  const { store } = temp;
  const journal = new Journal({ store, run: store.run });
  const fates = new Map<string, Fate[]>();
  let underWay = 0;
  const rig: LanesRig = {
    ...temp,
    store,
    journal,
    tries: [],
    delivered: [],
    buried: [],
    probes: 0,
    isUp: true,
    most: 0,
    lanes: new Lanes({
      journal,
      store,
      log: quiet,
      carry,
      mend: async () => false,
      bury: async (row, error) => {
        row.state = states.dead;
        await store.write(() => journal.save(row));
        rig.buried.push({ name: nameOf(row), code: error.code });
      },
      scopeOf: () => 'net',
      probe: async () => {
        rig.probes += 1;
        return rig.isUp;
      },
      age: longAge,
      delivered: (row) => rig.delivered.push(nameOf(row)),
      ...given,
      timing: { ...shortTiming, ...given.timing },
    }),
    script: (name, ...next) => void fates.set(name, [...(fates.get(name) ?? []), ...next]),
    async say(lane, ...rows) {
      const made = await store.write(() => rows.map((row) => journal.append(newRow(lane, row))));
      for (const row of made) rig.lanes.push(row);
      return made;
    },
    fails: (name, isUntil, error = busy) => {
      const fate = () => {
        if (isUntil()) return;
        rig.script(name, fate);
        throw error();
      };
      rig.script(name, fate);
    },
    async ended(count) {
      await until(`${count} rows to end`, () => rig.delivered.length + rig.buried.length >= count, patience + 50 * count);
      assert.equal(rig.delivered.length + rig.buried.length, count);
    },
    async restart() {
      await rig.lanes.stop();
      await temp.reopen();
      const next = build(t, temp, given);
      for (const { seq, lane, state } of next.journal.pending()) next.lanes.load(seq, lane, state === states.parked);
      return next;
    },
  };
  t.after(() => rig.lanes.stop());
  return rig;

  async function carry(row: Row): Promise<void> {
    const name = nameOf(row);
    rig.tries.push(name);
    underWay += 1;
    rig.most = Math.max(rig.most, underWay);
    try {
      await meet(fates.get(name)?.shift() ?? 'ok');
    } finally {
      underWay -= 1;
    }
    await store.write(() => journal.remove(row));
  }

  async function meet(fate: Fate): Promise<void> {
    if (typeof fate === 'function') return await fate();
    if (!rig.isUp && fate !== 'never') throw away();
    if (fate === 'ok') return;
    if (fate === 'later') throw busy();
    if (fate === 'unknown') throw new UnknownOutcomeError('cut');
    if (fate === 'away') throw away();
    if (fate === 'never') throw refused();
    throw fate;
  }
}

export function nameOf(row: Row): string {
  return row.source;
}

export function newRow(lane: string, row: string) {
  const [speaker = '', name = row] = row.includes(':') ? row.split(':') : ['a', row];
  return {
    direction: towards.network,
    lane,
    link: 1,
    source: name,
    task: {
      do: 'say' as const,
      event: {
        ...{ id: eventId(`$${name}`), room: roomId('!r:hs'), sender: userId(`@${speaker}:hs`), type: 'm.room.message' },
        ...{ at: Date.now(), content: { msgtype: 'm.text', body: name } },
      },
    },
  };
}
