// What matrix-appservice-slack keeps, whichever of its two stores it is in: rows as they are, whose shape nobody promises, under
// the names that its tables have in PostgreSQL.

import { messageOf, PermanentError } from '#bridge-core';
import { type Fields, isFields } from '../fields.ts';

export interface OldStore {
  readonly teams: readonly Fields[];
  /** With `json` read. */
  readonly rooms: readonly OldRow[];
  readonly users: readonly OldRow[];
  readonly puppets: readonly Fields[];
  readonly accounts: readonly Fields[];
  readonly adminRooms: readonly Fields[];
  readonly events: readonly Fields[];
  readonly reactions: readonly Fields[];
  /** Events from before what can be pointed at. */
  readonly olderEvents: number;
  /** Somebody else is at the store: as often as not the old bridge, which then goes on beside us. */
  readonly isInUse: boolean;
  /** Tables that nothing here stands for: how many rows each has. */
  readonly others: Readonly<Record<string, number>>;
}

/** A row with JSON in it; `told` is undefined where that is broken. */
export interface OldRow {
  readonly row: Fields;
  readonly told: Fields | undefined;
}

export function rowWith(row: Fields, json: unknown): OldRow {
  return { row, told: readJson(json) };
}

export function readJson(json: unknown): Fields | undefined {
  if (isFields(json)) return json;
  if (typeof json !== 'string') return undefined;
  try {
    const told: unknown = JSON.parse(json);
    return isFields(told) ? told : undefined;
  } catch {
    return undefined;
  }
}

export const refused = (message: string, cause?: unknown): PermanentError => new PermanentError('TAKE_OVER_REFUSED', message, cause);

export const whyOf = (thrown: unknown): string => messageOf(thrown).split('\n')[0] ?? '';
