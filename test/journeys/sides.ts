// What is seen on each side of one room when something is done on one of them, as lines of words: what came, or where things change in
// place, what is there now and, after a `-`, what no longer is. What ids stand for is called by its words.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Person as GitterPerson, Room } from '../support/fake-gitter.ts';
import type { Channel, Person as SlackPerson } from '../support/fake-slack.ts';
import type { MatrixPerson, RoomEvent } from '../support/matrix-person.ts';
import { until } from '../support/waiting.ts';

export interface Eyes {
  /** From now on: what is seen since. */
  begin(): () => readonly string[];
}

export type Seen<Side extends string> = Readonly<Record<Side, readonly string[]>>;

/** ms in which what would come twice comes. */
const settle = 500;

/** As given on each side and nothing else, whoever sees it there. */
export async function expectSeen<Side extends string>(
  eyes: Readonly<Record<Side, Eyes>>,
  { what, act, wanted }: { readonly what: string; readonly act: () => unknown; readonly wanted: Seen<Side> },
): Promise<void> {
  const sides = Object.keys(eyes) as Side[];
  const looks = sides.map((side) => [side, eyes[side].begin()] as const);
  const seen = () => Object.fromEntries(looks.map(([side, look]) => [side, look()])) as Seen<Side>;
  await act();
  const isThere = () => {
    const now = seen();
    return sides.every((side) => now[side].length >= wanted[side].length) || undefined;
  };
  // What is lacking shows below, beside what is there.
  await until('it everywhere', isThere).catch(() => undefined);
  await delay(settle);
  assert.deepEqual(seen(), wanted, what);
}

export function matrixEyes(person: MatrixPerson, room: string): Eyes {
  const words = new Map<string, string>();
  const lineOf = (event: RoomEvent): string[] => {
    const { type, content, sender, redacts } = event;
    const who = sender.slice(1, sender.indexOf(':'));
    const relates = content['m.relates_to'];
    const at = (id: string) => words.get(id) ?? id;
    if (type === 'm.reaction') {
      words.set(event.event_id, `${relates.key} for ${at(relates.event_id)}`);
      return [`${who} reacts ${relates.key} to ${at(relates.event_id)}`];
    }
    if (type === 'm.room.redaction') return [`${who} removes ${at(redacts ?? content.redacts)}`];
    if (type !== 'm.room.message') return [];
    const fresh = content['m.new_content'];
    if (fresh !== undefined) return [`${who} edits ${at(relates.event_id)} to ${fresh.body}`];
    words.set(event.event_id, content.body);
    if (relates?.rel_type === 'm.thread') return [`${who} in the thread of ${at(relates.event_id)}: ${content.body}`];
    if (relates !== undefined) return [`${who} to ${at(relates['m.in_reply_to'].event_id)}: ${content.body}`];
    return [`${who}: ${content.body}`];
  };
  return {
    begin() {
      const since = person.mark();
      return () =>
        person.heard
          .slice(since)
          .filter((event) => event.room === room)
          .flatMap(lineOf);
    },
  };
}

interface IrcHeard {
  readonly nick: string;
  readonly command: string;
  readonly params: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly msgid?: string | undefined;
}

export interface IrcEyes extends Eyes {
  /** Of the last message of these words. */
  idOf(text: string): string;
}

/** Of somebody on the scripted server, or on a real one: there their own lines do not come back to them. */
export function ircEyes(person: { readonly heard: readonly IrcHeard[] }): IrcEyes {
  const words = new Map<string, string>();
  const lineOf = ({ nick, command, params, tags, msgid = tags.msgid }: IrcHeard): string[] => {
    const at = (id = '') => words.get(id) ?? id;
    const target = tags['+draft/reply'];
    if (command === 'REDACT') return [`${nick} removes ${at(params[1])}${params[2] === undefined ? '' : ` (${params[2]})`}`];
    if (command === 'TAGMSG' && tags['+draft/react'] !== undefined) return [`${nick} reacts ${tags['+draft/react']} to ${at(target)}`];
    if (command === 'TAGMSG' && tags['+draft/unreact'] !== undefined) return [`${nick} takes ${tags['+draft/unreact']} from ${at(target)}`];
    if (command !== 'PRIVMSG' && command !== 'NOTICE') return [];
    const said = params[1] ?? '';
    const text = said.startsWith('\u0001ACTION ') ? `* ${said.slice(8, -1)}` : said;
    if (msgid !== undefined) words.set(msgid, text);
    return [`${nick}${target === undefined ? '' : ` to ${at(target)}`}: ${text}`];
  };
  return {
    begin() {
      const since = person.heard.length;
      return () => person.heard.slice(since).flatMap(lineOf);
    },
    idOf: (text) => [...words].findLast(([, said]) => said === text)?.[0] ?? assert.fail(`nobody heard ${text} on IRC`),
  };
}

export function slackEyes(person: SlackPerson, channel: Channel): Eyes {
  return changing(() => {
    const all = person.sees(channel).flatMap((message) => [message, ...person.thread(channel, message.ts ?? '')]);
    // What is shown in the channel too is one message all the same.
    const byTs = new Map(all.map((message) => [message.ts, message]));
    return [...byTs.values()].map(({ ts, thread_ts, text, username, user, edited, reactions }) => {
      const root = thread_ts === undefined || thread_ts === ts ? '' : ` in the thread of ${byTs.get(thread_ts)?.text}`;
      const signs = (reactions ?? []).map(({ name, count }) => ` [${name} ${count}]`).join('');
      return `${username ?? user}${root}: ${text}${edited === undefined ? '' : ' (edited)'}${signs}`;
    });
  });
}

export function gitterEyes(person: GitterPerson, room: Room): Eyes {
  return changing(() =>
    person.sees(room).flatMap((message) =>
      [message, ...person.thread(message.id)].map(({ parentId, text, virtualUser, fromUser, editedAt, status }) => {
        const who = virtualUser?.displayName ?? (typeof fromUser === 'string' ? fromUser : fromUser.username);
        const root = parentId === undefined ? '' : ` in the thread of ${message.text}`;
        return `${who}${root}: ${status === true ? '* ' : ''}${text}${editedAt === undefined ? '' : ' (edited)'}`;
      }),
    ),
  );
}

function changing(read: () => readonly string[]): Eyes {
  return {
    begin() {
      const before = read();
      return () => {
        const now = read();
        return [...without(before, now).map((line) => `- ${line}`), ...without(now, before)];
      };
    },
  };
}

/** Each line of them takes away one of its kind. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
