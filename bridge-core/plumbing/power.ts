// What a room's state says of power: who has how much, and what is needed for what. Pure; believes no shape.

import type { UserId } from '../ids.ts';
import { type Content, isRecord, type MatrixEvent, recordIn, stringIn } from '../matrix-event.ts';

export interface Power {
  /** Infinity for the creators of a room of version 12 or later. */
  of(user: UserId): number;
  /** To send state of this type. */
  forState(type: string): number;
  /** To notify more people than those who are named: `room` is everybody. */
  forNotification(kind: string): number;
}

export function stateOf(state: readonly MatrixEvent[], type: string, key = ''): MatrixEvent | undefined {
  return state.find((event) => event.type === type && event.stateKey === key);
}

export function isEncrypted(state: readonly MatrixEvent[]): boolean {
  return stateOf(state, 'm.room.encryption') !== undefined;
}

export function powerIn(state: readonly MatrixEvent[]): Power {
  const create = stateOf(state, 'm.room.create');
  const levels = stateOf(state, 'm.room.power_levels')?.content;
  const creators = creatorsIn(create);
  const users = recordIn(levels, 'users');
  const events = recordIn(levels, 'events');
  return {
    of(user) {
      if (create !== undefined && hasCreatorPower(create.content) && creators.has(user)) return Number.POSITIVE_INFINITY;
      // Without power levels the rooms of before have one who may: their creator.
      if (levels === undefined) return creators.has(user) ? 100 : 0;
      return levelIn(users, user) ?? levelIn(levels, 'users_default') ?? 0;
    },
    // Without power levels the rules ask nothing for state, yet what everybody may do is no consent: the usual 50 stands.
    forState: (type) => levelIn(events, type) ?? levelIn(levels, 'state_default') ?? 50,
    forNotification: (kind) => levelIn(recordIn(levels, 'notifications'), kind) ?? 50,
  };
}

/** Room version 12 and those that experimented with it. A version that we do not know gives nobody more than is written. */
function hasCreatorPower(create: Content): boolean {
  const version = stringIn(create, 'room_version') ?? '1';
  return /^\d+$/.test(version) ? Number(version) >= 12 : version.startsWith('org.matrix.hydra');
}

function creatorsIn(create: MatrixEvent | undefined): ReadonlySet<string> {
  if (create === undefined) return new Set();
  const more = create.content.additional_creators;
  const named = hasCreatorPower(create.content) && Array.isArray(more) ? more.filter((user) => typeof user === 'string') : [];
  return new Set([create.sender, ...named]);
}

/** Old rooms wrote levels as strings. */
function levelIn(of: Content | undefined, key: string): number | undefined {
  if (!isRecord(of) || !Object.hasOwn(of, key)) return undefined;
  const value = of[key];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : undefined;
}

export function shownLevel(level: number): string {
  return level === Number.POSITIVE_INFINITY ? 'a creator’s' : String(level);
}
