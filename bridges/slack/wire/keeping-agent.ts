// An agent of node:http or node:https that knows its sockets, to end them at once: a WebSocket that is closed politely waits half a
// minute for the other side.

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';

export type KeepingAgent = HttpAgent & {
  /** Says what was still to be said, then ends all. */
  end(): Promise<void>;
  /** Nothing more is said, nor heard from this moment on. */
  cut(): void;
};

export function keepingAgent(isSecure: boolean): KeepingAgent {
  const agent = isSecure ? new HttpsAgent() : new HttpAgent();
  const sockets = new Set<Duplex>();
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (...given) => {
    const socket = create(...given);
    if (socket) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    return socket;
  };
  const end = async () => {
    await Promise.all([...sockets].map((socket) => ended(socket)));
    agent.destroy();
  };
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return Object.assign(agent, { end, cut });
}

function ended(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', resolve);
    if ('destroySoon' in socket && typeof socket.destroySoon === 'function') socket.destroySoon();
    else socket.destroy();
  });
}
