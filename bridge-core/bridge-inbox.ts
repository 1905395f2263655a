// What an adapter tells, handed to the parts that it concerns.

import type { Inbox, Logger } from './adapter-tools.ts';
import type { buildControl } from './bridge-control.ts';
import type { PortalRooms } from './bridge-portals.ts';
import { messageOf } from './errors.ts';
import type { Sync } from './membership/sync.ts';
import type { Gaps } from './pipeline/gaps.ts';
import type { Journal } from './pipeline/journal.ts';
import type { Lanes } from './pipeline/lanes.ts';
import type { Relations } from './pipeline/relations.ts';
import { shownBetween, threadsShown } from './pipeline/shown.ts';
import type { UserLimit } from './pipeline/user-limit.ts';
import { type Links, receiverOf } from './plumbing/links.ts';
import type { Plumb } from './plumbing/plumb.ts';
import type { Json } from './remote-event.ts';
import type { Logins } from './virtual-users/logins.ts';

export interface InboxParts<Body extends Json> {
  readonly gaps: Gaps<Body>;
  readonly limit: Pick<UserLimit, 'isBlocked' | 'stops'>;
  readonly networkLanes: Lanes;
  readonly logins: Logins<Body>;
  readonly control: Pick<ReturnType<typeof buildControl<Body>>, 'alarms' | 'completed' | 'networkActs'>;
  readonly rooms: Pick<PortalRooms<Body>, 'moves' | 'sidecar' | 'closing' | 'membersOnly' | 'mirrors' | 'spaces'>;
  readonly sync: Sync<Body>;
  readonly plumb: Plumb<Body>;
  readonly links: Links;
  readonly relations: Relations;
  readonly journal: Journal;
  readonly log: Logger;
}

export function inboxOf<Body extends Json>(parts: InboxParts<Body>): Inbox<Body> {
  const { gaps, networkLanes, logins, control, rooms, sync, plumb, links, log } = parts;
  const receive: Inbox<Body>['receive'] = (event) => {
    if (parts.limit.isBlocked && parts.limit.stops(event)) return Promise.resolve();
    // Before anything of it is shown: what follows is no longer, or again, for who went or came.
    if (event.kind === 'membership') {
      if (rooms.sidecar.isOffered) rooms.sidecar.heard(event);
      rooms.membersOnly.heard(event);
    } else if (event.kind === 'channel' || event.kind === 'profile') rooms.mirrors.heard(event);
    if (event.kind === 'channel' && event.name !== undefined) plumb.called(event.channel);
    return gaps.receive(event);
  };
  return {
    receive: (event) => plumb.openings.of(event.channel)?.then(() => receive(event)) ?? receive(event),
    connection: (speaker, network, state, reason) => {
      log.info({ network, state, ...(reason !== undefined && { reason }) }, 'connection');
      if (speaker.as === 'bot') {
        gaps.connection(network, state === 'up');
        control.alarms.connection(network, state === 'up');
      }
      if (speaker.as === 'bot' && state === 'up') {
        networkLanes.resume(network);
        plumb.introduced(network);
        rooms.spaces.called(network);
        rooms.mirrors.connected(network);
      }
      if (speaker.as === 'user' && state === 'logged-out')
        logins
          .refuse(speaker.user, network, reason ?? 'logged out')
          .catch((thrown) => log.error({ network, why: messageOf(thrown) }, 'cannot mark a login as refused'));
    },
    loggedIn: (user, result) => control.completed(user, result),
    renewed: (account, credentials) => logins.renew(account, credentials),
    asked: (act) => control.networkActs.asked(act),
    moved: (from, to) => rooms.moves.move(from, to),
    shown: async (channel, from, to) => shownBetween(parts, channel, from, to),
    threads: async (channel, since, most) => threadsShown(parts, channel, since, most),
    members: (channel) => {
      sync.recompute(channel);
      rooms.membersOnly.read(channel);
    },
    changed: (channel, isPrivate) => rooms.mirrors.changed(channel, isPrivate),
    renamed: (network) => {
      plumb.introduced(network);
      rooms.spaces.called(network);
    },
    gone: (channel, reason) => {
      rooms.closing.gone(channel, reason).catch((thrown) => log.error({ channel, why: messageOf(thrown) }, 'cannot close a link'));
    },
    // Rooms of people's own are served by their sessions, which this does not concern.
    suspended: (channel, reason) => {
      const shared = links.byChannel(channel).filter((link) => receiverOf(link) === undefined);
      plumb
        .shutOut(shared, reason, `${reason}. Messages are no longer carried; link the channel again once that is mended.`)
        .catch((thrown) => log.error({ channel, why: messageOf(thrown) }, 'cannot suspend a link'));
    },
    readmitted: (channel) => {
      plumb.readmitted(channel).catch((thrown) => log.error({ channel, why: messageOf(thrown) }, 'cannot resume a link'));
    },
  };
}
