// How a person comes to their own account: by Gitter's page in their browser, or with a token of theirs. The link leads to a page of ours that
// names for whom it is. It is bound to the browser in which that is answered, lives for a short time, and is good once.

import { randomBytes } from 'node:crypto';
import {
  type AdapterTools,
  agreedIn,
  askingPage,
  BridgeError,
  browserIn,
  isSameBrowser,
  type LoginFlow,
  type LoginResult,
  PermanentError,
  toldPage,
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
  /** What the browser bears in which the page was answered. */
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
    tools.web.route('GET', '/login/:state', async (request) => this.#ask(request));
    tools.web.route('POST', '/login/:state', (request) => this.#begin(request));
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

  /** Somebody else may have sent the link, or a server may look where it leads: nothing is done yet. */
  #ask(request: WebRequest): WebAnswer {
    const { state = '' } = request.params;
    const wish = this.#wishOf(state);
    const url = this.#parts.tools.web.url(`/login/${state}`);
    if (wish === undefined || url === undefined || (wish.browser !== undefined && wish.browser !== browserIn(request, cookie)))
      return told(stale, 410);
    return askingPage(request, {
      ...{ title: 'Log in to Gitter', label: `I am ${wish.user}: go on to Gitter`, url, cookie, lifetime: lifetime / 1_000 },
      words:
        `${wish.user} on Matrix will be able to read and write in Gitter as you. ` +
        'Go on only if that is you, and you asked the bridge for this link yourself. Otherwise close this page.',
    });
  }

  /** From now on it is this browser's. */
  async #begin(request: WebRequest): Promise<WebAnswer> {
    const { settings, tools } = this.#parts;
    const { state = '' } = request.params;
    const browser = agreedIn(request, cookie);
    if (browser === undefined) return told('The answer did not come from the page itself, or your browser keeps no cookies.', 403);
    const wish = this.#wishOf(state);
    const returnTo = tools.web.url('/oauth');
    if (wish === undefined || settings.oauth === undefined || returnTo === undefined) return told(stale, 410);
    if (wish.browser !== undefined && !isSameBrowser(wish.browser, browser)) return told(stale, 410);
    await tools.secrets.set(wishName(state), JSON.stringify({ ...wish, browser } satisfies Wish));
    const location = authorizeUrl(settings.oauth, returnTo, state);
    return { status: 303, headers: { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' } };
  }

  #wishOf(state: string): Wish | undefined {
    return readWish(this.#parts.tools.secrets.get(wishName(state)));
  }

  async #finish(request: WebRequest): Promise<WebAnswer> {
    const { settings, tools } = this.#parts;
    const state = request.query.get('state') ?? '';
    const wish = this.#wishOf(state);
    const returnTo = tools.web.url('/oauth');
    const isTheirs = wish?.browser !== undefined && isSameBrowser(wish.browser, browserIn(request, cookie));
    if (!isTheirs || settings.oauth === undefined || returnTo === undefined) return told(stale, 410);
    // Good once, whichever way it ends.
    await tools.secrets.set(wishName(state), undefined);
    const code = request.query.get('code');
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

const told = (words: string, status = 200): WebAnswer => toldPage(status, 'Gitter', words);
