// What is told late. Slack tells again what was not taken, minutes later and behind what is newer: the words that a message had before its
// last edit, a sign that was taken back since. Of what something newer was heard, that is nothing any more.

import { type Fields, fieldsIn, idIn, listIn, textIn } from './fields.ts';

/** `says`: what stands from then on. What says the same as the newest may come in any order. */
interface Told {
  readonly of: string;
  readonly at: string;
  readonly says: string;
}

/** Slack tells again for an hour at most. */
const mostKept = 10_000;
const forEver = '9999999999.999999';
const nothing = () => {};

export class Newest {
  readonly #kept = new Map<string, Told>();

  /** Undefined: it is overtaken. Otherwise what forgets it again, where it came to nothing. `reader`: to whom alone it was told. */
  take(event: Fields, reader?: string): (() => void) | undefined {
    const told = toldIn(event, reader);
    if (told === undefined) return nothing;
    const before = this.#kept.get(told.of);
    if (before !== undefined && Number(before.at) > Number(told.at)) return before.says === told.says ? nothing : undefined;
    this.#keep(told);
    return () => {
      if (this.#kept.get(told.of) !== told) return;
      if (before === undefined) this.#kept.delete(told.of);
      else this.#kept.set(told.of, before);
    };
  }

  /** As it is read: an edit of before tells nothing new. */
  read(channel: string, ts: string, edited: string): void {
    const told = { of: messageName(channel, ts), at: edited, says: edited };
    const before = this.#kept.get(told.of);
    if (before === undefined || Number(before.at) < Number(edited)) this.#keep(told);
  }

  #keep(told: Told): void {
    this.#kept.delete(told.of);
    this.#kept.set(told.of, told);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest);
  }
}

/** Undefined: nothing replaces it, or it does not say when it was. */
function toldIn(event: Fields, reader: string | undefined): Told | undefined {
  const at = textIn(event, 'event_ts');
  const channel = idIn(event, 'channel');
  const user = idIn(event, 'user');
  const item = fieldsIn(event, 'item');
  switch (event.type) {
    case 'message':
      return changeIn(event, channel, at);
    case 'reaction_added':
    case 'reaction_removed':
      return named(at, event.type, 'reaction', textIn(item, 'channel'), textIn(item, 'ts'), user, textIn(event, 'reaction'));
    case 'pin_added':
    case 'pin_removed':
      return named(at, event.type, 'pin', textIn(event, 'channel_id'), textIn(fieldsIn(item, 'message'), 'ts'));
    case 'member_joined_channel':
    case 'member_left_channel':
      return named(at, event.type === 'member_joined_channel' ? 'in' : 'out', 'member', channel, user);
    case 'channel_joined':
    case 'group_joined':
    case 'channel_left':
    case 'group_left':
      return named(at, event.type.endsWith('_joined') ? 'in' : 'out', 'member', channel, reader);
    case 'user_change':
    case 'user_profile_changed':
      return named(at, at, 'user', user);
    default:
      return undefined;
  }
}

/** A preview is no change of the words, and bears the moment of the edit before it. */
function changeIn(event: Fields, channel: string | undefined, moment: string | undefined): Told | undefined {
  if (channel === undefined) return undefined;
  const [message, before] = [fieldsIn(event, 'message'), fieldsIn(event, 'previous_message')];
  const ts = textIn(message, 'ts') ?? textIn(event, 'deleted_ts');
  if (ts === undefined) return undefined;
  const of = messageName(channel, ts);
  if (event.subtype === 'message_deleted' || message?.subtype === 'tombstone') return { of, at: forEver, says: 'gone' };
  if (event.subtype !== 'message_changed') return undefined;
  const edited = textIn(fieldsIn(message, 'edited'), 'ts');
  const isFewer = listIn(message, 'files').length < listIn(before, 'files').length;
  const at = edited !== textIn(fieldsIn(before, 'edited'), 'ts') ? edited : isFewer ? moment : undefined;
  return at === undefined ? undefined : { of, at, says: at };
}

function named(at: string | undefined, says: string | undefined, ...parts: (string | undefined)[]): Told | undefined {
  if (at === undefined || says === undefined || parts.includes(undefined)) return undefined;
  return { of: parts.join(' '), at, says };
}

const messageName = (channel: string, ts: string): string => `message ${channel} ${ts}`;
