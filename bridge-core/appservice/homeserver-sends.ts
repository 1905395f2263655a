// Messages, redactions, typing and receipts: the hot path, one PUT each. The transaction id is the caller's, unique over all users
// of the bridge: the homeserver's memory of it knows only the path, not who sent it.

import { UnknownOutcomeError } from '../errors.ts';
import type { EventId, UserId } from '../ids.ts';
import type { Content } from '../matrix-event.ts';
import type { Homeserver } from './homeserver.ts';
import type { HomeserverHttp } from './homeserver-http.ts';

/** Of a person whom we speak as by their own token; undefined for all others. */
export type TokenOf = (user: UserId) => string | undefined;

const rooms = '/_matrix/client/v3/rooms/';

export function makeSends(http: HomeserverHttp, tokenOf?: TokenOf): Pick<Homeserver, 'send' | 'redact' | 'typing' | 'receipt'> {
  const put = async (as: UserId, path: string, content: Content): Promise<EventId> => {
    const text = await http.ask('send', 'PUT', path, JSON.stringify(content), tokenOf?.(as));
    const id = eventIdIn(text);
    if (id === undefined) throw new UnknownOutcomeError(`the homeserver took a message and gave no event id: ${text.slice(0, 200)}`);
    return id;
  };

  // Worthless late: where a message would have to wait for it, it is not sent at all.
  const passing = async (as: UserId, method: 'PUT' | 'POST', path: string, body: string): Promise<void> => {
    if (!http.gate.tryEnter('other')) return;
    try {
      await http.askNow('other', method, path, body, tokenOf?.(as));
    } finally {
      http.gate.leave('other');
    }
  };

  return {
    send: (as, room, type, txn, content, at) =>
      put(as, `${rooms}${encodeURIComponent(room)}/send/${encodeURIComponent(type)}/${encodeURIComponent(txn)}${query(as, at)}`, content),

    redact: (as, room, target, txn, content, at) =>
      put(
        as,
        `${rooms}${encodeURIComponent(room)}/redact/${encodeURIComponent(target)}/${encodeURIComponent(txn)}${query(as, at)}`,
        content,
      ),

    typing: (as, room, on) =>
      passing(
        as,
        'PUT',
        `${rooms}${encodeURIComponent(room)}/typing/${encodeURIComponent(as)}${query(as)}`,
        on ? '{"typing":true,"timeout":30000}' : '{"typing":false}',
      ),

    receipt: (as, room, event) =>
      passing(as, 'POST', `${rooms}${encodeURIComponent(room)}/receipt/m.read/${encodeURIComponent(event)}${query(as)}`, '{}'),
  };
}

/** `ts` in the future is refused by some and believed by others: never sent. */
function query(as: UserId, at?: number): string {
  const user = `?user_id=${encodeURIComponent(as)}`;
  return at === undefined ? user : `${user}&ts=${Math.trunc(Math.min(at, Date.now()))}`;
}

function eventIdIn(text: string): EventId | undefined {
  try {
    const id: unknown = JSON.parse(text).event_id;
    return typeof id === 'string' ? (id as EventId) : undefined;
  } catch {
    return undefined;
  }
}
