// Matrix events narrowed to the shapes that a bridge carries. Whatever a homeserver sends goes through `narrow` once, at
// the door; behind it every field has the type that it says. What does not fit is named, never thrown.

import type { EventId, RoomId, UserId } from './ids.ts';

export type Content = Readonly<Record<string, unknown>>;

export interface MatrixEvent {
  readonly id: EventId;
  readonly room: RoomId;
  readonly sender: UserId;
  readonly type: string;
  /** ms since 1970, as the sender's homeserver says. */
  readonly at: number;
  readonly content: Content;
  /** Present (maybe empty) for state events only. */
  readonly stateKey?: string;
  readonly redacts?: EventId;
  readonly was?: { readonly content: Content; readonly sender?: UserId };
}

export interface EphemeralEvent {
  readonly type: string;
  readonly room?: RoomId;
  readonly sender?: UserId;
  readonly content: Content;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const stringIn = (of: Content | undefined, key: string): string | undefined => {
  const value = of?.[key];
  return typeof value === 'string' ? value : undefined;
};

export const recordIn = (of: Content | undefined, key: string): Record<string, unknown> | undefined => {
  const value = of?.[key];
  return isRecord(value) ? value : undefined;
};

const idOf = (value: unknown, sign: string): string | undefined =>
  typeof value === 'string' && value.startsWith(sign) && value.length <= 255 && value.length > 1 ? value : undefined;

/** Other servers write what they like: a time before 1970 is none, and some are beyond what a date can say. */
const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** The event, or why it is none. */
export function narrow(raw: unknown): MatrixEvent | { readonly fault: string } {
  if (!isRecord(raw)) return { fault: 'not an object' };
  const id = idOf(raw.event_id, '$');
  const room = idOf(raw.room_id, '!');
  const sender = idOf(raw.sender ?? raw.user_id, '@');
  if (id === undefined) return { fault: 'event_id' };
  if (room === undefined) return { fault: 'room_id' };
  if (sender === undefined || !sender.includes(':')) return { fault: 'sender' };
  if (typeof raw.type !== 'string') return { fault: 'type' };
  const content = isRecord(raw.content) ? raw.content : {};
  const unsigned = isRecord(raw.unsigned) ? raw.unsigned : undefined;
  const redacts = idOf(raw.redacts ?? content.redacts, '$');
  const previous = recordIn(unsigned, 'prev_content');
  const previousSender = idOf(unsigned?.prev_sender, '@');
  const now = Date.now();
  return {
    id: id as EventId,
    room: room as RoomId,
    sender: sender as UserId,
    type: raw.type,
    at: isTime(raw.origin_server_ts) ? Math.min(raw.origin_server_ts, now) : now,
    content,
    ...(typeof raw.state_key === 'string' && { stateKey: raw.state_key }),
    ...(raw.type === 'm.room.redaction' && redacts !== undefined && { redacts: redacts as EventId }),
    ...(previous !== undefined && {
      was: { content: previous, ...(previousSender !== undefined && { sender: previousSender as UserId }) },
    }),
  };
}

export function narrowEphemeral(raw: unknown): EphemeralEvent | undefined {
  if (!isRecord(raw) || typeof raw.type !== 'string' || !isRecord(raw.content)) return undefined;
  const room = idOf(raw.room_id, '!');
  const sender = idOf(raw.sender, '@');
  return {
    type: raw.type,
    content: raw.content,
    ...(room !== undefined && { room: room as RoomId }),
    ...(sender !== undefined && { sender: sender as UserId }),
  };
}

/** The event that this one points at with `rel_type`, if any. */
export function relationOf(event: MatrixEvent, type: 'm.replace' | 'm.annotation' | 'm.thread'): EventId | undefined {
  const relates = recordIn(event.content, 'm.relates_to');
  return relates?.rel_type === type ? (idOf(relates.event_id, '$') as EventId | undefined) : undefined;
}

export function replyTargetOf(event: MatrixEvent): EventId | undefined {
  const reply = recordIn(recordIn(event.content, 'm.relates_to'), 'm.in_reply_to');
  return idOf(reply?.event_id, '$') as EventId | undefined;
}

/** The content's key, the one that the bridge put there; whether to believe it depends on the sender. */
export const keyField = 'dev.causeway.key';
export const noticeField = 'dev.causeway.notice';
/** The rooms that a repeated line has come through: it is never repeated into one of them again, however rooms and channels
 *  are tied together. */
export const trailField = 'dev.causeway.trail';

export function trailOf(event: MatrixEvent): RoomId[] {
  const trail = event.content[trailField];
  return Array.isArray(trail) ? (trail.filter((room) => typeof room === 'string').slice(0, longestTrail) as RoomId[]) : [];
}

const longestTrail = 50;
