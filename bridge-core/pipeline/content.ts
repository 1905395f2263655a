// Rich text ↔ the content of m.room.message. A Matrix event holds 64 KB: longer text is split, never cut off.

import type { Style } from '../adapter.ts';
import { fromHtml } from '../format/from-html.ts';
import { mentionedUsers, mentionsIn } from '../format/mentions.ts';
import { fromPlain, type RichText } from '../format/rich-text.ts';
import { isPlain, toHtml, toPlain } from '../format/to-html.ts';
import { type Content, isRecord, type MatrixEvent, recordIn, stringIn } from '../matrix-event.ts';

/** Body and formatted body of one event together, in bytes; the rest of the 64 KB is for all else in it. */
const textBytes = 48_000;

const types = { text: 'm.text', emote: 'm.emote', notice: 'm.notice' } as const;

/** One content for each event that the text becomes. */
export function toContents(text: RichText, style: Style): Content[] {
  const common = { msgtype: types[style], 'm.mentions': mentionsOf(text) };
  const body = toPlain(text);
  const html = isPlain(text) ? undefined : toHtml(text);
  if (body.length + (html?.length ?? 0) < textBytes / 4 || Buffer.byteLength(body) + Buffer.byteLength(html ?? '') <= textBytes) {
    return [{ ...common, body, ...(html !== undefined && { format: 'org.matrix.custom.html', formatted_body: html }) }];
  }
  return pieces(body, textBytes).map((piece) => ({ ...common, body: piece }));
}

function mentionsOf(text: RichText): Content {
  const users = mentionedUsers(text);
  const isForAll = mentionsIn(text).some(({ of }) => 'everyone' in of);
  return { ...(users.length > 0 && { user_ids: users }), ...(isForAll && { room: true }) };
}

/** What the event says; undefined where it is no text at all. */
export function textOf(content: Content): RichText | undefined {
  const html = content.format === 'org.matrix.custom.html' ? stringIn(content, 'formatted_body') : undefined;
  const rich = html === undefined || html === '' ? [] : fromHtml(html);
  if (rich.length > 0) return rich;
  const body = stringIn(content, 'body');
  return body === undefined ? undefined : fromPlain(withoutName(content, isReply(content) ? withoutFallback(body) : body));
}

export function styleOf(content: Content): Style {
  return content.msgtype === 'm.emote' ? 'emote' : content.msgtype === 'm.notice' ? 'notice' : 'text';
}

export interface Attachment {
  readonly mxc: string;
  readonly name: string;
  readonly type: string | undefined;
  readonly bytes: number | undefined;
  readonly kind: 'image' | 'video' | 'audio' | 'file' | 'sticker';
  /** What was written beside it. */
  readonly caption: boolean;
}

export function attachmentOf(event: MatrixEvent): Attachment | undefined {
  const { content } = event;
  const kind = event.type === 'm.sticker' ? 'sticker' : mediaKinds[String(content.msgtype)];
  const mxc = stringIn(content, 'url');
  if (kind === undefined || !mxc?.startsWith('mxc://')) return undefined;
  const body = stringIn(content, 'body') ?? '';
  const name = stringIn(content, 'filename') ?? body;
  const info = recordIn(content, 'info');
  return {
    mxc,
    kind,
    name: name === '' ? kind : name,
    type: stringIn(info, 'mimetype'),
    bytes: typeof info?.size === 'number' && info.size >= 0 ? info.size : undefined,
    caption: stringIn(content, 'filename') !== undefined && body !== '' && body !== name,
  };
}

const mediaKinds: Readonly<Record<string, Attachment['kind']>> = {
  'm.image': 'image',
  'm.video': 'video',
  'm.audio': 'audio',
  'm.file': 'file',
};

/** A bot that speaks for somebody says in whose name. */
export function shownName(content: Content): { name: string; hasFallback: boolean } | undefined {
  const profile = recordIn(content, 'com.beeper.per_message_profile');
  const name = stringIn(profile, 'displayname');
  return name === undefined ? undefined : { name, hasFallback: profile?.has_fallback === true };
}

function withoutName(content: Content, body: string): string {
  const shown = shownName(content);
  return shown?.hasFallback && body.startsWith(`${shown.name}: `) ? body.slice(shown.name.length + 2) : body;
}

function isReply(content: Content): boolean {
  return isRecord(recordIn(content, 'm.relates_to')?.['m.in_reply_to']);
}

// The quote that older clients put before a reply's body; the relation says the same and better.
function withoutFallback(body: string): string {
  const lines = body.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('>'));
  return end <= 0 ? body : lines.slice(lines[end] === '' ? end + 1 : end).join('\n');
}

function pieces(text: string, limit: number): string[] {
  const found: string[] = [];
  let rest = text;
  while (Buffer.byteLength(rest) > limit) {
    let end = Math.min(rest.length, limit);
    while (Buffer.byteLength(rest.slice(0, end)) > limit) end -= Math.ceil((Buffer.byteLength(rest.slice(0, end)) - limit) / 4);
    const brk = Math.max(rest.lastIndexOf('\n', end), rest.lastIndexOf(' ', end));
    if (brk > end / 2) end = brk + 1;
    else if (/[\uD800-\uDBFF]/.test(rest.charAt(end - 1))) end -= 1;
    found.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return [...found, rest];
}
