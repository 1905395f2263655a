// Which event is which message, and which reaction: what is said, edited, given and taken back later points at it. And how far each
// channel was carried, so that what was said since is read, and nothing before that.

import {
  type ChannelId,
  type EventId,
  eventId,
  type Inheritance,
  type InheritedMessage,
  type InheritedReaction,
  roomId,
} from '#bridge-core';
import { reactionNamed } from '../emoji.ts';
import { type Fields, textIn, textsIn } from '../fields.ts';
import { makeMessageId, makeUserId, parseId, timeOf } from '../ids.ts';
import { type OldStore, readJson } from './old-store.ts';
import type { Ghosts } from './people.ts';
import type { Rooms, Teams } from './places.ts';
import { called, Table } from './taken.ts';

interface Message extends InheritedMessage {
  readonly replies: readonly string[];
}

export interface Messages {
  readonly tables: readonly Table[];
  readonly messages: readonly InheritedMessage[];
  readonly reactions: readonly InheritedReaction[];
  readonly memory: Inheritance['memory'];
}

const dayMs = 86_400_000;
const isMoment = (ts: string): boolean => /^\d{10}\.\d{6}$/.test(ts);

export function messagesOf(old: OldStore, rooms: Rooms, teams: Teams, ghosts: Ghosts): Messages {
  const table = new Table('events', old.events.length + old.olderEvents, 'messages');
  table.leaveSome('older than 90 days', 'what is older is not remembered here, and nothing can point at it', old.olderEvents);
  // The old bridge notes a reaction among its events too, under the moment at which it was given.
  const given = new Set(old.reactions.map(({ room_id: room, event_id: event }) => `${room} ${event}`));
  const found: Message[] = [];
  const heard = new Map<ChannelId, string>();
  const parts = new Map<string, number>();
  for (const [index, row] of old.events.entries()) {
    const read = messageOf(row, rooms);
    if (typeof read === 'string') table.fault(called(row.eventid, `row ${index + 1}`), read);
    else if (read === undefined) table.leaveSome('of rooms without a link', 'nothing can point at them any more');
    else {
      if (read.id > (heard.get(read.channel) ?? '')) heard.set(read.channel, read.id);
      if (given.has(`${read.room} ${read.event}`)) {
        table.leaveSome('that are reactions', 'they are among those');
        continue;
      }
      const [ofEvent, ofMessage] = [`${read.room} ${read.event}`, `${read.room} ${read.channel} ${read.id}`];
      const part = parts.get(ofEvent) ?? parts.get(ofMessage) ?? 0;
      for (const each of [ofEvent, ofMessage]) parts.set(each, part + 1);
      found.push({ ...read, part });
    }
  }
  const events = new Map<string, EventId>();
  for (const { room, channel, id, event } of found)
    if (!events.has(`${room} ${channel} ${id}`)) events.set(`${room} ${channel} ${id}`, event);
  const threads = threadsIn(found);
  const messages = found.map(({ replies: _, ...message }) => {
    const thread = threads.get(`${message.room} ${message.channel} ${message.id}`);
    return thread === undefined || thread === message.event ? message : { ...message, thread };
  });
  const reactions = reactionsOf(old.reactions, { rooms, teams, ghosts, events });
  const memory = Array.from(heard, ([channel, ts]) => ({ name: `heard ${channel}`, value: ts }));
  return { tables: [table, reactions.table], messages, reactions: reactions.reactions, memory };
}

/** A text: what is wrong with it. Undefined: nothing leads there any more. */
function messageOf(row: Fields, rooms: Rooms): Message | string | undefined {
  const [room, event, channel, ts] = ['roomid', 'eventid', 'slackchannel', 'slackts'].map((name) => textIn(row, name));
  if (room === undefined || event === undefined || !/^\$.{1,254}$/.test(event)) return 'it names no event ($…) of a room';
  if (channel === undefined || ts === undefined || !isMoment(ts))
    return 'it names no message of Slack: a channel, and a moment such as 1700000000.000100';
  // How far its channel was heard would be told from it, and nothing said before that be read.
  if (timeOf(ts) > Date.now() + dayMs) return 'it names a message that is still to be said';
  const extras = readJson(row.extras);
  if (extras === undefined) return 'what it says besides (`extras`) is broken';
  const id = rooms.channelOf(room, channel);
  if (id === undefined) return undefined;
  const replies = textsIn(extras, 'slackThreadMessages');
  return { room: roomId(room), channel: id, event: eventId(event), id: makeMessageId(ts), part: 0, at: timeOf(ts), replies };
}

/** By what stands in them: the event that each began with. */
function threadsIn(found: readonly Message[]): Map<string, EventId> {
  const threads = new Map<string, EventId>();
  for (const { room, channel, event, replies } of found) for (const ts of replies) threads.set(`${room} ${channel} ${ts}`, event);
  return threads;
}

interface ReactionParts {
  readonly rooms: Rooms;
  readonly teams: Teams;
  readonly ghosts: Ghosts;
  /** What each message is in its room, by room, channel and moment. */
  readonly events: ReadonlyMap<string, EventId>;
}

function reactionsOf(rows: readonly Fields[], { rooms, teams, ghosts, events }: ReactionParts) {
  const table = new Table('reactions', rows.length, 'reactions');
  const reactions: InheritedReaction[] = [];
  for (const [index, row] of rows.entries()) {
    const names = ['room_id', 'event_id', 'slack_channel_id', 'slack_message_ts', 'slack_user_id', 'reaction'];
    const [room = '', event = '', in_ = '', ts = '', giver = '', sign = ''] = names.map((name) => textIn(row, name));
    if (!event.startsWith('$') || !isMoment(ts) || giver === '' || sign === '') {
      table.fault(called(row.event_id, `row ${index + 1}`), 'it names no event, no message of Slack, nobody or no sign');
      continue;
    }
    const channel = rooms.channelOf(room, in_);
    const target = channel && events.get(`${room} ${channel} ${ts}`);
    if (channel === undefined || target === undefined) {
      table.leaveSome('on what is not taken', 'nothing can point at them any more');
      continue;
    }
    const { team } = parseId(channel);
    const ghost = ghosts.ghostOf(team, giver);
    if (giver !== teams.known.get(team)?.botUser && ghost === undefined) {
      table.leaveSome('of people without a ghost', 'who takes them back cannot be told');
      continue;
    }
    reactions.push({
      ...{ room: roomId(room), channel, event: eventId(event), emoji: reactionNamed(sign).emoji, at: timeOf(ts) },
      ...{ target: { event: target, id: makeMessageId(ts) }, by: makeUserId(team, giver) },
      ...(giver !== teams.known.get(team)?.botUser && ghost !== undefined && { ghost }),
    });
  }
  return { table, reactions };
}
