// Chats that another bridge made have its ghosts in them, and not always the bot, without whom nothing is heard there: one of the
// ghosts asks it in. Once: a bot that was put out stays out.

import type { Adapter } from '../adapter.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { RoomId } from '../ids.ts';
import type { Json } from '../remote-event.ts';
import type { Names } from '../virtual-users/names.ts';
import { isChat, isInherited, type Links } from './links.ts';

export interface LettingInParts<Body extends Json> {
  readonly homeserver: Pick<Homeserver, 'bot' | 'invite'>;
  readonly adapter: Pick<Adapter<Body>, 'channels'>;
  readonly links: Pick<Links, 'byRoom'>;
  readonly names: Pick<Names, 'ghostOf'>;
  /** ms since 1970: after a start it takes a while until the network knows again who is logged in. */
  readonly startedAt: number;
}

const signInTime = 10 * 60_000;

/** False: nobody could, or it is no such room. */
export async function letIn<Body extends Json>(parts: LettingInParts<Body>, room: RoomId): Promise<boolean> {
  const { homeserver, adapter, links, names, startedAt } = parts;
  const inherited = links.byRoom(room).filter((link) => isInherited(link) && isChat(link));
  let isKnown = true;
  for (const { channel } of inherited) {
    // Until one of its people is logged in nobody could tell who is in it.
    if (adapter.channels.chat?.(channel) === undefined) {
      isKnown = false;
      continue;
    }
    for await (const member of adapter.channels.members(channel)) {
      try {
        await homeserver.invite(names.ghostOf(member), room, homeserver.bot);
        return true;
      } catch (thrown) {
        if (!(thrown instanceof PermanentError)) throw thrown;
      }
    }
  }
  if (!isKnown && Date.now() - startedAt < signInTime)
    throw new RetryableError('NETWORK_LOGIN', `nobody of ours is known to be in ${room} yet`, { after: 1_000 });
  return false;
}
