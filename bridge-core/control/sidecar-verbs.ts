// The verbs of people's own rooms: which channels they are in, a room for one of them, out of it again, somebody else brought in.
// Each checks the asker; what is made is plumbing/sidecar.ts'.

import type { Adapter } from '../adapter.ts';
import type { Channel } from '../channel.ts';
import { DeniedError, PermanentError } from '../errors.ts';
import { type UserId, userId } from '../ids.ts';
import { type Link, type Links, receiverOf } from '../plumbing/links.ts';
import type { Sidecar } from '../plumbing/sidecar.ts';
import type { Json } from '../remote-event.ts';
import type { KnownLogin } from '../virtual-users/logins.ts';
import type { Asked } from './actions.ts';
import type { Verb } from './commands.ts';
import type { Permissions } from './permissions.ts';

export interface SidecarVerbsParts<Body extends Json> {
  readonly sidecar: Pick<Sidecar<Body>, 'open' | 'close' | 'invite' | 'of' | 'roomOf'>;
  readonly adapter: Pick<Adapter<Body>, 'channels'>;
  readonly links: Pick<Links, 'byRoom'>;
  readonly logins: { byUser(user: UserId): readonly KnownLogin[] };
  readonly permissions: Pick<Permissions, 'mustBe'>;
}

const mostListed = 200;

export class SidecarVerbs<Body extends Json> {
  readonly #parts: SidecarVerbsParts<Body>;

  constructor(parts: SidecarVerbsParts<Body>) {
    this.#parts = parts;
  }

  get verbs(): Verb[] {
    return [
      {
        ...{ names: ['join', 'gjoin'], usage: 'join [network] #channel', does: 'opens a private room of yours for a channel' },
        run: (asked, words) => this.#join(asked, words.join(' ')),
      },
      {
        ...{ names: ['part', 'gpart'], usage: 'part [[network] #channel]', does: 'closes it; you stay in the channel' },
        run: (asked, words) => this.#part(asked, words.join(' ')),
      },
      {
        ...{ names: ['invite'], usage: 'invite @user:server [[network] #channel]', does: 'brings somebody into it, for whom you speak' },
        run: (asked, words) => this.#invite(asked, words),
      },
    ];
  }

  /** For who is logged in, in their direct chat; undefined: the usual list alone. */
  async list({ by, isDirect }: Asked): Promise<string | undefined> {
    const { permissions, logins, adapter, sidecar } = this.#parts;
    permissions.mustBe('user', by, 'list channels');
    if (!isDirect || !logins.byUser(by).some(({ state }) => state === 'live')) return undefined;
    const lines: string[] = [];
    for await (const channel of adapter.channels.of?.(by) ?? []) {
      if (lines.length >= mostListed) return [...lines, '…'].join('\n');
      lines.push(lineOf(channel, sidecar.roomOf(by, channel.id)));
    }
    return lines.length === 0 ? 'You are in no channel there. “join” and its name brings you into one.' : lines.join('\n');
  }

  async #join(asked: Asked, query: string): Promise<string> {
    const { permissions, adapter, sidecar } = this.#parts;
    permissions.mustBe('user', asked.by, 'have rooms of their own');
    if (query === '') throw new PermanentError('BAD_REQUEST', 'which channel? “list” shows those that you are in');
    const channel = await adapter.channels.resolve(query, asked.by);
    if (channel === undefined) throw new PermanentError('CHANNEL_UNKNOWN', `${query} names no channel that you may know of`);
    const { room } = await sidecar.open(asked.by, channel);
    return `${channel.name} on ${channel.network.name} is yours in https://matrix.to/#/${room}`;
  }

  async #part(asked: Asked, query: string): Promise<string> {
    this.#parts.permissions.mustBe('user', asked.by, 'close rooms of their own');
    const link = this.#meant(asked, query);
    const { name, network } = this.#parts.adapter.channels.describe(link.channel);
    await this.#parts.sidecar.close(link, 'its person closed it');
    return `Your room of ${name} is closed. You are still in it on ${network.name}.`;
  }

  async #invite(asked: Asked, [guest = '', ...words]: readonly string[]): Promise<string> {
    this.#parts.permissions.mustBe('user', asked.by, 'invite others');
    if (!/^@[^\s:]+:\S+$/.test(guest)) throw new PermanentError('BAD_REQUEST', 'whom? Give a Matrix id');
    const link = this.#meant(asked, words.join(' '));
    await this.#parts.sidecar.invite(link, userId(guest));
    const { name, network } = this.#parts.adapter.channels.describe(link.channel);
    return `${guest} is invited. Who is not logged in to ${network.name} is said in ${name} by your account, with their name before it.`;
  }

  /** The room where it is asked, or theirs of the channel that is named. */
  #meant({ by, room, isDirect }: Asked, query: string): Link {
    const { links, sidecar, adapter } = this.#parts;
    if (query === '') {
      const here = isDirect ? undefined : links.byRoom(room).find((link) => receiverOf(link) !== undefined);
      if (here === undefined) throw new PermanentError('BAD_REQUEST', 'which channel? Name it, or say this in your room of it');
      if (receiverOf(here) !== by) throw new DeniedError('this is the room of somebody else');
      return here;
    }
    const wanted = query.toLowerCase();
    const isCalled = ({ channel }: Link): boolean => {
      const { id, name, network } = adapter.channels.describe(channel);
      return [id, name, ...[network.id, network.name].flatMap((net) => [`${net} ${name}`, `${net}/${name}`])].some(
        (word) => word.toLowerCase() === wanted,
      );
    };
    const found = sidecar.of(by).filter(isCalled);
    const [only, ...others] = found;
    if (only === undefined) throw new PermanentError('LINK_UNKNOWN', `you have no room of ${query}`);
    if (others.length > 0) throw new PermanentError('BAD_REQUEST', 'of which network? Name it before the channel');
    return only;
  }
}

function lineOf({ name, network }: Channel, link: Link | undefined): string {
  const where = link === undefined ? '' : link.state === 'live' ? `: https://matrix.to/#/${link.room}` : `: ${link.reason ?? link.state}`;
  return `${name} on ${network.name}${where}`;
}
