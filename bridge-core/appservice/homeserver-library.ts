// The bridge library's Intent, tamed. It loads with the first call (0.3 s, 20 MB), its HTTP runs over our own requests
// (gate, Agent, errors), and nothing of what it would do unasked is left to it: joins, power levels, memory of its own.

import type { Appservice } from '@vector-im/matrix-bot-sdk';
import type { Intent } from 'matrix-appservice-bridge';
import { messageOf, UnreachableError } from '../errors.ts';
import { localpartOf, type UserId } from '../ids.ts';
import type { Kind } from './homeserver-gate.ts';
import type { HomeserverHttp } from './homeserver-http.ts';

/** Clients of single users kept by the library; a ghost's next call simply makes a new one. */
const keptClients = 200;

// The library's request function is one for the whole process: homeserver and token tell which bridge a request is of, for one
// registration may stand on several homeservers.
const bridges = new Map<string, HomeserverHttp>();
const nameOf = (origin: string, authorization = ''): string => `${origin} ${authorization}`;
let loading: ReturnType<typeof load> | undefined;

/** Joins, registrations and profiles: each makes member events, the dearest thing to ask of a homeserver. */
const membershipPath =
  /\/(join|leave|invite|kick|ban|unban|register|displayname|avatar_url)(\/[^/]*)?$|\/state\/m\.room\.member\/|\/join\//;

export const kindOf = (method: string, path: string): Kind => (method !== 'GET' && membershipPath.test(path) ? 'membership' : 'other');

async function load() {
  // Its old HTTP client, which we replace, warns of a deprecated call as it loads: nothing that an operator could mend.
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    const library = await import('matrix-appservice-bridge');
    const sdk = await import('@vector-im/matrix-bot-sdk');
    sdk.LogService.setLogger(silent);
    sdk.setRequestFn(requestOverOurs);
    return { library, sdk };
  } finally {
    process.noDeprecation = noDeprecation ?? false;
  }
}

function loaded(): ReturnType<typeof load> {
  loading ??= load();
  return loading;
}

const nothing = () => {};
const silent = { info: nothing, warn: nothing, error: nothing, debug: nothing, trace: nothing };

export class Library {
  readonly #http: HomeserverHttp;
  readonly #bot: UserId;
  readonly #domain: string;
  #opened: Promise<{ appservice: Appservice; makeIntent: typeof Intent }> | undefined;

  constructor({ http, bot, domain }: { http: HomeserverHttp; bot: UserId; domain: string }) {
    this.#http = http;
    this.#bot = bot;
    this.#domain = domain;
    bridges.set(nameOf(http.origin, http.authorization), http);
  }

  async warm(): Promise<void> {
    await this.#open();
  }

  /** A fresh Intent: it remembers rooms and power levels without bound, so none lives longer than a call. */
  async as(user: UserId): Promise<Intent> {
    const { appservice, makeIntent } = await this.#open();
    const intent = appservice.getIntentForUserId(user);
    // Also for the bot, who else would first be asked for by a whoami.
    intent.underlyingClient.impersonateUserId(user);
    return new makeIntent(intent, appservice.botClient, {
      registered: true,
      dontJoin: true,
      dontCheckPowerLevel: true,
      enablePresence: false,
      backingStore: {
        getMembership: () => null,
        getMemberProfile: () => ({}),
        getPowerLevelContent: () => undefined,
        setMembership: nothing,
        setPowerLevelContent: nothing,
      },
    });
  }

  close(): void {
    const name = nameOf(this.#http.origin, this.#http.authorization);
    if (bridges.get(name) === this.#http) bridges.delete(name);
  }

  #open(): Promise<{ appservice: Appservice; makeIntent: typeof Intent }> {
    this.#opened ??= loaded().then(({ library, sdk }) => ({
      makeIntent: library.Intent,
      // Only the maker of clients is used of it; it never listens.
      appservice: new sdk.Appservice({
        port: 0,
        bindAddress: '127.0.0.1',
        homeserverName: this.#domain,
        homeserverUrl: this.#http.origin + this.#http.basePath,
        registration: {
          as_token: this.#http.authorization.slice('Bearer '.length),
          hs_token: '',
          id: '',
          url: null,
          sender_localpart: localpartOf(this.#bot),
          namespaces: { users: [], rooms: [], aliases: [] },
        },
        intentOptions: { maxCached: keptClients, maxAgeMs: 15 * 60_000 },
      }),
    }));
    return this.#opened;
  }
}

interface LibraryRequest {
  readonly uri: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly qs?: Readonly<Record<string, unknown>> | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}
type LibraryCallback = (error: Error | null, response?: { statusCode: number; headers: object; body: string }, body?: string) => void;

/** What `request` would do, for the few options that the library gives. Errors are already ours, and pass through it. */
function requestOverOurs(request: LibraryRequest, done: LibraryCallback): void {
  const http = bridges.get(nameOf(new URL(request.uri).origin, request.headers.Authorization));
  if (http === undefined) {
    done(new UnreachableError('HOMESERVER_UNREACHABLE', 'the bridge is closing'));
    return;
  }
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.qs ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== null) query.append(name, String(one));
  }
  const path = request.uri.slice(http.origin.length + http.basePath.length);
  const withQuery = query.size === 0 ? path : `${path}?${query}`;
  http.ask(kindOf(request.method, path), request.method, withQuery, request.body).then(
    (text) => done(null, { statusCode: 200, headers: {}, body: text }, text),
    (error: unknown) => done(error instanceof Error ? error : new Error(messageOf(error))),
  );
}
