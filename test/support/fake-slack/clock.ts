// The fake's time: real, but it can be put forward, for tokens, codes and rate limits. Message ids come from it, since Slack's
// `ts` is a moment and an id at once: seconds, a dot, six digits; unique and rising (docs.slack.dev/reference/events/message).

export class Clock {
  #ahead = 0;
  #last = 0n;

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#ahead;
  }

  seconds(): number {
    return Math.floor(this.now() / 1000);
  }

  /** Waiting answers and retries are not hastened by it. */
  forward(ms: number): void {
    this.#ahead += ms;
  }

  ts(): string {
    const micros = BigInt(this.now()) * 1000n;
    this.#last = micros > this.#last ? micros : this.#last + 1n;
    return tsOf(this.#last);
  }
}

export function isTs(text: string): boolean {
  return /^\d{1,12}\.\d{6}$/.test(text);
}

/** For bounds that people give loosely (`0`, `1512085950`): comparable with ids. */
export function tsBound(text: string): string | undefined {
  const [, seconds, fraction = ''] = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  return seconds === undefined ? undefined : `${seconds.padStart(10, '0')}.${fraction.padEnd(6, '0')}`;
}

function tsOf(micros: bigint): string {
  return `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, '0')}`;
}
