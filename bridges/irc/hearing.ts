// Where each line of each connection goes: to the session it concerns (proof, joins, answers), to the reporters where it is of
// a watched channel, to the automatic answers where it is private. Order matters here and is explained where it does.

import type { Bot } from './bot.ts';
import type { Courtesies } from './courtesies.ts';
import { timeOf } from './events.ts';
import { makeMessageId } from './ids.ts';
import type { OwnNicks } from './own-nicks.ts';
import type { Presence } from './presence.ts';
import type { Queries } from './queries.ts';
import type { Reporters } from './reporters.ts';
import type { Reports } from './reports.ts';
import type { IrcSession } from './session.ts';
import { isUttered } from './speech.ts';
import type { IrcTiming } from './timing.ts';
import type { Watched, WatchedChannels } from './watched.ts';
import type { IrcLine, Isupport } from './wire/connection.ts';

export interface HearingParts {
  readonly support: () => Isupport;
  readonly channels: WatchedChannels;
  readonly reporters: Reporters;
  readonly reports: Reports;
  readonly presence: Presence;
  readonly ownNicks: OwnNicks;
  readonly queries: Queries;
  readonly courtesies: Courtesies;
  readonly bot: () => Bot;
  /** A nick (folded) was given up by somebody; `by` one of ours, who changed it for another. */
  readonly freed: (folded: string, by?: IrcSession) => void;
  readonly timing: IrcTiming;
  readonly membersKnown: (channel: Watched) => void;
  /** The bot is invited; true: to a channel that had put it out. */
  readonly calledBack: (name: string) => boolean;
}

export class LineHearing {
  readonly #parts: HearingParts;

  constructor(parts: HearingParts) {
    this.#parts = parts;
  }

  hear(session: IrcSession, raw: IrcLine): void {
    const line = session.batches.take(raw);
    if (line === undefined) return;
    const { command } = line;
    if (command.charCodeAt(0) <= 57) {
      session.heard(line, false);
      session.attendance.heard(line, false);
      this.#numeric(session, line);
      return;
    }
    const own = this.#parts.ownNicks.sessionOf(this.#parts.support().fold(line.nick), session);
    const isOwn = own === session;
    session.heard(line, isOwn);
    // From nobody: answers without a prefix, or rubbish.
    if (line.nick === '' && command !== 'FAIL') return;
    switch (command) {
      case 'PRIVMSG':
      case 'NOTICE':
      case 'TAGMSG':
      case 'REDACT':
        this.#spoken(session, line, own);
        return;
      case 'JOIN':
        this.#joined(session, line, own);
        return;
      case 'PART':
      case 'KICK':
        this.#removed(session, line, own);
        return;
      case 'QUIT':
        this.#quit(session, line, own);
        return;
      case 'NICK':
        this.#renamed(session, line, own);
        return;
      case 'TOPIC':
      case 'MODE':
        this.#changed(session, line, own);
        return;
      case 'INVITE':
        if (own !== undefined) return;
        if (this.#isFor(session, line.params[0])) this.#invited(session, line);
        else this.#othersInvited(session, line);
        return;
      case 'FAIL':
        session.attendance.heard(line, false);
        return;
      default:
        this.#noted(session, line, own);
    }
  }

  #isFor(session: IrcSession, name: string | undefined): boolean {
    return name !== undefined && (name === session.connection.nick || this.#fold(name) === this.#fold(session.connection.nick));
  }

  #fold(name: string): string {
    return this.#parts.support().fold(name);
  }

  #spoken(session: IrcSession, line: IrcLine, own: IrcSession | undefined): void {
    const target = line.params[0] ?? '';
    const channel = this.#parts.channels.named(target);
    if (channel === undefined) {
      if (own === undefined && this.#isFor(session, target)) this.#parts.courtesies.spokenTo(session, line);
      return;
    }
    if (own !== undefined) {
      // What we said ourselves is proof, and no news.
      if (own !== session && channel.coverage.reporter === session && isUttered(line)) {
        own.speech.overheard(channel.folded, makeMessageId(line.tags.msgid));
      }
      return;
    }
    // Servers may repeat old lines to whoever joins.
    if (line.tags.batch !== undefined && session.batches.typeOf(line) === 'chathistory') {
      const { replay } = channel;
      const now = Date.now();
      if (replay === undefined || now > replay.until || timeOf(line, now) <= replay.after) return;
    }
    if (session.isBot) this.#tagged(session, line);
    this.#parts.reporters.heard(session, channel.coverage, line);
  }

  /** With account-tag a line without the tag is from somebody who is not logged in. Old lines tell of old times. */
  #tagged(session: IrcSession, line: IrcLine): void {
    const { account, batch } = line.tags;
    if (batch !== undefined || (account === undefined && !session.connection.capabilities.has('account-tag'))) return;
    this.#parts.presence.note(line.nick, { account: account ?? '' });
  }

  #joined(session: IrcSession, line: IrcLine, own: IrcSession | undefined): void {
    const { channels, presence, reporters } = this.#parts;
    const channel = channels.named(line.params[0] ?? '');
    if (own === undefined) {
      if (channel !== undefined) reporters.heard(session, channel.coverage, line);
      return;
    }
    // In before it may report, so that its first line of the channel finds it there.
    if (own === session) {
      if (session.isBot && channel !== undefined) presence.namesExpected(channel.folded);
      session.attendance.heard(line, true);
    }
    if (channel === undefined) return;
    presence.joined(channel.folded, line.nick);
  }

  #removed(session: IrcSession, line: IrcLine, own: IrcSession | undefined): void {
    const { channels, presence, reporters, ownNicks, bot } = this.#parts;
    const channel = channels.named(line.params[0] ?? '');
    const isKick = line.command === 'KICK';
    const gone = isKick ? ownNicks.sessionOf(this.#fold(line.params[1] ?? ''), session) : own;
    // Reported while whoever was removed still is the reporter; afterwards another goes on behind this line.
    if (channel !== undefined) {
      if (own === undefined) reporters.heard(session, channel.coverage, line);
      else presence.left(channel.folded, isKick ? (line.params[1] ?? '') : line.nick);
    }
    if (gone !== session) return;
    const wasIn = session.attendance.has(channel?.folded ?? '');
    session.attendance.heard(line, own === session);
    if (!session.isBot || channel === undefined || !wasIn) return;
    const reason = line.params[2] ? ` (${line.params[2]})` : '';
    bot().removed(channel, isKick ? `kicked from ${channel.name} by ${line.nick}${reason}` : `taken out of ${channel.name} by the server`);
  }

  #quit(session: IrcSession, line: IrcLine, own: IrcSession | undefined): void {
    const { presence, reporters, ownNicks, freed } = this.#parts;
    const folded = this.#fold(line.nick);
    if (own === undefined) {
      for (const coverage of [...reporters.dutiesOf(session)]) {
        const isThere = presence.isIn(folded, coverage.folded);
        if (isThere || (coverage.standby === session && coverage.unreported.size > 0)) reporters.heard(session, coverage, line);
      }
    } else if (own !== session) {
      presence.quit(line.nick);
      // The server has given up a connection that still looks alive from here: half-open.
      const isYoung = !own.isLost && performance.now() - own.upSince < this.#parts.timing.young;
      if (!isYoung) {
        // Where another hears it first, words from before it may still be on their way to who reports.
        const isReporting = [...reporters.dutiesOf(session)].some(({ reporter }) => reporter === session);
        if (isReporting) ownNicks.ended(folded);
        else ownNicks.endedFor(folded, session);
        if (!own.isLost) this.#bury(own, line);
      }
    }
    freed(folded);
  }

  /** The bot at once, for others go on from here. A puppet's own socket may be about to tell why, which decides what comes next. */
  #bury(own: IrcSession, line: IrcLine): void {
    const giveUp = () => {
      if (!own.isLost) own.giveUp(`the network says: ${line.nick} has quit (${line.params[0] ?? ''})`);
    };
    if (own.isBot) giveUp();
    else setTimeout(giveUp, this.#parts.timing.lastWords).unref();
  }

  #renamed(session: IrcSession, line: IrcLine, own: IrcSession | undefined): void {
    const { presence, reporters, ownNicks, freed } = this.#parts;
    const renamed = line.params[0] ?? '';
    const [before, after] = [this.#fold(line.nick), this.#fold(renamed)];
    if (renamed === '') return;
    if (own !== undefined) {
      // Whichever stream tells first: from here on lines under the new nick are ours, and old ones may be on their way still.
      if (ownNicks.isInUse(before) && before !== after) {
        ownNicks.take(after, own);
        ownNicks.release(before, own);
      }
      if (before !== after) ownNicks.passed(before, session);
      presence.renamed(line.nick, renamed);
    } else {
      for (const coverage of [...reporters.dutiesOf(session)]) {
        const isThere = presence.isIn(before, coverage.folded) || presence.isIn(after, coverage.folded);
        if (isThere || (coverage.standby === session && coverage.unreported.size > 0)) reporters.heard(session, coverage, line);
      }
    }
    if (before !== after) freed(before, own);
  }

  #changed(session: IrcSession, line: IrcLine, own: IrcSession | undefined): void {
    const channel = this.#parts.channels.named(line.params[0] ?? '');
    if (channel === undefined) return;
    if (own === undefined) this.#parts.reporters.heard(session, channel.coverage, line);
    else if (line.command === 'TOPIC') channel.topic = line.params[1] ?? '';
  }

  #invited(session: IrcSession, line: IrcLine): void {
    const { channels, courtesies, bot, calledBack } = this.#parts;
    const name = line.params[1] ?? '';
    const channel = channels.named(name);
    // Back to where it belongs, before its time.
    if (channel !== undefined && session.isBot)
      bot()
        .enter(channel)
        .catch(() => {});
    else if (!session.isBot || !calledBack(name)) courtesies.invited(session, line, channel !== undefined);
  }

  /** With invite-notify, which the bot alone asks for. */
  #othersInvited(session: IrcSession, line: IrcLine): void {
    const channel = this.#parts.channels.named(line.params[1] ?? '');
    if (channel !== undefined && session.isBot) this.#parts.reports.report(channel, line);
  }

  /** What is known of people beside where they are. */
  #noted(session: IrcSession, line: IrcLine, own: IrcSession | undefined): void {
    const { presence, reporters, reports, channels } = this.#parts;
    const { nick, params } = line;
    switch (line.command) {
      case 'AWAY': {
        const person = presence.person(this.#fold(nick));
        const away = params[0] || undefined;
        if (own !== undefined || person === undefined || person.away === away) return;
        person.away = away;
        for (const coverage of reporters.dutiesOf(session)) {
          const channel = channels.get(coverage.folded);
          if (channel !== undefined && coverage.reporter === session && presence.isIn(this.#fold(nick), coverage.folded)) {
            reports.away(channel.id, line);
          }
        }
        return;
      }
      case 'ACCOUNT':
        presence.note(nick, { account: params[0] ?? '' });
        return;
      case 'SETNAME':
        presence.note(nick, { realname: params[0] ?? '' });
        return;
      case 'CHGHOST':
        if (params[1] !== undefined) presence.note(nick, { mask: `${params[0]}@${params[1]}` });
        return;
    }
  }

  #numeric(session: IrcSession, line: IrcLine): void {
    const { channels, presence, queries, reports, membersKnown } = this.#parts;
    if (!session.isBot) return;
    switch (line.command) {
      case '331':
      case '332': {
        const channel = channels.named(line.params[1] ?? '');
        if (channel !== undefined) reports.topicIs(channel, line.command === '331' ? '' : (line.params[2] ?? ''));
        return;
      }
      case '353': {
        const channel = channels.named(line.params[2] ?? '');
        if (channel !== undefined) presence.namesArrive(channel.folded, line.params[3] ?? '');
        return;
      }
      case '366': {
        const channel = channels.named(line.params[1] ?? '');
        if (channel === undefined) return;
        presence.namesEnd(channel.folded);
        membersKnown(channel);
        return;
      }
      case '263':
      case '303':
      case '322':
      case '323':
        queries.heard(line);
    }
  }
}
