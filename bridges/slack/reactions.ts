// Reactions as Slack has them: one of each name from everybody. The bot's stand for those of all without a login; whose is the first
// and whose the last of them is the core's to count.

import { PermanentError } from '#bridge-core';
import { nameOfSign } from './emoji.ts';
import { actNames, expectation } from './ownership.ts';
import type { Voice } from './voice.ts';
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
