// Reactions of several people through one identity, which can give each sign once: given with the first of them, taken back with
// the last. Counted in what was recorded, so that a restart forgets nobody.

import type { RemoteUserId } from '../ids.ts';
import type { Link, Links } from '../plumbing/links.ts';
import type { RemoteMessage } from '../remote-event.ts';
import type { Relation, Relations } from './relations.ts';

export interface ReactionParts {
  readonly links: Pick<Links, 'byChannel'>;
  readonly relations: Pick<Relations, 'ofRemote'>;
}

/** Has anybody else given this sign through `self`, in whichever of the channel's rooms? `but`: the event that gives it or gave it. */
export function isGivenByOthers(
  { links, relations }: ReactionParts,
  { channel }: Link,
  target: RemoteMessage,
  { emoji, self, but }: { emoji: string; self: RemoteUserId; but: string | undefined },
): boolean {
  const [id] = target.ids;
  const isOther = (each: Relation) => each.kind === 'reaction' && each.emoji === emoji && each.author === self && each.event !== but;
  return id !== undefined && links.byChannel(channel).some((link) => relations.ofRemote(id, link.id).some(isOther));
}
