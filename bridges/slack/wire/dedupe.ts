// The name of what happened, the same by whatever way it is told: RTM knows no event ids, and a message read from the history
// neither those nor an event's moment. So it is made of what the happening itself says; Slack's event id is for what says too little.

import type { InnerEvent, SlackEvent } from './source.ts';

/** Worthless a moment later: told as often as they are heard. */
const fleeting: ReadonlySet<string> = new Set(['user_typing', 'presence_change', 'manual_presence_change']);

type Named = Readonly<Record<string, unknown>>;

/** Undefined: nothing tells it from another. What happens in a channel is named without the workspace, since ids of channels are
 *  unique and a shared one is told of under either workspace's id. */
export function dedupeKeyOf({ event, team, eventId }: Pick<SlackEvent, 'event' | 'team' | 'eventId'>): string | undefined {
  if (fleeting.has(event.type)) return undefined;
  if (event.type === 'message') return messageKey(event) ?? eventId;
  const moment = textOf(event.event_ts) ?? textOf(event.ts);
  if (moment === undefined) return eventId;
  const item = recordOf(event.item);
  // In a pin the message stands one deeper than in a reaction.
  const itemTs = textOf(item?.ts) ?? textOf(recordOf(item?.message)?.ts);
  const place = idOf(event.channel) ?? textOf(event.channel_id) ?? textOf(item?.channel) ?? team;
  const rest = [itemTs, idOf(event.user), textOf(event.reaction), textOf(event.name), idOf(event.file_id ?? event.file)].filter(
    (part) => part !== undefined,
  );
  return [event.type, textOf(event.subtype), place, moment, ...rest].filter((part) => part !== undefined).join(' ');
}

/** For a message that was posted, also where the history tells of it. */
export function postedKey(channel: string, ts: string): string {
  return `message ${channel} ${ts}`;
}

/** For an edit, also where the history shows it (`edited.ts`). */
export function editedKey(channel: string, ts: string, editedTs: string): string {
  return `edit ${channel} ${ts} ${editedTs}`;
}

export function deletedKey(channel: string, ts: string): string {
  return `delete ${channel} ${ts}`;
}

function messageKey(event: InnerEvent): string | undefined {
  const channel = textOf(event.channel);
  const ts = textOf(event.ts);
  if (channel === undefined) return undefined;
  if (event.subtype === 'message_deleted') {
    const deleted = textOf(event.deleted_ts);
    return deleted === undefined ? undefined : deletedKey(channel, deleted);
  }
  if (event.subtype === 'message_changed') return changedKey(event, channel);
  // Told of the parent beside the reply; its own `ts` is no message's.
  if (event.subtype === 'message_replied') return ts === undefined ? undefined : `message_replied ${channel} ${ts}`;
  // Mattermost's messages of one millisecond are told apart by their own ids only.
  const id = textOf(event.post_id) ?? ts;
  return id === undefined ? undefined : postedKey(channel, id);
}

/** A preview that comes after an edit still bears the edit's moment, but so does the message before it. */
function changedKey(event: InnerEvent, channel: string): string | undefined {
  const message = recordOf(event.message);
  const target = textOf(message?.ts);
  if (message === undefined || target === undefined) return undefined;
  if (message.subtype === 'tombstone') return deletedKey(channel, target);
  const edited = textOf(recordOf(message.edited)?.ts);
  const before = textOf(recordOf(recordOf(event.previous_message)?.edited)?.ts);
  if (edited !== undefined && edited !== before) return editedKey(channel, target, edited);
  const moment = textOf(event.event_ts) ?? textOf(event.ts);
  return moment === undefined ? undefined : `change ${channel} ${target} ${moment}`;
}

/** Of a channel, user or file, which come as an id or as the thing itself. */
function idOf(value: unknown): string | undefined {
  return textOf(value) ?? textOf(recordOf(value)?.id);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function recordOf(value: unknown): Named | undefined {
  return typeof value === 'object' && value !== null ? (value as Named) : undefined;
}
