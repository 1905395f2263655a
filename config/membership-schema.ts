// Who is joined where, as the config says it.

import { z } from 'zod';
import { camelKeys, optionalDuration } from '#bridge-core/host';

export const membership = z
  .strictObject({
    ghosts: z.enum(['lazy', 'full']).default('lazy').meta({
      description: '`lazy`: a person of the network joins the room on first speaking there. `full`: the whole member list is mirrored.',
    }),
    puppets: z.enum(['speakers', 'full']).default('speakers').meta({
      description: '`speakers`: a Matrix person joins the channel on first speaking. `full`: all members of the room do.',
    }),
    idle: optionalDuration(
      'A ghost that was not heard in a room for so long leaves it, and comes back with its next word. Never unless set.',
      '30d',
    ),
    max_ghosts: z.int().min(1).exactOptional().meta({
      description: 'So many ghosts are in one room at most: who speaks takes the place of who was silent the longest. No limit unless set.',
      example: 500,
    }),
    per_second: z
      .number()
      .min(0.1)
      .max(1000)
      .default(10)
      .meta({ description: 'Joins and leaves of ghosts a second, over the whole bridge.' }),
    max_queued: z.int().min(1).max(1_000_000).default(10_000).meta({ description: 'Joins and leaves that may wait; more are left out.' }),
  })
  .transform((given) => {
    const settings = camelKeys(given);
    return { ...settings, idle: settings.idle, maxGhosts: settings.maxGhosts };
  })
  .prefault({})
  .meta({ description: 'Who is joined where.' });
