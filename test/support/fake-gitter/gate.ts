// Between a happening and one receiver: here the faults have their way with it.

import type { Faults } from '../fake-services/faults.ts';
import { type DeliveryFault, matches, type Transport } from './faults.ts';
import type { World } from './world.ts';

export interface Passing {
  readonly what: string;
  readonly channel: string;
  readonly transport: Transport;
  readonly username: string;
  /** Takes the next number, where deliveries have one. */
  number(): number | undefined;
  send(c: number | undefined): void;
  lose(c: number | undefined): void;
  /** Cuts the receiver's connection. */
  cut(): void;
}

export class Gate {
  readonly #world: World;
  readonly #faults: Faults<DeliveryFault>;
  /** By receiver: what waits for the next one to go first. */
  readonly #held = new Map<string, () => void>();

  constructor(world: World, faults: Faults<DeliveryFault>) {
    this.#world = world;
    this.#faults = faults;
  }

  pass(receiver: string, passing: Passing): void {
    const act = this.#faults.take((fault) => isFor(fault, passing));
    if (act === 'reorder' && !this.#held.has(receiver)) {
      const c = passing.number();
      this.#held.set(receiver, () => passing.send(c));
      return;
    }
    this.#act(act, passing);
    const held = this.#held.get(receiver);
    this.#held.delete(receiver);
    held?.();
  }

  #act(act: DeliveryFault['act'] | undefined, { number, send, lose, cut }: Passing): void {
    if (act === 'skip') number();
    const c = act === 'lose' ? undefined : number();
    const isCutBefore = typeof act === 'object' && 'cut' in act && act.cut === 'before';
    if (isCutBefore) cut();
    if (act === 'lose' || act === 'drop' || isCutBefore) lose(c);
    else if (typeof act === 'object' && 'delay' in act) this.#world.later.in(act.delay, () => send(c));
    else send(c);
    if (act === 'double') send(number());
    if (typeof act === 'object' && 'cut' in act && act.cut === 'after') cut();
  }
}

function isFor({ on, transport, username }: DeliveryFault, { what, channel, ...passing }: Passing): boolean {
  const isByTransport =
    transport === undefined || transport === passing.transport || (transport === 'faye' && passing.transport !== 'stream');
  return isByTransport && (username ?? passing.username) === passing.username && matches(on, what, channel);
}
