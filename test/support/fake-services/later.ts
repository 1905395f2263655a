// What a fake service does in a while: nothing any more once it has stopped.

export class Later {
  readonly #timers = new Set<NodeJS.Timeout>();
  #isStopped = false;

  in(ms: number, act: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
    // What ends because of the stop may still ask for another try.
    if (this.#isStopped) this.forget(timer);
    return timer;
  }

  forget(timer: NodeJS.Timeout | undefined): void {
    clearTimeout(timer);
    if (timer !== undefined) this.#timers.delete(timer);
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
