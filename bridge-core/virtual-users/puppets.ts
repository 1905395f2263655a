// Whose session speaks for this Matrix person: their own, or the bot's where they cannot have one. Waiting for a session,
// the limit and idle sessions are the adapter's.

import type { Adapter, Session } from '../adapter.ts';
import { BridgeError, type ErrorCode, PermanentError } from '../errors.ts';
import type { ChannelId, UserId } from '../ids.ts';
import type { Json } from '../remote-event.ts';
import type { Logins } from './logins.ts';

export interface Voice<Body extends Json = string> {
  readonly session: Session<Body>;
  /** True: the bot speaks, and the text must say for whom. */
  readonly relayed: boolean;
  /** Why the bot speaks. */
  readonly reason?: ErrorCode;
}

/** A session that these forbid is not got around by the bot: the person was shut out, not their connection. */
const shutOut: ReadonlySet<ErrorCode> = new Set(['CHANNEL_CLOSED', 'CHANNEL_UNKNOWN', 'NETWORK_BANNED']);
const needsRelay: ReadonlySet<ErrorCode> = new Set(['SESSION_LIMIT', 'NETWORK_LOGIN']);

const bot = { as: 'bot' } as const;

type Asked<Body extends Json> = Pick<Adapter<Body>, 'session' | 'openSession' | 'capabilities'>;

export class Puppets<Body extends Json = string> {
  readonly #adapter: Asked<Body>;
  readonly #logins: Pick<Logins, 'isHolder'> | undefined;

  /** `logins` where the network has any. */
  constructor(given: { adapter: Asked<Body>; logins?: Pick<Logins, 'isHolder'> | undefined }) {
    this.#adapter = given.adapter;
    this.#logins = given.logins;
  }

  /** `by`: whose session serves the room, in place of the bot's. */
  async speak(user: UserId, name: string | undefined, channel: ChannelId, by?: UserId): Promise<Voice<Body>> {
    // Most people have no account of their own: no reason to ask for a session, and be refused, with each line of theirs.
    if (this.#logins?.isHolder(user) === false && this.#adapter.capabilities(channel).puppets === 'login')
      return { ...(await this.relay(channel, by)), reason: 'NETWORK_LOGIN' };
    try {
      const session = await this.#adapter.session({ as: 'user', user, ...(name !== undefined && { name }) }, channel);
      return { session, relayed: false };
    } catch (thrown) {
      if (!(thrown instanceof BridgeError) || !isRelayed(thrown)) throw thrown;
      return { ...(await this.relay(channel, by)), reason: thrown.code };
    }
  }

  async relay(channel: ChannelId, by?: UserId): Promise<Voice<Body>> {
    const speaker = by === undefined ? bot : ({ as: 'user', user: by } as const);
    return { session: await this.#adapter.session(speaker, channel), relayed: true };
  }

  /** They left the room: their session leaves the channel, if it is there. */
  async withdraw(user: UserId, channel: ChannelId, reason?: string): Promise<void> {
    await this.#adapter.openSession({ as: 'user', user }, channel)?.leave(channel, reason);
  }
}

function isRelayed(thrown: BridgeError): boolean {
  return needsRelay.has(thrown.code) || (thrown instanceof PermanentError && !shutOut.has(thrown.code));
}
