// The contract of adapters as one suite, run over every network. A subject is an adapter connected to a network that the test
// rules: it lets native people act and shows what stands there. What a network cannot do may be skipped only as listed here.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { chatCases } from './cases-chats.ts';
import { hearingCases } from './cases-hearing.ts';
import { ownChannelCases } from './cases-own-channels.ts';
import { placeCases } from './cases-places.ts';
import { speakingCases } from './cases-speaking.ts';
import { textCases } from './cases-text.ts';
import { troubleCases } from './cases-trouble.ts';
import { verbCases } from './cases-verbs.ts';
import { openStage } from './stage.ts';
import type { Case, Make } from './subject.ts';

/** Subject, case, why it need not hold there. A skip that is not listed fails, and so does an entry that nothing skips. */
const permittedSkips: readonly (readonly [subject: string, name: string, reason: string])[] = [
  ...['irc', 'irc without capabilities'].flatMap((subject) => [
    [subject, 'verb edit', 'IRC has no way to change what was said'] as const,
    [subject, 'verb sent', 'IRC cannot be asked what arrived: an unknown outcome is sent once more'] as const,
    [subject, 'verb markRead', 'a read marker is the reader’s own on IRC, and nobody else sees it'] as const,
    [subject, 'edits of several parts', 'IRC has no way to change what was said'] as const,
    [subject, 'verb rename', 'a channel’s name is what it is on IRC'] as const,
    [subject, 'verb archive', 'IRC has no archive'] as const,
    [subject, 'verb invite', 'anybody of the network may come in'] as const,
    [subject, 'verb pin', 'IRC pins nothing'] as const,
    [subject, 'private chats', 'people have no account of their own there that the bridge could open a chat with'] as const,
    [subject, 'whom the bot speaks for', 'IRC shows a line under its sender’s own nick'] as const,
    [subject, 'threads', 'IRC has no threads'] as const,
    [subject, 'files given', 'people on IRC give addresses, not files'] as const,
    [subject, 'consent of the channel', 'linking is for the bridge’s admins alone on IRC'] as const,
    [subject, 'files', 'people on IRC give addresses, not files'] as const,
    [subject, 'files heard', 'people on IRC give addresses, not files'] as const,
    [subject, 'threads heard', 'IRC has no threads'] as const,
    [subject, 'pins heard', 'IRC pins nothing'] as const,
    [subject, 'another name, the end and the return of the place', 'a channel’s name is what it is on IRC, and it has no archive'] as const,
  ]),
  ...['irc', 'irc without capabilities', 'bare fake'].map(
    (subject) => [subject, 'channels of one’s own', 'no rooms of people’s own there'] as const,
  ),
  ...['slack by Socket Mode', 'slack over HTTP', 'slack by RTM'].flatMap((subject) => [
    [subject, 'who is put out is reported with the actor and the reason', 'Slack tells that they left, and no more'] as const,
    [subject, 'a session of ours that is put out is reported as well', 'Slack tells that they left, and no more'] as const,
    [subject, 'verb setPresence', 'only where an operator asks for it'] as const,
    [subject, 'names in a text', 'people are mentioned by their ids'] as const,
    [subject, 'another name is given on the wish of its person', 'people name themselves in Slack'] as const,
  ]),
  ...(
    [
      ['who is put out is reported with the actor and the reason', 'Gitter tells that they are gone, and no more'],
      ['a session of ours that is put out is reported as well', 'Gitter tells that they are gone, and no more'],
      ['verb setPresence', 'who has a room open is for its own clients to tell'],
      ['verb react', 'Gitter has no reactions: they are told in words'],
      ['verb type', 'Gitter tells nobody who is typing'],
      ['verb rename', 'a room’s name is where its project is'],
      ['verb archive', 'Gitter has no archive'],
      ['verb pin', 'Gitter pins nothing'],
      ['pins heard', 'Gitter pins nothing'],
      ['files heard', 'Gitter takes no files: people give addresses'],
      ['another name, the end and the return of the place', 'a room that is renamed is another link, and one that is gone is gone'],
      ['names in a text', 'the server says whom a text mentions'],
      ['files given', 'Gitter takes no files: they are shown by their address'],
      ['another name is given on the wish of its person', 'people name themselves'],
    ] as const
  ).map(([name, reason]) => ['gitter', name, reason] as const),
  ['slack by Socket Mode', 'verb type', 'no modern way of hearing carries it'],
  ['slack over HTTP', 'verb type', 'no modern way of hearing carries it'],
  ['irc without capabilities', 'verb redact', 'needs message-tags and draft/message-redaction'],
  ['irc without capabilities', 'verb react', 'needs message-tags'],
  ['irc without capabilities', 'verb type', 'needs message-tags'],
  ['irc without capabilities', 'ids of messages', 'needs message-tags'],
  ['irc without capabilities', 'what points at a message', 'needs message-tags'],
  ['irc without capabilities', 'history', 'needs draft/chathistory'],
  ['bare fake', 'verb sent', 'switched off'],
  ['bare fake', 'verb edit', 'switched off'],
  ['bare fake', 'verb redact', 'switched off'],
  ['bare fake', 'verb react', 'switched off'],
  ['bare fake', 'verb type', 'switched off'],
  ['bare fake', 'verb setTopic', 'switched off'],
  ['bare fake', 'verb kick', 'switched off'],
  ...['verb ban', 'verb unban'].flatMap((name) => [
    ['bare fake', name, 'switched off'] as const,
    ...['irc', 'irc without capabilities'].map((subject) => [subject, name, 'bans on IRC are of masks, which are nobody’s name'] as const),
    ...['slack by Socket Mode', 'slack over HTTP', 'slack by RTM'].map((subject) => [subject, name, 'Slack bans nobody'] as const),
  ]),
  ...[
    'edits of several parts',
    'verb rename',
    'verb archive',
    'verb invite',
    'verb pin',
    'whom the bot speaks for',
    'threads',
    'files given',
    'threads heard',
    'pins heard',
  ].map((name) => ['bare fake', name, 'switched off'] as const),
  ['bare fake', 'verb markRead', 'switched off'],
  ['bare fake', 'verb setPresence', 'switched off'],
  ['bare fake', 'ids of messages', 'switched off'],
  ['bare fake', 'what points at a message', 'switched off'],
  ['bare fake', 'history', 'switched off'],
  ['bare fake', 'names in a text', 'switched off'],
];

const cases: readonly Case[] = [
  ...placeCases,
  ...chatCases,
  ...ownChannelCases,
  ...textCases,
  ...speakingCases,
  ...hearingCases,
  ...verbCases,
  ...troubleCases,
];

class Skip extends Error {}

export function adapterContract(name: string, make: Make): void {
  const passed: string[] = [];
  const skipped = new Map<string, string>();
  const permitted = new Map(permittedSkips.filter(([subject]) => subject === name).map(([, of, reason]) => [of, reason]));
  for (const each of cases) {
    test(`${name}: ${each.name}`, { timeout: 180_000 }, async (t) => {
      try {
        await each.run({
          t,
          make: async (wish = {}) => await openStage(await make(t, wish)),
          skip: (reason) => {
            throw new Skip(reason);
          },
        });
        assert.ok(!permitted.has(each.name), 'listed as a skip, but it holds: take it off the list');
        passed.push(each.name);
      } catch (thrown) {
        if (!(thrown instanceof Skip)) throw thrown;
        const reason = permitted.get(each.name);
        assert.ok(reason !== undefined, `${each.name} is skipped (${thrown.message}), and no entry permits it`);
        skipped.set(each.name, reason);
        t.skip(reason);
      }
    });
  }
  after(() => {
    const reasons = [...skipped].map(([of, reason]) => `\n  skipped: ${of} – ${reason}`);
    console.log(`contract over ${name}: ${passed.length} of ${cases.length} passed, ${skipped.size} skipped${reasons.join('')}`);
  });
  test(`${name}: every permitted skip names a case`, () => {
    const names = new Set(cases.map((each) => each.name));
    for (const [subject, of] of permittedSkips) assert.ok(names.has(of), `${subject}: ${of}`);
  });
}
