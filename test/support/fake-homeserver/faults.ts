// Ways in which a homeserver can misbehave, switched on by a test for the requests that it names.

export interface Fault {
  /** Regular expression over `METHOD /path`; absent: every request. */
  readonly on?: string;
  /** So many matching requests are spared first. */
  readonly after?: number;
  /** So many are hit; absent: until it is cleared. */
  readonly times?: number;
  readonly act:
    | {
        readonly answer: number;
        readonly errcode?: string;
        readonly error?: string;
        readonly headers?: Record<string, string>;
        readonly extra?: object;
      }
    /** Closes the connection: before the request did anything, or after all of it was done. */
    | { readonly drop: 'before' | 'after' }
    | { readonly wait: number }
    /** Sends half the answer, then closes. */
    | { readonly truncate: true }
    | { readonly raw: string; readonly status?: number };
}

export class Faults {
  #standing: { fault: Fault; pattern: RegExp | undefined; spared: number; hit: number }[] = [];

  get none(): boolean {
    return this.#standing.length === 0;
  }

  add(fault: Fault): void {
    this.#standing.push({ fault, pattern: fault.on === undefined ? undefined : new RegExp(fault.on), spared: 0, hit: 0 });
  }

  clear(): void {
    this.#standing = [];
  }

  /** The act for this request, if one is due; counts it. */
  take(request: string): Fault['act'] | undefined {
    for (const standing of this.#standing) {
      if (standing.pattern !== undefined && !standing.pattern.test(request)) continue;
      if (standing.spared < (standing.fault.after ?? 0)) {
        standing.spared += 1;
        continue;
      }
      standing.hit += 1;
      if (standing.hit >= (standing.fault.times ?? Number.POSITIVE_INFINITY)) {
        this.#standing = this.#standing.filter((other) => other !== standing);
      }
      return standing.fault.act;
    }
    return undefined;
  }
}
