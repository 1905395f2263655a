// A real ngIRCd from Debian's package, unpacked into the cache: a server that knows hardly any of IRCv3.

import { join } from 'node:path';
import { type Say, saySilently } from './cache.ts';
import { unpackPackages } from './debian-packages.ts';
import { IrcServer } from './irc-server.ts';
import { freePort } from './ports.ts';
import { findProgram } from './run-command.ts';

export interface NgircdOptions {
  readonly folder: string;
  readonly name?: string;
  readonly port?: number;
  readonly say?: Say;
}

export interface Ngircd {
  readonly command: string;
  readonly env: NodeJS.ProcessEnv | undefined;
}

export async function installNgircd(say: Say = saySilently): Promise<Ngircd> {
  const installed = findProgram('apt-get') ? undefined : findProgram('ngircd');
  if (installed) return { command: installed, env: undefined };
  const root = await unpackPackages(['ngircd', 'libident'], say);
  // The library's folder bears the processor's name; the loader passes over those that are not there.
  const folders = ['usr/lib', 'usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu'].map((folder) => join(root, folder));
  return { command: join(root, 'usr/sbin/ngircd'), env: { ...process.env, LD_LIBRARY_PATH: folders.join(':') } };
}

export async function startNgircd(options: NgircdOptions): Promise<IrcServer> {
  const { command, env } = await installNgircd(options.say);
  const { folder, name = 'ng.test' } = options;
  const port = options.port ?? (await freePort());
  const server = new IrcServer({
    ...{ program: 'ngIRCd', name, folder, port, command, env },
    args: ['-n', '-f', join(folder, 'ircd.conf')],
    config: () => configText(name, port),
  });
  await server.start();
  return server;
}

function configText(name: string, port: number): string {
  const sections = {
    Global: {
      ...{ Name: name, Info: 'A server on the loopback', Listen: '127.0.0.1', Ports: port, Network: 'NgNet', MotdPhrase: 'Hello' },
      ...{ AdminInfo1: 'nobody', AdminInfo2: 'nowhere', AdminEMail: 'nobody@irc.test' },
    },
    Limits: { MaxConnections: 0, MaxConnectionsIP: 0, MaxJoins: 0, MaxPenaltyTime: 0, MaxNickLength: 30 },
    Options: { DNS: 'no', Ident: 'no', PAM: 'no', SyslogFacility: 'local1', IncludeDir: '/nonexistent', MorePrivacy: 'no' },
    Operator: { Name: 'root', Password: 'rootpw' },
  };
  const lines = Object.entries(sections).flatMap(([section, values]) => [
    `[${section}]`,
    ...Object.entries(values).map(([key, value]) => `${key} = ${value}`),
  ]);
  return `${lines.join('\n')}\n`;
}
