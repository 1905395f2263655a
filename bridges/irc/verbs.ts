// A session's verbs as the core calls them, put into lines. A verb that the server does not support here and now is left out:
// a missing optional verb is the missing capability.

import {
  type ChannelId,
  type Fit,
  type Outgoing,
  PermanentError,
  type RemoteMessage,
  type Session,
  type Speaker,
  type Style,
} from '#bridge-core';
import type { Attendance } from './attendance.ts';
import type { Errands } from './errands.ts';
import { makeUserId, parseId } from './ids.ts';
import { nickRefusal, sendRefusal } from './refusals.ts';
import type { Ear } from './reporters.ts';
import type { Said, Speech } from './speech.ts';
import type { Connection, OutLine } from './wire/connection.ts';

/** What a session must know of its network. */
export interface SessionContext {
  readonly network: string;
  readonly lines: number;
  readonly typingEvery: number;
  /** The key of a channel, whatever rule its id was folded by. */
  readonly foldChannel: (name: string) => string;
  /** As written, for a folded name. */
  channelName(folded: string): string;
  channelKey(folded: string): string | undefined;
  hearerFor(session: Ear, folded: string): Ear | undefined;
  /** Does the bot hear a multi-line message as one? */
  hearsMultiline(): boolean;
  /** The nick of somebody on this network; undefined where they have none there. */
  nickOf: Fit['mention'];
}

/** What the verbs need of the session that they speak for. */
export interface Behind extends Ear {
  readonly speaker: Speaker;
  readonly connection: Connection;
  readonly attendance: Attendance;
  readonly speech: Speech;
  readonly errands: Errands;
  readonly close: (reason?: string) => Promise<void>;
}

export interface Offered {
  readonly reply: readonly string[];
  readonly react: boolean;
  readonly type: boolean;
  readonly redact: boolean;
  readonly multiline: { readonly bytes: number; readonly lines: number } | undefined;
}

/** What the server supports now. */
export function offeredVerbs(connection: Connection): Offered {
  const capabilities = connection.capabilities;
  const hasTags = capabilities.has('message-tags');
  const may = (tag: string) => hasTags && isTagAllowed(connection.isupport.get('CLIENTTAGDENY') ?? '', tag);
  const reply = ['reply', 'draft/reply'].filter(may).map((tag) => `+${tag}`);
  return {
    reply,
    react: may('draft/react') && reply.length > 0,
    type: may('typing'),
    redact: hasTags && capabilities.has('draft/message-redaction'),
    multiline: capabilities.has('draft/multiline') && capabilities.has('batch') ? multilineLimits(connection) : undefined,
  };
}

/** CLIENTTAGDENY: `*,-typing` refuses all but typing; `typing` refuses that alone. */
export function isTagAllowed(denied: string, tag: string): boolean {
  let isAllowed = true;
  for (const entry of denied.split(',')) {
    if (entry === '*' || entry === tag) isAllowed = false;
    if (entry === `-${tag}`) return true;
  }
  return isAllowed;
}

function multilineLimits(connection: Connection): { bytes: number; lines: number } {
  const value = connection.capabilityValue('draft/multiline') ?? '';
  const limit = (name: string) => Number(new RegExp(`(?:^|,)${name}=(\\d+)`).exec(value)?.[1]) || undefined;
  return { bytes: limit('max-bytes') ?? 4_096, lines: limit('max-lines') ?? 24 };
}

export function sessionOf(session: Behind, context: SessionContext, offered: Offered): Session {
  const { connection, attendance, speech, errands } = session;
  const fold = (name: string) => connection.isupport.fold(name);
  const place = (channel: ChannelId) => {
    const folded = parseId(channel).name;
    return { folded, name: context.channelName(folded) };
  };
  const join = async (channel: ChannelId) => {
    const { folded, name } = place(channel);
    if (!attendance.has(folded)) await attendance.join(name, context.channelKey(folded));
  };
  const say = async (channel: ChannelId, make: (name: string) => readonly OutLine[]) => {
    const { folded, name } = place(channel);
    if (!attendance.has(folded)) await join(channel);
    const lines = make(name);
    const said: Said = { target: name, folded, lines, hearings: lines.length === 1 || context.hearsMultiline() ? 1 : lines.length - 2 };
    return speech.say(said);
  };
  const order = (channel: ChannelId, command: string, ...params: string[]) => {
    const { folded, name } = place(channel);
    const refusal = (line: Parameters<typeof sendRefusal>[0]) =>
      sendRefusal(line, command, name, (given) => context.foldChannel(given) === folded || fold(given) === fold(params[0] ?? ''));
    return errands.run({ command, params: [name, ...params] }, refusal);
  };
  let typedAt = Number.NEGATIVE_INFINITY;

  const verbs: Session = {
    self: makeUserId(context.network, fold(connection.nick)),
    get name() {
      return connection.nick;
    },
    speaker: session.speaker,
    fit: (channel, style) => fitOf(connection, place(channel).name, style, context, offered),
    join,
    leave: (channel, reason) => attendance.leave(place(channel).name, reason),
    send: (message) => say(message.channel, (name) => linesOf(message, name, connection, offered)),
    setTopic: (channel, topic) => order(channel, 'TOPIC', cutTopic(topic, connection.isupport.topiclen)),
    kick: async (channel, user, reason) => {
      const nick = context.nickOf({ remote: user });
      if (nick !== undefined) await order(channel, 'KICK', nick, ...(reason ? [reason] : []));
    },
    setPresence: async (away) => {
      await connection.send({ command: 'AWAY', params: away ? [away] : [] }, 'command');
    },
    close: (reason) => session.close(reason),
  };
  if (offered.react) {
    verbs.react = (channel, target, emoji, on) => {
      const tags = { ...replyTags(target, offered), [on ? '+draft/react' : '+draft/unreact']: emoji };
      return say(channel, (name) => [{ command: 'TAGMSG', params: [name], tags }]);
    };
  }
  if (offered.type) {
    verbs.type = async (channel, on) => {
      const { folded, name } = place(channel);
      const now = performance.now();
      if (!attendance.has(folded) || (on && now - typedAt < context.typingEvery)) return;
      typedAt = on ? now : Number.NEGATIVE_INFINITY;
      await connection.send({ command: 'TAGMSG', params: [name], tags: { '+typing': on ? 'active' : 'done' } });
    };
  }
  if (offered.redact) {
    verbs.redact = async (channel, target, reason) => {
      for (const id of target.ids) await order(channel, 'REDACT', id, ...(reason ? [reason] : []));
    };
  }
  return verbs;
}

/** Another nick; resolves once the server took it. */
export async function changeNick(session: Behind, wanted: string): Promise<string> {
  if (session.connection.nick === wanted) return wanted;
  await session.errands.run({ command: 'NICK', params: [wanted] }, (line) => nickRefusal(line, wanted));
  const { fold } = foldingOf(session.connection);
  if (fold(session.connection.nick) !== fold(wanted)) {
    throw new PermanentError('NETWORK_REFUSED', `${wanted}: the server keeps ${session.connection.nick}`);
  }
  return session.connection.nick;
}

function foldingOf(connection: Connection): { fold(name: string): string } {
  const support = connection.isupport;
  return { fold: (name) => support.fold(name) };
}

/** `\x01ACTION ` before and `\x01` behind. */
const actionBytes = 9;

function fitOf(connection: Connection, channel: string, style: Style, context: SessionContext, offered: Offered): Fit {
  const command = style === 'notice' ? 'NOTICE' : 'PRIVMSG';
  const prefix = Buffer.byteLength(`:${connection.mask} ${command} ${channel} :`);
  const bytes = connection.isupport.linelen - 2 - prefix - (style === 'emote' ? actionBytes : 0);
  return {
    bytes: Math.max(bytes, 40),
    lines: context.lines,
    markup: true,
    style,
    mention: context.nickOf,
    ...(offered.multiline !== undefined && style !== 'emote' ? { multiline: offered.multiline } : {}),
  };
}

function linesOf(message: Outgoing, channel: string, connection: Connection, offered: Offered): OutLine[] {
  const command = message.style === 'notice' ? 'NOTICE' : 'PRIVMSG';
  // Whoever writes a CTCP mark into a message would have it answered as one.
  const body = message.body.replaceAll('\u0001', '');
  const tags = message.replyTo === undefined ? undefined : replyTags(message.replyTo, offered);
  const tagged = tags === undefined ? {} : { tags };
  if (message.style === 'emote') return [{ command, params: [channel, `\u0001ACTION ${oneLine(body)}\u0001`], ...tagged }];
  if (!body.includes('\n') || offered.multiline === undefined) return [{ command, params: [channel, oneLine(body)], ...tagged }];
  return multilineBatch(command, channel, body.split('\n'), tagged, connection);
}

function oneLine(body: string): string {
  return body.replace(/[\r\n]+/g, ' ');
}

let batches = 0;

function multilineBatch(
  command: string,
  channel: string,
  lines: readonly string[],
  tagged: Pick<OutLine, 'tags'>,
  connection: Connection,
): OutLine[] {
  const batch = (++batches).toString(36);
  const room = connection.isupport.linelen - 2 - Buffer.byteLength(`:${connection.mask} ${command} ${channel} :`);
  const inner = lines.flatMap((line) =>
    pieces(line, room).map((piece, at): OutLine => {
      const tags = at === 0 ? { batch } : { batch, 'draft/multiline-concat': '' };
      return { command, params: [channel, piece], tags };
    }),
  );
  const opening: OutLine = { command: 'BATCH', params: [`+${batch}`, 'draft/multiline', channel], ...tagged };
  return [opening, ...inner, { command: 'BATCH', params: [`-${batch}`] }];
}

/** Cut by bytes, never within a character; put together again by whoever reads. */
function pieces(line: string, bytes: number): string[] {
  if (Buffer.byteLength(line) <= bytes) return [line];
  const cut: string[] = [];
  let piece = '';
  let used = 0;
  for (const character of line) {
    const cost = Buffer.byteLength(character);
    if (used + cost > bytes) {
      cut.push(piece);
      [piece, used] = ['', 0];
    }
    piece += character;
    used += cost;
  }
  return [...cut, piece];
}

function replyTags(target: RemoteMessage, offered: Offered): Record<string, string> | undefined {
  const id = target.ids[0];
  if (id === undefined || offered.reply.length === 0) return undefined;
  return Object.fromEntries(offered.reply.map((tag) => [tag, id]));
}

function cutTopic(topic: string, bytes: number): string {
  const line = oneLine(topic).trim();
  return pieces(line, bytes)[0] ?? '';
}
