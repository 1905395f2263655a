// Private words of the bridge to a person in Slack: in a chat with the bot, which is there when they look; where that may not be, in the
// channel, for their eyes alone. What follows within a minute is told together; what cannot be told now is tried again. All of it is
// written down first, so that nothing is lost with the process; what was told just before may be told twice.

import {
  channelId,
  type Json,
  type KeyValue,
  type Logger,
  messageOf,
  type RemoteUserId,
  RetryableError,
  remoteMessageId,
  remoteUserId,
  type Target,
} from '#bridge-core';
import { escaped } from './escape.ts';
import { isUserId, parseId } from './ids.ts';
import type { SlackPermalinks } from './permalinks.ts';
import type { Team } from './team.ts';
import { isRefusal } from './wire/faults.ts';

export interface TellingsParts {
  readonly teams: ReadonlyMap<string, Team>;
  readonly permalinks: SlackPermalinks;
  readonly memory: KeyValue;
  readonly log: Logger;
  /** ms */
  readonly gather?: number;
}

/** With how often they were to be said and what about at last. */
type Words = Map<string, { times: number; about: Target | undefined }>;

interface Held {
  words: Words;
  /** Being told just now. */
  going: Words;
  failures: number;
  timer: NodeJS.Timeout;
}

const prefix = 'telling ';
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

  /** What an earlier run of the bridge had still to tell. */
  start(): void {
    const { memory } = this.#parts;
    for (const name of memory.keys(prefix)) {
      const user = remoteUserId(name.slice(prefix.length));
      if (!this.#held.has(user)) this.#hold(user, wordsIn(memory.get(name)));
    }
  }

  /** Whoever is no person of ours, as apps are, has nobody to be told. */
  async tell(user: RemoteUserId, words: string, about?: Target): Promise<void> {
    const { team, id } = parseId(user);
    if (this.#isStopped || !this.#parts.teams.has(team) || !isUserId(id)) return;
    const held = this.#held.get(user);
    if (held === undefined && this.#held.size >= mostPeople) return;
    const kept = held ?? this.#hold(user, new Map());
    add(kept.words, words, about);
    // At once, so that it is in the commit of whatever is told of.
    await this.#note(user, kept);
    if (held === undefined) await this.#tellAll(user, kept);
  }

  /** What is still held is told now, as far as Slack answers. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const held = [...this.#held];
    this.#held.clear();
    for (const [, { timer }] of held) clearTimeout(timer);
    await Promise.all(held.map(([user, each]) => this.#tellAll(user, each)));
  }

  #hold(user: RemoteUserId, words: Words): Held {
    const held: Held = { words, going: new Map(), failures: 0, timer: this.#later(user) };
    this.#held.set(user, held);
    return held;
  }

  async #note(user: RemoteUserId, { going, words }: Held): Promise<void> {
    const all = [...going, ...words].map(([said, { times, about }]): Json => [said, times, about?.channel ?? null, about?.message ?? null]);
    const name = `${prefix}${user}`;
    if (all.length > 0 || this.#parts.memory.get(name) !== undefined) await this.#parts.memory.set(name, all.length > 0 ? all : undefined);
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
    if (words.size === 0 || held.going.size > 0) return;
    held.words = new Map();
    held.going = words;
    const { team: teamId, id } = parseId(user);
    const team = this.#parts.teams.get(teamId);
    try {
      if (team !== undefined) await this.#say(team, id, words);
      held.failures = 0;
    } catch (thrown) {
      held.failures += 1;
      if (thrown instanceof RetryableError && held.failures < mostFailures)
        for (const [each, { times, about }] of words) add(held.words, each, about, times);
      else this.#parts.log.warn({ user, why: messageOf(thrown) }, 'a person in Slack could not be told of something');
    }
    held.going = new Map();
    await this.#note(user, held).catch((thrown) => this.#parts.log.error({ user, why: messageOf(thrown) }, 'words could not be kept'));
  }

  async #say(team: Team, user: string, words: Words): Promise<void> {
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

  #textOf(words: Words): string {
    const lines = Array.from(words, ([said, { times, about }]) => {
      const page = about && this.#parts.permalinks.of(about, about.channel);
      const where = page === undefined ? '' : ` (<${page}|${about?.message === undefined ? 'the channel' : 'the message'}>)`;
      return `${escaped(said)}${times > 1 ? ` (${times} times)` : ''}${where}`;
    });
    return lines.join('\n');
  }
}

function add(all: Words, words: string, about: Target | undefined, times = 1): void {
  const key = !all.has(words) && all.size >= mostWords ? 'There was more of that kind.' : words;
  const known = all.get(key);
  all.set(key, { times: (known?.times ?? 0) + times, about: about ?? known?.about });
}

function wordsIn(noted: Json | undefined): Words {
  const words: Words = new Map();
  for (const each of Array.isArray(noted) ? noted : []) {
    const [said, times, channel, message] = Array.isArray(each) ? each : [];
    if (typeof said !== 'string') continue;
    const place = typeof channel === 'string' ? { channel: channelId(channel) } : undefined;
    const about = place && { ...place, ...(typeof message === 'string' && { message: remoteMessageId(message) }) };
    add(words, said, about, Number(times));
  }
  return words;
}
