// The control socket: one JSON line asks, one JSON line answers. Only the owner of the store can reach it. What the verbs
// do is the caller's; who may listen where is decided by lock.ts.

import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { BridgeError, catalogue, type ErrorCode, messageOf, PermanentError } from '../errors.ts';
import type { Json } from '../remote-event.ts';

export type Handlers = Readonly<Record<string, (args: Json) => Promise<Json>>>;

/** A longer request is nobody's whom we serve. */
const requestLimit = 1_000_000;

/** The caller holds the lock, so whatever lies at `path` belongs to a process that is gone. */
export async function listenForOrders(path: string, handlers: Handlers): Promise<() => Promise<void>> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    readLine(socket, requestLimit).then(
      async (line) => socket.end(`${JSON.stringify(await answer(line, handlers))}\n`),
      () => socket.destroy(),
    );
  });
  rmSync(path, { force: true });
  await listenPrivately(server, path);
  return async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of open) socket.destroy();
    await closed;
    rmSync(path, { force: true });
  };
}

/** undefined: nobody listens there. */
export async function sendOrder(path: string, verb: string, args: Json, timeout: number): Promise<Json | undefined> {
  const socket = await connectTo(path);
  if (socket === undefined) return undefined;
  try {
    socket.setTimeout(timeout, () => socket.destroy(new PermanentError('STORE_LOCKED', `the bridge at ${path} does not answer`)));
    socket.write(`${JSON.stringify({ verb, args })}\n`);
    return understood(await readLine(socket, Number.POSITIVE_INFINITY));
  } finally {
    socket.destroy();
  }
}

/** The socket is made under a tight umask, so there is no instant at which others could connect. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
      process.umask(before);
    });
    chmodSync(path, 0o600);
  } finally {
    process.umask(before);
  }
}

async function answer(line: string, handlers: Handlers): Promise<Json> {
  try {
    const { verb, args } = parseRequest(line);
    const handler = Object.hasOwn(handlers, verb) ? handlers[verb] : undefined;
    if (handler === undefined)
      throw new PermanentError('BAD_REQUEST', `no such verb: ${verb}; there are ${Object.keys(handlers).join(', ')}`);
    return { ok: true, answer: (await handler(args)) ?? null };
  } catch (error) {
    return { ok: false, code: error instanceof BridgeError ? error.code : 'DEFECT', message: messageOf(error) };
  }
}

function parseRequest(line: string): { verb: string; args: Json } {
  try {
    const request: { verb?: unknown; args?: Json } | null = JSON.parse(line);
    if (typeof request?.verb === 'string') return { verb: request.verb, args: request.args ?? null };
  } catch {
    // told below, in words of ours
  }
  throw new PermanentError('BAD_REQUEST', 'an order is one line of JSON with a verb');
}

function understood(line: string): Json {
  const reply: { ok?: boolean; answer?: Json; code?: string; message?: string } = parsed(line);
  if (reply.ok) return reply.answer ?? null;
  const code = reply.code !== undefined && Object.hasOwn(catalogue, reply.code) ? (reply.code as ErrorCode) : 'BAD_REQUEST';
  throw new PermanentError(code, reply.message ?? 'refused');
}

function parsed(line: string): object {
  try {
    return Object(JSON.parse(line));
  } catch (error) {
    throw new PermanentError('BAD_REQUEST', 'whoever listens there is no bridge', error);
  }
}

function connectTo(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ENOTSOCK') return resolve(undefined);
      reject(new PermanentError('DENIED', `the control socket ${path} does not let us in: ${error.message}`, error));
    });
  });
}

function readLine(socket: Socket, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n', text.length - chunk.length);
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > limit) reject(new PermanentError('BAD_REQUEST', 'the order is too long'));
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new PermanentError('NOT_RUNNING', 'the bridge stopped before it answered')));
  });
}
