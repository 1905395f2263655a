// Links that one side asked for and the other has not agreed to yet: the only writer of the table. What they lead to is
// consent.ts'.

import { type ChannelId, channelId, type RoomId, roomId } from '../ids.ts';
import type { Store } from '../store/store.ts';

export interface LinkRequest {
  readonly room: RoomId;
  readonly channel: ChannelId;
  /** A UserId, or a RemoteUserId where the network's side asked. */
  readonly requester: string;
  readonly side: 'matrix' | 'network';
  /** ms since 1970 */
  readonly at: number;
}

interface Row extends Record<string, string | number> {
  room: string;
  channel: string;
  requester: string;
  side: string;
  at: number;
}

/** How long the other side may take. */
export const requestAge = 24 * 60 * 60_000;

export class Requests {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #open = new Map<string, LinkRequest>();

  constructor(given: { store: Store; now?: () => number }) {
    this.#store = given.store;
    this.#now = given.now ?? Date.now;
    for (const row of given.store.prepare<Row>('SELECT room, channel, requester, side, at FROM requests').all()) {
      const request = { ...row, room: roomId(row.room), channel: channelId(row.channel), side: row.side as LinkRequest['side'] };
      this.#open.set(keyOf(request), request);
    }
  }

  /** None that is too old. */
  find(room: RoomId, channel: ChannelId): LinkRequest | undefined {
    const request = this.#open.get(keyOf({ room, channel }));
    return request === undefined || this.#isOld(request) ? undefined : request;
  }

  byRoom(room: RoomId): readonly LinkRequest[] {
    return [...this.#open.values()].filter((request) => request.room === room && !this.#isOld(request));
  }

  /** In place of one for the same room and channel. */
  async add(fresh: Omit<LinkRequest, 'at'>): Promise<void> {
    const request = { ...fresh, at: this.#now() };
    await this.#store.write(() => {
      this.#store
        .prepare('INSERT OR REPLACE INTO requests (room, channel, requester, side, at) VALUES (?, ?, ?, ?, ?)')
        .run(request.room, request.channel, request.requester, request.side, request.at);
      this.#open.set(keyOf(request), request);
    });
  }

  async remove(of: Pick<LinkRequest, 'room' | 'channel'>): Promise<void> {
    if (!this.#open.has(keyOf(of))) return;
    await this.#store.write(() => {
      this.#store.prepare('DELETE FROM requests WHERE room = ? AND channel = ?').run(of.room, of.channel);
      this.#open.delete(keyOf(of));
    });
  }

  expired(): readonly LinkRequest[] {
    return [...this.#open.values()].filter((request) => this.#isOld(request));
  }

  #isOld({ at }: LinkRequest): boolean {
    return at + requestAge <= this.#now();
  }
}

const keyOf = ({ room, channel }: Pick<LinkRequest, 'room' | 'channel'>): string => `${room} ${channel}`;
