// The store's face: one commit for each turn of the event loop, whoever asked for it. Asynchronous where it writes, so
// that a worker thread or another database can stand behind it; reads are indexed and answered at once.

import type { Json } from '../remote-event.ts';

export type Value = string | number | bigint | null | Uint8Array;

/** A prepared statement; parameters by position. Rows come back as plain objects. */
export interface Statement<Row = Record<string, Value>> {
  run(...values: Value[]): { changes: number; lastInsertRowid: number };
  get(...values: Value[]): Row | undefined;
  all(...values: Value[]): Row[];
}

export interface Store {
  /** Random, made with the file; the first part of every key. */
  readonly id: string;
  /** Prepared once, kept. */
  prepare<Row = Record<string, Value>>(sql: string): Statement<Row>;
  /** Runs `unit` within this turn's commit, in a savepoint of its own: what it throws rejects this promise and rolls back
   *  nothing of another's. Resolves once the commit is on disk. `unit` is synchronous and runs exactly once. */
  write<Result>(unit: () => Result): Promise<Result>;
  /** Joins the next commit without causing one: committed after 10 ms, 64 of them, or with the next `write`. */
  writeSoon(unit: () => void): void;
  /** Commits what waits, now. */
  flush(): Promise<void>;
  /** ms that the last commits took, newest last; for the metrics. */
  onCommit(listener: (ms: number) => void): void;
  backup(destination: string): Promise<void>;
  close(): Promise<void>;
}

/** Settings of the store itself and of parts too small for a table: name → JSON. */
export interface Notes {
  get(name: string): Json | undefined;
  set(name: string, value: Json | undefined): Promise<void>;
}
