// What was said in a channel while nobody listened, oldest first: messages, new replies in older threads, and edits of what was said
// before. Within a budget of calls; what it does not reach is told as a gap. Our own posts are left out.

import { type RemoteMessageId, RetryableError } from '#bridge-core';
import type { SlackRemoteEvent } from './events.ts';
import { type Fields, fieldsIn, isFields, textIn } from './fields.ts';
import { makeChannelId, timeOf, tsOf } from './ids.ts';
import { ownDoing } from './ownership.ts';
import type { Reader } from './reader.ts';
import type { SlackSettings } from './settings.ts';
import type { Team } from './team.ts';
import type { Ask } from './users.ts';
import { editedKey } from './wire/dedupe.ts';

export interface Stretch {
  readonly team: Team;
  readonly reader: Reader;
  /** In Slack. */
  readonly channel: string;
  readonly since: RemoteMessageId | number;
  /** Only the newest so many are wanted. */
  readonly most?: number | undefined;
  readonly settings: SlackSettings['history'];
  /** ms that a call may wait for its turn. */
  readonly patience: number;
}

interface Page {
  readonly messages: readonly Fields[];
  readonly next: string | undefined;
}

/** Threads that are read for their new replies, after one loss. */
const mostThreads = 30;

export async function* historyOf(stretch: Stretch): AsyncGenerator<SlackRemoteEvent> {
  const { team, reader, channel, since, settings, most } = stretch;
  const from = typeof since === 'number' ? tsOf(since) : String(since);
  const eyes = team.eyesOn(channel);
  const limit = Math.min(settings.most, most ?? settings.most);
  const found: Fields[] = [];
  const older: Fields[] = [];
  let reachedTo: string | undefined;
  try {
    for (let cursor: string | undefined; ; ) {
      const page = await pageOf(stretch, eyes, 'conversations.history', cursor);
      for (const message of page.messages) (isAfter(message, from) ? found : older).push(message);
      reachedTo = textIn(page.messages.at(-1), 'ts') ?? reachedTo;
      cursor = page.next;
      if (cursor === undefined || older.length > 0) break;
      if (found.length >= limit) throw new Exhausted();
    }
    await addReplies(stretch, eyes, from, found, [...found, ...older]);
    reachedTo = undefined;
  } catch (thrown) {
    // Slack refuses, or is not there: that is not the budget's end.
    if (!(thrown instanceof Exhausted) && !(thrown instanceof RetryableError && thrown.code === 'NETWORK_BUSY')) throw thrown;
    // What was read is told all the same; where nothing was, nothing of the stretch is known.
    if (most === undefined) yield gapOf(team, channel, from, reachedTo);
  }
  const newest = found.sort(byTs).slice(-limit);
  for (const message of newest) yield* await told(team, reader, channel, message, false);
  for (const message of older.sort(byTs)) if (isEditedAfter(message, from)) yield* await told(team, reader, channel, message, true);
}

class Exhausted extends Error {}

async function told(team: Team, reader: Reader, channel: string, message: Fields, isEdit: boolean): Promise<SlackRemoteEvent[]> {
  const event: Fields = { ...message, type: 'message', channel };
  if ((await ownDoing(team, channel, event)) === true) return [];
  await reader.prepare(event);
  const ts = textIn(message, 'ts') ?? '';
  const edited = textIn(fieldsIn(message, 'edited'), 'ts') ?? '';
  const about = { channel, receivedAt: Date.now(), key: isEdit ? editedKey(channel, ts, edited) : undefined, isRtm: false };
  const read = isEdit
    ? reader.read({ type: 'message', subtype: 'message_changed', channel, ts: edited, event_ts: edited, message }, about)
    : reader.readPosted(event, about);
  return read === undefined ? [] : [read];
}

/** Replies stand in their thread alone; a thread tells when it was last answered. */
async function addReplies(stretch: Stretch, eyes: Ask, from: string, found: Fields[], messages: readonly Fields[]): Promise<void> {
  const threads = messages.filter((message) => {
    const latest = textIn(message, 'latest_reply');
    return latest !== undefined && Number(latest) > Number(from) && message.thread_ts === message.ts;
  });
  if (threads.length > mostThreads) throw new Exhausted();
  for (const thread of threads) {
    for (let cursor: string | undefined; ; ) {
      const page = await pageOf(stretch, eyes, 'conversations.replies', cursor, textIn(thread, 'ts'), from);
      const known = new Set(found.map((message) => textIn(message, 'ts')));
      found.push(...page.messages.filter((message) => isAfter(message, from) && !known.has(textIn(message, 'ts'))));
      cursor = page.next;
      if (cursor === undefined) break;
    }
  }
}

/** The whole of the newest page is read, not just what is new in it: it shows the threads that go on. */
async function pageOf(
  stretch: Stretch,
  ask: Ask,
  method: 'conversations.history' | 'conversations.replies',
  cursor?: string,
  ts?: string,
  oldest?: string,
): Promise<Page> {
  const { channel, settings, patience } = stretch;
  const args = { channel, limit: settings.page, include_all_metadata: true };
  const more = { ...(cursor !== undefined && { cursor }), ...(ts !== undefined && { ts }), ...(oldest !== undefined && { oldest }) };
  const page = await ask(method, { ...args, ...more }, { patience, isBackground: true });
  const messages = (Array.isArray(page.messages) ? page.messages : []).filter(isFields);
  return { messages, next: textIn(fieldsIn(page, 'response_metadata'), 'next_cursor') };
}

export function gapOf(team: Team, channel: string, from: string, to: string | undefined): SlackRemoteEvent {
  const at = Date.now();
  return { kind: 'gap', at, channel: makeChannelId(team.id, channel), from: timeOf(from), to: to === undefined ? at : timeOf(to) };
}

function isAfter(message: Fields, from: string): boolean {
  return Number(message.ts) > Number(from);
}

function isEditedAfter(message: Fields, from: string): boolean {
  return Number(textIn(fieldsIn(message, 'edited'), 'ts') ?? 0) > Number(from);
}

function byTs(one: Fields, other: Fields): number {
  return Number(one.ts) - Number(other.ts);
}
