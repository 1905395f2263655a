// What was said in a channel while nobody listened, oldest first: messages, new replies in older threads, and edits of what was said
// before; what else became of older messages is changes.ts'. Within a budget of calls; what it does not reach is told as a gap. Our own
// posts are left out.

import { BridgeError, type Inbox, type RemoteMessageId, RetryableError } from '#bridge-core';
import type { SlackBody } from './body.ts';
import { changesIn, type Read, reactionsOf } from './changes.ts';
import type { SlackRemoteEvent } from './events.ts';
import { type Fields, fieldsIn, isFields, textIn } from './fields.ts';
import { makeChannelId, timeOf, tsOf } from './ids.ts';
import { identified } from './intake.ts';
import { ownDoing, ownEdit } from './ownership.ts';
import type { Reader } from './reader.ts';
import type { SlackSettings } from './settings.ts';
import type { Team } from './team.ts';
import type { Ask } from './users.ts';
import { editedKey } from './wire/dedupe.ts';
import { isRefusal } from './wire/faults.ts';

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
  /** Once somebody waits for it: no longer behind everything else, and for so long only. */
  readonly hurried?: { readonly when: Promise<void>; readonly patience: number } | undefined;
  /** What stands in the rooms already, to see what became of it meanwhile. Absent: that is not wanted. */
  readonly known?: Pick<Inbox<SlackBody>, 'shown' | 'threads'> | undefined;
  /** Nothing says that anything was missed: no call is for what only might have changed. */
  readonly isLight?: boolean;
  /** How far back the main line was read; undefined: there is nothing before. */
  readonly reached?: (ts: string | undefined) => void;
}

type Gap = Extract<SlackRemoteEvent, { kind: 'gap' }>;

interface Page {
  readonly messages: readonly Fields[];
  readonly next: string | undefined;
}

/** Threads that are read for their new replies, after one loss. */
const mostThreads = 30;
/** Threads that are looked into beside those, where that costs no waiting: old ones, and those with nothing new but what became of it. */
const mostLooks = 10;
/** ms before the gap: how old replies may be to be compared, and what was last shown of a thread to be asked after. */
const lookBack = 24 * 3_600_000;
const threadLookBack = 7 * lookBack;
/** ms */
const littlePatience = 1_000;
/** Calls a minute: with less, none is for what only might have changed. */
export const fewCalls = 10;

export async function* historyOf(stretch: Stretch): AsyncGenerator<SlackRemoteEvent> {
  const { team, reader, channel, since, settings, most, known } = stretch;
  // Or our own posts would be taken for another's.
  await identified(team);
  const from = typeof since === 'number' ? tsOf(since) : String(since);
  const eyes = team.eyesOn(channel);
  const limit = Math.min(settings.most, most ?? settings.most);
  const found: Fields[] = [];
  const older: Fields[] = [];
  const threads = new Set<string>();
  const lookFrom = known === undefined || settings.callsPerMinute < fewCalls ? from : tsOf(timeOf(from) - lookBack);
  let reachedTo: string | undefined;
  let mainFrom: string | undefined;
  try {
    for (let cursor: string | undefined; ; ) {
      const page = await pageOf(stretch, eyes, 'conversations.history', cursor);
      for (const message of page.messages) (isAfter(message, from) ? found : older).push(message);
      reachedTo = textIn(page.messages.at(-1), 'ts') ?? reachedTo;
      mainFrom = reachedTo;
      cursor = page.next;
      if (cursor === undefined && (mainFrom === undefined || isAfter({ ts: mainFrom }, lookFrom))) mainFrom = lookFrom;
      if (cursor === undefined || older.length > 0) {
        stretch.reached?.(cursor === undefined ? undefined : mainFrom);
        break;
      }
      if (found.length < limit) continue;
      if (most === undefined) throw new Exhausted();
      break;
    }
    // What is older than those that are wanted brings no thread along.
    if (most !== undefined) found.splice(0, found.length, ...newestOf(found, limit));
    await addReplies(stretch, eyes, from, lookFrom, { found, older, threads });
    reachedTo = undefined;
  } catch (thrown) {
    // Slack refuses, or is not there: that is not the budget's end.
    if (!(thrown instanceof Exhausted) && !(thrown instanceof RetryableError && thrown.code === 'NETWORK_BUSY')) throw thrown;
    // There is time for what nobody waits for.
    if (most !== undefined && found.length === 0) throw thrown;
    // What was read is told all the same; where nothing was, nothing of the stretch is known.
    if (most === undefined) yield gapOf(team, channel, from, reachedTo);
  }
  if (known !== undefined && lookFrom !== from && stretch.isLight !== true)
    await lookIntoThreads(stretch, eyes, from, lookFrom, { found, older, threads });
  const newest = newestOf(found, limit);
  const handedOn = new Set<string>();
  for (const message of newest) {
    const said = await told(team, reader, channel, message, false);
    if (said.length > 0) handedOn.add(textIn(message, 'ts') ?? '');
    yield* said;
  }
  // Only the newest are wanted of what nobody has seen: then with all that is on them.
  if (most !== undefined)
    for (const message of newest) {
      const ts = textIn(message, 'ts') ?? '';
      if (handedOn.has(ts)) yield* await reactionsOf({ team, reader, channel }, ts, message);
    }
  for (const message of older.sort(byTs)) if (isEditedAfter(message, from)) yield* await told(team, reader, channel, message, true);
  if (known === undefined || mainFrom === undefined) return;
  const read = { found, older, threads, mainFrom, lookFrom };
  yield* changesIn({
    ...{ team, reader, channel, read, handedOn, known, ask: eyes },
    edit: (message) => told(team, reader, channel, message, true),
  });
}

const newestOf = (found: Fields[], limit: number): Fields[] => (limit === 0 ? [] : found.sort(byTs).slice(-limit));

class Exhausted extends Error {}

export async function told(team: Team, reader: Reader, channel: string, message: Fields, isEdit: boolean): Promise<SlackRemoteEvent[]> {
  const event: Fields = { ...message, type: 'message', channel };
  if ((await (isEdit ? ownEdit : ownDoing)(team, channel, event)) === true) return [];
  await reader.prepare(event);
  const ts = textIn(message, 'ts') ?? '';
  const edited = textIn(fieldsIn(message, 'edited'), 'ts') ?? '';
  if (edited !== '') team.newest.read(channel, ts, edited);
  const about = { channel, receivedAt: Date.now(), key: isEdit ? editedKey(channel, ts, edited) : undefined, isRtm: false };
  const read = isEdit
    ? reader.read({ type: 'message', subtype: 'message_changed', channel, ts: edited, event_ts: edited, message }, about)
    : reader.readPosted(event, about);
  return read === undefined ? [] : [read];
}

/** Replies stand in their thread alone; a thread tells when it was last answered. */
async function addReplies(stretch: Stretch, eyes: Ask, from: string, lookFrom: string, read: Threaded): Promise<void> {
  const threads = threadsSince([...read.found, ...read.older], from);
  if (threads.length > mostThreads && stretch.most === undefined) throw new Exhausted();
  for (const thread of threads.slice(-mostThreads)) await addThread(stretch, eyes, thread, from, lookFrom, read).catch(unlessGone);
}

type Threaded = Pick<Read, 'found' | 'older' | 'threads'>;

/** As far as that costs no waiting: first those that were busy of late and whose beginning was not read, then the rest. */
async function lookIntoThreads(stretch: Stretch, eyes: Ask, from: string, lookFrom: string, read: Threaded): Promise<void> {
  const { known, team, channel } = stretch;
  const messages = [...read.found, ...read.older];
  const busy = (await known?.threads?.(makeChannelId(team.id, channel), timeOf(from) - threadLookBack, mostLooks)) ?? [];
  const isRead = new Set(messages.map((message) => textIn(message, 'ts')));
  const wanted = new Set([...busy.filter((root) => !isRead.has(root)).map(String), ...threadsSince(messages, lookFrom)]);
  const within = { ...stretch, patience: littlePatience };
  try {
    for (const thread of [...wanted].filter((root) => !read.threads.has(root)).slice(0, mostLooks))
      await addThread(within, eyes, thread, from, lookFrom, read).catch(unlessGone);
  } catch (thrown) {
    // It would only have been more.
    if (!(thrown instanceof BridgeError)) throw thrown;
  }
}

/** With all that was said in it. */
export function unlessGone(thrown: unknown): void {
  if (!isRefusal(thrown, 'thread_not_found')) throw thrown;
}

export function threadsSince(messages: readonly Fields[], from: string): string[] {
  return messages.flatMap((message) => {
    const latest = textIn(message, 'latest_reply');
    const ts = textIn(message, 'ts');
    return ts !== undefined && latest !== undefined && Number(latest) > Number(from) && message.thread_ts === ts ? [ts] : [];
  });
}

async function addThread(stretch: Stretch, eyes: Ask, thread: string, from: string, lookFrom: string, read: Threaded): Promise<void> {
  const { found, older } = read;
  for (let cursor: string | undefined; ; ) {
    const page = await pageOf(stretch, eyes, 'conversations.replies', cursor, thread, lookFrom);
    const known = new Set([...found, ...older].map((message) => textIn(message, 'ts')));
    for (const message of page.messages) if (!known.has(textIn(message, 'ts'))) (isAfter(message, from) ? found : older).push(message);
    cursor = page.next;
    if (cursor === undefined) break;
  }
  read.threads.add(thread);
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
  const { channel, settings, patience, hurried } = stretch;
  const args = { channel, limit: settings.page, include_all_metadata: true };
  const more = { ...(cursor !== undefined && { cursor }), ...(ts !== undefined && { ts }), ...(oldest !== undefined && { oldest }) };
  const given = { ...args, ...more };
  const calm = ask(method, given, { patience, isBackground: true });
  // The calm one is not called back: it costs a call of the budget, and its answer is nobody's.
  let isRead = false;
  const soon = hurried?.when.then(() => (isRead ? calm : ask(method, given, { patience: hurried.patience })));
  for (const either of [calm, soon]) either?.catch(() => {});
  const page = await Promise.race(soon === undefined ? [calm] : [calm, soon]);
  isRead = true;
  const messages = (Array.isArray(page.messages) ? page.messages : []).filter(isFields);
  return { messages, next: textIn(fieldsIn(page, 'response_metadata'), 'next_cursor') };
}

export function gapOf(team: Team, channel: string, from: string, to: string | undefined): Gap {
  const at = Date.now();
  return { kind: 'gap', at, channel: makeChannelId(team.id, channel), from: timeOf(from), to: to === undefined ? at : timeOf(to) };
}

export function isAfter(message: Fields, from: string): boolean {
  return Number(message.ts) > Number(from);
}

export function isEditedAfter(message: Fields, from: string): boolean {
  return Number(textIn(fieldsIn(message, 'edited'), 'ts') ?? 0) > Number(from);
}

function byTs(one: Fields, other: Fields): number {
  return Number(one.ts) - Number(other.ts);
}
