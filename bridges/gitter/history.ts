// What was said in a room since some moment, oldest first, replies in threads among it. Read from the newest backwards: an id is no
// moment on Gitter, where those of one second may be in any order, so it is read a little further and what is known is dropped.

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
}

export interface Found {
  /** By time. */
  readonly messages: readonly WireMessage[];
  /** What came along of older ones. */
  readonly older: readonly WireMessage[];
  /** What is older than this moment was not reached. */
  readonly missingTo: number | undefined;
}

const page = 100;
/** ms: clocks and ids differ by less. */
const margin = 2_000;

export async function readSince({ ask, room, since, most, patience }: Stretch): Promise<Found> {
  const from = (typeof since === 'number' ? since : (timeOf(since) ?? 0)) - margin;
  let found = new Map<string, WireMessage>();
  let before: string | undefined;
  let missingTo: number | undefined;
  for (;;) {
    const query = { limit: page, includeThreads: 'true', beforeId: before };
    const call = { route: '/rooms/:id/chatMessages', with: { id: room }, query, haste: 'background' as const, patience };
    const messages = messagesIn(await ask(call));
    const isNew = messages.some(({ id }) => !found.has(id));
    // In front: of those of one moment the order is Gitter's.
    found = new Map([...messages.map((message) => [message.id, message] as const), ...found]);
    const [first] = messages;
    if (first === undefined || messages.length < page || !isNew || sentAt(first) < from) break;
    if (found.size >= most) {
      missingTo = sentAt(first);
      break;
    }
    before = first.id;
  }
  const all = [...found.values()].sort((one, other) => sentAt(one) - sentAt(other));
  const newer = all.filter((message) => sentAt(message) >= from);
  const messages = newer.slice(Math.max(0, newer.length - most));
  return { messages, older: all.filter((message) => sentAt(message) < from), missingTo };
}

/** Those behind it, where it is among them; where not, all of its second and later. */
export function after(messages: readonly WireMessage[], since: string | number): readonly WireMessage[] {
  if (typeof since === 'number') return messages.filter((message) => sentAt(message) > since);
  const at = messages.findIndex(({ id }) => id === since);
  return at < 0 ? messages : messages.slice(at + 1);
}
