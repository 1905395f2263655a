// The part of a bridge that makes rooms: for channels by their alias, for chats, and the spaces that hold them. Builds and wires
// it, as bridge.ts does the rest; decides nothing.

import type { Adapter } from './adapter.ts';
import type { Logger } from './adapter-tools.ts';
import type { Homeserver } from './appservice/homeserver.ts';
import type { RoomId, UserId } from './ids.ts';
import type { Roster } from './membership/roster.ts';
import type { BridgeInfo } from './plumbing/bridge-info.ts';
import { Chats } from './plumbing/chats.ts';
import { Closing } from './plumbing/closing.ts';
import type { Mark } from './plumbing/kept-back.ts';
import { Levels } from './plumbing/levels.ts';
import type { Link, Links } from './plumbing/links.ts';
import type { LoopGuard } from './plumbing/loop-guard.ts';
import { MembersOnly } from './plumbing/members-only.ts';
import { Mirrors } from './plumbing/mirrors.ts';
import { Moves } from './plumbing/moves.ts';
import type { Plumb } from './plumbing/plumb.ts';
import { Portals } from './plumbing/portals.ts';
import { RoomMaking } from './plumbing/room-making.ts';
import { Sidecar } from './plumbing/sidecar.ts';
import { Spaces } from './plumbing/spaces.ts';
import type { Json, RemoteEvent } from './remote-event.ts';
import type { CoreSettings } from './settings.ts';
import type { Notes, Store } from './store/store.ts';
import type { Doubles } from './virtual-users/doubles.ts';
import type { Ghosts } from './virtual-users/ghosts.ts';
import type { Logins } from './virtual-users/logins.ts';
import type { Names } from './virtual-users/names.ts';

export interface PortalOptions<Body extends Json> {
  readonly settings: Pick<CoreSettings, 'portals' | 'sidecar' | 'membership'>;
  readonly adapter: Adapter<Body>;
  readonly store: Store;
  readonly notes: Notes;
  readonly homeserver: Homeserver;
  readonly names: Names;
  readonly ghosts: Ghosts;
  readonly logins: Pick<Logins<Body>, 'all' | 'byUser' | 'byAccount'>;
  readonly doubles: Doubles | undefined;
  readonly roster: Roster;
  readonly links: Links;
  readonly guard: LoopGuard;
  readonly info: BridgeInfo;
  readonly plumb: Plumb<Body>;
  readonly tell: (room: RoomId, text: string) => void;
  /** What the network said so far stands in the link's room. */
  readonly said: (link: Link) => Promise<void>;
  /** Of all that was taken in; in a unit of the store. */
  readonly mark: () => Mark;
  /** As if the network told it. */
  readonly take: (event: RemoteEvent<Body>) => Promise<void>;
  readonly count: (name: string, labels: Readonly<Record<string, string>>, by?: number) => void;
  /** In their direct chat with the bot. */
  readonly tellPerson: (user: UserId, words: string) => void;
  readonly log: Logger;
}

export type PortalRooms<Body extends Json> = ReturnType<typeof buildPortals<Body>>;

export function buildPortals<Body extends Json>(options: PortalOptions<Body>) {
  const { adapter, store, notes, homeserver, names, ghosts, logins, roster, links, guard, info, plumb, log } = options;
  const settings = options.settings.portals;
  const making = new RoomMaking({ homeserver, notes, store });
  const portals = new Portals<Body>({ settings, homeserver, adapter, links, names, plumb, making, log });
  const chats = new Chats<Body>({
    ...{ settings, homeserver, adapter, links, names, ghosts, guard, info, plumb, making, log },
    present: (room: RoomId) => roster.present(room),
    tellPerson: options.tellPerson,
  });
  const spaces = new Spaces({
    ...{ settings, homeserver, channels: adapter.channels, links, making, notes, log },
    nameOf: (network) => adapter.status().find((each) => each.network === network)?.name,
    peopleOf: (network) => logins.all().flatMap((login) => (login.network === network && login.state === 'live' ? [login.user] : [])),
    peopleIn: (room) => roster.joined(room).filter((user) => user !== names.bot && !names.isGhost(user)),
  });
  const levels = new Levels(homeserver);
  const closing = new Closing({
    ...{ settings, homeserver, levels, links, plumb, tell: options.tell, said: options.said, mark: options.mark, log },
  });
  const membersOnly = new MembersOnly<Body>({
    ...{ settings, homeserver, levels, adapter, links, logins, roster, said: options.said, log },
    isOurs: (user) => user === names.bot || names.isGhost(user),
    shut: (link, reason) => closing.hide(link, reason),
  });
  const sidecar = new Sidecar<Body>({
    ...{ isOn: options.settings.sidecar, homeserver, adapter, links, names, ghosts, logins, plumb, making, roster, log },
    ...{ doubles: options.doubles, shared: membersOnly },
  });
  if (options.settings.sidecar && !sidecar.isOffered) log.warn({}, 'sidecar is set, and this network has no private rooms of channels');
  const moves = new Moves({ homeserver, links, guard, info, plumb, log });
  const mirrors = new Mirrors<Body>({
    ...{ adapter, links, portals, closing, ghosts, notes, mark: options.mark, count: options.count, log },
    take: (event) => options.take(event).then(() => plumb.called(event.channel)),
    perSecond: options.settings.membership.perSecond,
  });
  return {
    ...{ portals, chats, spaces, moves, sidecar, closing, membersOnly, mirrors },
    start: (): void => {
      portals.resume();
      spaces.resume();
      moves.resume();
      sidecar.resume();
      closing.resume();
      membersOnly.resume();
    },
    stop: (): void => {
      portals.stop();
      spaces.stop();
      moves.stop();
      sidecar.stop();
      mirrors.stop();
      closing.stop();
      membersOnly.stop();
    },
  };
}
