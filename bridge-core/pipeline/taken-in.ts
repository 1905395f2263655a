// Whether what a channel said was taken in already, under whichever id the channel had then.

import type { ChannelId, RemoteMessageId } from '../ids.ts';
import type { Links } from '../plumbing/links.ts';
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

/** False where it was already. In a unit. */
export function takeIn({ journal, links }: Ledger, channel: ChannelId, id: RemoteMessageId): boolean {
  if (!journal.markSeen(towards.matrix, channel, id)) return false;
  return !links.formerOf(channel).some((former) => journal.isSeen(towards.matrix, former, id));
}
