// `causeway run FILE…`: from configs to running bridges, and the signals: stop cleanly, stop at once, read the configs anew.

import { type BridgeDefinition, type Host, messageOf, openLog, startHost } from '#bridge-core/host';
import type { LoadedConfig } from '../../config/load.ts';
import type { Sources } from '../../config/sources.ts';
import { readRegistration } from '../../registration/registration.ts';
import { load, loadAll } from './configs.ts';
import { giveMemoryBack } from './idle-memory.ts';

/** Returns when it is told to stop; by then everything is closed. */
export async function run(files: readonly string[], sources: Sources): Promise<number> {
  const configs = await loadAll(files, sources);
  const log = openLog(configs[0]?.core.log ?? { level: 'info', format: 'auto' });
  const stopping = Promise.withResolvers<string>();
  let host: Host | undefined;
  let isStopping = false;

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      stopping.resolve(signal);
    });
  }
  let reloads = Promise.resolve();
  process.on('SIGHUP', () => {
    reloads = reloads.then(() => reload());
  });
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.error({ error }, `stopped by an error that nothing caught: ${messageOf(error)}`);
      process.exit(1);
    });
  }

  async function reload(): Promise<void> {
    if (host === undefined) log.info({}, 'still starting: nothing was read anew');
    for (const { bridge, lines, fault } of (await host?.reload()) ?? []) {
      if (fault !== undefined) log.error({ bridge, code: fault.code }, `all stays as it was: ${fault.message}. ${fault.remedy}`);
      else for (const line of lines.length === 0 ? ['read anew: nothing has changed'] : lines) log.info({ bridge }, line);
    }
  }

  host = await startHost(
    configs.map((config) => definitionOf(config, sources)),
    { log },
  );
  giveMemoryBack();
  const signal = await stopping.promise;
  log.info({ signal }, 'stopping; a second signal stops at once');
  await host.stop();
  log.info({}, 'stopped');
  // What a library still holds open must not keep a stopped bridge alive.
  process.exit(0);
}

function definitionOf(config: LoadedConfig, sources: Sources): BridgeDefinition {
  return {
    settings: config.core,
    registration: readRegistration(config.core),
    network: config.network,
    networkSettings: config.networkSettings,
    file: config.file,
    reload: async () => {
      const { core, networkSettings } = await load(config.file, sources);
      return { settings: core, networkSettings };
    },
  };
}
