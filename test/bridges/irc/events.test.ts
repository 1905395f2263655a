// What lines mean, as events: each shape that servers send, and those that mean nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelId } from '#bridge-core';
import {
  type Hearing,
  membershipEvent,
  netsplitSides,
  readCtcp,
  redactionEvent,
  renameEvent,
  spokenEvent,
  taggedEvent,
  timeOf,
  topicEvent,
} from '../../../bridges/irc/events.ts';
import type { IrcLine } from '../../../bridges/irc/wire/connection.ts';
import { parseLine } from '../../../bridges/irc/wire/message.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const hearing: Hearing = { network: 'net', channel: channelId('net/#chan'), fold: (nick) => nick.toLowerCase(), now: () => now };
const line = (text: string): IrcLine => parseLine(text);
const zoe = { id: 'net/zoe', name: 'Zoe', fields: { network: 'net', nick: 'zoe' } };

test('speech is text, emote or notice', () => {
  const spoken = (text: string) => spokenEvent(line(`:Zoe!z@host ${text}`), hearing);
  assert.deepEqual(spoken('PRIVMSG #chan :hello'), {
    kind: 'message',
    at: now,
    channel: 'net/#chan',
    sender: zoe,
    body: 'hello',
    style: 'text',
  });
  const styles = ['NOTICE #chan :psst', 'PRIVMSG #chan :\u0001ACTION waves\u0001', 'PRIVMSG #chan :\u0001ACTION cut off'].map(spoken);
  assert.deepEqual(
    styles.map((event) => (event?.kind === 'message' ? [event.style, event.body] : event)),
    [
      ['notice', 'psst'],
      ['emote', 'waves'],
      ['emote', 'cut off'],
    ],
  );
});

test('what shows nothing says nothing', () => {
  for (const words of ['', '\u0002\u000f', '\u000304,05\u0003', '\u0001ACTION \u0001', '\u0001ACTION \u0002\u0001'])
    assert.equal(spokenEvent(line(`:Zoe!z@host PRIVMSG #chan :${words}`), hearing), undefined, JSON.stringify(words));
  assert.ok(spokenEvent(line(':Zoe!z@host PRIVMSG #chan :\u0002x'), hearing) !== undefined);
});

test('colours and other codes stay in the body; CTCP and nothing at all do not become messages', () => {
  const spoken = (text: string) => spokenEvent(line(`:Zoe!z@host ${text}`), hearing);
  const event = spoken('PRIVMSG #chan :\u000304red\u0003 \u0002bold');
  assert.equal(event?.kind === 'message' && event.body, '\u000304red\u0003 \u0002bold');
  for (const text of ['VERSION', 'ACTIONS speak', 'DCC SEND x', 'ACTION', 'ACTION ', '']) {
    assert.equal(spoken(`PRIVMSG #chan :\u0001${text}\u0001`), undefined, text);
  }
  assert.equal(spoken('NOTICE #chan :\u0001ACTION waves\u0001'), undefined);
  assert.equal(spoken('PRIVMSG #chan :'), undefined);
  assert.equal(spokenEvent(line(':irc.example.net NOTICE #chan :from the server'), hearing), undefined);
});

test('ids and replies come from tags', () => {
  const event = spokenEvent(line('@msgid=abc;+draft/reply=xyz :Zoe!z@host PRIVMSG #chan :yes'), hearing);
  assert.ok(event?.kind === 'message');
  assert.deepEqual([event.id, event.replyTo], ['abc', 'xyz']);
  const both = spokenEvent(line('@+reply=new;+draft/reply=old :Zoe!z@host PRIVMSG #chan :yes'), hearing);
  assert.equal(both?.kind === 'message' && both.replyTo, 'new');
});

test('reactions and typing', () => {
  const tagged = (tags: string) => taggedEvent(line(`@${tags} :Zoe!z@host TAGMSG #chan`), hearing);
  const base = { at: now, channel: 'net/#chan', sender: zoe };
  assert.deepEqual(tagged('msgid=r;+draft/react=👍;+draft/reply=m'), {
    kind: 'reaction',
    ...base,
    id: 'r',
    target: 'm',
    emoji: '👍',
    on: true,
  });
  assert.deepEqual(tagged('+draft/unreact=👍;+reply=m'), { kind: 'reaction', ...base, target: 'm', emoji: '👍', on: false });
  assert.equal(tagged('+draft/react=👍'), undefined, 'to nothing');
  assert.deepEqual(tagged('+typing=active'), { kind: 'typing', ...base, on: true });
  assert.deepEqual(tagged('+typing=paused'), { kind: 'typing', ...base, on: false });
  assert.equal(tagged('+typing=maybe'), undefined);
  assert.equal(tagged('+example.org/other=1'), undefined);
});

test('comings and goings', () => {
  const told = (text: string) => {
    const event = membershipEvent(line(text), hearing);
    return event?.kind === 'membership' ? [event.user.name, event.change, event.by?.name, event.reason, event.netsplit] : event;
  };
  assert.deepEqual(told(':Zoe!z@h JOIN #chan'), ['Zoe', 'join', undefined, undefined, undefined]);
  assert.deepEqual(told(':Zoe!z@h JOIN #chan account :Real Name'), ['Zoe', 'join', undefined, undefined, undefined]);
  assert.deepEqual(told(':Zoe!z@h PART #chan :bye'), ['Zoe', 'leave', undefined, 'bye', undefined]);
  assert.deepEqual(told(':Zoe!z@h QUIT :Quit: gone'), ['Zoe', 'leave', undefined, 'Quit: gone', undefined]);
  assert.deepEqual(told(':Op!o@h KICK #chan Zoe :rude'), ['Zoe', 'kick', 'Op', 'rude', undefined]);
  assert.deepEqual(told(':irc.example.net KICK #chan Zoe :by the server'), ['Zoe', 'kick', undefined, 'by the server', undefined]);
  assert.deepEqual(told(':Zoe!z@h QUIT :a.example.net b.example.net'), [
    'Zoe',
    'leave',
    undefined,
    'netsplit: a.example.net b.example.net',
    true,
  ]);
  assert.equal(told(':Op!o@h KICK #chan'), undefined);
});

test('a netsplit is two servers and nothing else', () => {
  for (const reason of ['irc1.test irc2.test', '*.net *.split', 'a-b.example.org c.d.example.com']) {
    assert.equal(netsplitSides(reason), reason);
  }
  for (const reason of ['Quit: a.b c.d', 'a.b c.d e.f', 'hello there', 'a.b a.b', 'http://x.y z.w', 'irc1.test', '', '1.2 3.4']) {
    assert.equal(netsplitSides(reason), undefined, reason);
  }
});

test('names, topics and redactions', () => {
  assert.deepEqual(renameEvent(line(':Zoe!z@h NICK :Zora'), hearing), {
    kind: 'profile',
    at: now,
    channel: 'net/#chan',
    user: { id: 'net/zora', name: 'Zora', fields: { network: 'net', nick: 'zora' } },
    was: zoe,
  });
  assert.deepEqual(topicEvent(line(':Zoe!z@h TOPIC #chan :News'), hearing), {
    kind: 'channel',
    at: now,
    channel: 'net/#chan',
    by: zoe,
    topic: 'News',
  });
  const redaction = redactionEvent(line(':Zoe!z@h REDACT #chan abc :oops'), hearing);
  assert.ok(redaction?.kind === 'redaction');
  assert.deepEqual([redaction.target, redaction.reason, redaction.sender?.id], ['abc', 'oops', 'net/zoe']);
});

test('the server says when, but not the future', () => {
  const at = (tag: string) => timeOf(line(`@time=${tag} :Zoe!z@h PRIVMSG #chan :x`), now);
  assert.equal(at('2025-12-31T23:59:59.500Z'), now - 500);
  assert.equal(at('2026-01-01T00:00:01.000Z'), now);
  assert.equal(at('yesterday'), now);
  assert.equal(at(''), now);
});

test('CTCP is read with and without its end', () => {
  assert.deepEqual(readCtcp('\u0001PING 123 4\u0001'), { verb: 'PING', rest: '123 4' });
  assert.deepEqual(readCtcp('\u0001version'), { verb: 'VERSION', rest: '' });
  assert.deepEqual(readCtcp('\u0001'), { verb: '', rest: '' });
  assert.equal(readCtcp('PING'), undefined);
});
