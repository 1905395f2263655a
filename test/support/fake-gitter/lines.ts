// The two transports of the Bayeux server: a WebSocket, and requests that are held until there is something to say. Callback-polling,
// which Gitter has too, is left out.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WebSocket } from 'ws';
import type { Bayeux } from './bayeux.ts';
import type { BayeuxMessage, Line } from './bayeux-client.ts';
import { type Answer, json } from './http.ts';

/** ms between pings: 40 s, as on Gitter. */
const pingInterval = 40_000;

export class Lines {
  readonly #bayeux: Bayeux;

  constructor(bayeux: Bayeux) {
    this.#bayeux = bayeux;
  }

  accept(socket: WebSocket): void {
    const line: Line = {
      transport: 'websocket',
      send: (messages) => socket.send(JSON.stringify(messages)),
      cut: () => socket.terminate(),
      close: () => socket.close(),
    };
    const pings = setInterval(() => socket.ping(), pingInterval);
    socket.on('message', (data) => {
      for (const message of messagesIn(String(data))) this.#bayeux.take(message, line, (replies) => line.send(replies));
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearInterval(pings);
      this.#bayeux.lost(line);
    });
  }

  /** Undefined: the request was cut. */
  async poll(body: Buffer, request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> {
    const messages = messagesIn(body.toString());
    if (messages.length === 0) return { status: 400, headers: { 'content-type': 'text/plain' }, body: 'Bad request' };
    const line: Line = { transport: 'long-polling', send: () => {}, cut: () => request.socket.destroy(), close: () => {} };
    const gone = new Promise<undefined>((resolve) => response.once('close', () => resolve(undefined)));
    const replies = messages.map(
      (message) => new Promise<readonly BayeuxMessage[]>((resolve) => this.#bayeux.take(message, line, (answer) => resolve(answer))),
    );
    const answers = await Promise.race([Promise.all(replies), gone]);
    this.#bayeux.lost(line);
    return answers === undefined ? undefined : json(answers.flat());
  }
}

function messagesIn(text: string): BayeuxMessage[] {
  try {
    return [JSON.parse(text)].flat().filter((message) => typeof message?.channel === 'string');
  } catch {
    return [];
  }
}
