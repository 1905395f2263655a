// The door for operators: what main, config and registration may know of the core. Runs several bridges in one process, with
// one listener for each address; one that fails to start is tried again while the others run.

import type { Logger } from './adapter-tools.ts';
import type { Listener, ListeningBridge } from './appservice/listener.ts';
import { type BridgeError, ConfigError, messageOf, RetryableError } from './errors.ts';
import type { OfflineStore } from './offline.ts';
import { type BridgeDefinition, RunningBridge } from './running-bridge.ts';
import type { CoreSettings } from './settings.ts';

export type { Network } from './adapter.ts';
export type { Logger } from './adapter-tools.ts';
export * from './casing.ts';
export * from './duration-setting.ts';
export * from './durations.ts';
export * from './errors.ts';
export { type UserId, userId } from './ids.ts';
export * from './named-setting.ts';
export { openLog } from './observe/log.ts';
export type { OfflineStore } from './offline.ts';
export type { Json } from './remote-event.ts';
export type { BridgeDefinition } from './running-bridge.ts';
export type * from './settings.ts';
export { acquireLock, askRunning, type Handlers, type Lock } from './store/lock.ts';
export { type Namespace, namespaces } from './virtual-users/names.ts';

export interface Host {
  /** Refuses new work, lets what is in flight end, closes sessions and stores. */
  stop(): Promise<void>;
  /** Lines that say what was taken over, and what needs a restart. */
  reload(): Promise<string[]>;
}

/** Loads the parts that a running bridge loads later than its door. */
export async function openOffline(settings: Pick<CoreSettings, 'store'>): Promise<OfflineStore> {
  return (await import('./offline.ts')).openOffline(settings);
}

const firstRetry = 2_000;
const lastRetry = 60_000;

/** Rejects if none can start for a reason that only the operator can mend. */
export async function startHost(definitions: readonly BridgeDefinition[], { log }: { log: Logger }): Promise<Host> {
  const listeners = new Map<string, Promise<Listener>>();
  const retries = new Set<NodeJS.Timeout>();
  const running = new Set<RunningBridge>();
  let isStopped = false;

  const listen = async (settings: BridgeDefinition['settings'], bridge: ListeningBridge): Promise<() => void> => {
    const { host, port } = settings.appservice.listen;
    const address = `${host}:${port}`;
    let opening = listeners.get(address);
    if (opening === undefined) {
      opening = import('./appservice/listener.ts').then(({ openListener }) => openListener({ host, port, log }));
      listeners.set(address, opening);
      opening.catch(() => listeners.delete(address));
    }
    return (await opening).add(bridge);
  };

  const start = async (definition: BridgeDefinition, delay: number): Promise<void> => {
    const named = log.child({ bridge: definition.registration.id });
    const bridge: RunningBridge = new RunningBridge({
      ...{ definition, log: named, listen: (listening) => listen(definition.settings, listening) },
      lost: () => void restart(bridge, definition, named),
    });
    running.add(bridge);
    try {
      await bridge.start();
    } catch (thrown) {
      running.delete(bridge);
      await bridge.stop().catch((also) => named.warn({ why: messageOf(also) }, 'not all could be closed'));
      if (isHopeless(thrown)) throw thrown;
      named.error({ why: messageOf(thrown), code: (thrown as BridgeError).code }, `did not start; tried again in ${delay / 1_000} s`);
      startLater(definition, delay, named);
    }
  };

  const startLater = (definition: BridgeDefinition, delay: number, named: Logger): void => {
    if (isStopped) return;
    const timer = setTimeout(() => {
      retries.delete(timer);
      start(definition, Math.min(lastRetry, delay * 2)).catch((again) => named.error({ why: messageOf(again) }, 'does not start'));
    }, delay);
    retries.add(timer);
  };

  /** The disk failed it: what it had not promised yet comes again from both sides, once it is open anew. */
  const restart = async (bridge: RunningBridge, definition: BridgeDefinition, named: Logger): Promise<void> => {
    if (!running.delete(bridge) || isStopped) return;
    named.error({}, 'the disk failed: this bridge is stopped and started anew');
    await bridge.stop().catch((thrown) => named.warn({ why: messageOf(thrown) }, 'not all could be closed'));
    startLater(definition, firstRetry, named);
  };

  const stop = async (): Promise<void> => {
    isStopped = true;
    for (const timer of retries) clearTimeout(timer);
    await Promise.all([...running].map((bridge) => bridge.stop()));
    for (const listener of await Promise.allSettled(listeners.values())) {
      if (listener.status === 'fulfilled') await listener.value.close();
    }
  };

  const outcomes = await Promise.allSettled(definitions.map((definition) => start(definition, firstRetry)));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  for (const { reason } of refused) log.error({ code: (reason as BridgeError).code }, messageOf(reason));
  if (refused.length === definitions.length && refused[0] !== undefined) {
    await stop();
    throw refused[0].reason;
  }
  return {
    stop,
    reload: async () => (await Promise.all([...running].map((bridge) => bridge.reload()))).flat(),
  };
}

/** Trying again mends nothing: the operator must. */
function isHopeless(thrown: unknown): boolean {
  return thrown instanceof ConfigError || !(thrown instanceof RetryableError);
}
