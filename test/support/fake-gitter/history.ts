// Which messages of a room are asked for: REST's list (limit 50, at most 100; skip at most 5000), a thread's children, Faye's snapshot.
// By time, oldest first; children of threads only on request. As on Gitter the bounds are ids while the order is time: where ids of one
// second are out of order, `afterId` alone skips some.

import { isObjectId } from './clock.ts';
import { GitterFault } from './http.ts';
import type { Message, Room, User } from './model.ts';

export interface HistoryQuery {
  readonly limit?: number | undefined;
  readonly skip?: number | undefined;
  readonly beforeId?: string | undefined;
  readonly beforeInclId?: string | undefined;
  readonly afterId?: string | undefined;
  readonly aroundId?: string | undefined;
  /** Words in the text. */
  readonly q?: string | undefined;
  readonly marker?: string | undefined;
  readonly includeThreads?: boolean;
}

const usual = 50;
const most = 100;
const farthestSkip = 5000;

export function historyOf(room: Room, viewer: User, query: HistoryQuery): Message[] {
  const { includeThreads = false, q } = query;
  const words = q?.toLowerCase();
  const shown = room.messages.filter(
    ({ parentId, text }) => (includeThreads || parentId === undefined) && (words === undefined || text.toLowerCase().includes(words)),
  );
  return page(shown, query, firstUnread(room, viewer));
}

export function threadOf(parent: Message, query: HistoryQuery): Message[] {
  return page(
    parent.room.messages.filter(({ parentId }) => parentId === parent.id),
    query,
    undefined,
  );
}

function page(messages: readonly Message[], query: HistoryQuery, unreadFrom: string | undefined): Message[] {
  const { beforeId, beforeInclId, afterId, marker, skip = 0 } = query;
  const aroundId = query.aroundId ?? (marker === 'first-unread' ? unreadFrom : undefined);
  for (const id of [beforeId, beforeInclId, afterId, aroundId])
    if (id !== undefined && !isObjectId(id)) throw new GitterFault(400, 'Bad Request');
  if (skip > farthestSkip) throw new GitterFault(400, `Skip is limited to ${farthestSkip} items. Please use beforeId rather than skip`);
  const limit = Math.min(Math.max(1, query.limit ?? usual), most);
  if (aroundId !== undefined) {
    const half = Math.floor(limit / 2);
    const before = messages.filter(({ id }) => id <= aroundId).slice(-half - 1);
    return [...before, ...messages.filter(({ id }) => id > aroundId).slice(0, half)];
  }
  const within = messages.filter(
    ({ id }) =>
      (beforeId === undefined || id < beforeId) &&
      (beforeInclId === undefined || id <= beforeInclId) &&
      (afterId === undefined || id > afterId),
  );
  if (afterId !== undefined) return within.slice(skip, skip + limit);
  const end = Math.max(0, within.length - skip);
  return within.slice(Math.max(0, end - limit), end);
}

function firstUnread(room: Room, viewer: User): string | undefined {
  return room.members.get(viewer.id)?.unread.values().next().value;
}
