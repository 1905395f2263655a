// A config read anew, for a bridge that runs: takes over links and permissions, and says line by line what came of it.

import type { Adapter } from './adapter.ts';
import { snakeKey } from './casing.ts';
import type { Permissions } from './control/permissions.ts';
import type { Plumb } from './plumbing/plumb.ts';
import type { Json } from './remote-event.ts';
import type { CoreSettings } from './settings.ts';

export interface ReloadParts<Body extends Json> {
  /** Those of the start: what cannot be taken over is as they say until the next one. */
  readonly settings: CoreSettings;
  readonly adapter: Pick<Adapter<Body>, 'reload' | 'configuredLinks'>;
  readonly permissions: Pick<Permissions, 'replace'>;
  readonly plumb: Pick<Plumb<Body>, 'resume'>;
}

/** No lines: nothing has changed. */
export function makeReload<Body extends Json>(parts: ReloadParts<Body>): (now: CoreSettings, networkSettings: unknown) => string[] {
  const { settings, adapter, permissions, plumb } = parts;
  let taken = settings.permissions;
  return (now, networkSettings) => {
    const linksBefore = JSON.stringify(adapter.configuredLinks());
    const lines = adapter.reload?.(networkSettings) ?? [];
    const arePermissionsNew = isDifferent(now.permissions, taken);
    taken = now.permissions;
    permissions.replace(taken);
    plumb.resume();
    const waiting = (Object.keys(now) as (keyof CoreSettings)[]).filter(
      (key) => key !== 'permissions' && isDifferent(now[key], settings[key]),
    );
    return [
      ...(arePermissionsNew ? ['permissions: taken over'] : []),
      ...(JSON.stringify(adapter.configuredLinks()) === linksBefore ? [] : ['links: taken over']),
      ...waiting.map((key) => `${snakeKey(key)}: needs a restart`),
      ...lines,
    ];
  };
}

const isDifferent = (one: unknown, other: unknown): boolean => JSON.stringify(one) !== JSON.stringify(other);
