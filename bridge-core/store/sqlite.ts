// The store on SQLite: what was committed survives a power cut before anybody is told. Everything asked for in one turn of
// the event loop goes into one commit; each unit has a savepoint of its own. The log is put on disk beside the event loop,
// which goes on meanwhile: kill -9 loses nothing that was committed, and one sync serves all commits made during the last.
// Checkpoints run when idle.

import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fdatasync, fdatasyncSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { ConfigError, messageOf, RetryableError } from '../errors.ts';
import { migrate } from './migrate.ts';
import type { Statement, Store, Value } from './store.ts';

/** What joined no `write` is committed after this time or this many units. */
const soonMs = 10;
const soonUnits = 64;
const idleMs = 1_000;
const againMs = 1_000;
/** A commit so long after the last one is lone; a disk that takes less for a sync is quick. */
const loneMs = 2;
const quickMs = 1;

interface Unit {
  readonly work: () => unknown;
  readonly resolve?: (result: never) => void;
  readonly reject?: (error: unknown) => void;
}

/** Committed, with what its unit returned: told once the log is on disk. */
interface Committed {
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
  readonly result: unknown;
}

/** `onFault` hears of a unit that failed while nobody waited for it: a defect, never a reason to stop. */
export function openStore(path: string, onFault: (error: unknown) => void): SqliteStore {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return new SqliteStore(path, onFault);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError('STORE_BROKEN', `cannot open the store ${path}: ${messageOf(error)}`, error);
  }
}

export class SqliteStore implements Store {
  readonly id: string;
  /** Counts the openings of this store: rows of an earlier run have an unknown outcome. */
  readonly run: number;
  readonly #database: Sqlite.Database;
  readonly #statements = new Map<string, Sqlite.Statement>();
  readonly #onFault: (error: unknown) => void;
  readonly #commitListeners: ((ms: number) => void)[] = [];
  #onLost: () => void = () => {};
  /** The log that every commit goes to, open for syncing alone. */
  readonly #log: number;
  #units: Unit[] = [];
  #unsynced: Committed[] = [];
  #syncing: Promise<void> | undefined;
  #lost: RetryableError | undefined;
  #lastCommit = Number.NEGATIVE_INFINITY;
  /** How long the last syncs took, about. */
  #diskMs = 0;
  #waiting = 0;
  #immediate: NodeJS.Immediate | undefined;
  #soon: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #trouble: string | undefined;
  #closed = false;

  constructor(path: string, onFault: (error: unknown) => void) {
    this.#onFault = onFault;
    makePrivate(path);
    this.#database = new Sqlite(path);
    try {
      migrated(this.#database, path);
    } catch (error) {
      this.#database.close();
      throw error;
    }
    const { run, id } = beginRun(this.#database);
    this.run = run;
    this.id = id;
    this.#log = openSync(`${fileOf(this.#database)}-wal`, 'r');
  }

  /** Why nothing could be written lately; undefined once something was. */
  get trouble(): string | undefined {
    return this.#lost?.message ?? this.#trouble;
  }

  prepare<Row = Record<string, Value>>(sql: string): Statement<Row> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement as unknown as Statement<Row>;
  }

  write<Result>(work: () => Result): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#closed || this.#lost !== undefined) {
        reject(this.#lost ?? new RetryableError('STORE_BROKEN', 'the store is closed'));
        return;
      }
      this.#units.push({ work, resolve, reject });
      this.#immediate ??= setImmediate(this.#commit);
    });
  }

  writeSoon(work: () => void): void {
    if (this.#closed) {
      this.#onFault(new RetryableError('STORE_BROKEN', 'the store is closed'));
      return;
    }
    this.#units.push({ work });
    this.#waiting += 1;
    if (this.#immediate !== undefined) return;
    if (this.#waiting >= soonUnits) this.#immediate = setImmediate(this.#commit);
    else this.#soon ??= setTimeout(this.#commit, soonMs);
  }

  async flush(): Promise<void> {
    this.#commit();
    await this.#syncing;
  }

  onCommit(listener: (ms: number) => void): void {
    this.#commitListeners.push(listener);
  }

  /** Called once, when the disk has failed us: nothing is written any more. Opened anew, the store knows what it holds. */
  onLost(listener: () => void): void {
    this.#onLost = listener;
  }

  async backup(destination: string): Promise<void> {
    await this.flush();
    closeSync(openSync(destination, 'a', 0o600));
    await this.#database.backup(destination);
  }

  /** Whoever was waiting may write once more in answer: that is taken along, until a turn passes without. */
  async close(): Promise<void> {
    while (!this.#closed && (this.#units.length > 0 || this.#syncing !== undefined)) {
      if (!this.#commit()) break;
      await this.#syncing;
      await nextTurn();
    }
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#idle);
    clearTimeout(this.#soon);
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    const error = new RetryableError('STORE_BROKEN', 'the store was closed before this could be written');
    for (const unit of this.#units) (unit.reject ?? this.#onFault)(error);
    this.#units = [];
    await this.#syncing;
    closeSync(this.#log);
    this.#database.close();
  }

  /** False: the disk refused. */
  readonly #commit = (): boolean => {
    // Asked for from within a unit: that one's commit must not be cut in two, and what is new has its own turn.
    if (this.#units.length === 0 || this.#closed || this.#database.inTransaction) return true;
    const units = this.#units;
    this.#units = [];
    this.#waiting = 0;
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    if (this.#soon !== undefined) clearTimeout(this.#soon);
    this.#immediate = undefined;
    this.#soon = undefined;

    const began = performance.now();
    const outcomes: ({ result: unknown } | { error: unknown })[] = [];
    try {
      this.prepare('BEGIN IMMEDIATE').run();
      for (const unit of units) outcomes.push(this.#attempt(unit, units.length > 1));
      this.prepare('COMMIT').run();
    } catch (error) {
      this.#broken(units, error);
      return false;
    }
    this.#trouble = undefined;
    for (const [index, { resolve, reject }] of units.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) continue;
      if ('error' in outcome) (reject ?? this.#onFault)(outcome.error);
      else if (resolve !== undefined && reject !== undefined) this.#unsynced.push({ resolve, reject, result: outcome.result });
    }
    this.#checkpointWhenIdle();
    // Where nobody waits, the next sync or checkpoint is soon enough.
    const isLone = began - this.#lastCommit > loneMs;
    this.#lastCommit = began;
    if (this.#unsynced.length === 0) this.#tell(performance.now() - began);
    else if (this.#syncing === undefined) {
      // With nothing else going on and a quick disk, waiting for it here is over before a thread would have begun.
      if (isLone && this.#diskMs < quickMs) this.#settle(this.#unsynced.splice(0), began, syncHere(this.#log));
      else this.#syncing = this.#sync(began);
    }
    return true;
  };

  /** Until all that was committed meanwhile is on disk, too. */
  async #sync(began: number): Promise<void> {
    let since = began;
    while (this.#unsynced.length > 0) {
      const committed = this.#unsynced;
      this.#unsynced = [];
      const failure = await syncBeside(this.#log);
      this.#settle(committed, since, failure);
      since = performance.now();
    }
    this.#syncing = undefined;
  }

  #settle(committed: readonly Committed[], since: number, failure: Error | undefined): void {
    const took = performance.now() - since;
    this.#diskMs += (took - this.#diskMs) / 5;
    this.#tell(took);
    if (failure !== undefined) this.#lose(committed, failure);
    else for (const { resolve, result } of committed) resolve(result as never);
  }

  /** What the disk has of the log is unknown from here on, so nothing more is promised. */
  #lose(committed: readonly Committed[], cause: Error): void {
    const isNew = this.#lost === undefined;
    this.#lost ??= new RetryableError('STORE_BROKEN', `the disk failed, and the bridge must be started anew: ${cause.message}`, { cause });
    if (isNew) this.#onLost();
    for (const { reject } of committed) reject(this.#lost);
    for (const { reject } of this.#units) reject?.(this.#lost);
    this.#units = [];
  }

  #attempt(unit: Unit, amongOthers: boolean): { result: unknown } | { error: unknown } {
    if (amongOthers) this.prepare('SAVEPOINT unit').run();
    try {
      const result = unit.work();
      if (amongOthers) this.prepare('RELEASE unit').run();
      return { result };
    } catch (error) {
      // The disk's fault and not the unit's; SQLite may have rolled back everything by itself.
      if (isOfTheDisk(error)) throw error;
      if (amongOthers) {
        this.prepare('ROLLBACK TO unit').run();
        this.prepare('RELEASE unit').run();
        return { error };
      }
      // Alone in its commit: the whole of it is rolled back, and an empty one takes its place.
      this.prepare('ROLLBACK').run();
      this.prepare('BEGIN IMMEDIATE').run();
      return { error };
    }
  }

  // Disk full or failing: whoever waits for durability is told; what nobody waits for is tried again.
  #broken(units: Unit[], cause: unknown): void {
    if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
    this.#trouble = messageOf(cause);
    const error = new RetryableError('STORE_BROKEN', `the store cannot be written: ${messageOf(cause)}`, { cause });
    for (const unit of units) unit.reject?.(error);
    const again = units.filter((unit) => unit.reject === undefined);
    if (again.length === 0) return;
    this.#units = [...again, ...this.#units];
    this.#waiting = again.length;
    this.#soon ??= setTimeout(this.#commit, againMs);
  }

  #tell(took: number): void {
    for (const listener of this.#commitListeners) {
      try {
        listener(took);
      } catch (error) {
        this.#onFault(error);
      }
    }
  }

  #checkpointWhenIdle(): void {
    if (this.#idle !== undefined) {
      this.#idle.refresh();
      return;
    }
    this.#idle = setTimeout(() => {
      this.#idle = undefined;
      if (!this.#closed) this.#checkpoint();
    }, idleMs);
    this.#idle.unref();
  }

  /** A disk without room fails it, and nothing is lost: what it would have moved stays in the log, for the next time. */
  #checkpoint(): void {
    try {
      this.#database.pragma('wal_checkpoint(PASSIVE)');
    } catch (error) {
      // Said once; health says it as long as it lasts.
      if (this.#trouble === undefined)
        this.#onFault(new RetryableError('STORE_BROKEN', `the store cannot be tidied: ${messageOf(error)}`, { cause: error }));
      this.#trouble = messageOf(error);
      this.#checkpointWhenIdle();
    }
  }
}

/** What people say and log in with lies in it: for its owner alone, whatever folder it is in. SQLite gives what it puts beside
 *  the file the mode of that. */
function makePrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
  const place = realpathSync(path);
  for (const file of [place, `${place}-wal`, `${place}-shm`]) {
    const { mode, uid } = statSync(file, { throwIfNoEntry: false }) ?? {};
    // Another's file that we may write is by somebody's arrangement.
    if (mode !== undefined && (mode & 0o077) !== 0 && uid === process.getuid?.()) chmodSync(file, 0o600);
  }
}

function migrated(database: Sqlite.Database, path: string): void {
  database.pragma('journal_mode = WAL');
  // As durable as FULL: what differs is that we sync the log ourselves, before anybody is told of a commit.
  database.pragma('synchronous = NORMAL');
  database.pragma('wal_autocheckpoint = 20000');
  // What was taken out of a page is not left lying in it: what people log in with passes through the journal.
  database.pragma('secure_delete = FAST');
  database.pragma('cache_size = -8000');
  migrate(database, path);
}

/** As SQLite knows it: where `path` is a link, the log lies beside what it points at. */
function fileOf(database: Sqlite.Database): string {
  const [main] = database.pragma('database_list') as { file: string }[];
  return main?.file ?? database.name;
}

function syncBeside(file: number): Promise<Error | undefined> {
  return new Promise((resolve) => fdatasync(file, (error) => resolve(error ?? undefined)));
}

function syncHere(file: number): Error | undefined {
  try {
    fdatasyncSync(file);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function beginRun(database: Sqlite.Database): { run: number; id: string } {
  const read = database.prepare<[string], { value: string }>('SELECT value FROM meta WHERE name = ?');
  const write = database.prepare('INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');
  const run = Number(read.get('run')?.value ?? '0') + 1;
  const id = read.get('id')?.value ?? randomBytes(6).toString('base64url');
  database.transaction(() => {
    write.run('run', String(run));
    write.run('id', id);
  })();
  return { run, id };
}

function isOfTheDisk(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && /^SQLITE_(FULL|IOERR|READONLY|NOMEM|CANTOPEN|CORRUPT|NOTADB|BUSY)/.test(error.code);
}
