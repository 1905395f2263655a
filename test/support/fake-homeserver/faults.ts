// Ways in which a homeserver can misbehave, switched on by a test for the requests that it names.

export interface Fault {
  /** Regular expression over `METHOD /path`; absent: every request. */
  readonly on?: string;
  /** Only what is asked as this user. */
  readonly user?: string;
  /** So many matching requests are spared first. */
  readonly after?: number;
  /** Of those that follow, only each so-manieth is hit. */
  readonly every?: number;
  /** So many are hit; absent: until it is cleared. */
  readonly times?: number;
  readonly act:
    | {
        readonly answer: number;
        readonly errcode?: string;
        readonly error?: string;
        readonly headers?: Record<string, string>;
        readonly extra?: object;
        /** All was done that was asked for, only the answer says otherwise. */
        readonly done?: true;
      }
    /** Closes the connection: before the request did anything, or after all of it was done. */
    | { readonly drop: 'before' | 'after' }
    | { readonly wait: number }
    /** Called once the request is there, which is done when that resolves. */
    | { readonly gate: () => Promise<unknown> }
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
  take(request: string, user: string): Fault['act'] | undefined {
    for (const standing of this.#standing) {
      const { after = 0, every = 1, user: only = user } = standing.fault;
      if (only !== user || (standing.pattern !== undefined && !standing.pattern.test(request))) continue;
      if (standing.spared < after || (standing.spared - after) % every < every - 1) {
        standing.spared += 1;
        continue;
      }
      if (every > 1) standing.spared += 1;
      standing.hit += 1;
      if (standing.hit >= (standing.fault.times ?? Number.POSITIVE_INFINITY)) {
        this.#standing = this.#standing.filter((other) => other !== standing);
      }
      return standing.fault.act;
    }
    return undefined;
  }
}
