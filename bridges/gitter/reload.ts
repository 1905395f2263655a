// Which settings are taken over while the bridge runs. The parts read them from one object that they share, so that a change is there
// with their next look; what was built once from the others stays as it was.

import { snakeKey } from '#bridge-core';
import type { GitterSettings } from './settings.ts';

/** As it holds now. */
export type LiveSettings = { -readonly [Name in keyof GitterSettings]: GitterSettings[Name] };

type Name = keyof GitterSettings;

const live: ReadonlySet<Name> = new Set<Name>([
  ...(['token', 'links', 'virtualUsers', 'relay', 'reactions', 'presence', 'copies', 'echoTimeout', 'history', 'bans'] as const),
]);

export interface TakenOver {
  readonly changed: ReadonlySet<Name>;
  /** For each thing, whether it was; links are told of by the core. */
  readonly lines: readonly string[];
}

export function takeOver(settings: LiveSettings, now: GitterSettings): TakenOver {
  const differs = (name: Name) => JSON.stringify(now[name]) !== JSON.stringify(settings[name]);
  const names = [...new Set([...Object.keys(settings), ...Object.keys(now)])].filter((name) => differs(name as Name)) as Name[];
  const changed = new Set(names.filter((name) => live.has(name) || (name === 'oauth' && hasPage(settings) && hasPage(now))));
  for (const name of changed) Object.assign(settings, { [name]: now[name] });
  const lines = names.filter((name) => name !== 'links').map((name) => `gitter.${snakeKey(name)}: ${outcomeOf(name, changed.has(name))}`);
  return { changed, lines };
}

/** A token holds only if Gitter says that it is the same account's; the log says then whether it was. */
function outcomeOf(name: Name, isTaken: boolean): string {
  if (!isTaken) return 'needs a restart';
  return name === 'token' ? 'Gitter is asked whose it is' : 'taken over';
}

/** Where there was none, its pages are not open. */
const hasPage = ({ oauth }: Pick<GitterSettings, 'oauth'>): boolean => oauth !== undefined;
