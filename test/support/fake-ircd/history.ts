// What was said before: draft/chathistory (BEFORE, AFTER, LATEST, AROUND, BETWEEN, TARGETS, by msgid and timestamp) and
// draft/read-marker (ircv3.net). Redacted messages are left out.

import type { ClientLine } from './lines.ts';
import { hand } from './speech.ts';
import type { Stored, User, World } from './world.ts';

const most = 100;
const timestamp = /^timestamp=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

export function chatHistory(world: World, user: User, line: ClientLine): undefined {
  const [verb = '', target = '', ...rest] = line.params;
  const sub = verb.toUpperCase();
  if (!user.has('draft/chathistory')) {
    world.reply(user, '421', 'CHATHISTORY', 'Unknown command');
    return;
  }
  const limit = Number(rest.at(-1));
  const points = sub === 'TARGETS' ? [target, ...rest.slice(0, -1)] : rest.slice(0, -1);
  const expected = sub === 'BETWEEN' || sub === 'TARGETS' ? 2 : 1;
  if (!['BEFORE', 'AFTER', 'LATEST', 'AROUND', 'BETWEEN', 'TARGETS'].includes(sub)) {
    world.fail(user, 'CHATHISTORY', 'INVALID_PARAMS', verb, 'Unknown command');
    return;
  }
  if (points.length !== expected || !Number.isInteger(limit)) {
    world.fail(user, 'CHATHISTORY', 'INVALID_PARAMS', verb, points.length < expected ? 'Insufficient parameters' : 'Too many parameters');
    return;
  }
  if (sub === 'TARGETS') {
    tellTargets(world, user, points, Math.min(limit, most));
    return;
  }
  if (world.isChannel(target) && world.channel(target)?.members.has(user) !== true) {
    world.fail(user, 'CHATHISTORY', 'INVALID_TARGET', verb, target, 'Messages could not be retrieved');
    return;
  }
  const said = world.history.get(world.historyKey(target, user)) ?? [];
  const places = points.map((point) => placeOf(said, point));
  const unknown = places.indexOf(undefined);
  if (unknown >= 0) {
    world.fail(user, 'CHATHISTORY', 'INVALID_PARAMS', verb, points[unknown] ?? '', 'Invalid timestamp or msgid');
    return;
  }
  const [from, to] = places;
  const found = select(said, sub, from, to, Math.min(limit || most, most)).filter((each) => !each.isRedacted);
  const batch = world.newId();
  const name = world.channel(target)?.name ?? world.user(target)?.nick ?? target;
  if (user.has('batch')) world.reply(user, 'BATCH', `+${batch}`, 'chathistory', name);
  for (const each of found) hand(world, user, [each.message, ...each.rest], batch);
  if (user.has('batch')) world.reply(user, 'BATCH', `-${batch}`);
}

/** Between two messages: how many stand before the point, and how many up to and with it. */
interface Place {
  readonly before: number;
  readonly through: number;
}

function placeOf(said: readonly Stored[], point: string): Place | undefined {
  if (point === '*') return { before: 0, through: 0 };
  if (point.startsWith('msgid=')) {
    const at = said.findIndex((each) => each.msgid === point.slice(6));
    return at < 0 ? undefined : { before: at, through: at + 1 };
  }
  if (!timestamp.test(point)) return undefined;
  const time = Date.parse(point.slice('timestamp='.length));
  return { before: said.filter((each) => each.at < time).length, through: said.filter((each) => each.at <= time).length };
}

function select(said: readonly Stored[], sub: string, from: Place | undefined, to: Place | undefined, limit: number): readonly Stored[] {
  if (from === undefined) return [];
  switch (sub) {
    case 'BEFORE':
      return said.slice(Math.max(0, from.before - limit), from.before);
    case 'AFTER':
      return said.slice(from.through, from.through + limit);
    case 'LATEST':
      return said.slice(from.through).slice(-limit);
    case 'AROUND': {
      const start = Math.max(0, from.before - Math.floor(limit / 2));
      return said.slice(start, start + limit);
    }
    default:
      if (to === undefined) return [];
      // Counted from the first point on, which may be the later one.
      if (from.before <= to.before) return said.slice(from.through, to.before).slice(0, limit);
      return said.slice(to.through, from.before).slice(-limit);
  }
}

function tellTargets(world: World, user: User, points: readonly string[], limit: number): void {
  const [one = 0, other = 0] = points.map((point) => Date.parse(point.replace('timestamp=', '')));
  const batch = world.newId();
  const me = world.fold(user.nick);
  if (user.has('batch')) world.reply(user, 'BATCH', `+${batch}`, 'draft/chathistory-targets');
  const found: { name: string; at: number }[] = [];
  for (const [key, said] of world.history) {
    const names = key.split(' ');
    const isMine = world.isChannel(key) ? world.channel(key)?.members.has(user) === true : names.includes(me);
    const at = said.at(-1)?.at ?? 0;
    if (!isMine || at <= Math.min(one, other) || at >= Math.max(one, other)) continue;
    found.push({ name: world.channel(key)?.name ?? names.find((each) => each !== me) ?? me, at });
  }
  for (const { name, at } of found.sort((a, b) => a.at - b.at).slice(0, limit)) {
    user.receive({ source: undefined, command: 'CHATHISTORY', params: ['TARGETS', name, new Date(at).toISOString()], tags: { batch } });
  }
  if (user.has('batch')) world.reply(user, 'BATCH', `-${batch}`);
}

function markerKey(world: World, user: User, target: string): string {
  return `${world.fold(user.account ?? user.nick)} ${world.fold(target)}`;
}

export function markerAtJoin(world: World, user: User, channel: string): void {
  world.reply(user, 'MARKREAD', channel, world.readMarkers.get(markerKey(world, user, channel)) ?? '*');
}

export function markRead(world: World, user: User, line: ClientLine): undefined {
  const [target, given] = line.params;
  if (!user.has('draft/read-marker')) {
    world.reply(user, '421', 'MARKREAD', 'Unknown command');
    return;
  }
  if (target === undefined) {
    world.fail(user, 'MARKREAD', 'NEED_MORE_PARAMS', 'Missing parameters');
    return;
  }
  const key = markerKey(world, user, target);
  if (given !== undefined) {
    if (!timestamp.test(given)) {
      world.fail(user, 'MARKREAD', 'INVALID_PARAMS', given, 'Invalid parameters');
      return;
    }
    // It only ever increases; ISO times of one length compare as texts.
    if (given > (world.readMarkers.get(key) ?? '')) world.readMarkers.set(key, given);
  }
  world.reply(user, 'MARKREAD', target, world.readMarkers.get(key) ?? '*');
}
