// The verbs of people's own accounts: login, logout, whoami, cancel, each checking the asker; and what people are told of their
// logins, in a direct chat that is opened where there is none. How a flow is led is login-conversations.ts'.

import type { Adapter } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import { DeniedError, messageOf, PermanentError } from '../errors.ts';
import type { RemoteUserId, RoomId, UserId } from '../ids.ts';
import type { LoginFlow, LoginResult } from '../logins.ts';
import type { Json } from '../remote-event.ts';
import type { KnownLogin, Logins } from '../virtual-users/logins.ts';
import type { Asked } from './actions.ts';
import type { LoginConversations } from './login-conversations.ts';
import type { Permissions } from './permissions.ts';

export interface AccountsParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'logins' | 'lookups'>;
  readonly logins: Pick<Logins<Body>, 'add' | 'remove' | 'told' | 'byUser' | 'byAccount'>;
  readonly conversations: Pick<LoginConversations, 'begin' | 'cancel' | 'page'>;
  readonly permissions: Permissions;
  readonly protocol: { readonly id: string; readonly name: string };
  /** The person's direct chat with the bot, opened where there is none. */
  readonly chatWith: (user: UserId) => Promise<RoomId>;
  readonly tell: (room: RoomId, text: string) => void;
  /** What they had by this login goes with it. */
  readonly loggedOut?: (login: KnownLogin) => Promise<void>;
  readonly log: Logger;
}

const firstRetry = 5_000;
const lastRetry = 5 * 60_000;

export class Accounts<Body extends Json = string> {
  readonly #parts: AccountsParts<Body>;
  readonly #retries = new Set<NodeJS.Timeout>();
  #isStopped = false;

  constructor(parts: AccountsParts<Body>) {
    this.#parts = parts;
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#retries) clearTimeout(timer);
  }

  /** Answers where it was asked; all else is said in the direct chat, for a secret may follow. */
  async login(asked: Asked, words: readonly string[]): Promise<string> {
    const { permissions, conversations, chatWith, protocol } = this.#parts;
    permissions.mustBe('user', asked.by, 'log in');
    const [wanted, ...more] = words;
    if (more.length > 0)
      throw new PermanentError('BAD_REQUEST', 'what you log in with is asked for afterwards, and in our direct chat alone');
    const flow = this.#flow(wanted);
    const room = asked.isDirect ? asked.room : await chatWith(asked.by);
    conversations.begin(asked.by, room, flow);
    const others = wanted === undefined ? this.#parts.adapter.logins.filter((other) => other !== flow) : [];
    const ways = others.map(({ id, title }) => ` Another way is “login ${id}” (${title}).`).join('');
    return asked.isDirect ? `${flow.title} on ${protocol.name}.${ways}` : `Let us go on in our direct chat.${ways}`;
  }

  async logout(asked: Asked, words: readonly string[]): Promise<string> {
    const { permissions, logins } = this.#parts;
    permissions.mustBe('user', asked.by, 'log out');
    const account = this.#ofTheirs(asked.by, words.join(' '));
    const gone = await logins.remove(account);
    await this.#parts.loggedOut?.(gone);
    if (gone.user !== asked.by) this.#say(gone.user, `${asked.by} has logged you out: you are no longer ${gone.name}.`);
    return `${gone.user === asked.by ? 'You are' : `${gone.user} is`} no longer logged in as ${gone.name}. The bot speaks for ${gone.user === asked.by ? 'you' : 'them'} from now on.`;
  }

  whoami(asked: Asked): string {
    const { permissions, logins, adapter } = this.#parts;
    permissions.mustBe('user', asked.by, 'ask who they are');
    const theirs = logins.byUser(asked.by);
    if (theirs.length > 0) return theirs.map(lineOf).join('\n');
    return `You are not logged in; the bot speaks for you.${adapter.logins.length > 0 ? ' “login” changes that.' : ''}`;
  }

  cancel(asked: Asked): string {
    return this.#parts.conversations.cancel(asked.by) ? 'You are not logged in.' : 'There is nothing to cancel.';
  }

  /** The page that a login begins with, for who asks over HTTP or is told to log in again. */
  async page(user: UserId, flow?: string): Promise<string> {
    const { permissions, conversations, adapter } = this.#parts;
    permissions.mustBe('user', user, 'log in');
    const page = await conversations.page(user, flow === undefined ? adapter.logins : [this.#flow(flow)]);
    if (page === undefined) throw new PermanentError('UNSUPPORTED', 'logging in there is by chat: say “login” to the bot');
    return page;
  }

  async logOut(user: UserId, account: RemoteUserId): Promise<void> {
    this.#parts.permissions.mustBe('user', user, 'log out');
    if (this.#parts.logins.byAccount(account)?.user !== user)
      throw new PermanentError('LOGIN_UNKNOWN', `${user} is not logged in as ${account}`);
    await this.#parts.loggedOut?.(await this.#parts.logins.remove(account));
  }

  /** A login was completed, by a conversation or by a page. Resolves when it is kept. */
  async completed(user: UserId, result: LoginResult): Promise<void> {
    const { permissions, logins } = this.#parts;
    if (permissions.levelOf(user) === 'none') throw new DeniedError(`${user} may not use this bridge`);
    const { replaced } = await logins.add(user, result);
    for (const former of replaced) await this.#parts.loggedOut?.(former);
    const others = replaced.filter((login) => login.user === user).map(({ name }) => name);
    this.#say(
      user,
      `You are logged in as ${result.name}${others.length > 0 ? `, in place of ${others.join(' and ')}` : ''}. ` +
        'What you say in linked rooms is said as you from now on.',
    );
    for (const former of replaced)
      if (former.user !== user)
        this.#say(former.user, `${former.name} was taken over by another Matrix account, so you are no longer logged in as that.`);
  }

  /** The network no longer takes a login; told until it could be told. */
  refused(login: KnownLogin, reason: string): void {
    const words = async () => {
      const page = await this.#parts.conversations.page(login.user, this.#parts.adapter.logins).catch(() => undefined);
      return (
        `${this.#parts.protocol.name} no longer takes your login as ${login.name} (${reason}), so the bot speaks for you. ` +
        `To log in again, say “login” here${page === undefined ? '.' : `, or open ${page}`}`
      );
    };
    this.#say(login.user, words, () => this.#parts.logins.told(login.account));
  }

  /** In their direct chat, tried until it could be said. */
  inform(user: UserId, words: string, then: () => Promise<void>): void {
    this.#say(user, words, then);
  }

  #say(user: UserId, given: string | (() => Promise<string>), then?: () => Promise<void>, delay = firstRetry): void {
    const { chatWith, tell, log } = this.#parts;
    const say = async () => {
      const room = await chatWith(user);
      tell(room, typeof given === 'string' ? given : await given());
      await then?.();
    };
    say().catch((thrown) => {
      log.warn({ user, why: messageOf(thrown) }, 'a person could not be told of their login');
      if (this.#isStopped || thrown instanceof PermanentError) return;
      const timer = setTimeout(() => {
        this.#retries.delete(timer);
        this.#say(user, given, then, Math.min(lastRetry, delay * 2));
      }, delay).unref();
      this.#retries.add(timer);
    });
  }

  /** The adapter names its best way first. */
  #flow(wanted: string | undefined): LoginFlow {
    const flows = this.#parts.adapter.logins;
    const [first] = flows;
    if (first === undefined) throw new PermanentError('UNSUPPORTED', 'nobody logs in to this network by this bridge');
    if (wanted === undefined) return first;
    const found = flows.find(({ id }) => id === wanted.toLowerCase());
    if (found !== undefined) return found;
    const list = flows.map(({ id, title }) => `login ${id} – ${title}`).join('\n');
    throw new PermanentError('BAD_REQUEST', `there is no such way to log in; say one of these:\n${list}`);
  }

  /** By its name or id; the only one where none is named. Admins may name anybody's. */
  #ofTheirs(user: UserId, query: string): RemoteUserId {
    const { logins, permissions } = this.#parts;
    const theirs = logins.byUser(user);
    const isMeant = ({ account, name, network }: KnownLogin) =>
      [account, name, network].some((word) => word.toLowerCase() === query.toLowerCase());
    const found = query === '' ? theirs : theirs.filter(isMeant);
    const [only, ...others] = found;
    if (only !== undefined && others.length === 0) return only.account;
    const anybody = permissions.levelOf(user) === 'admin' ? logins.byAccount(query as RemoteUserId) : undefined;
    if (anybody !== undefined) return anybody.account;
    if (theirs.length === 0) throw new PermanentError('LOGIN_UNKNOWN', 'you are not logged in');
    const list = theirs.map(({ account, name }) => `logout ${account} – ${name}`).join('\n');
    throw new PermanentError('BAD_REQUEST', `of which account? Say one of these:\n${list}`);
  }
}

function lineOf({ name, account, state }: KnownLogin): string {
  return `You are ${name} (${account})${state === 'live' ? '' : '; the network no longer takes that login: say “login” to log in again'}.`;
}
