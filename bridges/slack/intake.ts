// Whatever Slack tells, whichever way it comes: to whom it belongs, whether anybody listens, whether it is our own doing, and then
// on to the core, in order within a channel, once. Slack is told that it was taken when this has settled.

import { type ChannelId, type Inbox, type Logger, type RemoteUserId, UnreachableError } from '#bridge-core';
import type { SlackBody } from './body.ts';
import { isNothing, isOfPrivate, readOf, type SlackRemoteEvent, takenAway } from './events.ts';
import { type Fields, fieldsIn, idIn, textIn } from './fields.ts';
import { makeChannelId, parseId } from './ids.ts';
import { ownDoing } from './ownership.ts';
import { asItStands, isOfItself, placeOf } from './placing.ts';
import { inPatience, Reader } from './reader.ts';
import type { Team } from './team.ts';
import { missedBetween, type TeamListener, teamTold, tellChanged } from './team-events.ts';
import { Typing } from './typing.ts';
import { dedupeKeyOf, postedKey } from './wire/dedupe.ts';
import type { SlackEvent } from './wire/source.ts';

export interface IntakeParts {
  readonly inbox: Inbox<SlackBody>;
  readonly log: Logger;
  /** `channel`: told for another workspace that shares it. */
  readonly teamOf: (event: SlackEvent, channel: string | undefined) => Team | undefined;
  readonly isWatched: (channel: ChannelId) => boolean;
  /** Of one that is watched: by the bot, or somebody who may be in it. */
  readonly isHeard: (channel: ChannelId) => boolean;
  readonly isBot: (user: RemoteUserId) => boolean;
  /** The bot, or somebody of ours by their own account. */
  readonly isOurs: (user: RemoteUserId) => boolean;
  readonly someWatched: (team: Team) => ChannelId | undefined;
  readonly count: (name: string, labels?: Readonly<Record<string, string>>) => void;
  /** Something of this channel stands behind other things of it. */
  readonly waits: (channel: ChannelId) => void;
  /** The bot was out of this channel since then (ms), and is in again. */
  readonly missed: (team: Team, channel: ChannelId, since: number) => void;
  /** A message of this channel was handed on. */
  readonly heard: (team: Team, channel: string, ts: string) => void;
}

/** Slack tells the same up to four times, over some minutes. */
const mostGiven = 10_000;
/** ms */
const identifiedWithin = 10_000;

export class Intake {
  readonly #parts: IntakeParts;
  readonly #readers = new Map<Team, Reader>();
  /** By channel: what must be handed on before the next. */
  readonly #lines = new Map<ChannelId, Promise<unknown>>();
  /** What is being handed on, and what was of late, by its name. */
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #given = new Set<string>();
  /** Channels by the ids that they have from now on, until whoever listens has followed. */
  readonly #moving = new Set<ChannelId>();
  readonly #typing: Typing;
  readonly #listener: TeamListener;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    const inLine: TeamListener['inLine'] = (channel, work) => {
      if (this.#lines.has(channel)) parts.waits(channel);
      return this.before(channel, work);
    };
    this.#listener = { inbox: parts.inbox, someWatched: parts.someWatched, missed: parts.missed, inLine };
    this.#typing = new Typing({ ended: (event) => void parts.inbox.receive(event).catch(() => {}) });
  }

  stop(): void {
    this.#typing.stop();
  }

  hear(event: SlackEvent): Promise<void> {
    const channel = channelIn(event.event);
    const team = this.#parts.teamOf(event, channel);
    if (team === undefined) {
      this.#parts.count('slack_events_dropped', { why: 'team' });
      return done;
    }
    const key = dedupeKeyOf(event);
    if (key === undefined) return this.#hear(team, channel, event, key);
    // Of a shared channel two teams are told the same, and one of them may not be there.
    const name = nameIn(team, key);
    const again = this.#given.has(name) ? done : this.#underWay.get(name);
    if (again !== undefined) {
      this.#parts.count('slack_events_repeated', { source: event.source });
      return again;
    }
    const hearing = this.#hear(team, channel, event, key).finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, hearing);
    return hearing;
  }

  /** Nothing of the channel is handed on until `work` is done; it hands on by `pass`. */
  before(channel: ChannelId, work: () => Promise<void>): Promise<void> {
    const line = (this.#lines.get(channel) ?? Promise.resolve()).then(work);
    this.#stand(channel, line);
    return line;
  }

  readerOf(team: Team): Reader {
    let reader = this.#readers.get(team);
    if (reader === undefined) {
      reader = new Reader(team);
      this.#readers.set(team, reader);
    }
    return reader;
  }

  async #hear(team: Team, channel: string | undefined, heard: SlackEvent, key: string | undefined): Promise<void> {
    if (team.identity === undefined) await identified(team);
    const told = asLeaving(team, heard);
    const forget = team.newest.take(told.event, told.authorizations?.[0]?.user);
    if (forget === undefined) {
      this.#parts.count('slack_events_dropped', { why: 'overtaken' });
      missedBetween(team, told, this.#listener);
      return this.#note(team, key);
    }
    try {
      await this.#take(team, channel, told, key);
    } catch (thrown) {
      forget();
      throw thrown;
    }
  }

  async #take(team: Team, channel: string | undefined, told: SlackEvent, key: string | undefined): Promise<void> {
    const { event } = told;
    const profiles = teamTold(team, told, this.#listener);
    if (event.type === 'channel_id_changed' && profiles !== undefined) this.#follow(team, textIn(event, 'new_channel_id'), profiles);
    if (profiles !== undefined) {
      await profiles;
      return;
    }
    if (channel === undefined || isNothing(event)) return;
    const isListening = this.#isListening(team, channel, told);
    if (isJoin(event)) team.own.note(textIn(event, 'user') ?? '', channel, true);
    if (isListening !== true && !(await isListening)) {
      // A room of theirs may come later.
      if (isLeave(event)) team.own.note(textIn(event, 'user') ?? '', channel, false);
      const isOfBot = isJoin(event) && textIn(event, 'user') === team.identity?.botUser;
      if (isOfBot || /^(?:channel|group)_(?:unarchive|rename)$/.test(event.type)) tellChanged(team, event, this.#parts);
      return;
    }
    const id = makeChannelId(team.id, channel);
    const reader = this.readerOf(team);
    const own = ownDoing(team, channel, event);
    // Once for all the ways on which it comes: what we did was expected once.
    if (own === true) return this.#note(team, key);
    let isPlaced: boolean | undefined;
    // Another workspace that shares the channel may keep it private: that says nothing of ours.
    const isPrivate = this.#parts.teamOf(told, undefined) === team ? isOfPrivate(event) : undefined;
    const foundPrivate = () => tellChanged(team, event, this.#parts, true);
    const placed = placeOf(team, channel, { event, isPrivate }, foundPrivate)?.then((isFound) => {
      isPlaced = isFound;
    });
    // What is called otherwise may be told behind what was said since: nothing of that waits long for it.
    const placing = placed !== undefined && isOfItself(event) ? inPatience(placed) : placed;
    const reading = reader.prepare(event);
    const read = () => this.#read(team, channel, told, key, isPrivate);
    // People are called as they were then.
    const readThen = placing !== undefined && reading === undefined ? read() : undefined;
    const preparing = own === undefined && placing === undefined ? reading : Promise.all([own, reading, placing]);
    const before = this.#lines.get(id);
    if (before !== undefined) this.#parts.waits(id);
    const pass = () => this.#pass(team, channel, readThen ?? read(), told, key, isPlaced);
    if (preparing === undefined && before === undefined) return await pass();
    // What went before may have told that it is nobody's to hear.
    const passLate = () => (isListening !== true || this.#isHeard(team, id, event) ? pass() : done);
    let passed: Promise<void> | undefined;
    const line = Promise.all([before, preparing]).then(([, prepared]) => {
      if (Array.isArray(prepared) && prepared[0] === true) return this.#note(team, key);
      // Handed on is enough for the next of the channel; that it is kept, for Slack.
      passed = placed === undefined || isPlaced !== undefined ? passLate() : placed.then(() => this.before(id, passLate));
      passed.catch(() => {});
    });
    this.#stand(id, line);
    await line;
    await passed;
  }

  /** What is said under the new id waits for those who listen to follow there. */
  #follow(team: Team, to: string | undefined, moved: Promise<unknown>): void {
    if (to === undefined) return;
    const id = makeChannelId(team.id, to);
    this.#moving.add(id);
    const over = this.before(id, async () => void (await moved)).finally(() => this.#moving.delete(id));
    over.catch(() => {});
  }

  #stand(channel: ChannelId, line: Promise<unknown>): void {
    const over = line
      .catch(() => {})
      .then(() => {
        if (this.#lines.get(channel) === over) this.#lines.delete(channel);
      });
    this.#lines.set(channel, over);
  }

  /** Cheap for what is watched or known; a chat that nobody knew of is looked at once. */
  #isListening(team: Team, channel: string, { event, authorizations }: SlackEvent): boolean | Promise<boolean> {
    const id = makeChannelId(team.id, channel);
    if (this.#isHeard(team, id, event)) return true;
    const type = event.channel_type;
    const mayBeChat = type === 'im' || type === 'mpim' || (type === undefined && /^[DG]/.test(channel));
    if (!mayBeChat || team.accounts.size === 0) return team.chats.has(channel);
    const eyes = (authorizations ?? []).filter(({ isBot }) => !isBot).map(({ user }) => user);
    return team.chats.learn(channel, eyes);
  }

  /** Of their own coming and going people are told when they are not in yet, or out already. */
  #isHeard(team: Team, id: ChannelId, event: Fields): boolean {
    if (this.#moving.has(id)) return true;
    return this.#parts.isWatched(id) && (this.#parts.isHeard(id) || isMoveOfOurs(team, event));
  }

  #read(
    team: Team,
    channel: string,
    told: SlackEvent,
    key: string | undefined,
    isPrivate: boolean | undefined,
  ): SlackRemoteEvent | undefined {
    const { event, receivedAt, source, authorizations } = told;
    const reader = this.readerOf(team);
    const about = { channel, receivedAt, key, isRtm: source === 'rtm', isPrivate };
    const marker = event.type.endsWith('_marked') ? authorizations?.[0]?.user : undefined;
    return marker === undefined ? reader.read(event, about) : readOf(event, marker, reader.view(about));
  }

  /** `isPlaced`: how Slack has the channel now was asked for, and answered. */
  async #pass(
    team: Team,
    channel: string,
    heard: SlackRemoteEvent | undefined,
    { event }: SlackEvent,
    key: string | undefined,
    isPlaced = false,
  ): Promise<void> {
    if (event.type === 'channel_rename' || event.type === 'group_rename') this.#renamed(team, event);
    // Both are told twice, as an event and as a message.
    const read = heard?.kind === 'channel' ? asItStands(team, channel, event, heard, isPlaced) : heard;
    if (read === undefined || (read.kind === 'membership' && !isMove(team, channel, read))) return;
    // What ours let others see of their typing comes back by the connections of others.
    if (read.kind === 'typing' && this.#parts.isOurs(read.sender.id)) return;
    try {
      await this.give(team, channel, this.#isOfBot(read) ? withoutSender(read) : read, key);
    } catch (thrown) {
      if (read.kind === 'membership') team.own.untold(parseId(read.user.id).id, channel);
      throw thrown;
    }
  }

  /** Behind the news itself: by its new name it may have a room no longer. */
  #renamed(team: Team, event: Fields): void {
    void this.before(makeChannelId(team.id, channelIn(event) ?? ''), async () => tellChanged(team, event, this.#parts));
  }

  #isOfBot(event: SlackRemoteEvent): boolean {
    return event.kind === 'redaction' && event.sender !== undefined && this.#parts.isBot(event.sender.id);
  }

  /** On to the core, by whatever way it was learnt; false where it was by another way already. */
  async give(team: Team, channel: string, event: SlackRemoteEvent, key = nameOf(channel, event)): Promise<boolean> {
    if (key !== undefined && this.#given.has(nameIn(team, key))) return false;
    this.#note(team, key);
    try {
      if (event.kind === 'message' && event.thread !== undefined && event.id !== undefined)
        team.threads.note(channel, event.id, event.thread);
      this.#typing.heard(event);
      await this.#parts.inbox.receive(event);
      if (event.kind === 'message' && event.id !== undefined) this.#parts.heard(team, channel, event.id);
      return true;
    } catch (thrown) {
      if (event.kind === 'channel') team.conversations.untold(channel);
      // Slack tells it again: then it is taken.
      if (key !== undefined) this.#given.delete(nameIn(team, key));
      throw thrown;
    }
  }

  #note(team: Team, key: string | undefined): void {
    if (key === undefined) return;
    this.#given.add(nameIn(team, key));
    const [oldest] = this.#given;
    if (this.#given.size > mostGiven && oldest !== undefined) this.#given.delete(oldest);
  }
}

const done = Promise.resolve();

const nameIn = (team: Team, key: string): string => `${team.id} ${key}`;

/** Before it is known who the bot is nobody can tell what is ours. Slack keeps what is not taken, and tells it again. */
export async function identified(team: Team): Promise<void> {
  if (team.identity !== undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((_, reject) => {
    timer = setTimeout(
      () => reject(new UnreachableError('NETWORK_UNREACHABLE', `it is not known yet who the bot is in ${team.id}`)),
      identifiedWithin,
    );
    timer.unref();
  });
  await Promise.race([team.identified, late]).finally(() => clearTimeout(timer));
}

/** Slack does not tell who took a message away: what the bot said for somebody is not theirs to us. */
function withoutSender(event: SlackRemoteEvent): SlackRemoteEvent {
  if (event.kind !== 'redaction') return event;
  const { sender: _, ...rest } = event;
  return { ...rest, reason: takenAway };
}

/** As wire/dedupe.ts calls what it is told. */
function nameOf(channel: string, { kind, id }: SlackRemoteEvent): string | undefined {
  return kind === 'message' && id !== undefined ? postedKey(channel, id) : id;
}

/** Of one's own leaving Slack tells oneself alone in other words than the rest. */
function asLeaving(team: Team, told: SlackEvent): SlackEvent {
  const { event, authorizations } = told;
  if (event.type !== 'channel_left' && event.type !== 'group_left') return told;
  const user = authorizations?.[0]?.user;
  if (user === undefined || !team.accounts.has(user)) return told;
  return { ...told, event: { ...event, type: 'member_left_channel', user } };
}

/** In a private channel RTM tells it as a message. */
const isJoin = ({ type, subtype }: Fields): boolean => type === 'member_joined_channel' || (type === 'message' && subtype === 'group_join');
const isLeave = ({ type, subtype }: Fields): boolean => type === 'member_left_channel' || (type === 'message' && subtype === 'group_leave');

function isMoveOfOurs(team: Team, event: Fields): boolean {
  return (isJoin(event) || isLeave(event)) && team.accounts.has(textIn(event, 'user') ?? '');
}

/** Who went or came is not where they are known to be. */
function isMove(team: Team, channel: string, { user, change }: Extract<SlackRemoteEvent, { kind: 'membership' }>): boolean {
  return team.own.changed(parseId(user.id).id, channel, change === 'join');
}

/** Where it happened. */
export function channelIn(event: Fields): string | undefined {
  return idIn(event, 'channel') ?? textIn(event, 'channel_id') ?? textIn(fieldsIn(event, 'item'), 'channel');
}
