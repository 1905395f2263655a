// One client of the Bayeux server: its subscriptions, its numbers, and the line by which it is reached now: a WebSocket, a held request, or
// none, in which case what comes is kept for it (as faye's engine does).

import type { Transport } from './faults.ts';
import type { Token } from './model.ts';

/** A Bayeux message, in or out. */
export interface BayeuxMessage {
  readonly channel: string;
  readonly id?: string;
  readonly clientId?: string;
  readonly successful?: boolean;
  readonly error?: string;
  readonly subscription?: unknown;
  readonly connectionType?: string;
  readonly supportedConnectionTypes?: readonly string[];
  readonly version?: string;
  readonly data?: unknown;
  readonly advice?: Readonly<Record<string, unknown>>;
  readonly ext?: Readonly<Record<string, unknown>>;
}

/** What a client's messages come by. */
export interface Line {
  readonly transport: Exclude<Transport, 'stream'>;
  send(messages: readonly BayeuxMessage[]): void;
  /** Without an answer, as networks do. */
  cut(): void;
  close(): void;
}

export class BayeuxClient {
  readonly id: string;
  readonly token: Token;
  /** Of the handshake: `client`, `connType`, `troupeId` and the like. */
  readonly ext: Readonly<Record<string, unknown>>;
  readonly subscriptions = new Set<string>();
  transport: Line['transport'] = 'long-polling';
  #count = 0;
  #socket: Line | undefined;
  #held: { readonly line: Line; readonly answer: (events: readonly BayeuxMessage[]) => void } | undefined;
  #kept: BayeuxMessage[] = [];
  #isFlushing = false;

  constructor(id: string, token: Token, ext: BayeuxClient['ext']) {
    this.id = id;
    this.token = token;
    this.ext = ext;
  }

  /** The next `ext.c`. */
  number(): number {
    this.#count += 1;
    return this.#count;
  }

  isReachable(): boolean {
    return this.#socket !== undefined || this.#held !== undefined;
  }

  /** Whichever line a message of the client came by last. */
  attach(line: Line): void {
    this.transport = line.transport;
    if (line.transport === 'websocket') this.#socket = line;
  }

  detach(line: Line): void {
    if (this.#socket === line) this.#socket = undefined;
    if (this.#held?.line === line) this.#held = undefined;
  }

  /** Keeps a request to connect until there is something to say, or the function that it gives back is called; `answer` gets what is. */
  hold(line: Line, answer: (events: readonly BayeuxMessage[]) => void): () => void {
    this.#held?.answer([]);
    const held = { line, answer };
    this.#held = held;
    return () => {
      if (this.#held === held) this.flush();
    };
  }

  hasKept(): boolean {
    return this.#kept.length > 0;
  }

  deliver(message: BayeuxMessage): void {
    if (this.#socket !== undefined) {
      this.#socket.send([...this.takeKept(), message]);
      return;
    }
    this.#kept.push(message);
    if (this.#held === undefined || this.#isFlushing) return;
    this.#isFlushing = true;
    // One answer for what comes in one go.
    setImmediate(() => {
      this.#isFlushing = false;
      if (this.#held !== undefined) this.flush();
    });
  }

  /** Answers the held request with what there is. */
  flush(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.answer(this.takeKept());
  }

  /** What was kept, for a request that does not wait. */
  takeKept(): BayeuxMessage[] {
    const events = this.#kept;
    this.#kept = [];
    return events;
  }

  cut(): void {
    const lines = [this.#socket, this.#held?.line];
    this.#socket = undefined;
    this.#held = undefined;
    for (const line of lines) line?.cut();
  }

  close(): void {
    this.flush();
    this.#socket?.close();
    this.#socket = undefined;
  }
}
