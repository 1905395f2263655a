// What a command asks of a store: the running bridge answers by its control socket; where none runs, the store is opened here.

import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { askRunning, BridgeError, type CoreSettings, type Json, type OfflineStore, openOffline, PermanentError } from '#bridge-core/host';

/** How long a bridge that holds the store and does not listen yet is waited for: it is starting, or stopping. */
const patience = 5_000;

export interface Order {
  readonly verb: string;
  readonly args?: Json;
  readonly timeout?: number;
  /** The same, on a store that nobody runs on. */
  offline(store: OfflineStore): Json | Promise<Json>;
}

export async function ask(core: Pick<CoreSettings, 'store'>, { verb, args = {}, timeout, offline }: Order): Promise<Json> {
  if (!existsSync(core.store)) throw new PermanentError('NOT_RUNNING', `there is no store ${core.store} yet`);
  const until = Date.now() + patience;
  for (;;) {
    const answer = await askRunning(core.store, verb, args, timeout);
    if (answer !== undefined) return answer;
    try {
      return await offlineAnswer(core, offline);
    } catch (error) {
      const isHeld = error instanceof BridgeError && error.code === 'STORE_LOCKED';
      if (!isHeld || Date.now() > until) throw error;
      await wait(100);
    }
  }
}

async function offlineAnswer(core: Pick<CoreSettings, 'store'>, offline: Order['offline']): Promise<Json> {
  const store = await openOffline(core);
  try {
    return await offline(store);
  } finally {
    await store.close();
  }
}
