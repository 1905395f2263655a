// From a line that is to be reported to what the core is told, with the member lists kept in step: the one place where a
// network's events leave for the inbox.

import type { ChannelId, Inbox, Logger, RemoteEvent } from '#bridge-core';
import { awayEvent, type Hearing, membershipEvent, redactionEvent, renameEvent, spokenEvent, taggedEvent, topicEvent } from './events.ts';
import { withoutCodes } from './formatter.ts';
import type { Presence } from './presence.ts';
import { Untaken } from './untaken.ts';
import type { Watched } from './watched.ts';
import type { IrcLine, Isupport } from './wire/connection.ts';

export interface ReportsParts {
  readonly network: string;
  readonly inbox: Inbox;
  readonly presence: Presence;
  readonly support: () => Isupport;
  readonly log: Logger;
  readonly count: (name: string, labels?: Readonly<Record<string, string>>, by?: number) => void;
}

export class Reports {
  readonly #parts: ReportsParts;
  readonly #untaken: Untaken;

  constructor(parts: ReportsParts) {
    this.#parts = parts;
    const { network, inbox, log, count } = parts;
    this.#untaken = new Untaken({ inbox, log, count: (name) => count(name, { network }) });
  }

  /** A line of somebody else's in a watched channel, or what somebody else did to one of our sessions. */
  report(channel: Watched, line: IrcLine): void {
    const hearing = this.hearingOf(channel.id);
    switch (line.command) {
      case 'PRIVMSG':
      case 'NOTICE':
        this.#tell(spokenEvent(line, hearing));
        return;
      case 'TAGMSG':
        this.#tell(taggedEvent(line, hearing));
        return;
      case 'REDACT':
        this.#tell(redactionEvent(line, hearing));
        return;
      case 'TOPIC':
        channel.topic = line.params[1] ?? '';
        this.#tell(topicEvent(line, hearing));
        return;
      case 'INVITE':
        this.#tell(membershipEvent(line, hearing));
        return;
      case 'MODE':
        this.#mode(channel, line);
        return;
      default:
        this.#membership(channel, line, hearing);
    }
  }

  /** 332 after a join: the topic as it stands. */
  topicIs(channel: Watched, topic: string): void {
    if (channel.topic === topic) return;
    channel.topic = topic;
    this.#tell({ kind: 'channel', at: Date.now(), channel: channel.id, topic: withoutCodes(topic) });
  }

  away(channel: ChannelId, line: IrcLine): void {
    this.#tell(awayEvent(line, this.hearingOf(channel)));
  }

  /** Always counted. */
  gap(
    channel: ChannelId,
    from: number,
    given: { readonly to?: number; readonly isTold?: boolean; readonly reason?: string | undefined } = {},
  ): void {
    const { to = Date.now(), isTold = true, reason } = given;
    this.#parts.count('gaps', { network: this.#parts.network });
    if (isTold) this.#tell({ kind: 'gap', at: Date.now(), channel, from: Math.min(from, to), to, ...(reason !== undefined && { reason }) });
  }

  hearingOf(channel: ChannelId): Hearing {
    const { network, support } = this.#parts;
    return { network, channel, fold: (nick) => support().fold(nick), now: Date.now };
  }

  #membership(channel: Watched, line: IrcLine, hearing: Hearing): void {
    const { presence, support } = this.#parts;
    const { command, params, nick } = line;
    switch (command) {
      case 'JOIN': {
        const mask = line.host === '' ? undefined : `${line.user}@${line.host}`;
        presence.joined(channel.folded, nick, { mask, account: params[1], realname: params[2] });
        break;
      }
      case 'NICK':
        presence.renamed(nick, params[0] ?? '');
        this.#tell(renameEvent(line, hearing));
        return;
      case 'PART':
        presence.left(channel.folded, nick);
        break;
      case 'QUIT':
        // Heard twice after a change of reporters, or of somebody who was never there.
        if (!presence.isIn(support().fold(nick), channel.folded)) return;
        presence.left(channel.folded, nick);
        break;
      case 'KICK':
        presence.left(channel.folded, params[1] ?? '');
        break;
      default:
        return;
    }
    this.#tell(membershipEvent(line, hearing));
  }

  /** Signs of members, and the key, which the next join needs. */
  #mode(channel: Watched, line: IrcLine): void {
    const support = this.#parts.support();
    const [always, whenSet] = [support.chanmodes[0] + support.chanmodes[1], support.chanmodes[2]];
    const given = line.params.slice(2);
    let on = true;
    for (const mode of line.params[1] ?? '') {
      if (mode === '+' || mode === '-') {
        on = mode === '+';
        continue;
      }
      const sign = support.prefix.get(mode);
      const takes = sign !== undefined || always.includes(mode) || (on && whenSet.includes(mode));
      const value = takes ? given.shift() : undefined;
      if (sign !== undefined && value !== undefined) this.#parts.presence.marked(channel.folded, value, sign, on);
      // Hidden from those without the right as `*`.
      else if (mode === 'k' && (!on || (value !== undefined && value !== '*'))) channel.key = on ? value : undefined;
    }
  }

  #tell(event: RemoteEvent | undefined): void {
    if (event !== undefined) this.#untaken.tell(event);
  }
}
