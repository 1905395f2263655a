// The methods of the Web API that the bridge calls, with what each answers, by Slack's own types.

import type {
  AppsConnectionsOpenResponse,
  AppsEventAuthorizationsListResponse,
  AuthRevokeResponse,
  AuthTeamsListResponse,
  AuthTestResponse,
  BotsInfoResponse,
  ChatDeleteResponse,
  ChatGetPermalinkResponse,
  ChatMeMessageResponse,
  ChatPostEphemeralResponse,
  ChatPostMessageResponse,
  ChatUpdateResponse,
  ConversationsArchiveResponse,
  ConversationsCreateResponse,
  ConversationsHistoryResponse,
  ConversationsInfoResponse,
  ConversationsInviteResponse,
  ConversationsJoinResponse,
  ConversationsKickResponse,
  ConversationsLeaveResponse,
  ConversationsListResponse,
  ConversationsMarkResponse,
  ConversationsMembersResponse,
  ConversationsOpenResponse,
  ConversationsRenameResponse,
  ConversationsRepliesResponse,
  ConversationsSetPurposeResponse,
  ConversationsSetTopicResponse,
  ConversationsUnarchiveResponse,
  EmojiListResponse,
  FilesCompleteUploadExternalResponse,
  FilesGetUploadURLExternalResponse,
  FilesInfoResponse,
  OauthV2AccessResponse,
  PinsAddResponse,
  PinsListResponse,
  PinsRemoveResponse,
  ReactionsAddResponse,
  ReactionsGetResponse,
  ReactionsRemoveResponse,
  RtmConnectResponse,
  TeamInfoResponse,
  UsergroupsListResponse,
  UsersConversationsResponse,
  UsersInfoResponse,
  UsersListResponse,
  UsersProfileGetResponse,
  UsersSetPresenceResponse,
} from '@slack/web-api';

export type Arguments = Readonly<Record<string, unknown>>;

export interface CallOptions {
  /** ms to wait for our turn or through a 429; longer is an error that says how long. 2 s for posts, a minute for all else. */
  readonly patience?: number;
  /** Behind others where calls wait. */
  readonly isBackground?: boolean;
}

export interface Replies {
  'apps.connections.open': AppsConnectionsOpenResponse;
  'apps.event.authorizations.list': AppsEventAuthorizationsListResponse;
  'auth.revoke': AuthRevokeResponse;
  'auth.teams.list': AuthTeamsListResponse;
  'auth.test': AuthTestResponse;
  'bots.info': BotsInfoResponse;
  'chat.delete': ChatDeleteResponse;
  'chat.getPermalink': ChatGetPermalinkResponse;
  'chat.meMessage': ChatMeMessageResponse;
  'chat.postEphemeral': ChatPostEphemeralResponse;
  'chat.postMessage': ChatPostMessageResponse;
  'chat.update': ChatUpdateResponse;
  'conversations.archive': ConversationsArchiveResponse;
  'conversations.create': ConversationsCreateResponse;
  'conversations.history': ConversationsHistoryResponse;
  'conversations.info': ConversationsInfoResponse;
  'conversations.invite': ConversationsInviteResponse;
  'conversations.join': ConversationsJoinResponse;
  'conversations.kick': ConversationsKickResponse;
  'conversations.leave': ConversationsLeaveResponse;
  'conversations.list': ConversationsListResponse;
  'conversations.mark': ConversationsMarkResponse;
  'conversations.members': ConversationsMembersResponse;
  'conversations.open': ConversationsOpenResponse;
  'conversations.rename': ConversationsRenameResponse;
  'conversations.replies': ConversationsRepliesResponse;
  'conversations.setPurpose': ConversationsSetPurposeResponse;
  'conversations.setTopic': ConversationsSetTopicResponse;
  'conversations.unarchive': ConversationsUnarchiveResponse;
  'emoji.list': EmojiListResponse;
  'files.completeUploadExternal': FilesCompleteUploadExternalResponse;
  'files.getUploadURLExternal': FilesGetUploadURLExternalResponse;
  'files.info': FilesInfoResponse;
  'oauth.v2.access': OauthV2AccessResponse;
  'pins.add': PinsAddResponse;
  'pins.list': PinsListResponse;
  'pins.remove': PinsRemoveResponse;
  'reactions.add': ReactionsAddResponse;
  'reactions.get': ReactionsGetResponse;
  'reactions.remove': ReactionsRemoveResponse;
  'rtm.connect': RtmConnectResponse;
  'team.info': TeamInfoResponse;
  'usergroups.list': UsergroupsListResponse;
  'users.conversations': UsersConversationsResponse;
  'users.info': UsersInfoResponse;
  'users.list': UsersListResponse;
  'users.profile.get': UsersProfileGetResponse;
  'users.setPresence': UsersSetPresenceResponse;
}

export type Method = keyof Replies;

/** Lists that come in pages. */
export type PagedMethod = {
  [M in Method]: Replies[M] extends { response_metadata?: { next_cursor?: string } } ? M : never;
}[Method];

/** Called twice they do it twice, so an answer that is lost leaves the outcome open. */
export const posting: ReadonlySet<Method> = new Set<Method>([
  'chat.postMessage',
  'chat.meMessage',
  'chat.postEphemeral',
  'conversations.create',
  'files.completeUploadExternal',
  'oauth.v2.access',
]);
