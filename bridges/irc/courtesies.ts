// Automatic answers to single persons: a private message that nobody will read, an invitation that cannot be followed, the
// questions that clients ask of each other (CTCP). All at the lowest priority and limited in rate; never to a NOTICE, never in
// a channel, so that no two bridges answer each other for ever.

import { readCtcp } from './events.ts';
import type { IrcSession } from './session.ts';
import type { IrcTiming } from './timing.ts';
import type { IrcLine } from './wire/connection.ts';

export interface CourtesiesParts {
  readonly timing: IrcTiming;
  readonly fold: (nick: string) => string;
  /** What stands behind a session, in words: `@alice:example.org`. */
  readonly nameOf: (session: IrcSession) => string;
  readonly count: (name: string) => void;
}

/** Persons who are remembered to have been answered. */
const most = 1_000;

export class Courtesies {
  readonly #parts: CourtesiesParts;
  /** Folded nick and kind of answer → when. */
  readonly #answered = new Map<string, number>();

  constructor(parts: CourtesiesParts) {
    this.#parts = parts;
  }

  /** A PRIVMSG or NOTICE to one of our sessions itself. */
  spokenTo(session: IrcSession, line: IrcLine): void {
    if (line.command !== 'PRIVMSG' || line.host === '' || line.nick.includes('.')) return;
    const ctcp = readCtcp(line.params[1] ?? '');
    if (ctcp === undefined || ctcp.verb === 'ACTION') {
      this.#parts.count('private_messages');
      const whom = session.isBot
        ? 'This is the bot of a Matrix bridge; nobody reads what is said to it alone.'
        : `${this.#parts.nameOf(session)} is on Matrix, behind a bridge that does not carry private messages.`;
      this.#answer(session, line.nick, 'message', `${whom} Your message was not delivered: please speak in a channel.`);
      return;
    }
    const reply = ctcpReply(ctcp.verb, ctcp.rest);
    if (reply !== undefined) this.#answer(session, line.nick, `ctcp ${ctcp.verb}`, `\u0001${reply}\u0001`);
  }

  invited(session: IrcSession, line: IrcLine, isLinked: boolean): void {
    if (line.host === '') return;
    const channel = line.params[1] ?? '';
    const why = session.isBot
      ? 'a channel is linked by those who run the bridge, not by inviting its bot'
      : 'people come from Matrix only to channels that are linked';
    const words = isLinked
      ? `${this.#parts.nameOf(session)} comes into ${channel} with their next words there.`
      : `The invitation to ${channel} was declined: ${why}.`;
    this.#answer(session, line.nick, 'invite', words);
  }

  /** The core's own words to somebody; under the same limit. */
  tell(session: IrcSession, nick: string, words: string): Promise<void> {
    return this.#answer(session, nick, 'told', words);
  }

  #answer(session: IrcSession, nick: string, kind: string, words: string): Promise<void> {
    const key = `${this.#parts.fold(nick)} ${kind}`;
    const now = performance.now();
    const last = this.#answered.get(key);
    if (last !== undefined && now - last < this.#parts.timing.courtesy) return Promise.resolve();
    this.#answered.delete(key);
    this.#answered.set(key, now);
    if (this.#answered.size > most) {
      const [oldest] = this.#answered.keys();
      if (oldest !== undefined) this.#answered.delete(oldest);
    }
    return session.connection.send({ command: 'NOTICE', params: [nick, words] }, 'reply').catch(() => {});
  }
}

function ctcpReply(verb: string, rest: string): string | undefined {
  switch (verb) {
    case 'VERSION':
      return 'VERSION causeway, a Matrix bridge';
    case 'PING':
      return `PING ${rest.slice(0, 100)}`;
    case 'TIME':
      return `TIME ${new Date().toUTCString()}`;
    case 'CLIENTINFO':
      return 'CLIENTINFO ACTION CLIENTINFO PING TIME VERSION';
    default:
      return undefined;
  }
}
