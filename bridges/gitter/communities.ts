// Rooms are found by their names, with a call for each. Where several of one community are looked for, the list of its rooms finds them all.

import { type ChannelId, type Logger, messageOf, RetryableError } from '#bridge-core';
import { parseChannelId } from './ids.ts';
import type { Ask, Rooms } from './rooms.ts';
import { roomsIn } from './wire/objects.ts';

export interface CommunitiesParts {
  readonly rooms: Pick<Rooms, 'known' | 'load' | 'keepListed'>;
  readonly log: Logger;
}

export class Communities {
  readonly #parts: CommunitiesParts;
  /** By the first part of the names, those whose list was read, or is. */
  readonly #lists = new Map<string, Promise<void>>();

  constructor(parts: CommunitiesParts) {
    this.#parts = parts;
  }

  /** Before a room is looked for by its name; `wanted` are all that are to be found. */
  async look(channel: ChannelId, wanted: Iterable<ChannelId>, ask: Ask): Promise<void> {
    const name = communityOf(channel);
    if (name === undefined || this.#parts.rooms.known(channel) !== undefined) return;
    let list = this.#lists.get(name);
    if (list === undefined) {
      const names = new Set([...wanted].filter((each) => communityOf(each) === name && this.#parts.rooms.known(each) === undefined));
      if (names.size < 3) return;
      list = this.#read(channel, names, ask);
      this.#lists.set(name, list);
      list.catch(() => this.#lists.delete(name));
    }
    await list;
  }

  /** What is looked for from now on is read anew. */
  forget(): void {
    this.#lists.clear();
  }

  /** Any of its rooms tells which community it is. */
  async #read(channel: ChannelId, names: ReadonlySet<ChannelId>, ask: Ask): Promise<void> {
    const { rooms, log } = this.#parts;
    const group = (await rooms.load(channel, ask))?.group;
    if (group === undefined) return;
    try {
      for (const room of roomsIn(await ask({ route: '/groups/:id/rooms', with: { id: group } }))) rooms.keepListed(room, names);
    } catch (thrown) {
      if (thrown instanceof RetryableError) throw thrown;
      log.info({ channel, why: messageOf(thrown) }, 'the list of a community’s rooms cannot be read: each is asked for');
    }
  }
}

/** Of `org/room`, `org`. */
function communityOf(channel: ChannelId): string | undefined {
  const given = parseChannelId(channel);
  const [name, ...rest] = 'uri' in given ? given.uri.split('/') : [];
  return rest.length === 0 ? undefined : name;
}
