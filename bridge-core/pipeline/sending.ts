// What a row towards Matrix becomes: events to be sent, by whom, and what is remembered of each. Plain data between showing*.ts,
// which make it, and remote-to-matrix.ts, which sends and records it.

import type { EventId, UserId } from '../ids.ts';
import { type Content, noticeField } from '../matrix-event.ts';
import type { Relation } from './relations.ts';

/** One event to be sent: who, what, and what is remembered of it. */
export interface Sending {
  readonly as: UserId;
  readonly type: string;
  readonly content: Content;
  readonly redacts?: EventId;
  /** Present for state. */
  readonly stateKey?: string;
  /** Where the room forbids it. */
  readonly otherwise?: Sending;
  /** Where the room forbids it, it is left out. */
  readonly isOptional?: boolean;
  readonly relation?: Noted;
  /** What is known of an older event, as it is after this one. */
  readonly revises?: Relation;
  /** Nothing points at this any more. */
  readonly forgets?: EventId;
  /** A message that is taken away with this. */
  readonly loses?: EventId;
}

export type Noted = Omit<Relation, 'event' | 'link' | 'part' | 'sender' | 'at'>;

export const nothingNoted = { remote: undefined, author: undefined, emoji: undefined, text: undefined };

export function notice(body: string): Content {
  return { msgtype: 'm.notice', body, 'm.mentions': {} };
}

/** Words of the bot about what happened. */
export function told(bot: UserId, by: string | undefined, what: string, why?: string): Sending {
  const said = `${by === undefined ? '' : `${by} `}${what}${why ? ` (${why})` : ''}`;
  return { as: bot, type: 'm.room.message', content: { ...notice(said), [noticeField]: true } };
}
