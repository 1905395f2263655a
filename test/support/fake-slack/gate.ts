// Between an event and one receiver: here the faults have their way with it.

import type { Faults } from '../fake-services/faults.ts';
import { type EventFault, type EventTransport, matches } from './faults.ts';
import type { World } from './world.ts';

export interface Passing {
  readonly what: string;
  readonly transport: EventTransport;
  readonly app: string;
  send(): void;
  /** Cuts the receiver's connections. */
  cut(): void;
}

export class Gate {
  readonly #world: World;
  readonly #faults: Faults<EventFault>;
  /** By receiver: what waits for the next one to go first. */
  readonly #held = new Map<string, () => void>();

  constructor(world: World, faults: Faults<EventFault>) {
    this.#world = world;
    this.#faults = faults;
  }

  pass(receiver: string, { what, transport, app, send, cut }: Passing): void {
    const act = this.#faults.take(
      (fault) => matches(fault.on, what) && (fault.transport ?? transport) === transport && (fault.app ?? app) === app,
    );
    if (act === 'reorder' && !this.#held.has(receiver)) {
      this.#held.set(receiver, send);
      return;
    }
    if (act === 'double') send();
    if (typeof act === 'object' && 'cut' in act && act.cut === 'before') cut();
    if (typeof act === 'object' && 'delay' in act) this.#world.later.in(act.delay, send);
    else if (act !== 'drop') send();
    if (typeof act === 'object' && 'cut' in act && act.cut === 'after') cut();
    const held = this.#held.get(receiver);
    this.#held.delete(receiver);
    held?.();
  }
}
