// One port for all of it: Web API, OAuth pages, files, webhooks, response addresses, and the WebSockets of RTM and Socket Mode. Here faults
// over calls have their way, and every call is written down.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import type { Faults } from '../fake-services/faults.ts';
import { Port } from '../fake-services/port.ts';
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
  readonly #upgrades = new WebSocketServer({ noServer: true });
  readonly #port: Port;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#port = new Port({
      port: options.port,
      serve: (request, body, response) => this.#serve(request, body, response),
      upgrade: (request, socket, head) => this.#upgrade(request, socket, head),
    });
  }

  async up(): Promise<void> {
    this.#options.world.origin = await this.#port.up();
  }

  down(): Promise<void> {
    return this.#port.down();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { rtm, socketMode } = this.#options;
    const url = request.url ?? '';
    const taker = url.startsWith('/rtm/') ? rtm : url.startsWith('/socket-mode/') ? socketMode : undefined;
    if (taker === undefined) socket.destroy();
    else this.#upgrades.handleUpgrade(request, socket, head, (open) => taker.accept(open, url));
  }

  async #serve(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.#options.world.origin);
    const asked: Asked = { verb: request.method ?? 'GET', url, headers: request.headers, body };
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
