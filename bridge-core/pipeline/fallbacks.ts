// What to do on the network for one Matrix event: the session's own verb where it has one and the target is known there,
// short readable text where not. Pure: everything it needs to know is handed in.

import type { Capabilities } from '../adapter.ts';
import { editAsText } from '../format/diff.ts';
import { type Block, fromPlain, type Inline, paragraph, type RichText, text as words } from '../format/rich-text.ts';
import { toPlain } from '../format/to-html.ts';
import type { Content, MatrixEvent } from '../matrix-event.ts';
import { recordIn, relationOf, stringIn } from '../matrix-event.ts';
import type { RemoteMessage, Style } from '../remote-event.ts';
import { type Attachment, attachmentOf, shownName, styleOf } from './content.ts';
import { captionOf, isDeed, wordsOf } from './other-kinds.ts';
import { type Relation, textLength } from './relations.ts';

export interface Send {
  readonly do: 'send';
  readonly text: RichText;
  readonly style: Style;
  readonly replyTo?: RemoteMessage;
  readonly thread?: RemoteMessage;
  readonly kept?: string;
  /** Goes along, `text` beside it. */
  readonly file?: Attachment;
  /** Where the network does not take the file. */
  readonly otherwise?: Send;
}

export interface Edit {
  readonly do: 'edit';
  readonly target: RemoteMessage;
  readonly text: RichText;
  readonly style: Style;
  readonly kept: string;
  /** It is the words beside a file. */
  readonly ofFile: boolean;
}

export type Deed =
  | Send
  | Edit
  /** `otherwise`: where the network does not let it be removed. */
  | { readonly do: 'redact'; readonly target: RemoteMessage; readonly reason: string | undefined; readonly otherwise: Send }
  | { readonly do: 'react'; readonly target: RemoteMessage; readonly emoji: string; readonly on: boolean }
  | { readonly do: 'nothing' };

/** What the event points at, as far as it is known. */
export interface Pointed {
  /** On the network, with its ids there. */
  readonly remote: RemoteMessage | undefined;
  readonly relation: Relation | undefined;
  /** Who said it, as called in this channel. */
  readonly called: string | undefined;
  /** It has not arrived there yet, and nobody knows when it will. */
  readonly isParked?: boolean;
}

export interface PlanContext {
  /** Only asked which verbs it has. */
  readonly session: { readonly [Verb in 'edit' | 'redact' | 'react']?: unknown };
  readonly can: Pick<Capabilities, 'files' | 'threads' | 'showsPictures'>;
  readonly pointed: Pointed | undefined;
  /** The root of the event's thread, where the network has threads and knows it. */
  readonly thread: RemoteMessage | undefined;
  /** A public address for media, where there is one. */
  readonly link: (file: Attachment) => string | undefined;
}

const quoteLength = 40;
const signLength = 40;
const nameLength = 120;
/** A reply to something said longer ago than this quotes it. */
const freshMs = 300_000;

export function planFor(event: MatrixEvent, context: PlanContext): Deed {
  switch (event.type) {
    case 'm.reaction':
      return planReaction(event, context);
    case 'm.room.redaction':
      return planRedaction(event, context);
    default:
      return relationOf(event, 'm.replace') === undefined ? planMessage(event, context) : planEdit(event, context);
  }
}

/** The event that must be known before this one can be said well. */
export function pointsAt(event: MatrixEvent): string | undefined {
  if (event.type === 'm.room.redaction') return event.redacts;
  const relates = recordIn(event.content, 'm.relates_to');
  if (relates === undefined) return undefined;
  const target = relationOf(event, 'm.replace') ?? relationOf(event, 'm.annotation');
  return target ?? stringIn(recordIn(relates, 'm.in_reply_to'), 'event_id') ?? relationOf(event, 'm.thread');
}

/** The reply is there for clients that know no threads. */
export function isFallingBack(event: MatrixEvent): boolean {
  return recordIn(event.content, 'm.relates_to')?.is_falling_back === true;
}

function planMessage(event: MatrixEvent, context: PlanContext): Deed {
  const file = attachmentOf(event);
  if (file !== undefined && context.can.files === 'upload') return planUpload(file, event, context);
  const picture = file && shown(file, event.content, context);
  const text = file === undefined ? wordsOf(event) : (picture ?? describe(file, event.content, context));
  if (text === undefined || text.length === 0) return { do: 'nothing' };
  const style = picture !== undefined ? 'text' : file === undefined && !isDeed(event) ? styleOf(event.content) : 'emote';
  return { do: 'send', style, kept: file === undefined ? toPlain(text) : file.name, ...placed(text, style, context) };
}

function planUpload(file: Attachment, event: MatrixEvent, context: PlanContext): Send {
  const caption = captionOf(file, event.content) ?? [];
  const linked: Send = { do: 'send', style: 'emote', kept: file.name, ...placed(describe(file, event.content, context), 'emote', context) };
  const kept = caption.length === 0 ? file.name : toPlain(caption);
  return { do: 'send', file, style: 'text', kept, otherwise: linked, ...placed(caption, 'text', context) };
}

/** In its thread, pointing at what it answers. */
function placed(text: RichText, style: Style, { pointed, thread, can }: PlanContext): Pick<Send, 'text' | 'replyTo' | 'thread'> {
  const inThread = thread !== undefined && { thread };
  if (pointed === undefined) return { text, ...inThread };
  const { remote } = pointed;
  if (can.threads && remote !== undefined) return { text, replyTo: remote, ...inThread };
  if (style === 'emote') return { text, ...inThread };
  // Few clients show the relation itself: a name before the words tells all others whom they answer.
  return { text: text.length === 0 ? text : addressed(text, pointed), ...inThread, ...(remote !== undefined && { replyTo: remote }) };
}

function addressed(text: RichText, pointed: Pointed): RichText {
  const { relation, called } = pointed;
  if (called === undefined) return text;
  const isFresh = relation !== undefined && Date.now() - relation.at < freshMs;
  if (isFresh || relation?.text === undefined) return startsWith(text, called) ? text : before(text, words(`${called}: `));
  return before(text, words(`<${called}> "${shorten(relation.text)}" ← `));
}

function planEdit(event: MatrixEvent, context: PlanContext): Deed {
  const content: Content = recordIn(event.content, 'm.new_content') ?? event.content;
  const fresh = { ...event, content };
  const { pointed, session } = context;
  // One's words are one's own: what another sends as their edit is only another message.
  if (pointed?.relation !== undefined && pointed.relation.sender !== event.sender)
    return planMessage(event, { ...context, pointed: undefined });
  if (pointed?.remote !== undefined && session.edit !== undefined) return planOwnEdit(fresh, pointed.remote, context);
  const text = wordsOf(fresh);
  if (text === undefined) return { do: 'nothing' };
  const style = styleOf(content);
  const now = toPlain(text);
  const was = pointed?.relation?.text;
  if (was === now) return { do: 'nothing' };
  const said = was === undefined || was.length >= textLength - 1 ? undefined : editAsText(was, now);
  return { do: 'send', text: said === undefined || said.startsWith('* ') ? before(text, words('* ')) : fromPlain(said), style, kept: now };
}

function planOwnEdit(fresh: MatrixEvent, target: RemoteMessage, context: PlanContext): Deed {
  const file = attachmentOf(fresh);
  const style = styleOf(fresh.content);
  if (file !== undefined && context.can.files === 'upload') {
    const text = captionOf(file, fresh.content) ?? [];
    return { do: 'edit', target, text, style: 'text', kept: text.length === 0 ? file.name : toPlain(text), ofFile: true };
  }
  if (file !== undefined) {
    const picture = shown(file, fresh.content, context);
    const [text, style] = picture === undefined ? [describe(file, fresh.content, context), 'emote' as const] : [picture, 'text' as const];
    return { do: 'edit', target, text, style, kept: file.name, ofFile: false };
  }
  const text = wordsOf(fresh);
  return text === undefined ? { do: 'nothing' } : { do: 'edit', target, text, style, kept: toPlain(text), ofFile: false };
}

function planRedaction(event: MatrixEvent, context: PlanContext): Deed {
  const { pointed, session } = context;
  const relation = pointed?.relation;
  if (relation === undefined) return { do: 'nothing' };
  const reason = stringIn(event.content, 'reason');
  if (relation.kind === 'reaction') {
    return pointed?.remote !== undefined && session.react !== undefined && relation.emoji !== undefined
      ? { do: 'react', target: pointed.remote, emoji: relation.emoji, on: false }
      : send(`took back ${shorten(relation.emoji ?? 'a reaction')}`);
  }
  // Sent as whoever wrote it, it may be another's doing all the same; their name may stand in for a reason then.
  const by = shownName(event.content);
  const why = by?.hasFallback === true || reason === undefined ? '' : ` (${reason})`;
  const whose = event.sender === relation.sender && by === undefined ? '' : `${pointed?.called ?? 'somebody'}'s `;
  const otherwise = send(`removed ${whose}"${shorten(relation.text ?? 'a message')}"${why}`);
  if (pointed?.remote === undefined || session.redact === undefined) return otherwise;
  return { do: 'redact', target: pointed.remote, reason, otherwise };
}

function planReaction(event: MatrixEvent, context: PlanContext): Deed {
  const sign = signOf(event.content);
  if (sign === undefined || context.pointed?.relation === undefined) return { do: 'nothing' };
  const { remote, relation, called } = context.pointed;
  // Anything may be a reaction's key; what is no sign any more is told in words. A picture without a name is the network's to
  // refuse, so that its sender hears of it.
  const isSign = sign.length <= signLength || sign.startsWith('mxc://');
  if (remote !== undefined && context.session.react !== undefined && isSign) return { do: 'react', target: remote, emoji: sign, on: true };
  const whose = called === undefined ? '' : `${called}: `;
  const shown = sign.startsWith('mxc://') ? 'with a picture' : shorten(sign);
  return send(`reacted ${shown} to ${whose}"${shorten(relation.text ?? 'a message')}"`);
}

/** What a reaction shows: the sign itself; of a picture its name, as `:name:`. */
export function signOf(content: Content): string | undefined {
  const key = stringIn(recordIn(content, 'm.relates_to'), 'key');
  if (key === undefined || !key.startsWith('mxc://')) return key;
  const name = stringIn(content, 'shortcode') ?? stringIn(content, 'com.beeper.reaction.shortcode');
  const bare = name?.replace(/^:+|:+$/g, '').slice(0, signLength) ?? '';
  return /^[\p{L}\p{N}_+'-]+$/u.test(bare) ? `:${bare}:` : key;
}

export function nounOf({ kind }: Attachment): string {
  return kind === 'audio' ? 'an audio file' : kind === 'image' ? 'an image' : `a ${kind}`;
}

/** The picture itself, where its address is enough for that; below what was written beside it. */
function shown(file: Attachment, content: Content, { can, link }: PlanContext): RichText | undefined {
  const source = can.showsPictures === true && file.kind === 'image' ? link(file) : undefined;
  if (source === undefined) return undefined;
  return [...(captionOf(file, content) ?? []), paragraph({ is: 'image', source, alt: shorten(file.name, nameLength), picture: {} })];
}

function describe(file: Attachment, content: Content, context: PlanContext): RichText {
  const size = file.bytes === undefined ? '' : ` (${sizeOf(file.bytes)})`;
  const link = context.link(file);
  const said: Inline[] = [words(`sent ${nounOf(file)}: ${shorten(file.name, nameLength)}${size}`)];
  if (link !== undefined) said.push(words(' '), { is: 'link', to: link, of: [words(link)] });
  const caption = captionOf(file, content);
  return caption === undefined ? [paragraph(...said)] : [...before(caption, ...said, words(' — '))];
}

function send(body: string): Send {
  return { do: 'send', text: fromPlain(body), style: 'emote' };
}

function before(text: RichText, ...inlines: Inline[]): RichText {
  const [first, ...rest] = text;
  if (first?.is !== 'paragraph') return [paragraph(...inlines), ...text];
  const joined: Block = { is: 'paragraph', of: [...inlines, ...first.of] };
  return [joined, ...rest];
}

/** `al` opens `al, yes` and not `also`. */
function startsWith(text: RichText, name: string): boolean {
  const said = toPlain(text.slice(0, 1));
  return said.toLowerCase().startsWith(name.toLowerCase()) && !/^[\p{L}\p{N}_]/u.test(said.slice(name.length));
}

/** One line of so many characters at most. */
export function shorten(text: string, most = quoteLength): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  const signs = [...line.slice(0, most * 4)];
  return signs.length <= most && line.length <= most * 4 ? line : `${signs.slice(0, most).join('').trimEnd()}…`;
}

export function sizeOf(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / 1_024;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
