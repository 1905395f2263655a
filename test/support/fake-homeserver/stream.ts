// GET /events without waiting: what came into the user's joined rooms since a position, which is the homeserver's time.

import type { World } from './world.ts';

export function stream(world: World, user: string, query: URLSearchParams): object {
  const from = query.get('from');
  const limit = Number(query.get('limit') ?? 10);
  const now = String(performance.timeOrigin + performance.now());
  if (from === null) return { chunk: [], start: now, end: now };
  const found = [...world.rooms.values()]
    .filter((room) => room.membership(user) === 'join')
    .flatMap((room) => room.timeline.map((event, number) => ({ event, at: room.arrivals[number] ?? 0 })))
    .filter(({ at }) => at > Number(from))
    .sort((a, b) => a.at - b.at);
  const page = found.slice(0, limit);
  return { chunk: page.map(({ event }) => event), start: from, end: found.length > limit ? String(page.at(-1)?.at) : now };
}
