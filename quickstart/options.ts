// The words after `npm run quickstart --`, checked.

import { Command, InvalidArgumentError } from 'commander';
import { SetupError } from './servers/processes.ts';

export interface QuickstartOptions {
  /** End once a line has arrived on each side. */
  readonly once: boolean;
  /** A homeserver that runs already; undefined: start a Synapse. */
  readonly homeserver: { readonly url: string; readonly secret: string } | undefined;
  /** The registration that it has already; undefined: write one and wait until it is installed. */
  readonly registration: string | undefined;
  /** Where that homeserver reaches this machine. */
  readonly appserviceUrl: string | undefined;
  /** An IRC server that runs already; undefined: start one. */
  readonly irc: { readonly host: string; readonly port: number; readonly tls: boolean } | undefined;
}

interface Given {
  readonly once?: boolean;
  readonly homeserver?: string;
  readonly registrationSecret?: string;
  readonly registration?: string;
  readonly appserviceUrl?: string;
  readonly irc?: QuickstartOptions['irc'];
}

/** Undefined where only help was asked for. Rejects words that it does not know, with the nearest right one. */
export function readOptions(words: readonly string[]): QuickstartOptions | undefined {
  const command = new Command('npm run quickstart --')
    .usage('[options]')
    .description('Starts a Matrix homeserver, an IRC server and the bridge between them on this machine, and sends a line each way.')
    .option('--once', 'end as soon as both lines arrived: exit code 0, or 1 with the reason')
    .option('--homeserver <url>', 'use this homeserver; needs --registration-secret', webAddress)
    .option('--registration-secret <secret>', 'its registration_shared_secret, to make a user for the trial')
    .option('--registration <file>', 'a registration of the bridge that this homeserver has already')
    .option('--appservice-url <url>', 'where this homeserver reaches the bridge, if not on the loopback', webAddress)
    .option('--irc <host:port>', 'use this IRC server; port 6697 means TLS', ircAddress)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  try {
    command.parse([...words], { from: 'user' });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === 'commander.helpDisplayed') return undefined;
    throw new SetupError(`${message.replace(/^error: /, '')}\nnpm run quickstart -- --help shows what there is.`);
  }
  return complete(command.opts<Given>());
}

function complete(given: Given): QuickstartOptions {
  const { homeserver: url, registrationSecret: secret } = given;
  if (url !== undefined && secret === undefined) {
    throw new SetupError(
      '--homeserver needs --registration-secret: the value of registration_shared_secret in its config, to make a user for the trial.',
    );
  }
  for (const [flag, value] of [
    ['--registration-secret', secret],
    ['--registration', given.registration],
    ['--appservice-url', given.appserviceUrl],
  ]) {
    if (value !== undefined && url === undefined)
      throw new SetupError(`${flag} is for a homeserver of your own: give --homeserver URL too.`);
  }
  return {
    once: given.once === true,
    homeserver: url !== undefined && secret !== undefined ? { url, secret } : undefined,
    registration: given.registration,
    appserviceUrl: given.appserviceUrl,
    irc: given.irc,
  };
}

function webAddress(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '');
  throw new InvalidArgumentError('It must begin with http:// or https://.');
}

function ircAddress(text: string): { host: string; port: number; tls: boolean } {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-f:.]+)\]|([^\s:/]+)):(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  if (!digits || port < 1 || port > 65_535) throw new InvalidArgumentError('It must be HOST:PORT, such as 127.0.0.1:6667.');
  return { host: bracketed ?? plain ?? '', port, tls: port === 6697 };
}
