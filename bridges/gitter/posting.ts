// Saying something in a room: as a person by their own login, else under their name where Gitter lets us, else by the relay account with
// their name before the words. What was posted counts once it came back; what does not come back nobody saw.

import {
  type Logger,
  messageOf,
  type Outgoing,
  PermanentError,
  type RemoteMessage,
  type RemoteMessageId,
  type ShownAs,
  UnknownOutcomeError,
  type UserId,
} from '#bridge-core';
import type { Account } from './account.ts';
import type { Bans } from './bans.ts';
import { type GitterBody, longestText } from './body.ts';
import type { Copies } from './copies.ts';
import type { Said } from './doubts.ts';
import { sentAt } from './events.ts';
import { makeMessageId, makeUserId, timeOf } from './ids.ts';
import type { GitterNetwork } from './network.ts';
import { externalIdOf, virtualType } from './own-posts.ts';
import { RecentPosts } from './recent-posts.ts';
import type { Room } from './rooms.ts';
import type { GitterSettings } from './settings.ts';
import type { VirtualUsers } from './virtual-users.ts';
import { isRefusal } from './wire/faults.ts';
import { hasId, type WireMessage } from './wire/objects.ts';
import type { Call } from './wire/rest.ts';

export interface PostingParts {
  readonly network: GitterNetwork;
  readonly account: Account;
  readonly settings: GitterSettings;
  readonly virtualUsers: VirtualUsers;
  readonly copies: Copies;
  readonly bans: Bans;
  readonly log: Logger;
  readonly count: (name: string, labels?: Readonly<Record<string, string>>) => void;
  /** The room that is meant, entered. */
  readonly roomOf: (channel: Outgoing['channel']) => Promise<Room>;
  readonly isHeard: (room: Room) => boolean;
  readonly isBot: boolean;
}

/** What is posted, as the API has it. */
interface Draft {
  readonly text: string;
  readonly status?: true;
  readonly parentId?: string;
  readonly virtualUser?: { readonly type: string; readonly externalId: string; readonly displayName: string; readonly avatarUrl?: string };
}

/** ms: so long Gitter lets a message be edited. */
const editWindow = 600_000;
/** ms: by our clock, which need not be theirs; later nobody is asked. */
const maybeEditable = 2 * editWindow;
const mostEditable = 2_000;

/** Left for the name before the words. */
const linkRoom = 360;

/** Signs of a line that begins a block: a name before it would make words of it. */
const beginsBlock = /^(?:```|> |#{1,6} |[-+*] |\d+\. |---|\|)/;

export class Posting {
  readonly #parts: PostingParts;
  readonly #recent: RecentPosts;
  /** Whether the name was beside the words, of what may still be edited. */
  readonly #wasVirtual = new Map<string, boolean>();
  #line: Promise<unknown> = Promise.resolve();

  constructor(parts: PostingParts) {
    this.#parts = parts;
    this.#recent = new RecentPosts({ ask: parts.account.ask });
  }

  /** In the order of the calls. */
  send(message: Outgoing<GitterBody>): Promise<RemoteMessageId> {
    const sending = this.#line.then(async () => {
      this.#recent.tried(message.key);
      const id = await this.#send(message);
      this.#recent.known(message.key);
      return id;
    });
    this.#line = sending.catch(() => {});
    return sending;
  }

  /** Among our recent posts, by its words and its thread; where their own account tried it and speaks no more, among its posts too. */
  async sent(message: Outgoing<GitterBody>, since: number, known: (id: RemoteMessageId) => boolean): Promise<RemoteMessageId | undefined> {
    const room = await this.#parts.roomOf(message.channel);
    const drafts = this.#draftsFor(message);
    const isOurs = (each: WireMessage) => drafts.some((draft) => this.#isIt(each, draft));
    // What was read here for others may be older than that try.
    if (message.triedAs !== undefined) this.#recent.tried(message.key);
    const messages = await this.#recent.of(room.id, message.key, since);
    const found = messages.find((each) => (isOurs(each) || this.#isTheirs(each, message)) && !known(makeMessageId(each.id)));
    if (found === undefined) return undefined;
    const { copies, network } = this.#parts;
    network.posts.found(found.id, saidOf(found, room), sentAt(found));
    if (isOurs(found)) copies.said(this.#parts.account.id, found.text ?? '');
    return makeMessageId(found.id);
  }

  /** Words of one's own are changed for ten minutes; after that they are said anew, and said to be. */
  async edit(target: RemoteMessageId, message: Outgoing<GitterBody>): Promise<RemoteMessageId> {
    const { account, network } = this.#parts;
    const room = await this.#parts.roomOf(message.channel);
    if (Date.now() - (timeOf(target) ?? 0) < maybeEditable) {
      const { text } = await this.#asBefore(room, target, message);
      network.posts.edits(target, text);
      const call = { method: 'PUT' as const, route: '/rooms/:id/chatMessages/:mid', with: { id: room.id, mid: target }, body: { text } };
      try {
        await account.ask(call);
        return target;
      } catch (thrown) {
        if (!isRefusal(thrown, 400)) throw thrown;
      }
    }
    const { thread, replyTo, ...rest } = message;
    const root = network.threads.rootOf(target);
    const inThread = root === target ? undefined : { channel: message.channel, ids: [makeMessageId(root)] };
    const followUp = {
      ...rest,
      ...(inThread && { thread: inThread }),
      body: { ...message.body, text: this.#saidAnew(room, target, message.body.text) },
    };
    // It may have been said before its answer was lost.
    const said = await this.sent(followUp, Date.now() - editWindow, () => false);
    return said ?? (await this.send(followUp));
  }

  async #send(message: Outgoing<GitterBody>): Promise<RemoteMessageId> {
    const room = await this.#parts.roomOf(message.channel);
    const { virtualUsers, isBot } = this.#parts;
    if (isBot && message.shownAs !== undefined && virtualUsers.mayBeTried) {
      const draft = this.#virtual(message, message.shownAs);
      try {
        const id = await this.#post(room, draft);
        await virtualUsers.allowed();
        return id;
      } catch (thrown) {
        await this.#mustBeTold(room, draft, thrown);
      }
      const id = await this.#post(room, this.#plain(message));
      // That the account may not speak there at all says nothing of names.
      await virtualUsers.refused();
      return id;
    }
    return await this.#post(room, this.#plain(message));
  }

  /** A banned one is not said by another way. Else the relay account says it, from now on if it may. */
  async #mustBeTold(room: Room, { virtualUser }: Draft, thrown: unknown): Promise<void> {
    const { virtualUsers, bans } = this.#parts;
    if (!isRefusal(thrown, 403)) throw thrown;
    const isBanned = virtualUser !== undefined && (await bans.isBanned(room, `${virtualUser.type}-${virtualUser.externalId}`));
    if (isBanned) throw new PermanentError('CHANNEL_CLOSED', 'they are banned from the room in Gitter');
    if (virtualUsers.isProven) throw thrown;
  }

  async #post(room: Room, draft: Draft): Promise<RemoteMessageId> {
    const { parentId } = draft;
    try {
      const id = await this.#postIn(room, draft);
      if (parentId !== undefined) this.#parts.network.threads.note(id, parentId);
      return id;
    } catch (thrown) {
      if (parentId === undefined || !isRefusal(thrown, 400)) throw thrown;
      // There is no thread within another; what it answers may be in one without our having heard it.
      const root = await this.#rootOf(room, parentId);
      if (root === parentId) throw thrown;
      const { parentId: _, ...rest } = draft;
      return await this.#postIn(room, root === undefined ? rest : { ...rest, parentId: root });
    }
  }

  /** Undefined: it is gone. */
  async #rootOf(room: Room, id: string): Promise<string | undefined> {
    const told = await this.#parts.account
      .ask({ route: '/rooms/:id/chatMessages/:mid', with: { id: room.id, mid: id } })
      .catch((thrown) => (isRefusal(thrown, 400, 404) ? undefined : Promise.reject(thrown)));
    if (!hasId(told)) return undefined;
    const root = (told as WireMessage).parentId ?? id;
    if (root !== id) this.#parts.network.threads.note(id, root);
    return root;
  }

  async #postIn(room: Room, draft: Draft): Promise<RemoteMessageId> {
    const { account, network, copies, settings } = this.#parts;
    if (draft.text.length > longestText) throw new PermanentError('NETWORK_REFUSED', `Gitter takes ${longestText} characters at most`);
    copies.check(account.id, draft.text);
    const said = saidOf(draft, room);
    if (said !== undefined) await network.posts.speaksFor(said.as);
    const post = async () => {
      const call = { method: 'POST' as const, route: '/rooms/:id/chatMessages', with: { id: room.id }, body: draft, isPost: true };
      const told = await account.ask(call);
      if (!hasId(told)) throw new UnknownOutcomeError('Gitter took a message and did not say which it is');
      return told.id;
    };
    const id = await network.posts.posting(account.id, room.id, post, said);
    copies.said(account.id, draft.text);
    this.#posted(id, draft.virtualUser !== undefined);
    // Where nobody listens it is asked for at once; a server may need a moment before it knows of it.
    if (!this.#parts.isHeard(room) && (await this.#stands(room, id))) return makeMessageId(id);
    if (!(await network.posts.cameBack(id, settings.echoTimeout)) && !(await this.#stands(room, id))) this.#hidden(room);
    return makeMessageId(id);
  }

  /** Where it did not come back it may only not have been told of. */
  async #stands(room: Room, id: string): Promise<boolean> {
    const call = { route: '/rooms/:id/chatMessages/:mid', with: { id: room.id, mid: id } };
    try {
      return hasId(await this.#parts.account.ask(call));
    } catch (thrown) {
      if (isRefusal(thrown, 404)) return false;
      // It cannot be said now: Gitter gave it an id, which counts; it is told once it can.
      void this.#lookLater(room, call);
      return true;
    }
  }

  /** Its sender was told that it arrived: the operator alone can be told otherwise. */
  async #lookLater(room: Room, call: Call): Promise<void> {
    const { account, log } = this.#parts;
    await account.ask({ ...call, haste: 'background', patience: 60_000 }).catch((thrown) => {
      if (isRefusal(thrown, 404)) this.#tellHidden(room);
      else if (!account.isEnded)
        log.warn({ room: room.uri, why: messageOf(thrown) }, 'whether Gitter shows a message that it took could not be found out');
    });
  }

  #hidden(room: Room): never {
    this.#tellHidden(room);
    throw new PermanentError(
      'NETWORK_BANNED',
      `Gitter took the message and shows it to nobody: the account ${this.#parts.account.username} seems to be hidden there`,
    );
  }

  #tellHidden(room: Room): void {
    const { account, log, count } = this.#parts;
    count('gitter_posts_hidden', { account: account.username });
    log.error(
      { room: room.uri, account: account.username },
      'Gitter took a message and shows it to nobody: the account seems to be hidden there as a spammer',
    );
  }

  #draftsFor(message: Outgoing<GitterBody>): Draft[] {
    const plain = this.#plain(message);
    const { shownAs } = message;
    return this.#parts.isBot && shownAs !== undefined ? [this.#virtual(message, shownAs), plain] : [plain];
  }

  #isIt({ text, fromUser, virtualUser, parentId }: WireMessage, draft: Draft): boolean {
    if (text !== draft.text || parentId !== draft.parentId) return false;
    if (draft.virtualUser !== undefined) return virtualUser?.externalId === draft.virtualUser.externalId;
    return virtualUser === undefined && fromUser?.id === this.#parts.account.id;
  }

  /** As their own account, which is not ours any more, said it. */
  #isTheirs({ text, fromUser, virtualUser, parentId }: WireMessage, message: Outgoing<GitterBody>): boolean {
    if (message.triedAs === undefined || fromUser === undefined || virtualUser !== undefined) return false;
    if (makeUserId(fromUser.id) !== message.triedAs || parentId !== this.#parentOf(message)) return false;
    const { body, style } = message;
    return text === (style === 'emote' ? `@${fromUser.username} ${body.text}` : body.text);
  }

  #plain(message: Outgoing<GitterBody>): Draft {
    const { account, settings } = this.#parts;
    const { body, style, shownAs } = message;
    const place = this.#placed(message);
    if (shownAs === undefined)
      return style === 'emote' ? { text: `@${account.username} ${body.text}`, status: true, ...place } : { text: body.text, ...place };
    if (style === 'emote') return { text: `${plainName(shownAs)} ${body.text}`, status: true, ...place };
    return { text: relayed(settings.relay, shownAs, body.text), ...place };
  }

  #virtual(message: Outgoing<GitterBody>, shownAs: ShownAs): Draft {
    const { body, style } = message;
    const displayName = shownAs.name.slice(0, 255);
    const virtualUser = {
      ...{ type: virtualType, externalId: idFor(message.by, displayName), displayName },
      ...(shownAs.avatar !== undefined && shownAs.avatar.length <= 2_000 && { avatarUrl: shownAs.avatar }),
    };
    const text = style === 'emote' ? `${plainName(shownAs)} ${body.text}` : body.text;
    return { text, ...(style === 'emote' && { status: true as const }), ...this.#placed(message), virtualUser };
  }

  /** With the way to what it was, where that fits. */
  #saidAnew({ uri }: Room, target: RemoteMessageId, text: string): string {
    const before = beginsBlock.test(text) ? '\n' : ' ';
    const { origin } = new URL(this.#parts.settings.apiUrl);
    const linked = `*([edited](${origin}/${uri}?at=${target}))*${before}${text}`;
    return uri !== undefined && linked.length <= longestText - linkRoom ? linked : `*(edited)*${before}${text}`;
  }

  /** A name that Gitter shows beside the words is not in them: as it was posted, whatever the way is by now. */
  async #asBefore({ id }: Room, target: RemoteMessageId, message: Outgoing<GitterBody>): Promise<Draft> {
    const { account, isBot, virtualUsers } = this.#parts;
    const { shownAs } = message;
    if (!isBot || shownAs === undefined) return this.#plain(message);
    let wasVirtual = this.#wasVirtual.get(target);
    if (wasVirtual === undefined) {
      const told = await account
        .ask({ route: '/rooms/:id/chatMessages/:mid', with: { id, mid: target } })
        .catch((thrown) => (isRefusal(thrown, 400, 404) ? undefined : Promise.reject(thrown)));
      wasVirtual = hasId(told) ? (told as WireMessage).virtualUser !== undefined : virtualUsers.isProven;
      this.#posted(target, wasVirtual);
    }
    return wasVirtual ? this.#virtual(message, shownAs) : this.#plain(message);
  }

  #posted(id: string, wasVirtual: boolean): void {
    this.#wasVirtual.set(id, wasVirtual);
    const [oldest] = this.#wasVirtual.keys();
    if (this.#wasVirtual.size > mostEditable && oldest !== undefined) this.#wasVirtual.delete(oldest);
  }

  #placed(message: Outgoing<GitterBody>): Pick<Draft, 'parentId'> {
    const parentId = this.#parentOf(message);
    return parentId === undefined ? {} : { parentId };
  }

  /** A reply to a reply goes into the thread of that. */
  #parentOf({ thread, replyTo }: { readonly thread?: RemoteMessage; readonly replyTo?: RemoteMessage }): string | undefined {
    const id = thread?.ids[0] ?? replyTo?.thread ?? replyTo?.ids[0];
    return id === undefined ? undefined : this.#parts.network.threads.rootOf(id);
  }
}

/** Of what is said under another's name. */
function saidOf({ virtualUser, text = '' }: Pick<WireMessage, 'virtualUser' | 'text'>, room: Room): Said | undefined {
  return virtualUser && { as: virtualUser.externalId, room: room.id, text };
}

/** Who speaks, as bans and profiles there name them. */
function idFor(by: UserId | undefined, name: string): string {
  return by === undefined ? name : externalIdOf(by);
}

/** Signs of markdown out of a name: it is no place for them. Nor does a name call anybody. */
const plainName = ({ name }: ShownAs): string =>
  name
    .replace(/[\\`*_[\]~<>#]/g, '')
    .replaceAll('@', '@\u200b')
    .trim() || 'somebody';

/** A block begins on a line of its own. */
export function relayed(template: string, shownAs: ShownAs, text: string): string {
  const name = plainName(shownAs);
  return template.replace(/\{(name|text)\}/g, (_, field: string) =>
    field === 'name' ? name : beginsBlock.test(text) ? `\n${text}` : text,
  );
}
