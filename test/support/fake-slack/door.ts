// One port for all of it: Web API, OAuth pages, files, webhooks, response addresses, and the WebSockets of RTM and Socket Mode. Here faults
// over calls have their way, and every call is written down.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import type { Faults } from '../fake-services/faults.ts';
import type { Recorded } from '../fake-services/recorded.ts';
import { readArgs } from './args.ts';
import { type CallFault, matches } from './faults.ts';
import { type Answer, type Asked, bearer, html, json, text } from './http.ts';
import type { RecordedCall } from './records.ts';
import type { Rtm } from './rtm.ts';
import type { SocketMode } from './socket-mode.ts';
import type { World } from './world.ts';

export interface DoorOptions {
  readonly world: World;
  readonly faults: Faults<CallFault>;
  readonly calls: Recorded<RecordedCall>;
  readonly rtm: Rtm;
  readonly socketMode: SocketMode;
  readonly route: (asked: Asked, method: string | undefined) => Promise<Answer> | Answer;
  readonly port: number;
}

type Act = CallFault['act'];

/** Parts of a path that are no secrets, for records. */
const shownParts = 3;

export class Door {
  /** ms that every call waits. */
  latency = 0;
  readonly #options: DoorOptions;
  readonly #sockets = new Set<Socket>();
  readonly #upgrades = new WebSocketServer({ noServer: true });
  #server: Server | undefined;
  #port: number;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  /** Listens, on the port of before. */
  async up(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('upgrade', (request, socket, head) => {
      const { rtm, socketMode } = this.#options;
      const url = request.url ?? '';
      const taker = url.startsWith('/rtm/') ? rtm : url.startsWith('/socket-mode/') ? socketMode : undefined;
      if (taker === undefined) socket.destroy();
      else this.#upgrades.handleUpgrade(request, socket, head, (open) => taker.accept(open, url));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.#options.world.origin = `http://127.0.0.1:${this.#port}`;
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
    const url = new URL(request.url ?? '/', this.#options.world.origin);
    const asked: Asked = { verb: request.method ?? 'GET', url, headers: request.headers, body: Buffer.concat(chunks) };
    const method = url.pathname.startsWith('/api/') ? url.pathname.slice('/api/'.length) : undefined;
    const call = this.#record(asked, method);
    const act = this.#faultFor(asked, method, call);
    call.fault = act;
    if (this.latency > 0) await delay(this.latency);
    const answer = await this.#answer(asked, method, act);
    if (answer === undefined) {
      response.destroy();
      return;
    }
    call.answer = { status: answer.status, body: bodyOf(answer) };
    this.#options.calls.changed();
    if (typeof act === 'object' && 'wait' in act && act.when === 'after') await delay(act.wait);
    this.#send(response, answer, act);
  }

  /** Undefined: the connection is closed instead. */
  async #answer(asked: Asked, method: string | undefined, act: Act | undefined): Promise<Answer | undefined> {
    if (act !== undefined) {
      if ('error' in act) return json({ ok: false, error: act.error, ...act.details });
      if ('status' in act) return { status: act.status, headers: { 'content-type': 'text/plain', ...act.headers }, body: act.body ?? '' };
      if ('ratelimited' in act) return limited(act.ratelimited);
      if ('html' in act) return html('<!doctype html><title>Sign in | Slack</title>');
      if ('drop' in act && act.drop === 'before') return undefined;
      if ('wait' in act && act.when !== 'after') await delay(act.wait);
    }
    const answer = await this.#do(asked, method);
    if (act !== undefined && 'drop' in act) return undefined;
    if (act !== undefined && 'doneBut' in act) return text('upstream connect error', act.doneBut);
    return answer;
  }

  async #do(asked: Asked, method: string | undefined): Promise<Answer> {
    try {
      return await this.#options.route(asked, method);
    } catch (error) {
      // A fault of the fake itself, or of the test that set it up.
      return json({ ok: false, error: 'fake_slack_fault', message: String((error as Error).stack) }, 500);
    }
  }

  #send(response: ServerResponse, answer: Answer, act: Act | undefined): void {
    const body = Buffer.from(answer.body);
    response.writeHead(answer.status, { 'content-length': body.length, ...answer.headers });
    if (act !== undefined && 'truncate' in act) response.write(body.subarray(0, body.length >> 1), () => response.destroy());
    else response.end(body);
  }

  #record(asked: Asked, method: string | undefined): RecordedCall {
    const token = bearer(asked.headers);
    const known = this.#options.world.tokens.get(token ?? '');
    return this.#options.calls.add({
      method: method ?? asked.url.pathname.split('/').slice(0, shownParts).join('/'),
      args: method === undefined ? {} : argsOf(asked),
      token,
      team: known?.team?.id,
      user: known?.user?.id,
      at: performance.now(),
      answer: undefined,
      fault: undefined,
    });
  }

  #faultFor(asked: Asked, method: string | undefined, { args, token }: RecordedCall): Act | undefined {
    const name = method ?? asked.url.pathname;
    return this.#options.faults.take(
      (fault) =>
        matches(fault.on, name) &&
        (fault.token ?? token) === token &&
        (fault.channel === undefined || fault.channel === (args.channel ?? args.channel_id)),
    );
  }
}

function limited(seconds: number | undefined): Answer {
  return json({ ok: false, error: 'ratelimited' }, 429, seconds === undefined ? {} : { 'retry-after': String(seconds) });
}

function argsOf({ url, headers, body }: Asked): Readonly<Record<string, unknown>> {
  try {
    return readArgs(url, headers['content-type'] ?? '', body).all;
  } catch {
    return {};
  }
}

function bodyOf({ headers, body }: Answer): Readonly<Record<string, unknown>> {
  return headers['content-type']?.startsWith('application/json') ? (JSON.parse(body.toString()) as Record<string, unknown>) : {};
}
