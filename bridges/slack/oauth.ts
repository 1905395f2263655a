// From a link to a login, or to a workspace with our app in it, by way of Slack's own page: `/oauth/start` asks, and sends a browser there,
// `/oauth/return` takes it back. The link bears a ticket that names whom it was given to; it lasts ten minutes, and for one login.

import { createHash, randomBytes } from 'node:crypto';
import {
  type AdapterTools,
  agreedIn,
  askingPage,
  BridgeError,
  DeniedError,
  type LoginResult,
  messageOf,
  PermanentError,
  toldPage as page,
  type UserId,
  type WebAnswer,
  type WebRequest,
} from '#bridge-core';
import type { SlackBody } from './body.ts';
import { type Fields, isFields, numberIn, textIn } from './fields.ts';
import { makeUserId } from './ids.ts';
import type { SlackSettings } from './settings.ts';
import type { Teams } from './teams.ts';
import { type Granted, type GrantedToken, Installer, type StateStore, stateLife } from './wire/oauth.ts';
import { missingScopes, scopesFor } from './wire/scopes.ts';
import type { WebApi } from './wire/web-api.ts';

export interface OAuthParts {
  readonly settings: SlackSettings;
  readonly tools: AdapterTools<SlackBody>;
  readonly api: WebApi;
  readonly teams: Teams;
}

/** What a link is for: a person's login, or a workspace's installation of the app (and with it the login of who does it). */
export interface Errand {
  readonly user: UserId;
  readonly what: 'login' | 'install';
  /** Of a team with an app of its own. */
  readonly team?: string | undefined;
}

export class OAuth {
  readonly #parts: OAuthParts;
  readonly #installers = new Map<string, Installer>();

  constructor(parts: OAuthParts) {
    this.#parts = parts;
    const { web } = parts.tools;
    web.route('GET', '/oauth/start', async (request) => this.#ask(request));
    web.route('POST', '/oauth/start', (request) => this.#start(request));
    web.route('GET', '/oauth/return', (request) => this.#return(request));
  }

  /** Whether there is an app to log in to, and an address to come back to. */
  isPossible(team?: string): boolean {
    return this.#appOf(team)?.clientId !== undefined && this.#parts.tools.web.url('') !== undefined;
  }

  /** A link for this person alone. */
  async link(errand: Errand): Promise<string> {
    const ticket = randomBytes(24).toString('base64url');
    await this.#keep(ticketName(ticket), { ...errand, team: errand.team ?? null });
    const url = this.#parts.tools.web.url(`/oauth/start?ticket=${ticket}`);
    if (url === undefined) throw new PermanentError('UNSUPPORTED', 'without a public_url nobody can come back from Slack');
    return url;
  }

  /** Somebody else may have sent the link: whoever follows it must see to whom they give their voice. */
  #ask(request: WebRequest): WebAnswer {
    const errand = this.#errand(this.#look(ticketName(request.query.get('ticket') ?? '')));
    if (errand === undefined) return over();
    const { user, what } = errand;
    return askingPage(request, {
      ...{
        title: 'Log in to Slack',
        label: `I am ${user}: go on to Slack`,
        url: this.#redirectUri,
        cookie: askedCookie,
        lifetime: stateLife,
      },
      words:
        `${user} on Matrix will be able to read and write in Slack as you${what === 'install' ? ', and the bridge comes into the workspace' : ''}. ` +
        'Go on only if that is you, and you asked the bridge for this link yourself. Otherwise close this page.',
    });
  }

  async #start(request: WebRequest): Promise<WebAnswer> {
    const ticket = request.query.get('ticket') ?? '';
    const errand = this.#errand(this.#look(ticketName(ticket)));
    if (errand === undefined) return over();
    if (agreedIn(request, askedCookie) === undefined)
      return page(403, 'Not from this page', 'The answer did not come from the page itself, or your browser keeps no cookies.');
    const scopes = scopesFor(this.#parts.settings.features);
    const wish = {
      scopes: errand.what === 'install' ? scopes.bot : [],
      userScopes: scopes.user,
      redirectUri: this.#redirectUri,
      about: ticket,
      ...(errand.team !== undefined && { team: errand.team }),
    };
    const { url, cookie } = await this.#installer(errand.team).begin(wish);
    return { status: 303, headers: { location: url, 'set-cookie': cookie, 'cache-control': 'no-store' } };
  }

  async #return({ query, headers }: WebRequest): Promise<WebAnswer> {
    const installer = this.#installer(undefined);
    const cookie = { 'set-cookie': installer.forget(this.#redirectUri) };
    try {
      const answer = await this.#finish(query, headers.cookie);
      this.#ended('success', '');
      return { ...answer, headers: { ...answer.headers, ...cookie } };
    } catch (thrown) {
      this.#ended('failed', thrown instanceof BridgeError ? thrown.code : 'DEFECT');
      const status = thrown instanceof DeniedError ? 403 : 502;
      const words = thrown instanceof BridgeError ? `${messageOf(thrown)}.` : 'Something went wrong on our side.';
      if (!(thrown instanceof BridgeError)) this.#parts.tools.log.error({ why: messageOf(thrown) }, 'a way back from Slack failed');
      const answer = page(status, 'You are not logged in', `${words} Ask the bridge for a new link, and try again.`);
      return { ...answer, headers: { ...answer.headers, ...cookie } };
    }
  }

  #ended(result: 'success' | 'failed', reason: string): void {
    this.#parts.tools.count('oauth_session_result', { result, reason });
  }

  async #finish(query: URLSearchParams, cookie: string | undefined): Promise<WebAnswer> {
    // The state tells whose link it was; by it the app is found, too.
    const ticket = this.#ticketOf(query.get('state') ?? '');
    const errand = this.#errand(this.#look(ticketName(ticket ?? '')));
    const { bot, ...rest } = await this.#installer(errand?.team).finish(query, cookie);
    // Good once: meanwhile somebody may have come back by the same link, opened twice. Too old it may have become by now.
    const isLeft = this.#parts.tools.memory.get(ticketName(rest.about)) !== undefined;
    const found = isLeft ? (errand ?? this.#errand(this.#look(ticketName(rest.about)))) : undefined;
    await this.#forget(ticketName(rest.about));
    if (found === undefined) throw new DeniedError('this link was used already, or is too old');
    // What Slack is asked for stands in the address, where whoever logs in can add to it.
    const granted: Granted = found.what === 'install' && bot !== undefined ? { ...rest, bot } : rest;
    if (granted.bot !== undefined) await this.#installed(granted);
    const { token } = granted.user;
    if (token === undefined && found.what === 'login') throw new DeniedError('Slack gave no token for you');
    return token === undefined ? this.#told(granted, undefined) : this.#told(granted, await this.#loggedIn(found.user, granted));
  }

  async #installed({ team, enterprise, bot, isOrgWide }: Granted): Promise<void> {
    const id = isOrgWide ? enterprise?.id : team?.id;
    if (id === undefined || bot === undefined) throw new PermanentError('NETWORK_REFUSED', 'Slack named no workspace');
    await this.#parts.teams.tokens.keepBot(id, { token: bot.token, refresh: bot.refreshToken });
    this.#parts.teams.installed(id);
  }

  async #loggedIn(user: UserId, granted: Granted): Promise<LoginResult> {
    const { teams, tools } = this.#parts;
    const id = granted.team?.id ?? granted.enterprise?.id ?? '';
    const team = teams.installedOf(id, granted.enterprise?.id);
    const given = granted.user as GrantedToken & { readonly id: string };
    if (team === undefined) {
      const name = granted.team?.name ?? 'this workspace';
      throw new DeniedError(`the bridge is not in ${name}: its admins would have to install the app first`);
    }
    await team.users.load([given.id]);
    const name = `${team.users.person(given.id).name} on ${team.identity?.name ?? granted.team?.name ?? team.id}`;
    const credentials = { token: given.token, from: 'oauth', ...(given.refreshToken !== undefined && { refresh: given.refreshToken }) };
    const result = { account: makeUserId(team.id, given.id), network: team.id, name, credentials };
    if (tools.inbox.loggedIn === undefined) throw new PermanentError('UNSUPPORTED', 'the bridge takes no logins');
    await tools.inbox.loggedIn(user, result);
    return result;
  }

  /** What was not given is named, for it is missed only much later. */
  #told(granted: Granted, login: LoginResult | undefined): WebAnswer {
    const wanted = scopesFor(this.#parts.settings.features);
    const lacks = [
      ...(granted.bot === undefined ? [] : missingScopes(granted.bot.scopes, wanted.bot)),
      ...(login === undefined ? [] : missingScopes(granted.user.scopes ?? [], wanted.user)),
    ];
    const without = lacks.length === 0 ? '' : ` Slack did not allow ${lacks.join(', ')}: what needs that will not work.`;
    const name = granted.team?.name ?? granted.enterprise?.name ?? 'the workspace';
    const installed = granted.bot === undefined ? '' : `The bridge is in ${name} now. `;
    const words = login === undefined ? '' : `You are logged in as ${login.name}. `;
    return page(200, login === undefined ? 'Installed' : 'You are logged in', `${installed}${words}You can close this page.${without}`);
  }

  get #redirectUri(): string {
    return this.#parts.tools.web.url('/oauth/return') ?? '';
  }

  #appOf(team: string | undefined) {
    const { settings } = this.#parts;
    return settings.teams.find(({ id }) => id === team)?.app ?? settings.app;
  }

  #installer(team: string | undefined): Installer {
    const { settings, api } = this.#parts;
    const app = this.#appOf(team);
    const { clientId = '', clientSecret = '' } = app ?? {};
    let installer = this.#installers.get(clientId);
    if (installer === undefined) {
      installer = new Installer({ clientId, clientSecret, api, states: this.#states, authorizeUrl: settings.authorizeUrl });
      this.#installers.set(clientId, installer);
    }
    return installer;
  }

  get #states(): StateStore {
    return {
      keep: (state, about) => this.#keep(stateName(state), { about }),
      take: async (state) => {
        const kept = this.#look(stateName(state));
        await this.#forget(stateName(state));
        return textIn(kept, 'about');
      },
    };
  }

  /** Looked at, not used up: that is the library's to ask for. */
  #ticketOf(state: string): string | undefined {
    const about = textIn(this.#look(stateName(state)), 'about');
    const kept: unknown = about === undefined ? undefined : JSON.parse(about);
    return isFields(kept) ? textIn(kept, 'about') : undefined;
  }

  #errand(kept: Fields | undefined): Errand | undefined {
    const user = textIn(kept, 'user') as UserId | undefined;
    if (kept === undefined || user === undefined) return undefined;
    return { user, what: kept.what === 'install' ? 'install' : 'login', team: textIn(kept, 'team') };
  }

  async #keep(name: string, value: Readonly<Record<string, string | null>>): Promise<void> {
    const { memory } = this.#parts.tools;
    const now = Date.now();
    for (const old of memory.keys('oauth ')) {
      const kept = memory.get(old);
      if (!isFields(kept) || (numberIn(kept, 'until') ?? 0) < now) await memory.set(old, undefined);
    }
    await memory.set(name, { ...value, until: now + stateLife * 1_000 });
  }

  #look(name: string): Fields | undefined {
    const kept = this.#parts.tools.memory.get(name);
    return isFields(kept) && (numberIn(kept, 'until') ?? 0) >= Date.now() ? kept : undefined;
  }

  async #forget(name: string): Promise<void> {
    await this.#parts.tools.memory.set(name, undefined);
  }
}

const askedCookie = 'causeway_slack_asked';

const over = (): WebAnswer =>
  page(410, 'This link is over', 'It was used, or is older than ten minutes. Ask the bridge for a new one: write `login`.');

/** Who reads the store must not be able to use what is under way. */
const hashed = (secret: string): string => createHash('sha256').update(secret).digest('base64url');
const ticketName = (ticket: string): string => `oauth ticket ${hashed(ticket)}`;
const stateName = (state: string): string => `oauth state ${hashed(state)}`;
