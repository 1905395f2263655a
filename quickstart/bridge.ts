// The bridge as an operator sets it up: a config in YAML, `causeway register`, `causeway run`.

import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { dump, load } from 'js-yaml';
import type { IrcPlace } from './places.ts';
import { freePort } from './servers/ports.ts';
import { ServerProcess, SetupError } from './servers/processes.ts';
import { runCommand } from './servers/run-command.ts';

const program = join(import.meta.dirname, '../bridges/main.ts');

export interface TrialBridgeOptions {
  readonly folder: string;
  readonly homeserver: { readonly url: string; readonly domain: string };
  readonly irc: IrcPlace;
  /** One that the homeserver has; undefined: made by `causeway register`. */
  readonly registration: string | undefined;
  /** Where the homeserver reaches the bridge; undefined: on the loopback. */
  readonly appserviceUrl: string | undefined;
}

interface RegistrationFile {
  readonly url: string;
  readonly as_token: string;
  readonly sender_localpart: string;
}

export class TrialBridge {
  readonly configFile: string;
  readonly registrationFile: string;
  readonly #options: TrialBridgeOptions;
  #listen = '';
  #bot = 'ircbot';
  #url = '';
  #process: ServerProcess | undefined;

  constructor(options: TrialBridgeOptions) {
    this.#options = options;
    this.configFile = join(options.folder, 'irc.yaml');
    this.registrationFile = options.registration ? resolve(options.registration) : join(options.folder, 'registration.yaml');
  }

  /** Writes the config and the registration that belongs to it. */
  async prepare(): Promise<{ asToken: string; url: string }> {
    await mkdir(this.#options.folder, { recursive: true });
    const earlier = existsSync(this.registrationFile) ? await this.#readRegistration() : undefined;
    if (this.#options.registration !== undefined && !earlier) throw new SetupError(`There is no registration ${this.registrationFile}.`);
    // The homeserver has the address of the earlier one, so it must stay.
    this.#url = this.#options.appserviceUrl ?? earlier?.url ?? `http://127.0.0.1:${await freePort()}`;
    this.#bot = earlier?.sender_localpart ?? this.#bot;
    const { hostname, port, protocol } = new URL(this.#url);
    const isHere = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
    this.#listen = `${isHere ? '127.0.0.1' : '0.0.0.0'}:${port || (protocol === 'https:' ? 443 : 80)}`;
    await this.#writeConfig([]);
    if (this.#options.registration === undefined) await this.#causeway('register', this.configFile);
    const { as_token: asToken } = await this.#readRegistration();
    return { asToken, url: this.#url };
  }

  /** Resolves once it is ready to carry messages between the two. */
  async run(room: string, channel: string): Promise<void> {
    await this.#writeConfig([{ network: 'local', channel, room }]);
    this.#process = new ServerProcess({
      name: 'The bridge',
      command: process.execPath,
      args: [program, 'run', this.configFile],
      log: join(this.#options.folder, 'bridge.log'),
    });
    const ready = `http://${this.#listen.replace('0.0.0.0', '127.0.0.1')}/ready`;
    await this.#process.waitUntil(async () => (await fetch(ready, { signal: AbortSignal.timeout(10_000) })).ok, 120_000);
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  logTail(lines = 20): string {
    return this.#process?.tail(lines) ?? '';
  }

  async #writeConfig(links: readonly object[]): Promise<void> {
    const { homeserver, irc } = this.#options;
    const local = { host: irc.host, port: irc.port, tls: irc.tls, ...(irc.isOurs ? { flood: 'off', puppets: { max: 2_000 } } : {}) };
    const config = {
      homeserver: { url: homeserver.url, domain: homeserver.domain },
      appservice: { listen: this.#listen, url: this.#url, registration: this.registrationFile, bot: this.#bot },
      store: 'irc.db',
      permissions: { [homeserver.domain]: 'user' },
      irc: { networks: { local }, links },
    };
    await writeFile(this.configFile, dump(config), { mode: 0o600 });
  }

  async #readRegistration(): Promise<RegistrationFile> {
    const read = load(await readFile(this.registrationFile, 'utf8')) as Partial<RegistrationFile> | undefined;
    if (typeof read?.url === 'string' && typeof read.as_token === 'string' && typeof read.sender_localpart === 'string') {
      return read as RegistrationFile;
    }
    throw new SetupError(`${this.registrationFile} is no registration: it lacks url, as_token or sender_localpart.`);
  }

  async #causeway(...words: readonly string[]): Promise<void> {
    const { code, output } = await runCommand(process.execPath, [program, ...words]);
    if (code !== 0) throw new SetupError(`causeway ${words.join(' ')} failed:\n${output.trim()}`);
  }
}
