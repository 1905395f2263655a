// Puts the folder together: teams, what they hear by, sessions, channels, files, and the pages that Slack and people's browsers call.

import {
  type Adapter,
  type AdapterCommand,
  type AdapterTools,
  type Capabilities,
  type ChannelId,
  type ConfiguredLink,
  type ConnectionStatus,
  type Formatter,
  type Inbox,
  type Login,
  type LoginFlow,
  PermanentError,
  type ProvisioningDialect,
  type ProvisioningVerbs,
  type RemoteFile,
  type RemoteMessageId,
  type RemoteUser,
  type RemoteUserId,
  RetryableError,
  roomId,
  type Session,
  type Speaker,
  snakeKey,
  type Target,
  UnreachableError,
  type UserId,
} from '#bridge-core';
import { Absences } from './absences.ts';
import { adminCommands } from './admin-commands.ts';
import { archivingCommands } from './archiving.ts';
import type { SlackBody } from './body.ts';
import { SlackChannels } from './channels.ts';
import { Commands } from './commands.ts';
import { Consent } from './consent.ts';
import type { SlackRemoteEvent } from './events.ts';
import { Files } from './files.ts';
import { slackFormatter } from './formatter.ts';
import { Gaps } from './gaps.ts';
import { Hearing } from './hearing.ts';
import { Hints } from './hints.ts';
import { historyOf } from './history.ts';
import { Hooks } from './hooks.ts';
import { makeChannelId, parseId } from './ids.ts';
import { Intake } from './intake.ts';
import { namesOf } from './known-names.ts';
import { loginFlows } from './logins.ts';
import { SlackLookups } from './lookups.ts';
import { OAuth } from './oauth.ts';
import { mayCustomise } from './posting.ts';
import { slackProvisioning } from './provisioning.ts';
import { Reach } from './reach.ts';
import { openRoutes } from './routes.ts';
import { Sessions } from './sessions.ts';
import type { SlackSettings } from './settings.ts';
import type { Team } from './team.ts';
import { removed } from './team-events.ts';
import { TeamSync } from './team-sync.ts';
import { Teams } from './teams.ts';
import { Tellings } from './tellings.ts';
import { type SlackTiming, usualTiming } from './timing.ts';
import { Watchers } from './watchers.ts';
import { WebhookPairs } from './webhook-pairs.ts';
import { WebApi } from './wire/web-api.ts';

const topicWays = { off: 'off', 'slack-to-matrix': 'to-matrix', 'matrix-to-slack': 'to-network', both: 'both' } as const;

/** ms */
const lastWords = 2_000;

export class SlackAdapter implements Adapter<SlackBody> {
  readonly formatter: Formatter<SlackBody>;
  readonly channels: SlackChannels;
  readonly lookups: SlackLookups;
  readonly mirror: TeamSync;
  readonly closesGaps = true;
  readonly carriesPresence: boolean;
  readonly logins: readonly LoginFlow[];
  readonly commands: readonly AdapterCommand[];
  readonly provisioning: (verbs: ProvisioningVerbs) => ProvisioningDialect;
  #settings: SlackSettings;
  readonly #api: WebApi;
  readonly #teams: Teams;
  readonly #reach: Reach;
  readonly #hearing: Hearing;
  readonly #intake: Intake;
  readonly #gaps: Gaps;
  readonly #sessions: Sessions;
  readonly #absences: Absences;
  readonly #files: Files;
  readonly #pairs: WebhookPairs;
  readonly #hooks: Hooks;
  readonly #tellings: Tellings;
  readonly #inbox: Inbox<SlackBody>;
  readonly #watched = new Watchers();

  /** `timing` for tests. */
  constructor(settings: SlackSettings, tools: AdapterTools<SlackBody>, timing: Partial<SlackTiming> = {}) {
    this.#settings = settings;
    this.carriesPresence = settings.presence;
    this.#inbox = tools.inbox;
    const { inbox, log, memory, count } = tools;
    const pace = { ...usualTiming, ...timing };
    this.#api = new WebApi({
      apiUrl: settings.apiUrl,
      limits: settings.rateLimits && pace.limits,
      timeout: pace.callTimeout,
      onCalled: (method, outcome, ms) => {
        count('remote_api_calls', { method });
        if (outcome !== 'ok') count('slack_api_refusals', { method, outcome });
        else if (pace.countsTime) count('slack_api_ms', { method }, ms);
      },
      onLimited: (method, after) => count('slack_rate_limited_ms', { method }, after),
    });
    this.#teams = new Teams({
      settings,
      tools,
      api: this.#api,
      pace,
      back: (team) => this.#back(team),
      opened: (team) => this.#opened(team),
    });
    const teams = this.#teams.all;
    const consent = new Consent({ teams, inbox, hasGiven: (channel, user) => this.#pairs.isOf(channel, user) });
    const commands = new Commands({ inbox });
    this.#reach = new Reach({
      ...{ count, log, timing: pace.reach },
      teams: () => teams.values(),
      look: (team, look) => this.#absences.look(team, look),
    });
    this.#hearing = new Hearing({
      ...{ api: this.#api, teams, consent, commands, inbox, log, timing: pace.sources },
      intake: () => this.#intake,
      teamOf: (from, channel) => this.#teams.of(from, channel, (id) => this.#watched.has(id)),
      signingApps: () => this.#teams.signingApps(),
      missed: (team, account) => this.#absences.missed(team, account),
      reach: this.#reach,
    });
    this.#intake = new Intake({
      ...{ inbox, count, log },
      teamOf: (event, channel) => this.#teams.of(event, channel, (id) => this.#watched.has(id)),
      isWatched: (id) => this.#watched.has(id),
      isHeard: (id) =>
        this.#watched.some(id, (by) => (by === undefined ? !this.#absences.isOutOf(id) : this.channels.isIn(id, by) !== false)),
      isBot: (id) => this.speakerOf(id)?.as === 'bot',
      isOurs: (id) => this.speakerOf(id) !== undefined,
      someWatched: (team) => this.#watched.by(team.id, undefined)[0] ?? this.#watched.all(team.id)[0],
      waits: (id) => this.#gaps.hurry(id),
      missed: (team, id, since) => this.#absences.missedIn(team, id, since),
      heard: (team, channel, ts) => this.#gaps.heard(team, channel, ts),
    });
    this.#gaps = new Gaps({
      memory,
      inbox,
      log,
      intake: this.#intake,
      settings: settings.history,
      count,
    });
    this.#files = new Files({ api: this.#api, openers: (team) => this.#teams.openers(team) });
    this.#sessions = new Sessions({
      ...{ teams, settings, memory, hearing: this.#hearing, api: this.#api },
      turnedPrivate: (id) => inbox.changed?.(id, true),
    });
    this.#absences = new Absences({
      ...{ teams, inbox, watched: this.#watched, gaps: this.#gaps, intake: this.#intake, sessions: this.#sessions },
    });
    this.#pairs = new WebhookPairs({
      ...{ settings, inbox, log, api: this.#api, web: tools.web, secrets: tools.secrets },
      isWatched: (id) => this.#watched.has(id),
    });
    this.#hooks = new Hooks(tools, (id) => this.#watched.has(id));
    this.channels = new SlackChannels({ teams, consent, webhookName: (id) => this.#webhookName(id) });
    this.#tellings = new Tellings({
      ...{ teams, log, memory: tools.memory },
      permalinks: this.channels.permalinks,
      ...(pace.gather !== undefined && { gather: pace.gather }),
    });
    this.lookups = new SlackLookups(teams);
    const hints = new Hints({ memory, log, tell: (user, words, about) => this.#tellings.tell(user, words, about) });
    this.mirror = new TeamSync({
      ...{ teams, settings, hints, sessions: this.#sessions, channels: this.channels, pause: pace.pages },
      putOut: (id) => inbox.suspended(id, removed),
    });
    openRoutes(tools.web, this.#hearing);
    const oauth = new OAuth({ settings, tools, api: this.#api, teams: this.#teams });
    this.provisioning = (verbs) => slackProvisioning({ verbs, oauth, teams, pairs: this.#pairs });
    const archiving = archivingCommands({ teams, sessions: this.#sessions, inbox });
    this.commands = [this.#hooks.command, ...archiving, ...adminCommands({ settings, oauth, pages: tools.web.url('') })];
    this.logins = loginFlows({ settings, oauth, teams: this.#teams, api: this.#api });
    this.formatter = slackFormatter(namesOf(teams));
  }

  capabilities(channel: ChannelId): Capabilities {
    const isWebhook = this.#webhookName(channel) !== undefined;
    const team = this.#teams.all.get(parseId(channel).team);
    return {
      messageIds: !isWebhook,
      threads: !isWebhook,
      shownAs: isWebhook || (team !== undefined && mayCustomise(team)),
      fileShownAs: false,
      files: isWebhook ? 'link' : 'upload',
      members: isWebhook ? 'seen' : 'all',
      puppets: isWebhook ? 'none' : 'login',
      sendsPerSecond: 1,
    };
  }

  configuredLinks(): readonly ConfiguredLink[] {
    const links = this.#settings.links.map(({ team, channel, room, topic, name, names }) => ({
      ...{ channel: makeChannelId(team, channel), room: roomId(room), topic: topicWays[topic] },
      ...{ ...(name !== undefined && { name: topicWays[name] }), ...(names !== undefined && { names }) },
    }));
    return [...links, ...this.#hooks.links()];
  }

  async connect(): Promise<void> {
    this.#teams.start();
    this.#tellings.start();
    this.#reach.start();
    // Nothing stands open there that could be down.
    for (const network of this.#pairs.networks()) if (!this.#teams.all.has(network)) this.#inbox.connection({ as: 'bot' }, network, 'up');
  }

  async disconnect(): Promise<void> {
    await Promise.race([this.#tellings.stop(), new Promise((resolve) => setTimeout(resolve, lastWords).unref())]);
    this.#reach.stop();
    this.#teams.stop();
    await this.#hearing.close();
    this.#intake.stop();
    await this.#gaps.stop();
    await Promise.all([this.#api.close(), this.#files.close()]);
  }

  /** Of a team that is known by webhooks alone nothing comes but by those. */
  #mustHear(channel: ChannelId): void {
    const team = this.#pairs.has(channel) ? undefined : this.#teams.all.get(parseId(channel).team);
    if (team?.transports.every((transport) => transport === 'webhook') === true)
      throw new PermanentError('UNSUPPORTED', `nothing is heard of ${team.id}: its transport is webhook, and this channel has none`);
  }

  async watch(channel: ChannelId, by?: UserId): Promise<void> {
    this.#mustHear(channel);
    const number = this.#watched.add(channel, by);
    if (number === undefined) return;
    const { team: teamId, id } = parseId(channel);
    const team = this.#pairs.has(channel) ? undefined : this.#teams.all.get(teamId);
    if (team === undefined) return;
    const isResting = by === undefined && this.#gaps.isResting(channel);
    const isNew = by === undefined && (isResting || !this.#gaps.has(channel));
    if (!isNew && team.isReachable) this.#absences.resumed(team, channel, by);
    const entered = isNew && team.isReachable ? this.#sessions.enter(team, id) : undefined;
    if (isResting && entered !== undefined) this.#absences.readmitted(team, channel, entered);
    try {
      await Promise.all([this.#gaps.begin(channel), entered]);
      if (isResting) await this.#gaps.resume(channel);
    } catch (thrown) {
      // Nobody listens there: who asks again has it tried again.
      if (this.#watched.stands(channel, by, number)) await this.unwatch(channel, by, isResting);
      throw thrown;
    }
  }

  async unwatch(channel: ChannelId, by?: UserId, isForNow = false): Promise<void> {
    if (!this.#watched.delete(channel, by)) return;
    const { team, id } = parseId(channel);
    this.#teams.all.get(team)?.conversations.untold(id);
    await (isForNow && by === undefined ? this.#gaps.rest(channel) : this.#gaps.forget(channel));
  }

  async depart(channel: ChannelId): Promise<void> {
    const { team: teamId, id } = parseId(channel);
    if (this.#pairs.isAsked(channel) && !this.#watched.has(channel)) await this.#pairs.drop(channel);
    const team = this.#pairs.has(channel) ? undefined : this.#teams.all.get(teamId);
    if (team === undefined || this.#watched.has(channel)) return;
    if (!team.isReachable) throw new UnreachableError('NETWORK_UNREACHABLE', `${teamId} is not reached now`);
    if ((await team.conversations.loadOwn(id).catch(unlessLater))?.isMember !== true) return;
    await (await this.#sessions.open({ as: 'bot' }, channel)).leave(channel);
  }

  async session(speaker: Speaker, channel: ChannelId): Promise<Session<SlackBody>> {
    if (this.#pairs.has(channel)) return this.#pairs.session(channel, speaker);
    return await this.#sessions.open(speaker, channel);
  }

  openSession(speaker: Speaker, channel: ChannelId): Session<SlackBody> | undefined {
    if (this.#pairs.has(channel)) return speaker.as === 'bot' ? this.#pairs.session(channel, speaker) : undefined;
    return this.#sessions.opened(speaker, channel);
  }

  speakerOf(user: RemoteUserId): Speaker | undefined {
    return this.#teams.speakerOf(parseId(user).id);
  }

  async user(id: RemoteUserId): Promise<RemoteUser | undefined> {
    const { team, id: user } = parseId(id);
    return await this.#teams.all.get(team)?.users.find(user);
  }

  async signIn(login: Login): Promise<void> {
    const account = await this.#teams.signIn(login);
    if (account === undefined) return;
    if (account.team.isReachable) this.#absences.signedIn(account.team, account.account);
    this.#hearing.openFor(account.team, account.account, account.caller);
  }

  async signOut(login: Login): Promise<void> {
    const gone = await this.#teams.signOut(login);
    if (gone === undefined) return;
    this.#sessions.forget(gone.team, gone.account);
    await this.#hearing.closeFor(gone.team, gone.account);
  }

  async tell(user: RemoteUserId, words: string, about?: Target): Promise<void> {
    await this.#tellings.tell(user, words, about);
  }

  async openDirect(user: UserId, others: readonly RemoteUserId[]): Promise<ChannelId> {
    return await this.#sessions.openDirect(user, others);
  }

  async open(file: RemoteFile): Promise<ReadableStream<Uint8Array>> {
    return await this.#files.open(file);
  }

  async *history(channel: ChannelId, since: RemoteMessageId | number, most?: number): AsyncGenerator<SlackRemoteEvent> {
    const { team: teamId, id } = parseId(channel);
    const team = this.#teams.all.get(teamId);
    if (team === undefined) return;
    if (this.#watched.by(teamId, undefined).includes(channel)) await this.#sessions.enter(team, id).catch(() => {});
    const { history } = this.#settings;
    yield* historyOf({ ...{ team, reader: this.#intake.readerOf(team), channel: id, since, settings: history, patience: 60_000 }, most });
  }

  reload(settings: unknown): readonly string[] {
    const now = settings as SlackSettings;
    const before = this.#settings;
    // A webhook's page is opened at start.
    this.#settings = {
      ...before,
      links: now.links.filter(({ team, channel }) => this.#teams.all.has(team) || this.#pairs.has(makeChannelId(team, channel))),
    };
    const lines = [];
    for (const key of Object.keys(now) as (keyof SlackSettings)[]) {
      if (key !== 'links' && JSON.stringify(now[key]) !== JSON.stringify(before[key]))
        lines.push(`slack.${snakeKey(key)}: needs a restart`);
    }
    for (const link of now.links) if (!this.#pairs.isKnown(link)) lines.push(`slack.links: the webhook of ${link.channel} needs a restart`);
    return lines;
  }

  status(): readonly ConnectionStatus[] {
    const teams = Array.from(this.#teams.all.values(), (team) => ({
      ...{ network: team.id, state: team.state, sessions: this.#sessions.count(team), isForGood: team.state === 'down' },
      ...(team.identity !== undefined && { name: team.identity.name }),
      ...(team.detail !== undefined && { detail: team.detail }),
    }));
    const pairs = this.#pairs.networks().filter((network) => !this.#teams.all.has(network));
    return [...teams, ...pairs.map((network) => ({ network, name: 'Webhooks', state: 'up' as const, sessions: 0 }))];
  }

  /** Of a channel that is known by its webhook alone. */
  #webhookName(id: ChannelId): string | undefined {
    if (this.#pairs.has(id)) return this.#pairs.isAsked(id) ? '#webhook' : `#${parseId(id).id}`;
    return this.#hooks.has(id) ? this.#hooks.nameOf(id) : undefined;
  }

  #opened(team: Team): void {
    this.#hearing.open(team, this.#teams.botOf(team));
  }

  #back(team: Team): void {
    this.#sessions.openBot(team);
    void team.extras.load();
    this.#absences.back(team);
  }
}

/** Refused for good: then there is nothing to be left. */
function unlessLater(thrown: unknown): undefined {
  if (thrown instanceof RetryableError) throw thrown;
}
