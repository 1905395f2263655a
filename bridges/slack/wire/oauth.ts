// OAuth v2, over @slack/oauth's InstallProvider: to Slack and back with a state that is good once and in the browser it was given to,
// the code made into tokens, and tokens renewed. The library's own store of states lets one be used again, and its renewal keeps
// quiet of failures: both are done here.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Installation, InstallProvider, type InstallURLOptions } from '@slack/oauth';
import { SlackError } from '@slack/web-api';
import { type BridgeError, DeniedError, messageOf, PermanentError } from '#bridge-core';
import { garbled } from './faults.ts';
import { mute, translated, type WebApi } from './web-api.ts';

const slackAuthorize = 'https://slack.com/oauth/v2/authorize';
/** Seconds in which one must come back. */
export const stateLife = 600;
const cookieName = 'causeway-slack';

/** Durable, so that a restart of ours between click and return does not matter. */
export interface StateStore {
  /** For `stateLife`. */
  keep(state: string, about: string): Promise<void>;
  /** What was kept, and it is gone; undefined where it never was, is too old or was taken before. */
  take(state: string): Promise<string | undefined>;
}

export interface InstallerOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly api: WebApi;
  readonly states: StateStore;
  /** Slack's own unless set. */
  readonly authorizeUrl?: string;
}

export interface Wish {
  readonly scopes: readonly string[];
  readonly userScopes: readonly string[];
  readonly redirectUri: string;
  /** The workspace, where it is known. */
  readonly team?: string;
  /** Comes back with the tokens: who asked, what for. */
  readonly about: string;
}

export interface GrantedToken {
  readonly token: string;
  readonly scopes: readonly string[];
  /** Where tokens rotate. */
  readonly refreshToken?: string;
  /** ms. */
  readonly expiresAt?: number;
}

export interface Granted {
  readonly about: string;
  readonly app: string;
  readonly team?: { readonly id: string; readonly name: string };
  readonly enterprise?: { readonly id: string; readonly name: string };
  readonly isOrgWide: boolean;
  readonly bot?: GrantedToken & { readonly user: string; readonly id: string };
  /** Who clicked; with their own token where user scopes were asked for. */
  readonly user: { readonly id: string } & Partial<GrantedToken>;
}

interface Kept {
  readonly about: string;
  readonly redirectUri: string;
}

export class Installer {
  readonly #options: InstallerOptions;
  readonly #provider: InstallProvider;

  constructor(options: InstallerOptions) {
    const { clientId, clientSecret, api, states, authorizeUrl = slackAuthorize } = options;
    this.#options = options;
    this.#provider = new InstallProvider({
      clientId,
      clientSecret,
      authorizationUrl: authorizeUrl,
      directInstall: true,
      logger: mute,
      clientOptions: { slackApiUrl: api.apiUrl, fetch: api.http.fetch, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true },
      stateCookieName: cookieName,
      stateCookieExpirationSeconds: stateLife,
      stateStore: {
        generateStateParam: async ({ metadata = '', redirectUri = '' }) => {
          const state = randomBytes(24).toString('base64url');
          await states.keep(state, JSON.stringify({ about: metadata, redirectUri } satisfies Kept));
          return state;
        },
        verifyStateParam: async (_now, state) => {
          const kept = await states.take(state);
          if (kept === undefined) throw used();
          const { about, redirectUri } = JSON.parse(kept) as Kept;
          return { scopes: [], metadata: about, redirectUri };
        },
      },
      installationStore: {
        storeInstallation: async () => {},
        fetchInstallation: () => Promise.reject(new PermanentError('DEFECT', 'installations are not kept here')),
      },
    });
  }

  /** Where to send a browser, with a cookie for it. */
  async begin({ scopes, userScopes, redirectUri, team, about }: Wish): Promise<{ readonly url: string; readonly cookie: string }> {
    const answer = new Written();
    const wish: InstallURLOptions = { scopes: [...scopes], userScopes: [...userScopes], redirectUri, metadata: about };
    await this.#provider.handleInstallPath({} as IncomingMessage, answer.response, undefined, { ...wish, ...(team && { teamId: team }) });
    return { url: answer.header('location'), cookie: cookieFor(redirectUri, answer.header('set-cookie')) };
  }

  /** A browser came back. The cookie is to be cleared whatever comes of it. */
  async finish(query: URLSearchParams, cookie: string | undefined): Promise<Granted> {
    const word = query.get('error');
    if (word !== null) {
      // Good once, whichever way it ends.
      await this.#options.states.take(query.get('state') ?? '');
      throw word === 'access_denied' ? new DeniedError('the request was cancelled at Slack') : refused(word);
    }
    const asked = { url: `/?${query}`, headers: { cookie } } as unknown as IncomingMessage;
    const done = Promise.withResolvers<Granted>();
    await this.#provider.handleCallback(asked, new Written().response, {
      success: (installation, { metadata = '' }) => done.resolve(grantedIn(installation as Installation<'v2', boolean>, metadata)),
      failure: (error) => done.reject(faultOf(error)),
    });
    return done.promise;
  }

  /** For Set-Cookie, after `finish`. */
  forget(redirectUri: string): string {
    return cookieFor(redirectUri, `${cookieName}=; Secure; HttpOnly; Path=/; Max-Age=0`);
  }
}

export interface AppSecrets {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Of a bot or a person. A refresh token is good once: keep what comes before it is used. */
export async function renewToken(api: WebApi, { clientId, clientSecret }: AppSecrets, refreshToken: string): Promise<GrantedToken> {
  const reply = await api.caller({ token: undefined, scope: `app ${clientId}` }).call('oauth.v2.access', {
    client_id: clientId,
    client_secret: clientSecret,
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
  });
  // A person's token may stand one deeper.
  const given = reply.access_token === undefined ? (reply.authed_user ?? {}) : reply;
  if (given.access_token === undefined) throw garbled({ what: 'oauth.v2.access', isPost: true });
  return {
    token: given.access_token,
    scopes: (given.scope ?? '').split(',').filter((scope) => scope !== ''),
    ...(given.refresh_token !== undefined && { refreshToken: given.refresh_token }),
    ...(given.expires_in !== undefined && { expiresAt: Date.now() + given.expires_in * 1000 }),
  };
}

/** As much of an answer as the library writes. */
class Written {
  readonly #headers = new Map<string, string>();
  readonly response = {
    setHeader: (name: string, value: string) => this.#headers.set(name.toLowerCase(), value),
    getHeader: (name: string) => this.#headers.get(name.toLowerCase()),
    writeHead: () => {},
    end: () => {},
  } as unknown as ServerResponse;

  header(name: string): string {
    return this.#headers.get(name) ?? '';
  }
}

function grantedIn(installation: Installation<'v2', boolean>, about: string): Granted {
  const { bot, user, team, enterprise } = installation;
  return {
    about,
    app: installation.appId ?? '',
    isOrgWide: installation.isEnterpriseInstall ?? false,
    ...(team && { team: { id: team.id, name: team.name ?? team.id } }),
    ...(enterprise && { enterprise: { id: enterprise.id, name: enterprise.name ?? enterprise.id } }),
    ...(bot && { bot: { user: bot.userId, id: bot.id, ...tokenOf(bot.token, bot) } }),
    user: { id: user.id, ...(user.token !== undefined && tokenOf(user.token, user)) },
  };
}

function tokenOf(
  token: string,
  { scopes, refreshToken, expiresAt }: { scopes?: string[] | undefined; refreshToken?: string | undefined; expiresAt?: number | undefined },
): GrantedToken {
  return {
    token,
    scopes: scopes ?? [],
    ...(refreshToken !== undefined && { refreshToken }),
    ...(expiresAt !== undefined && { expiresAt: expiresAt * 1000 }),
  };
}

/** The library marks it `Secure`, so that a browser would not send it back to a plain address. */
function cookieFor(redirectUri: string, cookie: string): string {
  const bound = `${cookie}; SameSite=Lax`;
  return redirectUri.startsWith('https:') ? bound : bound.replace('; Secure', '');
}

function faultOf(error: Error & { readonly code?: string }): BridgeError {
  if (error instanceof DeniedError) return error;
  if (error instanceof SlackError) return translated({ what: 'oauth.v2.access', isPost: true }, error);
  if (/^slack_oauth_(?:missing|invalid)/.test(error.code ?? '')) return used();
  return new PermanentError('NETWORK_REFUSED', `the way back from Slack failed: ${messageOf(error)}`);
}

function used(): DeniedError {
  return new DeniedError('this link was used already, is too old, or was opened in another browser: ask for a new one');
}

function refused(word: string): PermanentError {
  return new PermanentError('NETWORK_REFUSED', `Slack refused it: ${/^[a-z_]{1,60}$/.test(word) ? word : 'without a word'}`);
}
