// Real Time Messaging, for classic apps' tokens: as slackhq/slack-api-docs ("Real Time Messaging API") describes it and @slack/rtm-api
// speaks it. Client frames: ping, typing, message, presence_sub, presence_query. A frame over 16 kB ends the connection. Unverified: the error
// codes beside 2 ("message text is missing"), and that events carry no `channel_type` here.

import type { WebSocket } from 'ws';
import type { Recorded } from '../fake-services/recorded.ts';
import { hearsOnRtm } from './audience.ts';
import type { Channels } from './channels.ts';
import { nameOf } from './envelope.ts';
import type { Gate } from './gate.ts';
import type { Messages } from './messages.ts';
import type { Token } from './model.ts';
import type { RecordedDelivery } from './records.ts';
import { Tickets } from './tickets.ts';
import type { Happening, World } from './world.ts';

export interface RtmOptions {
  readonly world: World;
  readonly messages: Messages;
  readonly channels: Channels;
  readonly gate: Gate;
  readonly deliveries: Recorded<RecordedDelivery>;
}

interface Holder {
  readonly token: Token;
  readonly isBatching: boolean;
}

interface Connection extends Holder {
  readonly number: number;
  readonly socket: WebSocket;
  presences: ReadonlySet<string>;
}

type Frame = { readonly id?: number; readonly type?: string } & Readonly<Record<string, unknown>>;

const maxFrame = 16 * 1024;

export class Rtm {
  readonly #options: RtmOptions;
  readonly #tickets: Tickets<Holder>;
  readonly #connections = new Set<Connection>();
  #count = 0;

  constructor(options: RtmOptions) {
    this.#options = options;
    this.#tickets = new Tickets(options.world, '/rtm/');
  }

  address(token: Token, isBatching: boolean): string {
    return this.#tickets.issue({ token, isBatching });
  }

  connections(user?: string): number {
    return this.#of(user).length;
  }

  accept(socket: WebSocket, url: string): void {
    const holder = this.#tickets.redeem(url);
    socket.on('error', () => {});
    if (holder === undefined) {
      socket.send(JSON.stringify({ type: 'error', error: { code: 1, msg: 'Socket URL has expired' } }));
      socket.close();
      return;
    }
    this.#count += 1;
    const connection: Connection = { ...holder, number: this.#count, socket, presences: new Set() };
    this.#connections.add(connection);
    socket.on('close', () => this.#connections.delete(connection));
    socket.on('message', (data, isBinary) => {
      const text = data.toString();
      if (isBinary || text.length > maxFrame) socket.close(1009);
      else this.#heard(connection, JSON.parse(text) as Frame);
    });
    socket.send(JSON.stringify({ type: 'hello' }));
  }

  tell(happening: Happening): void {
    for (const connection of this.#connections) this.#tellOne(connection, happening);
  }

  /** `goodbye`: told that it will be closed. */
  goodbye(user?: string): void {
    for (const { socket } of this.#of(user)) socket.send(JSON.stringify({ type: 'goodbye' }));
  }

  migrate(user?: string): void {
    for (const { socket } of this.#of(user)) {
      socket.send(JSON.stringify({ type: 'team_migration_started' }));
      socket.close();
    }
  }

  cut(user?: string): void {
    for (const { socket } of this.#of(user)) socket.terminate();
  }

  /** Half-open: nothing comes any more, not even the answer to a ping. */
  freeze(user?: string): void {
    for (const { socket } of this.#of(user)) {
      socket.pause();
      socket.send = () => {};
    }
  }

  stop(): void {
    this.cut();
  }

  #of(user: string | undefined): Connection[] {
    return [...this.#connections].filter(({ token }) => user === undefined || token.user?.id === user);
  }

  #tellOne(connection: Connection, happening: Happening): void {
    const { gate, deliveries, world } = this.#options;
    const { event } = happening;
    const { token, socket } = connection;
    const isOwnTyping = event.type === 'user_typing' && event.user === token.user?.id;
    if (isOwnTyping || !world.isLive(token) || !hearsOnRtm(happening, token)) return;
    if (event.type === 'presence_change' && !connection.presences.has(event.user ?? '')) return;
    const told = shaped(connection, event);
    const record = {
      transport: 'rtm',
      app: token.app.id,
      team: token.team?.id ?? '',
      what: nameOf(event),
      eventId: undefined,
      attempt: 0,
    } as const;
    gate.pass(`rtm ${connection.number}`, {
      ...record,
      send: () => {
        if (socket.readyState !== socket.OPEN) return;
        socket.send(JSON.stringify(told));
        deliveries.add({ ...record, payload: told, at: performance.now(), outcome: 'taken', reason: undefined });
      },
      cut: () => socket.terminate(),
    });
  }

  #heard(connection: Connection, frame: Frame): void {
    const { id, type, ...rest } = frame;
    const answer = (body: object) => connection.socket.send(JSON.stringify(body));
    if (type === 'ping') answer({ type: 'pong', reply_to: id, ...rest });
    else if (type === 'message') answer(this.#said(connection, frame));
    else if (type === 'typing') this.#typed(connection, String(frame.channel), frame.thread_ts as string | undefined);
    else if (type === 'presence_sub' || type === 'presence_query') {
      const ids = new Set(frame.ids as string[]);
      if (type === 'presence_sub') connection.presences = ids;
      this.#tellPresences(connection, ids);
    } else answer({ ok: false, reply_to: id, error: { code: 5, msg: 'unknown event type' } });
  }

  #typed({ token }: Connection, channelId: string, threadTs: string | undefined): void {
    const channel = this.#options.world.channels.get(channelId);
    if (token.user !== undefined && channel?.members.has(token.user.id)) this.#options.channels.type(channel, token.user.id, threadTs);
  }

  #said({ token }: Connection, { id, channel: channelId, text, thread_ts }: Frame): object {
    const { world, messages } = this.#options;
    const channel = world.channels.get(String(channelId));
    const refuse = (code: number, msg: string) => ({ ok: false, reply_to: id, error: { code, msg } });
    if (typeof text !== 'string' || text === '') return refuse(2, 'message text is missing');
    if (token.user === undefined || channel === undefined || !channel.members.has(token.user.id)) return refuse(3, 'channel not found');
    const { user } = token;
    const threadTs = thread_ts as string | undefined;
    const message = messages.post({ channel, user: user.id, bot: user.bot, team: user.teamId, text, threadTs });
    return { ok: true, reply_to: id, ts: message.ts, text: message.text };
  }

  #tellPresences({ socket, isBatching }: Connection, ids: ReadonlySet<string>): void {
    const users = [...ids].flatMap((id) => this.#options.world.users.get(id) ?? []);
    for (const presence of ['active', 'away']) {
      const those = users.filter((user) => user.presence === presence).map(({ id }) => id);
      if (isBatching && those.length > 0) socket.send(JSON.stringify({ type: 'presence_change', presence, users: those }));
      else for (const user of those) socket.send(JSON.stringify({ type: 'presence_change', presence, user }));
    }
  }
}

function shaped({ isBatching }: Connection, event: Happening['event']): Readonly<Record<string, unknown>> {
  if (event.type === 'presence_change') {
    const { user = '', ...rest } = event;
    return isBatching ? { ...rest, users: [user] } : event;
  }
  const { channel_type: _, ...rest } = event as Record<string, unknown>;
  return event.type === 'message' ? rest : (event as unknown as Record<string, unknown>);
}
