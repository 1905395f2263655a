// Stands between an HTTP client and its server and loses what it is told to lose: a request before it arrives, or the answer
// to one that took effect. All else passes as it is.

import { type ClientRequest, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Passing {
  readonly method: string;
  /** With the query. */
  readonly path: string;
}

/** `answer`: the server has answered and nobody hears of it. `half`: the answer ends in the middle. `request`: never arrives. */
export type Cut = 'request' | 'answer' | 'half' | undefined;

export class CuttingProxy {
  /** Where requests go; may be set after the proxy's own address is known. */
  target = 0;
  /** Asked for every request. */
  decide: (passing: Passing) => Cut = () => undefined;
  /** What was cut, in order, as `answer PUT /path`. */
  readonly cuts: string[] = [];
  readonly #server: Server;
  readonly #onward = new Set<ClientRequest>();

  private constructor() {
    this.#server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing));
  }

  static async start(): Promise<CuttingProxy> {
    const proxy = new CuttingProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    for (const onward of this.#onward) onward.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const cut = this.decide({ method, path });
    if (cut !== undefined) this.cuts.push(`${cut} ${method} ${path}`);
    if (cut === 'request') {
      incoming.socket.destroy();
      return;
    }
    const onward = request({ host: '127.0.0.1', port: this.target, method, path, headers, agent: false }, (answer) => {
      if (cut === undefined) {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
        return;
      }
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => {
        const whole = Buffer.concat(parts);
        if (cut === 'answer') outgoing.socket?.destroy();
        else {
          outgoing.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json', 'content-length': whole.length });
          outgoing.write(whole.subarray(0, whole.length / 2), () => outgoing.socket?.destroy());
        }
      });
    });
    this.#onward.add(onward);
    onward.on('close', () => this.#onward.delete(onward));
    // Whoever asked sees what the proxy saw: the connection ended.
    onward.on('error', () => outgoing.socket?.destroy());
    outgoing.on('close', () => {
      if (cut === undefined && !outgoing.writableFinished) onward.destroy();
    });
    incoming.pipe(onward);
  }
}
