// Gitter's OAuth 2: the consent page that a browser clicks through, and the exchange of its code (server's code of 2020: oauth2orize). An
// unknown client or another redirect address gives a page with 401; a code is good once; the same person and client get the same token.
// Who is signed in at Gitter is a choice on the page, unless the test says so. Unverified: the pages' wording; the texts of errors.

import { randomUUID } from 'node:crypto';
import { type Answer, type Asked, escapeHtml, fieldsOf, html, json, redirect } from './http.ts';
import type { OAuthClient, User } from './model.ts';
import type { Tokens } from './tokens.ts';
import type { World } from './world.ts';

interface Transaction {
  readonly client: OAuthClient;
  readonly redirectUri: string;
  readonly state: string | null;
}

export class OAuth {
  /** Who is signed in with the browser; undefined: the page asks. */
  signedIn: User | undefined;
  readonly #world: World;
  readonly #tokens: Tokens;
  readonly #transactions = new Map<string, Transaction>();
  readonly #codes = new Map<string, { readonly client: OAuthClient; readonly user: User; readonly redirectUri: string }>();

  constructor(world: World, tokens: Tokens) {
    this.#world = world;
    this.#tokens = tokens;
  }

  /** GET of the page. */
  page(query: URLSearchParams): Answer {
    const begun = this.#begin(query);
    if (typeof begun === 'string') return errorPage(begun);
    const { client } = begun;
    if (client.isTrusted && this.signedIn !== undefined) return this.#end(begun, this.signedIn, true);
    const id = randomUUID();
    this.#transactions.set(id, begun);
    const people = [...this.#world.users.values()].filter(({ isRemoved }) => !isRemoved);
    const choices = people.map(({ id, username }) => `<option value="${id}">${escapeHtml(username)}</option>`);
    const who =
      this.signedIn === undefined
        ? `<label>Sign in as <select name="person">${choices.join('')}</select></label>`
        : `<p>Signed in as ${escapeHtml(this.signedIn.username)}</p>`;
    return html(
      `<!doctype html><meta charset="utf-8"><title>Authorize | Gitter</title><h1>${escapeHtml(client.name)} wants to use your Gitter account</h1>` +
        `<form method="post" action="/login/oauth/authorize/decision"><input type="hidden" name="transaction_id" value="${id}">${who} ` +
        '<button name="allow" value="Allow" id="allow">Allow</button> <button name="cancel" value="Deny" id="deny">Deny</button></form>',
    );
  }

  /** The form that came back; a transaction is good once. */
  decide(asked: Asked): Answer {
    const fields = fieldsOf(asked);
    const transaction = this.#transactions.get(String(fields.transaction_id));
    const user = this.signedIn ?? this.#world.users.get(String(fields.person));
    if (transaction === undefined || user === undefined) return errorPage('There is nothing to decide.', 403);
    this.#transactions.delete(String(fields.transaction_id));
    return this.#end(transaction, user, fields.cancel === undefined);
  }

  /** What `Person.approve` and `deny` do; where the browser is sent. */
  decideFor(user: User, authorizeUrl: string, isAllowed: boolean): string {
    const begun = this.#begin(new URL(authorizeUrl).searchParams);
    if (typeof begun === 'string') throw new Error(`Gitter shows an error: ${begun}`);
    return this.#end(begun, user, isAllowed).headers.location ?? '';
  }

  /** POST of the token endpoint. */
  token(asked: Asked): Answer {
    const { client_id, client_secret, code, redirect_uri, grant_type } = fieldsOf(asked);
    const client = this.#world.clients.get(String(client_id));
    if (client === undefined || client.secret !== client_secret) return json({ error: 'invalid_client' }, 401);
    if (grant_type !== 'authorization_code') return json({ error: 'unsupported_grant_type' }, 501);
    const grant = this.#codes.get(String(code));
    this.#codes.delete(String(code));
    if (grant === undefined || grant.client !== client || grant.redirectUri !== redirect_uri)
      return json({ error: 'invalid_grant', error_description: 'Invalid authorization code' }, 403);
    const answer = { access_token: this.#tokens.of(grant.user, client).value, token_type: 'Bearer' };
    if (this.#world.quirks.tokenAnswer === 'json' || asked.headers.accept?.includes('application/json')) return json(answer);
    const body = new URLSearchParams({ ...answer, scope: 'flow,private' }).toString();
    return { status: 200, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body };
  }

  /** Or what is wrong with the request. */
  #begin(query: URLSearchParams): Transaction | string {
    const client = this.#world.clients.get(query.get('client_id') ?? '');
    const redirectUri = query.get('redirect_uri') ?? '';
    if (client === undefined) return 'The provided client_id is not known.';
    if (redirectUri !== client.redirectUri || /^(?:javascript|data):/i.test(redirectUri))
      return 'The provided redirect_uri does not match the one registered.';
    if (query.get('response_type') !== 'code') return 'Unsupported response type.';
    return { client, redirectUri, state: query.get('state') };
  }

  #end({ client, redirectUri, state }: Transaction, user: User, isAllowed: boolean): Answer {
    const target = new URL(redirectUri);
    if (isAllowed) {
      const code = this.#world.secret();
      this.#codes.set(code, { client, user, redirectUri });
      target.searchParams.set('code', code);
    } else target.searchParams.set('error', 'access_denied');
    if (state !== null) target.searchParams.set('state', state);
    return redirect(target.href);
  }
}

function errorPage(reason: string, status = 401): Answer {
  return html(`<!doctype html><meta charset="utf-8"><title>Gitter</title><h1>Authorization failed</h1><p id="error">${reason}</p>`, status);
}
