// Gitter's streaming API: one endless answer for each room, new messages only. Objects stand between line ends of either style, with
// blanks to keep the connection alive, and come in pieces that may end within a character: braces are counted, outside of strings.

import { request } from 'node:http';
import { request as requestSafely } from 'node:https';

export interface StreamOptions {
  readonly streamUrl: string;
  readonly token: string;
  readonly room: string;
  readonly onMessage: (message: unknown) => void;
  /** `refused`: for good. */
  readonly onState: (state: 'up' | 'down' | 'refused', reason?: string) => void;
  /** The token was not taken, be it by something between. */
  readonly onDoubt?: () => void;
  /** ms between tries. */
  readonly firstPause?: number;
  readonly longestPause?: number;
  /** ms without a sign of life. */
  readonly silence?: number;
}

export class RoomStream {
  readonly #options: StreamOptions;
  #isClosed = false;
  #pause: number;
  #timer: NodeJS.Timeout | undefined;
  #destroy: (() => void) | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#pause = options.firstPause ?? 2_000;
    this.#open();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#destroy?.();
  }

  #open(): void {
    const { streamUrl, token, room, onMessage, onState, silence = 120_000, firstPause = 2_000 } = this.#options;
    const url = new URL(`${streamUrl}/rooms/${encodeURIComponent(room)}/chatMessages`);
    const ask = url.protocol === 'https:' ? requestSafely : request;
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
    let isUp = false;
    let isOver = false;
    const over = (reason: string, isRefused = false) => {
      if (isOver) return;
      isOver = true;
      asked.destroy();
      if (this.#isClosed) return;
      onState(isRefused ? 'refused' : 'down', reason);
      if (!isRefused) this.#again();
    };
    const asked = ask(url, { headers, timeout: silence }, (answer) => {
      if (answer.statusCode !== 200) {
        answer.resume();
        const status = answer.statusCode ?? 0;
        if (status === 401) this.#options.onDoubt?.();
        return over(`the stream answers ${status}`, status === 403 || status === 404);
      }
      isUp = true;
      this.#pause = firstPause;
      onState('up');
      const scanner = new ObjectScanner(onMessage);
      answer.on('data', (bytes: Buffer) => scanner.take(bytes));
      answer.on('end', () => over('the stream ended'));
      answer.on('error', (thrown) => over(thrown.message));
      answer.on('close', () => over('the stream was cut'));
    });
    asked.on('timeout', () => over('the stream is silent'));
    asked.on('error', (thrown) => over(isUp ? thrown.message : `the stream cannot be opened: ${thrown.message}`));
    asked.end();
    this.#destroy = () => asked.destroy();
  }

  #again(): void {
    this.#timer = setTimeout(() => this.#open(), this.#pause);
    this.#pause = Math.min(this.#options.longestPause ?? 60_000, this.#pause * 2);
  }
}

/** More for one object is no message. */
const longest = 1_000_000;

/** JSON objects out of whatever pieces they come in. */
export class ObjectScanner {
  readonly #found: (value: unknown) => void;
  readonly #decoder = new TextDecoder();
  #text = '';
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  constructor(found: (value: unknown) => void) {
    this.#found = found;
  }

  take(bytes: Uint8Array): void {
    for (const sign of this.#decoder.decode(bytes, { stream: true })) this.#sign(sign);
  }

  #sign(sign: string): void {
    if (this.#depth === 0 && sign !== '{') return;
    this.#text += sign;
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#isInString) {
      if (sign === '\\') this.#isEscaped = true;
      else if (sign === '"') this.#isInString = false;
    } else if (sign === '"') this.#isInString = true;
    else if (sign === '{') this.#depth += 1;
    else if (sign === '}') {
      this.#depth -= 1;
      if (this.#depth === 0) this.#finish();
    }
    if (this.#text.length > longest) this.#reset();
  }

  #finish(): void {
    const text = this.#text;
    this.#reset();
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return;
    }
    this.#found(value);
  }

  #reset(): void {
    this.#text = '';
    this.#depth = 0;
    this.#isInString = false;
    this.#isEscaped = false;
  }
}
