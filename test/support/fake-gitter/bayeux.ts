// Gitter's realtime server: Bayeux (docs.cometd.org's specification) with Gitter's additions, as its server's code of 2020 has them: a token
// in the handshake's `ext`, errors as `STATUS::text` with their advice, snapshots, no publishing but `/api/v1/ping2`; numbers in `ext.c`, of
// messages with data alone, and the 1.6 timeouts after which a silent client is forgotten, as in gitter-faye-redis. Own, since faye's server
// lets nobody lose, double or hold one client's message. Unverified: texts of errors for unknown client ids.

import type { Recorded } from '../fake-services/recorded.ts';
import { BayeuxClient, type BayeuxMessage, type Line } from './bayeux-client.ts';
import type { Gate } from './gate.ts';
import { GitterFault } from './http.ts';
import type { Room, Token, User } from './model.ts';
import type { RecordedDelivery } from './records.ts';
import type { Shapes } from './shapes.ts';
import type { SubscribeExt, Subscriptions } from './subscriptions.ts';
import type { Happening, World } from './world.ts';

export interface BayeuxOptions {
  readonly world: World;
  readonly shapes: Shapes;
  readonly subscriptions: Subscriptions;
  readonly gate: Gate;
  readonly deliveries: Recorded<RecordedDelivery>;
  /** ms that a request to connect is held. */
  readonly timeout: number;
  /** ms: who is silent for longer is forgotten. */
  readonly patience: number;
  /** ms of the advice after an error for which to shake hands anew. */
  readonly retryInterval: number;
  /** Somebody listens now. */
  readonly onSubscribed: () => void;
  readonly onPresence: (room: Room, user: User, status: 'in' | 'out') => void;
}

type Reply = (messages: readonly BayeuxMessage[]) => void;

const prefix = '/api/v1';
const tenDays = 10 * 86_400_000;
const connectionTypes = ['long-polling', 'websocket'];

export class Bayeux {
  readonly clients = new Map<string, BayeuxClient>();
  /** Greetings that are refused though the token is good, by user name. */
  readonly refusals = new Map<string, number>();
  readonly #options: BayeuxOptions;
  /** By channel below the prefix. */
  readonly #subscribers = new Map<string, Set<BayeuxClient>>();
  readonly #expiries = new Map<BayeuxClient, NodeJS.Timeout>();
  #count = 0;

  constructor(options: BayeuxOptions) {
    this.#options = options;
    options.world.listen((happening) => this.#publish(happening));
  }

  /** `reply` may be called later. */
  take(message: BayeuxMessage, line: Line, reply: Reply): void {
    const client = this.clients.get(message.clientId ?? '');
    if (message.channel === '/meta/handshake') reply([this.#handshake(message)]);
    else if (client === undefined)
      reply([{ ...this.#refuse(message, new GitterFault(401, 'Client is unknown')), ...this.#named(message) }]);
    else this.#takeFrom(client, message, line, reply);
  }

  /** A line is gone, and what is held on it. */
  lost(line: Line): void {
    for (const client of this.clients.values()) client.detach(line);
  }

  /** As a server that starts anew: all client ids are unknown. */
  forget(): void {
    for (const client of [...this.clients.values()]) this.destroy(client);
  }

  destroy(client: BayeuxClient): void {
    if (!this.clients.delete(client.id)) return;
    for (const channel of client.subscriptions) this.#subscribers.get(channel)?.delete(client);
    this.#countOnline(client.token.user, -1);
    this.#options.world.later.forget(this.#expiries.get(client));
    this.#expiries.delete(client);
    this.#tellPresence(client, 'out');
    client.close();
  }

  clientsOf(username?: string): BayeuxClient[] {
    return [...this.clients.values()].filter(({ token }) => username === undefined || token.user.username === username);
  }

  revoked(token: Token): void {
    for (const client of [...this.clients.values()]) if (client.token === token) this.destroy(client);
  }

  /** Who is no longer in a room hears no more of it. */
  removed(room: Room, user: User): void {
    for (const client of this.clients.values()) {
      if (client.token.user !== user) continue;
      for (const channel of [...client.subscriptions])
        if (`${channel}/`.startsWith(`/rooms/${room.id}/`)) this.#unsubscribe(client, prefix + channel);
    }
  }

  #takeFrom(client: BayeuxClient, message: BayeuxMessage, line: Line, reply: Reply): void {
    client.attach(line);
    this.#keepAlive(client);
    switch (message.channel) {
      case '/meta/connect':
        this.#connect(message, client, line, reply);
        break;
      case '/meta/subscribe':
        this.#subscribe(message, client, reply);
        break;
      case '/meta/unsubscribe':
        for (const channel of listed(message.subscription)) this.#unsubscribe(client, channel);
        reply([{ ...answerTo(message), subscription: message.subscription }]);
        break;
      case '/meta/disconnect':
        reply([answerTo(message)]);
        this.destroy(client);
        break;
      case `${prefix}/ping2`:
        reply([answerTo(message)]);
        break;
      default:
        reply([this.#refuse(message, new GitterFault(403, 'Push access denied'))]);
    }
  }

  #handshake(message: BayeuxMessage): BayeuxMessage {
    const { world, shapes } = this.#options;
    const value = message.ext?.token;
    const known = world.tokenOf(typeof value === 'string' ? value : undefined);
    const refusals = this.refusals.get(known?.user.username ?? '') ?? 0;
    if (refusals > 0) this.refusals.set(known?.user.username ?? '', refusals - 1);
    const token = refusals > 0 ? undefined : known;
    const version = { version: '1.0', supportedConnectionTypes: connectionTypes };
    if (token === undefined) {
      const advice = { reconnect: 'none', interval: tenDays };
      return { ...answerTo(message), ...version, successful: false, error: '401::Access denied', advice };
    }
    this.#count += 1;
    const id = `${this.#count.toString(36)}-${world.secret().slice(0, 20)}`;
    const client = new BayeuxClient(id, token, message.ext ?? {});
    this.clients.set(client.id, client);
    this.#countOnline(token.user, 1);
    this.#keepAlive(client);
    this.#tellPresence(client, 'in');
    const user = shapes.user(token.user);
    const ext = { appVersion: '21.15.0', userId: token.user.id, context: { user } };
    return { ...answerTo(message), ...version, clientId: client.id, advice: this.#advice(), ext };
  }

  #connect(message: BayeuxMessage, client: BayeuxClient, line: Line, reply: Reply): void {
    const { world, timeout } = this.#options;
    const answer = { ...answerTo(message), advice: this.#advice() };
    if (message.advice?.timeout === 0) {
      reply([answer, ...(line.transport === 'websocket' ? [] : client.takeKept())]);
      return;
    }
    const end = client.hold(line, (events) => {
      world.later.forget(timer);
      reply([answer, ...events]);
    });
    const timer = world.later.in(timeout, end);
    if (client.hasKept()) end();
  }

  #subscribe(message: BayeuxMessage, client: BayeuxClient, reply: Reply): void {
    const { subscriptions, world, onSubscribed } = this.#options;
    try {
      let snapshot: unknown;
      for (const channel of listed(message.subscription)) {
        if (!channel.startsWith(`${prefix}/`)) throw new GitterFault(404, 'Unknown subscription');
        const path = channel.slice(prefix.length);
        const draw = subscriptions.open(path, client.token);
        client.subscriptions.add(path);
        const subscribers = this.#subscribers.get(path) ?? new Set();
        this.#subscribers.set(path, subscribers.add(client));
        snapshot = draw((message.ext ?? {}) as SubscribeExt);
      }
      const ext = snapshot === undefined ? {} : { ext: { snapshot } };
      const answer = { ...answerTo(message), subscription: message.subscription, ...ext };
      onSubscribed();
      if (world.quirks.snapshotDelay > 0) world.later.in(world.quirks.snapshotDelay, () => reply([answer]));
      else reply([answer]);
    } catch (error) {
      if (!(error instanceof GitterFault)) throw error;
      reply([{ ...this.#refuse(message, error), subscription: message.subscription }]);
    }
  }

  #unsubscribe(client: BayeuxClient, channel: string): void {
    const path = channel.slice(prefix.length);
    client.subscriptions.delete(path);
    this.#subscribers.get(path)?.delete(client);
  }

  #publish({ channel, what, payload }: Happening): void {
    const { gate, deliveries } = this.#options;
    for (const client of this.#subscribers.get(channel) ?? []) {
      const note = (outcome: RecordedDelivery['outcome'], c: number | undefined) => {
        const { transport } = client;
        const { username } = client.token.user;
        deliveries.add({ transport, username, channel: prefix + channel, what, payload, c, at: performance.now(), outcome });
      };
      gate.pass(client.id, {
        what,
        channel: prefix + channel,
        transport: client.transport,
        username: client.token.user.username,
        number: () => client.number(),
        send: (c) => {
          note(client.isReachable() ? 'sent' : 'kept', c);
          client.deliver({ channel: prefix + channel, data: payload, ext: { c } });
        },
        lose: (c) => note('lost', c),
        cut: () => client.cut(),
      });
    }
  }

  #countOnline({ id }: User, change: number): void {
    const { online } = this.#options.world;
    const count = (online.get(id) ?? 0) + change;
    if (count > 0) online.set(id, count);
    else online.delete(id);
  }

  #keepAlive(client: BayeuxClient): void {
    const { world, patience } = this.#options;
    world.later.forget(this.#expiries.get(client));
    this.#expiries.set(
      client,
      world.later.in(patience, () => this.destroy(client)),
    );
  }

  /** `troupeId` is the room that the client looks at: its user is present there. */
  #tellPresence({ ext, token }: BayeuxClient, status: 'in' | 'out'): void {
    const { world, onPresence } = this.#options;
    const room = world.rooms.get(String(ext.troupeId));
    if (room !== undefined) onPresence(room, token.user, status);
  }

  #advice(): Readonly<Record<string, unknown>> {
    return { reconnect: 'retry', interval: 0, timeout: this.#options.timeout };
  }

  /** As faye's server does, whatever became of it. */
  #named({ subscription }: BayeuxMessage): Partial<BayeuxMessage> {
    return subscription === undefined || this.#options.world.quirks.namelessRefusals ? {} : { subscription };
  }

  #refuse(message: BayeuxMessage, { status, message: text }: GitterFault): BayeuxMessage {
    const advice = status === 401 ? { advice: { reconnect: 'handshake', interval: this.#options.retryInterval } } : {};
    return { ...answerTo(message), successful: false, error: `${status}::${text}`, ...advice };
  }
}

function answerTo({ channel, id, clientId }: BayeuxMessage): BayeuxMessage {
  return { channel, ...(id !== undefined && { id }), ...(clientId !== undefined && { clientId }), successful: true };
}

function listed(subscription: unknown): string[] {
  return [subscription].flat().filter((channel) => typeof channel === 'string');
}
