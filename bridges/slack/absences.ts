// What follows an absence, be it ours, Slack's, a login's or one connection's: everybody goes where they listen, it is found out who sees
// what by now, and what was missed is read by gaps.ts, before anything newer.

import type { ChannelId, Inbox, UserId } from '#bridge-core';
import type { Account } from './account.ts';
import type { SlackBody } from './body.ts';
import type { Gaps } from './gaps.ts';
import { makeChannelId, parseId } from './ids.ts';
import type { Intake } from './intake.ts';
import type { Look } from './reach.ts';
import type { Sessions } from './sessions.ts';
import type { Team } from './team.ts';
import { removed } from './team-events.ts';
import type { Ask } from './users.ts';
import type { Watchers } from './watchers.ts';

export interface AbsencesParts {
  readonly teams: ReadonlyMap<string, Team>;
  readonly watched: Watchers;
  readonly gaps: Gaps;
  readonly intake: Intake;
  readonly sessions: Sessions;
  readonly inbox: Inbox<SlackBody>;
}

/** So many are asked for one by one. */
const fewChannels = 5;
/** ms */
const namesAfter = 500;
const mostReading = 60_000;

export class Absences {
  readonly #parts: AbsencesParts;
  readonly #telling = new Set<Team>();

  constructor(parts: AbsencesParts) {
    this.#parts = parts;
  }

  /** Slack answers: the bot goes where it is to listen, and reads what it missed. */
  back(team: Team): void {
    team.conversations.doubt();
    this.#fillAll(team, () => true);
    void this.#lookIn(team);
    for (const account of team.accounts.values()) this.signedIn(team, account);
  }

  /** Slack is there, and so is the login: where the person is, what they missed, and what they are out of meanwhile. */
  signedIn(team: Team, account: Account): void {
    const { watched } = this.#parts;
    this.#fillChats(team, account);
    const own = watched.by(team.id, account.user);
    const read = this.#read(team, account);
    this.#fillOwn(team, own, read);
    void read.then((isKnown) => {
      for (const { id: channel } of watched.by(team.id, undefined).map(parseId))
        if (team.conversations.known(channel)?.kind === 'private') team.chats.isNone(channel);
      for (const id of isKnown ? own : []) if (team.own.isIn(parseId(id).id, account.user) === false) this.#moved(team, account, id, false);
    });
  }

  /** By all ways in, or where it is one person's own connection, by that. */
  missed(team: Team, account: Account | undefined): void {
    if (account !== undefined) {
      this.signedIn(team, account);
      return;
    }
    this.#fillAll(team, (channel) => team.conversations.known(channel) === undefined);
    const isWanted = this.#isWantedIn(team);
    for (const each of team.accounts.values()) {
      const own = this.#parts.watched.by(team.id, each.user);
      if (own.length > 0) this.#fillOwn(team, own, team.own.ready(each, isWanted));
    }
  }

  /** Nothing tells that anything was missed, but it may have been. */
  async look(team: Team, look: Look): Promise<number> {
    const { watched, gaps } = this.#parts;
    const looks = watched.all(team.id).map((id) => gaps.look(team, id, look, () => this.#isSeen(team, id)));
    return (await Promise.all(looks)).reduce((sum, found) => sum + found, 0);
  }

  /** The bot was out of it and is in again, though newer things of it may have been heard by now. `since`: ms. */
  missedIn(team: Team, id: ChannelId, since: number): void {
    if (this.#parts.watched.by(team.id, undefined).includes(id))
      void this.#parts.gaps.look(team, id, { from: since, isSure: true }, () => this.#isSeen(team, id));
  }

  #isSeen(team: Team, id: ChannelId): boolean {
    const { id: channel } = parseId(id);
    if (channel.startsWith('D')) return team.chats.has(channel);
    return this.#parts.watched.some(id, (by) => by !== undefined || !this.isOutOf(id));
  }

  /** It is listened to again, as before a start: by the bot, or by this person for themselves. */
  resumed(team: Team, id: ChannelId, by?: UserId): void {
    const { id: channel } = parseId(id);
    if (by === undefined) this.#parts.gaps.fill(team, id, this.#sight(team, channel));
    const account = by === undefined ? undefined : team.accountOf(by);
    if (account === undefined) return;
    this.#fillOwn(team, [id], team.own.ready(account, this.#isWantedIn(team)));
    team.conversations.load(channel, account.ask as unknown as Ask).catch(() => {});
  }

  /** The bot is in a channel again that had shut it out. */
  readmitted(team: Team, id: ChannelId, entered: Promise<void>): void {
    const isIn = entered.then(
      () => true,
      () => false,
    );
    this.#parts.gaps.fill(team, id, isIn);
  }

  /** Which let it in while we were away? It is told of nobody. */
  async #lookIn(team: Team): Promise<void> {
    const { gaps, inbox, watched } = this.#parts;
    for (const id of gaps.resting(team)) {
      if (watched.has(id)) continue;
      const known = await team.conversations.loadOwn(parseId(id).id).catch(() => undefined);
      if (known?.isMember === true) inbox.readmitted?.(id);
    }
  }

  /** From a private channel the bot was put out: what its people hear there by their own logins is not the room's. */
  isOutOf(id: ChannelId): boolean {
    const { team, id: channel } = parseId(id);
    const known = this.#parts.teams.get(team)?.conversations.known(channel);
    return known?.kind === 'private' && known.isMember === false;
  }

  /** Everything that the bot listens to. `isAsked`: whether it is in this one is a question to Slack; where there are many, one for all. */
  #fillAll(team: Team, isAsked: (channel: string) => boolean): void {
    const { watched, gaps } = this.#parts;
    const all = watched.by(team.id, undefined).map((id) => ({ id, channel: parseId(id).id }));
    const isMany = all.filter(({ channel }) => isAsked(channel)).length > fewChannels;
    const known = isMany ? team.conversations.readOwn().catch(() => {}) : Promise.resolve();
    // Of one that is there no longer nothing is read, and whoever keeps the workspace in step finds that out.
    let reads: Promise<unknown> | undefined;
    const seeing = async (channel: string): Promise<boolean> => {
      await known;
      const isSeen = await this.#sight(team, channel);
      // Nothing that was said in a private one goes before who went from it.
      if (this.#parts.sessions.isPrivate(team, channel)) {
        reads ??= inReadingTime(Promise.all(Array.from(team.accounts.values(), (account) => this.#read(team, account))));
        await reads;
      }
      return isSeen;
    };
    for (const { id, channel } of all) gaps.fill(team, id, seeing(channel));
  }

  /** What channels are called is known from now on: told once for all that are asked for about now. */
  #learnt(team: Team): void {
    if (this.#telling.has(team)) return;
    this.#telling.add(team);
    setTimeout(() => {
      this.#telling.delete(team);
      this.#parts.inbox.renamed?.(team.id);
    }, namesAfter).unref();
  }

  /** Whether somebody of ours sees it for those who listen. */
  async #sight(team: Team, channel: string): Promise<boolean> {
    const id = makeChannelId(team.id, channel);
    const { sessions, inbox } = this.#parts;
    const isSeen = await sessions.sight(team, channel);
    if (team.conversations.known(channel) !== undefined) this.#learnt(team);
    if (isSeen) return true;
    if (team.isReachable && sessions.isPrivate(team, channel) && team.conversations.went(channel)) inbox.suspended(id, removed);
    // Rooms of people's own are none of the bot's.
    return this.#parts.watched.some(id, (by) => by !== undefined);
  }

  /** Those of theirs, and those that nobody saw until now, as far as these turn out to be theirs. */
  #fillChats(team: Team, account: Account): void {
    const { watched, gaps } = this.#parts;
    const listed = team.chats.signedIn(account);
    for (const id of watched.by(team.id, undefined)) {
      const { id: channel } = parseId(id);
      const isUnseen = !team.chats.has(channel) && team.conversations.known(channel)?.isMember !== true;
      const isTheirs = listed.then(() => team.chats.has(channel));
      if (isUnseen || team.chats.isOf(account, channel)) gaps.fill(team, id, isTheirs);
    }
  }

  #isWantedIn(team: Team): (channel: string) => boolean {
    return (channel) => this.#parts.watched.has(makeChannelId(team.id, channel));
  }

  /** Read once it is known whose eyes see it; newer things wait for that, though not for ever. */
  #fillOwn(team: Team, channels: readonly ChannelId[], read: Promise<unknown>): void {
    if (channels.length === 0) return;
    const seen = Promise.all([inReadingTime(read), team.identified]);
    for (const id of channels) this.#parts.gaps.fill(team, id, seen);
  }

  /** Where they are by now. Of private channels that the bot listens to it is told who went or came meanwhile. */
  #read(team: Team, account: Account): Promise<boolean> {
    const shared = this.#parts.watched.by(team.id, undefined).filter((id) => this.#parts.sessions.isPrivate(team, parseId(id).id));
    const before = shared.map((id) => team.own.has(account.id, parseId(id).id));
    return team.own.read(account, this.#isWantedIn(team)).then((isKnown) => {
      for (const [at, id] of shared.entries()) {
        const isIn = team.own.has(account.id, parseId(id).id);
        if (isKnown && isIn !== undefined && before[at] === !isIn) this.#moved(team, account, id, isIn);
      }
      return isKnown;
    });
  }

  #moved(team: Team, account: Account, channel: ChannelId, isIn: boolean): void {
    const { id } = parseId(channel);
    if (account.isEnded || !team.own.changed(account.id, id, isIn)) return;
    const change = isIn ? 'join' : 'leave';
    const moved = { kind: 'membership', at: Date.now(), channel, user: team.users.person(account.id), change } as const;
    this.#parts.intake.give(team, id, moved).catch(() => team.own.untold(account.id, id));
  }
}

/** What cannot be found out holds up nothing for ever. */
function inReadingTime(work: Promise<unknown>): Promise<unknown> {
  return Promise.race([work, new Promise((resolve) => setTimeout(resolve, mostReading).unref())]);
}
