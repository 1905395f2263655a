// MODE of channels and users, ranks and bans (RFC 1459; `r` lets only the logged-in join).

import type { ClientLine } from './lines.ts';
import type { Channel, User, World } from './world.ts';

const ranks: Readonly<Record<string, { rank: number; sign: string }>> = {
  o: { rank: 3, sign: '@' },
  h: { rank: 2, sign: '%' },
  v: { rank: 1, sign: '+' },
};

export function rankIn(channel: Channel, user: User): number {
  const modes = channel.members.get(user) ?? new Set<string>();
  return Math.max(0, ...Array.from(modes, (mode) => ranks[mode]?.rank ?? 0));
}

/** Strongest first; all of them where `all`. */
export function signsIn(channel: Channel, user: User, all: boolean): string {
  const modes = channel.members.get(user) ?? new Set<string>();
  const signs = Object.keys(ranks)
    .filter((mode) => modes.has(mode))
    .map((mode) => ranks[mode]?.sign ?? '');
  return all ? signs.join('') : (signs[0] ?? '');
}

export function isBanned(world: World, channel: Channel, user: User): boolean {
  return [...channel.bans].some((mask) => matches(mask, world.mask(user)));
}

function matches(mask: string, who: string): boolean {
  const pattern = mask
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${pattern}$`, 'i').test(who);
}

export function mode(world: World, user: User, line: ClientLine): undefined {
  const [target = '', changes, ...args] = line.params;
  if (!world.isChannel(target)) {
    if (changes === undefined) world.reply(user, '221', '+i');
    return;
  }
  const channel = world.channel(target);
  if (channel === undefined) world.reply(user, '403', target, 'No such channel');
  else if (changes === undefined) {
    world.reply(user, '324', channel.name, ...shown(channel));
    world.reply(user, '329', channel.name, String(Math.floor(channel.created / 1_000)));
  } else if (/^\+?b$/.test(changes) && args.length === 0) {
    for (const mask of channel.bans) world.reply(user, '367', channel.name, mask);
    world.reply(user, '368', channel.name, 'End of channel ban list');
  } else if (rankIn(channel, user) < 2) {
    world.reply(user, '482', channel.name, "You're not channel operator");
  } else {
    changeModes(world, channel, user, changes, args);
  }
}

/** `user` undefined: the server does it. Tells the channel what really changed. */
export function changeModes(world: World, channel: Channel, user: User | undefined, changes: string, args: readonly string[]): void {
  const done: { sign: string; mode: string; arg: string | undefined }[] = [];
  const left = [...args];
  let sign = '+';
  for (const letter of changes) {
    if (letter === '+' || letter === '-') {
      sign = letter;
      continue;
    }
    const takesArg = /[ohvbk]/.test(letter) || (letter === 'l' && sign === '+');
    const arg = takesArg ? left.shift() : undefined;
    if (takesArg && arg === undefined) continue;
    const shownArg = apply(world, channel, user, sign === '+', letter, arg);
    if (shownArg !== false) done.push({ sign, mode: letter, arg: shownArg });
  }
  if (done.length === 0) return;
  const letters = done.map(({ sign, mode }, i) => (done[i - 1]?.sign === sign ? mode : sign + mode)).join('');
  const params = [channel.name, letters, ...done.flatMap(({ arg }) => (arg === undefined ? [] : [arg]))];
  world.toChannel(channel, { source: user, command: 'MODE', params });
}

/** False: nothing changed. */
function apply(
  world: World,
  channel: Channel,
  user: User | undefined,
  on: boolean,
  letter: string,
  arg: string | undefined,
): string | undefined | false {
  if (ranks[letter] !== undefined) {
    const member = world.user(arg ?? '');
    const modes = member === undefined ? undefined : channel.members.get(member);
    if (member === undefined || modes === undefined) {
      if (user !== undefined) world.reply(user, '441', arg ?? '', channel.name, "They aren't on that channel");
      return false;
    }
    if (modes.has(letter) === on) return false;
    if (on) modes.add(letter);
    else modes.delete(letter);
    return member.nick;
  }
  if (letter === 'b') {
    const mask = /[!@*]/.test(arg ?? '') ? (arg ?? '') : `${arg}!*@*`;
    if (channel.bans.has(mask) === on) return false;
    if (on) channel.bans.add(mask);
    else channel.bans.delete(mask);
    return mask;
  }
  if (letter === 'k') {
    channel.key = on ? arg : undefined;
    return arg;
  }
  if (letter === 'l') {
    channel.limit = on ? Number(arg) || undefined : undefined;
    return on ? arg : undefined;
  }
  if (!/[imnprst]/.test(letter)) {
    if (user !== undefined) world.reply(user, '472', letter, 'is unknown mode char to me');
    return false;
  }
  if (channel.modes.has(letter) === on) return false;
  if (on) channel.modes.add(letter);
  else channel.modes.delete(letter);
  return undefined;
}

function shown(channel: Channel): string[] {
  const letters = [...channel.modes].sort().join('');
  const { key, limit } = channel;
  const args = [...(key === undefined ? [] : [key]), ...(limit === undefined ? [] : [String(limit)])];
  return [`+${letters}${key === undefined ? '' : 'k'}${limit === undefined ? '' : 'l'}`, ...args];
}
