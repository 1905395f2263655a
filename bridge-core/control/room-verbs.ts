// Two verbs of the bridge's admins, which people know from older bridges: a room made for a channel, as whoever joins its alias has it
// made, and the bot out of a room that is of no use to it.

import type { Homeserver } from '../appservice/homeserver.ts';
import { DeniedError, PermanentError } from '../errors.ts';
import { roomId } from '../ids.ts';
import type { Links } from '../plumbing/links.ts';
import type { Portals } from '../plumbing/portals.ts';
import type { Json } from '../remote-event.ts';
import type { Actions } from './actions.ts';
import type { Verb } from './commands.ts';
import type { Permissions } from './permissions.ts';

export interface RoomVerbsParts<Body extends Json> {
  readonly portals: Pick<Portals<Body>, 'aliasFor' | 'open'>;
  readonly hasAliases: boolean;
  readonly actions: Pick<Actions<Body>, 'channel'>;
  readonly permissions: Pick<Permissions, 'mustBe'>;
  readonly homeserver: Pick<Homeserver, 'bot' | 'resolveAlias' | 'leave'>;
  readonly links: Pick<Links, 'byRoom'>;
}

export function roomVerbs<Body extends Json>(parts: RoomVerbsParts<Body>): Verb[] {
  const { portals, actions, permissions, homeserver, links } = parts;
  const making: Verb = {
    ...{ names: ['portal', 'mkportal'], usage: 'portal [network] #channel', does: 'makes a room for a channel, which anybody may join' },
    async run({ by }, words) {
      permissions.mustBe('admin', by, 'have rooms made');
      const channel = await actions.channel(by, words.join(' '));
      const alias = await portals.aliasFor(channel.id);
      if (alias === undefined) throw new DeniedError(`the settings (portals) let no room be made for ${channel.name}`);
      const room = (await portals.open(alias)) ? await homeserver.resolveAlias(alias) : undefined;
      if (room === undefined) throw new PermanentError('NETWORK_REFUSED', `no room could be made for ${channel.name}; the log says why`);
      return `${channel.name} on ${channel.network.name} is in ${alias} (${room}).`;
    },
  };
  const leaving: Verb = {
    ...{ names: ['leave'], usage: 'leave !room', does: 'takes me out of a room that is not linked' },
    async run({ by }, [where = '']) {
      permissions.mustBe('admin', by, 'send me out of rooms');
      if (!where.startsWith('!')) throw new PermanentError('BAD_REQUEST', 'which room? Give its id');
      const room = roomId(where);
      if (links.byRoom(room).length > 0) throw new DeniedError('that room is linked: take the link away first');
      await homeserver.leave(homeserver.bot, room, `sent out by ${by}`);
      return `I have left ${room}.`;
    },
  };
  return [...(parts.hasAliases ? [making] : []), leaving];
}
