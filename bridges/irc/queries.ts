// Questions to the server whose answers are numerics without a name on them: asked one at a time, through the bot.

import { type BridgeError, RetryableError } from '#bridge-core';
import type { Connection, IrcLine, OutLine } from './wire/connection.ts';

interface Question {
  readonly line: OutLine;
  readonly isPart: (line: IrcLine) => boolean;
  readonly isEnd: (line: IrcLine) => boolean;
  readonly resolve: (lines: IrcLine[]) => void;
  readonly reject: (error: BridgeError) => void;
  readonly lines: IrcLine[];
  timer: NodeJS.Timeout | undefined;
}

/** Channels that LIST may name; more is more than anybody reads. */
const maxLines = 100_000;

/** Questions that may wait. Anybody on Matrix provokes one by inviting a ghost that nobody knows. */
const maxWaiting = 50;

export class Queries {
  readonly #timeout: number;
  readonly #waiting: Question[] = [];
  #asked: Question | undefined;
  #connection: Connection | undefined;

  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /** Is somebody called this online? The nick as they write it, or undefined. */
  async isOnline(nick: string, same: (a: string) => boolean): Promise<string | undefined> {
    const lines = await this.#ask({ command: 'ISON', params: [nick] }, '303', '303');
    const online = lines.flatMap((line) => (line.params.at(-1) ?? '').split(' '));
    return online.find(same);
  }

  /** Name and topic of channels that are not secret. */
  async list(mask?: string): Promise<{ readonly name: string; readonly topic: string }[]> {
    const lines = await this.#ask({ command: 'LIST', params: mask === undefined ? [] : [mask] }, '322', '323');
    return lines
      .filter((line) => line.command === '322')
      .map((line) => ({ name: line.params[1] ?? '', topic: (line.params[3] ?? '').replace(/^\[[^\]]*\] ?/, '') }));
  }

  connected(connection: Connection): void {
    this.#connection = connection;
    this.#next();
  }

  heard(line: IrcLine): void {
    const asked = this.#asked;
    if (asked === undefined) return;
    if (line.command === '263') {
      this.#finish();
      asked.reject(new RetryableError('NETWORK_BUSY', 'the server asks to wait before the next question', { after: 10_000 }));
      return;
    }
    if (asked.isPart(line) && asked.lines.length < maxLines) asked.lines.push(line);
    if (!asked.isEnd(line)) return;
    this.#finish();
    asked.resolve(asked.lines);
  }

  lost(error: BridgeError): void {
    this.#connection = undefined;
    const open = [...(this.#asked === undefined ? [] : [this.#asked]), ...this.#waiting.splice(0)];
    clearTimeout(this.#asked?.timer);
    this.#asked = undefined;
    for (const question of open) question.reject(error);
  }

  #ask(line: OutLine, part: string, end: string): Promise<IrcLine[]> {
    if (this.#waiting.length >= maxWaiting)
      return Promise.reject(new RetryableError('NETWORK_BUSY', 'too many questions wait for the server already'));
    return new Promise((resolve, reject) => {
      const isPart = (heard: IrcLine) => heard.command === part;
      const isEnd = (heard: IrcLine) => heard.command === end;
      this.#waiting.push({ line, isPart, isEnd, resolve, reject, lines: [], timer: undefined });
      this.#next();
    });
  }

  #next(): void {
    if (this.#asked !== undefined || this.#connection === undefined) return;
    const question = this.#waiting.shift();
    if (question === undefined) return;
    this.#asked = question;
    const connection = this.#connection;
    question.timer = setTimeout(() => {
      question.reject(new RetryableError('NETWORK_BUSY', 'the server did not answer in time'));
      // Its answer may still come, maybe it was not even sent yet: nobody else's is asked for before that is over.
      const over = () => {
        if (this.#asked === question) this.#finish();
      };
      connection.fence().then(over, over);
    }, this.#timeout);
    // In turn with people's lines, never before them: else questions without end would keep the bot from speaking.
    connection.send(question.line, 'message').catch(() => {});
  }

  #finish(): void {
    clearTimeout(this.#asked?.timer);
    this.#asked = undefined;
    queueMicrotask(() => this.#next());
  }
}
