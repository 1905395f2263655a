// What the core asks of one network's people and channels: who is in a channel, whether somebody exists, who is meant by a
// word, what was said before.

import type { Fit, RemoteEvent, RemoteMessageId, RemoteUser, UserId } from '#bridge-core';
import type { Bot } from './bot.ts';
import { remoteUser, spokenEvent } from './events.ts';
import { withoutCodes } from './formatter.ts';
import { historyLines, keepsHistory } from './history.ts';
import { parseId } from './ids.ts';
import type { OwnNicks } from './own-nicks.ts';
import type { Person, Presence } from './presence.ts';
import type { Queries } from './queries.ts';
import type { Reports } from './reports.ts';
import type { SessionPool } from './session-pool.ts';
import type { Watched } from './watched.ts';

export interface DirectoryParts {
  readonly network: string;
  readonly botNick: string;
  readonly historyTimeout: number;
  readonly fold: (name: string) => string;
  readonly presence: Presence;
  readonly ownNicks: OwnNicks;
  readonly queries: Queries;
  readonly reports: Reports;
  readonly bot: () => Bot;
  readonly pool: () => SessionPool;
}

export class Directory {
  readonly #parts: DirectoryParts;

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
  }

  /** `among`: folded channels, of which is told what they may do there. */
  async user(folded: string, among: readonly string[] = []): Promise<RemoteUser | undefined> {
    const { presence, ownNicks, queries, bot, fold } = this.#parts;
    if (ownNicks.sessionOf(folded) !== undefined) return undefined;
    const known = presence.person(folded);
    if (known !== undefined) {
      const standings = among.flatMap((channel) => presence.standing(channel, folded) ?? []);
      return { ...remoteUser(known.nick, this.#parts), ...detailOf(known, standings) };
    }
    // Anything else could carry a second question, or name a channel.
    if (!/^[^\s\0!@:,*?.#&+~%\d-][^\s\0!@:,*?]*$/.test(folded)) return undefined;
    if (bot().session === undefined) throw bot().absence();
    const nick = await queries.isOnline(folded, (given) => fold(given) === folded);
    return nick === undefined ? undefined : remoteUser(nick, this.#parts);
  }

  /** Our own sessions left out. */
  *members(folded: string): Iterable<RemoteUser> {
    for (const person of this.#parts.presence.members(folded)) {
      if (this.#parts.ownNicks.sessionOf(person.folded) === undefined) yield remoteUser(person.nick, this.#parts);
    }
  }

  /** Whom a word in a line of the channel names. */
  named(folded: string, word: string): { readonly user: UserId } | { readonly remote: RemoteUser } | undefined {
    const { presence, ownNicks } = this.#parts;
    const nick = this.#parts.fold(word);
    const speaker = ownNicks.speakerOf(nick);
    if (speaker !== undefined) return speaker.as === 'user' ? { user: speaker.user } : undefined;
    const person = presence.isIn(nick, folded) ? presence.person(nick) : undefined;
    return person === undefined ? undefined : { remote: remoteUser(person.nick, this.#parts) };
  }

  /** How somebody is addressed here. */
  nickOf(who: Parameters<Fit['mention']>[0]): string | undefined {
    if ('user' in who) return this.#parts.pool().of(who.user)?.session?.connection.nick;
    const { network, name } = parseId(who.remote);
    return network === this.#parts.network ? (this.#parts.presence.person(name)?.nick ?? name) : undefined;
  }

  /** A nick of ours, also if its person is not connected now: what stands under it in a history is no news. */
  isOwn(nick: string): boolean {
    const { ownNicks, pool, botNick, fold } = this.#parts;
    const folded = fold(nick);
    return ownNicks.sessionOf(folded) !== undefined || pool().ownerOf(folded) !== undefined || folded === fold(botNick);
  }

  async *history(channel: Pick<Watched, 'id' | 'name'>, since: RemoteMessageId | number): AsyncGenerator<RemoteEvent> {
    const session = this.#parts.bot().session;
    if (session === undefined) throw this.#parts.bot().absence();
    if (!keepsHistory(session)) return;
    const hearing = this.#parts.reports.hearingOf(channel.id);
    for await (const line of historyLines(session, channel.name, since, this.#parts.historyTimeout)) {
      const event = this.isOwn(line.nick) ? undefined : spokenEvent(line, hearing);
      if (event !== undefined) yield event;
    }
  }
}

/** As WHOIS would tell it to anybody on the network. */
function detailOf({ realname, mask, account, away }: Person, standings: readonly string[]): Pick<RemoteUser, 'detail'> {
  const known = [
    ...(realname === undefined ? [] : [`“${realname}”`]),
    ...(mask === undefined ? [] : [mask]),
    ...(account === undefined ? [] : [`logged in as ${account}`]),
    ...standings,
    ...(away === undefined ? [] : [`away: ${away}`]),
  ];
  return known.length === 0 ? {} : { detail: withoutCodes(known.join(', ')) };
}
