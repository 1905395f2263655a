// What one session says: one unproved line at a time. A line is proved by whichever comes first of the answer to its label, our
// own echo of it, and the channel's reporter hearing our nick say something there; told apart by order, never by text, since
// servers rewrite it. Where none of these can come, or the server promised and on this connection never kept it, a PING behind the
// line proves that it was taken without complaint.

import { setTimeout as delay } from 'node:timers/promises';
import { type BridgeError, type RemoteMessageId, UnknownOutcomeError } from '#bridge-core';
import { makeMessageId } from './ids.ts';
import { sendRefusal } from './refusals.ts';
import type { IrcTiming } from './timing.ts';
import type { Connection, IrcLine, OutLine } from './wire/connection.ts';

/** One thing to say, usually one line; several make one multiline batch. */
export interface Said {
  /** As written, and folded. */
  readonly target: string;
  readonly folded: string;
  readonly lines: readonly OutLine[];
  /** How many lines of it another session hears. */
  readonly hearings: number;
}

interface Utterance extends Said {
  readonly resolve: (id: RemoteMessageId | undefined) => void;
  readonly reject: (error: BridgeError) => void;
  label: string | undefined;
  /** Reference of the batch that answers the label. */
  batch: string | undefined;
  isWritten: boolean;
  unheard: number;
  id: RemoteMessageId | undefined;
  timer: NodeJS.Timeout | undefined;
}

export interface SpeechParts {
  readonly connection: Connection;
  readonly timing: IrcTiming;
  /** A target's name as the rest of the adapter keys it. */
  readonly fold: (name: string) => string;
  /** The session whose hearing proves what we say there; never this one. */
  readonly reporter: (folded: string) => { fence(): Promise<void> } | undefined;
  /** The server does not answer: give the connection up. */
  readonly giveUp: (reason: string) => void;
}

/** Lines that the reporter should have heard, or the server echoed, and did not: then they are not relied upon. */
const mostUnheard = 64;

/** Is the line something that `say` was asked for? Typing notices, for one, are not. */
export function isUttered(line: IrcLine): boolean {
  if (line.command !== 'TAGMSG') return line.command === 'PRIVMSG' || line.command === 'NOTICE';
  return line.tags['+draft/react'] !== undefined || line.tags['+draft/unreact'] !== undefined;
}

export class Speech {
  readonly #parts: SpeechParts;
  readonly #waiting: Utterance[] = [];
  #current: Utterance | undefined;
  #isClearing = false;
  #lost: BridgeError | undefined;
  #labels = 0;
  /** The server answered a label or echoed a line, so that it means something where it does not. */
  #isShown = false;
  /** It promised that, and did not: a PING proves. */
  #isMute = false;
  /** In the order of saying; proved ones stay until their echo or hearing came by, so that it proves no later one. */
  #unechoed: Utterance[] = [];
  readonly #unheard = new Map<string, Utterance[]>();

  constructor(parts: SpeechParts) {
    this.#parts = parts;
  }

  get isBusy(): boolean {
    return this.#current !== undefined;
  }

  say(said: Said): Promise<RemoteMessageId | undefined> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      const fresh = { label: undefined, batch: undefined, isWritten: false, unheard: 0, id: undefined, timer: undefined };
      this.#waiting.push({ ...said, resolve, reject, ...fresh });
      this.#next();
    });
  }

  /** A line of our own connection. `isOwn`: its sender is this session. */
  heard(line: IrcLine, isOwn: boolean): void {
    const current = this.#current;
    if (current?.label !== undefined && this.#answersLabel(line, current)) return;
    if (isOwn) {
      if (isUttered(line)) this.#echoed(line);
      return;
    }
    if (current === undefined || (line.command.charCodeAt(0) > 57 && line.command !== 'FAIL')) return;
    const refusal = this.#refusalOf(line, current);
    if (refusal !== undefined) this.#fail(current, refusal);
  }

  /** The reporter of the channel heard our nick there. */
  overheard(folded: string, id: RemoteMessageId | undefined): void {
    const queue = this.#unheard.get(folded);
    if (queue === undefined) return;
    const at = id === undefined ? -1 : queue.findIndex((each) => each.id === id);
    if (at > 0) queue.splice(0, at);
    const first = queue[0];
    if (first === undefined || --first.unheard > 0) return;
    queue.shift();
    if (queue.length === 0) this.#unheard.delete(folded);
    this.#prove(first, id);
  }

  /** Another session reports the channel from now on: what it hears of earlier lines proves nothing. */
  handedOver(folded: string): void {
    this.#unheard.delete(folded);
    const current = this.#current;
    if (current?.folded === folded && current.isWritten) this.#proveByFence(current);
  }

  lost(error: BridgeError): void {
    this.#lost = error;
    const waiting = this.#waiting.splice(0);
    const current = this.#current;
    this.#current = undefined;
    this.#unechoed = [];
    this.#unheard.clear();
    if (current !== undefined) {
      clearTimeout(current.timer);
      const unknown = `${current.target}: the connection was lost before the line was proved`;
      current.reject(current.isWritten ? new UnknownOutcomeError(unknown, { cause: error }) : error);
    }
    for (const each of waiting) each.reject(error);
  }

  #next(): void {
    if (this.#current !== undefined || this.#isClearing || this.#lost !== undefined) return;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#begin(next);
  }

  #begin(utterance: Utterance): void {
    const { connection, timing } = this.#parts;
    this.#current = utterance;
    if (connection.capabilities.has('labeled-response')) utterance.label = `.${(++this.#labels).toString(36)}`;
    else if (connection.capabilities.has('echo-message')) {
      // A server that promises echoes and sends none: others prove what we say, and this must not grow for it.
      if (this.#unechoed.length >= mostUnheard) this.#unechoed = [];
      this.#unechoed.push(utterance);
    }
    if (this.#parts.reporter(utterance.folded) !== undefined) this.#expectHearing(utterance);
    let written: Promise<void> = Promise.resolve();
    for (const [at, line] of utterance.lines.entries()) {
      const label = utterance.label;
      written = connection.send(at === 0 && label !== undefined ? { ...line, tags: { label, ...line.tags } } : line);
      if (at < utterance.lines.length - 1) written.catch(() => {});
    }
    written.then(
      () => {
        utterance.isWritten = true;
        if (this.#current !== utterance) return;
        utterance.timer = setTimeout(() => this.#doubt(utterance), timing.proof);
        this.#proveByFence(utterance);
      },
      (error: BridgeError) => this.#fail(utterance, error),
    );
  }

  #expectHearing(utterance: Utterance): void {
    utterance.unheard = utterance.hearings;
    const queue = this.#unheard.get(utterance.folded);
    if (queue === undefined) this.#unheard.set(utterance.folded, [utterance]);
    else if (queue.length >= mostUnheard) this.#unheard.delete(utterance.folded);
    else queue.push(utterance);
  }

  /** Only where nothing else can prove it. */
  #proveByFence(utterance: Utterance): void {
    const isPromised = utterance.label !== undefined || this.#unechoed.includes(utterance);
    if ((isPromised && !this.#isMute) || this.#isHearable(utterance)) return;
    this.#parts.connection.fence().then(
      () => this.#prove(utterance, undefined),
      () => {},
    );
  }

  #isHearable(utterance: Utterance): boolean {
    return this.#unheard.get(utterance.folded)?.includes(utterance) ?? false;
  }

  #showed(): void {
    this.#isShown = true;
    this.#isMute = false;
  }

  #answersLabel(line: IrcLine, current: Utterance): boolean {
    const isDirect = line.tags.label === current.label;
    const isWithin = current.batch !== undefined && (line.tags.batch === current.batch || line.params[0] === `-${current.batch}`);
    if (!isDirect && !isWithin) return false;
    this.#showed();
    if (line.command === 'BATCH' && line.params[0]?.startsWith('+')) {
      current.batch ??= line.params[0].slice(1);
      return true;
    }
    if (isUttered(line)) {
      current.id = makeMessageId(line.tags.msgid);
      if (isDirect) this.#prove(current, current.id);
      return true;
    }
    const refusal = this.#refusalOf(line, current);
    if (refusal !== undefined) this.#fail(current, refusal);
    else if (line.command === 'ACK' || line.command === 'BATCH') this.#acknowledged(current);
    return true;
  }

  /** Taken; but its id may be on the way to the reporter, and others will point at it. */
  #acknowledged(utterance: Utterance): void {
    const { connection, timing } = this.#parts;
    if (utterance.id !== undefined || !this.#isHearable(utterance) || !connection.capabilities.has('message-tags')) {
      this.#prove(utterance, utterance.id);
      return;
    }
    clearTimeout(utterance.timer);
    utterance.timer = setTimeout(() => this.#prove(utterance, undefined), timing.idAfterProof);
  }

  #echoed(line: IrcLine): void {
    const folded = this.#parts.fold(line.params[0] ?? '');
    const at = this.#unechoed.findIndex((each) => each.folded === folded);
    if (at < 0) return;
    const [utterance] = this.#unechoed.splice(at, 1);
    this.#showed();
    if (utterance !== undefined) this.#prove(utterance, makeMessageId(line.tags.msgid));
  }

  #refusalOf(line: IrcLine, current: Utterance): BridgeError | undefined {
    const { fold } = this.#parts;
    return sendRefusal(line, current.lines[0]?.command ?? '', current.target, (name) => fold(name) === current.folded);
  }

  #prove(utterance: Utterance, id: RemoteMessageId | undefined): void {
    utterance.id ??= id;
    if (this.#current !== utterance) return;
    clearTimeout(utterance.timer);
    this.#current = undefined;
    utterance.resolve(utterance.id);
    this.#next();
  }

  #fail(utterance: Utterance, error: BridgeError): void {
    if (this.#current !== utterance) return;
    clearTimeout(utterance.timer);
    this.#current = undefined;
    this.#forget(utterance);
    utterance.reject(error);
    this.#next();
  }

  #forget(utterance: Utterance): void {
    this.#unechoed = this.#unechoed.filter((each) => each !== utterance);
    const queue = this.#unheard.get(utterance.folded)?.filter((each) => each !== utterance);
    if (queue !== undefined) this.#unheard.set(utterance.folded, queue);
  }

  /** No proof in time. */
  #doubt(utterance: Utterance): void {
    if (this.#current !== utterance) return;
    if (this.#isShown || this.#isHearable(utterance)) {
      this.#giveUpOn(utterance);
      return;
    }
    // Nobody but the server could have shown it, which never showed anything.
    const take = () => {
      if (this.#current !== utterance) return;
      this.#isMute = !this.#isShown;
      this.#prove(utterance, undefined);
    };
    this.#answered().then(take, () => {});
  }

  /** What comes of it later must not prove the next line: ask first us, then the reporter, to have heard all. */
  #giveUpOn(utterance: Utterance): void {
    const { timing } = this.#parts;
    this.#current = undefined;
    this.#isClearing = true;
    utterance.reject(new UnknownOutcomeError(`${utterance.target}: the network has not proved the line within ${timing.proof / 1_000} s`));
    const reporterHeard = () =>
      Promise.race([this.#parts.reporter(utterance.folded)?.fence(), delay(timing.answer, undefined, { ref: false })]);
    this.#answered()
      .then(reporterHeard)
      .catch(() => {})
      .then(() => {
        this.#isClearing = false;
        this.#unechoed = [];
        this.#unheard.delete(utterance.folded);
        this.#next();
      });
  }

  /** The server has dealt with all that we said; else the connection is given up. */
  #answered(): Promise<void> {
    const { connection, timing } = this.#parts;
    const patience = setTimeout(() => this.#parts.giveUp('the server does not answer'), timing.answer);
    return connection.fence().finally(() => clearTimeout(patience));
  }
}
