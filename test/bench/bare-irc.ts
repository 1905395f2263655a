// IRC at the least cost: bare sockets that speak and hear, for driving the bridge and as the floor to compare it with.

import { connect, type Socket } from 'node:net';

export interface BareClient {
  readonly nick: string;
  write(lines: string): void;
  close(): void;
}

/** Registered and in the channels when it resolves. `hear` gets whole PRIVMSG lines. */
export async function bareClient(
  port: number,
  nick: string,
  channels: readonly string[],
  hear?: (line: string, at: number) => void,
): Promise<BareClient> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  let rest = '';
  let left = channels.length;
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.on('data', (chunk: Buffer) => {
      const at = performance.timeOrigin + performance.now();
      const text = rest + chunk.toString('utf8');
      const end = text.lastIndexOf('\n');
      rest = text.slice(end + 1);
      for (const line of text.slice(0, end).split('\n')) {
        if (line.includes(' PRIVMSG ')) hear?.(line, at);
        else if (line.startsWith('PING')) socket.write(`PONG${line.slice(4).trimEnd()}\r\n`);
        else if (/^\S+ 001 /.test(line)) {
          for (let from = 0; from < channels.length; from += 20) socket.write(`JOIN ${channels.slice(from, from + 20).join(',')}\r\n`);
          if (channels.length === 0) resolve();
        } else if (/^\S+ 366 /.test(line)) {
          left -= 1;
          if (left === 0) resolve();
        } else if (/^\S+ 43[23] /.test(line)) reject(new Error(line));
      }
    });
    socket.write(`NICK ${nick}\r\nUSER ${nick} 0 * :${nick}\r\n`);
  });
  socket.on('error', () => {});
  return { nick, write: (lines) => void socket.write(lines), close: () => socket.destroy() };
}
