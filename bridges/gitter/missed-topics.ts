// Topics that changed while nobody heard of it: the list of the relay account's rooms has them all, in one call.

import { type Logger, messageOf } from '#bridge-core';
import type { Present } from './present.ts';
import type { Room, Rooms } from './rooms.ts';

export interface MissedTopicsParts {
  readonly present: Pick<Present, 'read'>;
  readonly rooms: Pick<Rooms, 'byId' | 'toldTopic' | 'noteTopic'>;
  /** Those of whose topics the relay account hears. */
  readonly heard: () => readonly Room[];
  readonly tell: (room: Room, topic: string) => Promise<void>;
  readonly log: Logger;
}

/** ms: a cut connection opens all its rooms anew. Longer each time that the list cannot be read. */
const soon = 1_000;
const longestPause = 60_000;

export class MissedTopics {
  readonly #parts: MissedTopicsParts;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: MissedTopicsParts) {
    this.#parts = parts;
  }

  look(pause = soon): void {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#look(pause).catch((thrown) => this.#parts.log.warn({ why: messageOf(thrown) }, 'new topics could not be taken in'));
    }, pause).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #look(pause: number): Promise<void> {
    const { present, rooms, heard, tell } = this.#parts;
    const before = new Map(heard().map((room) => [room, rooms.toldTopic(room.id)]));
    const list = await present.read();
    if (list === undefined) return pause < longestPause ? this.look(pause * 2) : undefined;
    const listed = new Map(list.map(({ id, topic }) => [id, topic]));
    for (const [room, told] of before) {
      const topic = listed.get(room.id);
      // What was told meanwhile is newer than the list may be.
      if (topic === undefined || rooms.toldTopic(room.id) !== told) continue;
      const now = rooms.byId(room.id) ?? room;
      if (rooms.noteTopic(room.id, topic)) await tell(now, topic);
    }
  }
}
