// What was said in a channel while nobody of ours was there, where the server keeps it (draft/chathistory): oldest first, page
// by page.

import { type RemoteMessageId, RetryableError, remoteMessageId } from '#bridge-core';
import { keyOf } from './backlog.ts';
import { Batches } from './batches.ts';
import { timeOf } from './events.ts';
import type { Reports } from './reports.ts';
import type { IrcSession } from './session.ts';
import type { IrcTiming } from './timing.ts';
import type { Watched } from './watched.ts';
import type { IrcLine } from './wire/connection.ts';

/** More than this is not read: who was away so long reads no further. */
const mostLines = 10_000;

/** ms by which the server's clock may be behind ours. */
const clockMargin = 5_000;

export function keepsHistory(session: IrcSession): boolean {
  const { capabilities } = session.connection;
  return ['draft/chathistory', 'batch', 'labeled-response', 'server-time'].every((name) => capabilities.has(name));
}

/** PRIVMSG and NOTICE lines after `since` (ms, or a message id). Returns false where there are more than are read. Rejects with
 *  RetryableError if the server does not answer. */
export async function* historyLines(
  session: IrcSession,
  channel: string,
  since: RemoteMessageId | number,
  timeout: number,
): AsyncGenerator<IrcLine, boolean> {
  const most = Number(session.connection.isupport.get('CHATHISTORY')) || 100;
  let after = typeof since === 'number' ? stamp(since) : `msgid=${since}`;
  for (let read = 0; ; ) {
    const isEnough = read >= mostLines;
    const page = await ask(session, ['AFTER', channel, after, String(isEnough ? 1 : Math.min(most, 1_000))], timeout);
    const last = page.at(-1);
    if (last === undefined) return true;
    if (isEnough) return false;
    read += page.length;
    yield* page;
    const next = last.tags.msgid !== undefined ? `msgid=${last.tags.msgid}` : stamp(Date.parse(last.tags.time ?? ''));
    if (next === after) return false;
    after = next;
  }
}

/** Is anything there still that was said before? What comes behind it is whole then, for servers let go of the oldest first. */
async function keepsBefore(session: IrcSession, channel: string, at: number, timeout: number): Promise<boolean> {
  const page = await ask(session, ['BEFORE', channel, stamp(at), '5'], timeout).catch(() => []);
  return page.length > 0;
}

async function ask(session: IrcSession, params: readonly string[], timeout: number): Promise<IrcLine[]> {
  const answer = await session.connection.ask({ command: 'CHATHISTORY', params }, { lane: 'command', timeout });
  const failed = answer.find((line) => line.command === 'FAIL' || line.command === '421');
  if (failed !== undefined) throw new RetryableError('NETWORK_BUSY', `${params[1]}: ${failed.params.at(-1) ?? 'no history'}`);
  const batches = new Batches();
  return answer.flatMap((raw) => {
    const line = batches.take(raw);
    return line !== undefined && (line.command === 'PRIVMSG' || line.command === 'NOTICE') ? [line] : [];
  });
}

function stamp(ms: number): string {
  return `timestamp=${new Date(Number.isFinite(ms) ? ms : Date.now()).toISOString()}`;
}

export interface Gap {
  readonly channel: Watched;
  readonly session: IrcSession;
  /** Since when nobody heard, ms. */
  readonly from: number;
  readonly reports: Reports;
  readonly timing: IrcTiming;
  readonly isOwn: (nick: string) => boolean;
  readonly wasReported: (key: string) => boolean;
}

/** Fills the gap from the server's history, or tells of it. A promise where filling takes time: live lines wait for it. */
export function bridgeGap(gap: Gap): Promise<void> | undefined {
  const { channel, session, from } = gap;
  channel.replay = { after: from, until: Date.now() + gap.timing.history };
  if (keepsHistory(session)) return fill(gap);
  lose(gap, from);
  return undefined;
}

/** From here on nothing was to be had. A restart of the bridge itself that is soon over is counted alone: else every one of them
 *  would be told in all rooms. */
function lose({ channel, reports, timing }: Gap, from: number): void {
  const isQuickRestart = channel.coverage.heardAt === 0 && Date.now() - from < timing.quickRestart && !channel.wasShutOut;
  reports.gap(channel.id, from, { isTold: !isQuickRestart, reason: reasonOf(channel) });
}

/** Undefined: the connection was lost. */
const reasonOf = ({ wasShutOut }: Watched): string | undefined => (wasShutOut ? 'the channel had put the bridge out' : undefined);

async function fill(gap: Gap): Promise<void> {
  const { channel, session, from, reports } = gap;
  const { lastId, unreported } = channel.coverage;
  const timeout = gap.timing.history;
  // The id is exact; a server that no longer knows it is asked by time, with room for clocks that differ.
  const early = Math.max(0, from - clockMargin);
  const points = [...(lastId ? [remoteMessageId(lastId)] : []), early];
  let last = from;
  // Where nobody ever spoke, nothing is missing before the first words.
  const isCutOff = async (since: unknown) =>
    lastId !== undefined && since === early && !(await keepsBefore(session, channel.name, early, timeout));
  for (const since of points) {
    try {
      const lines = historyLines(session, channel.name, since, timeout);
      let next = await lines.next();
      if (next.done !== true) {
        const first = timeOf(next.value, Date.now());
        if (first > from && (await isCutOff(since))) reports.gap(channel.id, from, { to: first });
      } else if (Date.now() - from > gap.timing.quickRestart && (await isCutOff(since))) {
        reports.gap(channel.id, from);
      }
      for (; next.done !== true; next = await lines.next()) {
        const line = next.value;
        last = Math.max(last, timeOf(line, Date.now()));
        const key = keyOf(line);
        // Said after we came in: it was heard live as well, and waits in the backlog.
        unreported.take(key);
        if (!gap.wasReported(key) && !gap.isOwn(line.nick)) reports.report(channel, line);
      }
      if (!next.value) reports.gap(channel.id, last);
      return;
    } catch {
      // Broken off halfway: the rest is told as a gap, since another start would repeat what was read.
      if (last > from) break;
    }
  }
  if (last > from) reports.gap(channel.id, last);
  else lose(gap, from);
}
