// The channels and chats of one team as the bridge knows them: what each is, what it is called, whether the bot is in it. Asked
// for one by one, kept in step with what Slack tells; lists are read page by page and not kept.

import type { Channel } from '#bridge-core';
import { type Fields, fieldsIn, listIn, textIn } from './fields.ts';
import type { Ask } from './users.ts';

export type Kind = NonNullable<Channel['kind']>;

export interface Conversation {
  readonly id: string;
  readonly kind: Kind;
  readonly name: string;
  readonly topic: string;
  readonly purpose: string;
  /** The bot. Undefined: not known, people of ours see it. */
  readonly isMember: boolean | undefined;
  readonly isArchived: boolean;
  /** With other workspaces: their people are in it too. */
  readonly isShared: boolean;
  readonly creator: string | undefined;
  /** Of a direct message: who is at its other end. */
  readonly user: string | undefined;
}

const pageSize = 200;

/** As people see it. */
export type Shown = Partial<Pick<Conversation, 'name' | 'topic' | 'isArchived'>>;

/** Of an answer that is on its way, or is still being read: what was told of channels since it was asked for, which is newer. */
type Since = Map<string, Partial<Conversation>>;

/** One who asks while it waits asks for the same. */
interface Fresh {
  readonly ask: Ask;
  readonly answer: Promise<Conversation | undefined>;
  isAsked: boolean;
}

export class Conversations {
  readonly #ask: Ask;
  readonly #turnedPrivate: (id: string) => void;
  readonly #kept = new Map<string, Conversation>();
  /** What was said there said so, and Slack has not said since how it is. */
  readonly #saidPrivate = new Set<string>();
  /** What was told last to whoever listens. */
  readonly #told = new Map<string, Shown>();
  /** Those that the bot went from, as whoever listens knows. */
  readonly #left = new Set<string>();
  readonly #entering = new Set<string>();
  readonly #asking = new Map<string, Promise<Conversation | undefined>>();
  /** The last that is under way or waits. */
  readonly #fresh = new Map<string, Fresh>();
  /** In the order in which they were asked for. */
  readonly #asked = new Set<Since>();
  #reading: Promise<void> | undefined;

  /** `turnedPrivate`: found to be, by whatever question, where it was for all before. */
  constructor(parts: { readonly ask: Ask; readonly turnedPrivate?: (id: string) => void }) {
    this.#ask = parts.ask;
    this.#turnedPrivate = parts.turnedPrivate ?? (() => {});
  }

  known(id: string): Conversation | undefined {
    return this.#kept.get(id);
  }

  /** Rejects where Slack cannot be asked, or does not know of it for us. `ask`: another's eyes. */
  async load(id: string, ask: Ask = this.#ask): Promise<Conversation | undefined> {
    const kept = this.#kept.get(id);
    if (kept !== undefined) return kept;
    return await (ask === this.#ask ? this.#loadOwn(id) : this.#load(id, ask));
  }

  /** By the bot's eyes: whether it is in it is known. */
  async loadOwn(id: string): Promise<Conversation | undefined> {
    const kept = this.#kept.get(id);
    return kept?.isMember === undefined ? await this.#loadOwn(id) : kept;
  }

  /** As Slack has it now. However often it is wanted, one question is under way and one waits, so that no answer overtakes another. */
  refresh(id: string, ask: Ask = this.#ask): Promise<Conversation | undefined> {
    const before = this.#fresh.get(id);
    if (before?.ask === ask && !before.isAsked) return before.answer;
    const load = () => {
      fresh.isAsked = true;
      return this.#load(id, ask);
    };
    const { promise: answer, resolve } = Promise.withResolvers<Conversation | undefined>();
    const fresh: Fresh = { ask, answer, isAsked: false };
    this.#fresh.set(id, fresh);
    resolve(before === undefined ? load() : before.answer.then(load, load));
    const over = () => {
      if (this.#fresh.get(id) === fresh) this.#fresh.delete(id);
    };
    answer.then(over, over);
    return answer;
  }

  keep(conversation: Conversation): void {
    const before = this.#kept.get(conversation.id);
    if (conversation.isMember === true) this.#left.delete(conversation.id);
    this.#kept.set(conversation.id, conversation);
    this.#saidPrivate.delete(conversation.id);
    if (before?.kind === 'public' && conversation.kind === 'private') this.#turnedPrivate(conversation.id);
  }

  /** False: it was said before. */
  sayPrivate(id: string): boolean {
    if (this.#saidPrivate.has(id)) return false;
    this.#saidPrivate.add(id);
    return true;
  }

  isSaidPrivate(id: string): boolean {
    return this.#saidPrivate.has(id);
  }

  /** By a person's eyes: whether the bot is in it is another question. */
  seen(conversation: Conversation): void {
    this.keep({ ...conversation, isMember: this.#kept.get(conversation.id)?.isMember });
  }

  /** After an absence: the bot may have been put out of any channel. */
  doubt(): void {
    for (const [id, kept] of this.#kept)
      if (kept.kind === 'private' || kept.kind === 'public') this.#kept.set(id, { ...kept, isMember: undefined });
  }

  /** As it was told, or done by ourselves; newer than any answer that is on its way. */
  change(id: string, change: Partial<Conversation>): void {
    for (const since of this.#asked) since.set(id, { ...since.get(id), ...change });
    const kept = this.#kept.get(id);
    if (kept !== undefined) this.#kept.set(id, { ...kept, ...change });
  }

  /** The bot, by itself: what tells of it meanwhile is no news. */
  async enter(id: string, join: () => Promise<unknown>): Promise<void> {
    this.#entering.add(id);
    try {
      await join();
      this.came(id);
    } finally {
      this.#entering.delete(id);
    }
  }

  /** The bot is in it, as far as is known, or about to be. */
  isIn(id: string): boolean {
    return this.#entering.has(id) || this.#kept.get(id)?.isMember === true;
  }

  /** The bot. */
  came(id: string): void {
    this.#left.delete(id);
    this.change(id, { isMember: true });
  }

  /** The bot, by itself or not. True: whoever listens is not known to know it. They do from now on. */
  went(id: string): boolean {
    this.change(id, { isMember: false });
    if (this.#left.has(id)) return false;
    this.#left.add(id);
    return true;
  }

  hasLeft(id: string): boolean {
    return this.#left.has(id);
  }

  /** By somebody of ours, for whoever listens. */
  done(id: string, change: Shown): void {
    this.change(id, change);
    const known = this.#kept.get(id);
    this.tell(id, { ...change, ...(change.topic !== undefined && known !== undefined && { topic: topicOf(known) }) });
  }

  /** What whoever listens was told last, as far as it is known. */
  told(id: string): Shown {
    return this.#told.get(id) ?? {};
  }

  /** True: whoever listens is not known to know it. They do from now on. */
  tell(id: string, shown: Shown): boolean {
    const told = this.told(id);
    const isNews = Object.entries(shown).some(([what, value]) => told[what as keyof Shown] !== value);
    if (isNews) this.#told.set(id, { ...told, ...shown });
    return isNews;
  }

  /** It did not get through to them, or nobody listens any more. */
  untold(id: string): void {
    this.#told.delete(id);
  }

  /** They may hear by another way how it is now: of what they were told before only that is known to stand. */
  foundFor(id: string, now: Shown): void {
    const told = this.#told.get(id);
    if (told === undefined) return;
    const left = Object.entries(told).filter(([what, value]) => now[what as keyof Shown] === value);
    this.#told.set(id, Object.fromEntries(left));
  }

  forget(id: string): void {
    this.#kept.delete(id);
    this.#told.delete(id);
    this.#saidPrivate.delete(id);
    this.#left.delete(id);
  }

  /** All that the bot is in, with few questions. */
  readOwn(): Promise<void> {
    this.#reading ??= this.#readOwn().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOwn(): Promise<void> {
    const asked = { isBackground: true, patience: 15 * 60_000 };
    for await (const each of this.list('users.conversations', 'public_channel,private_channel', this.#ask, { asked })) this.keep(each);
  }

  /** All that the asker may see, or is in; never kept, since most of a large workspace is never asked for. */
  async *list(
    method: 'conversations.list' | 'users.conversations',
    types: string,
    ask: Ask = this.#ask,
    { withArchived = false, asked = {} }: { readonly withArchived?: boolean; readonly asked?: Parameters<Ask>[2] } = {},
  ): AsyncGenerator<Conversation> {
    let cursor: string | undefined;
    // What workspaces of an organisation share each of them lists.
    const listed = new Set<string>();
    do {
      const since: Since = new Map();
      this.#asked.add(since);
      try {
        const page = await ask(
          method,
          { types, exclude_archived: !withArchived, limit: pageSize, ...(cursor !== undefined && { cursor }) },
          asked,
        );
        for (const channel of listIn(page, 'channels')) {
          const read = conversationOf(channel);
          if (read === undefined || listed.has(read.id)) continue;
          listed.add(read.id);
          const isMember = method === 'users.conversations' || read.isMember;
          // Who reads may take long over each. Whether the bot is in it says nothing of others.
          const now = { ...read, isMember, ...since.get(read.id) };
          yield ask === this.#ask ? now : { ...now, isMember };
        }
        cursor = textIn(fieldsIn(page, 'response_metadata'), 'next_cursor');
      } finally {
        this.#asked.delete(since);
      }
    } while (cursor !== undefined);
  }

  async *members(id: string, ask: Ask = this.#ask): AsyncGenerator<string> {
    let cursor: string | undefined;
    do {
      const page = await ask('conversations.members', { channel: id, limit: pageSize, ...(cursor !== undefined && { cursor }) });
      for (const member of Array.isArray(page.members) ? page.members : []) if (typeof member === 'string') yield member;
      cursor = textIn(fieldsIn(page, 'response_metadata'), 'next_cursor');
    } while (cursor !== undefined);
  }

  async #loadOwn(id: string): Promise<Conversation | undefined> {
    const asking = this.#asking.get(id) ?? this.#load(id, this.#ask).finally(() => this.#asking.delete(id));
    this.#asking.set(id, asking);
    return await asking;
  }

  async #load(id: string, ask: Ask): Promise<Conversation | undefined> {
    const since: Since = new Map();
    const before = [...this.#asked];
    this.#asked.add(since);
    const answer = await ask('conversations.info', { channel: id }).finally(() => this.#asked.delete(since));
    const told = fieldsIn(answer, 'channel');
    const read = told === undefined ? undefined : conversationOf(told);
    if (read === undefined) return undefined;
    // The bot alone tells whether it is in it.
    const { isMember, ...rest } = read;
    const now = { ...rest, ...(ask === this.#ask && { isMember }), ...since.get(id) };
    for (const earlier of before) if (this.#asked.has(earlier)) earlier.set(id, { ...earlier.get(id), ...now });
    const kept = { isMember: this.#kept.get(id)?.isMember, ...now };
    this.keep(kept);
    return kept;
  }
}

/** From `conversations.info` and the lists. */
function conversationOf(told: Fields): Conversation | undefined {
  const id = textIn(told, 'id');
  if (id === undefined) return undefined;
  const kind: Kind =
    told.is_im === true
      ? 'direct'
      : told.is_mpim === true
        ? 'group'
        : told.is_private === true || told.is_group === true
          ? 'private'
          : 'public';
  return {
    id,
    kind,
    name: textIn(told, 'name') ?? id,
    topic: textIn(fieldsIn(told, 'topic'), 'value') ?? '',
    purpose: textIn(fieldsIn(told, 'purpose'), 'value') ?? '',
    isMember: told.is_member === true || kind === 'direct',
    isArchived: told.is_archived === true,
    isShared: told.is_shared === true || told.is_ext_shared === true || told.is_org_shared === true,
    creator: textIn(told, 'creator'),
    user: textIn(told, 'user'),
  };
}

/** What people read as the topic: the purpose stands in where there is none. */
export function topicOf({ topic, purpose }: Pick<Conversation, 'topic' | 'purpose'>): string {
  return topic === '' ? purpose : topic;
}
