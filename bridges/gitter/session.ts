// One identity on Gitter, as the core speaks through it: the relay account, or a person by their own login. Posts are posting.ts', the
// rest is one call each; what Gitter lacks (reactions, typing, pins, other names of rooms) is left out, for a missing verb is the missing
// capability.

import { type ChannelId, type Fit, type Outgoing, PermanentError, type RemoteUserId, type Session, UnreachableError } from '#bridge-core';
import { type GitterBody, longestText } from './body.ts';
import { makeUserId, parseChannelId, parseUserId } from './ids.ts';
import { virtualType } from './own-posts.ts';
import type { OwnRooms } from './own-rooms.ts';
import { Posting, type PostingParts } from './posting.ts';
import type { Present } from './present.ts';
import type { Room } from './rooms.ts';
import { isRefusal } from './wire/faults.ts';

export interface SessionParts extends Omit<PostingParts, 'roomOf'> {
  readonly load: (channel: ChannelId) => Promise<Room>;
  readonly own: Pick<OwnRooms, 'has' | 'note'>;
  readonly present: Pick<Present, 'has' | 'note'>;
  /** What is answered there is to be heard. */
  readonly speaks: (channel: ChannelId) => void;
  readonly mention: Fit['mention'];
  readonly closed: () => void;
}

/** Left for the name before the words, and the signs around it. */
const nameRoom = 360;
/** Messages that one may become. */
const mostBodies = 10;

export function openSession(parts: SessionParts): Session<GitterBody> {
  const { account, network, isBot, bans, own, present } = parts;
  const joined = new Set<string>();
  let isClosed = false;

  // People come and go by other means too.
  const isIn = (room: Room) => (isBot ? present.has(room.id) : (own.has(account.id, room.channel) ?? joined.has(room.id)));
  const noteIn = (room: Room, is: boolean) => {
    if (isBot) present.note(room.id, is);
    else if (is) joined.add(room.id);
    else joined.delete(room.id);
    own.note(account.id, room, is);
  };
  const enter = async (room: Room) => {
    if (isClosed) throw new UnreachableError('NETWORK_UNREACHABLE', 'the session is closed');
    if (room.other !== undefined || isIn(room)) return;
    await account.ask({ method: 'POST', route: '/user/:id/rooms', with: { id: account.id }, body: { id: room.id } });
    noteIn(room, true);
  };
  const roomOf = async (channel: ChannelId) => {
    const room = await parts.load(channel);
    await enter(room);
    return room;
  };
  const posting = new Posting({ ...parts, roomOf });

  const session: Session<GitterBody> = {
    self: makeUserId(account.id),
    speaker: account.speaker,
    fit: (_channel, style) => ({
      bytes: longestText - (isBot ? nameRoom : style === 'emote' ? account.username.length + 2 : 0),
      ...{ lines: mostBodies, markup: true, style, mention: parts.mention },
    }),
    async join(channel) {
      await roomOf(channel);
    },
    async leave(channel) {
      const room = await parts.load(channel);
      if (room.other !== undefined) return;
      await calmly(account.ask({ method: 'DELETE', route: '/rooms/:id/users/:uid', with: { id: room.id, uid: account.id } }), 404);
      noteIn(room, false);
    },
    async send(message) {
      parts.speaks(message.channel);
      const given = parseChannelId(message.channel);
      if (isBot && 'room' in given && !present.has(given.room))
        throw new PermanentError('NETWORK_LOGIN', 'in a private chat nobody speaks for who is not logged in to Gitter any more');
      const room = network.rooms.known(message.channel);
      const wasIn = room !== undefined && isIn(room);
      try {
        return await posting.send(message);
      } catch (thrown) {
        // They may have been put out since they came in.
        if (!wasIn || !isRefusal(thrown, 403)) throw thrown;
        noteIn(room, false);
        return await posting.send(message);
      }
    },
    sent: (message, since, known) => posting.sent(message, since, known),
    async edit(target, message: Outgoing<GitterBody>) {
      const [id] = target.ids;
      return id === undefined ? undefined : await posting.edit(id, message);
    },
    async redact(channel, target) {
      const room = await parts.load(channel);
      for (const id of target.ids) {
        network.posts.removes(id);
        await calmly(account.ask({ method: 'DELETE', route: '/rooms/:id/chatMessages/:mid', with: { id: room.id, mid: id } }), 404);
      }
    },
    async setTopic(channel, topic) {
      const room = await parts.load(channel);
      if (room.topic === topic) return;
      // We may be told of it before it is answered.
      network.rooms.noteTopic(room.id, topic);
      await account.ask({ method: 'PUT', route: '/rooms/:id', with: { id: room.id }, body: { topic } });
      network.rooms.keep({ id: room.id, topic });
    },
    async invite(channel, user) {
      const username = nameOf(user);
      if (username === undefined) return;
      const { id } = await parts.load(channel);
      await account.ask({ method: 'POST', route: '/rooms/:id/users', with: { id }, body: { username } });
    },
    async kick(channel, user) {
      const given = parseUserId(user);
      const { id } = await parts.load(channel);
      if (!('id' in given)) return;
      await calmly(account.ask({ method: 'DELETE', route: '/rooms/:id/users/:uid', with: { id, uid: given.id } }), 404);
    },
    async ban(channel, user) {
      const room = await parts.load(channel);
      const who = banned(user);
      await account.ask({ method: 'POST', route: '/rooms/:id/bans', with: { id: room.id }, body: who.body });
      await bans.did(room, who.id, true);
    },
    async unban(channel, user) {
      const room = await parts.load(channel);
      const who = banned(user);
      await calmly(account.ask({ method: 'DELETE', route: '/rooms/:id/bans/:name', with: { id: room.id, name: who.name } }), 404);
      await bans.did(room, who.id, false);
    },
    async close() {
      isClosed = true;
      parts.closed();
    },
  };
  // Taken, and not told of.
  if (parts.settings.reactions === 'off') session.react = async () => undefined;
  if (!isBot) {
    session.markRead = async (channel, upTo) => {
      const room = await parts.load(channel);
      const path = { id: account.id, rid: room.id };
      await account.ask({
        ...{ method: 'POST', route: '/user/:id/rooms/:rid/unreadItems', with: path, body: { chat: [upTo] } },
        ...{ haste: 'background', patience: 0 },
      });
    };
  }
  return session;

  function nameOf(user: RemoteUserId): string | undefined {
    const given = parseUserId(user);
    return 'name' in given ? given.name : network.users.nameOf(given.id);
  }

  /** A virtual user is known by what their bridge calls them. */
  function banned(user: RemoteUserId): { readonly id: string; readonly name: string; readonly body: object } {
    const given = parseUserId(user);
    const id = 'id' in given ? given.id : '';
    if (id.startsWith(`${virtualType}-`)) {
      const externalId = id.slice(virtualType.length + 1);
      return { id, name: id, body: { virtualUser: { type: virtualType, externalId } } };
    }
    const username = nameOf(user);
    if (username === undefined) throw new PermanentError('NETWORK_REFUSED', 'it is not known what they are called in Gitter');
    return { id, name: username, body: { username } };
  }
}

/** What is so already is no failure. */
async function calmly(work: Promise<unknown>, ...statuses: number[]): Promise<void> {
  await work.catch((thrown) => {
    if (!isRefusal(thrown, ...statuses)) throw thrown;
  });
}
