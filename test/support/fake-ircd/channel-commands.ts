// Channels: JOIN, PART, KICK, TOPIC, NAMES, LIST, INVITE. Extensions: extended-join, multi-prefix, userhost-in-names,
// no-implicit-names, invite-notify, draft/read-marker at JOIN (ircv3.net).

import { markerAtJoin } from './history.ts';
import type { ClientLine } from './lines.ts';
import { isBanned, rankIn, signsIn } from './modes.ts';
import type { Channel, Message, User, World } from './world.ts';

export function join(world: World, user: User, line: ClientLine): undefined {
  const [names = '', keys = ''] = line.params;
  const given = keys.split(',');
  for (const [i, name] of names.split(',').entries()) enterChannel(world, user, name, given[i]);
}

export function enterChannel(world: World, user: User, name: string, key?: string, isForced = false): void {
  if (!/^[#&][^\s,\u0007:]{1,63}$/.test(name)) {
    world.reply(user, '403', name, 'No such channel');
    return;
  }
  const known = world.channel(name);
  if (known?.members.has(user)) return;
  const refusal = isForced ? undefined : refusalOf(world, user, name, known, key);
  if (refusal === 'forwarded') return;
  if (refusal !== undefined) {
    world.reply(user, refusal[0], known?.name ?? name, refusal[1]);
    return;
  }
  const channel = known ?? newChannel(name);
  if (known === undefined) world.channels.set(world.fold(name), channel);
  channel.members.set(user, new Set(channel.members.size === 0 ? ['o'] : []));
  user.channels.add(channel);
  user.invitations.delete(world.fold(name));
  showJoin(user, channel);
  if (user.has('draft/read-marker')) markerAtJoin(world, user, channel.name);
  if (channel.topic !== undefined) tellTopic(world, user, channel, channel.topic);
  if (!user.has('no-implicit-names')) tellNames(world, user, channel);
}

/** To everybody in the channel, in the form that each can take. */
function showJoin(user: User, channel: Channel): void {
  for (const member of [...channel.members.keys()]) {
    member.receive(joinFor(member, user, channel));
    if (member !== user && user.away !== undefined && member.has('away-notify')) {
      member.receive({ source: user, command: 'AWAY', params: [user.away] });
    }
  }
}

export function joinFor(receiver: User, user: User, channel: Channel): Message {
  const more = receiver.has('extended-join') ? [user.account ?? '*', user.realname] : [];
  return { source: user, command: 'JOIN', params: [channel.name, ...more] };
}

function newChannel(name: string): Channel {
  return {
    name,
    topic: undefined,
    members: new Map(),
    bans: new Set(),
    modes: new Set('nt'),
    key: undefined,
    limit: undefined,
    created: Date.now(),
  };
}

function refusalOf(
  world: World,
  user: User,
  name: string,
  channel: Channel | undefined,
  key: string | undefined,
): [string, string] | 'forwarded' | undefined {
  const scripted = world.joinRefusals.get(world.fold(name));
  if (scripted !== undefined && scripted.times > 0) {
    scripted.times--;
    if (scripted.numeric !== '470') return [scripted.numeric, scripted.text];
    world.reply(user, '470', name, scripted.text, 'Forwarding to another channel');
    enterChannel(world, user, scripted.text);
    return 'forwarded';
  }
  if (channel === undefined) return undefined;
  const isInvited = user.invitations.has(world.fold(name));
  if (isBanned(world, channel, user)) return ['474', 'Cannot join channel (+b)'];
  if (channel.modes.has('i') && !isInvited) return ['473', 'Cannot join channel (+i)'];
  if (channel.key !== undefined && channel.key !== key) return ['475', 'Cannot join channel (+k)'];
  if (channel.limit !== undefined && channel.members.size >= channel.limit) return ['471', 'Cannot join channel (+l)'];
  if (channel.modes.has('r') && user.account === undefined) return ['477', 'You need a registered nick to join that channel'];
  return undefined;
}

export function part(world: World, user: User, line: ClientLine): undefined {
  const [names = '', reason] = line.params;
  for (const name of names.split(',')) {
    const channel = world.channel(name);
    if (channel === undefined) world.reply(user, '403', name, 'No such channel');
    else if (!channel.members.has(user)) world.reply(user, '442', name, "You're not on that channel");
    else {
      world.toChannel(channel, { source: user, command: 'PART', params: [channel.name, ...(reason === undefined ? [] : [reason])] });
      world.remove(user, channel);
    }
  }
}

export function kick(world: World, user: User, line: ClientLine): undefined {
  const [name = '', nick = '', reason = user.nick] = line.params;
  const channel = world.channel(name);
  const member = world.user(nick);
  if (channel === undefined) world.reply(user, '403', name, 'No such channel');
  else if (rankIn(channel, user) < 2) world.reply(user, '482', channel.name, "You're not channel operator");
  else if (member === undefined || !channel.members.has(member))
    world.reply(user, '441', nick, channel.name, "They aren't on that channel");
  else removeByForce(world, channel, user, member, reason);
}

export function removeByForce(world: World, channel: Channel, by: User | undefined, member: User, reason: string): void {
  world.toChannel(channel, { source: by, command: 'KICK', params: [channel.name, member.nick, reason] });
  world.remove(member, channel);
}

export function topic(world: World, user: User, line: ClientLine): undefined {
  const [name = '', text] = line.params;
  const channel = world.channel(name);
  if (channel === undefined) world.reply(user, '403', name, 'No such channel');
  else if (text === undefined) {
    if (channel.topic === undefined) world.reply(user, '331', channel.name, 'No topic is set');
    else tellTopic(world, user, channel, channel.topic);
  } else if (!channel.members.has(user)) world.reply(user, '442', channel.name, "You're not on that channel");
  else if (channel.modes.has('t') && rankIn(channel, user) < 2) world.reply(user, '482', channel.name, "You're not channel operator");
  else setTopic(world, channel, user, text);
}

export function setTopic(world: World, channel: Channel, user: User, text: string): void {
  const cut = text.slice(0, 307);
  channel.topic = cut === '' ? undefined : { text: cut, by: world.mask(user), at: Date.now() };
  world.toChannel(channel, { source: user, command: 'TOPIC', params: [channel.name, cut] });
}

function tellTopic(world: World, user: User, channel: Channel, { text, by, at }: NonNullable<Channel['topic']>): void {
  world.reply(user, '332', channel.name, text);
  world.reply(user, '333', channel.name, by, String(Math.floor(at / 1_000)));
}

export function names(world: World, user: User, line: ClientLine): undefined {
  const channel = world.channel(line.params[0] ?? '');
  if (channel === undefined) world.reply(user, '366', line.params[0] ?? '*', 'End of /NAMES list.');
  else tellNames(world, user, channel);
}

function tellNames(world: World, user: User, channel: Channel): void {
  const symbol = channel.modes.has('s') ? '@' : '=';
  let line: string[] = [];
  let length = 0;
  for (const member of channel.members.keys()) {
    const name = user.has('userhost-in-names') ? world.mask(member) : member.nick;
    const word = signsIn(channel, member, user.has('multi-prefix')) + name;
    if (length + word.length > 380) {
      world.reply(user, '353', symbol, channel.name, line.join(' '));
      line = [];
      length = 0;
    }
    line.push(word);
    length += word.length + 1;
  }
  if (line.length > 0) world.reply(user, '353', symbol, channel.name, line.join(' '));
  world.reply(user, '366', channel.name, 'End of /NAMES list.');
}

export function list(world: World, user: User): undefined {
  world.reply(user, '321', 'Channel', 'Users  Name');
  for (const channel of world.channels.values()) {
    if (!channel.modes.has('s')) world.reply(user, '322', channel.name, String(channel.members.size), channel.topic?.text ?? '');
  }
  world.reply(user, '323', 'End of /LIST');
}

export function invite(world: World, user: User, line: ClientLine): undefined {
  const [nick = '', name = ''] = line.params;
  const channel = world.channel(name);
  const guest = world.user(nick);
  if (guest === undefined) world.reply(user, '401', nick, 'No such nick/channel');
  else if (channel !== undefined && !channel.members.has(user)) world.reply(user, '442', name, "You're not on that channel");
  else if (channel?.members.has(guest)) world.reply(user, '443', nick, name, 'is already on channel');
  else if (channel?.modes.has('i') && rankIn(channel, user) < 2) world.reply(user, '482', name, "You're not channel operator");
  else {
    guest.invitations.add(world.fold(name));
    world.reply(user, '341', guest.nick, name);
    const message = { source: user, command: 'INVITE', params: [guest.nick, name] };
    guest.receive(message);
    if (channel !== undefined) world.toChannel(channel, message, (each) => each !== user && each.has('invite-notify'));
  }
}
