// What is asked of the room about a message that another bridge carried before us: that one kept no more than which event is which
// message, so who said it is learnt when something points at it, and not for the thousands that nothing ever does.

import type { Homeserver } from '../appservice/homeserver.ts';
import { PermanentError } from '../errors.ts';
import type { RoomId } from '../ids.ts';
import { stringIn } from '../matrix-event.ts';
import { formerRooms, type Links } from '../plumbing/links.ts';
import type { Ghosts } from '../virtual-users/ghosts.ts';
import type { Relation } from './relations.ts';

export interface LearningParts {
  readonly homeserver: Pick<Homeserver, 'event'>;
  readonly links: Pick<Links, 'get'>;
  readonly ghosts: Pick<Ghosts, 'remoteOf'>;
}

/** As it was given where the room does not tell: the event is gone, or was never to be seen by us. */
export async function learnt({ homeserver, links, ghosts }: LearningParts, relation: Relation): Promise<Relation> {
  const link = links.get(relation.link);
  const rooms: readonly RoomId[] = link === undefined ? [] : [link.room, ...formerRooms(link)];
  for (const room of rooms) {
    const event = await homeserver.event(room, relation.event).catch((thrown: unknown) => {
      if (!(thrown instanceof PermanentError)) throw thrown;
      return undefined;
    });
    if (event === undefined) continue;
    const text = stringIn(event.content, 'body');
    return { ...relation, sender: event.sender, author: relation.author ?? ghosts.remoteOf(event.sender), text };
  }
  return relation;
}
