// What users say: PRIVMSG, NOTICE, TAGMSG and REDACT. Extensions: message-tags (client-only tags, with +typing, +draft/react and
// +draft/reply passing through), message-ids, echo-message, draft/message-redaction (ircv3.net).

import type { ClientLine } from './lines.ts';
import { isBanned, rankIn } from './modes.ts';
import type { Channel, Message, Stored, User, World } from './world.ts';

export function say(world: World, user: User, line: ClientLine): 'unanswered' | undefined {
  const { command, params, tags } = line;
  const [targets = '', given = ''] = params;
  if (targets === '') {
    world.reply(user, '411', `No recipient given (${command})`);
    return undefined;
  }
  if (command !== 'TAGMSG' && given === '') {
    world.reply(user, '412', 'No text to send');
    return undefined;
  }
  const text = world.faults.rewrite === undefined ? given : world.faults.rewrite(given);
  const own = Object.fromEntries(Object.entries(tags).filter(([name]) => name.startsWith('+')));
  let isAnswered = true;
  for (const target of targets.split(',')) {
    const message = { source: user, command, params: command === 'TAGMSG' ? [target] : [target, text], tags: own };
    if (!deliver(world, user, target, [message])) isAnswered = false;
  }
  return isAnswered ? undefined : 'unanswered';
}

/** One message, or the lines of a multiline one, to whom it is for and back to its sender. False: no answer is due. */
export function deliver(world: World, user: User, target: string, lines: readonly Message[]): boolean {
  const [first] = lines;
  const { faults } = world;
  if (first === undefined) return true;
  const name = target.replace(/^[@%+]+(?=[#&])/, '');
  const channel = world.channel(name);
  const isToChannel = world.isChannel(name);
  const person = isToChannel ? undefined : world.user(name);
  if (isToChannel && channel === undefined) {
    world.reply(user, '403', target, 'No such channel');
    return true;
  }
  if (!isToChannel && person === undefined) {
    world.reply(user, '401', target, 'No such nick/channel');
    return true;
  }
  if (channel !== undefined && !maySpeak(world, user, channel)) {
    world.reply(user, '404', target, 'Cannot send to channel');
    return true;
  }
  if (faults.swallow > 0) {
    faults.swallow--;
    return false;
  }
  const msgid = world.newId();
  const at = Date.now();
  const prefix = world.mask(user);
  const said = lines.map((line, i): Message => ({ ...line, at, prefix, ...(i === 0 ? { msgid } : {}) }));
  const receivers = channel === undefined ? [person as User] : [...channel.members.keys()].filter((member) => member !== user);
  for (const receiver of receivers) hand(world, receiver, said);
  const [opening, ...rest] = said;
  if (opening !== undefined && first.command !== 'TAGMSG') {
    world.remember(world.historyKey(name, user), { message: opening, msgid, at, rest, isRedacted: false });
  }
  if (faults.cutAfterMessage > 0) {
    faults.cutAfterMessage--;
    user.cut();
    return false;
  }
  if (faults.neverEcho) return false;
  if (user.has('echo-message') && person !== user) hand(world, user, said);
  if (person?.away !== undefined && first.command === 'PRIVMSG') world.reply(user, '301', person.nick, person.away);
  return true;
}

/** As the receiver can take it: draft/multiline as a batch, else its lines one by one without the empty ones. */
export function hand(world: World, receiver: User, lines: readonly Message[], within?: string): void {
  const [first] = lines;
  if (first === undefined || (first.command === 'TAGMSG' && !receiver.has('message-tags'))) return;
  const outer = within === undefined ? {} : { batch: within };
  if (lines.length === 1) {
    receiver.receive({ ...first, tags: { ...first.tags, ...outer } });
  } else if (receiver.has('draft/multiline') && receiver.has('batch')) {
    const batch = world.newId();
    const { 'draft/multiline-concat': _, ...tags } = first.tags ?? {};
    const opening = { ...first, command: 'BATCH', params: [`+${batch}`, 'draft/multiline', first.params[0] ?? ''] };
    receiver.receive({ ...opening, tags: { ...tags, ...outer } });
    for (const { msgid: _, ...line } of lines) {
      const concat = line.tags?.['draft/multiline-concat'];
      receiver.receive({ ...line, tags: { batch, ...(concat === undefined ? {} : { 'draft/multiline-concat': concat }) } });
    }
    receiver.receive({ source: undefined, command: 'BATCH', params: [`-${batch}`] });
  } else {
    for (const line of lines) {
      const { 'draft/multiline-concat': _, ...tags } = line.tags ?? {};
      if (line.params[1] !== '') receiver.receive({ ...line, tags: { ...tags, ...outer } });
    }
  }
}

function maySpeak(world: World, user: User, channel: Channel): boolean {
  if (rankIn(channel, user) > 0) return true;
  if (channel.modes.has('m') || (channel.modes.has('n') && !channel.members.has(user))) return false;
  return !isBanned(world, channel, user);
}

export function redact(world: World, user: User, line: ClientLine): undefined {
  const [target = '', msgid = '', reason] = line.params;
  const channel = world.channel(target);
  if (!user.has('draft/message-redaction')) {
    world.reply(user, '421', 'REDACT', 'Unknown command');
    return;
  }
  if (world.isChannel(target) ? channel?.members.has(user) !== true : world.user(target) === undefined) {
    world.fail(user, 'REDACT', 'INVALID_TARGET', target, `You cannot delete messages from ${target}`);
    return;
  }
  const stored = world.history.get(world.historyKey(target, user))?.find((each) => each.msgid === msgid);
  if (stored === undefined) {
    world.fail(user, 'REDACT', 'UNKNOWN_MSGID', target, msgid, 'This message does not exist or is too old');
    return;
  }
  if (!mayRedact(user, stored, channel)) {
    world.fail(user, 'REDACT', 'REDACT_FORBIDDEN', target, msgid, 'You are not authorised to delete this message');
    return;
  }
  stored.isRedacted = true;
  const message = { source: user, command: 'REDACT', params: [target, msgid, ...(reason === undefined ? [] : [reason])] };
  const hears = (each: User) => each.has('draft/message-redaction');
  if (channel !== undefined) world.toChannel(channel, message, hears);
  else for (const each of [world.user(target), user]) if (each !== undefined && hears(each)) each.receive(message);
}

function mayRedact(user: User, stored: Stored, channel: Channel | undefined): boolean {
  return stored.message.source === user || (channel !== undefined && rankIn(channel, user) >= 3);
}
