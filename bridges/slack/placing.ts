// Where something happened, as Slack has it by now. Slack tells things late, and some of them twice: what a channel is called and whether
// it is open is asked for and not taken from what is told.

import { type Conversation, type Shown, topicOf } from './conversations.ts';
import { isOfPrivate, type SlackRemoteEvent } from './events.ts';
import { type Fields, textIn } from './fields.ts';
import type { Team } from './team.ts';

type Change = Extract<SlackRemoteEvent, { kind: 'channel' }>;

/** Undefined: nothing need be asked. Settles with what was found, if anything; `foundPrivate` where nobody knew of that. */
export function placeOf(
  team: Team,
  channel: string,
  event: Fields,
  foundPrivate: () => void,
): Promise<Conversation | undefined> | undefined {
  const before = team.conversations.known(channel)?.kind;
  const isStrange = isOfPrivate(event) === true && (before === undefined || before === 'public');
  if (!isStrange && !isOfItself(event)) return undefined;
  return nowOf(team, channel).then((now) => {
    if (before !== 'private' && (now === undefined ? isStrange : now.kind === 'private')) foundPrivate();
    return now;
  });
}

/** Undefined where Slack does not say. */
export async function nowOf(team: Team, channel: string): Promise<Conversation | undefined> {
  return await team.conversations.refresh(channel, team.eyesOn(channel)).catch(() => undefined);
}

/** `now`: as Slack had it since. Undefined: whoever listens knows it already. */
export function asItStands(team: Team, channel: string, event: Fields, told: Change, now: Conversation | undefined): Change | undefined {
  const { name, topic, archived, isPrivate, ...rest } = told;
  // It stands in for a topic that is not there.
  if (isOfPurpose(event) && (now ?? team.conversations.known(channel))?.topic) return undefined;
  const shown = now === undefined ? noted(team, channel, event, told) : { ...now, topic: topicOf(now) };
  const news = {
    ...(name !== undefined && shown.name !== undefined && { name: shown.name }),
    ...(topic !== undefined && shown.topic !== undefined && { topic: shown.topic }),
    ...(archived !== undefined && shown.isArchived !== undefined && { isArchived: shown.isArchived }),
  };
  if (!team.conversations.tell(channel, news)) return undefined;
  return {
    ...rest,
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
function isOfItself(event: Fields): boolean {
  if (event.type !== 'message') return /^(?:channel|group)_(?:rename|(?:un)?archive)$/.test(textIn(event, 'type') ?? '');
  return /^(?:channel|group)_(?:topic|purpose|name)$/.test(textIn(event, 'subtype') ?? '');
}
