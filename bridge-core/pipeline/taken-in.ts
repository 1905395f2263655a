// Whether what a channel said was taken in already, under whichever id the channel had then.

import type { ChannelId, RemoteMessageId } from '../ids.ts';
import { keepsBack } from '../plumbing/kept-back.ts';
import type { Link, Links } from '../plumbing/links.ts';
import type { RemoteEvent } from '../remote-event.ts';
import type { Journal } from './journal.ts';
import { towards } from './row.ts';

interface Ledger {
  readonly journal: Pick<Journal, 'isSeen' | 'markSeen'>;
  readonly links: Pick<Links, 'formerOf'>;
}

export function isTakenIn({ journal, links }: Ledger, channel: ChannelId, id: RemoteMessageId): boolean {
  if (journal.isSeen(towards.matrix, channel, id)) return true;
  return links.formerOf(channel).some((former) => journal.isSeen(towards.matrix, former, id));
}

/** False where it was already. In a unit. What is edited or taken away comes with that: told only afterwards, it would stand there
 *  twice, or again. `on`: where it goes to at once; a room that keeps something back shows no edit of what it does not know. */
export function takeIn({ journal, links }: Ledger, event: RemoteEvent, on: readonly Link[]): boolean {
  const { channel, id } = event;
  const isAll = event.kind === 'redaction' || (event.kind === 'edit' && !on.some(keepsBack));
  if (isAll && on.length > 0) journal.markSeen(towards.matrix, channel, event.target);
  if (id === undefined) return true;
  if (!journal.markSeen(towards.matrix, channel, id)) return false;
  return !links.formerOf(channel).some((former) => journal.isSeen(towards.matrix, former, id));
}
