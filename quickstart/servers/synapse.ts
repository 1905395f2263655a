// A real Synapse on the loopback: installed into the cache, started, stopped, killed, started again on the same data.

import { createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Say, saySilently } from './cache.ts';
import { freePort } from './ports.ts';
import { ServerProcess, SetupError } from './processes.ts';
import { pythonEnvironment } from './python.ts';
import { Restartable } from './restartable.ts';
import { type Federation, type SynapseFiles, writeSynapseFiles } from './synapse-config.ts';

const version = '1.163.2';

export interface SynapseOptions {
  /** For its data; created if it is not there. */
  readonly folder: string;
  readonly domain?: string;
  readonly port?: number;
  /** Paths of application services' registration files. */
  readonly registrations?: readonly string[];
  /** Of rooms whose maker names none; Synapse's own default is 12. */
  readonly roomVersion?: string;
  /** With other servers, over TLS; with none unless given. */
  readonly federation?: Federation;
  /** Laid over homeserver.yaml at the top level. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly say?: Say;
}

export interface RegisteredPerson {
  readonly userId: string;
  readonly accessToken: string;
  readonly deviceId: string;
  readonly password: string;
}

export function installSynapse(say: Say = saySilently): Promise<string> {
  return pythonEnvironment('matrix-synapse', version, 'about 40 s and 250 MB', say);
}

export async function startSynapse(options: SynapseOptions): Promise<Synapse> {
  const environment = await installSynapse(options.say);
  for (let attemptsLeft = options.port ? 1 : 3; ; ) {
    const synapse = new Synapse(environment, {
      folder: options.folder,
      domain: options.domain ?? 'hs.test',
      port: options.port ?? (await freePort()),
      sharedSecret: randomBytes(16).toString('hex'),
      registrations: options.registrations ?? [],
      roomVersion: options.roomVersion,
      federation: options.federation,
      settings: options.settings ?? {},
    });
    try {
      await synapse.start();
      return synapse;
    } catch (error) {
      // Somebody else took the port between our look and its start.
      attemptsLeft -= 1;
      if (attemptsLeft === 0 || !/address already in use|couldn't listen/i.test(String(error))) throw error;
    }
  }
}

export class Synapse extends Restartable {
  readonly url: string;
  readonly domain: string;
  readonly folder: string;
  readonly port: number;
  readonly sharedSecret: string;
  #files: SynapseFiles;
  readonly #environment: string;

  constructor(environment: string, files: SynapseFiles) {
    super(15_000);
    this.#environment = environment;
    this.#files = files;
    this.url = `http://127.0.0.1:${files.port}`;
    this.domain = files.domain;
    this.folder = files.folder;
    this.port = files.port;
    this.sharedSecret = files.sharedSecret;
  }

  /** Ready when it resolves. Starts on whatever data the folder holds. */
  async start(): Promise<void> {
    if (this.isRunning) return;
    const config = await writeSynapseFiles(this.#files);
    const [, key] = (await readFile(join(this.folder, 'signing.key'), 'utf8')).split(' ');
    const process = new ServerProcess({
      name: 'Synapse',
      command: join(this.#environment, 'bin/python'),
      args: ['-m', 'synapse.app.homeserver', '-c', config],
      cwd: this.folder,
      log: join(this.folder, 'synapse.log'),
    });
    // The key, not the name: another test's Synapse may have the same name.
    const answers = async () => `ed25519:${key}` in ((await this.#get('/_matrix/key/v2/server')).verify_keys ?? {});
    await this.run(process, answers, 180_000);
  }

  /** Stops and starts on the same port and data; `changes` to its files come into force. */
  async restart(changes: Partial<Pick<SynapseFiles, 'registrations' | 'roomVersion' | 'settings'>> = {}): Promise<void> {
    this.#files = { ...this.#files, ...changes };
    await this.stop();
    await this.start();
  }

  async registerPerson(name: string, options: { readonly password?: string; readonly admin?: boolean } = {}): Promise<RegisteredPerson> {
    return registerBySharedSecret(this.url, this.sharedSecret, name, options);
  }

  async #get(path: string): Promise<{ verify_keys?: object }> {
    const answer = await fetch(this.url + path, { signal: AbortSignal.timeout(10_000) });
    return (await answer.json()) as { verify_keys?: object };
  }
}

/** Works on any Synapse whose `registration_shared_secret` is known, Dendrite too. */
export async function registerBySharedSecret(
  url: string,
  secret: string,
  name: string,
  options: { readonly password?: string; readonly admin?: boolean } = {},
): Promise<RegisteredPerson> {
  const path = new URL('/_synapse/admin/v1/register', url);
  const { nonce } = await answerOf(await fetch(path), 'a nonce');
  const password = options.password ?? randomBytes(9).toString('base64url');
  const words = [nonce, name, password, options.admin ? 'admin' : 'notadmin'];
  const mac = createHmac('sha1', secret).update(words.join('\0')).digest('hex');
  const body = JSON.stringify({ nonce, username: name, password, admin: options.admin === true, mac });
  const made = await answerOf(await fetch(path, { method: 'POST', body }), `the registration of ${name}`);
  return { userId: made.user_id ?? '', accessToken: made.access_token ?? '', deviceId: made.device_id ?? '', password };
}

async function answerOf(response: Response, what: string): Promise<Record<string, string>> {
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as Record<string, string>;
  throw new SetupError(`The homeserver refused ${what} by shared secret: ${response.status} ${text.slice(0, 300)}`);
}
