// Verbs of the bridge's admins, which people know from older bridges: a room made for a channel, as whoever joins its alias has it made;
// the bot into a room, out of one that is of no use to it, and which those are.

import type { Homeserver } from '../appservice/homeserver.ts';
import { DeniedError, PermanentError } from '../errors.ts';
import { type RoomId, roomId, type UserId } from '../ids.ts';
import type { Links } from '../plumbing/links.ts';
import type { Portals } from '../plumbing/portals.ts';
import type { Json } from '../remote-event.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { Names } from '../virtual-users/names.ts';
import type { Actions } from './actions.ts';
import type { Verb } from './commands.ts';
import type { Permissions } from './permissions.ts';

export interface RoomVerbsParts<Body extends Json> {
  readonly portals: Pick<Portals<Body>, 'aliasFor' | 'open'>;
  readonly hasAliases: boolean;
  readonly actions: Pick<Actions<Body>, 'channel'>;
  readonly permissions: Pick<Permissions, 'mustBe'>;
  readonly homeserver: Pick<Homeserver, 'bot' | 'resolveAlias' | 'join' | 'leave' | 'joinedRooms' | 'joinedMembers' | 'state'>;
  readonly links: Pick<Links, 'byRoom'>;
  readonly names: Pick<Names, 'isGhost'>;
  readonly ghosts: Pick<Ghosts, 'leave'>;
  /** Of a person with the bot. */
  readonly isDirect: (room: RoomId) => boolean;
  /** `join` means something else here. */
  readonly hasOwnRooms: boolean;
}

const mostShown = 50;

export function roomVerbs<Body extends Json>(parts: RoomVerbsParts<Body>): Verb[] {
  const { portals, actions, permissions, homeserver, links, names, ghosts } = parts;
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
    ...{ names: ['leave'], usage: 'leave !room', does: 'takes me and all of mine out of a room that is not linked' },
    async run({ by }, [where = '']) {
      permissions.mustBe('admin', by, 'send me out of rooms');
      if (!where.startsWith('!')) throw new PermanentError('BAD_REQUEST', 'which room? Give its id');
      const room = roomId(where);
      // Asked anew before each step: many ghosts take long to go, and it may be linked meanwhile.
      const mustBeFree = () => {
        if (links.byRoom(room).length > 0) throw new DeniedError('that room is linked: take the link away first');
      };
      mustBeFree();
      const members = await homeserver.joinedMembers(room);
      for (const user of members.keys()) {
        mustBeFree();
        if (names.isGhost(user)) await ghosts.leave(user, room, 'the bridge leaves the room');
      }
      mustBeFree();
      await homeserver.leave(homeserver.bot, room, `sent out by ${by}`);
      return `I have left ${room}.`;
    },
  };
  const entering: Verb = {
    ...{ names: parts.hasOwnRooms ? ['enter'] : ['enter', 'join'], usage: 'enter !room | #alias:server' },
    does: 'brings me into a room that I may join',
    async run({ by }, [where = '']) {
      permissions.mustBe('admin', by, 'send me into rooms');
      const room = where.startsWith('!') ? roomId(where) : /^#[^:]+:[^:]/.test(where) ? await homeserver.resolveAlias(where) : undefined;
      if (room === undefined) throw new PermanentError('BAD_REQUEST', 'which room? Give its id or alias');
      await homeserver.join(homeserver.bot, room);
      return `I am in ${room}.`;
    },
  };
  const stale: Verb = {
    ...{ names: ['stale', 'stalerooms'], usage: 'stale', does: 'shows the rooms that I am in and that nothing is linked to' },
    async run({ by }) {
      permissions.mustBe('admin', by, 'see all my rooms');
      const unused = (await homeserver.joinedRooms()).filter((room) => links.byRoom(room).length === 0 && !parts.isDirect(room));
      const lines: string[] = [];
      for (const room of unused.slice(0, mostShown)) {
        const isSpace = (await homeserver.state(room, 'm.room.create', ''))?.type === 'm.space';
        if (isSpace) continue;
        const { name } = (await mayKnow(by, room)) ? ((await homeserver.state(room, 'm.room.name', '')) ?? {}) : {};
        lines.push(typeof name === 'string' && name !== '' ? `${room} (${name})` : room);
      }
      const more = unused.length > mostShown ? [`and as many as ${unused.length - mostShown} more`] : [];
      return [...lines, ...more].join('\n') || 'Something is linked to every room that I am in.';
    },
  };
  return [...(parts.hasAliases ? [making] : []), entering, leaving, stale];

  /** What one is called that only some may enter, as that of a private channel which is gone, is theirs alone. */
  async function mayKnow(user: UserId, room: RoomId): Promise<boolean> {
    if ((await homeserver.state(room, 'm.room.join_rules', ''))?.join_rule === 'public') return true;
    return (await homeserver.state(room, 'm.room.member', user))?.membership === 'join';
  }
}
