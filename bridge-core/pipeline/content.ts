// Rich text ↔ the content of m.room.message. A Matrix event holds 64 KB: longer text is split, never cut off.

import { fromHtml } from '../format/from-html.ts';
import { mentionedUsers, mentionsIn } from '../format/mentions.ts';
import { fromPlain, type RichText } from '../format/rich-text.ts';
import { isPlain, toHtml, toPlain } from '../format/to-html.ts';
import { type Content, isRecord, type MatrixEvent, recordIn, stringIn } from '../matrix-event.ts';
import type { Style } from '../remote-event.ts';

/** Of the content as JSON, in bytes; the rest of the 64 KB is for all else in the event. */
export const contentBytes = 56_000;
/** An edit says its text twice. */
export const editBytes = 27_000;
/** More people than this are not pinged by one message. */
const mostPinged = 50;

const types = { text: 'm.text', emote: 'm.emote', notice: 'm.notice' } as const;

/** One content for each event that the text becomes; `most` bytes each. */
export function toContents(text: RichText, style: Style, most = contentBytes, named?: Named): Content[] {
  const html = isPlain(text) ? undefined : toHtml(text);
  const common = { msgtype: types[style], 'm.mentions': mentionsOf(text), ...named?.fields };
  return contentsOf(common, toPlain(text), html, most, named?.before);
}

/** A name of the message's own: clients that know the profile hide the one in the text; all others show that. */
export interface Named {
  readonly fields: Content;
  readonly before: { readonly body: string; readonly html: string };
}

export function namedAs(profile: { readonly id: string; readonly name: string; readonly avatar?: string | undefined }): Named {
  const { id, name, avatar } = profile;
  const shown = { id, displayname: name, has_fallback: true, ...(avatar !== undefined && { avatar_url: avatar }) };
  const html = toHtml([{ is: 'paragraph', of: [{ is: 'text', text: name }] }]);
  return {
    fields: { [profileField]: shown },
    before: { body: `${name}: `, html: `<strong data-mx-profile-fallback>${html}: </strong>` },
  };
}

/** For what has no words of its own, which a name could stand before. */
export function withoutFallbackName({ fields }: Named): Content {
  return { [profileField]: { ...recordIn(fields, profileField), has_fallback: false } };
}

const profileField = 'com.beeper.per_message_profile';

/** `common` stands in each of them, its mentions in the first alone, `before` at the head of each text. */
export function contentsOf(common: Content, body: string, html: string | undefined, most = contentBytes, before = noName): Content[] {
  const whole = {
    ...common,
    body: `${before.body}${body}`.toWellFormed(),
    ...(html !== undefined && { format: 'org.matrix.custom.html', formatted_body: `${before.html}${html}`.toWellFormed() }),
  };
  if (isSmall(whole.body, html, most) || sizeOf(whole) <= most) return [whole];
  const room = most - sizeOf({ ...common, body: before.body });
  return pieces(body.toWellFormed(), room).map((piece, at) => ({
    ...common,
    ...(at > 0 && { 'm.mentions': {} }),
    body: `${before.body}${piece}`,
  }));
}

const noName = { body: '', html: '' };

/** Whatever is in it, written as JSON a character takes six bytes at most. */
const isSmall = (body: string, html = '', most: number): boolean => (body.length + html.length) * 6 < most / 2;

const sizeOf = (content: Content): number => Buffer.byteLength(JSON.stringify(content));

function mentionsOf(text: RichText): Content {
  const users = mentionedUsers(text).slice(0, mostPinged);
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
  /** What it shows, for those who cannot see it. */
  readonly alt?: string;
}

export function attachmentOf(event: MatrixEvent): Attachment | undefined {
  const { content } = event;
  const kind = event.type === 'm.sticker' ? 'sticker' : mediaKinds[stringIn(content, 'msgtype') ?? ''];
  const mxc = stringIn(content, 'url');
  if (kind === undefined || !mxc?.startsWith('mxc://')) return undefined;
  const body = stringIn(content, 'body') ?? '';
  const name = stringIn(content, 'filename') ?? body;
  const info = recordIn(content, 'info');
  const alt = altIn(content) ?? (kind === 'sticker' && body !== '' ? body : undefined);
  return {
    mxc,
    kind,
    name: name === '' ? kind : name,
    type: stringIn(info, 'mimetype'),
    bytes: typeof info?.size === 'number' && info.size >= 0 ? info.size : undefined,
    caption: stringIn(content, 'filename') !== undefined && body !== '' && body !== name,
    ...(alt !== undefined && { alt }),
  };
}

/** MSC3552: plain, or the first of several ways to say it. */
function altIn(content: Content): string | undefined {
  for (const field of ['m.alt_text', 'org.matrix.msc1767.alt_text']) {
    const told = content[field];
    const ways = isRecord(told) ? (told['m.text'] ?? told['org.matrix.msc1767.text']) : told;
    const [first] = Array.isArray(ways) ? (ways as unknown[]) : [ways];
    const words = isRecord(first) ? first.body : first;
    if (typeof words === 'string' && words !== '') return words;
  }
  return undefined;
}

const mediaKinds: Readonly<Record<string, Attachment['kind']>> = {
  'm.image': 'image',
  'm.video': 'video',
  'm.audio': 'audio',
  'm.file': 'file',
};

/** A bot that speaks for somebody says in whose name. */
export function shownName(content: Content): { name: string; hasFallback: boolean } | undefined {
  const profile = recordIn(content, profileField);
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

/** Cut at line ends or blanks where there are any, never through a character; `limit` bytes of JSON each. */
function pieces(text: string, limit: number): string[] {
  const found: string[] = [];
  let rest = text;
  while (rest !== '') {
    let end = longestStart(rest, limit);
    if (end < rest.length) {
      const gap = Math.max(rest.lastIndexOf('\n', end - 1), rest.lastIndexOf(' ', end - 1));
      if (gap > end / 2) end = gap + 1;
      else if (/[\uD800-\uDBFF]/.test(rest.charAt(end - 1))) end -= 1;
    }
    found.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return found;
}

function longestStart(text: string, limit: number): number {
  let fits = 1;
  let tooLong = Math.min(text.length, limit) + 1;
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (Buffer.byteLength(JSON.stringify(text.slice(0, middle))) - 2 <= limit) fits = middle;
    else tooLong = middle;
  }
  return fits;
}
