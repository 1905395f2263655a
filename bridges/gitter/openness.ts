// Rooms that were made for channels follow whether these are for all in Gitter. There is no keeping in step with all of Gitter.

import type { Mirror } from '#bridge-core';
import type { GitterChannels } from './channels.ts';
import type { Rooms } from './rooms.ts';

export function opennessOf(rooms: Pick<Rooms, 'known'>, channels: Pick<GitterChannels, 'describe'>): Mirror {
  return {
    networks: () => [],
    channels: async function* () {},
    people: async function* () {},
    channel: async (id) =>
      rooms.known(id)?.isPublic === false ? { why: 'hidden' } : { channel: channels.describe(id), isArchived: false },
  };
}
