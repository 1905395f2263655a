// What the IRC servers that we start have in common, whichever program it is.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canListen, converse } from './ports.ts';
import { ServerProcess, SetupError } from './processes.ts';
import { Restartable } from './restartable.ts';

export interface IrcServerFiles {
  /** For messages and the log file. */
  readonly program: string;
  /** The server's own name, as its numerics bear it. */
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  readonly tlsPort?: number | undefined;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** The text of its config file, which is called `ircd.conf`. */
  readonly config: () => string;
}

export class IrcServer extends Restartable {
  readonly host = '127.0.0.1';
  readonly name: string;
  readonly port: number;
  readonly tlsPort: number | undefined;
  readonly folder: string;
  readonly #files: IrcServerFiles;

  constructor(files: IrcServerFiles) {
    super(5_000);
    this.#files = files;
    this.name = files.name;
    this.port = files.port;
    this.tlsPort = files.tlsPort;
    this.folder = files.folder;
  }

  /** Ready when it resolves. */
  async start(): Promise<void> {
    if (this.isRunning) return;
    const { program, folder, command, args, env } = this.#files;
    // InspIRCd would share the port with whoever has it, without a word.
    if (!(await canListen(this.port))) throw new SetupError(`Port ${this.port}, wanted for ${program}, is taken.`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'ircd.conf'), this.#files.config(), { mode: 0o600 });
    await writeFile(join(folder, 'motd'), 'Hello\n');
    const log = join(folder, 'ircd.log');
    await writeFile(log, '');
    const process = new ServerProcess({ name: program, command, args, cwd: folder, log, ...(env ? { env } : {}) });
    await this.run(process, () => this.#answers(), 60_000);
  }

  /** On the same port. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Any command before registration is answered at once, with the server's name in front. */
  async #answers(): Promise<boolean> {
    const { heard } = await converse(this.port, [{ say: 'WHOIS x\r\n', until: /\n/ }], 10_000);
    return heard.startsWith(`:${this.name} `);
  }
}
