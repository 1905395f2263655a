// Gitter, as the catalogue of networks lists it.

import type { Network } from '#bridge-core';
import { GitterAdapter } from './adapter.ts';
import type { GitterBody } from './body.ts';
import { type GitterSettings, gitterSettings } from './settings.ts';

export const gitter: Network<GitterSettings, GitterBody> = {
  protocol: { id: 'gitter', name: 'Gitter' },
  settings: gitterSettings,
  // The bridge that was there before called them so: `#gitter_org=2Froom`.
  names: { ghosts: 'gitter_{user}', aliases: 'gitter_{room}', escapedInAliases: '/' },
  withoutPublicUrl: 'pictures and files reach Gitter by name and size only, and nobody can log in by their browser',
  create: (settings, tools) => new GitterAdapter(settings, tools),
};
