// One process a store. `<store>.lock` is a small SQLite file of its own: whoever runs keeps its write lock, which the
// operating system gives up with the process, so kill -9 leaves nothing stale and no pid can be mistaken. The row in it
// says who runs and where the control socket is; it is only ever believed about a process that holds the lock or answers.

import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import { ConfigError, messageOf } from '../errors.ts';
import type { Json } from '../remote-event.ts';
import { type Handlers, listenForOrders, sendOrder } from './control-socket.ts';

export type { Handlers } from './control-socket.ts';

export interface Lock {
  readonly socket: string;
  /** Opens the control socket; once. */
  serve(handlers: Handlers): Promise<void>;
  release(): Promise<void>;
}

interface Holder {
  readonly nonce: string;
  readonly pid: number;
  readonly host: string;
  readonly since: number;
  readonly socket: string;
}

/** Unix sockets take 107 bytes on Linux and 103 elsewhere. */
const longestSocketPath = 100;
const temporaryPrefix = 'causeway-';
/** ms. How long a run that is just ending is waited for; whoever only reads who runs is never refused for. */
const patience = 250;
const readersPatience = 10_000;

/** Locks of this process. Keeps them from the collector, which would give them up; and a second try must not even open
 *  the file, since closing it would drop the lock of the first. */
const held = new Map<string, Lock>();

/** Rejects with STORE_LOCKED, naming the holder, or STORE_BROKEN. */
export async function acquireLock(storePath: string): Promise<Lock> {
  const place = placeOf(storePath);
  if (held.has(place)) throw new ConfigError('STORE_LOCKED', `this very process already runs on ${storePath}`);
  const database = openLockFile(place);
  try {
    const holder = takeOver(database, place, storePath);
    const lock = lockOn(database, place, holder);
    held.set(place, lock);
    return lock;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** undefined: nobody runs on this store, or does not listen yet. Rejects with what the running bridge answered. */
export async function askRunning(storePath: string, verb: string, args: Json, timeout = 30_000): Promise<Json | undefined> {
  const place = placeOf(storePath);
  if (!existsSync(`${place}.lock`)) return undefined;
  const holder = readHolder(place);
  return holder === undefined ? undefined : sendOrder(holder.socket, verb, args, timeout);
}

/** The same for every way to write the path, else a symlink would let two run on one store. */
function placeOf(storePath: string): string {
  const path = resolve(storePath);
  try {
    if (existsSync(path)) return realpathSync(path);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return join(realpathSync(dirname(path)), basename(path));
  } catch (error) {
    throw new ConfigError('STORE_BROKEN', `cannot reach the folder of the store ${storePath}: ${messageOf(error)}`, error);
  }
}

function openLockFile(place: string): Sqlite.Database {
  const path = `${place}.lock`;
  try {
    try {
      closeSync(openSync(path, 'wx', 0o600));
    } catch (error) {
      if (!existsSync(path)) throw error;
    }
    return new Sqlite(path, { timeout: patience });
  } catch (error) {
    throw new ConfigError('STORE_BROKEN', `cannot open the lock ${path}: ${messageOf(error)}`, error);
  }
}

/** Writes our row, then takes the lock again and looks whether the row is still ours: between the two another start may
 *  have come. Of any number that start at once, the last to take the lock finds its own row there and stays. */
function takeOver(database: Sqlite.Database, place: string, storePath: string): Holder {
  const holder: Holder = { nonce: randomUUID(), pid: process.pid, host: hostname(), since: Date.now(), socket: socketPath(place) };
  const stale = new Set<string>();
  try {
    for (;;) {
      database.pragma(`busy_timeout = ${patience}`);
      database.exec('BEGIN IMMEDIATE');
      // It is ours among those who write: only readers can be in the way of a commit.
      database.pragma(`busy_timeout = ${readersPatience}`);
      database.exec('CREATE TABLE IF NOT EXISTS holder (one INTEGER PRIMARY KEY CHECK (one = 1), json TEXT NOT NULL)');
      const found = rowOf(database);
      if (found?.nonce === holder.nonce) break;
      if (found !== undefined) stale.add(found.socket);
      database
        .prepare('INSERT INTO holder (one, json) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET json = excluded.json')
        .run(JSON.stringify(holder));
      database.exec('COMMIT');
    }
    database.pragma(`busy_timeout = ${patience}`);
  } catch (error) {
    // The usual path is the holder's too, who may be listening there; only a folder made just now is ours to remove.
    if (holder.socket !== usualSocket(place)) removeSocket(holder.socket);
    if (!isBusy(error)) throw new ConfigError('STORE_BROKEN', `cannot take the lock ${place}.lock: ${messageOf(error)}`, error);
    throw new ConfigError('STORE_LOCKED', `${storePath} is held by ${describe(readHolder(place))}`, error);
  }
  for (const socket of stale) removeSocket(socket);
  return holder;
}

function lockOn(database: Sqlite.Database, place: string, holder: Holder): Lock {
  let stopListening: (() => Promise<void>) | undefined;
  return {
    socket: holder.socket,
    async serve(handlers) {
      stopListening = await listenForOrders(holder.socket, handlers);
    },
    async release() {
      if (!held.delete(place)) return;
      await stopListening?.();
      removeSocket(holder.socket);
      try {
        database.exec('DELETE FROM holder');
        database.exec('COMMIT');
      } catch (error) {
        // A reader was in the way: the row stays, and names a process that no longer answers.
        if (!isBusy(error)) throw error;
      } finally {
        database.close();
      }
    },
  };
}

function readHolder(place: string): Holder | undefined {
  let database: Sqlite.Database | undefined;
  try {
    database = new Sqlite(`${place}.lock`, { readonly: true, timeout: patience });
    return rowOf(database);
  } catch {
    // Never written, or being written: whoever asks finds out by the lock itself.
    return undefined;
  } finally {
    database?.close();
  }
}

function rowOf(database: Sqlite.Database): Holder | undefined {
  const row = database.prepare<[], { json: string }>('SELECT json FROM holder').get();
  return row === undefined ? undefined : JSON.parse(row.json);
}

const usualSocket = (place: string): string => `${place}.sock`;

function socketPath(place: string): string {
  const path = usualSocket(place);
  if (Buffer.byteLength(path) <= longestSocketPath) return path;
  const base = Buffer.byteLength(tmpdir()) <= 60 ? tmpdir() : '/tmp';
  return join(mkdtempSync(join(base, temporaryPrefix)), 'control.sock');
}

/** The socket, and its folder where it was made for the socket alone. */
function removeSocket(path: string): void {
  rmSync(path, { force: true });
  const folder = dirname(path);
  if (!basename(folder).startsWith(temporaryPrefix) || basename(path) !== 'control.sock') return;
  try {
    rmdirSync(folder);
  } catch {
    // gone already, or somebody put something there
  }
}

function describe(holder: Holder | undefined): string {
  if (holder === undefined) return 'another process';
  return `process ${holder.pid} on ${holder.host} since ${new Date(holder.since).toISOString()}`;
}

const isBusy = (error: unknown): boolean => error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY');
