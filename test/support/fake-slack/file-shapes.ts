// How files look: in messages as @slack/types has it (`alt_txt` as conversations.history of @slack/web-api has it), in files.info as
// @slack/web-api has it (which calls some numbers strings, as its recordings have both). Two shapes are documented in words only: a file
// that the reader must ask about (`file_access: check_file_info`, docs.slack.dev/apis/slack-connect) and the tombstone of a deleted one
// (`mode: tombstone`).

import type { FileShareMessageEvent } from '@slack/types';
import type { FilesInfoResponse } from '@slack/web-api';
import type { SlackFile, Team } from './model.ts';
import type { World } from './world.ts';

export type FileInMessage = NonNullable<FileShareMessageEvent['files']>[number];
type FileInfo = NonNullable<FilesInfoResponse['file']>;
/** Dimensions are numbers on the wire (docs.slack.dev/reference/objects/file-object). */
type Dimensions = 'original_w' | 'original_h' | 'thumb_360_w' | 'thumb_360_h';

const prettyTypes: Readonly<Record<string, string>> = {
  png: 'PNG',
  jpg: 'JPEG',
  gif: 'GIF',
  text: 'Plain Text',
  pdf: 'PDF',
  mp4: 'MPEG 4 Video',
};

export function fileAddress(world: World, file: SlackFile, isDownload = false): string {
  return `${world.origin}/files-pri/${file.team.id}-${file.id}/${isDownload ? 'download/' : ''}${encodeURIComponent(file.name.toLowerCase())}`;
}

/** As `reader`s workspace gets it within a message. */
export function fileInMessage(world: World, file: SlackFile, reader?: Team): FileInMessage {
  if (file.isDeleted) return stub({ id: file.id, mode: 'tombstone' });
  if (reader !== undefined && reader !== file.team) {
    return stub({ id: file.id, mode: 'file_access', file_access: 'check_file_info', created: 0, timestamp: 0, user: '' });
  }
  return { ...common(world, file), ...(file.altText !== undefined && { alt_txt: file.altText }) };
}

export function fileShape(world: World, file: SlackFile) {
  const shares: { public?: Record<string, object[]>; private?: Record<string, object[]> } = {};
  for (const { channel, ts, threadTs } of file.shares) {
    const side = channel.kind === 'channel' ? 'public' : 'private';
    const share = {
      ts,
      channel_name: channel.name,
      team_id: file.team.id,
      share_user_id: file.user,
      reply_users: [],
      reply_users_count: 0,
      reply_count: 0,
      source: 'UNKNOWN',
      ...(threadTs === undefined ? {} : { thread_ts: threadTs }),
    } satisfies NonNullable<NonNullable<FileInfo['shares']>['public']>[string][number];
    shares[side] ??= {};
    const channels = shares[side];
    channels[channel.id] = [...(channels[channel.id] ?? []), share];
  }
  const shape = {
    ...common(world, file),
    alt_txt: file.altText ?? '',
    shares,
    ims: idsOf(file, 'im'),
    has_more_shares: false,
    file_access: 'visible',
    media_display_type: 'unknown',
    user_team: file.team.id,
  };
  return shape satisfies Omit<{ [K in keyof FileInfo]: unknown }, Dimensions>;
}

function common(world: World, file: SlackFile) {
  const isImage = file.width !== undefined && file.height !== undefined;
  const url = fileAddress(world, file);
  return {
    id: file.id,
    created: file.created,
    timestamp: file.created,
    name: file.name,
    title: file.title,
    mimetype: file.mimetype,
    filetype: file.filetype,
    pretty_type: prettyTypes[file.filetype] ?? file.filetype.toUpperCase(),
    user: file.user,
    editable: file.isSnippet,
    size: file.size,
    mode: file.isSnippet ? 'snippet' : 'hosted',
    is_external: false,
    external_type: '',
    is_public: file.shares.some(({ channel }) => channel.kind === 'channel'),
    public_url_shared: false,
    display_as_bot: false,
    username: '',
    url_private: url,
    url_private_download: fileAddress(world, file, true),
    permalink: `${world.origin}/workspaces/${file.team.domain}/files/${file.user}/${file.id}`,
    has_rich_preview: false,
    channels: idsOf(file, 'channel'),
    groups: [...idsOf(file, 'group'), ...idsOf(file, 'mpim')],
    ...(file.isSnippet ? { preview: file.bytes?.toString('utf8').slice(0, 500) ?? '' } : {}),
    // Slack scales; here every size is the original.
    ...(isImage
      ? { original_w: file.width, original_h: file.height, thumb_360: url, thumb_360_w: file.width, thumb_360_h: file.height }
      : {}),
  } satisfies { [K in keyof (FileInMessage & { timestamp: number })]: unknown } as FileInMessage;
}

function idsOf(file: SlackFile, kind: string): string[] {
  return [...new Set(file.shares.filter(({ channel }) => channel.kind === kind).map(({ channel }) => channel.id))];
}

/** No type of the package knows these. */
function stub(shape: object): FileInMessage {
  return shape as FileInMessage;
}
