// Private words of the bridge to a person in Slack: in a chat with the bot, which is there when they look; where that may not be, in the
// channel, for their eyes alone. What follows within a minute is told together; what cannot be told now is tried again.

import { type Logger, messageOf, type RemoteUserId, RetryableError, type Target } from '#bridge-core';
import { escaped } from './escape.ts';
import { isUserId, parseId } from './ids.ts';
import type { SlackPermalinks } from './permalinks.ts';
import type { Team } from './team.ts';
import { isRefusal } from './wire/faults.ts';

export interface TellingsParts {
  readonly teams: ReadonlyMap<string, Team>;
  readonly permalinks: SlackPermalinks;
  readonly log: Logger;
  /** ms */
  readonly gather?: number;
}

interface Held {
  /** Words, with how often they were to be said and what about at last. */
  words: Map<string, { times: number; about: Target | undefined }>;
  failures: number;
  timer: NodeJS.Timeout;
}

const usualGather = 60_000;
const mostPeople = 10_000;
/** Different words of one minute; what is more is only counted. */
const mostWords = 10;
const mostFailures = 10;

export class Tellings {
  readonly #parts: TellingsParts;
  /** Those who were told something of late. */
  readonly #held = new Map<RemoteUserId, Held>();
  #isStopped = false;

  constructor(parts: TellingsParts) {
    this.#parts = parts;
  }

  /** Whoever is no person of ours, as apps are, has nobody to be told. */
  async tell(user: RemoteUserId, words: string, about?: Target): Promise<void> {
    const { team, id } = parseId(user);
    if (this.#isStopped || !this.#parts.teams.has(team) || !isUserId(id)) return;
    const held = this.#held.get(user);
    if (held !== undefined || this.#held.size >= mostPeople) {
      if (held !== undefined) add(held, words, about);
      return;
    }
    const made: Held = { words: new Map(), failures: 0, timer: this.#later(user) };
    this.#held.set(user, made);
    add(made, words, about);
    await this.#tellAll(user, made);
  }

  /** What is still held is told now, as far as Slack answers. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const held = [...this.#held];
    this.#held.clear();
    for (const [, { timer }] of held) clearTimeout(timer);
    await Promise.all(held.map(([user, each]) => this.#tellAll(user, each)));
  }

  #later(user: RemoteUserId): NodeJS.Timeout {
    return setTimeout(() => {
      const held = this.#held.get(user);
      if (held === undefined) return;
      if (held.words.size === 0) {
        this.#held.delete(user);
        return;
      }
      held.timer = this.#later(user);
      void this.#tellAll(user, held);
    }, this.#parts.gather ?? usualGather).unref();
  }

  async #tellAll(user: RemoteUserId, held: Held): Promise<void> {
    const { words } = held;
    if (words.size === 0) return;
    held.words = new Map();
    const { team: teamId, id } = parseId(user);
    const team = this.#parts.teams.get(teamId);
    if (team === undefined) return;
    try {
      await this.#say(team, id, words);
      held.failures = 0;
    } catch (thrown) {
      held.failures += 1;
      if (thrown instanceof RetryableError && held.failures < mostFailures && !this.#isStopped) {
        for (const [each, { times, about }] of words) add(held, each, about, times);
        return;
      }
      this.#parts.log.warn({ user, why: messageOf(thrown) }, 'a person in Slack could not be told of something');
    }
  }

  async #say(team: Team, user: string, words: Held['words']): Promise<void> {
    const place = [...words.values()].find(({ about }) => about !== undefined)?.about?.channel;
    try {
      const opened = await team.ask('conversations.open', { users: user });
      const chat = opened.channel?.id ?? '';
      await team.ask('chat.postMessage', { channel: chat, text: this.#textOf(words), unfurl_links: false, unfurl_media: false });
    } catch (thrown) {
      if (place === undefined || !isRefusal(thrown)) throw thrown;
      await team.ask('chat.postEphemeral', { channel: parseId(place).id, user, text: this.#textOf(words) });
    }
  }

  #textOf(words: Held['words']): string {
    const lines = Array.from(words, ([said, { times, about }]) => {
      const page = about && this.#parts.permalinks.of(about, about.channel);
      const where = page === undefined ? '' : ` (<${page}|${about?.message === undefined ? 'the channel' : 'the message'}>)`;
      return `${escaped(said)}${times > 1 ? ` (${times} times)` : ''}${where}`;
    });
    return lines.join('\n');
  }
}

function add(held: Held, words: string, about: Target | undefined, times = 1): void {
  const known = held.words.get(words);
  const key = known === undefined && held.words.size >= mostWords ? 'There was more of that kind.' : words;
  held.words.set(key, { times: (held.words.get(key)?.times ?? 0) + times, about: about ?? held.words.get(key)?.about });
}
