// The teams that the bridge is in: those of the config, and those that installed the app by its page. Makes each with its tokens, and
// knows which of them an event, a person or a file belongs to.

import { type AdapterTools, type ChannelId, type Login, messageOf, PermanentError, type Speaker } from '#bridge-core';
import { Account } from './account.ts';
import type { SlackBody } from './body.ts';
import type { Fields } from './fields.ts';
import type { Opener } from './files.ts';
import { makeChannelId, parseId } from './ids.ts';
import type { AppSettings, SlackSettings, TeamSettings, Transport } from './settings.ts';
import { appName, Team } from './team.ts';
import type { SlackTiming } from './timing.ts';
import { Tokens } from './tokens.ts';
import type { SlackEvent } from './wire/source.ts';
import { type Caller, meantIn, type WebApi } from './wire/web-api.ts';

export interface TeamsParts {
  readonly settings: SlackSettings;
  readonly tools: AdapterTools<SlackBody>;
  readonly api: WebApi;
  readonly pace: SlackTiming;
  readonly back: (team: Team) => void;
  /** It is there, and may be listened to. */
  readonly opened: (team: Team) => void;
}

interface Of {
  readonly team: Team;
  readonly account: Account;
  readonly caller: Caller;
}

export class Teams {
  readonly all = new Map<string, Team>();
  readonly tokens: Tokens;
  readonly #parts: TeamsParts;
  readonly #bots = new Map<Team, Caller>();
  /** Logins of teams that are not there yet. */
  #isStarted = false;

  constructor(parts: TeamsParts) {
    this.#parts = parts;
    this.tokens = new Tokens({ tools: parts.tools, api: parts.api, appOf: (team) => this.#settingsOf(team)?.app ?? parts.settings.app });
    const ids = new Set([...parts.settings.teams.map(({ id }) => id), ...this.tokens.installed()]);
    for (const id of ids) this.#make(id);
  }

  /** The first of these that the bridge is in. */
  installedOf(...ids: readonly (string | undefined)[]): Team | undefined {
    for (const id of ids) {
      const team = id === undefined ? undefined : this.all.get(id);
      if (team?.isInstalled === true) return team;
    }
    return undefined;
  }

  /** Whose secrets prove what Slack posts to us: of an app that is installed nowhere yet Slack asks whether its address is ours. */
  signingApps(): { readonly via: string; readonly secrets: readonly string[] }[] {
    const { app, teams } = this.#parts.settings;
    const apps = [{ via: appName(undefined), app }, ...teams.map(({ id, app: own }) => ({ via: appName(id), app: own }))];
    return apps.flatMap(({ via, app: of }) =>
      of === undefined || of.signingSecrets.length === 0 ? [] : [{ via, secrets: of.signingSecrets }],
    );
  }

  start(): void {
    this.#isStarted = true;
    for (const team of this.all.values()) this.#open(team);
  }

  stop(): void {
    this.#isStarted = false;
    for (const team of this.all.values()) team.stop();
  }

  /** A workspace installed the app, or did so again: its token is new. */
  installed(id: string): void {
    const known = this.all.get(id);
    if (known !== undefined) {
      this.#bots.get(known)?.useToken(this.#token(id));
      if (this.#isStarted) this.#open(known);
      return;
    }
    const team = this.#make(id);
    if (this.#isStarted) this.#open(team);
  }

  botOf(team: Team): Caller {
    return this.#bots.get(team) as Caller;
  }

  /** It may be told for a workspace that is not ours, of a channel that it shares with one of ours. */
  of(
    { team: id, enterprise, via }: Pick<SlackEvent, 'team' | 'enterprise' | 'via'>,
    channel: string | undefined,
    isWatched: (id: ChannelId) => boolean,
  ): Team | undefined {
    const named = this.installedOf(id, enterprise);
    const exact = named?.isToldBy(via) === true ? named : undefined;
    if (channel === undefined || (exact !== undefined && isWatched(makeChannelId(exact.id, channel)))) return exact;
    return this.all.values().find((team) => team.isToldBy(via) && isWatched(makeChannelId(team.id, channel))) ?? exact;
  }

  /** Ids of people are unique over all teams. */
  speakerOf(user: string): Speaker | undefined {
    for (const team of this.all.values()) {
      const speaker = team.speakerOf(user);
      if (speaker !== undefined) return speaker;
    }
    return undefined;
  }

  async signIn(login: Login): Promise<Of | undefined> {
    const { team: id, id: user } = parseId(login.account);
    const team = this.all.get(id);
    if (team === undefined) throw new PermanentError('NETWORK_LOGIN', `the bridge is not in the workspace ${id}`);
    const before = team.accounts.get(user);
    before?.close();
    const caller = this.tokens.callerFor(login, team.app);
    const account = new Account({
      ...{ login, caller },
      ended: (ended, reason) => team.ended(ended, reason),
      lost: () => team.lost('Slack is not to be reached'),
    });
    team.accounts.set(user, account);
    team.own.signedIn(account, before);
    return { team, account, caller };
  }

  async signOut(login: Login): Promise<Omit<Of, 'caller'> | undefined> {
    const { team: id, id: user } = parseId(login.account);
    const team = this.all.get(id);
    const account = team?.accounts.get(user);
    if (team === undefined || account === undefined || account.login.user !== login.user) return undefined;
    account.close();
    team.accounts.delete(user);
    team.chats.left(user);
    team.own.left(account);
    await this.tokens.release(account);
    return { team, account };
  }

  openers(id: string): Opener[] {
    const team = this.all.get(id);
    if (team === undefined) return [];
    const opener = (token: () => string, ask: Caller['call']): Opener => ({
      token,
      info: async (file) => (await ask('files.info', { file })) as unknown as Fields,
    });
    const people = Array.from(team.accounts.values(), (account) => opener(() => account.token, account.ask));
    return [opener(() => team.botToken, team.ask), ...people];
  }

  #make(id: string): Team {
    const { tools, api, pace, back, settings } = this.#parts;
    const own = this.#settingsOf(id);
    const app = own?.app ?? settings.app;
    const bot = api.caller({
      ...{ token: this.#token(id), scope: `bot ${id}`, rations: rationsOf(settings), ...meantIn(id) },
      renew: () => this.tokens.renewBot(id),
    });
    const team = new Team({
      ...{ id, app, hasOwnApp: own?.app !== undefined, transports: transportsOf(own, app, tools.publicUrl), bot, back },
      ...{ inbox: tools.inbox, memory: tools.memory, log: tools.log.child({ team: id }), pauses: pace.probe },
      botToken: () => this.#token(id),
      voided: () => {
        this.tokens
          .voidBot(id)
          .catch((thrown) => tools.log.warn({ team: id, why: messageOf(thrown) }, 'a dead token could not be forgotten'));
      },
    });
    this.#bots.set(team, bot);
    this.all.set(id, team);
    return team;
  }

  #open(team: Team): void {
    if (team.isInstalled) this.#parts.opened(team);
    team.start();
  }

  /** What an installation gave goes before what the config says: it is newer. */
  #token(id: string): string {
    return this.tokens.bot(id) ?? this.#settingsOf(id)?.botToken ?? '';
  }

  #settingsOf(id: string): TeamSettings | undefined {
    return this.#parts.settings.teams.find((team) => team.id === id);
  }
}

function rationsOf({ history }: SlackSettings): Record<string, number> {
  return { 'conversations.history': history.callsPerMinute, 'conversations.replies': history.callsPerMinute };
}

/** By what there is to hear with, where nothing is said: the best of it. */
export function transportsOf(
  team: TeamSettings | undefined,
  app: AppSettings | undefined,
  publicUrl: string | undefined,
): readonly Transport[] {
  if (team?.transports !== undefined) return team.transports;
  if (app?.appToken !== undefined) return ['socket'];
  if (app !== undefined && app.signingSecrets.length > 0 && publicUrl !== undefined) return ['events'];
  return ['rtm'];
}
