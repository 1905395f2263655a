// The part of a bridge that people talk to: commands, permissions, direct chats with the bot, look-ups. Builds and wires it, as
// bridge.ts does the rest; decides nothing.

import type { Adapter, Network } from './adapter.ts';
import type { Logger } from './adapter-tools.ts';
import type { Homeserver } from './appservice/homeserver.ts';
import type { PortalRooms } from './bridge-portals.ts';
import { buildProvisioning } from './bridge-provisioning.ts';
import { Accounts } from './control/accounts.ts';
import { Actions } from './control/actions.ts';
import { Acts } from './control/acts.ts';
import { Alarms } from './control/alarms.ts';
import { Commands } from './control/commands.ts';
import { Consent } from './control/consent.ts';
import { DirectChats } from './control/direct-chats.ts';
import { Doubling } from './control/doubling.ts';
import { GhostInvites } from './control/ghost-invites.ts';
import { LoginConversations } from './control/login-conversations.ts';
import { memberVerbs } from './control/member-verbs.ts';
import { NetworkActs } from './control/network-acts.ts';
import { ownVerbs } from './control/own-verbs.ts';
import { Permissions } from './control/permissions.ts';
import { Requests } from './control/requests.ts';
import { roomVerbs } from './control/room-verbs.ts';
import { roomWishes } from './control/room-wishes.ts';
import { SidecarVerbs } from './control/sidecar-verbs.ts';
import { openLookups } from './control/third-party.ts';
import { Vacating } from './control/vacating.ts';
import { messageOf, PermanentError } from './errors.ts';
import type { EventId, RoomId, UserId } from './ids.ts';
import type { LoginResult } from './logins.ts';
import type { Roster } from './membership/roster.ts';
import type { Matched, MatchWish } from './membership/sync.ts';
import type { Link, Links } from './plumbing/links.ts';
import type { LoopGuard } from './plumbing/loop-guard.ts';
import type { Plumb } from './plumbing/plumb.ts';
import type { Upgrades } from './plumbing/upgrades.ts';
import type { Json } from './remote-event.ts';
import type { CoreSettings } from './settings.ts';
import type { Notes, Store } from './store/store.ts';
import type { Doubles } from './virtual-users/doubles.ts';
import type { Ghosts } from './virtual-users/ghosts.ts';
import type { KnownLogin, Logins } from './virtual-users/logins.ts';
import type { Names } from './virtual-users/names.ts';

export interface ControlOptions<Body extends Json> {
  readonly settings: CoreSettings;
  readonly hsToken: string;
  readonly protocol: Network['protocol'];
  readonly adapter: Adapter<Body>;
  readonly store: Store;
  readonly notes: Notes;
  readonly homeserver: Homeserver;
  readonly names: Names;
  readonly ghosts: Ghosts;
  readonly logins: Logins<Body>;
  readonly roster: Roster;
  readonly links: Links;
  readonly guard: LoopGuard;
  readonly plumb: Plumb<Body>;
  readonly upgrades: Upgrades;
  readonly rooms: PortalRooms<Body>;
  readonly doubles: Doubles | undefined;
  readonly tell: (room: RoomId, text: string) => void;
  readonly log: Logger;
  readonly takeIn: (room: RoomId, since: number) => Promise<void>;
  readonly personJoined: (room: RoomId, user: UserId) => void;
  readonly matchMembers: (link: Link, wish: MatchWish) => Promise<Matched>;
}

export function buildControl<Body extends Json>(options: ControlOptions<Body>) {
  const { settings, protocol, adapter, store, notes, homeserver, names, ghosts, roster, links, logins } = options;
  const { guard, plumb, upgrades, rooms, tell, log } = options;
  const permissions = new Permissions({ levels: settings.permissions, homeserver });
  const requests = new Requests({ store });
  const { requirePublicRoom, channels } = settings.provisioning;
  const limits = { ...settings.provisioning.limits, requirePublicRoom, channels };
  const consent = new Consent<Body>({ adapter, homeserver, permissions, plumb, links, requests, limits, tell, log });
  const progress = () => rooms.mirrors.progress();
  const actions = new Actions<Body>({
    ...{ adapter, homeserver, permissions, plumb, consent, requests, logins, links, roster, names, progress },
  });
  const conversations: LoginConversations = new LoginConversations({
    ...{ tell, notes, log },
    completed,
  });
  const accounts = new Accounts<Body>({
    ...{ adapter, logins, conversations, permissions, protocol, tell, log },
    chatWith: (user) => directChats.chatWith(user),
    loggedOut,
  });
  const ownRooms = rooms.sidecar.isOffered
    ? new SidecarVerbs<Body>({ sidecar: rooms.sidecar, adapter, links, logins, permissions })
    : undefined;
  const { doubles } = options;
  const doubling =
    doubles?.mode === 'token' && adapter.logins.length > 0
      ? new Doubling({
          ...{ doubles, domain: homeserver.domain, permissions, network: protocol.name },
          inform: (user, words, then) => accounts.inform(user, words, then),
        })
      : undefined;
  const commands = new Commands({
    ...{ prefix: protocol.id, isOurs: (user) => user === names.bot || names.isGhost(user), actions, tell },
    hasRequests: adapter.channels.approvePlumb !== undefined,
    logins: adapter.logins.length > 0 ? { accounts, conversations, hide } : undefined,
    more: [
      ...ownVerbs({
        commands: [...roomWishes<Body>({ links, adapter, protocol }), ...(adapter.commands ?? [])],
        permissions,
        homeserver,
        links,
        done: () => plumb.resume(),
      }),
      ...roomVerbs<Body>({
        ...{ portals: rooms.portals, hasAliases: settings.portals.aliases, actions, permissions, homeserver, links, names, ghosts },
        isDirect: (room) => directChats.isDirect(room),
        hasOwnRooms: ownRooms !== undefined,
      }),
      ...memberVerbs({ permissions, links, describe: (link) => actions.describe(link), match: options.matchMembers }),
      ...(ownRooms?.verbs ?? []),
      ...(doubling === undefined ? [] : [doubling.verb]),
    ],
    list: ownRooms && ((asked) => ownRooms.list(asked)),
  });
  const ghostInvites = new GhostInvites<Body>({
    ...{ settings: settings.portals, protocol, adapter, homeserver, names, ghosts, links, plumb, chats: rooms.chats, tell, log },
    mayUse: (user) => permissions.levelOf(user) !== 'none',
    takeIn: options.takeIn,
  });
  const directChats: DirectChats = new DirectChats({
    ...{ homeserver, permissions, names, roster, links, plumb, upgrades, notes, tell, protocol, log },
    help: () => commands.help(),
    linker: adapter.channels.approvePlumb === undefined ? 'a bridge admin' : 'somebody who has the power for it',
    ghostInvited: (event) => ghostInvites.invited(event),
  });
  const vacating = new Vacating<Body>({
    ...{ adapter, homeserver, links, names, ghosts, notes, log },
    isNeeded: (room) => directChats.isDirect(room) || requests.byRoom(room).length > 0,
  });
  const acts = new Acts({
    ...{ bot: names.bot, links, guard, plumb, upgrades, commands, directChats, chats: rooms.chats, sidecar: rooms.sidecar },
    isIn: (room) => roster.isIn(room, names.bot),
    forget: (room) => store.write(() => roster.forget(room)),
    arrived: settings.membership.puppets === 'full' || settings.portals.spaces ? arrived : undefined,
  });
  const networkActs = new NetworkActs<Body>({
    ...{ adapter, homeserver, consent, requests, plumb, links, roster, names, protocol, tell },
  });
  const lookups = openLookups<Body>({ protocol, adapter, homeserver, links, ghosts, names, portals: rooms.portals, log });

  async function completed(user: UserId, result: LoginResult): Promise<void> {
    await accounts.completed(user, result);
    rooms.spaces.welcome(user, result.network);
    rooms.membersOnly.loginsChanged(result.network);
  }

  /** The rooms of that network are of no use to them any more, nor is a token once nothing is left to be shown by it. */
  async function loggedOut({ user, network }: KnownLogin): Promise<void> {
    rooms.membersOnly.loginsChanged(network);
    await rooms.sidecar.loggedOut(user, network);
    if (logins.byUser(user).length === 0) await doubles?.remove(user);
  }

  function arrived(room: RoomId, user: UserId): void {
    if (settings.membership.puppets === 'full') options.personJoined(room, user);
    if (user !== names.bot && !names.isGhost(user)) rooms.spaces.arrived(room, user);
  }

  const provisioning = buildProvisioning<Body>({
    ...{ settings, hsToken: options.hsToken, adapter, store, homeserver, permissions, accounts, actions, consent, requests, logins, links },
    ...{ limits, protocol, log },
  });

  async function hide(room: RoomId, event: EventId): Promise<boolean> {
    try {
      await homeserver.redact(homeserver.bot, room, event, `hide.${event}`, { reason: 'It held a secret.' });
      return true;
    } catch (thrown) {
      if (!(thrown instanceof PermanentError)) throw thrown;
      log.info({ room, why: messageOf(thrown) }, 'a message with a secret could not be taken away');
      return false;
    }
  }

  const tellPerson = (user: UserId, words: string): void => {
    directChats
      .chatWith(user)
      .then((room) => tell(room, words))
      .catch((thrown) => log.warn({ user, why: messageOf(thrown) }, 'a person could not be told'));
  };
  const alarms = new Alarms<Body>({ ...{ adapter, links, notes, tell, tellPerson, log }, admins: () => permissions.namedAdmins() });

  return {
    ...{ permissions, acts, lookups, accounts, networkActs, provisioning, completed, doubling, alarms, tellPerson },
    start: (): void => {
      logins.start();
      doubles?.start();
      consent.start();
      vacating.start();
    },
    stop: (): void => {
      alarms.stop();
      consent.stop();
      vacating.stop();
      conversations.stop();
      accounts.stop();
      logins.stop();
    },
  };
}
