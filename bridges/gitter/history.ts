// What was said in a room since some moment, oldest first, replies in threads among it. Read from the newest backwards: an id is no
// moment on Gitter, where those of one second may be in any order, so it is read a little further and what is known is dropped.

import { UnreachableError } from '#bridge-core';
import { sentAt } from './events.ts';
import { timeOf } from './ids.ts';
import type { Ask } from './rooms.ts';
import { messagesIn, type WireMessage } from './wire/objects.ts';

export interface Stretch {
  readonly ask: Ask;
  readonly room: string;
  /** A message's id, or ms. */
  readonly since: string | number;
  readonly most: number;
  /** ms that a call may wait for its turn. */
  readonly patience: number;
  /** What is known already of the newest, as a page of it: where that reaches back far enough, nothing is asked. */
  readonly newest?: readonly WireMessage[];
}

export interface Found {
  /** By time. */
  readonly messages: readonly WireMessage[];
  /** What came along of older ones. */
  readonly older: readonly WireMessage[];
  /** What is older than this moment was not reached. */
  readonly missingTo: number | undefined;
}

/** More are not had at once, neither by a call nor in a snapshot. */
export const onePage = 100;
/** ms: clocks and ids differ by less. */
const margin = 2_000;

export async function readSince({ ask, room, since, most, patience, newest = [] }: Stretch): Promise<Found> {
  const from = (typeof since === 'number' ? since : (timeOf(since) ?? 0)) - margin;
  if (reaches(newest, from)) return parted(newest, from, most, undefined);
  let found = new Map<string, WireMessage>();
  let before: string | undefined;
  let missingTo: number | undefined;
  for (;;) {
    const query = { limit: onePage, includeThreads: 'true', beforeId: before };
    const call = { route: '/rooms/:id/chatMessages', with: { id: room }, query, haste: 'background' as const, patience };
    const told = await ask(call);
    // Taken for an empty room, it would hide what was missed.
    if (!Array.isArray(told)) throw new UnreachableError('NETWORK_UNREACHABLE', 'the history of the room is no list');
    const messages = messagesIn(told);
    const isNew = messages.some(({ id }) => !found.has(id));
    // In front: of those of one moment the order is Gitter's.
    found = new Map([...messages.map((message) => [message.id, message] as const), ...found]);
    const [first] = messages;
    if (first === undefined || messages.length < onePage || !isNew || sentAt(first) < from) break;
    if (found.size >= most) {
      missingTo = sentAt(first);
      break;
    }
    before = first.id;
  }
  return parted([...found.values()], from, most, missingTo);
}

function parted(found: readonly WireMessage[], from: number, most: number, missingTo: number | undefined): Found {
  const all = [...found].sort((one, other) => sentAt(one) - sentAt(other));
  const newer = all.filter((message) => sentAt(message) >= from);
  const messages = newer.slice(Math.max(0, newer.length - most));
  return { messages, older: all.filter((message) => sentAt(message) < from), missingTo };
}

/** A server that leaves answers in threads out of a snapshot is told by a first message whose answers are not in it. */
function reaches(newest: readonly WireMessage[], from: number): boolean {
  const [first] = newest;
  if (first === undefined || sentAt(first) >= from) return false;
  const threads = new Set(newest.map(({ parentId }) => parentId));
  return newest.every(({ id, threadMessageCount = 0 }) => threadMessageCount === 0 || threads.has(id));
}

/** Those behind it, where it is among them; where not, all of its second and later. */
export function after(messages: readonly WireMessage[], since: string | number): readonly WireMessage[] {
  if (typeof since === 'number') return messages.filter((message) => sentAt(message) > since);
  const at = messages.findIndex(({ id }) => id === since);
  return at < 0 ? messages : messages.slice(at + 1);
}
