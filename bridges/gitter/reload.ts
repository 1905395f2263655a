// Which settings are taken over while the bridge runs. The parts read them from one object that they share, so that a change is there
// with their next look; what was built once from the others stays as it was.

import type { GitterSettings } from './settings.ts';

/** As it holds now. */
export type LiveSettings = { -readonly [Name in keyof GitterSettings]: GitterSettings[Name] };

type Name = keyof GitterSettings;

const live: ReadonlySet<Name> = new Set<Name>([
  ...(['token', 'links', 'virtualUsers', 'relay', 'reactions', 'presence', 'copies', 'echoTimeout', 'history', 'bans'] as const),
]);

export interface TakenOver {
  readonly changed: ReadonlySet<Name>;
  /** For each thing that was not. */
  readonly lines: readonly string[];
}

export function takeOver(settings: LiveSettings, now: GitterSettings): TakenOver {
  const differs = (name: Name) => JSON.stringify(now[name]) !== JSON.stringify(settings[name]);
  const names = [...new Set([...Object.keys(settings), ...Object.keys(now)])].filter((name) => differs(name as Name)) as Name[];
  const changed = new Set(names.filter((name) => live.has(name) || (name === 'oauth' && hasPage(settings) && hasPage(now))));
  for (const name of changed) Object.assign(settings, { [name]: now[name] });
  const lines = names.filter((name) => !changed.has(name)).map((name) => `gitter.${inConfig(name)}: needs a restart`);
  return { changed, lines };
}

/** Where there was none, its pages are not open. */
const hasPage = ({ oauth }: Pick<GitterSettings, 'oauth'>): boolean => oauth !== undefined;

const inConfig = (name: string): string => name.replace(/[A-Z]/g, (sign) => `_${sign.toLowerCase()}`);
