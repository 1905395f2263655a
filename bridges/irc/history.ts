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

/** PRIVMSG and NOTICE lines after `since` (ms, or a message id). Rejects with RetryableError if the server does not answer. */
export async function* historyLines(
  session: IrcSession,
  channel: string,
  since: RemoteMessageId | number,
  timeout: number,
): AsyncGenerator<IrcLine> {
  const most = Number(session.connection.isupport.get('CHATHISTORY')) || 100;
  const limit = Math.min(most, 1_000);
  let after = typeof since === 'number' ? stamp(since) : `msgid=${since}`;
  for (let read = 0; read < mostLines; ) {
    const page = await session.connection.ask(
      { command: 'CHATHISTORY', params: ['AFTER', channel, after, String(limit)] },
      { lane: 'command', timeout },
    );
    const failed = page.find((line) => line.command === 'FAIL' || line.command === '421');
    if (failed !== undefined) throw new RetryableError('NETWORK_BUSY', `${channel}: ${failed.params.at(-1) ?? 'no history'}`);
    const batches = new Batches();
    let last: IrcLine | undefined;
    for (const raw of page) {
      const line = batches.take(raw);
      if (line === undefined || (line.command !== 'PRIVMSG' && line.command !== 'NOTICE')) continue;
      last = line;
      read++;
      yield line;
    }
    if (last === undefined) return;
    const next = last.tags.msgid !== undefined ? `msgid=${last.tags.msgid}` : stamp(Date.parse(last.tags.time ?? ''));
    if (next === after) return;
    after = next;
  }
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
  const { channel, session, from, reports } = gap;
  channel.replay = { after: from, until: Date.now() + gap.timing.history };
  if (keepsHistory(session)) return fill(gap);
  // After a restart of the bridge itself nobody is told: it is down as long as its operator wants.
  if (channel.coverage.heardAt > 0) reports.gap(channel.id, from);
  return undefined;
}

async function fill(gap: Gap): Promise<void> {
  const { channel, from, reports } = gap;
  const { lastId, unreported } = channel.coverage;
  let last = from;
  // The id is exact; a server that no longer knows it is asked by time, with room for clocks that differ.
  const points = [...(lastId === undefined ? [] : [remoteMessageId(lastId)]), Math.max(0, from - clockMargin)];
  for (const since of points) {
    try {
      for await (const line of historyLines(gap.session, channel.name, since, gap.timing.history)) {
        last = Math.max(last, timeOf(line, Date.now()));
        const key = keyOf(line);
        // Said after we came in: it was heard live as well, and waits in the backlog.
        unreported.take(key);
        if (!gap.wasReported(key) && !gap.isOwn(line.nick)) reports.report(channel, line);
      }
      return;
    } catch {
      // Broken off halfway: the rest is told as a gap, since another start would repeat what was read.
      if (last > from) break;
    }
  }
  reports.gap(channel.id, last);
}
