// Who stands for whom, asked by clients and by the homeserver: third-party look-ups both ways, and whether a user or alias of
// our namespace exists. Nobody is made up: a ghost exists for whom the network confirms, a room of an alias where one may be made.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import type { ThirdParty } from '../appservice/listener.ts';
import { messageOf, RetryableError } from '../errors.ts';
import type { ChannelId, RoomId, UserId } from '../ids.ts';
import { stringIn } from '../matrix-event.ts';
import { isPrivate, type Links } from '../plumbing/links.ts';
import type { Portals } from '../plumbing/portals.ts';
import { stateOf } from '../plumbing/power.ts';
import type { Json } from '../remote-event.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { Names } from '../virtual-users/names.ts';

export interface LookupParts<Body extends Json> {
  readonly protocol: { readonly id: string; readonly name: string; readonly icon?: string };
  readonly adapter: Pick<Adapter<Body>, 'user' | 'lookups'>;
  readonly homeserver: Pick<Homeserver, 'bot' | 'resolveAlias' | 'fullState'>;
  readonly links: Links;
  readonly ghosts: Pick<Ghosts, 'introduce' | 'remoteOf'>;
  readonly names: Names;
  readonly portals: Pick<Portals<Body>, 'open' | 'aliasFor'>;
  readonly log: Logger;
}

export function openLookups<Body extends Json>(
  parts: LookupParts<Body>,
): {
  thirdParty: ThirdParty;
  userExists: (user: UserId) => Promise<boolean>;
  aliasExists: (alias: string) => Promise<boolean>;
} {
  const { protocol, adapter, homeserver, links, ghosts, names, portals, log } = parts;
  const { lookups } = adapter;

  /** The person whom the network knows by these fields now. */
  async function person(fields: Readonly<Record<string, string>>) {
    const found = lookups?.user(fields);
    if (found === undefined) return undefined;
    try {
      const user = await adapter.user(found.id);
      return user === undefined ? undefined : { user, fields: found.fields };
    } catch (thrown) {
      if (!(thrown instanceof RetryableError)) throw thrown;
      log.info({ person: found.id, why: messageOf(thrown) }, 'the network could not be asked for a person');
      return undefined;
    }
  }

  /** Aliases of linked rooms that anybody may enter, for what a look-up tells, it tells everybody; and the one by which a room
   *  would be made. */
  async function aliasesOf(channel: ChannelId): Promise<string[]> {
    const aliases: string[] = [];
    for (const { room } of links.liveOn(channel)) {
      const state = await homeserver.fullState(room);
      const alias = stringIn(stateOf(state, 'm.room.canonical_alias')?.content, 'alias');
      if (alias !== undefined && stringIn(stateOf(state, 'm.room.join_rules')?.content, 'join_rule') === 'public') aliases.push(alias);
    }
    const own = await portals.aliasFor(channel);
    return own === undefined || aliases.includes(own) ? aliases : [...aliases, own];
  }

  const location = (alias: string, fields: Readonly<Record<string, string>>) => ({ alias, protocol: protocol.id, fields });

  function channelsIn(room: RoomId): Readonly<Record<string, string>>[] {
    return links.liveIn(room).flatMap((link) => {
      if (isPrivate(link)) return [];
      const { channel } = link;
      const [network = '', name = ''] = channel.split(/\/(.*)/s);
      const found = lookups?.channel({ network, channel: name });
      return found === undefined ? [] : [found.fields];
    });
  }

  return {
    thirdParty: {
      protocol: async (name) => {
        if (name !== protocol.id || lookups === undefined) return undefined;
        return {
          user_fields: lookups.userFields,
          location_fields: lookups.locationFields,
          field_types: lookups.fieldTypes,
          icon: protocol.icon ?? '',
          instances: lookups.networks().map((network) => ({
            network_id: network.id,
            bot_user_id: homeserver.bot,
            desc: network.name,
            icon: network.icon ?? protocol.icon ?? '',
            fields: { domain: network.domain },
          })),
        };
      },
      user: async (name, fields) => {
        if (name !== protocol.id) return undefined;
        const found = await person(fields);
        return found === undefined ? [] : [{ userid: names.ghostOf(found.user), protocol: protocol.id, fields: found.fields }];
      },
      userOf: async (user) => {
        const found = lookups?.user(names.fieldsOfGhost(user) ?? {});
        return found === undefined ? [] : [{ userid: user, protocol: protocol.id, fields: found.fields }];
      },
      location: async (name, fields) => {
        if (name !== protocol.id) return undefined;
        const found = lookups?.channel(fields);
        return found === undefined ? [] : (await aliasesOf(found.id)).map((alias) => location(alias, found.fields));
      },
      locationOf: async (alias) => {
        const named = names.fieldsOfAlias(alias);
        const found = named === undefined ? undefined : lookups?.channel(named);
        if (found !== undefined) return [location(alias, found.fields)];
        const room = await homeserver.resolveAlias(alias);
        return room === undefined ? [] : channelsIn(room).map((fields) => location(alias, fields));
      },
    },
    /** Asked on an invite of a ghost that is not registered yet. */
    userExists: async (user) => {
      if (user === homeserver.bot || ghosts.remoteOf(user) !== undefined) return true;
      const fields = names.fieldsOfGhost(user);
      const found = fields === undefined ? undefined : await person(fields);
      if (found === undefined || names.ghostOf(found.user) !== user) return false;
      await ghosts.introduce(found.user);
      return true;
    },
    aliasExists: (alias) => portals.open(alias),
  };
}
