// Reactions of the bot's, which stand for those of everybody without a login: Slack lets the bot react once with each emoji, so it
// reacts with the first of them and takes it back with the last. Who is counted is kept over restarts.

import { type KeyValue, PermanentError } from '#bridge-core';
import { nameOfSign } from './emoji.ts';
import { timeOf } from './ids.ts';
import { actNames, expectation } from './ownership.ts';
import type { Voice } from './posting.ts';
import { isRefusal } from './wire/faults.ts';

/** Slack's name for the key of a reaction: of the sign, or of what stands between colons. */
export function reactionName(emoji: string): string {
  const name = /^:([^:\s]+(?:::skin-tone-[2-6])?):$/u.exec(emoji)?.[1] ?? nameOfSign(emoji);
  if (name === undefined) throw new PermanentError('UNSUPPORTED', `Slack has no emoji for ${emoji}`);
  return name.toLowerCase();
}

/** Where it is so already, nothing happens. */
export async function setReaction(voice: Voice, channel: string, ts: string, name: string, on: boolean): Promise<void> {
  const forget = voice.team.acts.expect(expectation(voice.self, channel, actNames.react(ts, name, on)));
  try {
    await voice.ask(on ? 'reactions.add' : 'reactions.remove', { channel, timestamp: ts, name });
  } catch (thrown) {
    forget();
    const isSo = on ? isRefusal(thrown, 'already_reacted') : isRefusal(thrown, 'no_reaction', 'message_not_found');
    if (!isSo) throw thrown;
  }
}

/** ms: what is older is reacted to no more, as good as ever. */
const keptFor = 90 * 24 * 3_600_000;

export class CountedReactions {
  readonly #memory: KeyValue;

  constructor(parts: { readonly memory: KeyValue }) {
    this.#memory = parts.memory;
  }

  async set(voice: Voice, channel: string, ts: string, name: string, on: boolean, key: string): Promise<void> {
    const place = `reacted ${channel} ${ts} ${name}`;
    const kept = this.#memory.get(place);
    const keys = Array.isArray(kept) ? kept.map(String) : [];
    if (on) {
      if (keys.length === 0) await setReaction(voice, channel, ts, name, true);
      if (!keys.includes(key)) await this.#memory.set(place, [...keys, key]);
      return;
    }
    const rest = keys.slice(0, -1);
    if (rest.length === 0) await setReaction(voice, channel, ts, name, false);
    await this.#memory.set(place, rest.length === 0 ? undefined : rest);
  }

  async trim(): Promise<void> {
    for (const place of this.#memory.keys('reacted ')) {
      const ts = place.split(' ')[2] ?? '0';
      if (Date.now() - timeOf(ts) > keptFor) await this.#memory.set(place, undefined);
    }
  }
}
