// What a journey walks on: a real Synapse, real IRC servers, the bridge as a process between them, and people on both sides.

import { join } from 'node:path';
import { startInspircd } from '../../quickstart/servers/inspircd.ts';
import type { IrcServer } from '../../quickstart/servers/irc-server.ts';
import { startNgircd } from '../../quickstart/servers/ngircd.ts';
import { freePort } from '../../quickstart/servers/ports.ts';
import { type Synapse, type SynapseOptions, startSynapse } from '../../quickstart/servers/synapse.ts';
import { type BridgeConfig, BridgeProcess } from './bridge-process.ts';
import { IrcPerson, type IrcPersonOptions } from './irc-person.ts';
import { MatrixPerson } from './matrix-person.ts';
import { tempFolder } from './temp-folder.ts';

/** Where an IRC server that somebody else started listens: a scripted one, or one of a linked pair. */
export interface IrcPlace {
  readonly port: number;
}

export interface BridgeWish {
  /** Networks by name; all of them unless given. */
  readonly networks?: readonly string[];
  /** A bridge to Slack: its section of the config, in place of IRC's. */
  readonly slack?: Readonly<Record<string, unknown>>;
  /** The same for a bridge to Gitter. */
  readonly gitter?: Readonly<Record<string, unknown>>;
  /** Laid over each network's section. */
  readonly network?: Readonly<Record<string, unknown>>;
  /** Laid over the config at the top level. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface RealServersOptions {
  /** Name in the config → server; `{ local: 'inspircd' }` unless given. */
  readonly networks?: Readonly<Record<string, 'inspircd' | 'ngircd' | IrcPlace>>;
  /** Name → what is special about it; one called `irc` unless given. All run in one process. */
  readonly bridges?: Readonly<Record<string, BridgeWish>>;
  readonly synapse?: Omit<SynapseOptions, 'folder' | 'registrations'>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RealServers {
  readonly folder: string;
  readonly synapse: Synapse;
  /** Those that were started here. */
  readonly ircServers: Readonly<Record<string, IrcServer>>;
  /** Registered with Synapse and not yet started. */
  readonly bridge: BridgeProcess;
  /** Registered and syncing. */
  matrixPerson(name: string): Promise<MatrixPerson>;
  ircPerson(nick: string, network?: string, options?: Partial<IrcPersonOptions>): Promise<IrcPerson>;
  /** Adds a link to the config, for the next start of the bridge. */
  link(room: string, channel: string, network?: string, bridge?: string): Promise<void>;
  /** The user id of somebody's ghost. */
  ghost(nick: string, network?: string): string;
  /** People leave, the bridge stops, then the servers: a test does this when it ends. */
  stop(): Promise<void>;
}

/** `test`: a test's context, or `{ after }` of node:test inside a suite; everything stops with it. */
export async function startRealServers(
  test: { after(stop: () => Promise<void>): void },
  options: RealServersOptions = {},
): Promise<RealServers> {
  const folder = tempFolder();
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  test.after(stop);

  const places: Record<string, IrcPlace> = {};
  const ircServers: Record<string, IrcServer> = {};
  for (const [name, wish] of Object.entries(options.networks ?? { local: 'inspircd' as const })) {
    if (typeof wish === 'object') {
      places[name] = wish;
      continue;
    }
    const start = wish === 'ngircd' ? startNgircd : startInspircd;
    const server = await start({ folder: join(folder, `network-${name}`), name: `${name}.test` });
    stops.push(() => server.stop());
    places[name] = server;
    ircServers[name] = server;
  }

  const domain = options.synapse?.domain ?? 'hs.test';
  const port = await freePort();
  const address = `127.0.0.1:${await freePort()}`;
  const wishes = Object.entries(options.bridges ?? { irc: {} });
  const configs = wishes.map(([name, wish]): [string, BridgeConfig] => [
    name,
    configOf({ name, wish, places, address, homeserver: { url: `http://127.0.0.1:${port}`, domain } }),
  ]);
  const bridge = new BridgeProcess({
    folder: join(folder, 'bridge'),
    configs: Object.fromEntries(configs),
    ...(options.env ? { env: options.env } : {}),
  });
  const registrations = await bridge.register();
  const synapse = await startSynapse({ ...options.synapse, folder: join(folder, 'synapse'), domain, port, registrations });
  stops.push(() => synapse.stop());
  stops.push(() => bridge.stop());

  const [firstNetwork = ''] = Object.keys(places);
  const [firstBridge = ''] = wishes.map(([name]) => name);
  return {
    folder,
    synapse,
    ircServers,
    bridge,
    stop,
    async matrixPerson(name) {
      const person = await new MatrixPerson({ url: synapse.url, ...(await synapse.registerPerson(name)) }).sync();
      stops.push(() => person.stop());
      return person;
    },
    async ircPerson(nick, network = firstNetwork, more = {}) {
      const person = await IrcPerson.connect({ port: places[network]?.port ?? 0, nick, ...more });
      stops.push(() => person.quit());
      return person;
    },
    async link(room, channel, network = firstNetwork, to = firstBridge) {
      await bridge.configure(to, (config) => {
        const irc = config.irc as { readonly links: readonly object[] };
        return { ...config, irc: { ...irc, links: [...irc.links, { network, channel, room }] } };
      });
    },
    ghost: (nick, network = firstNetwork) => `@irc_${network}_${nick.toLowerCase()}:${domain}`,
  };
}

interface ConfigParts {
  readonly name: string;
  readonly wish: BridgeWish;
  readonly places: Readonly<Record<string, IrcPlace>>;
  readonly address: string;
  readonly homeserver: { readonly url: string; readonly domain: string };
}

function configOf({ name, wish, places, address, homeserver }: ConfigParts): BridgeConfig {
  const common = {
    homeserver,
    appservice: { listen: address, url: `http://${address}`, registration: `${name}-registration.yaml`, bot: `${name}bot` },
    store: `${name}.db`,
    web_prefix: name,
    permissions: { [homeserver.domain]: 'user', [`@admin:${homeserver.domain}`]: 'admin' },
  };
  const { slack, gitter } = wish;
  const other = slack !== undefined ? { slack } : gitter !== undefined ? { gitter } : undefined;
  if (other !== undefined) return { ...common, public_url: `http://${address}`, ...other, ...wish.config };
  const networks = (wish.networks ?? Object.keys(places)).map((network) => [
    network,
    { host: '127.0.0.1', port: places[network]?.port, tls: false, flood: 'off', domain: `${network}.test`, ...wish.network },
  ]);
  return { ...common, irc: { networks: Object.fromEntries(networks), links: [] }, ...wish.config };
}
