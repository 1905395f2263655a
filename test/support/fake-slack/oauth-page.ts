// The consent page of OAuth v2 (docs.slack.dev/authentication/installing-with-oauth): asked for by a browser, decided by a person, ended
// by a redirect with `code` and `state`, or with `error=access_denied`. Who is signed in at Slack is a choice on the page. Unverified:
// the wording of the pages that refuse; that a redirect address may lie below a registered one.

import { events, methods, otherScopes } from './documented.ts';
import { type Answer, html, redirect } from './http.ts';
import type { App, Team, User } from './model.ts';
import type { Consent } from './oauth-exchange.ts';
import type { World } from './world.ts';

export interface OAuthOptions {
  readonly world: World;
  readonly consents: Map<string, Consent>;
  /** The bot user of an app in a workspace, made at its first installation. */
  readonly botUserOf: (app: App, team: Team) => User;
  readonly makeWebhook: (app: App, team: Team) => Consent['webhook'];
}

const codeLife = 10 * 60_000;

const knownScopes = new Set([
  ...otherScopes,
  ...[...methods.values()].flatMap(({ scopes: { bot, user } }) => [...bot, ...user]),
  ...[...events.values()].flatMap(({ scopes }) => scopes),
]);

export class OAuth {
  readonly #options: OAuthOptions;

  constructor(options: OAuthOptions) {
    this.#options = options;
  }

  /** GET of the page. */
  page(query: URLSearchParams): Answer {
    const fault = this.#faultOf(query);
    if (fault !== undefined) return html(`<h1>Something went wrong</h1><p id="error">${fault}</p>`, 400);
    const app = this.#appOf(query);
    const people = this.#people(query);
    const hidden = [...query].map(([name, value]) => `<input type="hidden" name="${shown(name)}" value="${shown(value)}">`);
    const choices = people.map(
      (user) => `<option value="${user.id}">${shown(user.realName)} in ${shown(this.#teamOf(user, query).name)}</option>`,
    );
    const scopes = [...list(query, 'scope'), ...list(query, 'user_scope')].map((scope) => `<li>${shown(scope)}</li>`);
    return html(
      `<!doctype html><meta charset="utf-8"><title>Slack</title><h1>${shown(app?.name ?? '')} is requesting permission</h1><ul>${scopes.join('')}</ul>` +
        `<form method="post" action="/oauth/v2/authorize">${hidden.join('')}<label>You are <select name="person">${choices.join('')}</select></label> ` +
        '<label><input type="checkbox" name="org" value="1"> for the whole organisation</label> ' +
        '<button name="decision" value="allow" id="allow">Allow</button> <button name="decision" value="deny" id="deny">Cancel</button></form>',
    );
  }

  /** The form that came back; also what `Person.approve` says. */
  decide(form: URLSearchParams): Answer {
    const fault = this.#faultOf(form);
    const app = this.#appOf(form);
    const user = this.#options.world.users.get(form.get('person') ?? '');
    if (fault !== undefined || app === undefined || user === undefined)
      return html(`<p id="error">${fault ?? 'nobody is signed in'}</p>`, 400);
    const target = new URL(form.get('redirect_uri') ?? app.redirectUris[0] ?? 'http://127.0.0.1/');
    const state = form.get('state');
    if (form.get('decision') === 'allow') target.searchParams.set('code', this.#agree(form, app, user));
    else target.searchParams.set('error', 'access_denied');
    if (state !== null) target.searchParams.set('state', state);
    return redirect(target.href);
  }

  #agree(form: URLSearchParams, app: App, user: User): string {
    const { world, consents, botUserOf, makeWebhook } = this.#options;
    const team = this.#teamOf(user, form);
    const botScopes = list(form, 'scope');
    const code = `${team.id}.${world.secret(16)}`;
    consents.set(code, {
      app,
      team,
      user,
      isOrgWide: form.get('org') === '1' && team.enterprise !== undefined,
      botScopes,
      userScopes: list(form, 'user_scope'),
      redirectUri: form.get('redirect_uri') ?? undefined,
      until: world.clock.now() + codeLife,
      botUser: botScopes.length === 0 ? undefined : botUserOf(app, team),
      webhook: botScopes.includes('incoming-webhook') ? makeWebhook(app, team) : undefined,
    });
    return code;
  }

  #faultOf(query: URLSearchParams): string | undefined {
    const app = this.#appOf(query);
    if (app === undefined) return 'invalid_client_id';
    const uri = query.get('redirect_uri');
    if (uri !== null && !app.redirectUris.some((registered) => uri === registered || uri.startsWith(`${registered}/`)))
      return 'bad_redirect_uri';
    const scopes = [...list(query, 'scope'), ...list(query, 'user_scope')];
    if (scopes.length === 0) return 'no_scopes';
    const unknown = scopes.find((scope) => !knownScopes.has(scope));
    return unknown === undefined ? undefined : `invalid_scope: ${unknown}`;
  }

  #appOf(query: URLSearchParams): App | undefined {
    return [...this.#options.world.apps.values()].find(({ clientId }) => clientId === query.get('client_id'));
  }

  #people(query: URLSearchParams): User[] {
    const team = query.get('team');
    return [...this.#options.world.users.values()].filter(
      ({ bot, isDeleted, teams }) => bot === undefined && !isDeleted && (team === null || teams.has(team)),
    );
  }

  #teamOf(user: User, query: URLSearchParams): Team {
    const named = query.get('team');
    return this.#options.world.team(named !== null && user.teams.has(named) ? named : user.teamId);
  }
}

function list(query: URLSearchParams, name: string): string[] {
  return (query.get(name) ?? '').split(/[ ,]/).filter((scope) => scope !== '');
}

function shown(value: string): string {
  return value.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
