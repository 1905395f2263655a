// Tokens that were not written into the config: of bots whose app was installed by its page, and of people; renewed where the app
// rotates them. Sealed at rest; what is renewed is kept before it is used, for Slack takes the old one no more.

import { type AdapterTools, type Credentials, type Login, messageOf, PermanentError } from '#bridge-core';
import type { Account } from './account.ts';
import type { SlackBody } from './body.ts';
import { parseId } from './ids.ts';
import type { AppSettings } from './settings.ts';
import { renewToken } from './wire/oauth.ts';
import { type Caller, meantIn, type WebApi } from './wire/web-api.ts';

export interface TokensParts {
  readonly tools: Pick<AdapterTools<SlackBody>, 'secrets' | 'inbox' | 'log'>;
  readonly api: WebApi;
  readonly appOf: (team: string) => AppSettings | undefined;
}

interface Kept {
  readonly token: string;
  readonly refresh?: string | undefined;
}

export class Tokens {
  readonly #parts: TokensParts;
  /** Who logs out: what is renewed for the last word is kept no more. */
  readonly #leaving = new WeakSet<Login>();

  constructor(parts: TokensParts) {
    this.#parts = parts;
  }

  /** Teams that installed the app. */
  installed(): string[] {
    return this.#parts.tools.secrets.names('bot ').map((name) => name.slice('bot '.length));
  }

  has(team: string): boolean {
    return this.#kept(team) !== undefined;
  }

  bot(team: string): string | undefined {
    const token = this.#kept(team)?.token;
    return token === '' ? undefined : token;
  }

  async keepBot(team: string, kept: Kept): Promise<void> {
    await this.#parts.tools.secrets.set(botName(team), JSON.stringify(kept));
  }

  /** The token is dead; that the workspace had the app is still known, so that its links can be described. */
  async voidBot(team: string): Promise<void> {
    if (this.has(team)) await this.keepBot(team, { token: '' });
  }

  async renewBot(team: string): Promise<string> {
    const kept = this.#kept(team);
    const renewed = await this.#renew(this.#parts.appOf(team), kept?.refresh);
    await this.keepBot(team, renewed);
    return renewed.token;
  }

  callerFor(login: Login, app: AppSettings | undefined): Caller {
    let { refresh } = login.credentials;
    const { team } = parseId(login.account);
    return this.#parts.api.caller({
      ...{ token: login.credentials.token, scope: `user ${login.account}`, ...meantIn(team) },
      renew: async () => {
        const renewed = await this.#renew(app, refresh);
        refresh = renewed.refresh;
        const credentials: Credentials = {
          ...login.credentials,
          token: renewed.token,
          ...(renewed.refresh !== undefined && { refresh: renewed.refresh }),
        };
        if (!this.#leaving.has(login)) await this.#keep(login, credentials);
        return renewed.token;
      },
    });
  }

  /** Slack takes the old one no more: what cannot be noted is used all the same, or both would be lost. */
  async #keep({ account }: Login, credentials: Credentials): Promise<void> {
    const { inbox, log } = this.#parts.tools;
    await inbox.renewed?.(account, credentials)?.catch((thrown) => {
      log.warn({ account, why: messageOf(thrown) }, 'a renewed token could not be kept');
    });
  }

  /** Voids a token where it was given for this login alone; one that was pasted may be in use elsewhere. */
  async release(account: Account): Promise<void> {
    const { login } = account;
    this.#leaving.add(login);
    if (login.credentials.from === 'oauth') await account.revoke().catch(() => {});
  }

  async #renew(app: AppSettings | undefined, refresh: string | undefined): Promise<Kept> {
    if (app?.clientId === undefined || refresh === undefined)
      throw new PermanentError('NETWORK_LOGIN', 'the token has expired, and there is nothing to renew it with');
    const secrets = { clientId: app.clientId, clientSecret: app.clientSecret ?? '' };
    const renewed = await renewToken(this.#parts.api, secrets, refresh);
    return { token: renewed.token, refresh: renewed.refreshToken };
  }

  #kept(team: string): Kept | undefined {
    const sealed = this.#parts.tools.secrets.get(botName(team));
    return sealed === undefined ? undefined : (JSON.parse(sealed) as Kept);
  }
}

const botName = (team: string): string => `bot ${team}`;
