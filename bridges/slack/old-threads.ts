// What is further back than the page that is read after a loss: the first answer to an old message, and what became of old messages. Slack
// lists neither by when it happened, so the pages before are read, some of them and in their turn, while newer things go on.

import type { Inbox, ShownMessage } from '#bridge-core';
import type { SlackBody } from './body.ts';
import { changesOf, reactionsOf } from './changes.ts';
import type { SlackRemoteEvent } from './events.ts';
import { type Fields, fieldsIn, isFields, textIn } from './fields.ts';
import { isAfter, isEditedAfter, threadsSince, told, unlessGone } from './history.ts';
import { makeChannelId, makeMessageId, timeOf, tsOf } from './ids.ts';
import type { Reader } from './reader.ts';
import type { SlackSettings } from './settings.ts';
import type { Team } from './team.ts';

export interface Behind {
  readonly team: Team;
  readonly reader: Reader;
  /** In Slack. */
  readonly channel: string;
  /** The loss began there. */
  readonly since: string;
  /** All newer than this was read. Absent: nothing was. */
  readonly from: string | undefined;
  readonly settings: SlackSettings['history'];
  readonly known: Pick<Inbox<SlackBody>, 'shown'>;
  /** Before each call. */
  readonly turn: () => Promise<void>;
}

const mostPages = 5;
/** ms before the loss. */
const furthest = 30 * 24 * 3_600_000;
/** ms */
const patience = 2 * 3_600_000;

export async function* oldThreadsOf(behind: Behind): AsyncGenerator<SlackRemoteEvent> {
  const { since, from } = behind;
  const within = { oldest: tsOf(timeOf(since) - furthest), ...(from !== undefined && { latest: from }) };
  for (let pages = 0, cursor: string | undefined; pages < mostPages; pages += 1) {
    const page = await pageOf(behind, 'conversations.history', { ...within, ...(cursor !== undefined && { cursor }) });
    yield* changesOn(behind, page.messages);
    for (const thread of threadsSince(page.messages, since)) yield* repliesIn(behind, thread);
    if (page.next === undefined) return;
    cursor = page.next;
  }
}

async function* changesOn(behind: Behind, messages: readonly Fields[]): AsyncGenerator<SlackRemoteEvent> {
  const { team, reader, channel, since, known } = behind;
  const times = messages.flatMap((message) => textIn(message, 'ts') ?? []).sort();
  const [first, last] = [times.at(0), times.at(-1)];
  if (first === undefined || last === undefined) return;
  const standing = (await known.shown?.(makeChannelId(team.id, channel), makeMessageId(first), makeMessageId(last))) ?? [];
  const shown = new Map<string, ShownMessage>(standing.map((each) => [each.id, each]));
  const edit = async (message: Fields) => (isEditedAfter(message, since) ? await told(team, reader, channel, message, true) : []);
  for (const message of messages) {
    const ts = textIn(message, 'ts') ?? '';
    const each = shown.get(ts);
    if (each !== undefined && !each.isGone) yield* changesOf({ team, reader, channel, edit }, ts, message, each);
  }
}

async function* repliesIn(behind: Behind, thread: string): AsyncGenerator<SlackRemoteEvent> {
  const { team, reader, channel, since } = behind;
  for (let cursor: string | undefined, isOver = false; !isOver; isOver = cursor === undefined) {
    const args = { ts: thread, oldest: since, ...(cursor !== undefined && { cursor }) };
    const page = await pageOf(behind, 'conversations.replies', args).catch(unlessGone);
    for (const reply of page?.messages ?? []) {
      const ts = textIn(reply, 'ts') ?? '';
      if (ts === thread || !isAfter(reply, since)) continue;
      const said = await told(team, reader, channel, reply, false);
      yield* said;
      if (said.length > 0) yield* await reactionsOf({ team, reader, channel }, ts, reply);
    }
    cursor = page?.next;
  }
}

async function pageOf(behind: Behind, method: 'conversations.history' | 'conversations.replies', args: object) {
  const { team, channel, settings, turn } = behind;
  await turn();
  const given = { channel, limit: settings.page, include_all_metadata: true, ...args };
  const page = await team.eyesOn(channel)(method, given, { patience, isBackground: true });
  const messages = (Array.isArray(page.messages) ? page.messages : []).filter(isFields);
  return { messages, next: textIn(fieldsIn(page, 'response_metadata'), 'next_cursor') };
}
