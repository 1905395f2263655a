// A whole bridge over the fake network and the fake homeserver, in this process: its config read from YAML, its host started as
// `causeway run` does.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import type { Adapter, AdapterTools, ConfiguredLink } from '#bridge-core';
import { roomId, userId } from '#bridge-core';
import type { CoreSettings, Network } from '#bridge-core/host';
import { startHost } from '../../bridge-core/host.ts';
import { loadConfig } from '../../config/load.ts';
import { freePort } from '../../quickstart/servers/ports.ts';
import { FakeAdapter, type FakeAdapterOptions, FakeNetwork, inFake } from './fake-adapter.ts';
import { type FakeHomeserver, type FakeHomeserverOptions, startFakeHomeserver } from './fake-homeserver.ts';
import { tempFolder } from './temp-folder.ts';
import { silentLog } from './tools.ts';
import { until } from './waiting.ts';

export interface FakeBridge {
  readonly network: FakeNetwork;
  readonly homeserver: FakeHomeserver;
  /** Of the room that is linked to #place. */
  readonly room: string;
  readonly person: string;
  /** The newest one: a bridge that is started anew makes another. */
  adapter(): FakeAdapter;
  readonly lines: string[];
  /** Where it listens. */
  readonly url: string;
  readonly storePath: string;
  readonly core: CoreSettings;
  /** With some settings changed, if need be; `meanwhile`: while it is down. */
  restart(changes?: Partial<CoreSettings>, meanwhile?: () => void | Promise<void>): Promise<void>;
}

export interface FakeBridgeWish {
  readonly options?: Partial<FakeAdapterOptions>;
  readonly homeserver?: FakeHomeserverOptions;
  /** More of the config, as YAML at top level. */
  readonly settings?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  /** Calls of the adapter's own at the provisioning door. */
  readonly provisioning?: NonNullable<Adapter['provisioning']>;
}

export async function startFakeBridge(t: TestContext, wish: FakeBridgeWish = {}): Promise<FakeBridge> {
  const folder = tempFolder();
  const homeserver = await startFakeHomeserver({ userNamespace: 'fake_.*', aliasNamespace: 'fake_.*', ...wish.homeserver });
  t.after(() => homeserver.stop());
  const person = homeserver.user('ann', 'Ann');
  const room = homeserver.createRoom({ creator: person });
  homeserver.invite(person, room, homeserver.bot);
  const network = new FakeNetwork();
  let adapter: FakeAdapter | undefined;
  const links: ConfiguredLink[] = [{ channel: inFake('#place'), room: roomId(room) }];
  const fake: Network = {
    protocol: { id: 'fake', name: 'Fake' },
    settings: z.object({}),
    names: { ghosts: 'fake_{nick}', aliases: 'fake_{channel}' },
    create: (_settings: unknown, tools: AdapterTools) => {
      adapter = new FakeAdapter({ network, tools, links, ...wish.options });
      if (wish.provisioning !== undefined) Object.assign(adapter, { provisioning: wish.provisioning });
      return adapter as Adapter;
    },
  };
  const port = await freePort();
  const file = join(folder, 'fake.yaml');
  writeFileSync(
    file,
    [
      `homeserver: { url: ${homeserver.url}, domain: hs.test }`,
      `appservice: { listen: 127.0.0.1:${port}, url: http://127.0.0.1:${port}, registration: registration.yaml, bot: bridge }`,
      'store: fake.db',
      `permissions: ${JSON.stringify(wish.permissions ?? { 'hs.test': 'admin' })}`,
      'fake: {}',
      wish.settings ?? '',
    ].join('\n'),
  );
  const config = await loadConfig(file, { env: {}, networks: { fake: async () => fake } });
  const lines: string[] = [];
  const note = (_fields: object, message: string) => void lines.push(message);
  const log = { ...silentLog, info: note, warn: note, error: note, child: () => log };
  const definition = {
    ...{ settings: config.core, network: config.network, networkSettings: config.networkSettings, file },
    registration: { id: homeserver.registrationId, asToken: homeserver.asToken, hsToken: homeserver.hsToken, bot: userId(homeserver.bot) },
    reload: async () => ({ settings: config.core, networkSettings: config.networkSettings }),
  };
  homeserver.pushTo(`http://127.0.0.1:${port}`);
  let host = await startHost([definition], { log });
  t.after(() => host.stop());
  // Said at last, once the link is live.
  await until('the link', () => homeserver.requests.some(({ path }) => path.includes('/state/m.bridge/')) || undefined);
  return {
    ...{ network, homeserver, room, person, lines, url: `http://127.0.0.1:${port}`, storePath: join(folder, 'fake.db') },
    core: config.core,
    adapter: () => adapter as FakeAdapter,
    restart: async (changes = {}, meanwhile = () => {}) => {
      await host.stop();
      await meanwhile();
      host = await startHost([{ ...definition, settings: { ...config.core, ...changes } }], { log });
    },
  };
}
