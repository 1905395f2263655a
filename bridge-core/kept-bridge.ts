// One bridge of a process, kept running: what fails is tried again with growing waits, and while it is not there it says why.
// Whether a first failure ends the process is the host's to decide.

import type { Logger } from './adapter-tools.ts';
import type { ListeningBridge } from './appservice/listener.ts';
import { BridgeError, messageOf, PermanentError, RetryableError } from './errors.ts';
import type { HealthReport } from './observe/health.ts';
import { announceBridge } from './observe/metrics.ts';
import { type BridgeDefinition, RunningBridge } from './running-bridge.ts';

const firstRetry = 2_000;
const lastRetry = 60_000;
/** A try that is under way at a stop may take so long to end. */
const patience = 2_000;

/** What a reload came to for one bridge. */
export interface Reloaded {
  readonly bridge: string;
  /** What was taken over, and what needs a restart; none: nothing has changed. */
  readonly lines: readonly string[];
  /** Then nothing of it was taken over. */
  readonly fault?: BridgeError;
}

export class KeptBridge {
  readonly name: string;
  readonly #log: Logger;
  readonly #listen: (settings: BridgeDefinition['settings'], bridge: ListeningBridge) => Promise<() => void>;
  readonly #onAbsent: (settings: BridgeDefinition['settings']) => void;
  readonly #withdraw: () => void;
  #definition: BridgeDefinition;
  #running: RunningBridge | undefined;
  #attempt: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #delay = firstRetry;
  /** Undefined: it runs. */
  #absence: { readonly why: string; readonly isFault: boolean } | undefined = { why: 'it is starting', isFault: false };
  #isStopped = false;

  constructor(parts: {
    definition: BridgeDefinition;
    log: Logger;
    listen: (settings: BridgeDefinition['settings'], bridge: ListeningBridge) => Promise<() => void>;
    /** It did not start, or was lost, and is to be seen as absent where it would listen. */
    onAbsent: (settings: BridgeDefinition['settings']) => void;
  }) {
    this.name = parts.definition.registration.id;
    this.#definition = parts.definition;
    this.#log = parts.log.child({ bridge: this.name });
    this.#listen = parts.listen;
    this.#onAbsent = parts.onAbsent;
    this.#withdraw = announceBridge(this.name, () => this.#absence === undefined);
  }

  /** Undefined: it runs, and tells of its health itself. */
  get absence(): HealthReport | undefined {
    if (this.#absence === undefined) return undefined;
    const { why, isFault } = this.#absence;
    return { ok: !isFault, ready: false, details: { start: { ok: !isFault, ready: false, detail: why } } };
  }

  get metricsToken(): string | undefined {
    return this.#definition.settings.metricsToken;
  }

  /** One try. Rejects with why it does not start; what comes of that is the caller's. */
  start(): Promise<void> {
    this.#attempt = this.#start().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  /** After a failure: tried again until it runs. */
  startLater(): void {
    if (this.#isStopped) return;
    this.#onAbsent(this.#definition.settings);
    if (this.#delay === firstRetry) this.#log.info({}, `tried again from now on, every ${lastRetry / 1_000} s at last`);
    this.#retry = setTimeout(() => this.#startAgain(), this.#delay);
    this.#delay = Math.min(lastRetry, this.#delay * 2);
  }

  /** The config as it is now, for as much as can be taken over; for all of it, where the bridge does not run. */
  async reload(): Promise<Reloaded> {
    const bridge = this.name;
    try {
      const fresh = await this.#definition.reload();
      this.#definition = { ...this.#definition, ...fresh };
      if (this.#absence === undefined && this.#running !== undefined) {
        return { bridge, lines: this.#running.reload(fresh.settings, fresh.networkSettings) };
      }
      const lines = [`does not run (${this.#absence?.why}); its config is read anew for the next try`];
      if (this.#attempt !== undefined || this.#isStopped) return { bridge, lines };
      clearTimeout(this.#retry);
      this.#delay = firstRetry;
      // What hinders it is told again: somebody has just tried to mend it.
      this.#absence = { why: 'it is starting', isFault: true };
      this.#startAgain();
      return { bridge, lines };
    } catch (thrown) {
      const fault = thrown instanceof BridgeError ? thrown : new PermanentError('DEFECT', messageOf(thrown), thrown);
      return { bridge, lines: [], fault };
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    const impatience = Promise.withResolvers<void>();
    const timer = setTimeout(impatience.resolve, patience);
    await Promise.race([this.#attempt?.catch(() => {}), impatience.promise]);
    clearTimeout(timer);
    // Those beside it are to be closed as well.
    if (this.#running !== undefined) await this.#close(this.#running);
    this.#withdraw();
  }

  #startAgain(): void {
    this.start().catch(() => this.startLater());
  }

  async #start(): Promise<void> {
    const definition = this.#definition;
    let isLost = false;
    const running: RunningBridge = new RunningBridge({
      ...{ definition, log: this.#log, listen: (listening) => this.#listen(definition.settings, listening) },
      lost: () => {
        isLost = true;
        if (this.#attempt === undefined) void this.#restart(running);
      },
    });
    this.#running = running;
    try {
      await running.start();
      if (isLost) throw new RetryableError('STORE_BROKEN', 'the disk failed while it started');
    } catch (thrown) {
      this.#running = undefined;
      await this.#close(running);
      this.#tell(thrown);
      throw thrown;
    }
    if (this.#absence?.isFault) this.#log.info({}, 'runs now');
    this.#absence = undefined;
    this.#delay = firstRetry;
  }

  /** The disk failed it: what it had not promised yet comes again from both sides, once it is open anew. */
  async #restart(running: RunningBridge): Promise<void> {
    if (this.#running !== running || this.#isStopped) return;
    this.#running = undefined;
    this.#log.error({}, 'the disk failed: this bridge is stopped and started anew');
    this.#absence = { why: 'the disk failed; it is started anew', isFault: true };
    await this.#close(running);
    this.startLater();
  }

  async #close(running: RunningBridge): Promise<void> {
    await running.stop().catch((also) => this.#log.warn({ why: messageOf(also) }, 'not all could be closed'));
  }

  /** Said once for each reason, not with each try. */
  #tell(thrown: unknown): void {
    const { code, remedy } = thrown instanceof BridgeError ? thrown : { code: 'DEFECT', remedy: '' };
    const why = `${code}: ${messageOf(thrown)}`;
    if (this.#absence?.why === why) return;
    this.#absence = { why, isFault: true };
    this.#log.error(
      { code, ...(thrown instanceof BridgeError ? {} : { err: thrown }) },
      `does not start: ${messageOf(thrown)}. ${remedy}`.trim(),
    );
  }
}

/** Trying again mends nothing: the operator must. */
export const isHopeless = (thrown: unknown): boolean => !(thrown instanceof RetryableError);
