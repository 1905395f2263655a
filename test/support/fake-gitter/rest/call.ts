// What the handlers of the REST API are given, and what they read from it.

import { mustRead } from '../access.ts';
import { type Answer, GitterFault } from '../http.ts';
import type { Messages } from '../messages.ts';
import type { OAuthClient, Room, User } from '../model.ts';
import type { Rooms } from '../rooms.ts';
import type { Shapes } from '../shapes.ts';
import type { World } from '../world.ts';

export interface ApiParts {
  readonly world: World;
  readonly shapes: Shapes;
  readonly messages: Messages;
  readonly rooms: Rooms;
}

export interface ApiCall extends ApiParts {
  /** Whose token it is. */
  readonly user: User;
  readonly client: OAuthClient;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}

export type Handler = (call: ApiCall) => Answer;

export const noContent: Answer = { status: 204, headers: {}, body: '' };

/** The room of the address, which the caller may read. */
export function roomOf({ world, user, params }: ApiCall): Room {
  const room = world.room(params.room ?? '');
  mustRead(user, room);
  return room;
}

/** `/user/:user/…` is for oneself. */
export function mustBeSelf({ user, params }: ApiCall): void {
  if (params.user !== user.id && params.user !== 'me') throw new GitterFault(403, 'Forbidden');
}

export function numberIn(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  if (!/^\d+$/.test(value)) throw new GitterFault(400, 'Bad Request');
  return Number(value);
}

export function textIn(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name];
  if (typeof value !== 'string' || value === '') throw new GitterFault(400, `${name} is required`);
  return value;
}

/** `skip` and `limit`. */
export function pageOf<Item>(items: readonly Item[], query: URLSearchParams, usual: number): Item[] {
  const skip = numberIn(query, 'skip') ?? 0;
  return items.slice(skip, skip + Math.min(numberIn(query, 'limit') ?? usual, 100));
}
