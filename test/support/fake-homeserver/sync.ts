// GET /sync without waiting: what came into the user's joined rooms since a position. The position is the time of the homeserver.

import type { World } from './world.ts';

export function sync(world: World, user: string, query: URLSearchParams): object {
  const next = performance.timeOrigin + performance.now();
  const filter = JSON.parse(query.get('filter') ?? '{}') as { room?: { rooms?: readonly string[]; timeline?: { limit?: number } } };
  const since = query.get('since');
  const limit = filter.room?.timeline?.limit ?? 10;
  const join: Record<string, object> = {};
  for (const room of filter.room?.rooms === undefined ? world.rooms.values() : []) {
    if (room.membership(user) !== 'join') continue;
    const from = since === null ? 0 : room.arrivals.findIndex((at) => at > Number(since));
    if (from < 0) continue;
    const events = room.timeline.slice(from);
    join[room.id] = { timeline: { events: events.slice(-limit), limited: events.length > limit } };
  }
  return { next_batch: String(next), rooms: { join } };
}
