// Which channels may have a room of their own: those that anybody of the network may enter, as far as the settings allow. Pure.

import type { Channel } from '../adapter.ts';
import type { PortalSettings } from '../settings.ts';

/** Undefined: it may. */
export function whyNoPortal(channel: Channel, settings: Pick<PortalSettings, 'allow' | 'deny'>): string | undefined {
  if ((channel.kind ?? 'public') !== 'public') return 'it is not public';
  const names = [channel.name, `${channel.network.id}/${channel.name}`, channel.id];
  const isNamed = (globs: readonly string[]) => globs.some((glob) => names.some((name) => fits(glob, name)));
  if (isNamed(settings.deny)) return 'portals.deny names it';
  return isNamed(settings.allow) ? undefined : 'portals.allow does not name it';
}

/** `*` stands for anything, `?` for one sign; cases are the same. Goes back to the last star alone, so that no glob takes long. */
export function fits(glob: string, name: string): boolean {
  const [pattern, text] = [[...glob.toLowerCase()], [...name.toLowerCase()]];
  let [at, on, star, kept] = [0, 0, -1, 0];
  while (on < text.length) {
    if (pattern[at] === '*') {
      star = at;
      kept = on;
      at += 1;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[on])) {
      at += 1;
      on += 1;
    } else if (star >= 0) {
      kept += 1;
      at = star + 1;
      on = kept;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
