// The contract over the Slack adapter: by Socket Mode, over HTTP, and by RTM with a classic app.

import { type AdapterTools, type RemoteEvent, type RemoteFile, type RemoteUserId, remoteUserId, userId } from '#bridge-core';
import { toPlain } from '../../bridge-core/format/to-html.ts';
import { SlackAdapter } from '../../bridges/slack/adapter.ts';
import { bodyOf, type SlackBody } from '../../bridges/slack/body.ts';
import { signNamed } from '../../bridges/slack/emoji.ts';
import { makeChannelId, parseId } from '../../bridges/slack/ids.ts';
import { quick, settingsFor } from '../bridges/slack/with-slack.ts';
import { inHistory } from '../support/fake-slack/message-shapes.ts';
import type { Channel, Message, Team } from '../support/fake-slack/model.ts';
import { type FakeSlack, type Person, startFakeSlack } from '../support/fake-slack.ts';
import { keepTools } from '../support/tools.ts';
import { until } from '../support/waiting.ts';
import { openWeb } from '../support/web-door.ts';
import { adapterContract } from './adapter-contract.ts';
import type { Make, Native } from './subject.ts';

const placeName = 'place';

/** Who logs in with us, of all whom the cases let speak. */
const ours = ['ann', 'bob', 'cid'];

function slackSubject(transport: 'socket' | 'events' | 'rtm'): Make {
  return async (t, { maxPuppets = ours.length }) => {
    const slack = await startFakeSlack({ answerTimeout: 1_000, retryPauses: [20, 40, 60] });
    const team = slack.setup.team({ id: 'T0001', name: 'Acme' });
    const app = slack.setup.app({
      ...{ id: 'A0BRIDGE', name: 'Bridge', signingSecret: 's3cret', isClassic: transport === 'rtm', socketMode: transport === 'socket' },
    });
    const founder = slack.addPerson(team, { id: 'U0FOUNDER', name: 'founder', isAdmin: true });
    const place = slack.addChannel(team, placeName, [founder], { id: 'C0PLACE' });
    const closed = slack.addChannel(team, 'closed', [founder], { id: 'C0CLOSED' });
    closed.isArchived = true;
    const beside = slack.addChannel(team, 'beside', [founder], { id: 'C0BESIDE' });
    slack.setup.install(app, team, { token: 'xoxb-1', channels: [place, beside] });
    slack.setup.appToken(app, 'xapp-1');
    const kept = keepTools();
    const web = await openWeb();
    if (transport === 'events') app.eventsUrl = `${web.url}/events`;
    const tools = { ...kept.tools, web: web.routes, publicUrl: web.url } as unknown as AdapterTools<SlackBody>;
    const adapter = new SlackAdapter(settingsFor(slack, [transport]), tools, quick);
    t.after(async () => {
      await adapter.disconnect();
      await web.close();
      await slack.stop();
    });
    for (const name of ours.slice(0, maxPuppets)) {
      const person = personCalled(slack, team, name);
      const token = slack.setup.authorize(app, person.user, { token: `xoxp-${name}` });
      await adapter.signIn({
        ...{ user: userId(`@${name}:hs.test`), account: remoteUserId(`T0001/${person.id}`), network: 'T0001', name },
        credentials: { token: token.value },
      });
    }
    const heardFrom = async (channel: Channel) => {
      await adapter.watch(makeChannelId('T0001', channel.id));
      const ts = founder.say(channel, 'a mark');
      await until('the mark', () => (kept.events as RemoteEvent<SlackBody>[]).some((each) => each.kind === 'message' && each.id === ts));
    };
    return {
      ...{ adapter, events: kept.events as never, connections: kept.connections },
      ...{ place: `#${placeName}`, closedPlace: 'C0CLOSED', impossiblePlace: 'no such place at all' },
      lacks: new Set(['kicks', 'notices'] as const),
      bytesOf: (body) => Buffer.byteLength((body as SlackBody).text),
      fileOf: async (words) => {
        founder.upload(place, { name: 'a.txt', bytes: Buffer.from(words) });
        const event = await until('the file', () => (kept.events as RemoteEvent<SlackBody>[]).find((each) => each.kind === 'message'));
        return (event as { files?: readonly RemoteFile[] }).files?.[0] as RemoteFile;
      },
      told: async (text) => {
        const isTold = () =>
          slack.deliveries.items.some(
            ({ outcome, payload }) => outcome === 'taken' && JSON.stringify(payload).includes(JSON.stringify(text)),
          );
        await until('it to be told', isTold);
        // On RTM nothing is answered: what is told behind it has come with it.
        if (transport === 'rtm') await heardFrom(beside);
      },
      person: (nick) => native(slack, team, place, nick),
      said: () =>
        messagesIn(place).map((message) => ({
          nick: nickOf(slack, message.user ?? message.bot?.userId ?? ''),
          text: toPlain(adapter.formatter.parse(shapeOf(slack, message), parsedIn)),
          style: message.subtype === 'me_message' ? 'emote' : 'text',
        })),
      members: () => [...place.members].map((id) => nickOf(slack, id)),
      nickOf: (id: RemoteUserId) => nickOf(slack, parseId(id).id),
      mentionOf: (id: RemoteUserId) => `<@${parseId(id).id}>`,
      topic: () => place.topic.value,
      see: {
        isRedacted: (text) => !messagesIn(place).some((message) => message.text === text),
        reactions: () =>
          messagesIn(place).flatMap(({ reactions }) =>
            [...reactions].flatMap(([name, users]) => users.map((id) => `${nickOf(slack, id)} ${signNamed(name)}`)),
          ),
        isTyping: (nick) => isTyping(slack, nick),
        hasRead: (nick) => place.readUntil.has(idOf(nick)),
        title: () => place.name,
        isArchived: () => place.isArchived,
        isInvited: (nick) => place.members.has(idOf(nick)),
        pinned: () => [...place.pins.keys()].map((ts) => place.timeline.all.get(ts)?.text ?? ''),
        shownAs: (text) => {
          const message = messagesIn(place).find((each) => each.text === text);
          return message?.username === undefined ? undefined : { name: message.username, avatar: message.icons?.image_48 };
        },
        threadOf: (text) => messagesIn(place).find((each) => each.text === text)?.threadTs,
        files: () => messagesIn(place).flatMap(({ files }) => files.map(({ name, bytes }) => ({ name, words: String(bytes) }))),
      },
      empower: () => {},
      cutNext: (arrived) => slack.fault({ on: 'chat.postMessage', times: 1, act: { drop: arrived ? 'after' : 'before' } }),
      down: () => slack.down(),
      up: () => slack.up(),
      openConnections: () => slack.socketMode.connections(app) + slack.rtm.connections(),
    };
  };
}

const parsedIn = 'T0001/C0PLACE' as never;

const idOf = (nick: string): string => `U0${nick.toUpperCase()}`;

function nickOf(slack: FakeSlack, id: string): string {
  return slack.world.users.get(id)?.name ?? id;
}

function personCalled(slack: FakeSlack, team: Team, nick: string): Person {
  const known = slack.world.users.get(idOf(nick));
  return known === undefined ? slack.addPerson(team, { id: idOf(nick), name: nick, displayName: nick }) : slack.personOf(known);
}

/** What people said: not who came, nor what the place is called. */
function messagesIn(place: Channel): Message[] {
  const all = [...place.timeline.all.values()].filter(
    ({ subtype }) => subtype === undefined || !/^(?:channel|group)_|tombstone/.test(subtype),
  );
  return all.sort((one, other) => Number(one.ts) - Number(other.ts));
}

function shapeOf(slack: FakeSlack, message: Message): SlackBody {
  return bodyOf(inHistory(slack.world, message) as unknown as Readonly<Record<string, unknown>>);
}

/** Told on RTM to everybody else who is there. */
function isTyping(slack: FakeSlack, nick: string): boolean {
  const typed = slack.deliveries.items.findLast(
    ({ what, payload }) => what === 'user_typing' && (payload as { user?: string }).user === idOf(nick),
  );
  return typed !== undefined && performance.now() - typed.at < 500;
}

function native(slack: FakeSlack, team: Team, place: Channel, nick: string): Native {
  const person = personCalled(slack, team, nick);
  if (!place.members.has(person.id)) person.join(place);
  // A native of the contract may moderate.
  person.user.isAdmin = true;
  return {
    nick: person.user.name,
    say(text, style = 'text', replyTo) {
      if (replyTo !== undefined) return person.reply(place, replyTo, text);
      return style === 'emote' ? person.me(place, text) : person.say(place, text);
    },
    leave: () => person.leave(place),
    join: () => person.join(place),
    rename: (wanted) => person.change({ displayName: wanted }),
    setTopic: (text) => person.setTopic(place, text),
    kick: (whom) => person.kick(place, idOf(whom)),
    edit: (id, text) => person.edit(place, id, text),
    redact: (id) => person.delete(place, id),
    react: (id, emoji, on) => (on ? person.react(place, id, nameOf(emoji)) : person.unreact(place, id, nameOf(emoji))),
    type: () => person.typing(place),
    saysIn: (thread, text, isBroadcast) => person.reply(place, thread, text, isBroadcast),
    share: ({ name, words }, text) => person.upload(place, { name, bytes: Buffer.from(words), comment: text }),
    pin: (id, on) => (on ? person.pin(place, id) : person.unpin(place, id)),
    call: (name) => person.rename(place, name),
    archive: (on) => (on ? person.archive(place) : person.unarchive(place)),
    told: () => {
      const chat = [...slack.world.channels.values()].find(({ kind, members }) => kind === 'im' && members.has(person.id));
      return chat === undefined ? [] : person.sees(chat).map(({ text }) => text ?? '');
    },
  };
}

const nameOf = (emoji: string): string => ({ '👍': '+1', '🎉': 'tada' })[emoji] ?? emoji;

adapterContract('slack by Socket Mode', slackSubject('socket'));
adapterContract('slack over HTTP', slackSubject('events'));
adapterContract('slack by RTM', slackSubject('rtm'));
