// Which channels may have a room of their own: those that anybody of the network may enter, as far as the settings allow; private ones
// where whoever keeps the whole network in step asks for it. Pure.

import type { Channel } from '../channel.ts';
import { fits } from '../globs.ts';
import type { PortalSettings } from '../settings.ts';

/** Undefined: it may. */
export function whyNoPortal(
  channel: Channel,
  settings: Pick<PortalSettings, 'allow' | 'deny'>,
  { mayBePrivate = false } = {},
): string | undefined {
  const { kind = 'public' } = channel;
  if (kind !== 'public' && !(kind === 'private' && mayBePrivate)) return 'it is not public';
  const names = [channel.name, `${channel.network.id}/${channel.name}`, channel.id];
  const isNamed = (globs: readonly string[]) => globs.some((glob) => names.some((name) => fits(glob, name)));
  if (isNamed(settings.deny)) return 'portals.deny names it';
  return isNamed(settings.allow) ? undefined : 'portals.allow does not name it';
}
