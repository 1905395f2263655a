// One identity in one team, as the core speaks through it: the bot, or a person by their own login. Posts are posting.ts', the rest
// is one call each; what Slack lacks here and now is left out, for a missing verb is the missing capability.

import {
  type ChannelId,
  type Fit,
  type Outgoing,
  type RemoteMessage,
  type RemoteMessageId,
  type RemoteUserId,
  type Session,
  type Speaker,
  type Style,
  UnreachableError,
} from '#bridge-core';
import type { SlackBody } from './body.ts';
import { channelName } from './channel-names.ts';
import { type Fields, fieldsIn, textIn } from './fields.ts';
import type { SlackFit } from './formatter.ts';
import { makeMessageId, makeUserId, parseId } from './ids.ts';
import { actNames, expectation } from './ownership.ts';
import { contentOf, Posting, type PostingParts } from './posting.ts';
import { reactionName, setReaction } from './reactions.ts';
import type { Voice } from './voice.ts';
import { isRefusal } from './wire/faults.ts';

export interface SessionParts extends PostingParts {
  readonly speaker: Speaker;
  readonly closed: () => void;
  /** RTM's alone. */
  readonly type?: ((channel: string) => void) | undefined;
  readonly isPresenceCarried: boolean;
  readonly mention: Fit['mention'];
  readonly called: NonNullable<Fit['called']>;
}

/** Slack edits no more than this, though it takes ten times as much in a post: what is longer goes out in several. */
const bodyBytes = 4_000;
const mostBodies = 20;
const topicLength = 250;

export function openSession(parts: SessionParts): Session<SlackBody> {
  const { voice, speaker } = parts;
  const posting = new Posting(parts);
  const joined = new Set<string>();
  let isClosed = false;
  const open = () => {
    if (isClosed) throw new UnreachableError('NETWORK_UNREACHABLE', 'the session is closed');
  };
  const acts = actsOf(voice);
  const join = async (channel: ChannelId) => {
    open();
    const { id } = parseId(channel);
    // They may have left by other means since.
    const isThere = joined.has(id) && voice.team.own.has(voice.self, id) !== false;
    if (isThere || (voice.isBot && voice.team.conversations.known(id)?.isMember === true)) return;
    await voice.join(id);
    joined.add(id);
  };

  const session: Session<SlackBody> = {
    self: makeUserId(voice.team.id, voice.self),
    speaker,
    isParallel: true,
    fit: (_channel: ChannelId, style: Style): SlackFit => ({
      ...{ bytes: bodyBytes, lines: mostBodies, style, mention: parts.mention, called: parts.called, team: voice.team.id },
      // What Slack shows as a person's own act has no blocks.
      markup: voice.isBot || style !== 'emote',
      // A mention of everybody comes only from who may make one.
      mayNotifyAll: true,
    }),
    join,
    async leave(channel) {
      const { id } = parseId(channel);
      joined.delete(id);
      if (voice.isBot) voice.team.conversations.went(id);
      const fine = ['not_in_channel', 'channel_not_found', 'is_archived', 'cant_leave_general', 'last_member'];
      await acts.calmly(voice.ask('conversations.leave', { channel: id }), ...fine);
      voice.team.own.note(voice.self, id, false);
    },
    async send(message: Outgoing<SlackBody>) {
      open();
      return await posting.send(message);
    },
    sent: (message, since, known) => posting.sent(message, since, known),
    edit: acts.edit,
    redact: acts.redact,
    async react(channel: ChannelId, target: RemoteMessage, emoji: string, on: boolean) {
      const name = reactionName(emoji);
      const [ts] = target.ids;
      if (ts === undefined) return undefined;
      const { id } = parseId(channel);
      await setReaction(voice, id, ts, name, on);
      return undefined;
    },
    setTopic: (channel, topic) => acts.describe(channel, 'topic', topic),
    rename: (channel, name) => acts.describe(channel, 'name', name),
    archive: acts.archive,
    invite: acts.invite,
    kick: acts.kick,
    async pin(channel, target, on) {
      try {
        await acts.pin(channel, target, on);
      } catch (thrown) {
        // A login need not be allowed it; the bot is.
        if (voice.isBot || !isRefusal(thrown, 'missing_scope')) throw thrown;
        await actsOf(botOf(voice.team)).pin(channel, target, on);
      }
    },
    async close() {
      isClosed = true;
      parts.closed();
    },
  };
  const { type } = parts;
  if (type !== undefined) {
    session.type = async (channel, on) => {
      if (on) type(parseId(channel).id);
    };
  }
  if (!voice.isBot) session.markRead = acts.markRead;
  if (!voice.isBot && parts.isPresenceCarried) session.setPresence = acts.setPresence;
  return session;
}

/** For acts that a person's login does not reach. */
function botOf(team: Voice['team']): Pick<Voice, 'team' | 'ask' | 'self'> {
  return { team, ask: team.ask, self: team.identity?.botUser ?? '' };
}

function actsOf(voice: Pick<Voice, 'team' | 'ask' | 'self'>) {
  const { team, ask, self } = voice;

  /** Slack tells of it again: that is expected from before it is done, and not where it was refused. */
  async function expecting(channel: string, act: string, work: () => Promise<unknown>): Promise<void> {
    const forget = team.acts.expect(expectation(self, channel, act));
    try {
      await work();
    } catch (thrown) {
      forget();
      throw thrown;
    }
  }

  /** What is so already is no failure. */
  async function calmly(work: Promise<unknown>, ...words: string[]): Promise<void> {
    await work.catch((thrown) => {
      if (!isRefusal(thrown, ...words)) throw thrown;
    });
  }

  return {
    calmly,
    async edit(target: RemoteMessage, message: Outgoing<SlackBody>): Promise<RemoteMessageId | undefined> {
      const [ts] = target.ids;
      if (ts === undefined) return undefined;
      const { id: channel } = parseId(message.channel);
      const content = contentOf(message.body, message.style === 'emote');
      const edit = async () => {
        let moment: string | undefined;
        await expecting(channel, actNames.edit(ts), async () => {
          const { message: changed } = await ask('chat.update', { channel, ts, ...content });
          moment = textIn(fieldsIn(changed as Fields | undefined, 'edited'), 'ts');
        });
        return moment;
      };
      // The bot's posts nobody else can change.
      if (team.accounts.has(self)) await team.edits.during(channel, ts, edit);
      else await edit();
      return makeMessageId(ts);
    },
    async redact(channelId: ChannelId, target: RemoteMessage): Promise<void> {
      const { id: channel } = parseId(channelId);
      for (const ts of target.ids)
        await calmly(
          expecting(channel, actNames.delete(ts), () => ask('chat.delete', { channel, ts })),
          'message_not_found',
        );
    },
    async describe(channelId: ChannelId, what: 'topic' | 'name', words: string): Promise<void> {
      const { id: channel } = parseId(channelId);
      const known = await team.conversations.load(channel).catch(() => undefined);
      if (what === 'name') {
        const name = channelName(words);
        if (name === known?.name) return;
        // Noted before it is done: one of the two events that tell it names nobody, and may come before the answer.
        team.conversations.done(channel, { name });
        try {
          await expecting(channel, actNames.name, () => ask('conversations.rename', { channel, name }));
        } catch (thrown) {
          if (known !== undefined) team.conversations.done(channel, { name: known.name });
          throw thrown;
        }
        return;
      }
      const topic = [...words.replace(/\s+/g, ' ').trim()].slice(0, topicLength).join('');
      if (topic === known?.topic) return;
      await expecting(channel, actNames.topic, () => ask('conversations.setTopic', { channel, topic }));
      team.conversations.done(channel, { topic });
    },
    async archive(channelId: ChannelId, on: boolean): Promise<void> {
      const { id: channel } = parseId(channelId);
      const work = expecting(channel, actNames.archive(on), () =>
        ask(on ? 'conversations.archive' : 'conversations.unarchive', { channel }),
      );
      await calmly(work, 'already_archived', 'not_archived');
      team.conversations.done(channel, { isArchived: on });
    },
    async invite(channel: ChannelId, user: RemoteUserId): Promise<void> {
      const who = parseId(user);
      if (who.team !== team.id) return;
      await calmly(ask('conversations.invite', { channel: parseId(channel).id, users: who.id }), 'already_in_channel', 'cant_invite_self');
    },
    async kick(channel: ChannelId, user: RemoteUserId): Promise<void> {
      await calmly(ask('conversations.kick', { channel: parseId(channel).id, user: parseId(user).id }), 'not_in_channel');
    },
    async pin(channelId: ChannelId, target: RemoteMessage, on: boolean): Promise<void> {
      const { id: channel } = parseId(channelId);
      const [timestamp] = target.ids;
      if (timestamp === undefined) return;
      const work = expecting(channel, actNames.pin(timestamp, on), () => ask(on ? 'pins.add' : 'pins.remove', { channel, timestamp }));
      await calmly(work, 'already_pinned', 'no_pin', 'not_pinned');
    },
    async markRead(channel: ChannelId, upTo: RemoteMessageId): Promise<void> {
      await ask('conversations.mark', { channel: parseId(channel).id, ts: upTo }, { patience: 0, isBackground: true });
    },
    async setPresence(away: string | undefined): Promise<void> {
      await ask('users.setPresence', { presence: away === undefined ? 'auto' : 'away' }, { isBackground: true });
    },
  };
}
