// The bridge as an operator runs it: config files, `causeway register`, `causeway run` as a process of its own.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { askRunning } from '#bridge-core/host';
import { ServerProcess, tailOf } from '../../quickstart/servers/processes.ts';
import { runCommand } from '../../quickstart/servers/run-command.ts';

/** One bridge's config as YAML has it. */
export interface BridgeConfig {
  readonly homeserver: { readonly url: string; readonly domain: string };
  readonly appservice: { readonly listen: string; readonly url: string; readonly registration: string; readonly bot?: string };
  readonly [section: string]: unknown;
}

export interface BridgeProcessOptions {
  readonly folder: string;
  /** File name without `.yaml` → config: several run in the one process. Paths in them count from the folder. */
  readonly configs: Readonly<Record<string, BridgeConfig>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface LinkShown {
  readonly room: string;
  readonly channel: string;
  readonly state: string;
  /** `command`: asked for. */
  readonly origin: string;
  readonly reason?: string;
}

/** How far a start must be for it to resolve: `ready` can carry messages, `listening` answers the homeserver. */
export type Stage = 'ready' | 'listening' | 'spawned';

const program = join(import.meta.dirname, '../../bridges/main.ts');

export class BridgeProcess {
  readonly folder: string;
  readonly log: string;
  #configs: Record<string, BridgeConfig>;
  #env: Readonly<Record<string, string>>;
  #process: ServerProcess | undefined;

  constructor(options: BridgeProcessOptions) {
    this.folder = options.folder;
    this.log = join(options.folder, 'bridge.log');
    this.#configs = { ...options.configs };
    this.#env = options.env ?? {};
  }

  /** Where the first config listens: /health, /ready, /metrics. */
  get url(): string {
    return `http://${Object.values(this.#configs)[0]?.appservice.listen}`;
  }

  /** 0 before the first start. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#process !== undefined && !this.#process.hasExited;
  }

  /** How it ended, once it has. */
  get exited(): Promise<string> {
    return this.#process?.exited ?? Promise.resolve('never started');
  }

  /** Of its configs. */
  get names(): string[] {
    return Object.keys(this.#configs);
  }

  configOf(name: string): BridgeConfig {
    const config = this.#configs[name];
    if (!config) throw new Error(`No config called ${name}`);
    return config;
  }

  fileOf(name: string): string {
    return join(this.folder, `${name}.yaml`);
  }

  /** Comes into force at the next start, or with SIGHUP as far as that goes. */
  async configure(name: string, change: (config: BridgeConfig) => BridgeConfig): Promise<void> {
    this.#configs[name] = change(this.configOf(name));
    await this.#writeConfigs();
  }

  /** Writes registration files and resolves with their paths: the homeserver must know them before it starts. */
  async register(): Promise<string[]> {
    await this.#writeConfigs();
    for (const name of Object.keys(this.#configs)) {
      const { code, output } = await this.command('register', this.fileOf(name));
      if (code !== 0) throw new Error(`causeway register: exit code ${code}\n${output}`);
    }
    return Object.values(this.#configs).map((config) => join(this.folder, config.appservice.registration));
  }

  /** Any command of the command line. */
  command(...words: readonly string[]): Promise<{ code: number; output: string }> {
    return runCommand(process.execPath, [program, ...words], { cwd: this.folder, env: { ...process.env, ...this.#env } });
  }

  /** As `causeway links --json` shows them; the running bridge is asked without a process of its own for each time. */
  async links(name: string): Promise<LinkShown[]> {
    const running = await askRunning(join(this.folder, String(this.configOf(name).store)), 'links', {}).catch(() => undefined);
    return (running ?? JSON.parse((await this.command('links', this.fileOf(name), '--json')).output)) as unknown as LinkShown[];
  }

  async start(until: Stage = 'ready'): Promise<void> {
    if (this.isRunning) return;
    await this.#writeConfigs();
    const bridge = new ServerProcess({
      name: 'The bridge',
      command: process.execPath,
      args: [program, 'run', ...Object.keys(this.#configs).map((name) => this.fileOf(name))],
      cwd: this.folder,
      env: { ...process.env, ...this.#env },
      log: this.log,
    });
    this.#process = bridge;
    if (until === 'spawned') return;
    const path = until === 'ready' ? '/ready' : '/health';
    await bridge.waitUntil(async () => (await fetch(this.url + path, { signal: AbortSignal.timeout(10_000) })).ok, 180_000);
  }

  /** SIGTERM, and a kill after 20 s. */
  async stop(): Promise<void> {
    await this.#process?.stop(20_000);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#process?.signal(signal);
    await this.#process?.exited;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.signal(signal);
  }

  /** The lines of its log, over all its runs. */
  logLines(): Record<string, unknown>[] {
    return tailOf(this.log, Number.POSITIVE_INFINITY)
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  logTail(lines = 40): string {
    return tailOf(this.log, lines);
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.url}/metrics`)).text();
  }

  /** The sum of a metric over the series whose labels contain all of `labels`. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return (await this.metrics())
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => wanted.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async #writeConfigs(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    for (const [name, config] of Object.entries(this.#configs)) await writeFile(this.fileOf(name), dump(config));
  }
}
