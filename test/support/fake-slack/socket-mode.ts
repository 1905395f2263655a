// Socket Mode as docs.slack.dev/apis/events-api/using-socket-mode has it and @slack/socket-mode speaks it: hello, envelopes, an ack
// within three seconds, up to ten sockets of which each event takes one, and the notices before a socket is closed. Unverified: the
// pause between warning and close, how a socket is chosen (in turn here), and the reason words of a retry.

import type { WebSocket } from 'ws';
import type { App } from './model.ts';
import type { Attempt, Outcome } from './retries.ts';
import { Tickets } from './tickets.ts';
import type { World } from './world.ts';

export type EnvelopeKind = 'events_api' | 'slash_commands' | 'interactive';

interface Socket {
  readonly socket: WebSocket;
  readonly app: App;
  /** Warned or frozen ones are given nothing more. */
  isDraining: boolean;
  readonly waiting: Map<string, (outcome: Outcome) => void>;
}

const maxSockets = 10;
const pingEvery = 5_000;

export class SocketMode {
  readonly #world: World;
  readonly #tickets: Tickets<App>;
  readonly #timeout: number;
  #sockets: Socket[] = [];

  constructor(world: World, timeout: number) {
    this.#world = world;
    this.#timeout = timeout;
    this.#tickets = new Tickets(world, '/socket-mode/');
  }

  address(app: App): string {
    return `${this.#tickets.issue(app)}&app_id=${app.id}`;
  }

  connections(app: App): number {
    return this.#sockets.filter((each) => each.app === app).length;
  }

  accept(socket: WebSocket, url: string): void {
    const app = this.#tickets.redeem(url);
    if (app === undefined) {
      socket.close(1008, 'unknown ticket');
      return;
    }
    if (this.connections(app) >= maxSockets) {
      socket.send(JSON.stringify(disconnect('too_many_websockets')));
      socket.close();
      return;
    }
    const held: Socket = { socket, app, isDraining: false, waiting: new Map() };
    this.#sockets.push(held);
    socket.on('message', (data) => this.#acknowledged(held, data.toString()));
    const pings = setInterval(() => !held.isDraining && socket.ping(), pingEvery);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(pings);
      this.#sockets = this.#sockets.filter((each) => each !== held);
      for (const settle of [...held.waiting.values()]) settle({ isTaken: false, reason: 'connection_failed' });
    });
    socket.send(
      JSON.stringify({
        type: 'hello',
        num_connections: this.connections(app),
        debug_info: { host: 'applink-fake', build_number: 1, approximate_connection_time: 18060 },
        connection_info: { app_id: app.id },
      }),
    );
  }

  /** Settles with the ack, or after three seconds without one; at once where no socket is open. */
  send(app: App, kind: EnvelopeKind, payload: object, attempt: Attempt): Promise<Outcome> {
    const taker = this.#next(app);
    if (taker === undefined) return Promise.resolve({ isTaken: false, reason: 'connection_failed' });
    const envelope_id = this.#world.uuid();
    const retry = kind === 'events_api' ? { retry_attempt: attempt.number, retry_reason: attempt.reason ?? '' } : {};
    const envelope = { envelope_id, type: kind, payload, accepts_response_payload: kind !== 'events_api', ...retry };
    return new Promise((resolve) => {
      const settle = (outcome: Outcome) => {
        this.#world.later.forget(timer);
        taker.waiting.delete(envelope_id);
        resolve(outcome);
      };
      const timer = this.#world.later.in(this.#timeout, () => settle({ isTaken: false, reason: 'timeout' }));
      taker.waiting.set(envelope_id, settle);
      taker.socket.send(JSON.stringify(envelope));
    });
  }

  /** As before Slack renews a connection: told, given nothing more, and after `grace` ms told again and closed. */
  refresh(app: App, grace: number): void {
    for (const held of this.#of(app)) {
      held.isDraining = true;
      held.socket.send(JSON.stringify(disconnect('warning')));
      this.#world.later.in(grace, () => {
        if (held.socket.readyState !== held.socket.OPEN) return;
        held.socket.send(JSON.stringify(disconnect('refresh_requested')));
        held.socket.close();
      });
    }
  }

  /** Socket Mode was switched off in the app's settings. */
  disable(app: App): void {
    for (const { socket } of this.#of(app)) {
      socket.send(JSON.stringify(disconnect('link_disabled')));
      socket.close();
    }
  }

  /** Without a word, as networks do. */
  cut(app?: App): void {
    for (const { socket } of this.#of(app)) socket.terminate();
  }

  /** Half-open: no pings, no answers to pings, events go nowhere; the socket stays. */
  freeze(app: App): void {
    for (const { socket } of this.#of(app)) {
      socket.pause();
      socket.ping = () => {};
      socket.send = () => {};
    }
  }

  stop(): void {
    this.cut();
  }

  #of(app: App | undefined): Socket[] {
    return this.#sockets.filter((each) => app === undefined || each.app === app);
  }

  /** In turn: who was given one goes to the end. */
  #next(app: App): Socket | undefined {
    const index = this.#sockets.findIndex(
      ({ socket, isDraining, app: of }) => of === app && !isDraining && socket.readyState === socket.OPEN,
    );
    const [next] = index < 0 ? [] : this.#sockets.splice(index, 1);
    if (next !== undefined) this.#sockets.push(next);
    return next;
  }

  #acknowledged(held: Socket, text: string): void {
    const { envelope_id: id, payload } = JSON.parse(text) as { envelope_id?: string; payload?: unknown };
    held.waiting.get(id ?? '')?.({ isTaken: true, answer: payload });
  }
}

function disconnect(reason: string): object {
  return { type: 'disconnect', reason, debug_info: { host: 'applink-fake' } };
}
