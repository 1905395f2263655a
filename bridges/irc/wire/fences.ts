// PINGs that prove that everything before them was answered: one is under way, and all who ask meanwhile share the next.

export class Fences {
  readonly #send: (token: string) => void;
  #count = 0;
  #current: PromiseWithResolvers<void> | undefined;
  #next: PromiseWithResolvers<void> | undefined;

  /** `send` writes a PING with this token behind all that waits to be sent now. */
  constructor(send: (token: string) => void) {
    this.#send = send;
  }

  get isIdle(): boolean {
    return this.#current === undefined;
  }

  raise(): Promise<void> {
    if (this.#current === undefined) {
      this.#current = unheard();
      this.#ping();
      return this.#current.promise;
    }
    // What was sent since the PING that is under way is proved by the next one only.
    this.#next ??= unheard();
    return this.#next.promise;
  }

  /** A PONG with this token; some old servers leave it out. */
  answered(token: string | undefined): void {
    if (this.#current === undefined || (token !== undefined && token !== this.#token)) return;
    this.#current.resolve();
    this.#current = this.#next;
    this.#next = undefined;
    if (this.#current !== undefined) this.#ping();
  }

  drop(error: Error): void {
    this.#current?.reject(error);
    this.#next?.reject(error);
    this.#current = undefined;
    this.#next = undefined;
  }

  get #token(): string {
    return `fence${this.#count}`;
  }

  #ping(): void {
    this.#count++;
    this.#send(this.#token);
  }
}

/** A rejection that nobody awaits must not end the process. */
function unheard(): PromiseWithResolvers<void> {
  const made = Promise.withResolvers<void>();
  made.promise.catch(() => undefined);
  return made;
}
