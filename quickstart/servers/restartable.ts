// A server that is started, stopped, killed and started again on the same port and data, whichever program it is.

import type { ServerProcess } from './processes.ts';

export abstract class Restartable {
  readonly #graceMs: number;
  #process: ServerProcess | undefined;

  /** How long it may take to end when asked to. */
  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  get isRunning(): boolean {
    return this.#process?.hasExited === false;
  }

  /** Of the running process; 0 while there is none. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  async stop(): Promise<void> {
    await this.#process?.stop(this.#graceMs);
  }

  /** As a power cut would end it. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** SIGSTOP and SIGCONT make it hang and go on. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.signal(signal);
  }

  logTail(lines = 20): string {
    return this.#process?.tail(lines) ?? '';
  }

  /** Ready when it resolves; where it is not in time, it is gone. */
  protected async run(process: ServerProcess, answers: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    this.#process = process;
    try {
      await process.waitUntil(answers, timeoutMs);
    } catch (error) {
      await process.kill();
      throw error;
    }
  }
}
