// What a line of a channel means, as the core is told it. Pure: whether a line is reported at all, and by which session, is
// decided before (reporters.ts); who is in the channel is known to presence.ts.

import type { ChannelId, RemoteEvent, RemoteUser, Style } from '#bridge-core';
import { withoutCodes } from './formatter.ts';
import { makeMessageId, makeUserId } from './ids.ts';
import type { IrcLine } from './wire/connection.ts';

export interface Hearing {
  readonly network: string;
  readonly channel: ChannelId;
  fold(nick: string): string;
  now(): number;
}

const action = '\u0001ACTION';

/** `undefined`: not a CTCP; otherwise its verb in capitals and the rest. */
export function readCtcp(text: string): { readonly verb: string; readonly rest: string } | undefined {
  if (text.charCodeAt(0) !== 1) return undefined;
  const inner = text.slice(1, text.charCodeAt(text.length - 1) === 1 && text.length > 1 ? -1 : undefined);
  const space = inner.indexOf(' ');
  return space < 0 ? { verb: inner.toUpperCase(), rest: '' } : { verb: inner.slice(0, space).toUpperCase(), rest: inner.slice(space + 1) };
}

export function remoteUser(nick: string, place: Pick<Hearing, 'network' | 'fold'>): RemoteUser {
  const folded = place.fold(nick);
  return { id: makeUserId(place.network, folded), name: nick, fields: { network: place.network, nick: folded } };
}

/** When it happened, as the server says; never in the future, which would overtake what others said meanwhile. */
export function timeOf(line: IrcLine, now: number): number {
  const tag = line.tags.time;
  if (tag === undefined) return now;
  const told = Date.parse(tag);
  return told > 0 && told < now ? told : now;
}

/** Servers speak under their names, which no person can bear. */
function isFromServer(line: IrcLine): boolean {
  return line.host === '' && line.nick.includes('.');
}

/** Undefined where the line says nothing that people see: CTCP questions, typing that stopped unsaid, empty text. */
export function spokenEvent(line: IrcLine, hearing: Hearing): RemoteEvent | undefined {
  const body = line.params[1] ?? '';
  if (body === '' || isFromServer(line)) return undefined;
  let style: Style = line.command === 'NOTICE' ? 'notice' : 'text';
  let words = body;
  if (body.charCodeAt(0) === 1) {
    if (style === 'notice' || !isAction(body)) return undefined;
    style = 'emote';
    words = body.slice(action.length + 1, body.charCodeAt(body.length - 1) === 1 ? -1 : undefined);
  }
  // Codes alone show nothing.
  if (withoutCodes(words) === '') return undefined;
  const id = makeMessageId(line.tags.msgid);
  const replyTo = makeMessageId(line.tags['+reply'] ?? line.tags['+draft/reply']);
  return {
    kind: 'message',
    at: timeOf(line, hearing.now()),
    channel: hearing.channel,
    ...(id === undefined ? {} : { id }),
    sender: remoteUser(line.nick, hearing),
    body: words,
    style,
    ...(replyTo === undefined ? {} : { replyTo }),
  };
}

function isAction(body: string): boolean {
  return body.startsWith(action) && (body.length === action.length + 1 || body[action.length] === ' ');
}

/** TAGMSG: a reaction given or taken back, or typing. */
export function taggedEvent(line: IrcLine, hearing: Hearing): RemoteEvent | undefined {
  const tags = line.tags;
  const base = { at: timeOf(line, hearing.now()), channel: hearing.channel, sender: remoteUser(line.nick, hearing) };
  const target = makeMessageId(tags['+reply'] ?? tags['+draft/reply']);
  const emoji = tags['+draft/react'] ?? tags['+draft/unreact'];
  if (emoji !== undefined && emoji !== '' && target !== undefined) {
    const id = makeMessageId(tags.msgid);
    const on = tags['+draft/react'] !== undefined;
    return { kind: 'reaction', ...base, ...(id === undefined ? {} : { id }), target, emoji, on };
  }
  const typing = tags['+typing'] ?? tags['+draft/typing'];
  if (typing === 'active' || typing === 'paused' || typing === 'done') return { kind: 'typing', ...base, on: typing === 'active' };
  return undefined;
}

export function redactionEvent(line: IrcLine, hearing: Hearing): RemoteEvent | undefined {
  const target = makeMessageId(line.params[1]);
  if (target === undefined) return undefined;
  const reason = line.params[2];
  const base = { at: timeOf(line, hearing.now()), channel: hearing.channel };
  return { kind: 'redaction', ...base, sender: remoteUser(line.nick, hearing), target, ...(reason ? { reason } : {}) };
}

/** JOIN, PART, QUIT and KICK, for the channel of `hearing`. */
export function membershipEvent(line: IrcLine, hearing: Hearing): RemoteEvent | undefined {
  const base = { kind: 'membership' as const, at: timeOf(line, hearing.now()), channel: hearing.channel };
  const actor = remoteUser(line.nick, hearing);
  switch (line.command) {
    case 'JOIN':
      return { ...base, user: actor, change: 'join' };
    case 'PART':
      return { ...base, user: actor, change: 'leave', ...reasoned(line.params[1]) };
    case 'QUIT': {
      const sides = netsplitSides(line.params[0] ?? '');
      if (sides !== undefined) return { ...base, user: actor, change: 'leave', reason: `netsplit: ${sides}`, netsplit: true };
      return { ...base, user: actor, change: 'leave', ...reasoned(line.params[0]) };
    }
    case 'KICK': {
      const victim = line.params[1] ?? '';
      if (victim === '') return undefined;
      return { ...base, user: remoteUser(victim, hearing), change: 'kick', ...doneBy(line, actor), ...reasoned(line.params[2]) };
    }
    case 'INVITE': {
      const guest = line.params[0] ?? '';
      return guest === '' || isFromServer(line) ? undefined : { ...base, user: remoteUser(guest, hearing), change: 'invite', by: actor };
    }
    default:
      return undefined;
  }
}

function doneBy(line: IrcLine, actor: RemoteUser): { readonly by?: RemoteUser } {
  return isFromServer(line) ? {} : { by: actor };
}

function reasoned(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined || reason === '' ? {} : { reason };
}

const hostName = /^(?:[A-Za-z0-9*](?:[A-Za-z0-9_*-]*[A-Za-z0-9*])?\.)+[A-Za-z*][A-Za-z0-9*-]*$/;

/** Two host names and nothing else is what servers write when the link between them is cut (people's own texts come with
 *  `Quit: ` before them); undefined for any other reason. */
export function netsplitSides(reason: string): string | undefined {
  const [near = '', far = '', ...more] = reason.split(' ');
  return more.length === 0 && near !== far && hostName.test(near) && hostName.test(far) ? reason : undefined;
}

export function renameEvent(line: IrcLine, hearing: Hearing): RemoteEvent | undefined {
  const renamed = line.params[0] ?? '';
  if (renamed === '') return undefined;
  const base = { at: timeOf(line, hearing.now()), channel: hearing.channel };
  return { kind: 'profile', ...base, user: remoteUser(renamed, hearing), was: remoteUser(line.nick, hearing) };
}

export function topicEvent(line: IrcLine, hearing: Hearing): RemoteEvent {
  const base = { at: timeOf(line, hearing.now()), channel: hearing.channel };
  return { kind: 'channel', ...base, ...doneBy(line, remoteUser(line.nick, hearing)), topic: withoutCodes(line.params[1] ?? '') };
}

/** away-notify: text while away, none when back. */
export function awayEvent(line: IrcLine, hearing: Hearing): RemoteEvent {
  const away = line.params[0];
  const base = { at: timeOf(line, hearing.now()), channel: hearing.channel };
  return { kind: 'presence', ...base, user: remoteUser(line.nick, hearing), ...(away ? { away } : {}) };
}
