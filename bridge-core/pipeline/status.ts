// What became of a message, on the very message: the row that tells its sender's client. Plain data.

import type { MatrixEvent } from '../matrix-event.ts';
import type { NewRow } from './journal.ts';
import { roomLane, type Task, towards } from './row.ts';

export type Failure = NonNullable<Extract<Task, { do: 'status' }>['failure']>;

export const dropped: Failure = { code: 'NETWORK_BUSY', words: 'What this points at has not arrived on the network yet.' };

/** Without a failure: it no longer shows as failed. */
export function statusOn(event: MatrixEvent, network: string, failure?: Failure): NewRow {
  const task = { do: 'status' as const, event: event.id, network, ...(failure !== undefined && { failure }) };
  return { direction: towards.matrix, lane: roomLane(event.room), link: 0, source: '', task };
}
