// Sessions by team and speaker: the bot's, and one for each person who is logged in there; opened when first asked for.

import {
  type ChannelId,
  type Fit,
  type KeyValue,
  PermanentError,
  type RemoteUserId,
  type Session,
  type Speaker,
  UnreachableError,
  type UserId,
} from '#bridge-core';
import type { Account } from './account.ts';
import type { SlackBody } from './body.ts';
import type { Hearing } from './hearing.ts';
import { makeChannelId, parseId } from './ids.ts';
import { openSession } from './session.ts';
import type { SlackSettings } from './settings.ts';
import type { Team } from './team.ts';
import { uploadFile } from './uploads.ts';
import type { Ask } from './users.ts';
import type { Voice } from './voice.ts';
import { isRefusal } from './wire/faults.ts';
import type { Caller, WebApi } from './wire/web-api.ts';

export interface SessionsParts {
  readonly teams: ReadonlyMap<string, Team>;
  readonly settings: SlackSettings;
  readonly memory: KeyValue;
  readonly hearing: Hearing;
  readonly api: WebApi;
  /** The bot is in a channel that was not known to be private until now. */
  readonly turnedPrivate: (channel: ChannelId) => void;
}

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #open = new Map<string, Session<SlackBody>>();

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  async open(speaker: Speaker, channel: ChannelId): Promise<Session<SlackBody>> {
    const team = this.#teamOf(channel);
    if (!team.isReachable) await this.#reach(team);
    const account = speaker.as === 'user' ? team.accountOf(speaker.user) : undefined;
    const known = this.#open.get(nameOf(team, speaker));
    if (known !== undefined && (speaker.as === 'bot' ? isOfBot(known, team) : account !== undefined)) return known;
    this.#open.delete(nameOf(team, speaker));
    if (speaker.as === 'user' && account === undefined)
      throw new PermanentError('NETWORK_LOGIN', `no login in ${team.identity?.name ?? team.id}`);
    return this.#make(team, speaker, account);
  }

  /** Whatever is said there: the bot's is open while its team is. */
  openBot(team: Team): void {
    const known = this.#open.get(nameOf(team, { as: 'bot' }));
    if (known === undefined || !isOfBot(known, team)) this.#make(team, { as: 'bot' }, undefined);
  }

  opened(speaker: Speaker, channel: ChannelId): Session<SlackBody> | undefined {
    const team = this.#parts.teams.get(parseId(channel).team);
    // Somebody else may have logged in with that account since.
    if (team === undefined || (speaker.as === 'user' && team.accountOf(speaker.user) === undefined)) return undefined;
    return this.#open.get(nameOf(team, speaker));
  }

  count(team: Team): number {
    return [...this.#open.keys()].filter((name) => name.startsWith(`${team.id} `)).length;
  }

  forget(team: Team, { user }: Account): void {
    this.#open.delete(nameOf(team, { as: 'user', user }));
  }

  /** The bot, into a channel that it is to listen to. Into a private one only its people can bring it. */
  async enter(team: Team, channel: string): Promise<void> {
    await enterAs(team, channel);
    this.#noteKind(team, channel);
  }

  /** Known from when the bot was in it: Slack tells nothing of it to who is out. */
  isPrivate(team: Team, channel: string): boolean {
    return team.conversations.known(channel)?.kind === 'private' || this.#parts.memory.get(privateName(team, channel)) === true;
  }

  /** Found to be for all, by whatever way: where it is private the next time, that is news. */
  isForAll(team: Team, channel: string): void {
    if (this.#parts.memory.get(privateName(team, channel)) === true) this.#noteKind(team, channel);
  }

  #noteKind(team: Team, channel: string): void {
    const { memory } = this.#parts;
    const isPrivate = team.conversations.known(channel)?.kind === 'private';
    if ((memory.get(privateName(team, channel)) === true) === isPrivate) return;
    if (isPrivate) this.#parts.turnedPrivate(makeChannelId(team.id, channel));
    // Without the note its end is not told after a restart, no more.
    memory.set(privateName(team, channel), isPrivate || undefined).catch(() => {});
  }

  /** Where it listened before. False: nobody of ours sees it; a chat is its people's to see, who after a start log in a moment later. */
  async sight(team: Team, channel: string): Promise<boolean> {
    if (channel.startsWith('D')) return await team.chats.seen(channel);
    try {
      await this.enter(team, channel);
      return true;
    } catch (thrown) {
      // Out of a private one, which others of ours may see.
      if (isRefusal(thrown, 'method_not_supported_for_channel_type')) return false;
      if (!isRefusal(thrown, 'channel_not_found')) throw thrown;
      return !this.isPrivate(team, channel) && (await team.chats.seen(channel));
    }
  }

  async openDirect(user: UserId, others: readonly RemoteUserId[]): Promise<ChannelId> {
    const [first] = others;
    const team = first === undefined ? undefined : this.#parts.teams.get(parseId(first).team);
    const account = team?.accountOf(user);
    if (team === undefined || account === undefined) throw new PermanentError('NETWORK_LOGIN', 'log in to the workspace first');
    const users = others.map((other) => parseId(other).id).filter((id) => id !== account.id);
    const told = await account.ask('conversations.open', { users: users.length === 0 ? account.id : users.join(',') });
    const channel = told.channel?.id;
    if (channel === undefined) throw new PermanentError('NETWORK_REFUSED', 'Slack opened no chat');
    await team.conversations.load(channel, account.ask as unknown as Ask).catch(() => undefined);
    team.chats.opened(channel, users.length > 1 ? 'group' : 'direct', account.id);
    for (const id of users) if (team.accounts.has(id)) team.chats.opened(channel, users.length > 1 ? 'group' : 'direct', id);
    return makeChannelId(team.id, channel);
  }

  #make(team: Team, speaker: Speaker, account: Account | undefined): Session<SlackBody> {
    const { settings, memory, hearing, api } = this.#parts;
    const name = nameOf(team, speaker);
    const ask = account?.ask ?? team.ask;
    const voice: Voice = {
      // Calls by this one are judged as all others are: whether the token still lives, whether Slack is there.
      ...{ team, ask, caller: { call: ask } as unknown as Caller },
      ...{ isBot: account === undefined, self: account?.id ?? team.identity?.botUser ?? '' },
      join: (channel) => (account === undefined ? enterAs(team, channel) : enterBy(team, account, channel)),
    };
    const made = openSession({
      ...{ voice, speaker, settings, memory, upload: (upload) => uploadFile(api, upload) },
      ...{ isPresenceCarried: settings.presence, mention: mentionIn(team), called: nameIn(team) },
      type: settings.typing ? hearing.typingOf(team, account) : undefined,
      closed: () => {
        if (this.#open.get(name) === made) this.#open.delete(name);
      },
    });
    this.#open.set(name, made);
    return made;
  }

  #teamOf(channel: ChannelId): Team {
    const { team } = parseId(channel);
    const found = this.#parts.teams.get(team);
    if (found === undefined) throw new PermanentError('CHANNEL_UNKNOWN', `there is no team ${team}`);
    return found;
  }

  async #reach(team: Team): Promise<void> {
    await team.probe().catch((thrown) => {
      throw new UnreachableError('NETWORK_UNREACHABLE', `Slack does not answer for ${team.id}`, { cause: thrown });
    });
  }
}

async function enterAs(team: Team, channel: string): Promise<void> {
  if (team.chats.has(channel)) return;
  const conversation = await team.conversations.loadOwn(channel);
  if (conversation?.isMember === true || conversation?.kind === 'direct' || conversation?.kind === 'group') return;
  await team.conversations.enter(channel, () => team.ask('conversations.join', { channel }));
}

/** Where one cannot come in by oneself, one may be in already. */
async function enterBy(team: Team, account: Account, channel: string): Promise<void> {
  if (team.chats.has(channel)) return;
  try {
    await account.ask('conversations.join', { channel });
    team.own.note(account.id, channel, true);
  } catch (thrown) {
    if (!isRefusal(thrown, 'method_not_supported_for_channel_type')) throw thrown;
    const told = await account.ask('conversations.info', { channel });
    if (told.channel?.is_member !== true && told.channel?.is_im !== true && told.channel?.is_mpim !== true) throw thrown;
    team.own.note(account.id, channel, true);
  }
}

/** As Slack's markup has them; whoever is not in Slack is left as written. */
function mentionIn(team: Team): Fit['mention'] {
  return (who) => {
    const id = 'user' in who ? team.accountOf(who.user)?.id : parseId(who.remote).id;
    return id === undefined ? undefined : `<@${id}>`;
  };
}

/** As Slack shows them. */
function nameIn(team: Team): NonNullable<Fit['called']> {
  return (who) => {
    const id = 'user' in who ? team.accountOf(who.user)?.id : parseId(who.remote).id;
    const name = id === undefined ? undefined : team.users.person(id).name;
    return name === id ? undefined : name;
  };
}

/** The app may have been installed anew, with another bot. */
function isOfBot(session: Session<SlackBody>, team: Team): boolean {
  return team.identity === undefined || parseId(session.self).id === team.identity.botUser;
}

const privateName = (team: Team, channel: string): string => `private ${makeChannelId(team.id, channel)}`;

function nameOf(team: Team, speaker: Speaker): string {
  return `${team.id} ${speaker.as === 'bot' ? 'bot' : speaker.user}`;
}
