// Free ports on the loopback, for servers that cannot be told to take any.

import { createServer, Socket } from 'node:net';

/** Below the range that the kernel takes for outgoing connections, so that a server finds its port free again after a restart. */
const lowest = 15_000;
const highest = 32_000;
const handedOut = new Set<number>();

/** Free at this moment, and not handed out before by this process. The one who uses it checks that its own server answers. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (handedOut.has(port) || !(await canListen(port))) continue;
    handedOut.add(port);
    return port;
  }
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
