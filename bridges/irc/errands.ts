// Commands of a session other than speech (TOPIC, KICK, REDACT, NICK, AWAY): sent, and done once the server has answered or
// let a PING behind them pass without complaint.

import type { BridgeError } from '#bridge-core';
import type { Connection, IrcLine, OutLine } from './wire/connection.ts';

type Refusal = (line: IrcLine) => BridgeError | undefined;

export class Errands {
  readonly #connection: Connection;
  readonly #timeout: number;
  readonly #watched = new Set<(line: IrcLine) => void>();

  constructor(connection: Connection, timeout: number) {
    this.#connection = connection;
    this.#timeout = timeout;
  }

  heard(line: IrcLine): void {
    for (const watch of this.#watched) watch(line);
  }

  /** Rejects with what `refusal` makes of any line that comes before the command is through. */
  async run(line: OutLine, refusal: Refusal): Promise<void> {
    if (this.#connection.capabilities.has('labeled-response')) {
      for (const answer of await this.#connection.ask(line, { lane: 'command', timeout: this.#timeout })) {
        const error = refusal(answer);
        if (error !== undefined) throw error;
      }
      return;
    }
    let refused: BridgeError | undefined;
    const watch = (heard: IrcLine) => {
      refused ??= refusal(heard);
    };
    this.#watched.add(watch);
    try {
      await this.#connection.send(line, 'command');
      await this.#connection.fence();
    } finally {
      this.#watched.delete(watch);
    }
    if (refused !== undefined) throw refused;
  }
}
