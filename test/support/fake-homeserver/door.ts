// The homeserver's HTTP side: reads a request, knows its user by token, lets the faults have their way, answers.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { freePort } from '../../../quickstart/servers/ports.ts';
import { type Fault, Faults } from './faults.ts';
import { type Asked, type RawAnswer, type Routes, unrecognised } from './routes.ts';
import { MatrixFault, type World } from './world.ts';

export interface DoorOptions {
  readonly world: World;
  readonly routes: Routes;
  readonly asToken: string;
  readonly bot: string;
  /** Whom the application service may ask as. */
  readonly mayAct: (user: string) => boolean;
  readonly latency: number;
  readonly record: boolean;
  readonly port: number;
}

const versionsPath = '/_matrix/client/versions';
const openIdPath = '/_matrix/federation/v1/openid/userinfo';
/** So many requests are recorded, for tests to look at. */
const mostRecorded = 20_000;

export class Door {
  readonly faults = new Faults();
  readonly requests: { method: string; path: string; user: string; agent: string; token: string }[] = [];
  /** `atOnce`: requests whose answer is not out yet. */
  readonly counts = { requests: 0, sends: 0, connections: 0, atOnce: 0, mostAtOnce: 0 };
  latency: number;
  readonly #options: DoorOptions;
  #server: Server | undefined;
  #port: number;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.latency = options.latency;
    this.#port = options.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts to listen, on the port of before. */
  async up(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => this.#take(request, response));
    server.on('connection', () => {
      this.counts.connections += 1;
    });
    this.#server = server;
    this.#port ||= await freePort();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
  }

  /** Connections are refused, those that stand are cut. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    this.counts.atOnce += 1;
    if (this.counts.atOnce > this.counts.mostAtOnce) this.counts.mostAtOnce = this.counts.atOnce;
    response.once('close', () => {
      this.counts.atOnce -= 1;
    });
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      const raw = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      if (this.latency > 0) setTimeout(() => this.#act(request, response, raw), this.latency);
      else this.#act(request, response, raw);
    });
  }

  #act(request: IncomingMessage, response: ServerResponse, raw: Buffer): void {
    const { method = 'GET', url = '/' } = request;
    this.counts.requests += 1;
    const cut = url.indexOf('?');
    const path = cut < 0 ? url : url.slice(0, cut);
    const query = new URLSearchParams(cut < 0 ? '' : url.slice(cut + 1));
    const act = this.faults.none
      ? undefined
      : this.faults.take(`${method} ${decodeURIComponent(path)}`, query.get('user_id') ?? this.#options.bot);
    if (act !== undefined) {
      if ('drop' in act && act.drop === 'before') {
        request.socket.destroy();
        return;
      }
      if ('wait' in act) {
        setTimeout(() => this.#perform(request, response, raw, path, query, undefined), act.wait);
        return;
      }
      if ('gate' in act) {
        void act.gate().then(() => this.#perform(request, response, raw, path, query, undefined));
        return;
      }
      if ('answer' in act && !act.done) {
        this.#noted(request, path, query);
        answerFalsely(response, act);
        return;
      }
      if ('raw' in act) {
        answer(response, act.status ?? 200, { 'content-type': 'text/html' }, act.raw);
        return;
      }
    }
    this.#perform(request, response, raw, path, query, act);
  }

  #perform(
    request: IncomingMessage,
    response: ServerResponse,
    raw: Buffer,
    path: string,
    query: URLSearchParams,
    act: Fault['act'] | undefined,
  ): void {
    const finish = (status: number, body: object | RawAnswer): void => {
      if (act !== undefined && 'drop' in act) {
        request.socket.destroy();
        return;
      }
      if (act !== undefined && 'answer' in act) {
        answerFalsely(response, act);
        return;
      }
      if (!('bytes' in body)) {
        const text = JSON.stringify(body);
        if (act !== undefined && 'truncate' in act) truncate(response, Buffer.from(text));
        else answer(response, status, {}, text);
      } else if (act !== undefined && 'truncate' in act) truncate(response, body.bytes, body.headers);
      else answer(response, body.status, body.headers, body.bytes);
    };
    const failed = (thrown: unknown): void => {
      if (!(thrown instanceof MatrixFault)) {
        finish(500, { errcode: 'M_UNKNOWN', error: `fake homeserver: ${thrown instanceof Error ? thrown.stack : thrown}` });
        return;
      }
      finish(thrown.status, { errcode: thrown.errcode, error: thrown.message, ...thrown.extra });
    };
    try {
      this.#noted(request, path, query);
      const asked = this.#read(request, raw, path, query);
      if (asked.method === 'PUT' && asked.parts[2] === 'rooms' && asked.parts[4] === 'send') {
        this.counts.sends += 1;
        finish(200, this.#options.routes.send(asked, this.#options.world.room(asked.parts[3] ?? ''), asked.parts[5] ?? ''));
        return;
      }
      if (path === openIdPath) {
        const sub = this.#options.world.openIdTokens.get(query.get('access_token') ?? '');
        if (sub === undefined) throw new MatrixFault(401, 'M_UNKNOWN_TOKEN', 'Access Token unknown or expired');
        finish(200, { sub });
        return;
      }
      if (path === versionsPath) {
        finish(200, { versions: ['v1.1', 'v1.12'], unstable_features: {} });
        return;
      }
      this.#options.routes.answer(asked).then((body) => finish(200, body), failed);
    } catch (thrown) {
      failed(thrown);
    }
  }

  #noted(request: IncomingMessage, path: string, query: URLSearchParams): void {
    if (!this.#options.record || this.requests.length >= mostRecorded) return;
    this.requests.push({
      method: request.method ?? '',
      path: decodeURIComponent(path),
      user: query.get('user_id') ?? '',
      agent: request.headers['user-agent'] ?? '',
      token: (request.headers.authorization ?? '').slice('Bearer '.length),
    });
  }

  #read(request: IncomingMessage, raw: Buffer, path: string, query: URLSearchParams): Asked {
    const parts = path.split('/').slice(2).map(decodeURIComponent);
    if (!path.startsWith('/_matrix/')) throw unrecognised();
    const isOpen =
      path === versionsPath || path === openIdPath || path.startsWith('/_matrix/client/v3/register/available') || parts[2] === 'profile';
    const token = request.headers.authorization;
    if (token === undefined && !isOpen) throw new MatrixFault(401, 'M_MISSING_TOKEN', 'Missing access token');
    // A wrong one is refused even where none is needed.
    const owner = this.#options.world.accessTokens.get(token?.slice('Bearer '.length) ?? '');
    if (token !== undefined && owner === undefined && token !== `Bearer ${this.#options.asToken}`) {
      throw new MatrixFault(401, 'M_UNKNOWN_TOKEN', 'Invalid access token passed.');
    }
    const user = owner ?? query.get('user_id') ?? this.#options.bot;
    if (owner === undefined && !this.#options.mayAct(user))
      throw new MatrixFault(403, 'M_FORBIDDEN', 'Application service cannot masquerade as this user');
    if (!this.#options.world.users.has(user) && parts[2] !== 'register') {
      throw new MatrixFault(403, 'M_FORBIDDEN', `Application service has not registered this user (${user})`);
    }
    const isJson = raw.length > 0 && parts[2] !== 'upload';
    let body: unknown = {};
    if (isJson) {
      try {
        body = JSON.parse(raw.toString('utf8'));
      } catch {
        throw new MatrixFault(400, 'M_NOT_JSON', 'Content not JSON.');
      }
    }
    return {
      method: request.method ?? 'GET',
      parts,
      query,
      path,
      raw,
      user,
      headers: request.headers,
      body: body as Record<string, unknown>,
    };
  }
}

function answer(response: ServerResponse, status: number, headers: Record<string, string>, body: string | Buffer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function answerFalsely(response: ServerResponse, act: Extract<Fault['act'], { answer: number }>): void {
  const body = { errcode: act.errcode ?? 'M_UNKNOWN', error: act.error ?? 'told to fail', ...act.extra };
  answer(response, act.answer, { ...act.headers }, JSON.stringify(body));
}

function truncate(response: ServerResponse, body: Buffer, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers, 'content-length': body.length });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.socket?.destroy());
}
