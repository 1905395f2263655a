// Which command is dealt with where. Those before registration are in registration.ts.

import { invite, join, kick, list, names, part, topic } from './channel-commands.ts';
import { chatHistory, markRead } from './history.ts';
import type { ClientLine } from './lines.ts';
import { mode } from './modes.ts';
import { redact, say } from './speech.ts';
import { away, ison, monitor, nick, setname, userhost, who, whois } from './user-commands.ts';
import type { User, World } from './world.ts';

/** `unanswered`: not even an ACK for its label. */
export type Command = (world: World, user: User, line: ClientLine) => 'unanswered' | undefined;

export const commands: Readonly<Record<string, Command>> = {
  JOIN: join,
  PART: part,
  KICK: kick,
  TOPIC: topic,
  NAMES: names,
  LIST: list,
  INVITE: invite,
  MODE: mode,
  PRIVMSG: say,
  NOTICE: say,
  TAGMSG: say,
  REDACT: redact,
  CHATHISTORY: chatHistory,
  MARKREAD: markRead,
  NICK: nick,
  AWAY: away,
  WHO: who,
  WHOIS: whois,
  MONITOR: monitor,
  SETNAME: setname,
  USERHOST: userhost,
  ISON: ison,
};
