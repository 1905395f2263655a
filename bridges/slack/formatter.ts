// Slack's markups ↔ rich text. Pure: names come from a cache, and whether somebody is called is the session's to say. What a
// body is made of is read in the files ending in -in and printed in those ending in -out.

import type { ChannelId, Fit, Formatter, RichText } from '#bridge-core';
import { readBeside } from './attachments-in.ts';
import { readBlocks } from './blocks-in.ts';
import { printBlocks } from './blocks-out.ts';
import type { SlackBody } from './body.ts';
import { emojiNamed } from './emoji.ts';
import { isFields, listIn, textIn } from './fields.ts';
import { parseId } from './ids.ts';
import { readMrkdwn } from './mrkdwn-in.ts';
import { printMrkdwn } from './mrkdwn-out.ts';
import type { FormatterNames } from './names.ts';
import { type Part, partsOf } from './parts-out.ts';
import { Reading } from './reading.ts';
import { plainLook, type Run } from './runs-out.ts';
import { splitParts, type Weight } from './split-parts.ts';

export type { FormatterNames } from './names.ts';
export { noNames } from './names.ts';

/** What a session of Slack tells besides. `mention` gives `<@U123>` for who is to be called, a name for who is not, undefined for
 *  the author's wording. `markup` false: mrkdwn alone, for webhooks and `chat.meMessage`. */
export interface SlackFit extends Fit {
  /** Whose own emoji may be used. */
  readonly team?: string;
  /** The author may call everybody; without it such a mention is words. */
  readonly mayNotifyAll?: boolean;
}

/** Slack cuts a longer text (changelog of 2018-04, truncating really long messages). */
const longestText = 40_000;
/** Of all blocks together. Documented for markdown blocks; that others bear as much is unverified, and that more is refused. */
const longestBlocks = 12_000;
const mostBlocks = 50;

export function slackFormatter(names: FormatterNames): Formatter<SlackBody> {
  return { parse: (body, channel) => parse(names, body, channel), print: (text, fit) => print(names, text, fit) };
}

/** Never throws, whatever JSON the body is. */
function parse(names: FormatterNames, body: SlackBody, channel: ChannelId): RichText {
  if (!isFields(body)) return [];
  const { team, id } = parseId(channel);
  const reading = new Reading(names, team, id);
  const blocks = readBlocks(listIn(body, 'blocks'), reading);
  const said = blocks.length > 0 ? blocks : readMrkdwn(textIn(body, 'text') ?? '', reading, body.mrkdwn !== false);
  const beside = readBeside(listIn(body, 'attachments'), reading, said.length === 0);
  return beside.length === 0 ? said : [...said, ...beside];
}

function print(names: FormatterNames, text: RichText, fit: SlackFit): SlackBody[] {
  const voice = {
    mention: fit.mention,
    mayNotifyAll: fit.mayNotifyAll === true,
    isOwnEmoji: (name: string) => {
      const found = emojiNamed(name, (own) => (fit.team === undefined ? undefined : names.emoji(fit.team, own)));
      return found !== undefined;
    },
  };
  // Slack has an emote for people's own accounts alone, and that without blocks; the bot's is in italics.
  const parts = partsOf(text, voice, fit.markup && fit.style === 'emote' ? { ...plainLook, italic: true } : plainLook);
  const bytes = Math.min(fit.bytes, longestText);
  const room = fit.markup
    ? { bytes, signs: longestBlocks, blocks: mostBlocks - 1 }
    : { bytes, signs: longestText, blocks: Number.POSITIVE_INFINITY };
  // A file comes without words.
  if (text.length === 0) return [{ text: '' }];
  return splitParts(parts, room, weightOf).map((body) => {
    const shown = printMrkdwn(body);
    return fit.markup ? { text: shown, blocks: printBlocks(body) } : { text: shown };
  });
}

function weightOf(part: Part): Weight {
  return { bytes: Buffer.byteLength(printMrkdwn([part])), signs: signsOf(part), blocks: part.is === 'rule' ? 2 : 0 };
}

function signsOf(part: Part): number {
  switch (part.is) {
    case 'rule':
      return 0;
    case 'preformatted':
      return part.text.length;
    case 'list':
      return part.items.reduce((sum, runs) => sum + signsOfRuns(runs), 0);
    default:
      return signsOfRuns(part.runs);
  }
}

function signsOfRuns(runs: readonly Run[]): number {
  return runs.reduce((sum, run) => sum + (run.say === 'text' ? run.text.length + (run.look.link?.length ?? 0) : 16), 0);
}
