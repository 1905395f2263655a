// The Web API, over @slack/web-api with neither its tries nor its queue: it would stall every channel on one 429, and post twice
// where an answer was lost. One WebClient a token, one budget for all; what fails is an error of the catalogue.

import {
  LogLevel,
  type Logger as SlackLogger,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
  WebClient,
} from '@slack/web-api';
import { type BridgeError, messageOf } from '#bridge-core';
import { type Asked, connectionFault, garbled, isRefusal, limited, refusalFor, statusFault } from './faults.ts';
import { SlackHttp, type SlackHttpOptions } from './http.ts';
import { type Arguments, type CallOptions, type Method, type PagedMethod, posting, type Replies } from './methods.ts';
import { Organisation } from './organisation.ts';
import { type Draw, RateTiers, type RateWatch } from './rate-tiers.ts';

const slackApi = 'https://slack.com/api/';

export interface WebApiWatch extends RateWatch {
  /** `outcome`: `ok`, or Slack's word, or the catalogue's code. `ms` without the wait for our turn. */
  readonly onCalled?: (method: string, outcome: string, ms: number) => void;
}

export interface WebApiOptions extends SlackHttpOptions, WebApiWatch {
  /** Slack's own unless set; with the slash at its end. */
  readonly apiUrl?: string;
  /** False: only what a 429 stops waits. */
  readonly limits?: boolean;
}

export interface CallerOptions {
  /** Undefined for oauth.v2.access alone. */
  readonly token: string | undefined;
  /** The workspace that is meant, where the token is a whole organisation's; other tokens need not say it, and may. */
  readonly team?: string;
  /** It is a whole organisation's, and all of its workspaces are meant. */
  readonly isOfOrganisation?: boolean;
  /** What shares its limits: the app and the workspace. */
  readonly scope: string;
  /** Calls a minute, by method, where there are fewer than the tier's. */
  readonly rations?: Readonly<Record<string, number>>;
  /** A new token, once this one is told to be too old; asked once for all calls that wait for it. */
  readonly renew?: () => Promise<string>;
}

/** Of these an organisation's token must say which of its workspaces is meant. */
const ofOneTeam: ReadonlySet<string> = new Set(['conversations.list', 'users.conversations', 'users.list', 'usergroups.list', 'bots.info']);

/** By the id of what a token is for, a workspace or an organisation. */
export const meantIn = (id: string): Pick<CallerOptions, 'team' | 'isOfOrganisation'> =>
  id.startsWith('E') ? { isOfOrganisation: true } : { team: id };

export class WebApi {
  readonly apiUrl: string;
  readonly http: SlackHttp;
  readonly tiers: RateTiers;
  readonly #watch: WebApiWatch;

  constructor(options: WebApiOptions = {}) {
    const { apiUrl = slackApi } = options;
    this.apiUrl = apiUrl.endsWith('/') ? apiUrl : `${apiUrl}/`;
    this.http = new SlackHttp(options);
    this.tiers = new RateTiers({ ...options, isOn: options.limits ?? true });
    this.#watch = options;
  }

  caller(options: CallerOptions): Caller {
    return new Caller({ api: this, watch: this.#watch, ...options });
  }

  /** Calls under way end with an error. */
  async close(): Promise<void> {
    await this.tiers.close();
    await this.http.close();
  }
}

/** Calls with one token. */
export class Caller {
  readonly #options: CallerOptions & { readonly api: WebApi; readonly watch: WebApiWatch };
  #web: WebClient;
  #token: string | undefined;
  #generation = 0;
  #renewing: Promise<void> | undefined;
  readonly #organisation: Organisation | undefined;

  constructor(options: CallerOptions & { readonly api: WebApi; readonly watch: WebApiWatch }) {
    this.#options = options;
    this.#token = options.token;
    this.#web = this.#clientOf(options.token);
    if (options.isOfOrganisation === true) this.#organisation = new Organisation({ call: (...of) => this.#try(...of) });
  }

  get isSecure(): boolean {
    return this.#options.api.apiUrl.startsWith('https:');
  }

  /** For calls from now on. */
  useToken(token: string): void {
    this.#token = token;
    this.#web = this.#clientOf(token);
    this.#generation += 1;
  }

  /** The newest. */
  get token(): string | undefined {
    return this.#token;
  }

  /** Another one with each new token. */
  get generation(): number {
    return this.#generation;
  }

  async call<M extends Method>(method: M, args: Arguments = {}, options: CallOptions = {}): Promise<Replies[M]> {
    const isOfAll = this.#organisation !== undefined && ofOneTeam.has(method);
    return await (isOfAll ? this.#organisation.ask(method, args, options) : this.#try(method, args, options));
  }

  async #try<M extends Method>(method: M, args: Arguments, options: CallOptions = {}): Promise<Replies[M]> {
    const { scope, rations, api, team } = this.#options;
    const isOfOneTeam = team !== undefined && ofOneTeam.has(method);
    const isPost = posting.has(method);
    const { patience = isPost ? 2_000 : 60_000, isBackground = false } = options;
    const channel = typeof args.channel === 'string' ? args.channel : undefined;
    const draw: Draw = { scope, method, channel, patience, isBackground, rations };
    const deadline = performance.now() + patience;
    for (let hasRenewed = false, left = patience; ; left = deadline - performance.now()) {
      const turn = api.tiers.enter(left === patience ? draw : { ...draw, patience: left });
      if (turn !== undefined) await turn;
      const web = this.#web;
      try {
        return await this.#ask(web, method, isOfOneTeam ? { team_id: team, ...args } : args);
      } catch (thrown) {
        const after = thrown instanceof WebAPIRateLimitedError ? thrown.retryAfter * 1000 : undefined;
        if (after !== undefined) {
          api.tiers.hold(draw, after);
          if (after > deadline - performance.now()) throw limited({ what: method, isPost }, after);
          continue;
        }
        const error = translated({ what: method, isPost }, thrown);
        if (hasRenewed || this.#options.renew === undefined || !isRefusal(error, 'token_expired')) throw error;
        hasRenewed = true;
        if (web === this.#web) await this.#renew(this.#options.renew);
      }
    }
  }

  /** Page by page; `limit` as given, or Slack's advice. */
  async *pages<M extends PagedMethod>(method: M, args: Arguments = {}, options: CallOptions = {}): AsyncGenerator<Replies[M], void> {
    let cursor: string | undefined;
    do {
      const reply: Replies[M] = await this.call(method, { limit: 200, ...args, ...(cursor !== undefined && { cursor }) }, options);
      yield reply;
      cursor = (reply as { response_metadata?: { next_cursor?: string } }).response_metadata?.next_cursor;
    } while (cursor !== undefined && cursor !== '');
  }

  async #ask<M extends Method>(web: WebClient, method: M, args: Arguments): Promise<Replies[M]> {
    const since = performance.now();
    try {
      const reply = await web.apiCall(method, args as Record<string, unknown>);
      this.#options.watch.onCalled?.(method, 'ok', performance.now() - since);
      return reply as Replies[M];
    } catch (thrown) {
      this.#options.watch.onCalled?.(method, outcomeOf(thrown), performance.now() - since);
      throw thrown;
    }
  }

  #renew(renew: () => Promise<string>): Promise<void> {
    this.#renewing ??= renew()
      .then((token) => this.useToken(token))
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }

  #clientOf(token: string | undefined): WebClient {
    const { api } = this.#options;
    return new WebClient(token, {
      slackApiUrl: api.apiUrl,
      fetch: api.http.fetch,
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      maxRequestConcurrency: 1_000,
      allowAbsoluteUrls: false,
      logger: mute,
    });
  }
}

/** Slack's libraries log whole payloads; what matters of them is told by errors. */
export const mute: SlackLogger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => LogLevel.ERROR,
  setName() {},
};

/** Slack's words are short and plain; a whole page in their place is something between us and Slack. */
const isWord = /^[a-z0-9_.:-]{1,80}$/i;

export function translated(asked: Asked, thrown: unknown): BridgeError {
  if (thrown instanceof WebAPIPlatformError) {
    const { error } = thrown.data;
    return isWord.test(String(error)) ? refusalFor(asked, String(error), { ...thrown.data }) : garbled(asked);
  }
  if (thrown instanceof WebAPIHTTPError) return statusFault(asked, thrown.statusCode);
  if (thrown instanceof WebAPIRequestError) return connectionFault(asked, thrown.original);
  // What the library does not wrap: an answer cut off in its midst.
  return garbled(asked, new Error(messageOf(thrown)));
}

function outcomeOf(thrown: unknown): string {
  if (thrown instanceof WebAPIRateLimitedError) return 'ratelimited';
  if (thrown instanceof WebAPIPlatformError && isWord.test(String(thrown.data.error))) return String(thrown.data.error);
  return thrown instanceof WebAPIHTTPError ? 'http' : 'connection';
}
