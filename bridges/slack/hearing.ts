// The ways in: one Socket Mode connection for each app, RTM for each team (and person) of a classic app, one door for what Slack posts.
// Several at once are no harm, for the intake takes everything once.

import { type Inbox, type Logger, messageOf } from '#bridge-core';
import type { Account } from './account.ts';
import type { SlackBody } from './body.ts';
import type { Commands } from './commands.ts';
import type { Consent } from './consent.ts';
import type { Intake } from './intake.ts';
import type { Reach } from './reach.ts';
import type { AppSettings } from './settings.ts';
import type { Team } from './team.ts';
import { eventsApi } from './wire/events-api.ts';
import { openRtm } from './wire/rtm.ts';
import { openSocketMode } from './wire/socket-mode.ts';
import type {
  HttpAnswer,
  HttpRequest,
  Listener,
  RtmSource,
  SlackAnswer,
  SlackEvent,
  SlackInteraction,
  Source,
  SourceState,
  SourceTiming,
} from './wire/source.ts';
import type { Caller, WebApi } from './wire/web-api.ts';

export interface HearingParts {
  readonly api: WebApi;
  readonly teams: ReadonlyMap<string, Team>;
  /** An organisation's, or who shares the channel. */
  readonly teamOf: (from: Pick<SlackEvent, 'team' | 'enterprise' | 'via'>, channel: string | undefined) => Team | undefined;
  readonly signingApps: () => readonly { readonly via: string; readonly secrets: readonly string[] }[];
  readonly intake: () => Intake;
  readonly commands: Commands;
  readonly consent: Consent;
  readonly inbox: Inbox<SlackBody>;
  readonly log: Logger;
  readonly timing?: Partial<SourceTiming> | undefined;
  /** The team missed something, or may have; or one person of it, who hears by themselves. */
  readonly missed: (team: Team, account?: Account) => void;
  /** What Slack calls us with shows that it reaches us. */
  readonly reach: Pick<Reach, 'told' | 'heldBack'>;
}

interface OpenRtm {
  readonly source: RtmSource;
  readonly caller: Caller;
  /** Of its token. */
  readonly generation: number;
  readonly life: { isOver: boolean };
}

export class Hearing {
  readonly #parts: HearingParts;
  /** By what is common to all teams of one app: its token for connections. */
  readonly #sockets = new Map<string, Source>();
  readonly #rtm = new Map<string, OpenRtm>();
  readonly #door: (request: HttpRequest) => Promise<HttpAnswer>;

  constructor(parts: HearingParts) {
    this.#parts = parts;
    const { api, log, timing } = parts;
    this.#door = eventsApi({ api, log, ...(timing !== undefined && { timing }), ...this.#listener, apps: parts.signingApps });
  }

  /** What Slack posts to us. */
  request(request: HttpRequest): Promise<HttpAnswer> {
    return this.#door(request);
  }

  open(team: Team, bot: Caller): void {
    if (team.transports.includes('socket') && team.app?.appToken !== undefined) this.#openSocket(team, team.app);
    if (team.transports.includes('rtm')) this.#openRtm(team, team.rtmName, bot);
  }

  /** On RTM a person's own chats are told on their own connection alone. */
  openFor(team: Team, account: Account, caller: Caller): void {
    if (team.transports.includes('rtm')) this.#openRtm(team, rtmName(team, account), caller, account);
  }

  async closeFor(team: Team, account: Account): Promise<void> {
    const name = rtmName(team, account);
    const known = this.#rtm.get(name);
    this.#rtm.delete(name);
    await known?.source.close();
  }

  /** Where there is a connection of this identity that can tell of typing. */
  typingOf(team: Team, account: Account | undefined): ((channel: string) => void) | undefined {
    const known = this.#rtm.get(account === undefined ? team.rtmName : rtmName(team, account));
    return known === undefined ? undefined : (channel) => known.source.type(channel);
  }

  async close(): Promise<void> {
    const sources = [...this.#sockets.values(), ...Array.from(this.#rtm.values(), ({ source }) => source)];
    this.#sockets.clear();
    this.#rtm.clear();
    await Promise.all(sources.map((source) => source.close()));
  }

  #openSocket(team: Team, app: AppSettings): void {
    const { api, log, timing, teams } = this.#parts;
    const { appToken = '' } = app;
    const via = team.appName;
    team.ear('socket', this.#sockets.get(via)?.isUp ?? false, 'connecting by Socket Mode');
    if (this.#sockets.has(via)) return;
    const served = () => [...teams.values()].filter((each) => each.transports.includes('socket') && each.app?.appToken === appToken);
    const onState = (state: SourceState) => {
      for (const each of served()) this.#stateOf(each, 'socket', state);
    };
    this.#sockets.set(
      via,
      openSocketMode({ api, appToken, via, log, onState, ...(timing !== undefined && { timing }), ...this.#listener }),
    );
  }

  #openRtm(team: Team, via: string, caller: Caller, account?: Account): void {
    const { log, timing } = this.#parts;
    const before = this.#rtm.get(via);
    if (before?.caller === caller && before.generation === caller.generation && before.source.isUp) return;
    // It was opened with a token that may be nobody's any more.
    if (before !== undefined) before.life.isOver = true;
    before?.source.close().catch((thrown) => log.debug({ why: messageOf(thrown) }, 'a connection did not close well'));
    const isBot = account === undefined;
    const life = { isOver: false };
    if (isBot) team.ear('rtm', false, 'connecting by RTM');
    const onState = (state: SourceState) => {
      if (life.isOver) return;
      if (isBot) this.#stateOf(team, 'rtm', state);
      else if (state.state === 'up' && state.wasLost) this.#parts.missed(team, account);
    };
    const source = openRtm({ caller, isBot, via, log, onState, ...(timing !== undefined && { timing }), ...this.#listener });
    this.#rtm.set(via, { source, caller, generation: caller.generation, life });
  }

  #stateOf(team: Team, ear: string, state: SourceState): void {
    if (state.state === 'up') {
      // Up for good with what was missed on its way, which newer things wait for.
      if (state.wasLost) this.#parts.missed(team);
      team.ear(ear, true);
    } else team.ear(ear, false, 'reason' in state ? state.reason : undefined);
  }

  get #listener(): Listener {
    return {
      onEvent: (event) => {
        if (event.source === 'events') this.#parts.reach.told(event.via, event.retry?.number);
        return this.#parts.intake().hear(event);
      },
      onCommand: async (command) => {
        if (command.source === 'events') this.#parts.reach.told(command.via);
        const team = this.#parts.teamOf(command, command.channel);
        return team === undefined ? undefined : await this.#parts.commands.run(team, command);
      },
      onInteraction: (interaction) => this.#interaction(interaction),
      onHeldBack: ({ team: id, via, minute }) => {
        this.#parts.reach.heldBack(via, id, minute);
        const team = this.#parts.teams.get(id);
        if (team?.isToldBy(via) === true) this.#parts.missed(team);
      },
    };
  }

  async #interaction(interaction: SlackInteraction): Promise<SlackAnswer | undefined> {
    const team = this.#parts.teamOf(interaction, interaction.channel);
    if (team === undefined) return undefined;
    return await this.#parts.consent.answered(team, interaction);
  }
}

const rtmName = (team: Team, account: Account): string => `${team.rtmName} ${account.id}`;
