// The two ends of the trial: a homeserver and an IRC server, started here or already running somewhere.

import { join } from 'node:path';
import type { QuickstartOptions } from './options.ts';
import { cacheFolder, type Say } from './servers/cache.ts';
import { installInspircd, startInspircd } from './servers/inspircd.ts';
import { installNgircd, startNgircd } from './servers/ngircd.ts';
import { freePort } from './servers/ports.ts';
import { SetupError } from './servers/processes.ts';
import { installSynapse, type RegisteredPerson, registerBySharedSecret, startSynapse } from './servers/synapse.ts';

export interface HomeserverPlace {
  readonly url: string;
  readonly domain: string;
  /** Starts it with this registration, or waits until the one that runs has it. Resolves with what to say of it. */
  open(registration: { readonly file: string; readonly asToken: string; readonly url: string }): Promise<string>;
  person(name: string): Promise<RegisteredPerson>;
  stop(): Promise<void>;
}

export interface IrcPlace {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Ours has no flood limit, and its channels are all free. */
  readonly isOurs: boolean;
  readonly description: string;
  stop(): Promise<void>;
}

/** Downloads what the trial will start, so that its time limit begins after the installs. */
export async function installPlaces(options: QuickstartOptions, say: Say): Promise<void> {
  if (!options.homeserver) await installSynapse(say);
  if (!options.irc) await firstThatWorks<unknown>((candidate) => candidate.install(say));
}

export async function ownHomeserver(folder: string): Promise<HomeserverPlace> {
  const port = await freePort();
  const domain = 'quickstart.test';
  let running: Awaited<ReturnType<typeof startSynapse>> | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    domain,
    async open({ file }) {
      running = await startSynapse({ folder: join(folder, 'synapse'), domain, port, registrations: [file] });
      return `Synapse at ${running.url}`;
    },
    async person(name) {
      if (!running) throw new SetupError('Synapse does not run yet.');
      return running.registerPerson(name);
    },
    stop: async () => running?.stop(),
  };
}

/** Its name is learnt by making the first user. */
export async function foreignHomeserver(
  { url, secret }: { readonly url: string; readonly secret: string },
  options: { readonly say: Say; readonly signal: AbortSignal },
): Promise<HomeserverPlace> {
  const register = (name: string) => registerBySharedSecret(url, secret, name);
  const scout = await register(`quickstart-${Date.now().toString(36)}`).catch((error: Error) => {
    throw error instanceof SetupError ? error : new SetupError(`The homeserver at ${url} could not be reached: ${reasonOf(error)}`);
  });
  let isScoutFree = true;
  return {
    url,
    domain: scout.userId.slice(scout.userId.indexOf(':') + 1),
    async open(registration) {
      if (!(await knows(url, registration.asToken))) {
        options.say(
          [
            `The homeserver does not know the bridge yet. Name this file in its config and restart it (Synapse: homeserver.yaml):`,
            `    app_service_config_files: ["${registration.file}"]`,
            `It must reach the bridge at ${registration.url} (--appservice-url changes that). This goes on by itself then.`,
          ].join('\n'),
        );
        await untilKnown(url, registration.asToken, options.signal);
      }
      return `${url}, which has the registration ${registration.file}`;
    },
    // A name may be taken by an earlier trial.
    async person(name) {
      if (isScoutFree) {
        isScoutFree = false;
        return scout;
      }
      return register(`${name}-${Date.now().toString(36)}`);
    },
    stop: async () => undefined,
  };
}

async function untilKnown(url: string, asToken: string, signal: AbortSignal): Promise<void> {
  while (!(await knows(url, asToken))) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

async function knows(url: string, asToken: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${asToken}` };
  // While it restarts it does not answer at all.
  const answer = await fetch(`${url}/_matrix/client/v3/account/whoami`, { headers }).catch(() => undefined);
  return answer?.ok === true;
}

export async function openIrc(options: QuickstartOptions, folder: string): Promise<IrcPlace> {
  const none = async () => undefined;
  if (options.irc) {
    const { host, port, tls } = options.irc;
    return { ...options.irc, isOurs: false, description: `The IRC server at ${host}:${port}${tls ? ' (TLS)' : ''}`, stop: none };
  }
  const [program, server] = await firstThatWorks((candidate) =>
    candidate.start({ folder: join(folder, 'irc'), name: 'irc.quickstart.test' }),
  );
  const { host, port } = server;
  return { host, port, tls: false, isOurs: true, description: `${program} at ${host}:${port}`, stop: () => server.stop() };
}

const candidates = [
  { program: 'InspIRCd', install: installInspircd, start: startInspircd },
  { program: 'ngIRCd', install: installNgircd, start: startNgircd },
] as const;

/** A system may lack one of them, or have another version of it than the config is written for. */
async function firstThatWorks<Result>(attempt: (candidate: (typeof candidates)[number]) => Promise<Result>): Promise<[string, Result]> {
  const reasons: string[] = [];
  for (const candidate of candidates) {
    try {
      return [candidate.program, await attempt(candidate)];
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  throw new SetupError(`${reasons.join('\n')}\nOr give an IRC server that runs already: --irc HOST:PORT.`);
}

/** Where registration and config for a homeserver of the operator's stay: it keeps the registration from trial to trial. */
export function lastingFolder(homeserverUrl: string): string {
  return join(cacheFolder, 'quickstart', new URL(homeserverUrl).host.replaceAll(/[^a-z0-9.-]/gi, '-'));
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? `${thrown.message} (${thrown.cause.message})` : thrown.message;
}
