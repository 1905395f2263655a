// What stands in the journal: one event for one link, accepted and not yet delivered; and the kinds of it. Plain data.

import type { ChannelId, EventId, RemoteMessageId, RemoteUserId, RoomId, UserId } from '../ids.ts';
import type { Content, MatrixEvent } from '../matrix-event.ts';
import { formerRooms, type Link } from '../plumbing/links.ts';
import type { Json, RemoteEvent, Style } from '../remote-event.ts';

export const towards = { matrix: 0, network: 1 } as const;
export type Direction = (typeof towards)[keyof typeof towards];

/** Where it is delivered to. */
export const sideOf = ({ direction }: { readonly direction: Direction }) => (direction === towards.matrix ? 'matrix' : 'network');

export const states = { waiting: 0, begun: 1, parked: 2, dead: 3 } as const;
export type State = (typeof states)[keyof typeof states];

/** What a row asks to be done. `network` and `link` rows carry messages; the others make the bridge act in a room. */
export type Task =
  /** Said in Matrix, to be said on the network. */
  | { readonly do: 'say'; readonly event: MatrixEvent }
  /** Happened on the network, to be shown in the room. */
  | { readonly do: 'show'; readonly event: RemoteEvent }
  /** Said through the network from another room of the same channel: the bot repeats it here in the person's name. */
  | {
      readonly do: 'repeat';
      readonly from: UserId;
      readonly name: string;
      readonly avatar?: string;
      /** Absent: nothing is said where `change` finds nothing here to change. */
      readonly content?: Repeated;
      readonly change?: RepeatedChange;
      /** By this id others of the channel's rooms and the network point at it. */
      readonly known?: RemoteMessageId;
      /** Rooms that it has come through. */
      readonly trail: readonly RoomId[];
      readonly at: number;
    }
  /** A command, invite, tombstone or state that makes the bridge act. */
  | { readonly do: 'act'; readonly event: MatrixEvent }
  /** Words of the bot to the room. */
  | { readonly do: 'tell'; readonly text: string }
  /** com.beeper.message_send_status on a message. */
  | {
      readonly do: 'status';
      readonly event: EventId;
      readonly network: string;
      readonly failure?: { readonly code: string; readonly words: string };
    };

export interface Repeated {
  readonly body: string;
  readonly html?: string;
  readonly style: Style;
  /** Of a file, sticker or picture: all but the words beside it. */
  readonly media?: Content;
  readonly replyTo?: RemoteMessageId;
  readonly thread?: RemoteMessageId;
}

/** What becomes of something that these rooms know by the id `of`. */
export type RepeatedChange = { readonly of: RemoteMessageId } & (
  | { readonly is: 'edit'; readonly content: Repeated }
  | { readonly is: 'redaction'; readonly reason?: string }
  | { readonly is: 'reaction'; readonly emoji: string; readonly on: boolean }
);

export interface Progress {
  /** Bodies as printed at the first try; later tries send those not yet proved. */
  readonly bodies?: readonly Json[];
  /** One entry a part that is proved: the network's or Matrix's id of it, '' where there is none. */
  readonly proved?: readonly string[];
  /** The part that may have gone out without proof, and is said once more: see doubts.ts. */
  readonly doubted?: number;
  /** By whose own account it was tried, and may have arrived, though somebody else speaks for them by now. */
  readonly triedAs?: RemoteUserId;
  /** The number under which it was taken in, where it was held back behind what was missed. */
  readonly takenIn?: number;
  /** Parked, and may have gone out before or since. */
  readonly begun?: true;
  /** Was dead and is tried again by command: no age limit, and it says that it is late. */
  readonly revived?: boolean;
}

export interface Row {
  readonly seq: number;
  readonly direction: Direction;
  readonly lane: string;
  /** 0: of no link. */
  readonly link: number;
  readonly source: string;
  readonly task: Task;
  readonly at: number;
  /** Since when it may have arrived without our knowing, ms; 0: it cannot have. Then ask before sending. */
  unknownSince: number;
  state: State;
  progress: Progress;
  /** Failures in all. */
  attempts: number;
  error: string | undefined;
  /** When the first try of the current run of failures began, ms, and how many there were; 0: it is not failing. */
  failingSince: number;
  tries: number;
  /** A ghost was sent to join once more for this row after a refusal. */
  rejoined: boolean;
}

/** Whether the bot may have said it for somebody: who speaks by a session of their own is noted before. */
export const mayBeTheBots = ({ unknownSince, state, progress }: Row): boolean =>
  unknownSince !== 0 && (state === states.begun || progress.begun === true) && progress.triedAs === undefined;

/** Rows of one room go one after another; so do those of one speaker in one link. */
export const roomLane = (room: RoomId): string => room;
/** What the network says in a link: the room's lane, and over an upgrade of the room still that of the first, so that the order
 *  holds. */
export const linkLane = (link: Link): string => roomLane(formerRooms(link)[0] ?? link.room);
/** What waits there for what was missed before it: see gaps.ts. */
export const heldLane = (link: Link): string => `${linkLane(link)}${heldSign}`;
export const isHeldLane = (lane: string): boolean => lane.endsWith(heldSign);
const heldSign = ' held';
export const speakerLane = (link: number, speaker: UserId): string => `${link}|${speaker}`;

export const linkOfLane = (lane: string): number => Number(lane.slice(0, lane.indexOf('|')));

export const roomOfLane = (row: Row): RoomId => row.lane as RoomId;

/** Whose word it is, within its lane: those of one speaker are parked together. */
export function speakerOfRow(row: Row): string {
  const { task } = row;
  switch (task.do) {
    case 'show':
      return 'sender' in task.event ? task.event.sender.id : '';
    case 'repeat':
      return task.from;
    case 'say':
      return task.event.sender;
    default:
      return '';
  }
}

export type Target = { readonly channel: ChannelId; readonly id: RemoteMessageId };

/** Other happenings pass: worthless late, or a wanted state that is compared anew. */
export function needsRow(event: RemoteEvent<Json>): boolean {
  switch (event.kind) {
    case 'typing':
    case 'presence':
    case 'profile':
    case 'read':
      return false;
    case 'membership':
      return event.change !== 'join' && event.change !== 'leave';
    case 'channel':
      return event.topic !== undefined || event.name !== undefined || event.archived !== undefined;
    default:
      return true;
  }
}
