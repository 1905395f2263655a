// The port that a fake service stands on: what comes is read to its end before it is served, and the whole service can go away
// and come back in the same place.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { freePort } from '../../../quickstart/servers/ports.ts';

export interface PortOptions {
  /** 0: any free one, kept from then on. */
  readonly port: number;
  readonly serve: (request: IncomingMessage, body: Buffer, response: ServerResponse) => Promise<void>;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export class Port {
  readonly #options: PortOptions;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port: number;

  constructor(options: PortOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  /** Listens, where it did before; its origin. */
  async up(): Promise<string> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('upgrade', this.#options.upgrade);
    this.#port ||= await freePort();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#server = server;
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Connections are refused, those that stand are cut. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch {
      return; // The caller went away.
    }
    await this.#options.serve(request, Buffer.concat(chunks), response);
  }
}
