// Whoever made a channel that is to have a room, and that the bot cannot enter by itself, is asked in private to bring it in: once for
// each channel, over restarts. How they are told is tellings.ts'.

import { type ChannelId, type KeyValue, type Logger, messageOf, type RemoteUserId, type Target } from '#bridge-core';
import type { Conversation } from './conversations.ts';
import { fieldsIn, textIn } from './fields.ts';
import { isUserId, makeChannelId, makeUserId } from './ids.ts';
import type { Team } from './team.ts';
import type { Ask } from './users.ts';

export interface HintsParts {
  readonly memory: KeyValue;
  readonly tell: (user: RemoteUserId, words: string, about: Target) => Promise<void>;
  readonly log: Logger;
}

export class Hints {
  readonly #parts: HintsParts;
  readonly #asking = new Set<ChannelId>();

  constructor(parts: HintsParts) {
    this.#parts = parts;
  }

  /** Returns at once. Whose channel is an app's, or nobody's that is known, has nobody to be asked. */
  give(team: Team, { id, name, creator }: Conversation): void {
    const channel = makeChannelId(team.id, id);
    const { memory, log } = this.#parts;
    if (creator === undefined || !isUserId(creator) || this.#asking.has(channel) || memory.get(nameOf(channel)) !== undefined) return;
    this.#asking.add(channel);
    this.#give(team, channel, name, creator)
      .catch((thrown) => log.warn({ channel, why: messageOf(thrown) }, 'nobody could be asked to bring the bot into a channel'))
      .finally(() => this.#asking.delete(channel));
  }

  async #give(team: Team, channel: ChannelId, name: string, creator: string): Promise<void> {
    const words = `To bring #${name} to Matrix, write “/invite @${await handleOf(team)}” in it: the bridge may not come in by itself.`;
    // Rather not at all than twice.
    await this.#parts.memory.set(nameOf(channel), true);
    await this.#parts.tell(makeUserId(team.id, creator), words, { channel });
  }
}

const nameOf = (channel: ChannelId): string => `hinted ${channel}`;

/** As people write it behind an @. */
async function handleOf(team: Team): Promise<string> {
  const ask = team.ask as unknown as Ask;
  const user = fieldsIn(await ask('users.info', { user: team.identity?.botUser ?? '' }), 'user');
  return textIn(user, 'name') ?? team.users.person(team.identity?.botUser ?? '').name;
}
