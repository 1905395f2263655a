// What Gitter tells, made into the core's events. Pure: who said what before is handed in.

import type { ChannelId, RemoteEvent, RemoteUser } from '#bridge-core';
import type { GitterBody } from './body.ts';
import { makeMessageId, timeOf } from './ids.ts';
import { remoteUserOf } from './users.ts';
import type { WireMessage, WireUser } from './wire/objects.ts';

export type GitterEvent = RemoteEvent<GitterBody>;

export interface Place {
  readonly channel: ChannelId;
  readonly project: string | undefined;
  readonly home?: string;
}

/** Undefined: nobody said it. A virtual user is a person of their own. */
export function authorOf({ fromUser, virtualUser }: WireMessage): WireUser | undefined {
  if (virtualUser === undefined) return fromUser;
  const { type, externalId, displayName, avatarUrl } = virtualUser;
  const id = `${type}-${externalId}`;
  return { id, username: externalId, ...(displayName !== undefined && { displayName }), ...(avatarUrl !== undefined && { avatarUrl }) };
}

export function messageOf(message: WireMessage, place: Place): GitterEvent | undefined {
  const author = authorOf(message);
  if (author === undefined) return undefined;
  return {
    kind: 'message',
    channel: place.channel,
    id: makeMessageId(message.id),
    at: sentAt(message),
    sender: remoteUserOf(author),
    body: bodyOf(message, author, place),
    style: message.status === true ? 'emote' : 'text',
    ...(message.parentId !== undefined && { thread: makeMessageId(message.parentId) }),
  };
}

/** Named by when it was edited: told again, it is the same. */
export function editOf(message: WireMessage, place: Place, now: number): GitterEvent | undefined {
  const author = authorOf(message);
  if (author === undefined) return undefined;
  const editedAt = message.editedAt ?? undefined;
  return {
    kind: 'edit',
    channel: place.channel,
    id: makeMessageId(`${message.id} ${editedAt ?? `v${message.v ?? 0}`}`),
    at: editedAt === undefined ? now : readTime(editedAt, now),
    sender: remoteUserOf(author),
    target: makeMessageId(message.id),
    body: bodyOf(message, author, place),
    style: message.status === true ? 'emote' : 'text',
    ...(message.parentId !== undefined && { thread: makeMessageId(message.parentId) }),
  };
}

/** Gitter does not tell who removed it. */
export function removalOf(id: string, place: Place, now: number): GitterEvent {
  return { kind: 'redaction', channel: place.channel, id: makeMessageId(`${id} removed`), at: now, target: makeMessageId(id) };
}

export function membershipOf(
  user: RemoteUser,
  change: 'join' | 'leave' | 'ban' | 'unban',
  place: Place,
  now: number,
  by?: RemoteUser,
): GitterEvent {
  return { kind: 'membership', channel: place.channel, at: now, user, change, ...(by !== undefined && { by }) };
}

function bodyOf({ text = '', status, mentions = [] }: WireMessage, author: WireUser, { project, home }: Place): GitterBody {
  const people = mentions.flatMap(({ screenName, userId, group }) =>
    typeof screenName === 'string' && typeof userId === 'string' && group !== true ? [{ name: screenName, id: userId }] : [],
  );
  return {
    text: status === true ? withoutName(text, author) : text,
    ...(people.length > 0 && { mentions: people }),
    ...(project !== undefined && text.includes('#') && { project }),
    ...(home?.startsWith('http:') === true && text.includes(`](${home}/`) && { home }),
  };
}

/** A status begins with who it is about, in Gitter's own client. */
function withoutName(text: string, { username, displayName }: WireUser): string {
  for (const name of [username === undefined ? undefined : `@${username}`, displayName]) {
    if (name !== undefined && name !== '' && text.startsWith(`${name} `)) return text.slice(name.length + 1);
  }
  return text;
}

export const sentAt = ({ id, sent }: WireMessage): number => readTime(sent, timeOf(id) ?? Date.now());

function readTime(text: string | undefined, otherwise: number): number {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? otherwise : time;
}
