// How a person comes to their own account: by Gitter's page in their browser, or with a token of theirs. The page belongs to whoever asked
// for the link: it is bound to the browser that opens it first, lives for a short time, and is good once.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import {
  type AdapterTools,
  BridgeError,
  type LoginFlow,
  type LoginResult,
  PermanentError,
  type UserId,
  userId,
  type WebAnswer,
  type WebRequest,
} from '#bridge-core';
import type { GitterBody } from './body.ts';
import { makeUserId, network as networkId } from './ids.ts';
import type { GitterNetwork } from './network.ts';
import type { GitterSettings } from './settings.ts';
import { authorizeUrl, tokenFor } from './wire/oauth.ts';

export interface LoginParts {
  readonly network: Pick<GitterNetwork, 'whose'>;
  readonly settings: GitterSettings;
  readonly tools: AdapterTools<GitterBody>;
}

interface Wish {
  readonly user: UserId;
  readonly until: number;
  /** What the browser that opened the link bears. */
  readonly browser?: string;
}

const lifetime = 15 * 60_000;
const cookie = 'causeway_gitter';

export class Logins {
  readonly flows: readonly LoginFlow[];
  readonly #parts: LoginParts;

  constructor(parts: LoginParts) {
    this.#parts = parts;
    const { settings, tools } = parts;
    const byPage = settings.oauth !== undefined && tools.web.url('/oauth') !== undefined ? [this.#page()] : [];
    this.flows = [...byPage, this.#token()];
    if (byPage.length === 0) return;
    tools.web.route('GET', '/login/:state', (request) => this.#begin(request));
    tools.web.route('GET', '/oauth', (request) => this.#finish(request));
  }

  #page(): LoginFlow {
    const { tools } = this.#parts;
    const keep = (user: UserId) => this.#keep(user);
    return {
      id: 'oauth',
      title: "By Gitter's own page",
      async *run(user) {
        const state = await keep(user);
        yield { open: tools.web.url(`/login/${state}`) ?? '' };
        return undefined;
      },
    };
  }

  #token(): LoginFlow {
    const login = (token: string) => this.#resultFor(token);
    return {
      id: 'token',
      title: 'With a token of yours',
      async *run() {
        const given = yield { ask: [{ name: 'token', title: 'Your personal access token at Gitter', secret: true }] };
        const token = given.token?.trim() ?? '';
        if (!/^[\w.-]{8,200}$/.test(token)) throw new PermanentError('NETWORK_LOGIN', 'that is no token of Gitter');
        return await login(token);
      },
    };
  }

  async #resultFor(token: string): Promise<LoginResult> {
    const me = await this.#parts.network.whose(token);
    const username = me.username ?? me.id;
    return { account: makeUserId(me.id), network: networkId, name: `${username} on Gitter`, credentials: { token, username } };
  }

  async #keep(user: UserId): Promise<string> {
    const { secrets } = this.#parts.tools;
    for (const name of secrets.names(wishName(''))) if (readWish(secrets.get(name)) === undefined) await secrets.set(name, undefined);
    const state = randomBytes(24).toString('base64url');
    await secrets.set(wishName(state), JSON.stringify({ user, until: Date.now() + lifetime } satisfies Wish));
    return state;
  }

  /** The link is opened: from now on it is this browser's. */
  async #begin({ params }: WebRequest): Promise<WebAnswer> {
    const { settings, tools } = this.#parts;
    const state = params.state ?? '';
    const wish = readWish(tools.secrets.get(wishName(state)));
    const returnTo = tools.web.url('/oauth');
    if (wish === undefined || wish.browser !== undefined || settings.oauth === undefined || returnTo === undefined) return told(stale, 410);
    const browser = randomBytes(18).toString('base64url');
    await tools.secrets.set(wishName(state), JSON.stringify({ ...wish, browser } satisfies Wish));
    const safely = returnTo.startsWith('https:') ? '; Secure' : '';
    return {
      status: 303,
      headers: {
        location: authorizeUrl(settings.oauth, returnTo, state),
        'set-cookie': `${cookie}=${browser}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${lifetime / 1_000}${safely}`,
        'referrer-policy': 'no-referrer',
      },
    };
  }

  async #finish({ query, headers }: WebRequest): Promise<WebAnswer> {
    const { settings, tools } = this.#parts;
    const state = query.get('state') ?? '';
    const wish = readWish(tools.secrets.get(wishName(state)));
    const returnTo = tools.web.url('/oauth');
    if (
      wish?.browser === undefined ||
      !isSame(wish.browser, cookieIn(headers.cookie)) ||
      settings.oauth === undefined ||
      returnTo === undefined
    )
      return told(stale, 410);
    // Good once, whichever way it ends.
    await tools.secrets.set(wishName(state), undefined);
    const code = query.get('code');
    if (code === null) return told('The login was cancelled at Gitter.', 403);
    try {
      const result = await this.#resultFor(await tokenFor(settings.oauth, code, returnTo));
      await tools.inbox.loggedIn?.(wish.user, result);
      return told(`You are logged in as ${result.name}, for ${wish.user}. You can close this page.`);
    } catch (thrown) {
      if (!(thrown instanceof BridgeError)) throw thrown;
      tools.log.info({ user: wish.user, why: thrown.message }, 'a login by Gitter’s page failed');
      return told(`The login failed: ${thrown.message}`, 502);
    }
  }
}

const stale = 'This link was used already, is too old, or was opened in another browser: ask the bridge for a new one.';

const wishName = (state: string): string => `login ${state}`;

function readWish(text: string | undefined): Wish | undefined {
  if (text === undefined) return undefined;
  const { user, until, browser } = JSON.parse(text) as Wish;
  return until < Date.now() ? undefined : { user: userId(user), until, ...(browser !== undefined && { browser }) };
}

function cookieIn(header = ''): string {
  const found = header.split(/;\s*/).find((each) => each.startsWith(`${cookie}=`));
  return found?.slice(cookie.length + 1) ?? '';
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function told(words: string, status = 200): WebAnswer {
  const text = words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Gitter</title><p>${text}</p></html>`;
  const headers = {
    ...{ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  };
  return { status, headers, body };
}
