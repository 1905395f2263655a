// When each ghost of a room was last heard there, and when it was first seen in the channel; the only writer of the table. A message
// costs one entry in memory: it is put down a minute later, and what a crash takes is read again from what relations keep.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RoomId, UserId } from '../ids.ts';
import type { Links } from '../plumbing/links.ts';
import type { Notes, Statement, Store } from '../store/store.ts';
import type { Names } from '../virtual-users/names.ts';

/** ms since 1970. */
export interface Heard {
  /** In the channel, or in the room. */
  readonly seen: number;
  /** 0: never yet. */
  readonly spoke: number;
}

type Ghosts = Map<UserId, Heard>;

interface Said extends Record<string, string | number> {
  event: string;
  link: number;
  part: number;
  sender: string;
  at: number;
}

export interface SpokenParts {
  readonly store: Store;
  readonly notes: Notes;
  readonly links: Pick<Links, 'get'>;
  readonly names: Pick<Names, 'isGhost'>;
  readonly now?: (() => number) | undefined;
}

/** Until when all that was said is in the table. */
const note = 'spoken until';
/** A message gets its relation once it is delivered, with the time at which it came. */
const late = 10 * 60_000;
const slice = 250;
const unit = 1_000;

export class Spoken {
  readonly #parts: SpokenParts;
  readonly #now: () => number;
  readonly #rooms = new Map<RoomId, Ghosts>();
  /** Said since it was last put down, in rooms that need not be read for that. */
  readonly #fresh = new Map<RoomId, Map<UserId, number>>();
  /** What the table is still to be told, in rooms that are in memory. */
  readonly #changed = new Map<RoomId, Set<UserId>>();
  readonly #select: Statement<{ ghost: string; seen: number; spoke: number }>;
  readonly #put: Statement;
  readonly #delete: Statement;
  #hasCaughtUp = false;
  #stopped = false;

  constructor(parts: SpokenParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.#select = parts.store.prepare('SELECT ghost, seen, spoke FROM spoken WHERE room = ?');
    this.#put = parts.store.prepare('INSERT OR REPLACE INTO spoken (room, ghost, seen, spoke) VALUES (?, ?, ?, ?)');
    this.#delete = parts.store.prepare('DELETE FROM spoken WHERE room = ? AND ghost = ?');
  }

  /** On the path of every message. */
  spoke(room: RoomId, ghost: UserId, at = this.#now()): void {
    let ghosts = this.#fresh.get(room);
    if (ghosts === undefined) {
      ghosts = new Map();
      this.#fresh.set(room, ghosts);
    }
    if (at > (ghosts.get(ghost) ?? 0)) ghosts.set(ghost, at);
  }

  of(room: RoomId): ReadonlyMap<UserId, Heard> {
    return this.#of(room);
  }

  /** They are there, and that begins now; of who is known it stays as it was. */
  see(room: RoomId, ghost: UserId): Heard {
    const ghosts = this.#of(room);
    const known = ghosts.get(ghost);
    if (known !== undefined) return known;
    const heard = { seen: this.#now(), spoke: 0 };
    this.#set(room, ghosts, ghost, heard);
    return heard;
  }

  forget(room: RoomId, ghost: UserId): void {
    if (this.#of(room).delete(ghost)) this.#mark(room, ghost);
  }

  forgetRoom(room: RoomId): void {
    for (const ghost of [...this.#of(room).keys()]) this.forget(room, ghost);
  }

  /** The same person by another name, or the same room by another id. */
  carryOver(from: RoomId, ghost: UserId, to: RoomId, as: UserId): void {
    const heard = this.#of(from).get(ghost);
    if (heard === undefined) return;
    this.forget(from, ghost);
    this.#set(to, this.#of(to), as, heard);
  }

  /** Reads what was said since the table was last written: a moment after a crash, more where nobody counted for a while. */
  async catchUp(): Promise<void> {
    const { store, notes, links, names } = this.#parts;
    const next = store.prepare<Said>(
      'SELECT event, link, part, sender, at FROM relations WHERE (at, event, link, part) > (?, ?, ?, ?) ' +
        `AND author IS NOT NULL ORDER BY at, event, link, part LIMIT ${slice}`,
    );
    let from: Pick<Said, 'at' | 'event' | 'link' | 'part'> = { at: Number(notes.get(note) ?? 0) - late, event: '', link: 0, part: 0 };
    for (;;) {
      const rows = next.all(from.at, from.event, from.link, from.part);
      for (const { link, sender, at } of rows) {
        const room = links.get(link)?.room;
        if (room !== undefined && names.isGhost(sender as UserId)) this.spoke(room, sender as UserId, at);
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < slice) break;
      from = last;
      await nextTurn();
      if (this.#stopped) return;
    }
    this.#hasCaughtUp = true;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.flush();
  }

  async flush(): Promise<void> {
    const until = this.#now();
    for (const room of [...this.#fresh.keys()]) this.#of(room);
    if (this.#changed.size === 0) return;
    for (const part of inUnits(this.#changed)) await this.#parts.store.write(() => this.#write(part));
    if (this.#hasCaughtUp) await this.#parts.notes.set(note, until);
  }

  #write(changes: readonly (readonly [RoomId, UserId])[]): void {
    for (const [room, ghost] of changes) {
      const heard = this.#rooms.get(room)?.get(ghost);
      if (heard === undefined) this.#delete.run(room, ghost);
      else this.#put.run(room, ghost, heard.seen, heard.spoke);
      const left = this.#changed.get(room);
      left?.delete(ghost);
      if (left?.size === 0) this.#changed.delete(room);
    }
  }

  #of(room: RoomId): Ghosts {
    let ghosts = this.#rooms.get(room);
    if (ghosts === undefined) {
      ghosts = new Map(this.#select.all(room).map(({ ghost, seen, spoke }) => [ghost as UserId, { seen, spoke }]));
      this.#rooms.set(room, ghosts);
    }
    const fresh = this.#fresh.get(room);
    if (fresh === undefined) return ghosts;
    this.#fresh.delete(room);
    for (const [ghost, at] of fresh) {
      const known = ghosts.get(ghost);
      if (at > (known?.spoke ?? 0)) this.#set(room, ghosts, ghost, { seen: known?.seen ?? at, spoke: at });
    }
    return ghosts;
  }

  #set(room: RoomId, ghosts: Ghosts, ghost: UserId, heard: Heard): void {
    ghosts.set(ghost, heard);
    this.#mark(room, ghost);
  }

  #mark(room: RoomId, ghost: UserId): void {
    const changed = this.#changed.get(room) ?? new Set();
    this.#changed.set(room, changed.add(ghost));
  }
}

/** Not so many in one commit that sockets wait for it. */
function inUnits(changed: ReadonlyMap<RoomId, ReadonlySet<UserId>>): (readonly [RoomId, UserId])[][] {
  const all = [...changed].flatMap(([room, ghosts]) => Array.from(ghosts, (ghost) => [room, ghost] as const));
  return Array.from({ length: Math.ceil(all.length / unit) }, (_, at) => all.slice(at * unit, (at + 1) * unit));
}
