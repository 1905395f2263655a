// Whole workspaces, as far as their settings want them kept in step: their channels and people, read page by page behind everything
// else, at half the pace that Slack allows; of private channels those that the bot is in, for Slack tells of no others. What becomes of it
// is the core's.

import {
  type ChannelId,
  fits,
  type Mirror,
  type MirroredChannel,
  type MirroredNetwork,
  type PageOfPeople,
  type Unmirrored,
} from '#bridge-core';
import type { SlackChannels } from './channels.ts';
import { type Conversation, topicOf } from './conversations.ts';
import { fieldsIn, listIn, textIn } from './fields.ts';
import type { Hints } from './hints.ts';
import { makeChannelId, parseId } from './ids.ts';
import type { Sessions } from './sessions.ts';
import type { SlackSettings, TeamSyncSettings } from './settings.ts';
import type { Team } from './team.ts';
import { type Ask, remoteUserOf } from './users.ts';
import { isRefusal } from './wire/faults.ts';

export interface TeamSyncParts {
  readonly teams: ReadonlyMap<string, Team>;
  readonly settings: Pick<SlackSettings, 'teams' | 'teamSync'>;
  readonly channels: Pick<SlackChannels, 'describe'>;
  readonly hints: Pick<Hints, 'give'>;
  readonly sessions: Pick<Sessions, 'isForAll' | 'isPrivate'>;
  /** The bot turns out to be out of it. */
  readonly putOut: (channel: ChannelId) => void;
  /** ms between two pages. */
  readonly pause: number;
}

const pageSize = 200;
/** Behind whatever else is asked, however long that takes. */
const asked = { isBackground: true, patience: 15 * 60_000 };

export class TeamSync implements Mirror {
  readonly #parts: TeamSyncParts;

  constructor(parts: TeamSyncParts) {
    this.#parts = parts;
  }

  networks(): readonly MirroredNetwork[] {
    return [...this.#parts.teams.keys()].flatMap((id) => {
      const wish = this.#wishOf(id);
      return wish === undefined ? [] : [{ id, channels: wish.channels, people: wish.users, roomsPerMinute: wish.roomsPerMinute }];
    });
  }

  async *channels(network: string): AsyncGenerator<MirroredChannel> {
    const team = this.#parts.teams.get(network);
    const wish = this.#wishOf(network);
    if (team === undefined || wish === undefined) return;
    yield* this.#read(team, wish, 'conversations.list', 'public_channel');
    if (wish.allowPrivate) yield* this.#read(team, wish, 'users.conversations', 'private_channel');
  }

  async channel(id: ChannelId): Promise<MirroredChannel | Unmirrored> {
    const { team: teamId, id: channel } = parseId(id);
    const team = this.#parts.teams.get(teamId);
    if (team === undefined) return { why: 'hidden' };
    const before = team.conversations.known(channel);
    let isThere = true;
    const found = await team.conversations.refresh(channel).catch((thrown) => {
      if (!isRefusal(thrown)) throw thrown;
      isThere = !isRefusal(thrown, 'channel_not_found');
    });
    if (!isThere && this.#parts.sessions.isPrivate(team, channel)) {
      if (before?.isMember === true && team.conversations.went(channel)) this.#parts.putOut(id);
      return { why: 'shut-out' };
    }
    const wish = this.#wishOf(teamId);
    // Made private while the bot was not in it: nothing but that tells it.
    if (found === undefined && before?.kind === 'public' && wish?.allowPrivate === true) this.#hint(team, before);
    if (found?.kind === 'private') {
      if (!isMeantThough(found, wish)) return { why: 'hidden' };
      await learnMembers(team, channel);
      return this.#found(team, found);
    }
    if (found?.kind !== 'public') return { why: 'hidden' };
    return wish === undefined || isMeant(found, wish) ? this.#found(team, found) : { why: 'excluded' };
  }

  refused(id: ChannelId): void {
    const { team: teamId, id: channel } = parseId(id);
    const team = this.#parts.teams.get(teamId);
    const known = team?.conversations.known(channel);
    if (team !== undefined && known !== undefined) this.#hint(team, known);
  }

  #hint(team: Team, known: Conversation): void {
    const wish = this.#wishOf(team.id);
    if (wish?.hintChannelAdmins === true && wish.channels && known.isMember !== true && !known.isArchived && isMeant(known, wish))
      this.#parts.hints.give(team, known);
  }

  async *#read(
    team: Team,
    wish: TeamSyncSettings,
    method: 'conversations.list' | 'users.conversations',
    types: string,
  ): AsyncGenerator<MirroredChannel> {
    const { conversations } = team;
    let read = 0;
    for await (const each of conversations.list(method, types, team.ask as unknown as Ask, { asked })) {
      read += 1;
      if (read % pageSize === 0) await this.#rest();
      if (!(each.kind === 'private' ? isMeantThough(each, wish) : isMeant(each, wish))) continue;
      conversations.keep(each);
      yield this.#found(team, each);
    }
  }

  async *people(network: string, from?: string): AsyncGenerator<PageOfPeople> {
    const team = this.#parts.teams.get(network);
    if (team === undefined) return;
    let cursor = from;
    do {
      const page = await this.#page(team, cursor);
      const there = listIn(page, 'members').filter(({ deleted }) => deleted !== true);
      // Whoever is known already is so from now on.
      for (const member of there) team.users.changed(member);
      cursor = textIn(fieldsIn(page, 'response_metadata'), 'next_cursor');
      yield { people: there.map((member) => remoteUserOf(team.id, member)), ...(cursor !== undefined && { next: cursor }) };
      if (cursor !== undefined) await this.#rest();
    } while (cursor !== undefined);
  }

  /** A cursor of an earlier run may be too old for Slack: then from the beginning. */
  async #page(team: Team, cursor: string | undefined) {
    const ask = team.ask as unknown as Ask;
    try {
      return await ask('users.list', { limit: pageSize, ...(cursor !== undefined && { cursor }) }, asked);
    } catch (thrown) {
      if (cursor === undefined || !isRefusal(thrown, 'invalid_cursor')) throw thrown;
      return await ask('users.list', { limit: pageSize }, asked);
    }
  }

  #found(team: Team, found: Conversation): MirroredChannel {
    const { id, isArchived, kind } = found;
    if (kind === 'public') this.#parts.sessions.isForAll(team, id);
    team.conversations.foundFor(id, { ...found, topic: topicOf(found) });
    return { channel: this.#parts.channels.describe(makeChannelId(team.id, id)), isArchived };
  }

  #wishOf(id: string): TeamSyncSettings | undefined {
    const { settings } = this.#parts;
    return settings.teams.find((team) => team.id === id)?.teamSync ?? settings.teamSync;
  }

  async #rest(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#parts.pause).unref());
  }
}

/** Of ours, before their places are asked for: of who made it themselves, or came before the bot did, Slack told nothing. */
async function learnMembers(team: Team, channel: string): Promise<void> {
  if (team.accounts.size === 0) return;
  try {
    await team.own.learn(channel, team.conversations.members(channel));
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
  }
}

/** A private one: only where it may be, and the bot is in it. */
function isMeantThough(found: Conversation, wish: TeamSyncSettings | undefined): boolean {
  return wish?.channels === true && wish.allowPrivate && found.isMember === true && isMeant(found, wish);
}

function isMeant({ id, name }: Conversation, { allow, deny }: TeamSyncSettings): boolean {
  const isNamed = (globs: readonly string[]) => globs.some((glob) => fits(glob.replace(/^#/, ''), name) || fits(glob, id));
  return !isNamed(deny) && isNamed(allow);
}
