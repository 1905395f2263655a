// Labelled requests and their answers (labeled-response, batch): collects what comes under a label, nested batches too.
// A connection makes one of these only when something is first asked.

import { type BridgeError, RetryableError, UnknownOutcomeError } from '#bridge-core';
import type { IrcLine } from './connection.ts';

/** Lines of one answer; a server that sends more is not answering. */
const maxLines = 50_000;

/** What happens in the sight of all; as an answer it tells that the request was fulfilled. */
const changes = new Set([
  'JOIN',
  'PART',
  'NICK',
  'KICK',
  'TOPIC',
  'MODE',
  'INVITE',
  'QUIT',
  'CHGHOST',
  'SETNAME',
  'ACCOUNT',
  'AWAY',
  'REDACT',
]);

interface Asked {
  readonly lines: IrcLine[];
  readonly resolve: (lines: readonly IrcLine[]) => void;
  readonly reject: (error: BridgeError) => void;
  readonly timer: NodeJS.Timeout;
}

export class Answers {
  #labels = 0;
  readonly #asked = new Map<string, Asked>();
  /** Reference of an open batch → label of the answer that it belongs to. */
  readonly #batches = new Map<string, { readonly label: string; readonly isPlain: boolean; readonly isOuter: boolean }>();

  newLabel(): string {
    this.#labels++;
    return this.#labels.toString(36);
  }

  get isIdle(): boolean {
    return this.#asked.size === 0;
  }

  /** To be called in the turn in which the request was written. */
  expect(label: string, timeout: number): Promise<readonly IrcLine[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly IrcLine[]>();
    const late = () => this.#fail(label, new UnknownOutcomeError('the network has not answered in time'));
    this.#asked.set(label, { lines: [], resolve, reject, timer: setTimeout(late, timeout) });
    return promise;
  }

  failAll(error: BridgeError): void {
    for (const label of [...this.#asked.keys()]) this.#fail(label, error);
  }

  /** Takes the line if it is part of an answer. False also for a part that tells of a change, which concerns everybody. */
  take(line: IrcLine): boolean {
    const { label, batch } = line.tags;
    const reference = line.command === 'BATCH' ? (line.params[0] ?? '') : '';
    if (reference.startsWith('-')) return this.#closeBatch(reference.slice(1), line);
    if (label !== undefined && this.#asked.has(label)) {
      if (reference.startsWith('+')) this.#openBatch(reference.slice(1), label, line);
      else this.#settle(label)?.resolve(line.command === 'ACK' ? [] : [line]);
      return !changes.has(line.command);
    }
    const within = batch === undefined ? undefined : this.#batches.get(batch);
    if (within === undefined) return false;
    if (reference.startsWith('+')) this.#batches.set(reference.slice(1), { label: within.label, isPlain: false, isOuter: false });
    this.#collect(within.label, line);
    return !(within.isPlain && changes.has(line.command));
  }

  /** The answer as a whole is a batch: a plain one only holds it together, one of another type is part of what is said. */
  #openBatch(reference: string, label: string, line: IrcLine): void {
    const isPlain = line.params[1] === 'labeled-response';
    this.#batches.set(reference, { label, isPlain, isOuter: true });
    if (!isPlain) this.#collect(label, line);
  }

  #closeBatch(reference: string, line: IrcLine): boolean {
    const batch = this.#batches.get(reference);
    if (batch === undefined) return false;
    if (!batch.isPlain) this.#collect(batch.label, line);
    if (batch.isOuter) {
      const asked = this.#settle(batch.label);
      asked?.resolve(asked.lines);
    } else {
      this.#batches.delete(reference);
    }
    return true;
  }

  #collect(label: string, line: IrcLine): void {
    const asked = this.#asked.get(label);
    asked?.lines.push(line);
    if (asked !== undefined && asked.lines.length > maxLines)
      this.#fail(label, new RetryableError('NETWORK_BUSY', 'the answer has no end'));
  }

  #fail(label: string, error: BridgeError): void {
    this.#settle(label)?.reject(error);
  }

  #settle(label: string): Asked | undefined {
    const asked = this.#asked.get(label);
    if (asked === undefined) return undefined;
    clearTimeout(asked.timer);
    this.#asked.delete(label);
    for (const [reference, batch] of this.#batches) if (batch.label === label) this.#batches.delete(reference);
    return asked;
  }
}
