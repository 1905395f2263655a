// Sessions by speaker: the relay account's, and one for each person who is logged in; opened when first asked for. Chats of two are opened
// here too, for they need somebody's own login.

import {
  type ChannelId,
  type Fit,
  PermanentError,
  type RemoteUserId,
  type Session,
  type Speaker,
  UnreachableError,
  type UserId,
} from '#bridge-core';
import type { Account } from './account.ts';
import type { GitterBody } from './body.ts';
import { plainly } from './formatter.ts';
import type { Hearing } from './hearing.ts';
import { parseChannelId, parseUserId } from './ids.ts';
import type { GitterNetwork } from './network.ts';
import type { OwnRooms } from './own-rooms.ts';
import type { PostingParts } from './posting.ts';
import type { Ask, Room } from './rooms.ts';
import { openSession, type SessionParts } from './session.ts';
import { hasId, type WireRoom } from './wire/objects.ts';

export interface SessionsParts
  extends Omit<PostingParts, 'account' | 'isBot' | 'roomOf' | 'isHeard'>,
    Pick<SessionParts, 'present' | 'speaks'> {
  readonly network: GitterNetwork;
  readonly hearing: Hearing;
  readonly own: OwnRooms;
}

/** ms between private words to one person. */
const tellEvery = 60_000;
const mostTold = 1_000;

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #open = new Map<string, Session<GitterBody>>();
  /** When somebody was told something last. */
  readonly #told = new Map<RemoteUserId, number>();

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#open.size;
  }

  async open(speaker: Speaker): Promise<Session<GitterBody>> {
    const { network } = this.#parts;
    if (network.state !== 'up')
      await network.probe().catch((thrown) => {
        throw thrown instanceof PermanentError
          ? thrown
          : new UnreachableError('NETWORK_UNREACHABLE', 'Gitter does not answer', { cause: thrown });
      });
    const known = this.#open.get(nameOf(speaker));
    if (known !== undefined) return known;
    const account = speaker.as === 'user' ? network.accountOf(speaker.user) : network.bot;
    if (account === undefined) throw new PermanentError('NETWORK_LOGIN', 'no login at Gitter');
    return this.#make(speaker, account);
  }

  /** What they can do is asked of them anew. */
  renew(): void {
    const hadBot = this.#open.has(nameOf({ as: 'bot' }));
    this.#open.clear();
    if (hadBot) this.openBot();
  }

  openBot(): void {
    if (!this.#open.has(nameOf({ as: 'bot' }))) this.#make({ as: 'bot' }, this.#parts.network.bot);
  }

  opened(speaker: Speaker): Session<GitterBody> | undefined {
    return this.#open.get(nameOf(speaker));
  }

  forget({ speaker }: Account): void {
    this.#open.delete(nameOf(speaker));
  }

  async openDirect(user: UserId, others: readonly RemoteUserId[]): Promise<ChannelId> {
    const { network, hearing } = this.#parts;
    const account = network.accountOf(user);
    if (account === undefined) throw new PermanentError('NETWORK_LOGIN', 'log in to Gitter first');
    const [other, ...more] = others;
    if (other === undefined || more.length > 0) throw new PermanentError('UNSUPPORTED', 'a private chat on Gitter is one of two');
    const given = parseUserId(other);
    const uri = 'name' in given ? given.name : network.users.nameOf(given.id);
    if (uri === undefined) throw new PermanentError('NETWORK_REFUSED', 'it is not known what they are called in Gitter');
    const told = await account.ask({ method: 'POST', route: '/rooms', body: { uri } });
    if (!hasId(told) || (told as WireRoom).oneToOne !== true) throw new PermanentError('NETWORK_REFUSED', 'Gitter opened no chat');
    return hearing.opened(account, told as WireRoom).channel;
  }

  /** By the relay account, in a chat of the two; more often than now and then, nothing is said. */
  async tell(user: RemoteUserId, words: string): Promise<void> {
    const { network } = this.#parts;
    const given = parseUserId(user);
    // Those whom another bridge shows have no chats.
    const uri = 'name' in given ? given.name : given.id.includes('-') ? undefined : network.users.nameOf(given.id);
    if (uri === undefined || (this.#told.get(user) ?? 0) > Date.now() - tellEvery) return;
    this.#told.delete(user);
    this.#told.set(user, Date.now());
    const [oldest] = this.#told.keys();
    if (this.#told.size > mostTold && oldest !== undefined) this.#told.delete(oldest);
    const told = await network.bot.ask({ method: 'POST', route: '/rooms', body: { uri } });
    if (hasId(told) && (told as WireRoom).oneToOne === true) await this.sayIn(told, words);
  }

  /** By the relay account, in a chat of its own. */
  async sayIn(chat: WireRoom, words: string): Promise<void> {
    const session = await this.open({ as: 'bot' });
    const { channel } = this.#parts.network.rooms.keep(chat);
    this.#parts.present.note(chat.id, true);
    for (const body of plainly(words, session.fit(channel, 'text')))
      await session.send({ key: `told ${chat.id} ${Date.now()}`, channel, body, style: 'text' });
  }

  /** As this account, or as whoever of ours can see it. */
  async load(channel: ChannelId, account?: Account, ask?: Ask): Promise<Room> {
    const { network, hearing, own } = this.#parts;
    const known = network.rooms.known(channel);
    if (known !== undefined) return known;
    const given = parseChannelId(channel);
    const [eyes] = 'room' in given ? (hearing.eyesOf(given.room) ?? []) : [];
    const found = await network.rooms.load(channel, ask ?? (account ?? eyes)?.ask);
    if (found !== undefined) return found;
    const other = account === undefined ? own.accountIn(channel) : undefined;
    if (other !== undefined) return await this.load(channel, other);
    throw new PermanentError('CHANNEL_UNKNOWN', `Gitter has no room ${'uri' in given ? given.uri : given.room} for the bridge`);
  }

  #make(speaker: Speaker, account: Account): Session<GitterBody> {
    const name = nameOf(speaker);
    const { hearing } = this.#parts;
    const made = openSession({
      ...this.#parts,
      ...{ account, isBot: speaker.as === 'bot', mention: this.#mention },
      load: (channel) => this.load(channel, 'room' in parseChannelId(channel) || speaker.as === 'bot' ? undefined : account),
      isHeard: (room) => hearing.isHeard(room.id),
      closed: () => {
        if (this.#open.get(name) === made) this.#open.delete(name);
      },
    });
    this.#open.set(name, made);
    return made;
  }

  readonly #mention: Fit['mention'] = (who) => {
    const { network } = this.#parts;
    const given = 'user' in who ? { id: network.accountOf(who.user)?.id ?? '' } : parseUserId(who.remote);
    const account = 'user' in who ? network.accountOf(who.user) : undefined;
    const name = 'name' in given ? given.name : (account?.username ?? network.users.nameOf(given.id));
    // Others than Gitter's own people cannot be called there.
    return name === undefined || name === '' || /[^\w-]/.test(name) ? undefined : `@${name}`;
  };
}

const nameOf = (speaker: Speaker): string => (speaker.as === 'bot' ? 'bot' : speaker.user);
