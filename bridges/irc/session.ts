// One connection with somebody behind it: the bot or a puppet. Holds together what it says, where it is and what it asks; the
// verbs that the core sees are made in verbs.ts. Lives as long as the connection.

import { type BridgeError, RetryableError, type Session, type Speaker, UnreachableError } from '#bridge-core';
import { Attendance, type AttendanceParts } from './attendance.ts';
import { Batches } from './batches.ts';
import { Errands } from './errands.ts';
import type { Ear } from './reporters.ts';
import { Speech } from './speech.ts';
import type { IrcTiming } from './timing.ts';
import { offeredVerbs, type SessionContext, sessionOf } from './verbs.ts';
import type { Connection, IrcLine } from './wire/connection.ts';

export interface IrcSessionParts {
  readonly speaker: Speaker;
  readonly connection: Connection;
  readonly context: SessionContext;
  readonly timing: IrcTiming;
  readonly arrived: (session: IrcSession, folded: string) => void;
  readonly departed: (session: IrcSession, folded: string) => void;
  readonly first?: AttendanceParts['first'];
  /** Ends the connection; the owner then comes back with a new one. */
  readonly giveUp: (reason: string) => void;
  /** Ends it for good, as its person wished. */
  readonly close: (reason?: string) => Promise<void>;
}

export class IrcSession implements Ear {
  readonly speaker: Speaker;
  readonly isBot: boolean;
  readonly connection: Connection;
  readonly attendance: Attendance;
  readonly speech: Speech;
  readonly errands: Errands;
  readonly batches = new Batches();
  readonly upSince = performance.now();
  readonly giveUp: (reason: string) => void;
  readonly close: (reason?: string) => Promise<void>;
  readonly #context: SessionContext;
  #heardAt = Date.now();
  #face: { readonly session: Session; readonly of: readonly unknown[] } | undefined;
  isLost = false;

  constructor(parts: IrcSessionParts) {
    const { connection, context, timing } = parts;
    this.speaker = parts.speaker;
    this.isBot = parts.speaker.as === 'bot';
    this.connection = connection;
    this.giveUp = parts.giveUp;
    this.close = parts.close;
    this.#context = context;
    this.attendance = new Attendance({
      connection,
      answerWithin: timing.answer,
      fold: context.foldChannel,
      arrived: (folded) => parts.arrived(this, folded),
      departed: (folded) => parts.departed(this, folded),
      first: parts.first,
    });
    this.speech = new Speech({
      connection,
      timing,
      fold: context.foldChannel,
      reporter: (folded) => context.hearerFor(this, folded),
      giveUp: parts.giveUp,
    });
    this.errands = new Errands(connection, timing.answer);
  }

  get heardAt(): number {
    // Where nobody says anything there are still answers to our PINGs.
    return Math.max(this.#heardAt, this.connection.heardAt);
  }

  /** The session as the core sees it; another object once the server offers more or less, or the nick changed. Asked for
   *  every message; the wire makes new objects of what changes. */
  get face(): Session {
    const { capabilities, isupport, nick } = this.connection;
    const of = this.#face?.of;
    if (this.#face === undefined || of?.[0] !== capabilities || of[1] !== isupport || of[2] !== nick) {
      const session = sessionOf(this, this.#context, offeredVerbs(this.connection));
      this.#face = { session, of: [capabilities, isupport, nick] };
    }
    return this.#face.session;
  }

  listen(on: boolean): void {
    if (!this.isBot && !this.isLost) this.connection.listen(on);
  }

  fence(): Promise<void> {
    return this.connection.fence();
  }

  /** Every line of the connection comes by here. `isOwn`: its sender is this session. */
  heard(line: IrcLine, isOwn: boolean): void {
    this.#heardAt = Date.now();
    this.speech.heard(line, isOwn);
    this.errands.heard(line);
  }

  lost(error: BridgeError): void {
    this.isLost = true;
    // For what was not sent yet nothing is final: whoever asks for the session next hears whether there may be one.
    const passing = error instanceof RetryableError ? error : new UnreachableError(error.code, error.message, { cause: error });
    this.speech.lost(passing);
    this.attendance.lost(passing);
  }
}
