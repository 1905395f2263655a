// Users: NICK, AWAY, WHO and WHOX, WHOIS, MONITOR, SETNAME, USERHOST, ISON. Extensions: away-notify, monitor, setname, whox
// (ircv3.net).

import type { ClientLine } from './lines.ts';
import { signsIn } from './modes.ts';
import { isNick } from './registration.ts';
import type { Channel, User, World } from './world.ts';

export function nick(world: World, user: User, line: ClientLine): undefined {
  const [wanted = ''] = line.params;
  const holder = world.user(wanted);
  if (!isNick(wanted)) world.reply(user, '432', wanted, 'Erroneous nickname');
  else if (holder !== undefined && holder !== user) world.reply(user, '433', wanted, 'Nickname is already in use');
  else if (wanted !== user.nick) changeNick(world, user, wanted);
}

export function changeNick(world: World, user: User, wanted: string): void {
  world.toPeers(user, { source: user, command: 'NICK', params: [wanted], prefix: world.mask(user) }, true);
  world.rename(user, wanted);
}

export function away(world: World, user: User, line: ClientLine): undefined {
  const text = line.params[0] || undefined;
  user.away = text;
  if (text === undefined) world.reply(user, '305', 'You are no longer marked as being away');
  else world.reply(user, '306', 'You have been marked as being away');
  const message = { source: user, command: 'AWAY', params: text === undefined ? [] : [text] };
  world.toPeers(user, message, false, (peer) => peer.has('away-notify'));
}

export function who(world: World, user: User, line: ClientLine): undefined {
  const [mask = '*', options = ''] = line.params;
  const channel = world.channel(mask);
  const person = world.user(mask);
  const found = channel !== undefined ? [...channel.members.keys()] : person !== undefined ? [person] : [];
  for (const each of found) {
    const flags = (each.away === undefined ? 'H' : 'G') + (channel === undefined ? '' : signsIn(channel, each, user.has('multi-prefix')));
    const place = channel?.name ?? '*';
    const [fields, token = ''] = options.startsWith('%') ? options.slice(1).split(',') : [];
    if (fields === undefined) {
      world.reply(user, '352', place, each.user, each.host, each.server, each.nick, flags, `0 ${each.realname}`);
    } else {
      const known: Record<string, string> = { t: token, c: place, u: each.user, i: '255.255.255.255', h: each.host, s: each.server };
      const more: Record<string, string> = { n: each.nick, f: flags, d: '0', l: '0', a: each.account ?? '0', o: 'n/a', r: each.realname };
      const all = { ...known, ...more };
      // In the order of the specification, whatever that of the question.
      world.reply(user, '354', ...[...'tcuihsnfdlaor'].filter((field) => fields.includes(field)).map((field) => all[field] ?? ''));
    }
  }
  world.reply(user, '315', mask, 'End of /WHO list.');
}

export function whois(world: World, user: User, line: ClientLine): undefined {
  const asked = line.params.at(-1) ?? '';
  const person = world.user(asked);
  if (person === undefined) world.reply(user, '401', asked, 'No such nick/channel');
  else {
    world.reply(user, '311', person.nick, person.user, person.host, '*', person.realname);
    const visible = (channel: Channel) => !channel.modes.has('s') || channel.members.has(user);
    const channels = [...person.channels].filter(visible).map((channel) => signsIn(channel, person, false) + channel.name);
    if (channels.length > 0) world.reply(user, '319', person.nick, channels.join(' '));
    world.reply(user, '312', person.nick, person.server, 'fake');
    if (person.away !== undefined) world.reply(user, '301', person.nick, person.away);
    if (person.account !== undefined) world.reply(user, '330', person.nick, person.account, 'is logged in as');
    if (person.isBot) world.reply(user, '335', person.nick, 'is a bot');
  }
  world.reply(user, '318', asked, 'End of /WHOIS list.');
}

const mostMonitored = 100;

export function monitor(world: World, user: User, line: ClientLine): undefined {
  const [verb = '', list = ''] = line.params;
  const nicks = list.split(',').filter((each) => each !== '');
  const tell = (folded: Iterable<string>, named: (folded: string) => string) => {
    for (const each of folded) {
      const person = world.users.get(each);
      if (person === undefined) world.reply(user, '731', named(each));
      else world.reply(user, '730', world.mask(person));
    }
  };
  switch (verb.toUpperCase()) {
    case '+': {
      const names = new Map(nicks.map((each) => [world.fold(each), each]));
      const added = [...names.keys()].filter((each) => !user.monitored.has(each));
      if (user.monitored.size + added.length > mostMonitored) {
        world.reply(user, '734', String(mostMonitored), list, 'Monitor list is full.');
        return;
      }
      for (const each of added) user.monitored.add(each);
      world.monitoring.add(user);
      tell(added, (each) => names.get(each) ?? each);
      return;
    }
    case '-':
      for (const each of nicks) user.monitored.delete(world.fold(each));
      return;
    case 'C':
      user.monitored.clear();
      return;
    case 'L':
      for (const each of user.monitored) world.reply(user, '732', each);
      world.reply(user, '733', 'End of MONITOR list');
      return;
    case 'S':
      tell(user.monitored, (each) => each);
  }
}

export function setname(world: World, user: User, line: ClientLine): undefined {
  const [realname = ''] = line.params;
  if (realname.length > 100) {
    world.fail(user, 'SETNAME', 'INVALID_REALNAME', 'Realname is not valid');
    return;
  }
  user.realname = realname;
  world.toPeers(user, { source: user, command: 'SETNAME', params: [realname] }, true, (peer) => peer.has('setname'));
}

export function userhost(world: World, user: User, line: ClientLine): undefined {
  const found = line.params.flatMap((each) => world.user(each) ?? []);
  world.reply(user, '302', found.map((each) => `${each.nick}=${each.away === undefined ? '+' : '-'}${each.user}@${each.host}`).join(' '));
}

export function ison(world: World, user: User, line: ClientLine): undefined {
  world.reply(user, '303', line.params.flatMap((each) => world.user(each)?.nick ?? []).join(' '));
}
