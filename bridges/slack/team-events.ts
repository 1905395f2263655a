// What Slack tells of a team as a whole, or of a channel as such: people, emoji and groups change, tokens die, the app is taken out,
// channels get other ids or vanish. Mends what is known of the team; tells the core where it must act.

import type { ChannelId, Inbox } from '#bridge-core';
import { PermanentError } from '#bridge-core';
import type { SlackBody } from './body.ts';
import { type Fields, fieldsIn, idIn, textIn, textsIn } from './fields.ts';
import { makeChannelId, timeOf } from './ids.ts';
import type { Team } from './team.ts';
import { isRefusal } from './wire/faults.ts';
import type { SlackEvent } from './wire/source.ts';

export interface TeamListener {
  readonly inbox: Inbox<SlackBody>;
  /** Any channel of the team that is listened to. */
  readonly someWatched: (team: Team) => ChannelId | undefined;
  /** Nothing of the channel is handed on until `work` is done. */
  readonly inLine: (channel: ChannelId, work: () => Promise<void>) => Promise<void>;
  /** The bot was out of a channel, for how long ever, since then (ms). */
  readonly missed: (team: Team, channel: ChannelId, since: number) => void;
}

/** Undefined: it is of a channel, and read elsewhere. */
export function teamTold(team: Team, { event, authorizations, receivedAt }: SlackEvent, to: TeamListener): Promise<unknown> | undefined {
  switch (event.type) {
    case 'message':
      if (event.subtype === 'channel_convert_to_private' || event.subtype === 'channel_convert_to_public') converted(team, event, to);
      return undefined;
    case 'channel_created':
      team.own.note(textIn(fieldsIn(event, 'channel'), 'creator') ?? '', idIn(event, 'channel') ?? '', true);
      tellChanged(team, event, to);
      return done;
    case 'reaction_added':
    case 'reaction_removed':
      return undefined;
    case 'user_change':
    case 'user_profile_changed':
    case 'team_join':
      return personTold(team, fieldsIn(event, 'user') ?? {}, to);
    case 'emoji_changed':
      team.extras.emojiChanged(event);
      return done;
    case 'subteam_created':
    case 'subteam_updated':
      team.extras.groupChanged(event);
      return done;
    case 'team_rename':
      team.called({ name: textIn(event, 'name') });
      return done;
    case 'team_domain_change':
      team.called({ url: textIn(event, 'url') });
      return done;
    case 'tokens_revoked':
      return tokensRevoked(team, fieldsIn(event, 'tokens') ?? {});
    case 'app_uninstalled':
      return team.voided(new PermanentError('NETWORK_LOGIN', 'the app was taken out of the workspace'));
    case 'channel_id_changed':
      return moved(team, event, to);
    case 'channel_deleted':
    case 'group_deleted':
      return gone(team, event, to);
    case 'channel_left':
    case 'group_left':
      return left(team, event, authorizations?.[0]?.user, receivedAt, to);
    case 'member_joined_channel':
      if (textIn(event, 'user') === team.identity?.botUser) cameIn(team, event, team.identity?.botUser, to);
      return undefined;
    case 'member_left_channel':
      return textIn(event, 'user') === team.identity?.botUser ? left(team, event, team.identity?.botUser, receivedAt, to) : undefined;
    case 'channel_joined':
    case 'group_joined':
      cameIn(team, event, authorizations?.[0]?.user, to);
      return done;
    case 'im_created':
    case 'im_open':
    case 'mpim_open':
    case 'mpim_joined':
      return chatOpened(team, event);
    case 'channel_shared':
    case 'channel_unshared': {
      const channel = idIn(event, 'channel');
      if (channel !== undefined) team.conversations.change(channel, { isShared: event.type === 'channel_shared' });
      return done;
    }
    default:
      return undefined;
  }
}

const done = Promise.resolve();

async function personTold(team: Team, user: Fields, { inbox, someWatched }: TeamListener): Promise<void> {
  const change = team.users.changed(user);
  const channel = change === undefined ? undefined : someWatched(team);
  if (change !== undefined && channel !== undefined) await inbox.receive({ kind: 'profile', at: Date.now(), channel, ...change });
}

/** `oauth` and `bot` hold the people whose tokens they were. */
async function tokensRevoked(team: Team, tokens: Fields): Promise<void> {
  const ended = textsIn(tokens, 'oauth').map((user) => team.accounts.get(user)?.revoked());
  const { botUser } = team.identity ?? {};
  if (botUser !== undefined && textsIn(tokens, 'bot').includes(botUser))
    ended.push(team.voided(new PermanentError('NETWORK_LOGIN', 'Slack has revoked the token of the bot')));
  await Promise.all(ended);
}

async function moved(team: Team, event: Fields, { inbox }: TeamListener): Promise<void> {
  const [from, to] = [textIn(event, 'old_channel_id'), textIn(event, 'new_channel_id')];
  if (from === undefined || to === undefined) return;
  const known = team.conversations.known(from);
  if (known !== undefined) team.conversations.keep({ ...known, id: to });
  team.own.moved(from, to);
  await inbox.moved?.(makeChannelId(team.id, from), makeChannelId(team.id, to));
  team.conversations.forget(from);
}

async function gone(team: Team, event: Fields, { inbox }: TeamListener): Promise<void> {
  const channel = idIn(event, 'channel');
  if (channel === undefined) return;
  inbox.gone?.(makeChannelId(team.id, channel), 'The channel was deleted in Slack');
  team.conversations.forget(channel);
}

function converted(team: Team, event: Fields, to: TeamListener): void {
  const channel = idIn(event, 'channel');
  if (channel === undefined) return;
  const isPrivate = event.subtype === 'channel_convert_to_private';
  // That it is public may be told late, when it is so no longer.
  if (isPrivate) team.conversations.change(channel, { kind: 'private' });
  team.conversations.refresh(channel, team.eyesOn(channel)).catch(() => {});
  tellChanged(team, event, to, isPrivate);
}

/** Whether it has a room now is the settings' to say, as it stands by then. */
export function tellChanged(team: Team, event: Fields, { inbox }: Pick<TeamListener, 'inbox'>, isPrivate = false): void {
  const channel = idIn(event, 'channel');
  if (channel !== undefined) inbox.changed?.(makeChannelId(team.id, channel), isPrivate);
}

export const removed = 'The bridge was removed from the channel in Slack';

/** The bot was removed, or left by somebody's command in Slack; a person's own leaving is told by the channel's members. */
async function left(team: Team, event: Fields, user: string | undefined, receivedAt: number, to: TeamListener): Promise<void> {
  const channel = idIn(event, 'channel');
  if (channel === undefined || user === undefined || user !== team.identity?.botUser) return;
  const id = makeChannelId(team.id, channel);
  await to.inLine(id, async () => {
    // Slack tells it in two words, and of what we did ourselves too.
    if (team.conversations.hasLeft(channel)) return;
    // Told late: it was let in again meanwhile.
    if ((await isInNow(team, channel)) === true) to.missed(team, id, momentOf(event, receivedAt));
    else if (team.conversations.went(channel)) to.inbox.suspended(id, removed);
  });
}

/** Of something that was overtaken: the bot was out of a channel and is in again. */
export function missedBetween(team: Team, { event, authorizations, receivedAt }: SlackEvent, to: Pick<TeamListener, 'missed'>): void {
  const channel = idIn(event, 'channel');
  const who = event.type === 'member_left_channel' ? textIn(event, 'user') : authorizations?.[0]?.user;
  const isLeaving = /^(?:member_left_channel|channel_left|group_left)$/.test(event.type);
  if (isLeaving && channel !== undefined && who === team.identity?.botUser)
    to.missed(team, makeChannelId(team.id, channel), momentOf(event, receivedAt));
}

const momentOf = (event: Fields, receivedAt: number): number => Math.min(receivedAt, timeOf(textIn(event, 'event_ts') ?? '') || receivedAt);

/** Whether the bot is in it, as Slack has it by now. Undefined where Slack does not say. */
async function isInNow({ conversations }: Team, channel: string): Promise<boolean | undefined> {
  return await conversations.refresh(channel).then(
    (found) => found?.isMember,
    (thrown) => (isRefusal(thrown, 'channel_not_found') ? false : undefined),
  );
}

/** Told to themselves alone; everybody else there is told that they came. */
function cameIn(team: Team, event: Fields, user: string | undefined, to: TeamListener): void {
  const { inbox } = to;
  const channel = idIn(event, 'channel');
  if (channel === undefined || user === undefined) return;
  if (user !== team.identity?.botUser) {
    team.own.note(user, channel, true);
    return;
  }
  // First: it may have been for all when the bot was in it last.
  if (event.type === 'group_joined' || event.channel_type === 'G') tellChanged(team, event, to, true);
  const id = makeChannelId(team.id, channel);
  if (team.conversations.isIn(channel)) {
    inbox.readmitted?.(id);
    return;
  }
  void to.inLine(id, async () => {
    // Told late: it was put out again meanwhile.
    if ((await isInNow(team, channel)) === false) return;
    team.conversations.came(channel);
    inbox.readmitted?.(id);
  });
}

async function chatOpened(team: Team, event: Fields): Promise<void> {
  const channel = idIn(event, 'channel');
  const user = textIn(event, 'user');
  if (channel !== undefined && user !== undefined) await team.chats.learn(channel, [user]);
}
