// The verbs of the provisioning door: the same consent, accounts and links as by chat, with answers for programs in place of
// sentences.

import type { Adapter } from '../adapter.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import type { Channel } from '../channel.ts';
import { DeniedError, PermanentError } from '../errors.ts';
import { type ChannelId, type RoomId, roomId, type UserId } from '../ids.ts';
import { calledIn, described } from '../plumbing/described.ts';
import { isPrivate, type Link, type Links } from '../plumbing/links.ts';
import { stateOf } from '../plumbing/power.ts';
import type { ProvisioningChannel, ProvisioningLink, ProvisioningVerbs } from '../provisioning.ts';
import type { Json } from '../remote-event.ts';
import type { KnownLogin } from '../virtual-users/logins.ts';
import type { Accounts } from './accounts.ts';
import type { Actions } from './actions.ts';
import type { Consent, LinkLimits } from './consent.ts';
import type { Permissions } from './permissions.ts';
import type { Requests } from './requests.ts';

export interface VerbParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'channels' | 'logins' | 'lookups' | 'status' | 'unheard'>;
  readonly homeserver: Pick<Homeserver, 'bot' | 'resolveAlias'>;
  readonly permissions: Permissions;
  readonly accounts: Pick<Accounts<Body>, 'page' | 'logOut'>;
  readonly actions: Pick<Actions<Body>, 'channel' | 'unlinkFor'>;
  readonly consent: Pick<Consent<Body>, 'mayAsk' | 'link' | 'usage'>;
  readonly requests: Pick<Requests, 'byRoom'>;
  readonly logins: { byUser(user: UserId): readonly KnownLogin[]; all(): readonly KnownLogin[] };
  readonly links: Links;
  readonly limits: LinkLimits;
  readonly protocol: { readonly name: string };
}

const mostChannels = 1000;

export function provisioningVerbs<Body extends Json>(parts: VerbParts<Body>): ProvisioningVerbs {
  const { adapter, homeserver, permissions, accounts, actions, consent, requests, logins, links, limits, protocol } = parts;
  const { channels } = adapter;

  const networkNames = (): ReadonlyMap<string, string> =>
    new Map([
      ...adapter.status().map(({ network }) => [network, network] as const),
      ...(adapter.lookups?.networks() ?? []).map(({ id, name }) => [id, name] as const),
      ...links.all().flatMap(({ channel }) => {
        const { network } = described(channels, channel);
        return network === undefined ? [] : [[network.id, network.name] as const];
      }),
    ]);

  function networksOf(user: UserId): { id: string; name: string }[] {
    permissions.mustBe('user', user, 'ask for networks');
    const names = networkNames();
    const isFree = adapter.logins.length === 0 || permissions.levelOf(user) === 'admin';
    const ids = isFree ? [...names.keys()] : [...new Set(logins.byUser(user).map(({ network }) => network))];
    return ids.map((id) => ({ id, name: names.get(id) ?? id }));
  }

  async function roomOf(user: UserId, called: string): Promise<RoomId> {
    const room = called.startsWith('#') ? await homeserver.resolveAlias(called) : called.startsWith('!') ? roomId(called) : undefined;
    if (room === undefined)
      throw new DeniedError(`there is no room ${called} that both ${user} and ${homeserver.bot} are in`, 'FORBIDDEN_IN_ROOM');
    return room;
  }

  const shownLink = (
    link: Pick<Link, 'room' | 'channel' | 'reason'>,
    state: ProvisioningLink['state'],
    name = described(channels, link.channel).name,
  ): ProvisioningLink => {
    const { network } = described(channels, link.channel);
    const reason = link.reason ?? (state === 'live' ? adapter.unheard?.(link.channel) : undefined);
    return {
      ...{ room: link.room, channel: link.channel, name, network: network?.id ?? '', state },
      ...(reason !== undefined && { reason }),
    };
  };

  /** What it is called is not for everybody. */
  const isKept = ({ channel }: { readonly channel: ChannelId }): boolean => (described(channels, channel).kind ?? 'public') !== 'public';

  return {
    isAdmin: (user) => permissions.levelOf(user) === 'admin',
    bot: () => {
      const usage = consent.usage();
      const limit = (quota: number | undefined, current: number) => (quota === undefined ? undefined : { quota, current });
      return {
        ...{ user: homeserver.bot, name: protocol.name, requiresPublicRoom: limits.requirePublicRoom },
        rooms: limit(limits.rooms, usage.rooms),
        networks: limit(limits.networks, usage.networks),
      };
    },
    loginUrl: (user, flow) => accounts.page(user, flow),
    logins: (user) => {
      const names = networkNames();
      return logins.byUser(user).map(({ account, network, name, state }) => ({
        ...{ user, account, network, networkName: names.get(network) ?? network, name },
        state: state === 'live' ? 'live' : 'refused',
      }));
    },
    logout: (user, account) => accounts.logOut(user, account),
    networks: networksOf,
    channels: async (user, network, most = mostChannels) => {
      if (!networksOf(user).some(({ id }) => id === network))
        throw new PermanentError('NETWORK_UNKNOWN', `${network} is no network that ${user} is in`);
      const by = permissions.levelOf(user) === 'admin' ? {} : { by: user };
      const found: ProvisioningChannel[] = [];
      for await (const channel of channels.list(undefined, { network, ...by })) {
        if (channel.network.id === network) found.push(shownChannel(channel));
        if (found.length >= most) break;
      }
      return found;
    },
    channel: async (user, query) => {
      permissions.mustBe('user', user, 'ask for channels');
      const channel = await actions.channel(user, query);
      let members = 0;
      for await (const _ of channels.members(channel.id, { withNames: false })) members += 1;
      return { ...shownChannel(channel), members };
    },
    links: async (user, room) => {
      // The bot stands for nobody: whoever bears the secret asks, who could name anybody.
      const isNobody = user === homeserver.bot;
      if (!isNobody) permissions.mustBe('user', user, 'ask for links');
      const asked = requests.byRoom(room);
      const linked = links.byRoom(room).filter(({ state }) => state !== 'wanted');
      const state = isNobody ? undefined : await permissions.stateFor(user, room);
      // Of rooms that are not theirs admins know as little as others where nobody else is to know of them.
      const isThere = state === undefined || stateOf(state, 'm.room.member', user)?.content.membership === 'join';
      const known = linked.filter((link) => isThere || !isPrivate(link));
      return [
        ...known.map((link) => shownLink(link, link.state as ProvisioningLink['state'], calledIn(channels, link))),
        ...asked
          .filter((request) => !linked.some(({ channel }) => channel === request.channel) && (isThere || !isKept(request)))
          .map((request) => shownLink(request, 'asked', isKept(request) && request.requester !== user ? 'the channel' : undefined)),
      ];
    },
    link: async (user, called, query) => {
      consent.mayAsk(user);
      const channel = await actions.channel(user, query);
      const room = await roomOf(user, called);
      const state = await consent.link({ by: user, room, channel });
      return shownLink({ room, channel: channel.id }, state);
    },
    unlink: async (user, called, query = '') => {
      await actions.unlinkFor(user, await roomOf(user, called), query);
    },
  };
}

function shownChannel({ id, name, network, topic, kind = 'public' }: Channel): ProvisioningChannel {
  return { id, name, network: network.id, kind, ...(topic !== undefined && { topic }) };
}
