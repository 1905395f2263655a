// How people, bots, workspaces, channels and usergroups look in replies: the fields of @slack/web-api's response types, which Slack
// generates from recorded replies. Values of fields that nothing here depends on (colour, time zone words) are plausible only.

import type { UserChangeEvent } from '@slack/types';
import type {
  BotsInfoResponse,
  ConversationsInfoResponse,
  ConversationsListResponse,
  TeamInfoResponse,
  UsergroupsListResponse,
  UsersInfoResponse,
} from '@slack/web-api';
import type { Bot, Channel, Team, User, Usergroup } from './model.ts';
import { isConnect, teamsOf, type World } from './world.ts';

type UserShape = NonNullable<UsersInfoResponse['user']>;
export type ChannelShape = NonNullable<ConversationsInfoResponse['channel']>;
type ListedChannel = NonNullable<ConversationsListResponse['channels']>[number];

const sizes = [24, 32, 48, 72, 192, 512] as const;

/** Undefined stands for a field that is left out, as JSON has it. */
export type OrUndefined<T> = T extends unknown
  ? { [K in keyof T]: Record<never, never> extends Pick<T, K> ? T[K] | undefined : T[K] }
  : never;

export function avatarOf(world: World, user: User, size: number | 'original'): string {
  const hash = user.avatar?.hash ?? 'g0000000000';
  return `${world.origin}/avatars/${user.id}-${hash}-${size}.png`;
}

/** `team` asks: to it, members of other workspaces are strangers. */
export function userShape(world: World, user: User, asker: Team | undefined) {
  const isStranger = asker !== undefined && !user.teams.has(asker.id);
  const images = Object.fromEntries(sizes.map((size) => [`image_${size}`, avatarOf(world, user, size)]));
  const isCustom = user.avatar !== undefined;
  const profile = {
    title: user.title,
    phone: '',
    skype: '',
    real_name: user.realName,
    real_name_normalized: plain(user.realName),
    display_name: user.displayName,
    display_name_normalized: plain(user.displayName),
    status_text: user.status.text,
    status_text_canonical: '',
    status_emoji: user.status.emoji,
    status_emoji_display_info: [],
    status_expiration: 0,
    avatar_hash: user.avatar?.hash ?? 'g0000000000',
    first_name: user.realName.split(' ')[0] ?? '',
    last_name: user.realName.split(' ').slice(1).join(' '),
    ...(isStranger || user.bot !== undefined ? {} : { email: user.email }),
    ...(isCustom
      ? { image_original: avatarOf(world, user, 'original'), is_custom_image: true, image_1024: avatarOf(world, user, 512) }
      : {}),
    ...(user.bot === undefined ? {} : { bot_id: user.bot.id, always_active: true }),
    ...(user.bot?.app === undefined ? {} : { api_app_id: user.bot.app.id }),
    team: user.teamId,
  } satisfies NonNullable<UserShape['profile']>;
  const shape = {
    id: user.id,
    team_id: user.teamId,
    name: user.name,
    deleted: user.isDeleted,
    color: '9f69e7',
    real_name: user.realName,
    tz: user.tz,
    tz_label: 'Central European Time',
    tz_offset: 3600,
    is_admin: user.isAdmin,
    is_owner: user.isAdmin,
    is_primary_owner: false,
    is_restricted: user.isRestricted,
    is_ultra_restricted: false,
    is_bot: user.bot !== undefined,
    is_app_user: false,
    is_email_confirmed: user.bot === undefined,
    updated: user.updated,
    who_can_share_contact_card: 'EVERYONE',
    ...(isStranger ? { is_stranger: true } : {}),
    ...(user.enterprise === undefined ? {} : { enterprise_user: enterpriseUser(user) }),
  } satisfies UserShape;
  return { ...shape, profile: { ...profile, ...(images as Record<`image_${(typeof sizes)[number]}`, string>) } };
}

/** As in events, where the types package asks for a few fields more. */
export function userInEvent(world: World, user: User): UserChangeEvent['user'] {
  const shape = userShape(world, user, undefined);
  const { enterprise_user, profile, ...rest } = shape;
  return {
    ...rest,
    locale: 'en-US',
    profile: { ...profile, fields: {} },
    ...(enterprise_user === undefined ? {} : { enterprise_user }),
  };
}

function enterpriseUser(user: User) {
  return {
    id: user.id,
    enterprise_id: user.enterprise?.id ?? '',
    enterprise_name: user.enterprise?.name ?? '',
    is_admin: user.isAdmin,
    is_owner: false,
    teams: [...user.teams],
  } satisfies NonNullable<UserShape['enterprise_user']>;
}

export function botShape(world: World, bot: Bot) {
  return {
    id: bot.id,
    deleted: false,
    name: bot.name,
    updated: bot.updated,
    app_id: bot.app?.id ?? '',
    ...(bot.userId === undefined ? {} : { user_id: bot.userId }),
    icons: botIcons(world, bot),
  } satisfies NonNullable<BotsInfoResponse['bot']>;
}

/** What messages carry of the bot that sent them. */
export function botProfile(world: World, bot: Bot) {
  return {
    id: bot.id,
    deleted: false,
    name: bot.name,
    updated: bot.updated,
    app_id: bot.app?.id ?? '',
    icons: botIcons(world, bot),
    team_id: bot.teamId,
  };
}

function botIcons(world: World, bot: Bot): { image_36: string; image_48: string; image_72: string } {
  const icon = (size: number) => `${world.origin}/avatars/${bot.id}-bot-${size}.png`;
  return { image_36: icon(36), image_48: icon(48), image_72: icon(72) };
}

export function teamShape(world: World, team: Team) {
  const icon = (size: number) => `${world.origin}/avatars/${team.id}-team-${size}.png`;
  return {
    id: team.id,
    name: team.name,
    url: teamUrl(world, team),
    domain: team.domain,
    email_domain: '',
    icon: {
      image_default: true,
      image_34: icon(34),
      image_44: icon(44),
      image_68: icon(68),
      image_88: icon(88),
      image_102: icon(102),
      image_132: icon(132),
      image_230: icon(230),
    },
    ...(team.enterprise === undefined
      ? {}
      : { enterprise_id: team.enterprise.id, enterprise_name: team.enterprise.name, enterprise_domain: team.enterprise.domain }),
  } satisfies NonNullable<TeamInfoResponse['team']>;
}

/** Slack's own is `https://DOMAIN.slack.com/`. */
export function teamUrl(world: World, team: Team): string {
  return `${world.origin}/workspaces/${team.domain}/`;
}

/** `asker` looks from `team`. */
export function channelShape(channel: Channel, asker: string, team: Team): ChannelShape & { user?: string } {
  const { id, kind, created, isArchived, updated } = channel;
  const common = { id, created, is_archived: isArchived, is_org_shared: isOrgShared(channel), context_team_id: team.id, updated };
  if (kind === 'im') {
    const other = [...channel.members].find((member) => member !== asker) ?? asker;
    return { ...common, is_im: true, user: other, is_open: true, last_read: channel.readUntil.get(asker) ?? '0000000000.000000' };
  }
  const isShared = channel.sharedWith.size > 0;
  const isExternal = isConnect(channel);
  return {
    ...common,
    name: channel.name,
    name_normalized: channel.name,
    // A private channel made today is a channel that is private; only its old kin were groups.
    is_channel: kind !== 'mpim',
    is_group: false,
    is_im: false,
    is_mpim: kind === 'mpim',
    is_private: kind !== 'channel',
    is_general: channel.isGeneral,
    is_shared: isShared,
    is_ext_shared: isExternal,
    is_pending_ext_shared: false,
    pending_shared: [],
    pending_connected_team_ids: [],
    shared_team_ids: teamsOf(channel),
    ...(isExternal ? { connected_team_ids: [...channel.sharedWith.keys()], internal_team_ids: [channel.team.id] } : {}),
    conversation_host_id: channel.team.id,
    creator: channel.creator,
    unlinked: 0,
    is_member: channel.members.has(asker),
    ...(channel.isReadOnly ? { is_read_only: true } : {}),
    ...(channel.members.has(asker) ? { last_read: channel.readUntil.get(asker) ?? '0000000000.000000' } : {}),
    topic: channel.topic,
    purpose: channel.purpose,
    previous_names: channel.previousNames,
  };
}

/** In lists, where the number of members is always told. */
export function listedChannel(channel: Channel, asker: string, team: Team): ListedChannel {
  const { is_read_only: _, last_read: __, connected_team_ids: ___, properties: ____, ...shape } = channelShape(channel, asker, team);
  return channel.kind === 'im' ? shape : { ...shape, num_members: channel.members.size };
}

export function usergroupShape(group: Usergroup, hasUsers: boolean) {
  return {
    id: group.id,
    team_id: group.teamId,
    is_usergroup: true,
    is_subteam: true,
    name: group.name,
    description: '',
    handle: group.handle,
    is_external: false,
    date_create: group.created,
    date_update: group.updated,
    date_delete: 0,
    auto_provision: false,
    enterprise_subteam_id: '',
    created_by: group.createdBy,
    updated_by: group.createdBy,
    prefs: { channels: [], groups: [] },
    user_count: group.users.length,
    channel_count: 0,
    ...(hasUsers ? { users: group.users } : {}),
  } satisfies NonNullable<UsergroupsListResponse['usergroups']>[number];
}

function isOrgShared({ sharedWith, team }: Channel): boolean {
  return [...sharedWith.values()].some(({ enterprise }) => enterprise !== undefined && enterprise === team.enterprise);
}

/** "normalized": without accents. */
function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{Mn}/gu, '');
}
