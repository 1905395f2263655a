// files.*: the upload in three steps, info and delete, as their pages on docs.slack.dev/reference/methods; the bytes themselves go over
// file-host.ts. `files.upload` answers as it does since its end. Unverified: which of the upload's settings Slack checks first, and that
// the message of an upload by a bot bears its `bot_id`.

import { type Call, isVisible, type MethodName, type Methods, type To } from '../call.ts';
import { fileShape } from '../file-shapes.ts';
import type { Blocks, Channel, SlackFile } from '../model.ts';
import { isConnect, SlackFault } from '../world.ts';

export const fileMethods = {
  'files.getUploadURLExternal': ({ args, files, team, user, world }): To<'files.getUploadURLExternal'> => {
    const size = args.number('length') ?? 0;
    const name = args.text('filename');
    if (name === undefined || size <= 0) throw new SlackFault('missing_argument');
    const altText = args.text('alt_txt') ?? args.text('alt_text');
    if ((altText?.length ?? 0) > 1000) throw new SlackFault('alt_txt_too_large');
    const isSnippet = args.text('snippet_type') !== undefined;
    if (isSnippet && size > 1024 * 1024) throw new SlackFault('snippet_too_large');
    const file = files.announce({ team, user: user.id, name, size, altText, isSnippet });
    return { upload_url: `${world.origin}/upload/v1/${file.id}-${world.secret(16)}`, file_id: file.id };
  },

  'files.completeUploadExternal': (call): To<'files.completeUploadExternal'> => {
    const { args, files, world, user } = call;
    const named = (args.json('files', 'invalid_arguments') ?? []) as readonly { readonly id?: string; readonly title?: string }[];
    const found = named.map(({ id = '', title }) => ({ file: uploaded(call, id), title }));
    if (found.length === 0) throw new SlackFault('invalid_arguments');
    const asked = [args.text('channel_id') ?? [], args.list('channels')].flat();
    const channels = asked.map((id) => postable(call, id));
    const blocks = args.json('blocks', 'invalid_blocks') as Blocks | undefined;
    for (const { file, title } of found) files.complete(file, title);
    const threadTs = args.text('thread_ts');
    const text = args.text('initial_comment') ?? '';
    const draft = {
      user: user.id,
      bot: user.bot,
      team: user.teamId,
      text,
      threadTs,
      isUpload: true,
      blocks: text === '' ? blocks : undefined,
    };
    world.later.in(world.quirks.fileShareDelay, () => {
      for (const channel of channels)
        files.share(
          found.map(({ file }) => file),
          { ...draft, channel },
        );
    });
    return { files: found.map(({ file }) => ({ id: file.id, title: file.title })) };
  },

  'files.info': (call): To<'files.info'> => {
    const file = visible(call);
    return { file: fileShape(call.world, file) as never, comments: [], response_metadata: { next_cursor: '' } as never };
  },

  'files.delete': (call): To<'files.delete'> => {
    const file = visible(call);
    if (file.user !== call.user.id) throw new SlackFault('cant_delete_file');
    call.files.delete(file);
    return {};
  },

  'files.upload': (): To<'files.upload'> => {
    throw new SlackFault('method_deprecated');
  },
} satisfies Partial<Methods<MethodName>>;

function uploaded({ world, user }: Call, id: string): SlackFile {
  const file = world.files.get(id);
  if (file === undefined || file.user !== user.id || file.isShared) throw new SlackFault('file_not_found');
  return file;
}

function postable(call: Call, id: string): Channel {
  const channel = call.world.channels.get(id);
  if (channel === undefined || !isVisible(call, channel)) throw new SlackFault('channel_not_found');
  if (!channel.members.has(call.user.id)) throw new SlackFault('not_in_channel');
  if (channel.isArchived || channel.isReadOnly) throw new SlackFault('posting_to_channel_denied');
  return channel;
}

function visible(call: Call): SlackFile {
  const file = call.world.files.get(call.args.need('file'));
  if (file === undefined) throw new SlackFault('file_not_found');
  if (file.isDeleted) throw new SlackFault('file_deleted');
  if (!maySeeFile(call, file)) throw new SlackFault('not_visible');
  return file;
}

/** Its owner, and those who see a channel that it was shared to. */
export function maySeeFile(call: Pick<Call, 'user' | 'team'>, file: SlackFile): boolean {
  if (file.user === call.user.id) return true;
  return file.shares.some(({ channel }) => {
    const isOpen =
      channel.kind === 'channel' && (channel.team === call.team || (isConnect(channel) && channel.sharedWith.has(call.team.id)));
    return isOpen || channel.members.has(call.user.id);
  });
}
