// IRC at the least cost: bare sockets that speak and hear, for driving the bridge and as the floor to compare it with.

import { connect, type Socket } from 'node:net';
import { connect as connectSafely } from 'node:tls';

export interface BareClient {
  readonly nick: string;
  /** From connecting to 001, ms. */
  readonly welcomedAfter: number;
  write(lines: string): void;
  say(channel: string, text: string): void;
  close(): void;
}

export interface BareOptions {
  readonly port: number;
  readonly nick: string;
  readonly channels?: readonly string[];
  readonly tls?: boolean;
  /** Gets whole PRIVMSG lines; without it, whatever comes is only read. */
  readonly hear?: (line: string, at: number) => void;
}

/** Registered and in the channels when it resolves. */
export async function bareClient({ port, nick, channels = [], tls = false, hear }: BareOptions): Promise<BareClient> {
  const began = performance.now();
  const socket: Socket = tls ? connectSafely({ port, host: '127.0.0.1', rejectUnauthorized: false }) : connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  let welcomedAfter = 0;
  let rest = '';
  let left = channels.length;
  await new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      const at = performance.timeOrigin + performance.now();
      const text = rest + chunk.toString('utf8');
      const end = text.lastIndexOf('\n');
      rest = text.slice(end + 1);
      for (const line of text.slice(0, end).split('\n')) {
        if (line.includes(' PRIVMSG ')) hear?.(line, at);
        else if (line.startsWith('PING')) socket.write(`PONG${line.slice(4).trimEnd()}\r\n`);
        else if (/^\S+ 001 /.test(line)) {
          welcomedAfter = performance.now() - began;
          for (let from = 0; from < channels.length; from += 20) socket.write(`JOIN ${channels.slice(from, from + 20).join(',')}\r\n`);
          if (left === 0) resolve();
        } else if (/^\S+ 366 /.test(line)) {
          left -= 1;
          if (left === 0) resolve();
        } else if (/^\S+ 43[23] /.test(line)) reject(new Error(line));
      }
    };
    socket.on('data', take);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`${nick}: the server closed the connection`)));
    socket.write(`NICK ${nick}\r\nUSER ${nick} 0 * :${nick}\r\n`);
  });
  if (hear === undefined) {
    socket.removeAllListeners('data');
    socket.on('data', (chunk) => {
      if (chunk.includes('PING :')) socket.write(`PONG ${/PING (:\S+)/.exec(chunk.toString())?.[1]}\r\n`);
    });
  }
  socket.on('error', () => {});
  const say = (channel: string, text: string) => void socket.write(`PRIVMSG ${channel} :${text}\r\n`);
  return { nick, welcomedAfter, write: (lines) => void socket.write(lines), say, close: () => socket.destroy() };
}
