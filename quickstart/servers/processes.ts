// Server processes that end when we end. Each is started in a process group of its own, so that a terminal's Ctrl-C reaches
// only us and we stop them in order; what they print goes to a file.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Something that the person at the terminal must see to; the message says what, so no stack is shown. */
export class SetupError extends Error {
  override name = 'SetupError';
}

export interface ProcessOptions {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** File that takes what it prints; appended to. */
  readonly log: string;
}

const running = new Set<ServerProcess>();
let isWatchingOurEnd = false;
let diesWithUs: readonly string[] | undefined;

export class ServerProcess {
  readonly name: string;
  readonly pid: number;
  readonly log: string;
  /** Resolves with how it ended, in words. */
  readonly exited: Promise<string>;
  #ended: string | undefined;

  constructor(options: ProcessOptions) {
    watchOurEnd();
    mkdirSync(dirname(options.log), { recursive: true });
    const output = openSync(options.log, 'a');
    const prefix = prefixThatDiesWithUs();
    const [command = options.command, ...args] = [...prefix, options.command, ...options.args];
    let child: ChildProcess;
    try {
      child = spawn(command, args, { cwd: options.cwd, env: options.env, detached: true, stdio: ['ignore', output, output] });
    } finally {
      closeSync(output);
    }
    this.name = options.name;
    this.log = options.log;
    this.pid = child.pid ?? 0;
    running.add(this);
    this.exited = new Promise((resolve) => {
      const end = (how: string) => {
        this.#ended = how;
        running.delete(this);
        resolve(how);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(signal ? `ended by ${signal}` : `exit code ${code}`));
    });
  }

  get hasExited(): boolean {
    return this.#ended !== undefined;
  }

  /** Asks it to end, and makes it after `graceMs`. */
  async stop(graceMs = 15_000): Promise<void> {
    this.signal('SIGTERM');
    const patience = new AbortController();
    const late = delay(graceMs, undefined, { signal: patience.signal }).then(
      () => this.signal('SIGKILL'),
      () => undefined,
    );
    await this.exited;
    patience.abort();
    await late;
  }

  /** As a power cut would end it. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.hasExited || this.pid === 0) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Gone between the check and the call.
    }
  }

  /** The last lines that it printed, for error messages. */
  tail(lines = 20): string {
    return tailOf(this.log, lines);
  }

  /** Polls `answers` until it is true; rejects with the log's tail where the process ends first or the time is over. */
  async waitUntil(answers: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (let pause = 10; ; pause = Math.min(pause * 1.5, 200)) {
      if (this.hasExited) throw new SetupError(`${this.name} ended while starting (${this.#ended}). Its last lines:\n${this.tail()}`);
      if (await answers().catch(() => false)) return;
      if (Date.now() > deadline) {
        throw new SetupError(`${this.name} was not ready after ${timeoutMs / 1000} s. Its last lines:\n${this.tail()}`);
      }
      await Promise.race([delay(pause), this.exited]);
    }
  }
}

export function tailOf(file: string, lines: number): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '(no log)';
  }
}

/** Where the kernel can be told to end a child with its parent (even one killed with -9), the words to put before a command. */
function prefixThatDiesWithUs(): readonly string[] {
  if (!diesWithUs) {
    const words = ['setpriv', '--pdeathsig', 'KILL', '--'];
    const trial = spawnSync('setpriv', [...words.slice(1), 'true'], { stdio: 'ignore' });
    diesWithUs = trial.status === 0 ? words : [];
  }
  return diesWithUs;
}

function watchOurEnd(): void {
  if (isWatchingOurEnd) return;
  isWatchingOurEnd = true;
  const killAll = () => {
    for (const child of running) child.signal('SIGKILL');
  };
  process.on('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const onSignal = () => {
      // Somebody else listens too: then stopping in order is theirs, and 'exit' catches what they leave.
      if (process.listenerCount(signal) > 1) return;
      killAll();
      process.off(signal, onSignal);
      process.kill(process.pid, signal);
    };
    process.on(signal, onSignal);
  }
}
