// Where something happened, as Slack has it by now. Slack tells things late, and some of them twice: what a channel is called and whether
// it is open is asked for and not taken from what is told.

import { type Conversation, type Shown, topicOf } from './conversations.ts';
import type { SlackRemoteEvent } from './events.ts';
import { type Fields, textIn } from './fields.ts';
import type { Team } from './team.ts';

type Change = Extract<SlackRemoteEvent, { kind: 'channel' }>;

/** Undefined: nothing need be asked. Settles with whether Slack said how it is; `foundPrivate` where nobody knew of that. */
export function placeOf(
  team: Team,
  channel: string,
  { event, isPrivate }: { readonly event: Fields; readonly isPrivate: boolean | undefined },
  foundPrivate: () => void,
): Promise<boolean> | undefined {
  const before = team.conversations.known(channel)?.kind;
  const isStrange = isPrivate === true && (before === undefined || before === 'public') && !team.conversations.isSaidPrivate(channel);
  if (!isStrange && !isOfItself(event)) return undefined;
  return nowOf(team, channel).then((now) => {
    // Where Slack does not say, what is said there says it for as long: it is not asked for each word.
    if (now === undefined ? isStrange && team.conversations.sayPrivate(channel) : before === undefined && now.kind === 'private')
      foundPrivate();
    return now !== undefined;
  });
}

/** Undefined where Slack does not say. */
export async function nowOf(team: Team, channel: string): Promise<Conversation | undefined> {
  return await team.conversations.refresh(channel, team.eyesOn(channel)).catch(() => undefined);
}

/** `isFound`: Slack has said since how it is. Undefined: whoever listens knows it already. */
export function asItStands(team: Team, channel: string, event: Fields, told: Change, isFound: boolean): Change | undefined {
  const { conversations } = team;
  const { name, topic, archived, isPrivate, by, ...rest } = told;
  // It may have been found anew since it was asked for.
  const now = isFound ? conversations.known(channel) : undefined;
  // It stands in for a topic that is not there.
  if (isOfPurpose(event) && (now ?? conversations.known(channel))?.topic) return undefined;
  const shown = now === undefined ? noted(team, channel, event, told) : { ...now, topic: topicOf(now) };
  // What is over already is told to who may not know of its end alone.
  const isOver = archived !== shown.isArchived && conversations.told(channel).isArchived === undefined;
  const news = {
    ...(name !== undefined && shown.name !== undefined && { name: shown.name }),
    ...(topic !== undefined && shown.topic !== undefined && { topic: shown.topic }),
    ...(archived !== undefined && shown.isArchived !== undefined && !isOver && { isArchived: shown.isArchived }),
  };
  if (!conversations.tell(channel, news)) return undefined;
  // Another did what was done since.
  const isTheirs = [name?.replace(/^#/, ''), topic, archived].every((said, at) => said === [news.name, news.topic, news.isArchived][at]);
  return {
    ...rest,
    ...(isTheirs && by !== undefined && { by }),
    ...((now === undefined ? isPrivate : now.kind === 'private') && { isPrivate: true }),
    ...(news.name !== undefined && { name: `#${news.name}` }),
    ...(news.topic !== undefined && { topic: news.topic }),
    ...(news.isArchived !== undefined && { archived: news.isArchived }),
  };
}

/** Slack could not be asked: it is as it was told. */
function noted({ conversations }: Team, channel: string, event: Fields, { name, topic, archived }: Change): Shown {
  const called = name?.replace(/^#/, '');
  conversations.change(channel, {
    ...(called !== undefined && { name: called }),
    ...(topic !== undefined && (isOfPurpose(event) ? { purpose: topic } : { topic })),
    ...(archived !== undefined && { isArchived: archived }),
  });
  const known = conversations.known(channel);
  const read = known === undefined ? topic : topicOf(known);
  return {
    ...(called !== undefined && { name: called }),
    ...(read !== undefined && { topic: read }),
    ...(archived !== undefined && { isArchived: archived }),
  };
}

const isOfPurpose = (event: Fields): boolean => textIn(event, 'subtype')?.endsWith('_purpose') === true;

/** Of the channel itself, and not of what is in it. */
export function isOfItself(event: Fields): boolean {
  if (event.type !== 'message') return /^(?:channel|group)_(?:rename|(?:un)?archive)$/.test(textIn(event, 'type') ?? '');
  return /^(?:channel|group)_(?:topic|purpose|name)$/.test(textIn(event, 'subtype') ?? '');
}
