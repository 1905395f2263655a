// The journal: what was accepted and is not yet delivered, durable and idempotent; and the seen ledger, which tells repeats
// by event id and source id. The only writer of both. Statements run inside a store unit that the caller opens.

import { hash } from 'node:crypto';
import { relationOf } from '../matrix-event.ts';
import type { Mark } from '../plumbing/kept-back.ts';
import type { Store } from '../store/store.ts';
import { type Direction, type Progress, type Row, type State, states, type Task, towards } from './row.ts';

const dayMs = 86_400_000;
const keepSeenDays = 30;
/** Nobody tries a message again that was given up longer ago. */
const keepDeadDays = 90;

interface Stored {
  seq: number;
  direction: Direction;
  lane: string;
  link: number;
  source: string;
  event: string;
  state: State;
  progress: string | null;
  attempts: number;
  at: number;
  run: number;
  error: string | null;
}

export interface NewRow {
  readonly direction: Direction;
  readonly lane: string;
  readonly link: number;
  readonly source: string;
  readonly task: Task;
}

export class Journal {
  readonly #store: Store;
  readonly #run: number;
  readonly #startedAt = Date.now();
  readonly #insert;
  readonly #insertEdit;
  readonly #insertSeen;
  readonly #findSeen;
  readonly #delete;
  #trimAt: Uint8Array = new Uint8Array(12);

  constructor(parts: { store: Store; run: number }) {
    this.#store = parts.store;
    this.#run = parts.run;
    this.#insert = this.#store.prepare('INSERT INTO journal (direction, lane, link, source, event, at, run) VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#insertEdit = this.#store.prepare(
      'INSERT INTO journal (direction, lane, link, source, event, at, run, edits) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#insertSeen = this.#store.prepare('INSERT OR IGNORE INTO seen (id, day) VALUES (?, ?)');
    this.#findSeen = this.#store.prepare('SELECT 1 FROM seen WHERE id = ?');
    this.#delete = this.#store.prepare('DELETE FROM journal WHERE seq = ?');
  }

  isSeen(direction: Direction, scope: string, source: string): boolean {
    return this.#findSeen.get(fingerprint(direction, scope, source)) !== undefined;
  }

  /** False where it was seen already. In a unit. */
  markSeen(direction: Direction, scope: string, source: string): boolean {
    return this.#insertSeen.run(fingerprint(direction, scope, source), Math.floor(Date.now() / dayMs)).changes === 1;
  }

  /** In a unit; the row may be put into its lane once the commit is made. */
  append(made: NewRow): Row {
    const at = Date.now();
    const { direction, lane, link, source, task } = made;
    const edits = task.do === 'say' ? relationOf(task.event, 'm.replace') : undefined;
    const fields = [direction, lane, link, source, JSON.stringify(task), at, this.#run] as const;
    const { lastInsertRowid } = edits === undefined ? this.#insert.run(...fields) : this.#insertEdit.run(...fields, edits);
    return {
      ...{ seq: Number(lastInsertRowid), direction, lane, link, source, task, at },
      ...{ unknownSince: 0, state: states.waiting, progress: {}, attempts: 0, error: undefined },
      ...{ failingSince: 0, tries: 0, rejoined: false },
    };
  }

  /** In a unit: the place after all that is in it so far. */
  mark(): Mark {
    const last = this.#store.prepare<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'journal'").get();
    return { seq: last?.seq ?? 0, at: Date.now() };
  }

  /** In a unit. */
  remove(row: Row): void {
    this.#delete.run(row.seq);
  }

  /** In a unit. */
  save(row: Row): void {
    this.#store
      .prepare('UPDATE journal SET state = ?, progress = ?, attempts = ?, error = ? WHERE seq = ?')
      .run(row.state, JSON.stringify(row.progress), row.attempts, row.error ?? null, row.seq);
  }

  /** In a unit: the row with another task, which is in no lane yet. */
  rewrite(row: Row, task: Task): Row {
    this.#store.prepare('UPDATE journal SET event = ? WHERE seq = ?').run(JSON.stringify(task), row.seq);
    return { ...row, task };
  }

  /** What is to be delivered still, oldest first: enough of it to fill the lanes. */
  *pending(): Iterable<{ seq: number; direction: Direction; lane: string; state: State }> {
    yield* this.#store
      .prepare<{ seq: number; direction: Direction; lane: string; state: State }>(
        `SELECT seq, direction, lane, state FROM journal WHERE state != ${states.dead} ORDER BY seq`,
      )
      .all();
  }

  read(seq: number): Row | undefined {
    const stored = this.#store.prepare<Stored>('SELECT * FROM journal WHERE seq = ?').get(seq);
    return stored && this.#revive(stored);
  }

  /** Is something with this source still to be delivered for this link? Reads the whole journal: for misses only. */
  findBySource(link: number, source: string): Row | undefined {
    const stored = this.#store
      .prepare<Stored>("SELECT * FROM journal WHERE source = ? AND source != '' AND link = ? LIMIT 1")
      .get(source, link);
    return stored && this.#revive(stored);
  }

  /** What the network said and is still to be shown, with ids from one to another; for networks whose ids sort as their messages do. */
  toBeShown(link: number, from: string, to: string): Extract<Task, { do: 'show' }>[] {
    const tasks = this.#store
      .prepare<{ event: string }>(
        `SELECT event FROM journal WHERE source >= ? AND source <= ? AND source != '' AND link = ? AND direction = ${towards.matrix} AND state != ${states.dead}`,
      )
      .all(from, to, link)
      .map(({ event }) => JSON.parse(event) as Task);
    return tasks.filter((task) => task.do === 'show');
  }

  /** In a unit: what its sender takes back before any of it went out is not kept, nor are its edits, which say the same in other
   *  words, whatever became of it. What was tried and is parked may have gone out; of an edit nothing need be known afterwards.
   *  Which of them there were. */
  takeBack(link: number, source: string): { readonly own: boolean; readonly edits: boolean } {
    const isUnsaid = `link = ? AND direction = ${towards.network} AND coalesce(json_array_length(progress, '$.proved'), 0) = 0`;
    const isUntried = `(state IN (${states.waiting}, ${states.dead}) OR state = ${states.parked} AND attempts = 0 AND json_extract(progress, '$.begun') IS NULL)`;
    const own = this.#store.prepare(`DELETE FROM journal WHERE source = ? AND source != '' AND ${isUnsaid} AND ${isUntried}`);
    const edits = this.#store.prepare(`DELETE FROM journal WHERE edits = ? AND ${isUnsaid} AND state != ${states.begun}`);
    return { own: own.run(source, link).changes > 0, edits: edits.run(source, link).changes > 0 };
  }

  dead(): Row[] {
    return this.#store
      .prepare<Stored>(`SELECT * FROM journal WHERE state = ${states.dead} ORDER BY seq`)
      .all()
      .map((stored) => this.#revive(stored));
  }

  /** Rows by direction and state, and the oldest waiting one's time, for the metrics. */
  depth(): { direction: Direction; state: State; rows: number; oldest: number }[] {
    return this.#store
      .prepare<{ direction: Direction; state: State; rows: number; oldest: number }>(
        'SELECT direction, state, count(*) AS rows, min(at) AS oldest FROM journal GROUP BY direction, state',
      )
      .all();
  }

  /** In a unit: forgets what was given up long ago, a slice at a time. */
  trimDead(): void {
    this.#store
      .prepare(`DELETE FROM journal WHERE seq IN (SELECT seq FROM journal WHERE state = ${states.dead} AND at < ? LIMIT 2000)`)
      .run(Date.now() - keepDeadDays * dayMs);
  }

  /** In a unit: forgets a slice of what was seen longer ago than it must be known. Called when idle, over and over. */
  trimSeen(): void {
    const from = this.#trimAt;
    const slice = this.#store.prepare<{ id: Uint8Array }>('SELECT id FROM seen WHERE id > ? ORDER BY id LIMIT 1 OFFSET 2000').get(from);
    const before = Math.floor(Date.now() / dayMs) - keepSeenDays;
    if (slice === undefined) {
      this.#store.prepare('DELETE FROM seen WHERE id > ? AND day < ?').run(from, before);
      this.#trimAt = new Uint8Array(12);
      return;
    }
    this.#store.prepare('DELETE FROM seen WHERE id > ? AND id <= ? AND day < ?').run(from, slice.id, before);
    this.#trimAt = slice.id;
  }

  keyOf(row: Row, part: number): string {
    return `${this.#store.id}.${row.link}.${row.seq}.${part}`;
  }

  /** The key's parts where it is one of this store's. */
  parseKey(key: string): { link: number; seq: number; part: number } | undefined {
    const [store, link, seq, part] = key.split('.');
    return store === this.#store.id && link && seq && part ? { link: Number(link), seq: Number(seq), part: Number(part) } : undefined;
  }

  #revive(stored: Stored): Row {
    return {
      seq: stored.seq,
      direction: stored.direction,
      lane: stored.lane,
      link: stored.link,
      source: stored.source,
      task: JSON.parse(stored.event) as Task,
      at: stored.at,
      // Of an earlier run, or given up at who knows which point.
      unknownSince: stored.run === this.#run && stored.state !== states.dead ? 0 : this.#startedAt,
      state: stored.state,
      progress: stored.progress === null ? {} : (JSON.parse(stored.progress) as Progress),
      attempts: stored.attempts,
      error: stored.error ?? undefined,
      failingSince: 0,
      tries: 0,
      rejoined: false,
    };
  }
}

function fingerprint(direction: Direction, scope: string, source: string): Uint8Array {
  return hash('sha256', `${direction} ${scope} ${source}`, 'buffer').subarray(0, 12);
}
