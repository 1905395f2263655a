// A real InspIRCd from Debian's package, unpacked into the cache: alone, or two that link and split.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Say, saySilently } from './cache.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { unpackPackages } from './debian-packages.ts';
import { type InspircdConfig, inspircdConfig, operator } from './inspircd-config.ts';
import { IrcServer } from './irc-server.ts';
import { converse, freePort } from './ports.ts';
import { SetupError } from './processes.ts';
import { findProgram } from './run-command.ts';

export interface InspircdOptions {
  readonly folder: string;
  /** The server's name; `irc1.test` unless given. */
  readonly name?: string;
  readonly port?: number;
  /** Listens on a second port with a certificate of its own making, see `certificate`. */
  readonly tls?: boolean;
  /** None unless given: as many lines as one likes. */
  readonly flood?: InspircdConfig['flood'];
  /** More lines for the config file. */
  readonly settings?: string;
  /** Modules left out, so that the server lacks what they offer. */
  readonly without?: readonly string[];
  readonly say?: Say;
}

export interface Inspircd {
  readonly command: string;
  readonly modules: string;
}

export async function installInspircd(say: Say = saySilently): Promise<Inspircd> {
  const installed = findProgram('apt-get') ? undefined : findProgram('inspircd');
  if (installed) return { command: installed, modules: '/usr/lib/inspircd/modules' };
  const root = await unpackPackages(['inspircd'], say);
  return { command: join(root, 'usr/sbin/inspircd'), modules: join(root, 'usr/lib/inspircd/modules') };
}

export interface InspircdServer extends IrcServer {
  readonly certificate: Certificate | undefined;
}

export async function startInspircd(options: InspircdOptions): Promise<InspircdServer> {
  const server = await prepare(options, { id: '001', links: [] });
  await server.start();
  return server;
}

export interface InspircdPair {
  readonly first: InspircdServer;
  readonly second: InspircdServer;
  /** Resolves once both know each other. */
  connect(): Promise<void>;
  /** Cuts the link by a command; killing one of the two does the same the hard way. */
  split(): Promise<void>;
  stop(): Promise<void>;
}

/** Two servers, `irc1.test` and `irc2.test`, linked when it resolves. */
export async function startInspircdPair(options: Omit<InspircdOptions, 'name' | 'port'>): Promise<InspircdPair> {
  const [name1, name2] = ['irc1.test', 'irc2.test'];
  const [port1, port2] = [await freePort(), await freePort()];
  const at = (folder: string, name: string) => ({ ...options, folder: join(options.folder, folder), name });
  const first = await prepare(at('irc1', name1), { id: '001', serverPort: port1, links: [{ name: name2, port: port2 }] });
  const second = await prepare(at('irc2', name2), { id: '002', serverPort: port2, links: [{ name: name1, port: port1 }] });
  await Promise.all([first.start(), second.start()]);
  const pair: InspircdPair = {
    first,
    second,
    connect: () => command(first, `CONNECT ${name2}`, new RegExp(` 364 \\S+ ${name2} [^]* 365 `)),
    // Each is told: the other end of a closed link may sleep on it for a minute.
    split: async () => {
      const without = (name: string) => new RegExp(`^(?![^]* 364 \\S+ ${name} )[^]* 365 `);
      await command(first, `SQUIT ${name2} :cut`, without(name2));
      await command(second, `SQUIT ${name1} :cut`, without(name1));
    },
    stop: async () => {
      await Promise.all([first.stop(), second.stop()]);
    },
  };
  await pair.connect();
  return pair;
}

async function prepare(
  options: InspircdOptions,
  place: Pick<InspircdConfig, 'id' | 'links'> & { serverPort?: number },
): Promise<InspircdServer> {
  const { command, modules } = await installInspircd(options.say);
  const { folder, name = 'irc1.test' } = options;
  await mkdir(folder, { recursive: true });
  const certificate = options.tls ? await makeCertificate(folder, name) : undefined;
  const ports = { port: options.port ?? (await freePort()), tlsPort: certificate ? await freePort() : undefined };
  const server = new IrcServer({
    program: 'InspIRCd',
    name,
    folder,
    ...ports,
    command,
    args: ['--nofork', ...(process.getuid?.() === 0 ? ['--runasroot'] : []), '--config', join(folder, 'ircd.conf')],
    config: () =>
      inspircdConfig({
        ...ports,
        ...place,
        name,
        folder,
        modules,
        certificate,
        flood: options.flood,
        without: options.without ?? [],
        settings: options.settings ?? '',
      }),
  });
  return Object.assign(server, { certificate });
}

let orders = 0;

/** As the server's operator: gives an order, then asks for the list of servers until that shows that it was carried out. */
async function command(server: IrcServer, order: string, listShows: RegExp): Promise<void> {
  // A nick of its own each time: the server may not yet know that the last one went.
  orders += 1;
  const { isDone, heard } = await converse(
    server.port,
    [
      { say: `NICK oper${process.pid}_${orders}\r\nUSER oper 0 * :oper\r\n`, until: / 001 / },
      { say: `OPER ${operator.name} ${operator.password}\r\n`, until: / 381 / },
      {
        say: `${order}\r\nLINKS\r\n`,
        until: listShows,
        // The far server may refuse at first, while it has not noticed yet that the former link is gone.
        again: { after: / 365 /, say: (round) => (round % 25 === 0 ? `${order}\r\nLINKS\r\n` : 'LINKS\r\n') },
      },
    ],
    60_000,
  );
  if (!isDone) throw new SetupError(`InspIRCd did not carry out ${order}. It said:\n${heard.slice(-2_000)}`);
}
