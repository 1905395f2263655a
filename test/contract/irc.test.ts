// The contract over the IRC adapter: on a server with every capability, and on one with none.

import { IrcAdapter } from '../../bridges/irc/adapter.ts';
import { ircSettings } from '../../bridges/irc/settings.ts';
import { usualTiming } from '../../bridges/irc/timing.ts';
import { type FakeIrcd, type FakeIrcdOptions, type Person, startFakeIrcd } from '../support/fake-ircd.ts';
import { keepTools } from '../support/tools.ts';
import { adapterContract } from './adapter-contract.ts';
import type { Make, Native } from './subject.ts';

const place = '#place';
const quick = { proof: 5_000, reconnectFirst: 50, reconnectMost: 100, typing: 50, rejoin: 200 };

function ircSubject(server: FakeIrcdOptions): Make {
  return async (t, { maxPuppets }) => {
    const ircd = await startFakeIrcd(server);
    const kept = keepTools();
    const puppets = { max: maxPuppets ?? 50, wait: '5s' };
    const network = { host: '127.0.0.1', port: ircd.port, tls: false, flood: 'off', puppets };
    const settings = ircSettings.parse({ networks: { local: network }, links: [] });
    const adapter = new IrcAdapter(settings, kept.tools, { ...usualTiming, ...quick });
    t.after(async () => {
      await adapter.disconnect();
      await ircd.close();
    });
    ircd.refuseJoin('#closed', '473', 'Cannot join channel (+i)');
    ircd.person('founder').join(place);
    return {
      ...{ adapter, events: kept.events, connections: kept.connections },
      ...{ place, closedPlace: '#closed', impossiblePlace: 'nosuchnetwork #a' },
      person: (nick) => native(ircd, nick),
      said: () =>
        ircd
          .said(place)
          .filter(({ command }) => command === 'PRIVMSG' || command === 'NOTICE')
          .map(({ nick, command, text }) => {
            const action = /^\u0001ACTION (.*)\u0001$/s.exec(text)?.[1];
            return { nick, text: action ?? text, style: action !== undefined ? 'emote' : command === 'NOTICE' ? 'notice' : 'text' };
          }),
      members: () => ircd.members(place),
      isListenedTo: () => ircd.members(place).includes('causeway'),
      nickOf: (id) => ircd.world.user(id.slice('local/'.length))?.nick ?? id,
      topic: () => topicOf(ircd),
      see: {
        isRedacted: (text) => ircd.said(place).some((said) => said.text === text && said.isRedacted),
        reactions: () => reactions(ircd),
        isTyping: (nick) => lastTyping(ircd, nick) === 'active',
        away: (nick) => ircd.world.user(nick)?.away,
      },
      empower: (nick) => ircd.mode(place, '+o', nick),
      cutNext: (arrived) => cutNext(ircd, arrived),
      down: () => ircd.stop(),
      up: () => ircd.listen(),
      openConnections: () => ircd.connections,
    };
  };
}

function topicOf(ircd: FakeIrcd): string {
  return ircd.world.channel(place)?.topic?.text ?? '';
}

/** As natives saw them: `nick emoji`, less those taken back. */
function reactions(ircd: FakeIrcd): string[] {
  const standing = new Set<string>();
  for (const { nick, tags } of founderOf(ircd).heard) {
    const { '+draft/react': on, '+draft/unreact': off } = tags;
    if (on !== undefined) standing.add(`${nick} ${on}`);
    if (off !== undefined) standing.delete(`${nick} ${off}`);
  }
  return [...standing];
}

function lastTyping(ircd: FakeIrcd, nick: string): string | undefined {
  return founderOf(ircd).heard.findLast((heard) => heard.nick === nick && heard.tags['+typing'] !== undefined)?.tags['+typing'];
}

function founderOf(ircd: FakeIrcd): Person {
  return ircd.world.user('founder') as Person;
}

function cutNext(ircd: FakeIrcd, arrived: boolean): void {
  if (arrived) {
    ircd.faults.cutAfterMessage = 1;
    return;
  }
  ircd.faults.swallow = 1;
  void ircd.waitForLine(/PRIVMSG #/, { since: ircd.mark() }).then(({ nick }) => ircd.drop(nick));
}

function native(ircd: FakeIrcd, nick: string): Native {
  const person = ircd.person(nick).join(place).becomeOperator(place);
  return {
    get nick() {
      return person.nick;
    },
    say(text, style = 'text', replyTo) {
      if (replyTo !== undefined) return person.reply(place, replyTo, text);
      return style === 'emote' ? person.action(place, text) : style === 'notice' ? person.notice(place, text) : person.say(place, text);
    },
    leave: () => person.part(place),
    join: () => void person.join(place),
    rename: (wanted) => person.rename(wanted),
    setTopic: (text) => person.topic(place, text),
    kick: (whom, reason) => person.kick(place, whom, reason),
    redact: (id) => person.redact(place, id),
    react: (id, emoji, on) => void person.react(place, id, emoji, on),
    type: () => person.typing(place, 'active'),
    told: () => person.texts(person.nick),
  };
}

adapterContract('irc', ircSubject({}));
adapterContract('irc without capabilities', ircSubject({ capabilities: [] }));
