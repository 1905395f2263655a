// What the network's people say, as Matrix shows it: names made mentions of ghosts and people, pictures brought to the
// homeserver, files with all that clients want to know of them.

import type { Adapter } from '../adapter.ts';
import { type Brought, NotBrought } from '../appservice/brought.ts';
import { RetryableError } from '../errors.ts';
import { findNames, imagesIn, mapImages, mapMentions, mentionsIn } from '../format/mentions.ts';
import { type Inline, type RichText, text as words } from '../format/rich-text.ts';
import type { ChannelId, RemoteUserId, UserId } from '../ids.ts';
import type { Content } from '../matrix-event.ts';
import type { Json, RemoteFile, RemoteUser, ShownAs } from '../remote-event.ts';
import type { Names } from '../virtual-users/names.ts';
import { type Named, namedAs } from './content.ts';
import type { CrossingAddresses } from './crossing-addresses.ts';
import { notice } from './sending.ts';

/** A file that cannot be read now holds up its sender's next words; after so many tries it is told of instead. */
const fileTries = 5;

export interface ReadingParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'formatter' | 'channels' | 'speakerOf' | 'user'>;
  readonly brought: Pick<Brought, 'file' | 'picture'>;
  readonly names: Names;
  readonly addresses?: Pick<CrossingAddresses<Body>, 'toMatrix'>;
}

/** A file as it is shown, or why it is not. */
export type Shown = { readonly file: RemoteFile } & { readonly is: 'file' | 'lost'; readonly content: Content };

export class Reading<Body extends Json> {
  readonly #parts: ReadingParts<Body>;

  constructor(parts: ReadingParts<Body>) {
    this.#parts = parts;
  }

  /** `as`: who brings the pictures. */
  async text(body: Body, channel: ChannelId, as: UserId, link: number): Promise<RichText> {
    const { adapter, addresses } = this.#parts;
    const { formatter, channels } = adapter;
    const parsed = formatter.parse(body, channel);
    const mayPoint = channels.permalinks !== undefined && (kindsIn(parsed) & kinds.link) !== 0;
    const text = mayPoint ? (addresses?.toMatrix(parsed, link) ?? parsed) : parsed;
    const named =
      channels.named === undefined
        ? text
        : findNames(text, (word) => {
            const found = channels.named?.(channel, word);
            return found === undefined ? undefined : 'user' in found ? found : { user: this.#parts.names.ghostOf(found.remote) };
          });
    const found = kindsIn(named);
    const people = (found & kinds.person) === 0 ? undefined : await this.#peopleIn(named);
    const mentioned = mapMentions(named, (of, said): Inline | undefined => {
      if (!('remote' in of)) return { is: 'mention', of, text: said };
      const user = people?.get(of.remote);
      return user === undefined ? words(said) : { is: 'mention', of: { user }, text: said };
    });
    return (found & kinds.image) !== 0 ? await this.#withPictures(mentioned, as) : mentioned;
  }

  async named({ name, avatar }: ShownAs, sender: RemoteUser, as: UserId): Promise<Named> {
    const picture = avatar === undefined ? undefined : await this.picture({ name: 'avatar', source: avatar }, as);
    return namedAs({ id: `${sender.id} ${name}`, name, avatar: picture });
  }

  async picture(file: RemoteFile, as: UserId): Promise<string | undefined> {
    return await this.#parts.brought.picture(file, this.#bringer(as));
  }

  /** `tries`: how often it was tried before. */
  async file(file: RemoteFile, as: UserId, tries: number): Promise<Shown> {
    try {
      const { mxc, type } = await this.#parts.brought.file(file, this.#bringer(as));
      return { is: 'file', file, content: mediaContent(file, mxc, type) };
    } catch (thrown) {
      if (!(thrown instanceof NotBrought)) throw thrown;
      if (thrown.mayPass && tries < fileTries) throw new RetryableError('NETWORK_UNREACHABLE', thrown.message, { cause: thrown });
      return { is: 'lost', file, content: notice(lostWords(file, thrown)) };
    }
  }

  /** For a person the bot does it: it needs nothing of theirs. */
  #bringer(as: UserId): UserId {
    const { names } = this.#parts;
    return names.isGhost(as) ? as : names.bot;
  }

  /** Whom the network's own mentions mean: the ghosts, and people of ours by their own ids. */
  async #peopleIn(text: RichText): Promise<ReadonlyMap<RemoteUserId, UserId | undefined>> {
    const found = new Map<RemoteUserId, UserId | undefined>();
    for (const { of } of mentionsIn(text))
      if ('remote' in of && !found.has(of.remote)) found.set(of.remote, await this.#userBehind(of.remote));
    return found;
  }

  async #userBehind(remote: RemoteUserId): Promise<UserId | undefined> {
    const { adapter, names } = this.#parts;
    const speaker = adapter.speakerOf(remote);
    if (speaker !== undefined) return speaker.as === 'user' ? speaker.user : names.bot;
    // A name that cannot be looked up now stays a word: the message is worth more.
    const user = await adapter.user(remote).catch(() => undefined);
    return user && names.ghostOf(user);
  }

  /** Those that cannot be brought are said in words. */
  async #withPictures(text: RichText, as: UserId): Promise<RichText> {
    const found = new Map<string, string | undefined>();
    for (const { source, alt } of imagesIn(text)) {
      if (source.startsWith('mxc://') || found.has(source)) continue;
      found.set(source, await this.picture({ name: alt === '' ? 'image' : alt, source }, as));
    }
    return mapImages(text, (image) => {
      if (image.source.startsWith('mxc://')) return image;
      const mxc = found.get(image.source);
      return mxc === undefined ? words(image.alt === '' ? 'image' : image.alt) : { ...image, source: mxc };
    });
  }
}

/** What must be looked up. */
const kinds = { image: 1, person: 2, link: 4 } as const;

interface Node {
  readonly is?: string;
  readonly of?: unknown;
  readonly items?: unknown;
  readonly rows?: unknown;
  readonly text?: string;
}

/** Without making anything: nearly all text has none of them. */
function kindsIn(nodes: readonly unknown[]): number {
  let found = 0;
  for (const node of nodes) found |= Array.isArray(node) ? kindsIn(node) : kindsOf(node as Node);
  return found;
}

function kindsOf({ is, of, items, rows, text }: Node): number {
  if (is === 'text') return text?.includes('://') === true ? kinds.link : 0;
  if (is === 'image') return kinds.image;
  if (is === 'mention') return 'remote' in (of as object) ? kinds.person : 'channel' in (of as object) ? kinds.link : 0;
  const within = of ?? items ?? rows;
  return (is === 'link' ? kinds.link : 0) | (Array.isArray(within) ? kindsIn(within) : 0);
}

function mediaContent(file: RemoteFile, mxc: string, type: string): Content {
  const info = {
    mimetype: type,
    ...(file.bytes !== undefined && { size: file.bytes }),
    ...(file.width !== undefined && { w: file.width }),
    ...(file.height !== undefined && { h: file.height }),
    ...(file.duration !== undefined && { duration: file.duration }),
  };
  const name = file.name === '' ? 'file' : file.name;
  return { msgtype: kindOf(type), url: mxc, info, filename: name, body: file.alt || name, 'm.mentions': {} };
}

function kindOf(type: string): string {
  const [kind] = type.split('/');
  // Few clients draw what is also a program.
  if (kind === 'image') return type.startsWith('image/svg') ? 'm.file' : 'm.image';
  return kind === 'video' || kind === 'audio' ? `m.${kind}` : 'm.file';
}

function lostWords(file: RemoteFile, { code, mayPass }: NotBrought): string {
  const why =
    code === 'EVENT_TOO_LARGE'
      ? 'it is larger than the homeserver takes'
      : mayPass
        ? 'the network does not give it out now'
        : 'it cannot be fetched';
  const size = file.bytes === undefined ? '' : ` (${sizeInWords(file.bytes)})`;
  const page = file.page === undefined || !/^https?:\/\//i.test(file.page) ? '' : `: ${file.page}`;
  return `${file.name === '' ? 'A file' : file.name}${size} is not shown here, for ${why}${page}`;
}

function sizeInWords(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1_000 && unit < units.length - 1) {
    size /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || size >= 10 ? Math.round(size) : Math.round(size * 10) / 10} ${units[unit]}`;
}
