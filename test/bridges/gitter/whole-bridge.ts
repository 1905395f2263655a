// A whole bridge between the fake Gitter and the fake homeserver, in this process: its config read from YAML, its host started as
// `causeway run` does.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { dump } from 'js-yaml';
import { userId } from '#bridge-core';
import { startHost } from '../../../bridge-core/host.ts';
import { networks } from '../../../bridges/networks.ts';
import { loadConfig } from '../../../config/load.ts';
import { freePort } from '../../../quickstart/servers/ports.ts';
import { type FakeHomeserver, startFakeHomeserver } from '../../support/fake-homeserver.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { orgOnGitter, type Wish } from './with-gitter.ts';

export interface WholeWish extends Wish {
  /** More of the section, and of the config. */
  readonly section?: object;
  readonly config?: object;
  /** Called before the bridge starts for the first time. */
  readonly before?: (
    stage: Awaited<ReturnType<typeof orgOnGitter>> & {
      readonly homeserver: FakeHomeserver;
      readonly matrixRoom: string;
      readonly person: string;
    },
  ) => void;
  /** Of the registration. */
  readonly userNamespace?: string;
}

export async function wholeBridge(t: TestContext, wish: WholeWish = {}) {
  const org = await orgOnGitter(wish);
  const { gitter, token } = org;
  t.after(() => gitter.stop());
  const folder = tempFolder();
  const homeserver = await startFakeHomeserver({ userNamespace: wish.userNamespace ?? 'gitter_.*', aliasNamespace: 'gitter_.*' });
  t.after(() => homeserver.stop());
  const person = homeserver.user('alice', 'Alice');
  const room = homeserver.createRoom({ creator: person });
  homeserver.invite(person, room, homeserver.bot);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(folder, 'gitter.yaml');
  const botLocalpart = homeserver.bot.slice(1, homeserver.bot.indexOf(':'));
  const section = {
    ...{ api_url: gitter.apiUrl, faye_url: gitter.fayeUrl, token, echo_timeout: '1s' },
    links: [{ channel: 'org/room', room }],
    ...wish.section,
  };
  const config = {
    homeserver: { url: homeserver.url, domain: 'hs.test' },
    appservice: { listen: `127.0.0.1:${port}`, url, registration: 'registration.yaml', bot: botLocalpart },
    ...{ store: 'gitter.db', public_url: url, permissions: { 'hs.test': 'admin' }, gitter: section },
    ...wish.config,
  };
  writeFileSync(file, dump(config));
  const loaded = await loadConfig(file, { env: {}, networks });
  const lines: string[] = [];
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log = { ...silentLog, info: note, warn: note, error: note, child: () => log };
  const definition = {
    ...{ settings: loaded.core, network: loaded.network, networkSettings: loaded.networkSettings, file },
    registration: { id: homeserver.registrationId, asToken: homeserver.asToken, hsToken: homeserver.hsToken, bot: userId(homeserver.bot) },
    reload: async () => ({ settings: loaded.core, networkSettings: loaded.networkSettings }),
  };
  homeserver.pushTo(url);
  wish.before?.({ ...org, homeserver, matrixRoom: room, person });
  let host = await startHost([definition], { log });
  t.after(() => host.stop());
  await until(
    `the link; ${lines.slice(-3).join('; ')}`,
    () => homeserver.requests.some(({ path }) => path.includes('/state/m.bridge/')) || undefined,
  );
  await gitter.waitForListener(org.room, 'matrixbot');
  return {
    ...{ ...org, homeserver, person, matrixRoom: room, url, lines, folder },
    stop: () => host.stop(),
    restart: async () => {
      await host.stop();
      host = await startHost([definition], { log });
    },
  };
}
