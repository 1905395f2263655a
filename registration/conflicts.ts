// What two bridges must not share: told apart by hs_token, each with its own names on the homeserver, its own store and its
// own paths on a listener.

import type { CoreSettings } from '#bridge-core/host';
import { overlap } from './overlap.ts';
import type { RegistrationFile } from './registration.ts';

export interface Candidate {
  readonly file: string;
  readonly core: CoreSettings;
  /** undefined where there is none yet. */
  readonly registration: RegistrationFile | undefined;
}

export interface Conflict {
  /** The later of the two files, and the setting in it that has to change. */
  readonly file: string;
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
  readonly hint: string;
}

export function conflictsBetween(candidates: readonly Candidate[]): Conflict[] {
  return candidates.flatMap((later, at) => candidates.slice(0, at).flatMap((earlier) => conflictsOf(earlier, later)));
}

function conflictsOf(earlier: Candidate, later: Candidate): Conflict[] {
  const conflicts: Conflict[] = [];
  const refuse = (path: string, found: string, allowed: string, hint = '') =>
    conflicts.push({ file: later.file, path, found, allowed, hint });
  const theirs = `of ${earlier.file}`;
  if (earlier.core.store === later.core.store) refuse('store', `the store ${theirs}`, 'a store for each bridge');
  const [one, other] = [earlier.core.appservice.listen, later.core.appservice.listen];
  if (one.host === other.host && one.port === other.port && earlier.core.webPrefix === later.core.webPrefix) {
    refuse(
      'web_prefix',
      `${later.core.webPrefix}, as that ${theirs}`,
      'a prefix of its own for each bridge on one address',
      'set web_prefix',
    );
  }
  if (earlier.core.appservice.registration === later.core.appservice.registration) {
    const hint = 'name a file of its own, and `causeway register` writes it';
    refuse('appservice.registration', `the registration ${theirs}`, 'a registration for each bridge', hint);
  } else if (earlier.registration !== undefined && later.registration !== undefined) {
    conflicts.push(...registrationConflicts(earlier.registration, later.registration, theirs, later.file));
  }
  return conflicts;
}

function registrationConflicts(earlier: RegistrationFile, later: RegistrationFile, theirs: string, file: string): Conflict[] {
  const path = 'appservice.registration';
  const conflicts: Conflict[] = [];
  const shared = (
    [
      ['hs_token', earlier.hs_token, later.hs_token],
      ['as_token', earlier.as_token, later.as_token],
      ['id', earlier.id, later.id],
    ] as const
  ).filter(([, one, other]) => one === other);
  for (const [key] of shared) {
    const hint = 'take the file away and run `causeway register` for fresh ones';
    conflicts.push({ file, path, found: `a registration with the ${key} ${theirs}`, allowed: `one ${key} for each bridge`, hint });
  }
  for (const kind of ['users', 'aliases', 'rooms'] as const) {
    const [first, second] = [exclusive(earlier, kind), exclusive(later, kind)];
    const pair = first.flatMap((regex) => second.filter((twin) => overlap(regex, twin) === true).map((twin) => [regex, twin] as const))[0];
    if (pair === undefined) continue;
    const hint = 'set names and appservice.bot so that they differ, then run `causeway register`';
    conflicts.push({
      file,
      path,
      found: `namespaces.${kind} ${pair[1]}, which meets ${pair[0]} ${theirs}`,
      allowed: 'exclusive namespaces that share no name',
      hint,
    });
  }
  return conflicts;
}

const exclusive = (registration: RegistrationFile, kind: 'users' | 'aliases' | 'rooms'): string[] =>
  registration.namespaces[kind].filter((space) => space.exclusive).map((space) => space.regex);
