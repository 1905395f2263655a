// Files: announced, received, completed, shared, deleted. Uploading takes three steps and tells no message id at its end
// (docs.slack.dev/messaging/working-with-files): the message comes a little later, as a `file_share`.

import { createHash } from 'node:crypto';
import type { Draft, Messages } from './messages.ts';
import type { SlackFile, Team } from './model.ts';
import { pictureSize } from './png.ts';
import { SlackFault, type World } from './world.ts';

export interface NewFile {
  readonly team: Team;
  readonly user: string;
  readonly name: string;
  readonly size: number;
  readonly altText?: string | undefined;
  readonly isSnippet?: boolean;
}

/** Larger uploads are counted and hashed, not kept. */
const maxKept = 64 * 1024 * 1024;

const types: Readonly<Record<string, readonly [mimetype: string, filetype: string]>> = {
  png: ['image/png', 'png'],
  jpg: ['image/jpeg', 'jpg'],
  jpeg: ['image/jpeg', 'jpg'],
  gif: ['image/gif', 'gif'],
  webp: ['image/webp', 'webp'],
  txt: ['text/plain', 'text'],
  pdf: ['application/pdf', 'pdf'],
  mp4: ['video/mp4', 'mp4'],
  mp3: ['audio/mpeg', 'mp3'],
  ogg: ['audio/ogg', 'ogg'],
};

export class Files {
  readonly #world: World;
  readonly #messages: Messages;

  constructor(world: World, messages: Messages) {
    this.#world = world;
    this.#messages = messages;
  }

  announce({ team, user, name, size, altText, isSnippet = false }: NewFile): SlackFile {
    const ending = name.split('.').at(-1)?.toLowerCase() ?? '';
    const [mimetype, filetype] = types[ending] ?? (isSnippet ? ['text/plain', 'text'] : ['application/octet-stream', 'binary']);
    const file: SlackFile = {
      id: this.#world.id('F'),
      team,
      user,
      name,
      title: name,
      mimetype,
      filetype,
      isSnippet,
      altText,
      created: this.#world.clock.seconds(),
      announcedSize: size,
      bytes: undefined,
      size: 0,
      sha256: '',
      width: undefined,
      height: undefined,
      isDeleted: false,
      isShared: false,
      shares: [],
    };
    this.#world.files.set(file.id, file);
    return file;
  }

  receive(file: SlackFile, bytes: Buffer): void {
    const picture = pictureSize(bytes);
    file.size = bytes.length;
    file.sha256 = createHash('sha256').update(bytes).digest('hex');
    file.bytes = bytes.length <= maxKept ? bytes : undefined;
    file.width = picture?.width;
    file.height = picture?.height;
  }

  complete(file: SlackFile, title: string | undefined): void {
    if (file.sha256 === '') throw new SlackFault('file_not_found');
    file.isShared = true;
    file.title = title ?? file.name;
    const named = { file_id: file.id, user_id: file.user, file: { id: file.id } };
    this.#world.announce({ type: 'file_created', ...named, event_ts: this.#world.clock.ts() }, { of: 'user', user: file.user });
  }

  share(files: readonly SlackFile[], draft: Draft): string {
    return this.#messages.post({ ...draft, files, subtype: 'file_share' }).ts;
  }

  /** Messages keep a tombstone of it. */
  delete(file: SlackFile): void {
    const shared = file.shares.flatMap(({ channel, ts }) => channel.timeline.all.get(ts) ?? []);
    const [first, ...rest] = shared;
    const mark = () => {
      file.isDeleted = true;
      file.bytes = undefined;
    };
    if (first === undefined) mark();
    else this.#messages.alter(first, mark);
    for (const message of rest) this.#messages.alter(message, () => {});
    const channel_ids = [...new Set(shared.map(({ channel }) => channel.id))];
    const event = { type: 'file_deleted', file_id: file.id, channel_ids, event_ts: this.#world.clock.ts() } as const;
    this.#world.announce(event, { of: 'team', teams: [file.team.id] });
  }
}
