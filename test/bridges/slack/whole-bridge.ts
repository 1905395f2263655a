// A whole bridge between the fake Slack and the fake homeserver, in this process: its config read from YAML, its host started as
// `causeway run` does.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { dump } from 'js-yaml';
import { userId } from '#bridge-core';
import { startHost } from '../../../bridge-core/host.ts';
import { networks } from '../../../bridges/networks.ts';
import { type LoadedConfig, loadConfig } from '../../../config/load.ts';
import { freePort } from '../../../quickstart/servers/ports.ts';
import { type FakeHomeserver, startFakeHomeserver } from '../../support/fake-homeserver.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { type Acme, acmeSlack, type Wish } from './with-slack.ts';

interface Stage {
  readonly homeserver: FakeHomeserver;
  readonly person: string;
  readonly room: string;
  readonly folder: string;
  readonly loaded: LoadedConfig;
}

export async function wholeBridge(
  t: TestContext,
  wish: Wish & {
    readonly section?: (stage: Acme & { readonly room: string }) => object;
    /** False: no link of the config is waited for. */
    readonly isLinked?: boolean;
    /** Beside the section of Slack. */
    readonly core?: object;
    /** Before it is started. */
    readonly before?: (stage: Acme & Pick<Stage, 'homeserver' | 'person' | 'room' | 'folder' | 'loaded'>) => Promise<void>;
  } = {},
) {
  const acme = await acmeSlack(wish);
  const { slack, general, transports } = acme;
  t.after(() => slack.stop());
  const folder = tempFolder();
  const homeserver = await startFakeHomeserver({ userNamespace: 'slack_.*', aliasNamespace: 'slack_.*' });
  t.after(() => homeserver.stop());
  const person = homeserver.user('alice', 'Alice');
  const room = homeserver.createRoom({ creator: person });
  homeserver.invite(person, room, homeserver.bot);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(folder, 'slack.yaml');
  const botLocalpart = homeserver.bot.slice(1, homeserver.bot.indexOf(':'));
  const section = {
    api_url: slack.apiUrl,
    authorize_url: slack.authorizeUrl,
    app: { signing_secret: 's3cret', app_token: 'xapp-1', client_id: '1.2', client_secret: 'c0de' },
    teams: [{ id: 'T0001', bot_token: 'xoxb-1', transport: [...transports] }],
    links: [{ team: 'T0001', channel: general.id, room }],
    ...wish.section?.({ ...acme, room }),
  };
  const config = {
    homeserver: { url: homeserver.url, domain: 'hs.test' },
    appservice: { listen: `127.0.0.1:${port}`, url, registration: 'registration.yaml', bot: botLocalpart },
    ...{ store: 'slack.db', public_url: url, permissions: { 'hs.test': 'admin', '@eve:hs.test': 'user' }, slack: section },
    ...wish.core,
  };
  writeFileSync(file, dump(config, { skipInvalid: true }));
  const loaded = await loadConfig(file, { env: {}, networks });
  const lines: string[] = [];
  // As a log shows errors: with what they hold and what caused them.
  const shown = (_name: string, value: unknown) => (value instanceof Error ? { ...value, stack: value.stack, cause: value.cause } : value);
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields, shown)}`);
  const log = { ...silentLog, info: note, warn: note, error: note, child: () => log };
  const definition = {
    ...{ settings: loaded.core, network: loaded.network, networkSettings: loaded.networkSettings, file },
    registration: { id: homeserver.registrationId, asToken: homeserver.asToken, hsToken: homeserver.hsToken, bot: userId(homeserver.bot) },
    reload: async () => ({ settings: loaded.core, networkSettings: loaded.networkSettings }),
  };
  homeserver.pushTo(url);
  if (transports.includes('events')) acme.app.eventsUrl = `${url}/slack/events`;
  await wish.before?.({ ...acme, homeserver, person, room, folder, loaded });
  let host = await startHost([definition], { log });
  t.after(() => host.stop());
  const live = () =>
    until(
      `the link; ${lines.slice(-3).join('; ')}`,
      () => homeserver.requests.some(({ path }) => path.includes('/state/m.bridge/')) || undefined,
    );
  if (wish.isLinked !== false) await live();
  return {
    ...{ ...acme, homeserver, person, room, url, lines, folder },
    /** `meanwhile`: while it is down. */
    restart: async (meanwhile?: () => Promise<void>) => {
      await host.stop();
      await meanwhile?.();
      host = await startHost([definition], { log });
    },
  };
}

export type WholeBridge = Awaited<ReturnType<typeof wholeBridge>>;
