// The streaming API: an endless answer with the bare objects of what is new in a room, messages or events; no edits, no deletes. Follows
// the documentation of 2018 (`cr`: a CR between objects, a stray LF to keep alive) and of later (`lf`: an LF between objects, ` \n` to keep
// alive). The server behind it was never public: all but these two descriptions is unverified. An object is sent in two writes, split
// within a character where it has one of several bytes.

import type { ServerResponse } from 'node:http';
import type { Recorded } from '../fake-services/recorded.ts';
import type { Gate } from './gate.ts';
import type { Token } from './model.ts';
import type { RecordedDelivery } from './records.ts';
import type { Happening, World } from './world.ts';

export interface StreamsOptions {
  readonly world: World;
  readonly gate: Gate;
  readonly deliveries: Recorded<RecordedDelivery>;
  readonly style: 'cr' | 'lf';
  /** ms between blanks. */
  readonly heartbeat: number;
  readonly isSplit: boolean;
}

interface Stream {
  readonly id: string;
  readonly channel: string;
  readonly token: Token;
  readonly response: ServerResponse;
  /** Writes follow each other. */
  writing: Promise<void>;
}

/** ms between the two writes of an object, so that they arrive apart. */
const pause = 5;

export class Streams {
  /** For those that are open too. */
  style: 'cr' | 'lf';
  isSplit: boolean;
  readonly #options: StreamsOptions;
  readonly #open = new Set<Stream>();
  readonly #heartbeats: NodeJS.Timeout;
  #count = 0;

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.style = options.style;
    this.isSplit = options.isSplit;
    options.world.listen((happening) => this.#publish(happening));
    this.#heartbeats = setInterval(() => this.#beat(), options.heartbeat);
    this.#heartbeats.unref();
  }

  /** `kind`: `chatMessages` or `events`. */
  open(roomId: string, kind: string, token: Token, response: ServerResponse): void {
    this.#count += 1;
    const channel = `/rooms/${roomId}/${kind}`;
    const stream: Stream = { id: `stream ${this.#count}`, channel, token, response, writing: Promise.resolve() };
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'transfer-encoding': 'chunked' });
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    response.on('close', () => this.#open.delete(stream));
    this.#open.add(stream);
  }

  of(username?: string): { readonly channel: string; readonly username: string }[] {
    const open = [...this.#open].map(({ channel, token }) => ({ channel: `/api/v1${channel}`, username: token.user.username }));
    return open.filter((stream) => (username ?? stream.username) === stream.username);
  }

  cut(username?: string): void {
    for (const { response, token } of [...this.#open]) if ((username ?? token.user.username) === token.user.username) response.destroy();
  }

  revoked(token: Token): void {
    for (const stream of [...this.#open]) if (stream.token === token) stream.response.end();
  }

  /** Who may read no longer hears no more. */
  removed(roomId: string, userId: string): void {
    for (const { channel, token, response } of [...this.#open])
      if (token.user.id === userId && channel.startsWith(`/rooms/${roomId}/`)) response.end();
  }

  stop(): void {
    clearInterval(this.#heartbeats);
    this.cut();
  }

  #publish({ channel, what, payload }: Happening): void {
    if (!what.endsWith('/create')) return;
    const { gate, deliveries } = this.#options;
    for (const stream of [...this.#open]) {
      if (stream.channel !== channel) continue;
      const { username } = stream.token.user;
      const note = (outcome: RecordedDelivery['outcome']) => {
        const at = performance.now();
        deliveries.add({
          transport: 'stream',
          username,
          channel: `/api/v1${channel}`,
          what,
          payload: payload.model,
          c: undefined,
          at,
          outcome,
        });
      };
      gate.pass(stream.id, {
        what,
        channel: `/api/v1${channel}`,
        transport: 'stream',
        username,
        number: () => undefined,
        send: () => {
          note('sent');
          this.#write(stream, JSON.stringify(payload.model) + (this.style === 'cr' ? '\r' : '\n'));
        },
        lose: () => note('lost'),
        cut: () => this.#end(stream),
      });
    }
  }

  #write(stream: Stream, text: string): void {
    const bytes = Buffer.from(text);
    const wide = bytes.findIndex((byte) => byte >= 0xc0);
    const middle = wide < 0 ? bytes.length >> 1 : wide + 1;
    const parts = this.isSplit ? [bytes.subarray(0, middle), bytes.subarray(middle)] : [bytes];
    stream.writing = stream.writing.then(async () => {
      for (const part of parts) {
        if (stream.response.destroyed) return;
        stream.response.write(part);
        if (parts.length > 1) await new Promise<void>((resolve) => setTimeout(resolve, pause));
      }
    });
  }

  #beat(): void {
    for (const stream of this.#open) {
      stream.writing = stream.writing.then(() => {
        if (!stream.response.destroyed) stream.response.write(this.style === 'cr' ? '\n' : ' \n');
      });
    }
  }

  #end(stream: Stream): void {
    // After what is being written.
    stream.writing = stream.writing.then(() => void stream.response.destroy());
  }
}
