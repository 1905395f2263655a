// One bridge from its settings to running, and down again. The network is connected first and the heavy parts load while it
// answers; what cannot be delivered yet waits in the journal.

import { existsSync } from 'node:fs';
import type { Adapter, Network } from './adapter.ts';
import type { Logger } from './adapter-tools.ts';
import type { ListeningBridge } from './appservice/listener.ts';
import { WebRoutes } from './appservice/web.ts';
import type { Bridge } from './bridge.ts';
import { type BridgeError, ConfigError, messageOf, RetryableError } from './errors.ts';
import { WaitingInbox } from './inbox.ts';
import { Health } from './observe/health.ts';
import { type Metrics, openMetrics } from './observe/metrics.ts';
import type { Json } from './remote-event.ts';
import type { CoreSettings, Registration } from './settings.ts';
import { acquireLock, type Lock } from './store/lock.ts';
import { Memory } from './store/memory.ts';
import { openStore, type SqliteStore } from './store/sqlite.ts';
import { type Keys, openKeys } from './virtual-users/keys.ts';
import { countSealed } from './virtual-users/sealed.ts';
import { SealedSecrets } from './virtual-users/sealed-secrets.ts';

/** What main makes of one config file. */
export interface BridgeDefinition {
  readonly settings: CoreSettings;
  readonly registration: Registration;
  readonly network: Network;
  readonly networkSettings: unknown;
  /** The config file, for messages. */
  readonly file: string;
  /** Reads the file anew; rejects with what is wrong in it. */
  reload(): Promise<{ readonly settings: CoreSettings; readonly networkSettings: unknown }>;
}

const firstRetry = 1_000;
const lastRetry = 30_000;

export class RunningBridge {
  readonly definition: BridgeDefinition;
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #health = new Health();
  readonly #listen: (bridge: ListeningBridge) => Promise<() => void>;
  readonly #lost: () => void;
  #lock: Lock | undefined;
  #store: SqliteStore | undefined;
  #adapter: Adapter | undefined;
  #bridge: Bridge | undefined;
  #unlisten: (() => void) | undefined;
  #greeting: NodeJS.Timeout | undefined;
  #trouble: BridgeError | undefined = new RetryableError('HOMESERVER_UNREACHABLE', 'not asked yet');
  #stopped = false;

  constructor(parts: {
    definition: BridgeDefinition;
    log: Logger;
    listen: (bridge: ListeningBridge) => Promise<() => void>;
    /** It cannot go on as it is, and must be stopped and started anew. */
    lost: () => void;
  }) {
    this.definition = parts.definition;
    this.#log = parts.log;
    this.#listen = parts.listen;
    this.#lost = parts.lost;
    this.#metrics = openMetrics(parts.definition.registration.id);
  }

  /** Returns once it runs, the homeserver's answer aside: that is asked for until it is well. */
  async start(): Promise<void> {
    const { settings, registration, network, networkSettings } = this.definition;
    const log = this.#log;
    this.#lock = await acquireLock(settings.store);
    this.#store = openStore(settings.store, (thrown) => log.error({ err: thrown }, 'a part failed to write'));
    this.#store.onLost(this.#lost);
    this.#store.onCommit((ms) => this.#metrics.commit(ms));
    this.#health.add('store', () => {
      const detail = this.#store?.trouble;
      return detail === undefined ? { ok: true } : { ok: false, detail };
    });
    const keys = await this.#openKeys();
    const inbox = new WaitingInbox<Json>();
    const web = new WebRoutes(settings);
    const secrets = new SealedSecrets({ store: this.#store, keys });
    const adapter = (network as Network<unknown, Json>).create(networkSettings, {
      ...{ inbox, memory: new Memory({ store: this.#store }), secrets, web, log, count: this.#metrics.count },
      publicUrl: settings.publicUrl,
      resolveAlias: async (alias) => {
        if (this.#bridge === undefined) throw new RetryableError('HOMESERVER_UNREACHABLE', 'the bridge has only begun to start');
        return await this.#bridge.resolveAlias(alias);
      },
    });
    this.#adapter = adapter as Adapter;
    await adapter.connect();

    const { buildBridge } = await import('./bridge.ts');
    const bridge = await buildBridge<Json>({
      ...{ settings, registration, network: network as Network<unknown, Json>, adapter, inbox, store: this.#store },
      ...{ web, keys, secrets, log, metrics: this.#metrics, health: this.#health },
    });
    this.#bridge = bridge;
    this.#health.add('homeserver', () => ({ ok: this.#trouble === undefined, ...(this.#trouble && { detail: this.#trouble.message }) }));
    bridge.start();
    this.#unlisten = await this.#listen({
      ...{ name: registration.id, hsToken: registration.hsToken, webPrefix: settings.webPrefix, metricsToken: settings.metricsToken },
      ...{ inbound: bridge.inbound, web: bridge.web, provisioning: bridge.provisioning, health: () => this.#health.report() },
    });
    await this.#lock.serve(bridge.orders);
    this.#greet(firstRetry);
  }

  /** Lines that say what was taken over, and what needs a restart. */
  reload(settings: CoreSettings, networkSettings: unknown): string[] {
    return this.#bridge?.reload(settings, networkSettings) ?? [];
  }

  /** Rejects with what could not be closed; the rest is by then: a lock that is kept would hinder the next start for ever. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#greeting);
    this.#unlisten?.();
    const failed: unknown[] = [];
    const end = async (step: () => Promise<void> | undefined): Promise<void> => {
      try {
        await step();
      } catch (thrown) {
        failed.push(thrown);
      }
    };
    await end(() => this.#bridge?.stop());
    await end(() => this.#adapter?.disconnect());
    await end(() => this.#bridge?.close());
    this.#metrics.close();
    await end(() => this.#store?.close());
    await end(() => this.#lock?.release());
    if (failed.length > 0) throw failed[0];
  }

  /** They are made with the store; where they are lost later, the operator may still have them. */
  async #openKeys(): Promise<Keys> {
    const path = `${this.definition.settings.store}.keys`;
    // What people entrusted to us would stay shut for ever: better not to run until the file is back.
    const sealed = this.#store === undefined ? 0 : countSealed(this.#store);
    if (sealed === 0 && !existsSync(path) && this.#store !== undefined && this.#store.run > 1)
      this.#log.warn({ path }, 'there is no keys file: a new one is made, and links to media given out before are dead');
    return await openKeys(path, { mayCreate: sealed === 0 });
  }

  #greet(delay: number): void {
    const bridge = this.#bridge;
    if (bridge === undefined || this.#stopped) return;
    bridge.greet().then(
      () => {
        if (this.#trouble !== undefined) this.#log.info({}, 'the homeserver knows us and reaches us');
        this.#trouble = undefined;
      },
      (thrown) => {
        const trouble =
          thrown instanceof ConfigError || thrown instanceof RetryableError
            ? thrown
            : new RetryableError('HOMESERVER_UNREACHABLE', messageOf(thrown), { cause: thrown });
        if (this.#trouble?.message !== trouble.message) this.#log.warn({ code: trouble.code }, `${trouble.message}. ${trouble.remedy}`);
        this.#trouble = trouble;
        if (!this.#stopped) this.#greeting = setTimeout(() => this.#greet(Math.min(lastRetry, delay * 2)), delay);
      },
    );
  }
}
