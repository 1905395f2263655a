// What a test puts into its Slack before anything happens: organisations, workspaces, people, channels, apps and their installations.
// Nothing of it is announced. Scopes given by default are those that a bridge asks for.

import type { App, Channel, Enterprise, Team, Token, User } from './model.ts';
import type { Tokens } from './tokens.ts';
import type { World } from './world.ts';

export interface NewTeam {
  readonly id?: string;
  readonly name?: string;
  readonly domain?: string;
  readonly enterprise?: Enterprise;
}

export interface NewPerson {
  readonly id?: string;
  readonly name: string;
  readonly realName?: string;
  readonly displayName?: string;
  readonly email?: string;
  readonly isAdmin?: boolean;
  /** A guest. */
  readonly isRestricted?: boolean;
}

export interface NewChannelSetup {
  readonly id?: string;
  readonly name: string;
  readonly isPrivate?: boolean;
  readonly members?: readonly { readonly id: string }[];
  readonly isGeneral?: boolean;
  readonly topic?: string;
}

export interface NewApp {
  readonly id?: string;
  readonly name?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly signingSecret?: string;
  readonly isClassic?: boolean;
  readonly hasTokenRotation?: boolean;
  readonly isCommercial?: boolean;
  readonly redirectUris?: readonly string[];
  readonly botEvents?: Iterable<string> | 'all';
  readonly userEvents?: Iterable<string> | 'all';
  readonly socketMode?: boolean;
  /** Taken without the check of `url_verification`. */
  readonly eventsUrl?: string;
  readonly commandsUrl?: string;
  readonly interactivityUrl?: string;
  readonly commands?: Iterable<string>;
}

export interface Installation {
  readonly token: Token;
  readonly user: User;
  readonly botId: string;
}

export const botScopes: readonly string[] = (
  'app_mentions:read channels:history channels:read channels:join channels:manage chat:write chat:write.customize commands emoji:read files:read ' +
  'files:write groups:history groups:read groups:write im:history im:read im:write metadata.message:read mpim:history mpim:read mpim:write ' +
  'pins:read pins:write reactions:read reactions:write team:read usergroups:read users:read users.profile:read'
).split(' ');

export const userScopes: readonly string[] = (
  'channels:history channels:read channels:write chat:write files:read files:write groups:history groups:read groups:write im:history im:read ' +
  'im:write mpim:history mpim:read mpim:write reactions:read reactions:write users:read users:write'
).split(' ');

export class Setup {
  readonly #world: World;
  readonly #tokens: Tokens;

  constructor(world: World, tokens: Tokens) {
    this.#world = world;
    this.#tokens = tokens;
  }

  enterprise({ id = this.#world.id('E'), name = 'The Organisation' }: { readonly id?: string; readonly name?: string } = {}): Enterprise {
    const made = { id, name, domain: slug(name) };
    this.#world.enterprises.set(id, made);
    return made;
  }

  team({ id = this.#world.id('T'), name = 'Acme', domain = slug(name), enterprise }: NewTeam = {}): Team {
    const made: Team = { id, name, domain, enterprise, emoji: new Map(), usergroups: new Map(), editWindow: -1 };
    this.#world.teams.set(id, made);
    const slackbot = this.#world.users.get('USLACKBOT') ?? this.#slackbot(made);
    slackbot.teams.add(id);
    return made;
  }

  person(team: Team, { id, name, realName = name, displayName = '', email, isAdmin = false, isRestricted = false }: NewPerson): User {
    return this.#world.makeUser({
      id: id ?? this.#world.id(team.enterprise === undefined ? 'U' : 'W'),
      teamId: team.id,
      enterprise: team.enterprise,
      name,
      realName,
      displayName,
      email: email ?? `${name}@${team.domain}.example`,
      bot: undefined,
      isAdmin,
      isRestricted,
    });
  }

  channel(team: Team, { id, name, isPrivate = false, members = [], isGeneral = false, topic }: NewChannelSetup): Channel {
    const [creator] = members;
    const channel = this.#world.makeChannel({
      ...(id === undefined ? {} : { id }),
      kind: isPrivate ? 'group' : 'channel',
      team,
      name,
      creator: creator?.id ?? 'USLACKBOT',
      members: members.map((member) => member.id),
      isGeneral,
    });
    if (topic !== undefined) channel.topic = { value: topic, creator: channel.creator, last_set: channel.created };
    return channel;
  }

  app(options: NewApp = {}): App {
    const world = this.#world;
    const { name = 'Bridge', isClassic = false, hasTokenRotation = false, isCommercial = false, redirectUris = [] } = options;
    const made: App = {
      id: options.id ?? world.id('A'),
      name,
      clientId: options.clientId ?? `${Date.now()}.${world.teams.size}${world.apps.size}`,
      clientSecret: options.clientSecret ?? world.secret(16),
      signingSecret: options.signingSecret ?? world.secret(16),
      verificationToken: world.secret(12),
      isClassic,
      hasTokenRotation,
      isCommercial,
      redirectUris,
      scopes: { bot: botScopes, user: userScopes },
      botEvents: eventsOf(options.botEvents),
      userEvents: eventsOf(options.userEvents),
      usesSocketMode: options.socketMode ?? false,
      eventsUrl: options.eventsUrl,
      commandsUrl: options.commandsUrl,
      interactivityUrl: options.interactivityUrl,
      commands: new Set(options.commands ?? []),
    };
    world.apps.set(made.id, made);
    return made;
  }

  /** The bot user of an app in a workspace; made at its first installation there. */
  botUser(app: App, team: Team, ids: { readonly userId?: string | undefined; readonly botId?: string | undefined } = {}): User {
    const world = this.#world;
    const known = [...world.users.values()].find(({ bot, teamId }) => bot?.app === app && teamId === team.id);
    if (known !== undefined) return known;
    const bot = world.makeBot({ id: ids.botId, teamId: team.id, app, userId: undefined, name: app.name });
    const user = world.makeUser({
      id: ids.userId ?? world.id('U'),
      teamId: team.id,
      enterprise: team.enterprise,
      name: slug(app.name),
      realName: app.name,
      displayName: '',
      email: '',
      bot,
      isAdmin: false,
      isRestricted: false,
    });
    bot.userId = user.id;
    return user;
  }

  install(
    app: App,
    team: Team,
    options: {
      readonly scopes?: Iterable<string>;
      readonly token?: string;
      readonly userId?: string;
      readonly botId?: string;
      readonly channels?: readonly Channel[];
      /** One token for the organisation of `team`. */
      readonly isOrgWide?: boolean;
    } = {},
  ): Installation {
    const user = this.botUser(app, team, options);
    const isOrgWide = options.isOrgWide === true;
    const scopes = options.scopes ?? (app.isClassic ? ['bot'] : app.scopes.bot);
    const place = isOrgWide ? { enterprise: team.enterprise } : { team };
    const token = this.#tokens.grant({ kind: 'bot', app, ...place, user, scopes, value: options.token });
    for (const channel of options.channels ?? []) channel.members.add(user.id);
    return { token, user, botId: user.bot?.id ?? '' };
  }

  /** A person's own token for an app: `xoxp-…`. */
  authorize(app: App, user: User, options: { readonly scopes?: Iterable<string>; readonly token?: string } = {}): Token {
    const scopes = options.scopes ?? (app.isClassic ? ['client'] : app.scopes.user);
    return this.#tokens.grant({ kind: 'user', app, team: this.#world.team(user.teamId), user, scopes, value: options.token });
  }

  /** `xapp-…` */
  appToken(app: App, value?: string, scopes: Iterable<string> = ['connections:write', 'authorizations:read']): Token {
    return this.#tokens.grant({ kind: 'app', app, scopes, value });
  }

  #slackbot(team: Team): User {
    return this.#world.makeUser({
      id: 'USLACKBOT',
      teamId: team.id,
      enterprise: undefined,
      name: 'slackbot',
      realName: 'Slackbot',
      displayName: 'Slackbot',
      email: '',
      // Slack says so of its own: is_bot is false.
      bot: undefined,
      isAdmin: false,
      isRestricted: false,
    });
  }
}

function eventsOf(events: Iterable<string> | 'all' | undefined): ReadonlySet<string> | 'all' {
  return events === undefined || events === 'all' ? 'all' : new Set(events);
}

function slug(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'slack'
  );
}
