// A connection of wire/ to a server under test, with everything written down that it tells.

import { openConnection } from '../../../../bridges/irc/wire/connect.ts';
import type { Connection, ConnectionSettings, IrcLine } from '../../../../bridges/irc/wire/connection.ts';
import { type FakeIrcd, type FakeIrcdOptions, startFakeIrcd } from '../../../support/fake-ircd.ts';
import { until } from '../../../support/waiting.ts';

interface Ending {
  after(end: () => unknown): void;
}

export async function fakeIrcd(test: Ending, options: FakeIrcdOptions = {}): Promise<FakeIrcd> {
  const server = await startFakeIrcd(options);
  test.after(() => server.close());
  return server;
}

export interface Connected {
  readonly connection: Connection;
  readonly lines: IrcLine[];
  readonly warnings: string[];
  /** How it ended. */
  readonly ended: { readonly code: string; readonly fault: string; readonly message: string }[];
  /** `COMMAND param param` of what came. */
  heard(): string[];
  /** Resolves with the first line, come or to come, that begins so. */
  hears(beginning: string): Promise<IrcLine>;
}

export const usualCapabilities = ['message-tags', 'server-time', 'batch', 'labeled-response', 'echo-message', 'extended-join', 'chghost'];

export function settingsFor(
  server: { readonly host: string; readonly port: number },
  over: Partial<ConnectionSettings> = {},
): ConnectionSettings {
  return {
    host: server.host,
    port: server.port,
    tls: undefined,
    nick: 'bridge',
    nextNick: (refused, tries) => (tries > 5 ? undefined : `${refused}_`),
    username: 'bridge',
    realname: 'A bridge',
    capabilities: usualCapabilities,
    flood: 'off',
    keepalive: { ping: 60_000, timeout: 30_000 },
    quiet: false,
    encoding: 'windows-1252',
    connectTimeout: 5_000,
    ...over,
  };
}

export async function connect(
  test: Ending,
  server: { readonly host: string; readonly port: number },
  over: Partial<ConnectionSettings> = {},
): Promise<Connected> {
  const lines: IrcLine[] = [];
  const warnings: string[] = [];
  const ended: { code: string; fault: string; message: string }[] = [];
  const connection = await openConnection(settingsFor(server, over), {
    line: (line) => void lines.push(line),
    closed: (error, fault) => void ended.push({ code: error.code, fault, message: error.message }),
    warning: (message) => void warnings.push(message),
  });
  test.after(() => connection.close());
  const shown = ({ command, params }: IrcLine) => [command, ...params].join(' ');
  return {
    connection,
    lines,
    warnings,
    ended,
    heard: () => lines.map(shown),
    hears: (beginning) => until(`a line "${beginning}…"`, () => lines.find((line) => shown(line).startsWith(beginning))),
  };
}
