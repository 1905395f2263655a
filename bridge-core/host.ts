// The door for operators: what main, config and registration may know of the core. Runs several bridges in one process, with
// one listener for each address; one that fails to start is tried again while the others run.

import type { Logger } from './adapter-tools.ts';
import type { Listener } from './appservice/listener.ts';
import { isHopeless, KeptBridge, type Reloaded } from './kept-bridge.ts';
import type { OfflineStore } from './offline.ts';
import type { BridgeDefinition } from './running-bridge.ts';
import type { CoreSettings } from './settings.ts';
import type { TakenOver, TakeOverGiven } from './take-over.ts';

export type { Network } from './adapter.ts';
export type { Logger } from './adapter-tools.ts';
export * from './casing.ts';
export * from './duration-setting.ts';
export * from './durations.ts';
export * from './errors.ts';
export { type UserId, userId } from './ids.ts';
export type * from './inheritance.ts';
export type { Reloaded } from './kept-bridge.ts';
export * from './named-setting.ts';
export { openLog } from './observe/log.ts';
export type { OfflineStore } from './offline.ts';
export type { Json } from './remote-event.ts';
export type { BridgeDefinition } from './running-bridge.ts';
export type * from './settings.ts';
export { acquireLock, askRunning, type Handlers, type Lock } from './store/lock.ts';
export type { TakenOver } from './take-over.ts';
export { type Namespace, namespaces } from './virtual-users/names.ts';

export interface Host {
  /** Refuses new work, lets what is in flight end, closes sessions and stores. */
  stop(): Promise<void>;
  /** What it came to for each bridge. */
  reload(): Promise<Reloaded[]>;
}

/** Loads the parts that a running bridge loads later than its door. */
export async function openOffline(settings: Pick<CoreSettings, 'store'>): Promise<OfflineStore> {
  return (await import('./offline.ts')).openOffline(settings);
}

/** Likewise. Rejects with STORE_LOCKED where a bridge runs on the store. */
export async function takeOver(core: CoreSettings, given: TakeOverGiven): Promise<TakenOver> {
  return (await import('./take-over.ts')).takeOver(core, given);
}

/** Rejects if none can start for a reason that only the operator can mend; else whatever does not is tried again. */
export async function startHost(definitions: readonly BridgeDefinition[], { log }: { log: Logger }): Promise<Host> {
  const listeners = new Map<string, Promise<Listener>>();
  /** Seen at every door of the process: its own may be what is lacking. */
  const absent = () =>
    bridges.flatMap(({ name, absence, metricsToken }) => (absence === undefined ? [] : [{ name, metricsToken, health: () => absence }]));

  const open = (settings: BridgeDefinition['settings']): Promise<Listener> => {
    const { host, port } = settings.appservice.listen;
    const address = `${host}:${port}`;
    let opening = listeners.get(address);
    if (opening === undefined) {
      opening = import('./appservice/listener.ts').then(({ openListener }) => openListener({ host, port, log, absent }));
      listeners.set(address, opening);
      opening.catch(() => listeners.delete(address));
    }
    return opening;
  };

  const bridges = definitions.map(
    (definition) =>
      new KeptBridge({
        ...{ definition, log },
        listen: async (settings, bridge) => (await open(settings)).add(bridge),
        // That it cannot be opened is told by the bridge that needs it.
        onAbsent: (settings) => void open(settings).catch(() => {}),
      }),
  );

  const stop = async (): Promise<void> => {
    await Promise.all(bridges.map((bridge) => bridge.stop()));
    for (const listener of await Promise.allSettled(listeners.values())) {
      if (listener.status === 'fulfilled') await listener.value.close();
    }
  };

  const failures: unknown[] = [];
  const failed: KeptBridge[] = [];
  const start = async (bridge: KeptBridge): Promise<void> => {
    try {
      await bridge.start();
    } catch (thrown) {
      failures.push(thrown);
      if (isHopeless(thrown)) failed.push(bridge);
      else bridge.startLater();
    }
  };
  await Promise.all(bridges.map(start));
  if (failed.length === bridges.length && bridges.length > 0) {
    await stop();
    throw failures[0];
  }
  for (const bridge of failed) bridge.startLater();
  return { stop, reload: () => Promise.all(bridges.map((bridge) => bridge.reload())) };
}
