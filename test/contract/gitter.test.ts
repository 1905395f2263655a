// The contract over the Gitter adapter: by the realtime channel, and with a server that lets no bridge show others' names.

import type { AdapterTools, RemoteUserId } from '#bridge-core';
import { toPlain } from '../../bridge-core/format/to-html.ts';
import { GitterAdapter } from '../../bridges/gitter/adapter.ts';
import type { GitterBody } from '../../bridges/gitter/body.ts';
import { parseUserId } from '../../bridges/gitter/ids.ts';
import { loginOf, quick, settingsFor } from '../bridges/gitter/with-gitter.ts';
import { type FakeGitter, type Person, type Room, startFakeGitter } from '../support/fake-gitter.ts';
import { keepTools } from '../support/tools.ts';
import { adapterContract } from './adapter-contract.ts';
import type { Make, Native } from './subject.ts';

/** Who logs in with us, of all whom the cases let speak. */
const ours = ['ann', 'bob', 'cid'];
const place = 'org/place';

/** Natives of the contract are found again by their names. */
const idOf = (nick: string): string => nick.padEnd(24, '0');

const gitterSubject: Make = async (t, { maxPuppets = ours.length }) => {
  const gitter = await startFakeGitter({ limits: false });
  const founder = gitter.addPerson({ username: 'founder' });
  gitter.addGroup('org', { admins: [founder] });
  const room = gitter.addRoom(place, [founder]);
  const closed = gitter.addRoom('org/closed', [founder]);
  const relay = gitter.addPerson({ username: 'matrixbot' });
  const token = gitter.tokenOf(relay, gitter.addClient({ name: 'Bridge', mayUseVirtualUsers: true }));
  const kept = keepTools();
  const tools = kept.tools as unknown as AdapterTools<GitterBody>;
  const adapter = new GitterAdapter(settingsFor(gitter, token), tools, quick);
  t.after(async () => {
    await adapter.disconnect();
    await gitter.stop();
  });
  for (const name of ours.slice(0, maxPuppets)) {
    const person = personCalled(gitter, name);
    if (name === 'ann') founder.ban(closed, person);
    await adapter.signIn(loginOf({ gitter }, person, `@${name}:hs.test`));
  }
  return {
    ...{ adapter: adapter as never, events: kept.events as never, connections: kept.connections },
    ...{ place, closedPlace: 'org/closed', impossiblePlace: 'no such place at all' },
    lacks: new Set(['kicks', 'notices', 'who set a topic', 'broadcasts'] as const),
    bytesOf: (body) => Buffer.byteLength((body as GitterBody).text),
    person: (nick) => native(gitter, room, nick),
    said: () =>
      room.messages.map((message) => ({
        nick: message.user.username,
        text: toPlain(adapter.formatter.parse({ text: wordsOf(message) }, adapter.channels.describe('gitter/org/place' as never).id)),
        style: message.isStatus ? 'emote' : 'text',
      })),
    members: () => [...room.members.keys()].map((id) => gitter.world.user(id).username),
    isListenedTo: () => gitter.faye.clientsOf().some(({ subscriptions }) => subscriptions.has(`/rooms/${room.id}/chatMessages`)),
    nickOf: (id: RemoteUserId) => nickOf(gitter, id),
    mentionOf: (id: RemoteUserId) => `@${nickOf(gitter, id)}`,
    // Pictures are what there is of files.
    fileOf: async (words) => {
      const { user } = personCalled(gitter, 'painter');
      gitter.personOf(user).setAvatar(Buffer.from(words));
      return { name: 'a.png', source: `${gitter.url}/avatars/g/u/${user.id}/${user.avatar.version}` };
    },
    topic: () => room.topic,
    see: {
      isRedacted: (text) => !room.messages.some((message) => message.text === text),
      hasRead: (nick) => room.messages.at(-1)?.readers.has(idOf(nick)) === true,
      isBanned: (nick) => room.bans.some(({ user }) => user?.id === idOf(nick)),
      isInvited: (nick) => room.members.has(idOf(nick)),
      shownAs: (text) => {
        const shown = room.messages.find((message) => message.text === text)?.virtualUser;
        return shown && { name: shown.displayName, avatar: shown.avatarUrl };
      },
      threadOf: (text) => room.messages.find((message) => message.text === text)?.parentId,
    },
    empower: (nick) => void room.admins.add(gitter.world.userNamed(nick)?.id ?? ''),
    cutNext: (arrived) => gitter.fault({ on: 'POST /rooms/:room/chatMessages', times: 1, act: { drop: arrived ? 'after' : 'before' } }),
    down: () => gitter.down(),
    up: () => gitter.up(),
    openConnections: () => gitter.faye.clientsOf().filter((client) => client.isReachable()).length,
  };
};

function wordsOf({ text, isStatus, user }: Room['messages'][number]): string {
  return isStatus && text.startsWith(`@${user.username} `) ? text.slice(user.username.length + 2) : text;
}

function nickOf(gitter: FakeGitter, id: RemoteUserId): string {
  const given = parseUserId(id);
  return 'id' in given ? (gitter.world.users.get(given.id)?.username ?? given.id) : given.name;
}

function personCalled(gitter: FakeGitter, nick: string): Person {
  const known = gitter.world.users.get(idOf(nick));
  return known === undefined ? gitter.addPerson({ username: nick, id: idOf(nick) }) : gitter.personOf(known);
}

function native(gitter: FakeGitter, room: Room, nick: string): Native {
  const person = personCalled(gitter, nick);
  person.join(room);
  /** A native of the contract may moderate; but who is an admin cannot be put out. */
  const asAdmin = (act: () => void) => {
    room.admins.add(person.id);
    act();
    room.admins.delete(person.id);
  };
  return {
    nick: person.username,
    say(text, style = 'text', replyTo) {
      if (replyTo !== undefined) return person.reply(room, replyTo, text);
      return style === 'emote' ? person.me(room, text) : person.say(room, text);
    },
    leave: () => person.leave(room),
    join: () => person.join(room),
    // Others notice it by what they say next.
    rename: (wanted) => {
      person.setDisplayName(wanted);
      person.say(room, 'under another name');
    },
    setTopic: (text) => asAdmin(() => person.setTopic(room, text)),
    kick: (whom) => asAdmin(() => person.kick(room, personCalled(gitter, whom))),
    edit: (id, text) => person.edit(id, text),
    saysIn: (root, text) => void person.reply(room, root, text),
    redact: (id) => person.delete(id),
    react: () => {},
    told: () =>
      gitter.world
        .roomsOf(person.user)
        .flatMap(({ isOneToOne, messages }) => (isOneToOne ? messages.filter(({ user }) => user !== person.user) : []))
        .map(({ text }) => text),
  };
}

adapterContract('gitter', gitterSubject);
