// The channels that one connection is in: joins with their answers, several in one line where they are wanted at once, and
// what takes us out again. What follows from it for reports and links is told by callbacks.

import { type BridgeError, PermanentError, RetryableError } from '#bridge-core';
import { joinRefusal } from './refusals.ts';
import type { Connection, IrcLine } from './wire/connection.ts';

interface Joining {
  readonly name: string;
  readonly key: string | undefined;
  readonly promise: Promise<void>;
  readonly settle: (error?: BridgeError) => void;
  timer: NodeJS.Timeout | undefined;
}

export interface AttendanceParts {
  readonly connection: Connection;
  readonly answerWithin: number;
  /** A channel's name as the rest of the adapter keys it. */
  readonly fold: (name: string) => string;
  readonly arrived: (folded: string) => void;
  readonly departed: (folded: string) => void;
  /** What our JOIN waits for. */
  readonly first?: ((folded: string) => Promise<void> | undefined) | undefined;
}

export class Attendance {
  readonly #parts: AttendanceParts;
  readonly #joined = new Map<string, string>();
  readonly #joining = new Map<string, Joining>();
  #unsent: Joining[] = [];
  #lost: BridgeError | undefined;

  constructor(parts: AttendanceParts) {
    this.#parts = parts;
  }

  has(folded: string): boolean {
    return this.#joined.has(folded);
  }

  /** Folded names. */
  channels(): string[] {
    return [...this.#joined.keys()];
  }

  /** Asked to be let in, not answered yet. */
  joining(folded: string): Promise<void> | undefined {
    return this.#joining.get(folded)?.promise;
  }

  join(name: string, key?: string): Promise<void> {
    const folded = this.#fold(name);
    if (this.#joined.has(folded)) return Promise.resolve();
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const pending = this.#joining.get(folded);
    if (pending !== undefined) return pending.promise;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const joining: Joining = {
      name,
      key,
      promise,
      timer: undefined,
      settle: (error) => {
        clearTimeout(joining.timer);
        this.#joining.delete(folded);
        if (error === undefined) resolve();
        else reject(error);
      },
    };
    this.#joining.set(folded, joining);
    const first = this.#parts.first?.(folded);
    if (first === undefined) this.#ask(joining);
    else first.then(() => this.#ask(joining));
    return promise;
  }

  async leave(name: string, reason?: string): Promise<void> {
    const folded = this.#fold(name);
    this.#joining.get(folded)?.settle(new RetryableError('NETWORK_BUSY', `${name}: left while joining`));
    if (!this.#joined.delete(folded)) return;
    this.#parts.departed(folded);
    await this.#parts.connection.send({ command: 'PART', params: reason === undefined ? [name] : [name, reason] }, 'command');
  }

  /** A line of this connection. `isOwn`: its sender is this session itself. */
  heard(line: IrcLine, isOwn: boolean): void {
    switch (line.command) {
      case 'JOIN':
        if (isOwn) this.#arrive(line.params[0] ?? '');
        return;
      case 'PART':
        if (isOwn) this.#depart(line.params[0] ?? '');
        return;
      case 'KICK':
        if (this.#isOurs(line.params[1] ?? '')) this.#depart(line.params[0] ?? '');
        return;
      case '470': {
        const [, from = '', to = ''] = line.params;
        this.#refused(from, new PermanentError('CHANNEL_CLOSED', `${from}: the channel forwards to ${to}, which is not linked`));
        return;
      }
      case 'FAIL':
        if (line.params[0] !== 'JOIN') return;
        break;
      default:
        if (line.command.length !== 3 || line.command.charCodeAt(0) < 52) return;
    }
    if (this.#joining.size === 0) return;
    const refusal = joinRefusal(line);
    if (refusal !== undefined) this.#refused(refusal.channel, refusal.error);
  }

  lost(error: BridgeError): void {
    this.#lost = error;
    for (const joining of [...this.#joining.values()]) joining.settle(error);
    const channels = this.channels();
    this.#joined.clear();
    for (const folded of channels) this.#parts.departed(folded);
  }

  #fold(name: string): string {
    return this.#parts.fold(name);
  }

  #isOurs(nick: string): boolean {
    const { isupport, nick: own } = this.#parts.connection;
    return isupport.fold(nick) === isupport.fold(own);
  }

  #arrive(name: string): void {
    const folded = this.#fold(name);
    if (name === '' || this.#joined.has(folded)) return;
    const joining = this.#joining.get(folded);
    if (joining === undefined) {
      // Nobody asked: a forward, or an operator's SAJOIN.
      this.#parts.connection.send({ command: 'PART', params: [name] }, 'command').catch(() => {});
      return;
    }
    this.#joined.set(folded, name);
    this.#parts.arrived(folded);
    joining.settle();
  }

  #depart(name: string): void {
    const folded = this.#fold(name);
    if (this.#joined.delete(folded)) this.#parts.departed(folded);
  }

  #refused(channel: string, error: BridgeError): void {
    this.#joining.get(this.#fold(channel))?.settle(error);
  }

  #ask(joining: Joining): void {
    if (this.#unsent.push(joining) === 1) setImmediate(() => this.#sendJoins());
  }

  #sendJoins(): void {
    const wanted = this.#unsent.filter((joining) => this.#joining.get(this.#fold(joining.name)) === joining);
    this.#unsent = [];
    // Keys are matched to channels by place, so those with a key come first.
    wanted.sort((a, b) => Number(a.key === undefined) - Number(b.key === undefined));
    const most = this.#channelsALine();
    let bytes = 0;
    let line: Joining[] = [];
    for (const joining of wanted) {
      const cost = Buffer.byteLength(joining.name) + Buffer.byteLength(joining.key ?? '') + 2;
      if (line.length > 0 && (line.length >= most || bytes + cost > 480)) {
        this.#sendJoin(line);
        [line, bytes] = [[], 0];
      }
      line.push(joining);
      bytes += cost;
    }
    if (line.length > 0) this.#sendJoin(line);
  }

  #sendJoin(line: readonly Joining[]): void {
    const channels = line.map((joining) => joining.name).join(',');
    const keys = line.flatMap((joining) => joining.key ?? []).join(',');
    const sent = this.#parts.connection.send({ command: 'JOIN', params: keys === '' ? [channels] : [channels, keys] }, 'command');
    sent.then(
      () => {
        for (const joining of line) {
          const late = () => joining.settle(new RetryableError('NETWORK_BUSY', `${joining.name}: no answer to our JOIN`, { after: 5_000 }));
          if (this.#joining.get(this.#fold(joining.name)) === joining) joining.timer = setTimeout(late, this.#parts.answerWithin);
        }
      },
      (error: BridgeError) => {
        for (const joining of line) joining.settle(error);
      },
    );
  }

  #channelsALine(): number {
    const support = this.#parts.connection.isupport;
    const told = /(?:^|,)JOIN:(\d*)(?:,|$)/i.exec(support.get('TARGMAX') ?? '')?.[1] ?? support.get('MAXTARGETS');
    if (told === undefined) return 10;
    return told === '' ? 50 : Math.max(1, Number(told) || 10);
  }
}
