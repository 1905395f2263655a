// Whether people of ours are there, told on networks where their adapter wants it: once it has stood for a while, and only what is
// new. Never journaled: what is missed is told with the next change.

import type { Adapter, Session } from '../adapter.ts';
import type { UserId } from '../ids.ts';
import type { EphemeralEvent } from '../matrix-event.ts';
import type { Links } from '../plumbing/links.ts';
import type { Json } from '../remote-event.ts';

export interface PresencesParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'openSession'>;
  readonly links: Pick<Links, 'all'>;
  readonly isOurs: (user: UserId) => boolean;
  readonly attempt: (work: () => Promise<void>) => void;
  /** ms */
  readonly settle?: number;
}

/** ms: clients tell of every glance. */
const usualSettle = 10_000;
/** More are told anew. */
const mostKept = 10_000;

export class Presences<Body extends Json> {
  readonly #parts: PresencesParts<Body>;
  readonly #told = new Map<UserId, boolean>();
  readonly #settling = new Map<UserId, NodeJS.Timeout>();

  constructor(parts: PresencesParts<Body>) {
    this.#parts = parts;
  }

  fromMatrix({ sender: user, content }: EphemeralEvent): void {
    if (user === undefined || this.#parts.isOurs(user)) return;
    clearTimeout(this.#settling.get(user));
    this.#settling.delete(user);
    const isAway = content.presence !== 'online';
    if (this.#told.get(user) === isAway) return;
    const timer = setTimeout(() => {
      this.#settling.delete(user);
      this.#tell(user, isAway);
    }, this.#parts.settle ?? usualSettle).unref();
    this.#settling.set(user, timer);
  }

  #tell(user: UserId, isAway: boolean): void {
    const sessions = this.#sessionsOf(user);
    if (sessions.size === 0) return;
    this.#told.set(user, isAway);
    const [oldest] = this.#told.keys();
    if (this.#told.size > mostKept && oldest !== undefined) this.#told.delete(oldest);
    for (const session of sessions) this.#parts.attempt(async () => session.setPresence?.(isAway ? 'away' : undefined));
  }

  #sessionsOf(user: UserId): ReadonlySet<Session<Body>> {
    const { links, adapter } = this.#parts;
    const sessions = new Set<Session<Body>>();
    for (const { channel, state } of links.all()) {
      const session = state === 'live' ? adapter.openSession({ as: 'user', user }, channel) : undefined;
      if (session?.setPresence !== undefined) sessions.add(session);
    }
    return sessions;
  }
}
