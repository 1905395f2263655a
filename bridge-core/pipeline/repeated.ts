// What was said in another room of a channel, as the bot shows it here in that person's name: new words, and what becomes of
// them later (edit, redaction, reaction). Step 6 for such rows; what is to be repeated is repeats.ts' to say.

import { text as words } from '../format/rich-text.ts';
import { toHtml } from '../format/to-html.ts';
import { type EventId, type RemoteMessageId, remoteMessageId, type UserId } from '../ids.ts';
import { type Content, trailField } from '../matrix-event.ts';
import { contentBytes, contentsOf, editBytes, toContents } from './content.ts';
import { isMessage, type Relation, type Relations, sourceOfOwn } from './relations.ts';
import type { Repeated, RepeatedChange, Row, Task } from './row.ts';

type RepeatTask = Extract<Task, { do: 'repeat' }>;
type Remembered = Pick<Relation, 'remote' | 'kind' | 'author' | 'emoji' | 'text'>;

interface Repetition {
  readonly as: UserId;
  readonly type: string;
  readonly content: Content;
  readonly redacts?: EventId;
  readonly relation?: Remembered;
  readonly forgets?: EventId;
}

interface Place {
  readonly link: number;
  readonly bot: UserId;
  readonly relations: Relations;
  /** Whose events we may send: the bot's and the ghosts'. */
  readonly isOurs: (user: UserId) => boolean;
}

export function repetitionsFor(row: Row, task: RepeatTask, place: Omit<Place, 'link'>): Repetition[] {
  const here = { ...place, link: row.link };
  const changes = task.change === undefined ? undefined : changesFor(task, task.change, here);
  if (changes !== undefined || task.content === undefined) return changes ?? [];
  return contentsFor(task, task.content, contentBytes, here).map((content) => said(content, task, here));
}

/** Undefined: there is nothing here that could change. */
function changesFor(task: RepeatTask, change: RepeatedChange, here: Place): Repetition[] | undefined {
  const targets = eventsKnownAs(change.of, here);
  const [first] = targets;
  if (first === undefined) return undefined;
  if (change.is === 'edit') return editsFor(task, change, targets, here);
  if (change.is === 'reaction') return reactionFor(task, change, first, here);
  const content = { ...(change.reason !== undefined && { reason: change.reason }), [trailField]: task.trail };
  const standing = targets.filter(({ kind }) => kind !== 'gone');
  return standing.map(({ event, sender }) => ({
    ...{ as: here.isOurs(sender) ? sender : here.bot, type: 'm.room.redaction', content, redacts: event, loses: event },
  }));
}

function editsFor(
  task: RepeatTask,
  change: Extract<RepeatedChange, { is: 'edit' }>,
  known: readonly Relation[],
  here: Place,
): Repetition[] | undefined {
  const targets = known.filter(({ sender }) => sender === here.bot);
  if (targets.length === 0) return undefined;
  const contents = contentsFor(task, change.content, editBytes, here);
  return [
    ...contents.map((content, part) => {
      const target = targets[part];
      return target === undefined ? said(content, task, here) : { as: here.bot, type: 'm.room.message', content: edited(content, target) };
    }),
    ...targets.slice(contents.length).map(({ event }) => ({ as: here.bot, type: 'm.room.redaction', content: {}, redacts: event })),
  ];
}

const edited = (content: Content, { event }: Relation): Content => {
  const { 'm.relates_to': _, ...fresh } = content;
  return {
    ...{ ...fresh, body: `* ${content.body}`, 'm.new_content': fresh },
    'm.relates_to': { rel_type: 'm.replace', event_id: event },
  };
};

/** All whom the bot stands for share one of each sign. */
function reactionFor(
  task: RepeatTask,
  change: Extract<RepeatedChange, { is: 'reaction' }>,
  target: Relation,
  { bot: as, relations, link }: Place,
): Repetition[] {
  const given = relations.reactionOf(target.event, as, change.emoji, link);
  if (!change.on)
    return given === undefined ? [] : [{ as, type: 'm.room.redaction', content: {}, redacts: given.event, forgets: given.event }];
  if (given !== undefined) return [];
  const content = {
    ...profileOf(task),
    'm.relates_to': { rel_type: 'm.annotation', event_id: target.event, key: change.emoji },
    [trailField]: task.trail,
  };
  const remote = remoteMessageId(`${target.event} ${change.emoji}`);
  return [{ as, type: 'm.reaction', content, relation: { ...nothing, kind: 'reaction', remote, emoji: change.emoji } }];
}

const nothing = { remote: undefined, author: undefined, emoji: undefined, text: undefined };

function said(content: Content, task: RepeatTask, { bot: as }: Place): Repetition {
  const text = task.change?.is === 'edit' ? task.change.content.body : task.content?.body;
  return { as, type: 'm.room.message', content, relation: { ...nothing, kind: 'message', remote: task.known, text } };
}

/** By the network's id, or where it has none by the event that said it, which may be of this very room. */
function eventsKnownAs(id: RemoteMessageId, { relations, link }: Place): Relation[] {
  const known = relations.messagesOf(id, link);
  const own = known.length > 0 ? undefined : sourceOfOwn(id);
  return own === undefined ? known : relations.ofEvent(own, link).filter(isMessage);
}

// Clients that know the profile hide the name in the text; all others show it.
function contentsFor(task: RepeatTask, { body, html, style, media, ...points }: Repeated, most: number, here: Place): Content[] {
  const [common] = toContents([], style);
  const name = toHtml([{ is: 'paragraph', of: [words(task.name)] }]);
  const before = { body: `${task.name}: `, html: `<strong data-mx-profile-fallback>${name}: </strong>` };
  const of = { ...common, ...media, ...relatesTo(points, here), ...profileOf(task), [trailField]: task.trail ?? [] };
  return contentsOf(of, body, html, most, before);
}

function profileOf({ from, name, avatar }: RepeatTask): Content {
  const profile = { id: from, displayname: name, has_fallback: true, ...(avatar !== undefined && { avatar_url: avatar }) };
  return { 'com.beeper.per_message_profile': profile };
}

function relatesTo({ replyTo, thread }: Pick<Repeated, 'replyTo' | 'thread'>, here: Place): Content {
  const [answered] = replyTo === undefined ? [] : eventsKnownAs(replyTo, here);
  const [root] = thread === undefined ? [] : eventsKnownAs(thread, here);
  const reply = answered && { 'm.in_reply_to': { event_id: answered.event } };
  if (root === undefined) return reply === undefined ? {} : { 'm.relates_to': reply };
  const inThread = { rel_type: 'm.thread', event_id: root.event, 'm.in_reply_to': { event_id: root.event }, ...reply };
  return { 'm.relates_to': { ...inThread, is_falling_back: reply === undefined } };
}
