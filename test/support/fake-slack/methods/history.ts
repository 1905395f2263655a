// conversations.history and .replies: newest first and oldest first, between bounds, in pages; as their pages say. A bot reads only where it
// is a member (`not_in_channel`), a person also public channels. Commercial apps get 15 items at most. Unverified: that `metadata`
// comes only when asked for, and that the page of a thread begins with the parent each time.

import { type Call, channelOf, type MethodName, type Methods, mustBeIn, type To } from '../call.ts';
import { tsBound } from '../clock.ts';
import { rationedItems } from '../limits.ts';
import { inHistory } from '../message-shapes.ts';
import type { Channel, Message } from '../model.ts';
import { indexOf } from '../timeline.ts';
import { SlackFault } from '../world.ts';

interface Bounds {
  readonly oldest: string;
  readonly latest: string;
  readonly isInclusive: boolean;
}

export const historyMethods = {
  'conversations.history': (call): To<'conversations.history'> => {
    const channel = readable(call);
    const bounds = boundsOf(call);
    const limit = limitOf(call, 100);
    const at = cursorOf(call);
    const isUpward = call.world.quirks.pageWithOldestAlone === 'oldest' && isOldestAlone(call);
    const moved = at === undefined ? {} : { [isUpward ? 'oldest' : 'latest']: at, isInclusive: false };
    const inside = within(channel.timeline.main, { ...bounds, ...moved });
    const taken = (isUpward ? inside.slice(0, limit) : inside.slice(-limit)).reverse();
    const hasMore = inside.length > taken.length;
    const last = isUpward ? taken[0] : taken.at(-1);
    return {
      messages: taken.map((message) => shown(call, message)) as never,
      has_more: hasMore,
      pin_count: channel.pins.size,
      channel_actions_ts: null as never,
      channel_actions_count: 0,
      ...(hasMore ? { response_metadata: { next_cursor: cursorTo(last) } } : {}),
    };
  },

  'conversations.replies': (call): To<'conversations.replies'> => {
    const channel = readable(call);
    const asked = channel.timeline.all.get(call.args.text('ts') ?? '');
    if (asked === undefined) throw new SlackFault('thread_not_found');
    const parent = channel.timeline.all.get(asked.threadTs ?? asked.ts) ?? asked;
    const replies = within(channel.timeline.replies.get(parent.ts) ?? [], boundsOf(call));
    const limit = limitOf(call, 1000);
    const after = cursorOf(call);
    const rest = after === undefined ? replies : replies.slice(indexOf(replies, after) + 1);
    const taken = rest.slice(0, Math.max(1, after === undefined ? limit - 1 : limit));
    const hasMore = rest.length > taken.length;
    return {
      messages: (after === undefined ? [parent, ...taken] : taken).map((message) => shown(call, message)) as never,
      has_more: hasMore,
      ...(hasMore ? { response_metadata: { next_cursor: cursorTo(taken.at(-1)) } } : {}),
    };
  },
} satisfies Partial<Methods<MethodName>>;

function readable(call: Call): Channel {
  const channel = channelOf(call);
  if (call.token.kind === 'bot') mustBeIn(call, channel);
  return channel;
}

function isOldestAlone({ args }: Call): boolean {
  return args.text('oldest') !== undefined && args.text('latest') === undefined;
}

function shown(call: Call, message: Message) {
  return inHistory(call.world, message, { metadata: call.args.isOn('include_all_metadata'), reader: call.team });
}

function boundsOf({ args }: Call): Bounds {
  const bound = (name: 'oldest' | 'latest', byDefault: string) => {
    const given = args.text(name);
    const made = given === undefined ? byDefault : tsBound(given);
    if (made === undefined) throw new SlackFault(`invalid_ts_${name}`);
    return made;
  };
  const isGiven = args.text('oldest') !== undefined || args.text('latest') !== undefined;
  return {
    oldest: bound('oldest', '0000000000.000000'),
    latest: bound('latest', '9999999999.999999'),
    isInclusive: isGiven && args.isOn('inclusive'),
  };
}

function within(messages: readonly Message[], { oldest, latest, isInclusive }: Bounds): Message[] {
  const from = indexOf(messages, oldest);
  const end = indexOf(messages, latest);
  const first = messages[from]?.ts === oldest && !isInclusive ? from + 1 : from;
  return messages.slice(first, messages[end]?.ts === latest && isInclusive ? end + 1 : end);
}

function limitOf({ args, token }: Call, byDefault: number): number {
  const asked = Math.min(Math.max(args.number('limit') ?? byDefault, 1), 999);
  return token.app.isCommercial ? Math.min(asked, rationedItems) : asked;
}

function cursorTo(message: Message | undefined): string {
  return Buffer.from(`next_ts:${message?.ts ?? ''}`).toString('base64');
}

function cursorOf({ args }: Call): string | undefined {
  const given = args.text('cursor');
  if (given === undefined) return undefined;
  const [, ts] = /^next_ts:(\d+\.\d{6})$/.exec(Buffer.from(given, 'base64').toString()) ?? [];
  if (ts === undefined) throw new SlackFault('invalid_cursor');
  return ts;
}
