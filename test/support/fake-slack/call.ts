// One call of a method as its method sees it, and what its method returns: typed by the response types of @slack/web-api, so that tsc
// refuses a field which Slack's replies have never had.

import type * as web from '@slack/web-api';
import type { Recorded } from '../fake-services/recorded.ts';
import type { Args } from './args.ts';
import type { Channels } from './channels.ts';
import type { Dispatch } from './dispatch.ts';
import type { Files } from './files.ts';
import type { Limits } from './limits.ts';
import type { Messages } from './messages.ts';
import type { Channel, Message, Team, Token, User } from './model.ts';
import type { Consent } from './oauth-exchange.ts';
import type { People } from './people.ts';
import type { Rtm } from './rtm.ts';
import type { OrUndefined } from './shapes.ts';
import type { SocketMode } from './socket-mode.ts';
import type { Tokens } from './tokens.ts';
import { isOn, SlackFault, type World } from './world.ts';

export interface Parts {
  readonly world: World;
  readonly messages: Messages;
  readonly channels: Channels;
  readonly people: People;
  readonly files: Files;
  readonly tokens: Tokens;
  readonly rtm: Rtm;
  readonly socketMode: SocketMode;
  readonly dispatch: Dispatch;
  readonly limits: Limits;
  /** What people agreed to, by the code that the app was given for it. */
  readonly consents: Map<string, Consent>;
  readonly ephemerals: Recorded<Ephemeral>;
}

/** Seen by one person only, and kept nowhere. */
export interface Ephemeral {
  readonly user: string;
  readonly channel: string;
  readonly text: string;
  readonly blocks: unknown;
  readonly threadTs: string | undefined;
  readonly ts: string;
}

/** A call with a bot's or a user's token. */
export interface Call extends Parts {
  readonly method: string;
  readonly args: Args;
  readonly token: Token;
  readonly user: User;
  /** Of the token; with an organisation's token the one named by `team_id`, or the channel's. */
  readonly team: Team;
  /** The headers that count for OAuth. */
  readonly basic: { readonly name: string; readonly password: string } | undefined;
}

export interface Replies {
  'apps.connections.open': web.AppsConnectionsOpenResponse;
  'apps.event.authorizations.list': web.AppsEventAuthorizationsListResponse;
  'apps.uninstall': web.AppsUninstallResponse;
  'auth.revoke': web.AuthRevokeResponse & { revoked?: boolean };
  'auth.teams.list': web.AuthTeamsListResponse;
  'auth.test': web.AuthTestResponse;
  'bots.info': web.BotsInfoResponse;
  'chat.delete': web.ChatDeleteResponse;
  'chat.getPermalink': web.ChatGetPermalinkResponse;
  'chat.meMessage': web.ChatMeMessageResponse;
  'chat.postEphemeral': web.ChatPostEphemeralResponse;
  'chat.postMessage': web.ChatPostMessageResponse;
  'chat.update': web.ChatUpdateResponse;
  'conversations.archive': web.ConversationsArchiveResponse;
  'conversations.close': web.ConversationsCloseResponse;
  'conversations.create': web.ConversationsCreateResponse;
  'conversations.history': web.ConversationsHistoryResponse;
  'conversations.info': web.ConversationsInfoResponse;
  'conversations.invite': web.ConversationsInviteResponse;
  'conversations.join': web.ConversationsJoinResponse;
  'conversations.kick': web.ConversationsKickResponse;
  'conversations.leave': web.ConversationsLeaveResponse & { not_in_channel?: boolean };
  'conversations.list': web.ConversationsListResponse;
  'conversations.mark': web.ConversationsMarkResponse;
  'conversations.members': web.ConversationsMembersResponse;
  'conversations.open': web.ConversationsOpenResponse;
  'conversations.rename': web.ConversationsRenameResponse;
  'conversations.replies': web.ConversationsRepliesResponse;
  'conversations.setPurpose': web.ConversationsSetPurposeResponse;
  'conversations.setTopic': web.ConversationsSetTopicResponse;
  'conversations.unarchive': web.ConversationsUnarchiveResponse;
  'emoji.list': web.EmojiListResponse;
  'files.completeUploadExternal': web.FilesCompleteUploadExternalResponse;
  'files.delete': web.FilesDeleteResponse;
  'files.getUploadURLExternal': web.FilesGetUploadURLExternalResponse;
  'files.info': web.FilesInfoResponse;
  'files.upload': web.FilesUploadResponse;
  'oauth.v2.access': web.OauthV2AccessResponse;
  'pins.add': web.PinsAddResponse;
  'pins.list': web.PinsListResponse;
  'pins.remove': web.PinsRemoveResponse;
  'reactions.add': web.ReactionsAddResponse;
  'reactions.get': web.ReactionsGetResponse;
  'reactions.remove': web.ReactionsRemoveResponse;
  'rtm.connect': web.RtmConnectResponse;
  'team.info': web.TeamInfoResponse;
  'usergroups.list': web.UsergroupsListResponse;
  'usergroups.users.list': web.UsergroupsUsersListResponse;
  'users.conversations': web.UsersConversationsResponse;
  'users.getPresence': web.UsersGetPresenceResponse;
  'users.info': web.UsersInfoResponse;
  'users.list': web.UsersListResponse;
  'users.profile.get': web.UsersProfileGetResponse;
  'users.profile.set': web.UsersProfileSetResponse;
  'users.setPresence': web.UsersSetPresenceResponse;
}

export type MethodName = keyof Replies;
/** `ok` is added by the door. */
export type To<M extends MethodName> = OrUndefined<Omit<Replies[M], 'ok'>>;
export type Methods<M extends MethodName> = { readonly [K in M]: (call: Call) => To<K> | Promise<To<K>> };

/** By id; conversations that the caller may not know of are not there. */
export function channelOf(call: Call, name = 'channel'): Channel {
  const channel = call.world.channels.get(call.args.need(name));
  if (channel === undefined || !isVisible(call, channel)) throw new SlackFault('channel_not_found');
  return channel;
}

export function isVisible({ team, user }: Call, channel: Channel): boolean {
  if (channel.members.has(user.id)) return true;
  return channel.kind === 'channel' && isOn(channel, team);
}

export function mustBeIn({ user }: Call, channel: Channel): void {
  if (!channel.members.has(user.id)) throw new SlackFault('not_in_channel');
}

export function messageOf(call: Call, channel: Channel, ts: string): Message {
  return call.world.message(channel, ts);
}

/** A page of a list, and the cursor to the next: what it holds is the caller's business to keep, as base64 of a place. */
export function page<Item>(
  items: readonly Item[],
  { args }: Call,
  byDefault: number,
  most: number,
): { items: Item[]; next_cursor: string } {
  const limit = args.number('limit') ?? byDefault;
  if (limit < 1 || limit > most) throw new SlackFault('invalid_limit');
  const from = startOf(args.text('cursor'));
  const end = from + limit;
  return { items: items.slice(from, end), next_cursor: end < items.length ? Buffer.from(`next:${end}`).toString('base64') : '' };
}

function startOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const [, place] = /^next:(\d+)$/.exec(Buffer.from(cursor, 'base64').toString()) ?? [];
  if (place === undefined) throw new SlackFault('invalid_cursor');
  return Number(place);
}
