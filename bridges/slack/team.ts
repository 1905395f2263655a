// One workspace: who the bot is there, whether Slack answers, who is logged in, and what is known of its people and channels.
// It says nothing and hears nothing itself: sessions speak (session.ts), the intake hears (intake.ts).

import {
  BridgeError,
  type Inbox,
  type KeyValue,
  type Logger,
  messageOf,
  PermanentError,
  type RemoteUserId,
  RetryableError,
  type Speaker,
  UnreachableError,
  type UserId,
} from '#bridge-core';
import { type Account, isDead, isTokenEnded } from './account.ts';
import type { SlackBody } from './body.ts';
import { Chats } from './chats.ts';
import { Conversations } from './conversations.ts';
import { ForeignFiles } from './foreign-files.ts';
import { makeChannelId, parseId } from './ids.ts';
import { Newest } from './newest.ts';
import { OwnActs } from './own-acts.ts';
import { OwnChannels } from './own-channels.ts';
import { OwnEdits } from './own-edits.ts';
import type { AppSettings, Transport } from './settings.ts';
import { TeamExtras } from './team-extras.ts';
import { Threads } from './threads.ts';
import { type Ask, Users } from './users.ts';
import { isRefusal } from './wire/faults.ts';
import type { Arguments, CallOptions, Method, Replies } from './wire/methods.ts';
import type { Caller } from './wire/web-api.ts';

export interface Identity {
  readonly botUser: string;
  readonly botId: string | undefined;
  readonly appId: string | undefined;
  readonly name: string;
  /** `acme.slack.com` */
  readonly domain: string;
  /** What its addresses begin with: `https://acme.slack.com/`. */
  readonly url: string;
  readonly enterprise: string | undefined;
  /** Empty: not told. */
  readonly scopes: ReadonlySet<string>;
  /** An app of before 2020, whose people must say that they speak as themselves. */
  readonly isClassic: boolean;
}

export interface TeamParts {
  readonly id: string;
  readonly app: AppSettings | undefined;
  readonly hasOwnApp: boolean;
  readonly transports: readonly Transport[];
  readonly inbox: Inbox<SlackBody>;
  readonly memory: KeyValue;
  readonly log: Logger;
  readonly bot: Caller;
  /** The bot's, for files. */
  readonly botToken: () => string;
  /** Slack takes the bot's token no more, nor ever will. */
  readonly voided: () => void;
  /** It answers again: something may have been missed. */
  readonly back: (team: Team) => void;
  readonly pauses: { readonly first: number; readonly most: number; readonly watch: number };
}

/** `team`: of one with an app of its own. */
export const appName = (team: string | undefined): string => (team === undefined ? 'app' : `app of ${team}`);

export type TeamState = 'up' | 'connecting' | 'down';

export class Team {
  readonly id: string;
  readonly app: AppSettings | undefined;
  readonly hasOwnApp: boolean;
  readonly transports: readonly Transport[];
  readonly users: Users;
  readonly conversations: Conversations;
  readonly extras: TeamExtras;
  readonly foreignFiles: ForeignFiles;
  readonly acts = new OwnActs();
  readonly edits: OwnEdits;
  readonly threads = new Threads();
  readonly newest = new Newest();
  readonly chats: Chats;
  readonly own: OwnChannels;
  readonly accounts = new Map<string, Account>();
  readonly #parts: TeamParts;
  #identity: Identity | undefined;
  readonly #identified = Promise.withResolvers<void>();
  #isAnswering = false;
  /** Whose end Slack told. */
  #voided = -1;
  /** Ways of hearing that have a connection: whether each stands. */
  readonly #ears = new Map<string, boolean>();
  #told: TeamState | undefined;
  #detail: string | undefined;
  #probing: Promise<void> | undefined;
  #pause: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: TeamParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.app = parts.app;
    this.hasOwnApp = parts.hasOwnApp;
    this.transports = parts.transports;
    const ask = this.ask as unknown as Ask;
    this.edits = new OwnEdits({ team: parts.id, memory: parts.memory });
    this.users = new Users({ team: parts.id, ask });
    this.conversations = new Conversations({
      ask,
      turnedPrivate: (channel) => parts.inbox.changed?.(makeChannelId(parts.id, channel), true),
    });
    this.extras = new TeamExtras({ ask });
    this.foreignFiles = new ForeignFiles({
      eyes: () => [ask, ...Array.from(this.accounts.values(), (each) => each.ask as unknown as Ask)],
    });
    this.chats = new Chats({ team: this });
    this.own = new OwnChannels({ team: this });
  }

  /** What the app is called that tells of it: teams without one of their own share one. */
  get appName(): string {
    return appName(this.hasOwnApp ? this.id : undefined);
  }

  get rtmName(): string {
    return `rtm of ${this.id}`;
  }

  /** Whoever holds another workspace's app must not tell of this one, whatever an event says of itself. */
  isToldBy(via: string): boolean {
    return via === this.appName || via === this.rtmName || via.startsWith(`${this.rtmName} `);
  }

  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** Before that nobody can tell our own posts from others'. */
  get identified(): Promise<void> {
    return this.#identified.promise;
  }

  get isReachable(): boolean {
    return this.#isAnswering;
  }

  /** False: it stands in the config alone, and waits for somebody to install the app there. */
  get isInstalled(): boolean {
    return this.botToken !== '';
  }

  get botToken(): string {
    return this.#parts.botToken();
  }

  get state(): TeamState {
    if (this.#isAnswering && [...this.#ears.values()].every((isUp) => isUp)) return 'up';
    return this.#isStopped || this.#told === 'down' ? 'down' : 'connecting';
  }

  get detail(): string | undefined {
    return this.#detail;
  }

  /** Returns at once: it goes on until Slack answers. */
  start(): void {
    void this.probe().catch(() => {});
  }

  stop(): void {
    this.#isStopped = true;
    this.own.stop();
    this.chats.stop();
    clearTimeout(this.#pause);
    clearTimeout(this.#watch);
    this.#isAnswering = false;
  }

  /** As the bot. */
  readonly ask = <M extends Method>(method: M, args: Arguments = {}, options?: CallOptions): Promise<Replies[M]> => {
    const { generation } = this.#parts.bot;
    return this.#parts.bot.call(method, args, options).catch((thrown) => {
      if (isTokenEnded(thrown)) this.#ended(thrown as BridgeError, generation);
      else if (thrown instanceof RetryableError && thrown.code === 'NETWORK_UNREACHABLE') this.lost(thrown.message);
      throw thrown;
    });
  };

  /** Asks Slack whether it is there, and who we are. Rejects where it is not. */
  probe(): Promise<void> {
    if (this.#isStopped) return Promise.reject(new UnreachableError('NETWORK_UNREACHABLE', 'the bridge stops'));
    this.#probing ??= this.#greet().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  /** A call failed for want of Slack itself. */
  lost(reason: string): void {
    if (!this.#isAnswering) return;
    this.#isAnswering = false;
    this.#tell('connecting', reason);
    this.#probeLater(this.#parts.pauses.first);
  }

  refused(error: BridgeError): void {
    this.#isAnswering = false;
    const way =
      error.code === 'NETWORK_LOGIN' ? 'Install the app: say `install` to the bot; or mend the token in the config.' : error.remedy;
    this.#tell('down', `${error.message}. ${way}`);
    this.#lookLater();
  }

  /** Slack tells that the app is out of the workspace, or its token revoked, maybe late: somebody may have installed it again by now. */
  async voided(error: BridgeError): Promise<void> {
    const { bot } = this.#parts;
    const { generation } = bot;
    if (!(await isDead(bot)) || generation !== bot.generation) return;
    this.#voided = generation;
    this.refused(error);
    this.#parts.voided();
  }

  /** Of a token that another has replaced meanwhile nothing follows, and of one that is void Slack itself has told more. */
  #ended(error: BridgeError, generation: number): void {
    if (generation === this.#parts.bot.generation && generation !== this.#voided) this.refused(error);
  }

  /** A way of hearing came up, or was lost. */
  ear(name: string, isUp: boolean, reason?: string): void {
    this.#ears.set(name, isUp);
    if (isUp) this.#settle();
    else this.#tell('connecting', reason);
  }

  speakerOf(user: string): Speaker | undefined {
    if (user === this.#identity?.botUser || user === this.#identity?.botId) return { as: 'bot' };
    const account = this.accounts.get(user);
    return account === undefined ? undefined : { as: 'user', user: account.user };
  }

  accountOf(user: UserId): Account | undefined {
    for (const account of this.accounts.values()) if (account.user === user && !account.isEnded) return account;
    return undefined;
  }

  /** Those of who sees the channel: the bot, else somebody of ours. */
  eyesOn(channel: string): Ask {
    const isBots = this.conversations.known(channel)?.isMember === true;
    const account = this.chats.accountIn(channel) ?? (isBots ? undefined : this.own.accountIn(channel));
    return (account?.ask ?? this.ask) as unknown as Ask;
  }

  account(id: RemoteUserId): Account | undefined {
    return this.accounts.get(parseId(id).id);
  }

  /** The workspace has another name or address from now on. */
  called({ name, url }: { readonly name?: string | undefined; readonly url?: string | undefined }): void {
    if (this.#identity !== undefined) this.#be({ ...this.#identity, ...(name !== undefined && { name }), ...addressIn(url) });
  }

  #be(identity: Identity): void {
    const before = this.#identity;
    this.#identity = identity;
    if (before !== undefined && (before.name !== identity.name || before.url !== identity.url)) this.#parts.inbox.renamed?.(this.id);
  }

  /** A person whose token Slack takes no more. */
  ended(account: Account, reason: BridgeError): void {
    this.accounts.delete(account.id);
    this.chats.left(account.id);
    this.own.left(account);
    const speaker: Speaker = { as: 'user', user: account.user };
    this.#parts.inbox.connection(speaker, this.id, 'logged-out', reason.message);
  }

  async #greet(): Promise<void> {
    const { generation } = this.#parts.bot;
    try {
      if (!this.isInstalled) throw new PermanentError('NETWORK_LOGIN', `nobody has installed the app in ${this.id} yet`);
      const told = await this.#here(await this.#parts.bot.call('auth.test', {}, { patience: 10_000 }));
      if (this.#isStopped) throw new UnreachableError('NETWORK_UNREACHABLE', 'the bridge stops');
      await this.#recognise(told);
      this.#identified.resolve();
      this.#isAnswering = true;
      this.#voided = -1;
      this.#settle();
    } catch (thrown) {
      const error = thrown instanceof BridgeError ? thrown : new UnreachableError('NETWORK_UNREACHABLE', messageOf(thrown));
      if (error instanceof PermanentError && generation === this.#parts.bot.generation) this.#ended(error, generation);
      else {
        this.#tell('connecting', error.message);
        this.#probeLater(this.#parts.pauses.first);
      }
      throw error;
    }
  }

  /** A token of another workspace would say there what is meant for this one. */
  async #here(told: Replies['auth.test']): Promise<Replies['auth.test']> {
    const { team_id: team, enterprise_id: enterprise } = told;
    if (team === undefined || team === this.id || enterprise === this.id) return told;
    // One of an organisation's serves all of its workspaces, and is called after none of them.
    const asked = told.is_enterprise_install === true ? this.#parts.bot.call('team.info', { team: this.id }) : undefined;
    const found = await asked?.then(({ team: of }) => of).catch((thrown) => (isRefusal(thrown) ? undefined : Promise.reject(thrown)));
    if (found !== undefined && found.enterprise_id === enterprise)
      return { ...told, ...(found.name !== undefined && { team: found.name }) };
    throw new PermanentError('NETWORK_LOGIN', `the token of the bot is for the workspace ${team}, not for ${this.id}`);
  }

  /** Installed anew, be it by Slack's own page, the app may have another bot, or be allowed more. */
  async #recognise(told: Replies['auth.test']): Promise<void> {
    if (!isOf(this.#identity, told)) this.#be(await this.#identify(told));
  }

  async #identify(told: Replies['auth.test']): Promise<Identity> {
    const bot =
      told.bot_id === undefined ? undefined : await this.#parts.bot.call('bots.info', { bot: told.bot_id }).catch(() => undefined);
    const scopes = scopesIn(told);
    const usual = `${this.id.toLowerCase()}.slack.com`;
    return {
      botUser: told.user_id ?? '',
      botId: told.bot_id,
      appId: bot?.bot?.app_id,
      name: told.team ?? this.id,
      ...(addressIn(told.url) ?? { domain: usual, url: `https://${usual}/` }),
      enterprise: told.enterprise_id,
      scopes: new Set(scopes),
      isClassic: scopes.includes('bot'),
    };
  }

  #settle(): void {
    if (this.state !== 'up' || this.#isStopped) return;
    this.#detail = undefined;
    if (this.#told !== 'up') this.#parts.back(this);
    this.#tell('up');
    this.#lookLater();
  }

  /** Where Slack calls us nothing tells that it is away, nor that the token is dead: that is asked for now and then. */
  #lookLater(): void {
    clearTimeout(this.#watch);
    if (this.#isStopped) return;
    const { watch } = this.#parts.pauses;
    this.#watch = setTimeout(
      () => {
        const again = () => this.#lookLater();
        this.#look().then(again, again);
      },
      this.#ears.size === 0 ? watch : watch * 10,
    );
  }

  /** What was refused may be taken later, as that of a workspace that was being moved. */
  async #look(): Promise<void> {
    if (this.#isAnswering) await this.#recognise(await this.ask('auth.test', {}, { isBackground: true }));
    else if (this.#told === 'down' && this.isInstalled) await this.probe();
  }

  #tell(state: TeamState, reason?: string): void {
    if (this.#isStopped) return;
    if (state !== 'up') this.#detail = reason;
    if (state === this.#told) return;
    this.#told = state;
    this.#parts.inbox.connection({ as: 'bot' }, this.id, state, reason);
  }

  #probeLater(pause: number): void {
    clearTimeout(this.#pause);
    if (this.#isStopped) return;
    this.#pause = setTimeout(() => {
      this.probe().catch(() => this.#probeLater(Math.min(this.#parts.pauses.most, pause * 2)));
    }, pause);
  }
}

function scopesIn(told: Replies['auth.test']): readonly string[] {
  return told.response_metadata?.scopes ?? [];
}

function addressIn(told: string | undefined): Pick<Identity, 'domain' | 'url'> | undefined {
  if (told === undefined || !/^https?:/.test(told) || !URL.canParse(told)) return undefined;
  const { host, href } = new URL(told);
  return { domain: host, url: href.endsWith('/') ? href : `${href}/` };
}

function isOf(identity: Identity | undefined, told: Replies['auth.test']): boolean {
  if (identity?.botUser !== (told.user_id ?? '') || identity.botId !== told.bot_id) return false;
  if (told.team !== undefined && told.team !== identity.name) return false;
  const scopes = scopesIn(told);
  return scopes.length === identity.scopes.size && scopes.every((scope) => identity.scopes.has(scope));
}
