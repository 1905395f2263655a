// Makes an IRC connection: a socket, then the handshake, then what lives behind the face in connection.ts.

import { RetryableError } from '#bridge-core';
import type { Connection, ConnectionEvents, ConnectionSettings } from './connection.ts';
import { Handshake } from './handshake.ts';
import { LineSocket } from './line-socket.ts';
import { OpenConnection } from './open-connection.ts';

/** Resolves once registered and greeted (376 or 422). Lines that come at once after that reach `line` only when the caller has
 *  the connection in hand. Where it rejects, `closed` is not called: NETWORK_UNREACHABLE, NETWORK_TLS (ConfigError),
 *  NETWORK_LOGIN, NETWORK_BANNED, NETWORK_REFUSED (PermanentError), NETWORK_BUSY (throttled or no free nick, RetryableError). */
export function openConnection(settings: ConnectionSettings, events: ConnectionEvents): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = new LineSocket(settings);
    const abort = () => socket.end({ fault: 'ours', error: new RetryableError('NETWORK_UNREACHABLE', `${socket.name}: given up`) });
    const settled = () => settings.signal?.removeEventListener('abort', abort);
    const handshake = new Handshake({
      socket,
      settings,
      events,
      done(registration) {
        settled();
        resolve(new OpenConnection({ socket, settings, events, registration }));
      },
      failed(ending) {
        settled();
        reject(ending.error);
      },
    });
    socket.sink = handshake;
    settings.signal?.addEventListener('abort', abort);
    if (settings.signal?.aborted === true) abort();
    else socket.open(settings, () => handshake.begin());
  });
}
