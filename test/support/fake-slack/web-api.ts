// The door of the Web API (docs.slack.dev/apis/web-api): token, rate, scope, then the method. Every answer is 200 with `ok`, but a
// limited call: 429 with Retry-After. Errors are held against the documented ones; one that is not is the fake's fault, told as
// such. Unverified, from memory: `unknown_method` with `req_method`, and that a missing scope is told before a missing channel.

import { type Args, readArgs } from './args.ts';
import type { Call, MethodName, Methods, Parts } from './call.ts';
import { commonErrors, methods, scopesFor } from './documented.ts';
import { type Answer, type Asked, bearer, json } from './http.ts';
import { accountMethods } from './methods/account.ts';
import { channelMethods } from './methods/channels.ts';
import { chatMethods } from './methods/chat.ts';
import { fileMethods } from './methods/files.ts';
import { historyMethods } from './methods/history.ts';
import { itemMethods } from './methods/items.ts';
import { listMethods } from './methods/lists.ts';
import { missingScope } from './methods/missing-scope.ts';
import { peopleMethods } from './methods/people.ts';
import type { ChannelKind, Team, Token } from './model.ts';
import { grants, grantsAny } from './scopes.ts';
import { isOrgWideFor, SlackFault } from './world.ts';

const answers: Methods<MethodName> = {
  ...accountMethods,
  ...chatMethods,
  ...channelMethods,
  ...fileMethods,
  ...historyMethods,
  ...itemMethods,
  ...listMethods,
  ...peopleMethods,
};

/** Asked without a token. */
const withoutToken: ReadonlySet<string> = new Set(['oauth.v2.access']);
const withAppToken: ReadonlySet<string> = new Set(['apps.connections.open', 'apps.event.authorizations.list']);
/** An organisation's token must say which workspace it means. */
const ofOneTeam: ReadonlySet<string> = new Set(['conversations.list', 'users.list', 'users.conversations', 'usergroups.list', 'bots.info']);
/** These look at scopes themselves, for each kind that is asked for. */
const byTypes: ReadonlySet<string> = new Set(['conversations.list', 'users.conversations']);

export class WebApi {
  readonly #parts: Parts;
  /** Errors that were answered though the method's page knows them not. */
  readonly undocumented: string[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async answer(method: string, asked: Asked): Promise<Answer> {
    let token: Token | undefined;
    try {
      const args = readArgs(asked.url, asked.headers['content-type'] ?? '', asked.body);
      if (!isKnown(method)) return json({ ok: false, error: 'unknown_method', req_method: method });
      token = this.#tokenOf(method, bearer(asked.headers) ?? args.text('token'));
      const call = this.#callOf(method, args, token, asked);
      const wait = this.#waitFor(call, token);
      if (wait !== undefined) return json({ ok: false, error: 'ratelimited' }, 429, { 'retry-after': String(wait) });
      if (token !== undefined) this.#checkScope(call, token);
      const body = await answers[method](call);
      return json({ ok: true, ...body }, 200, scopeHeaders(method, token));
    } catch (error) {
      if (!(error instanceof SlackFault)) throw error;
      this.#checkDocumented(method, error.code);
      return json({ ok: false, error: error.code, ...error.details }, 200, scopeHeaders(method, token));
    }
  }

  #tokenOf(method: string, value: string | undefined): Token | undefined {
    if (withoutToken.has(method)) return undefined;
    if (value === undefined) throw new SlackFault('not_authed');
    const token = this.#parts.world.tokens.get(value);
    if (token === undefined) throw new SlackFault('invalid_auth');
    if (token.user?.isDeleted === true) throw new SlackFault('account_inactive');
    if (token.isRevoked) throw new SlackFault(token.kind === 'bot' ? 'account_inactive' : 'token_revoked');
    if (!this.#parts.world.isLive(token)) throw new SlackFault('token_expired');
    if ((token.kind === 'app') !== withAppToken.has(method)) throw new SlackFault('not_allowed_token_type');
    return token;
  }

  #callOf(method: string, args: Args, token: Token | undefined, { headers }: Asked): Call {
    const [name = '', password = ''] = Buffer.from(/^Basic (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '', 'base64')
      .toString()
      .split(':');
    const basic = name === '' ? undefined : { name, password };
    const rest = { ...this.#parts, method, args, basic };
    // Calls without a person or a workspace are only those that ask for neither.
    return { ...rest, token: token as Token, user: token?.user as Call['user'], team: this.#teamOf(method, args, token) as Team };
  }

  #teamOf(method: string, args: Args, token: Token | undefined): Team | undefined {
    const { world } = this.#parts;
    if (token === undefined || token.kind === 'app' || token.team !== undefined) return token?.team;
    const named = args.text('team_id');
    if (named === undefined && ofOneTeam.has(method)) throw new SlackFault('missing_argument');
    const channel = world.channels.get(args.text('channel') ?? '');
    const team = named === undefined ? channel?.team : world.teams.get(named);
    if (named !== undefined && (team === undefined || !isOrgWideFor(token, team))) throw new SlackFault('team_access_not_granted');
    return team ?? [...world.teams.values()].find((each) => isOrgWideFor(token, each));
  }

  #waitFor({ method, args, team }: Call, token: Token | undefined): number | undefined {
    if (token === undefined) return undefined;
    const { app } = token;
    return this.#parts.limits.take(method, team?.id ?? '', app.id, args.text('channel'), app.isCommercial);
  }

  #checkScope(call: Call, token: Token): void {
    const { method, args } = call;
    if (byTypes.has(method)) return;
    const facts = methods.get(method);
    if (facts === undefined) return;
    const documented = facts.scopes[token.kind === 'bot' ? 'bot' : 'user'];
    const other = facts.scopes[token.kind === 'bot' ? 'user' : 'bot'];
    if (documented.length === 0 && other.length > 0) throw new SlackFault('not_allowed_token_type');
    const kind = this.#kindAsked(call);
    const scopes = kind === undefined ? documented : scopesFor(kind, documented);
    if (!grantsAny(token, scopes)) throw missingScope(token, scopes.length === 0 ? documented : scopes);
    const dresses = method.startsWith('chat.post') && ['username', 'icon_url', 'icon_emoji'].some((name) => args.text(name) !== undefined);
    if (dresses && token.kind === 'bot' && !grants(token, 'chat:write.customize')) throw missingScope(token, ['chat:write.customize']);
  }

  #kindAsked({ method, args, world }: Call): ChannelKind | undefined {
    if (method === 'conversations.open') return args.list('users').length > 1 ? 'mpim' : 'im';
    if (method === 'conversations.create') return args.isOn('is_private') ? 'group' : 'channel';
    return world.channels.get(args.text('channel') ?? '')?.kind;
  }

  #checkDocumented(method: string, code: string): void {
    if (commonErrors.has(code) || methods.get(method)?.errors.has(code)) return;
    this.undocumented.push(`${method}: ${code}`);
  }
}

function isKnown(method: string): method is MethodName {
  return Object.hasOwn(answers, method);
}

function scopeHeaders(method: string, token: Token | undefined): Record<string, string> {
  if (token === undefined || token.kind === 'app') return {};
  const accepted = methods.get(method)?.scopes[token.kind] ?? [];
  return { 'x-oauth-scopes': [...token.scopes].join(','), 'x-accepted-oauth-scopes': accepted.join(',') };
}
