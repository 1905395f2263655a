// What of a channel stands in its rooms, for adapters that compare it with what the network has now: messages and what was given
// to them, recorded or still on its way. Tells only; what is found to be different comes in as any other event.

import { type ChannelId, type RemoteMessageId, type RemoteUserId, remoteMessageId } from '../ids.ts';
import type { Link, Links } from '../plumbing/links.ts';
import type { ShownMessage } from '../remote-event.ts';
import type { Journal } from './journal.ts';
import { isInherited, isMessage, type Relation, type Relations } from './relations.ts';

export interface ShownParts {
  readonly links: Pick<Links, 'byChannel'>;
  readonly relations: Pick<Relations, 'between' | 'givenTo' | 'ofEvent' | 'threadsSince'>;
  readonly journal: Pick<Journal, 'toBeShown'>;
}

interface Found {
  sender: RemoteUserId | undefined;
  thread: RemoteMessageId | undefined;
  isGone: boolean;
  readonly reactions: Map<string, { readonly emoji: string; readonly by: RemoteUserId }>;
}

/** Of all the channel's rooms together. */
export function shownBetween(parts: ShownParts, channel: ChannelId, from: RemoteMessageId, to: RemoteMessageId): ShownMessage[] {
  const found = new Map<RemoteMessageId, Found>();
  for (const link of parts.links.byChannel(channel)) addOf(parts, link, from, to, found);
  return Array.from(found, ([id, { sender, thread, isGone, reactions }]) => ({
    ...{ id, isGone, reactions: [...reactions.values()] },
    ...(sender !== undefined && { sender }),
    ...(thread !== undefined && { thread }),
  }));
}

/** The threads in which something was shown since, the latest first. */
export function threadsShown({ links, relations }: ShownParts, channel: ChannelId, since: number, most: number): RemoteMessageId[] {
  const found = new Set<RemoteMessageId>();
  for (const link of links.byChannel(channel)) {
    for (const event of relations.threadsSince(link.id, since, most)) {
      const root = relations.ofEvent(event, link.id).find(isMessage)?.remote;
      if (root !== undefined) found.add(root);
    }
  }
  return [...found].slice(0, most);
}

function addOf(
  { relations, journal }: ShownParts,
  link: Link,
  from: RemoteMessageId,
  to: RemoteMessageId,
  found: Map<RemoteMessageId, Found>,
) {
  const at = (id: RemoteMessageId): Found => {
    const known = found.get(id) ?? { sender: undefined, thread: undefined, isGone: false, reactions: new Map() };
    found.set(id, known);
    return known;
  };
  const note = (id: RemoteMessageId, emoji: string | undefined, by: RemoteUserId | undefined) => {
    if (emoji !== undefined && by !== undefined) at(id).reactions.set(`${emoji} ${by}`, { emoji, by });
  };
  const standing = relations.between(link.id, from, to);
  // What another bridge had shown of these, and what became of them before us, is not known: nothing may be concluded.
  const inherited = new Set(standing.filter(isInherited).map((each: Relation) => each.remote));
  for (const each of standing) {
    const { remote, event, emoji, author, thread } = each;
    if (remote === undefined || inherited.has(remote)) continue;
    if (!isMessage(each)) {
      note(remote, emoji, author);
      continue;
    }
    const message = at(remote);
    message.sender ??= author;
    message.isGone ||= each.kind === 'gone';
    message.thread ??= thread === undefined ? undefined : relations.ofEvent(thread, link.id).find(isMessage)?.remote;
    for (const given of relations.givenTo(event, link.id)) note(remote, given.emoji, given.author);
  }
  for (const { event } of journal.toBeShown(link.id, from, to)) {
    if (event.kind !== 'message' || event.id === undefined) continue;
    const message = at(remoteMessageId(event.id));
    message.sender ??= event.sender.id;
    message.thread ??= event.thread;
  }
}
