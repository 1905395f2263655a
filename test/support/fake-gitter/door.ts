// One port for all of it: REST, streams, Faye by both transports, the OAuth pages, pictures. Here faults over calls have their way, and
// every call is written down.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import type { Faults } from '../fake-services/faults.ts';
import { Port } from '../fake-services/port.ts';
import type { Recorded } from '../fake-services/recorded.ts';
import { type CallFault, matches } from './faults.ts';
import { type Answer, type Asked, fieldsOf, html, json } from './http.ts';
import { limitHeaders } from './limits.ts';
import type { Lines } from './lines.ts';
import type { RecordedCall } from './records.ts';
import { ownerOf, tokenIn } from './rest/api.ts';
import type { World } from './world.ts';

/** What a request is for. */
export interface Route {
  readonly name: string;
  /** Undefined: the connection is closed instead, or was taken over. */
  readonly handle: (asked: Asked, request: IncomingMessage, response: ServerResponse) => Answer | Promise<Answer | undefined> | undefined;
}

export interface DoorOptions {
  readonly world: World;
  readonly faults: Faults<CallFault>;
  readonly calls: Recorded<RecordedCall>;
  readonly lines: Lines;
  readonly route: (asked: Asked) => Route | undefined;
  readonly port: number;
}

type Act = CallFault['act'];

export class Door {
  /** ms that every call waits. */
  latency = 0;
  readonly #options: DoorOptions;
  readonly #upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  readonly #port: Port;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#port = new Port({
      port: options.port,
      serve: (request, body, response) => this.#serve(request, body, response),
      upgrade: (request, socket, head) => void this.#upgrade(request, socket, head),
    });
  }

  async up(): Promise<void> {
    this.#options.world.origin = await this.#port.up();
  }

  down(): Promise<void> {
    return this.#port.down();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const asked = this.#asked(request, Buffer.alloc(0));
    socket.on('error', () => socket.destroy());
    if (!isFaye(asked.url.pathname)) return void socket.destroy();
    const call = this.#record(asked, 'UPGRADE /bayeux');
    const act = this.#faultFor(asked, call);
    call.fault = act;
    if (act !== undefined && 'wait' in act) await delay(act.wait);
    else if (act !== undefined) {
      const status = 'status' in act ? act.status : 'doneBut' in act ? act.doneBut : 429;
      if ('drop' in act) socket.destroy();
      else socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      return;
    }
    this.#upgrades.handleUpgrade(request, socket, head, (open) => {
      call.answer = { status: 101, body: undefined };
      this.#options.calls.changed();
      this.#options.lines.accept(open);
    });
  }

  async #serve(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const asked = this.#asked(request, body);
    const route = this.#options.route(asked);
    const call = this.#record(asked, route?.name ?? `${asked.verb} ${asked.url.pathname}`);
    const act = this.#faultFor(asked, call);
    call.fault = act;
    if (this.latency > 0) await delay(this.latency);
    const answer = await this.#answer({ asked, route, act, request, response });
    if (answer === undefined) {
      if (!response.headersSent) response.destroy();
      return;
    }
    call.answer = { status: answer.status, body: bodyOf(answer) };
    this.#options.calls.changed();
    if (act !== undefined && 'wait' in act && act.when === 'after') await delay(act.wait);
    send(response, answer, act);
  }

  /** Undefined: the connection is closed instead, or was taken over by a stream. */
  async #answer(on: {
    readonly asked: Asked;
    readonly route: Route | undefined;
    readonly act: Act | undefined;
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
  }): Promise<Answer | undefined> {
    const { asked, route, act, request, response } = on;
    if (act !== undefined) {
      if ('status' in act) return { status: act.status, headers: { 'content-type': 'text/html', ...act.headers }, body: act.body ?? '' };
      if ('limited' in act) return this.#limited(act.limited);
      if ('drop' in act && act.drop === 'before') return undefined;
      if ('wait' in act && act.when !== 'after') await delay(act.wait);
    }
    let answer: Answer | undefined;
    try {
      answer = route === undefined ? html('<h1>404</h1>', 404) : await route.handle(asked, request, response);
    } catch (error) {
      // A fault of the fake itself, or of the test that set it up.
      answer = json({ error: `fake: ${(error as Error).stack}` }, 500);
    }
    if (act !== undefined && 'drop' in act) return undefined;
    return act !== undefined && 'doneBut' in act ? html('<h1>Bad Gateway</h1>', act.doneBut) : answer;
  }

  #limited(ms: number): Answer {
    return json({ error: 'Rate limit exceeded' }, 429, limitHeaders(100, 0, this.#options.world.clock.now() + ms));
  }

  #asked(request: IncomingMessage, body: Buffer): Asked {
    const url = new URL(request.url ?? '', this.#options.world.origin);
    return { verb: request.method ?? 'GET', url, headers: request.headers, body };
  }

  #record(asked: Asked, route: string): RecordedCall {
    return this.#options.calls.add({
      route,
      path: asked.url.pathname,
      query: Object.fromEntries(asked.url.searchParams),
      body: readable(asked),
      token: tokenIn(asked),
      username: ownerOf(asked, this.#options.world)?.user.username,
      at: performance.now(),
      answer: undefined,
      fault: undefined,
    });
  }

  #faultFor({ url }: Asked, { route, token, username }: RecordedCall): Act | undefined {
    return this.#options.faults.take(
      (fault) => matches(fault.on, route, url.pathname) && (fault.token ?? token) === token && (fault.username ?? username) === username,
    );
  }
}

export function isFaye(path: string): boolean {
  return /^\/(?:bayeux|faye)\/?$/.test(path);
}

function send(response: ServerResponse, answer: Answer, act: Act | undefined): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, answer.status === 204 ? answer.headers : { 'content-length': body.length, ...answer.headers });
  if (act !== undefined && 'truncate' in act) response.write(body.subarray(0, body.length >> 1), () => response.destroy());
  else response.end(body);
}

function readable(asked: Asked): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(asked);
  } catch {
    return {};
  }
}

function bodyOf({ headers, body }: Answer): unknown {
  return headers['content-type']?.startsWith('application/json') ? JSON.parse(body.toString()) : undefined;
}
