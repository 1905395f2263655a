// What our own sessions said and did, so that it is not taken for somebody's when Gitter tells of it; and whether it came back at all: an
// account that Gitter hides gets its answers all the same, and nobody sees what it says.

import { type KeyValue, UnknownOutcomeError, type UserId } from '#bridge-core';
import { Doubts, type Said } from './doubts.ts';
import { sentAt } from './events.ts';
import type { WireMessage, WireVirtualUser } from './wire/objects.ts';

/** As Gitter's own bridge called them, so that a room's admins find them among the banned by their Matrix names. */
export const virtualType = 'matrix';

const mostKept = 10_000;
/** Of one message. */
const mostEdits = 10;

interface OwnEdit {
  readonly text: string;
  /** As it was told, once it was. */
  at: string | undefined;
}

export class OwnPosts {
  readonly #memory: KeyValue;
  readonly #doubts: Doubts;
  readonly #posted = new Set<string>();
  /** Came back, and whoever waits for it. */
  readonly #seen = new Set<string>();
  readonly #waiting = new Map<string, () => void>();
  /** Posts under way, by who makes them and where. */
  readonly #underWay = new Map<string, Set<Promise<void>>>();
  /** What was put in place of a message's words, and what was removed. */
  readonly #edits = new Map<string, OwnEdit[]>();
  readonly #removed = new Set<string>();

  constructor(parts: { readonly memory: KeyValue }) {
    this.#memory = parts.memory;
    this.#doubts = new Doubts(parts.memory);
  }

  /** Before the first of it is posted. */
  async speaksFor(externalId: string): Promise<void> {
    if (!this.isOurs({ type: virtualType, externalId })) await this.#memory.set(spokenName(externalId), true);
  }

  isOurs({ type, externalId }: WireVirtualUser): boolean {
    return type === virtualType && this.#memory.get(spokenName(externalId)) === true;
  }

  /** Of what is said under the name of one of ours: another bridge on the network may show the same people. What an earlier process was
   *  answered for is known to the core. */
  async isSaidByUs({ virtualUser, id, text = '', ...rest }: WireMessage, author: string, room: string): Promise<boolean> {
    if (this.isPosted(id)) return true;
    if (virtualUser === undefined || !this.isOurs(virtualUser)) return false;
    await this.settled(author, room);
    if (this.isPosted(id)) return true;
    const isIt = this.#doubts.take({ as: virtualUser.externalId, room, text }, sentAt({ id, ...rest }));
    if (isIt) this.posted(id);
    return isIt;
  }

  /** An earlier try was found. */
  found(id: string, said: Said | undefined, sent: number): void {
    this.posted(id);
    if (said !== undefined) this.#doubts.take(said, sent);
  }

  /** Told apart by its id, which is known only once Gitter answers. */
  async posting(author: string, room: string, post: () => Promise<string>, said?: Said): Promise<string> {
    const place = `${author} ${room}`;
    const underWay = this.#underWay.get(place) ?? new Set();
    this.#underWay.set(place, underWay);
    const { promise, resolve } = Promise.withResolvers<void>();
    underWay.add(promise);
    try {
      if (said !== undefined) await this.#doubts.begin(said);
      const id = await post();
      this.posted(id);
      if (said !== undefined) this.#doubts.settled(said);
      return id;
    } catch (thrown) {
      if (said !== undefined) this.#doubts[thrown instanceof UnknownOutcomeError ? 'lost' : 'settled'](said);
      throw thrown;
    } finally {
      underWay.delete(promise);
      if (underWay.size === 0) this.#underWay.delete(place);
      resolve();
    }
  }

  /** Undefined: nothing is under way that a message of theirs could be. */
  settled(author: string, room: string): Promise<unknown> | undefined {
    const underWay = this.#underWay.get(`${author} ${room}`);
    return underWay === undefined ? undefined : Promise.all(underWay);
  }

  posted(id: string): void {
    keep(this.#posted, id);
  }

  isPosted(id: string): boolean {
    return this.#posted.has(id);
  }

  /** It was heard, or read. */
  seen(id: string): void {
    keep(this.#seen, id);
    this.#waiting.get(id)?.();
    this.#waiting.delete(id);
  }

  wasSeen(id: string): boolean {
    return this.#seen.has(id);
  }

  /** False: not in that time. */
  async cameBack(id: string, ms: number): Promise<boolean> {
    if (this.#seen.has(id)) return true;
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        resolve(false);
      }, ms);
      this.#waiting.set(id, () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  edits(id: string, text: string): void {
    const before = this.#edits.get(id) ?? [];
    this.#edits.delete(id);
    this.#edits.set(id, [...before, { text, at: undefined }].slice(-mostEdits));
    const [oldest] = this.#edits.keys();
    if (this.#edits.size > mostKept && oldest !== undefined) this.#edits.delete(oldest);
  }

  /** Each is told at one moment: the same words at another were put there by somebody else. */
  isEdit(id: string, text: string, editedAt: string | undefined): boolean {
    const same = this.#edits.get(id)?.filter((edit) => edit.text === text) ?? [];
    if (editedAt === undefined || same.some(({ at }) => at === editedAt)) return same.length > 0;
    const untold = same.find(({ at }) => at === undefined);
    if (untold !== undefined) untold.at = editedAt;
    return untold !== undefined;
  }

  removes(id: string): void {
    keep(this.#removed, id);
  }

  isRemoved(id: string): boolean {
    return this.#removed.has(id);
  }

  /** Nobody waits any more. */
  close(): void {
    for (const done of this.#waiting.values()) done();
    this.#waiting.clear();
  }
}

export const externalIdOf = (user: UserId): string => user.slice(1, 256);

const spokenName = (externalId: string): string => `spoken ${externalId}`;

function keep(set: Set<string>, name: string): void {
  set.add(name);
  const [oldest] = set;
  if (set.size > mostKept && oldest !== undefined) set.delete(oldest);
}
