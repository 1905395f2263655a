// What became of messages that stand in the rooms while nobody listened: edits, reactions and deletions, by comparing what was read of
// the history with what was handed on before. A message that is missing is asked for by itself before anybody is told that it is gone.

import type { Inbox, RemoteMessageId, ShownMessage } from '#bridge-core';
import { PermanentError } from '#bridge-core';
import type { SlackBody } from './body.ts';
import { type SlackRemoteEvent, takenAway, type View } from './events.ts';
import { type Fields, listIn, numberIn, textIn, textsIn } from './fields.ts';
import { makeChannelId, makeMessageId, parseId } from './ids.ts';
import { actNames, expectation } from './ownership.ts';
import type { Reader } from './reader.ts';
import type { Team } from './team.ts';
import type { Ask } from './users.ts';
import { deletedKey } from './wire/dedupe.ts';
import { isRefusal } from './wire/faults.ts';

/** What was read: of the main line all between its oldest message and now. */
export interface Read {
  readonly found: Fields[];
  readonly older: Fields[];
  /** Threads whose replies since `lookFrom` are among them. */
  readonly threads: Set<string>;
  /** As far back as this is what is read all there is. */
  readonly mainFrom: string;
  readonly lookFrom: string;
}

export interface Compared {
  readonly team: Team;
  readonly reader: Reader;
  /** In Slack. */
  readonly channel: string;
  readonly read: Read;
  /** Messages that were handed on just now: their reactions are news as well. */
  readonly handedOn: ReadonlySet<string>;
  readonly known: Pick<Inbox<SlackBody>, 'shown' | 'threads'>;
  readonly ask: Ask;
  readonly edit: (message: Fields) => Promise<SlackRemoteEvent[]>;
}

/** Messages that are asked for by themselves, after one loss. */
const mostAsked = 20;
const newestPossible = '9999999999.999999';
/** ms */
const littlePatience = 1_000;

export async function* changesIn(compared: Compared): AsyncGenerator<SlackRemoteEvent> {
  const { read, handedOn } = compared;
  const shown = await shownOf(compared);
  if (shown === undefined) return;
  const messages = new Map([...read.older, ...read.found].map((message) => [textIn(message, 'ts') ?? '', message]));
  for (const [ts, message] of messages) {
    const standing = shown.get(ts);
    if (standing?.isGone === true || (standing === undefined && !handedOn.has(ts))) continue;
    yield* changesOf(compared, ts, message, standing);
  }
  yield* missing(compared, shown, messages);
}

export async function* changesOf(
  compared: Pick<Compared, 'team' | 'reader' | 'channel' | 'edit'>,
  ts: string,
  message: Fields,
  standing: ShownMessage | undefined,
): AsyncGenerator<SlackRemoteEvent> {
  if (message.subtype === 'tombstone') {
    yield removal(compared, ts, standing);
    return;
  }
  if (standing !== undefined && message.edited !== undefined) yield* await compared.edit(message);
  yield* await reactionsOf(compared, ts, message, standing);
}

async function shownOf({ team, channel, read, known }: Compared): Promise<Map<string, ShownMessage> | undefined> {
  if (known.shown === undefined) return undefined;
  const id = makeChannelId(team.id, channel);
  const from = Number(read.mainFrom) < Number(read.lookFrom) ? read.mainFrom : read.lookFrom;
  const shown = new Map<string, ShownMessage>();
  const add = async (first: string, last: string) => {
    for (const each of (await known.shown?.(id, makeMessageId(first), makeMessageId(last))) ?? []) shown.set(each.id, each);
  };
  await add(from, newestPossible);
  // What began an old thread stands far before.
  for (const root of read.threads) if (Number(root) < Number(from)) await add(root, root);
  return shown;
}

/** Those that are on a message now and do not stand in the rooms yet, or the other way round. */
export async function reactionsOf(
  { team, reader, channel }: Pick<Compared, 'team' | 'reader' | 'channel'>,
  ts: string,
  message: Fields,
  standing?: ShownMessage,
): Promise<SlackRemoteEvent[]> {
  const view = reader.view({ channel, receivedAt: Date.now(), key: undefined, isRtm: false });
  const own = team.identity?.botUser ?? '';
  const before = new Map<string, { readonly emoji: string; readonly user: string }>();
  for (const { emoji, by } of standing?.reactions ?? []) {
    const user = parseId(by).id;
    if (user !== own) before.set(nameOf(emoji, user), { emoji, user });
  }
  const now = new Map<string, { readonly name: string; readonly user: string }>();
  /** Of more than some people Slack names only the first: of such a sign nobody is known to have taken it back. */
  const unsure = new Set<string>();
  for (const reaction of listIn(message, 'reactions')) {
    const name = textIn(reaction, 'name');
    if (name === undefined) continue;
    const { emoji } = view.emoji(name);
    const users = textsIn(reaction, 'users');
    if (users.length < (numberIn(reaction, 'count') ?? users.length)) unsure.add(plain(emoji));
    for (const user of users) if (user !== own) now.set(nameOf(emoji, user), { name, user });
  }
  const given = Array.from(now).filter(([name, { user, name: sign }]) => !before.has(name) && !isUnderWay(team, channel, ts, user, sign));
  const taken = Array.from(before).filter(([name, { emoji }]) => !now.has(name) && !unsure.has(plain(emoji)));
  await reader.introduce([...given, ...taken].map(([, { user }]) => user));
  return [
    ...taken.map(([, { emoji, user }]) => reactionBy(view, ts, user, { emoji }, false)),
    ...given.map(([, { name, user }]) => reactionBy(view, ts, user, view.emoji(name), true)),
  ];
}

/** One of ours is giving it just now. */
function isUnderWay(team: Team, channel: string, ts: string, user: string, name: string): boolean {
  return team.acts.isExpected(expectation(user, channel, actNames.react(ts, name, true)));
}

function reactionBy(view: View, ts: string, user: string, sign: ReturnType<View['emoji']>, on: boolean): SlackRemoteEvent {
  const base = { at: view.receivedAt, channel: view.channel, sender: view.person(user), target: makeMessageId(ts) };
  return { kind: 'reaction', ...base, ...sign, on };
}

async function* missing(compared: Compared, shown: ReadonlyMap<string, ShownMessage>, messages: ReadonlyMap<string, Fields>) {
  const { team, channel, read } = compared;
  const gone = Array.from(shown.values()).filter(({ id, isGone, thread }) => {
    if (isGone || messages.has(id)) return false;
    const root = thread ?? team.threads.rootOf(channel, id);
    // A thread may be read, or not; of those that are not nothing is known.
    return root === id ? Number(id) >= Number(read.mainFrom) : read.threads.has(root) && Number(id) > Number(read.lookFrom);
  });
  for (const standing of gone.slice(-mostAsked)) {
    const isThere = await isInSlack(compared, standing.id);
    if (isThere === undefined) return;
    if (!isThere) yield removal(compared, standing.id, standing);
  }
}

/** Undefined: Slack cannot be asked now. */
async function isInSlack({ ask, channel }: Compared, ts: RemoteMessageId): Promise<boolean | undefined> {
  const args = { channel, ts, oldest: ts, latest: ts, inclusive: true, limit: 2 };
  try {
    const told = await ask('conversations.replies', args, { patience: littlePatience, isBackground: true });
    const found = listIn(told, 'messages').find((message) => message.ts === ts);
    // Of another message nothing follows.
    return found?.subtype !== 'tombstone';
  } catch (thrown) {
    if (isRefusal(thrown, 'thread_not_found', 'message_not_found')) return false;
    if (thrown instanceof PermanentError) return true;
    return undefined;
  }
}

/** Who took it away is not told: as with an event, it is whoever said it; what we said for others is taken away in Slack, by nobody. */
function removal({ team, channel }: Pick<Compared, 'team' | 'channel'>, ts: string, standing: ShownMessage | undefined): SlackRemoteEvent {
  const sender = standing?.sender === undefined ? undefined : team.users.person(parseId(standing.sender).id);
  return {
    ...{ kind: 'redaction', at: Date.now(), channel: makeChannelId(team.id, channel), id: makeMessageId(deletedKey(channel, ts)) },
    ...{ target: makeMessageId(ts), ...(sender === undefined ? { reason: takenAway } : { sender }) },
  };
}

/** The mark for a coloured sign is written or left out as one likes. */
const plain = (emoji: string): string => emoji.replaceAll('\ufe0f', '');
const nameOf = (emoji: string, user: string): string => `${plain(emoji)} ${user}`;
