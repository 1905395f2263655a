// The contract over the fake adapter: with everything, and with nothing optional.

import { remoteUserId, userId } from '#bridge-core';
import { banVerbs, FakeAdapter, type FakeAdapterOptions, FakeNetwork, verbs } from '../support/fake-adapter.ts';
import { keepTools } from '../support/tools.ts';
import { adapterContract } from './adapter-contract.ts';
import type { Make, Native } from './subject.ts';

const place = '#place';

function fakeSubject(options: Partial<FakeAdapterOptions>): Make {
  return async (t, { maxPuppets }) => {
    const network = new FakeNetwork();
    const kept = keepTools();
    const adapter = new FakeAdapter({ network, tools: kept.tools, ...options, ...(maxPuppets !== undefined && { maxPuppets }) });
    network.channel('#closed').isClosed = true;
    t.after(() => adapter.disconnect());
    return {
      ...{ adapter, events: kept.events, connections: kept.connections },
      ...{ place, closedPlace: '#closed', impossiblePlace: 'not a place' },
      logIn: (nick) =>
        adapter.signIn({
          ...{
            user: userId(`@${nick}:hs.test`),
            account: remoteUserId(`fake/${nick}`),
            network: 'fake',
            name: nick,
            credentials: { nick },
          },
        }),
      person: (nick) => native(network, nick),
      said: () =>
        network.channel(place).messages.map(({ nick, body, style }) => ({ nick, style, text: body.replace(/[\u0002\u001d]/g, '') })),
      members: () => [...network.channel(place).members],
      nickOf: (id) => id.slice('fake/'.length),
      topic: () => network.channel(place).topic,
      see: {
        isRedacted: (text) => network.channel(place).messages.some((message) => message.body === text && message.isRedacted),
        reactions: () =>
          network.channel(place).messages.flatMap(({ reactions }) => [...reactions].map((each) => each.split(' ').reverse().join(' '))),
        isTyping: (nick) => lastOf(network, nick, 'typing')?.on === true,
        away: (nick) => lastOf(network, nick, 'away')?.away,
        hasRead: (nick) => lastOf(network, nick, 'read') !== undefined,
        title: () => network.channel(place).title,
        isArchived: () => network.channel(place).isArchived,
        isBanned: (nick) => network.channel(place).banned.has(nick),
        isInvited: (nick) => network.channel(place).invited.has(nick),
        pinned: () => [...network.channel(place).pinned].map((id) => network.find(place, id)?.body ?? ''),
        shownAs: (text) => {
          const message = messageSaying(network, text);
          return message?.shownAs === undefined ? undefined : { name: message.shownAs, avatar: message.avatar };
        },
        threadOf: (text) => messageSaying(network, text)?.thread,
        files: () => network.channel(place).messages.flatMap(({ carried }) => carried ?? []),
      },
      empower: () => {},
      cutNext: (arrived) => network.script([arrived ? 'doubtful' : 'lost']),
      down: async () => network.down(),
      up: async () => network.up(),
      openConnections: () => network.connections.size,
    };
  };
}

const messageSaying = (network: FakeNetwork, text: string) => network.channel(place).messages.find(({ body }) => body === text);

type Happenings = FakeNetwork['log'][number];

function lastOf<What extends Happenings['what']>(
  network: FakeNetwork,
  nick: string,
  what: What,
): Extract<Happenings, { what: What }> | undefined {
  return network.log.findLast((each): each is Extract<Happenings, { what: What }> => each.what === what && each.nick === nick);
}

function native(network: FakeNetwork, first: string): Native {
  let nick = first;
  network.people.add(nick);
  network.join(nick, place);
  return {
    get nick() {
      return nick;
    },
    say: (text, style = 'text', replyTo) => network.say(nick, place, text, { style, ...(replyTo !== undefined && { replyTo }) }).id,
    leave: () => network.leave(nick, place),
    join: () => network.join(nick, place),
    rename: (wanted) => {
      network.rename(nick, wanted);
      nick = wanted;
    },
    setTopic: (text) => network.setTopic(nick, place, text),
    kick: (whom, reason) => network.kick(nick, place, whom, reason),
    ban: (whom) => network.ban(nick, place, whom),
    unban: (whom) => network.unban(nick, place, whom),
    edit: (id, text) => network.edit(nick, place, id, text),
    redact: (id) => network.redact(nick, place, id),
    react: (id, emoji, on) => network.react(nick, place, id, emoji, on),
    type: () => network.type(nick, place, true),
    saysIn: (thread, text, isBroadcast) => network.say(nick, place, text, { thread, ...(isBroadcast && { isBroadcast }) }),
    share: ({ name, words }, text) => {
      network.files.set(name, Buffer.from(words));
      network.say(nick, place, text, { files: [{ name, source: name }] });
    },
    pin: (id, on) => network.pin(nick, place, id, on),
    call: (name) => network.call(nick, place, name),
    archive: (on) => network.archive(nick, place, on),
    told: () => network.told.filter((line) => line.startsWith(`${nick}: `)),
  };
}

const rich = { verbs: [...verbs, ...banVerbs], threads: true, files: 'upload', shownAs: true } as const;
adapterContract('fake', fakeSubject(rich));
adapterContract('fake with boxes', fakeSubject({ ...rich, boxes: true }));
adapterContract('bare fake', fakeSubject({ verbs: [], messageIds: false, history: false, named: false, ownChannels: false }));
