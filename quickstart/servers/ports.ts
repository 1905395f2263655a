// Free ports on the loopback, for servers that cannot be told to take any.

import { createSocket } from 'node:dgram';
import { createServer, Socket } from 'node:net';

/** Below the range that the kernel takes for outgoing connections, so that a server finds its port free again after a restart. */
const lowest = 15_000;
const highest = 32_000;

/**
 * Free at this moment, and this process's for as long as it lives: no other is handed it, also while the server that it is for
 * is away.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if ((await claimPort(port)) && (await canListen(port))) return port;
  }
}

/**
 * False where another process, or an earlier call, has it. Held by the UDP port of the same number: in the way of no TCP server,
 * and given back by the kernel however this process ends.
 */
export function claimPort(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4').unref();
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
}

/** Nobody listens there. */
export function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** What to say, and what must have been heard since before going on. */
export interface Exchange {
  readonly say: string;
  readonly until: RegExp;
  /** Where this is heard without `until`: forget what was heard, and ask again in a moment. */
  readonly again?: { readonly after: RegExp; say(round: number): string };
}

/**
 * A short talk with a line-based server: one exchange after the other, PINGs answered. `isDone` is false where the
 * peer ended or the time was over before the last.
 */
export function converse(port: number, exchanges: readonly Exchange[], timeoutMs: number): Promise<{ isDone: boolean; heard: string }> {
  return new Promise((resolve) => {
    const socket = new Socket();
    const left = [...exchanges];
    let heard = '';
    let since = '';
    let round = 0;
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ isDone: left.length === 0, heard });
    };
    const timer = setTimeout(finish, timeoutMs);
    socket.setEncoding('utf8');
    socket.on('error', finish);
    socket.on('close', finish);
    socket.on('data', (chunk: string) => {
      heard += chunk;
      since += chunk;
      for (const [, token] of chunk.matchAll(/^PING (.*?)\r?$/gm)) socket.write(`PONG ${token}\r\n`);
      const [now, next] = left;
      if (!now) return;
      if (now.until.test(since)) {
        left.shift();
        since = '';
        if (next) socket.write(next.say);
        else finish();
      } else if (now.again?.after.test(since)) {
        since = '';
        round += 1;
        const more = now.again.say(round);
        setTimeout(() => socket.write(more), 20);
      }
    });
    socket.connect(port, '127.0.0.1', () => socket.write(left[0]?.say ?? ''));
  });
}
