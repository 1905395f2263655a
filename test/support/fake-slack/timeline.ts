// A channel's messages in order: the main line as history shows it (broadcast replies stand in both), and the replies of each thread.

import type { Message, Timeline } from './model.ts';

export function insert(timeline: Timeline, message: Message): void {
  timeline.all.set(message.ts, message);
  if (message.threadTs !== undefined) {
    const replies = timeline.replies.get(message.threadTs) ?? [];
    timeline.replies.set(message.threadTs, replies);
    place(replies, message);
  }
  if (message.threadTs === undefined || message.isBroadcast) place(timeline.main, message);
}

export function remove(timeline: Timeline, message: Message): void {
  timeline.all.delete(message.ts);
  takeOut(timeline.main, message);
  if (message.threadTs === undefined) return;
  const replies = timeline.replies.get(message.threadTs) ?? [];
  takeOut(replies, message);
  if (replies.length === 0) timeline.replies.delete(message.threadTs);
}

/** Index of the first message that is not before `ts`. */
export function indexOf(messages: readonly Message[], ts: string): number {
  let [low, high] = [0, messages.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((messages[middle]?.ts ?? '') < ts) low = middle + 1;
    else high = middle;
  }
  return low;
}

function place(messages: Message[], message: Message): void {
  messages.splice(indexOf(messages, message.ts), 0, message);
}

function takeOut(messages: Message[], message: Message): void {
  const index = indexOf(messages, message.ts);
  if (messages[index] === message) messages.splice(index, 1);
}
