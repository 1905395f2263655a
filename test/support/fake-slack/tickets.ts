// WebSocket addresses as rtm.connect and apps.connections.open give them: good once, and for 30 seconds
// (slackhq/slack-api-docs, "Real Time Messaging API"; for Socket Mode unverified).

import type { World } from './world.ts';

const lifetime = 30_000;

export class Tickets<Holder> {
  readonly #world: World;
  readonly #path: string;
  readonly #open = new Map<string, { readonly holder: Holder; readonly until: number }>();

  constructor(world: World, path: string) {
    this.#world = world;
    this.#path = path;
  }

  issue(holder: Holder): string {
    const ticket = this.#world.secret(16);
    this.#open.set(ticket, { holder, until: this.#world.clock.now() + lifetime });
    return `${this.#world.origin.replace('http', 'ws')}${this.#path}?ticket=${ticket}`;
  }

  redeem(url: string): Holder | undefined {
    const ticket = new URL(url, 'ws://slack').searchParams.get('ticket') ?? '';
    const found = this.#open.get(ticket);
    this.#open.delete(ticket);
    return found !== undefined && found.until > this.#world.clock.now() ? found.holder : undefined;
  }
}
