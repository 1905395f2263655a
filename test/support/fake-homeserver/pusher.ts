// Sends events to the application service as Synapse does: one transaction at a time, up to 100 events in one, a failed one
// again and again with a growing pause that a ping of ours ends.

import { Agent, request } from 'node:http';
import type { RawEvent } from './world.ts';

export interface PusherOptions {
  readonly hsToken: string;
  /** First pause after a failure; each further one doubles it, nine times at most. */
  readonly backoff: number;
  readonly ephemeralKeys: 'stable' | 'unstable' | 'both';
}

interface Transaction {
  readonly id: number;
  readonly body: string;
  readonly size: number;
}

export class Pusher {
  readonly #options: PusherOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  #base: string | undefined;
  #events: RawEvent[] = [];
  #ephemeral: object[] = [];
  #number = 0;
  #inHand: Transaction | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #stopped = false;
  #idle: (() => void)[] = [];
  /** Transactions that were answered 200, and tries that were not. */
  readonly counts = { accepted: 0, failed: 0, events: 0 };

  constructor(options: PusherOptions) {
    this.#options = options;
  }

  pushTo(base: string | undefined): void {
    this.#base = base;
    this.#next();
  }

  event(event: RawEvent): void {
    if (this.#base === undefined) return;
    this.#events.push(event);
    this.#next();
  }

  ephemeral(event: object): void {
    if (this.#base === undefined) return;
    this.#ephemeral.push(event);
    this.#next();
  }

  /** Numbers begin again at 1, as after a restart of Synapse on SQLite; what was under way comes again. */
  restart(): void {
    this.#number = 0;
  }

  /** Resolves once all is delivered. */
  async drained(): Promise<void> {
    while (this.#busy || this.#timer !== undefined || this.#events.length > 0 || this.#ephemeral.length > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  get waiting(): number {
    return this.#events.length + (this.#inHand?.size ?? 0);
  }

  /** The appservice can be reached: no more waiting. */
  wake(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#failures = 0;
    this.#next();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#events = [];
    this.#ephemeral = [];
    this.#agent.destroy();
  }

  /** A request to the appservice; the answer's status, 0 where there was none. */
  ask(method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve) => {
      if (this.#base === undefined) {
        resolve({ status: 0, text: 'no url' });
        return;
      }
      const headers = { authorization: `Bearer ${this.#options.hsToken}`, 'content-type': 'application/json' };
      const asked = request(this.#base + path, { method, agent: this.#agent, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        answer.on('error', (error) => resolve({ status: 0, text: error.message }));
      });
      asked.on('error', (error) => resolve({ status: 0, text: error.message }));
      asked.end(body);
    });
  }

  #next(): void {
    if (this.#busy || this.#stopped || this.#base === undefined || this.#timer !== undefined) return;
    if (this.#inHand === undefined && this.#events.length === 0 && this.#ephemeral.length === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#busy = true;
    // What comes within this turn goes along.
    setImmediate(() => {
      this.#inHand ??= this.#compose();
      void this.#push(this.#inHand);
    });
  }

  #compose(): Transaction {
    this.#number += 1;
    const id = this.#number;
    const events = this.#events.splice(0, 100);
    const ephemeral = this.#ephemeral.splice(0, 100);
    const { ephemeralKeys } = this.#options;
    const body = {
      events,
      ...(ephemeral.length > 0 && ephemeralKeys !== 'unstable' && { ephemeral }),
      ...(ephemeral.length > 0 && ephemeralKeys !== 'stable' && { 'de.sorunome.msc2409.ephemeral': ephemeral }),
    };
    return { id, body: JSON.stringify(body), size: events.length };
  }

  async #push(transaction: Transaction): Promise<void> {
    const { status } = await this.ask('PUT', `/_matrix/app/v1/transactions/${transaction.id}`, transaction.body);
    this.#busy = false;
    if (this.#stopped) return;
    if (status === 200) {
      this.#inHand = undefined;
      this.#failures = 0;
      this.counts.accepted += 1;
      this.counts.events += transaction.size;
    } else {
      this.counts.failed += 1;
      const pause = this.#options.backoff * 2 ** Math.min(this.#failures, 8);
      this.#failures += 1;
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#next();
      }, pause);
    }
    this.#next();
  }
}
