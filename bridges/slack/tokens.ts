// Tokens that were not written into the config: of bots whose app was installed by its page, and of people; renewed where the app
// rotates them. Sealed at rest; what is renewed is kept before it is used, for Slack takes the old one no more.

import { type AdapterTools, type Credentials, type Login, PermanentError } from '#bridge-core';
import type { Account } from './account.ts';
import type { SlackBody } from './body.ts';
import type { AppSettings } from './settings.ts';
import type { Caller, WebApi } from './wire/web-api.ts';

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
    return this.#kept(team)?.token;
  }

  async keepBot(team: string, kept: Kept): Promise<void> {
    await this.#parts.tools.secrets.set(botName(team), JSON.stringify(kept));
  }

  async renewBot(team: string): Promise<string> {
    const kept = this.#kept(team);
    const renewed = await this.#renew(this.#parts.appOf(team), kept?.refresh);
    await this.keepBot(team, renewed);
    return renewed.token;
  }

  callerFor(login: Login, app: AppSettings | undefined): Caller {
    let { refresh } = login.credentials;
    return this.#parts.api.caller({
      ...{ token: login.credentials.token, scope: `user ${login.account}` },
      renew: async () => {
        const renewed = await this.#renew(app, refresh);
        refresh = renewed.refresh;
        const credentials: Credentials = {
          ...login.credentials,
          token: renewed.token,
          ...(renewed.refresh !== undefined && { refresh: renewed.refresh }),
        };
        await this.#parts.tools.inbox.renewed?.(login.account, credentials);
        return renewed.token;
      },
    });
  }

  /** Voids a token where it was given for this login alone; one that was pasted may be in use elsewhere. */
  async release({ login, token }: Account): Promise<void> {
    if (login.credentials.from !== 'oauth') return;
    const caller = this.#parts.api.caller({ token, scope: `user ${login.account}` });
    await caller.call('auth.revoke', {}).catch(() => {});
  }

  async #renew(app: AppSettings | undefined, refresh: string | undefined): Promise<Kept> {
    if (app?.clientId === undefined || refresh === undefined)
      throw new PermanentError('NETWORK_LOGIN', 'the token has expired, and there is nothing to renew it with');
    const caller = this.#parts.api.caller({ token: undefined, scope: 'oauth' });
    const args = { client_id: app.clientId, client_secret: app.clientSecret, grant_type: 'refresh_token', refresh_token: refresh };
    const told = await caller.call('oauth.v2.access', args);
    const token = told.access_token ?? told.authed_user?.access_token;
    if (token === undefined) throw new PermanentError('NETWORK_LOGIN', 'Slack gave no new token');
    return { token, refresh: told.refresh_token ?? told.authed_user?.refresh_token };
  }

  #kept(team: string): Kept | undefined {
    const sealed = this.#parts.tools.secrets.get(botName(team));
    return sealed === undefined ? undefined : (JSON.parse(sealed) as Kept);
  }
}

const botName = (team: string): string => `bot ${team}`;
