// The contract of adapters as one suite, run over every network. A subject is an adapter connected to a network that the test
// rules: it lets native people act and shows what stands there. What a network cannot do may be skipped only as listed here.

import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import type { Adapter, ChannelId, Json, RemoteEvent, RemoteFile, RemoteUserId, Speaker, Style } from '#bridge-core';
import { chatCases } from './cases-chats.ts';
import { hearingCases } from './cases-hearing.ts';
import { ownChannelCases } from './cases-own-channels.ts';
import { placeCases } from './cases-places.ts';
import { speakingCases } from './cases-speaking.ts';
import { textCases } from './cases-text.ts';
import { troubleCases } from './cases-trouble.ts';
import { verbCases } from './cases-verbs.ts';
import { openStage } from './stage.ts';

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

export interface Subject {
  readonly adapter: Adapter<Json>;
  /** What came in by the inbox, in order. */
  readonly events: readonly RemoteEvent<Json>[];
  readonly connections: readonly { readonly speaker: Speaker; readonly state: string }[];
  /** As people write it. */
  readonly place: string;
  /** One that lets nobody of ours in, and one that no network could have. */
  readonly closedPlace: string;
  readonly impossiblePlace: string;
  /** Their own account, where the cases' people have not logged in at once. */
  logIn?(name: string): Promise<void>;
  /** A native in the place. */
  person(nick: string): Native;
  /** What stands in the place as natives see it, oldest first, formatting aside. */
  said(): readonly { readonly nick: string; readonly text: string; readonly style: Style }[];
  members(): readonly string[];
  /** What natives call whom the adapter knows by this id; ids may be folded. */
  nickOf(id: RemoteUserId): string;
  /** How a text calls them; as natives do unless said. */
  mentionOf?(id: RemoteUserId): string;
  /** What a body that is no text counts against `Fit.bytes`; the bytes of its words unless said. */
  bytesOf?(body: Json): number;
  /** A file that a native gave, as it is reported. */
  fileOf?(words: string): Promise<RemoteFile>;
  /** What does not exist there: who put somebody out, and why; messages that are notices; whose a new topic is; replies in a thread
   *  that are in the place too. */
  readonly lacks?: ReadonlySet<'kicks' | 'notices' | 'who set a topic' | 'broadcasts'>;
  topic(): string;
  /** What natives see of somebody or of a message, where the network shows it at all. */
  readonly see: {
    isRedacted?(text: string): boolean;
    reactions?(): readonly string[];
    isTyping?(nick: string): boolean;
    away?(nick: string): string | undefined;
    hasRead?(nick: string): boolean;
    title?(): string;
    isArchived?(): boolean;
    isInvited?(nick: string): boolean;
    isBanned?(nick: string): boolean;
    /** The texts of what is pinned. */
    pinned?(): readonly string[];
    /** In whose name a text stands there. */
    shownAs?(text: string): { readonly name: string; readonly avatar?: string | undefined } | undefined;
    /** The id of what began its thread. */
    threadOf?(text: string): string | undefined;
    /** Files that came from us, oldest first. */
    files?(): readonly { readonly name: string; readonly words: string }[];
  };
  /** Gives one of ours the power to moderate. */
  empower(nick: string): void;
  /** The connection of whoever of ours says the next message breaks, after it arrived or before. */
  cutNext(arrived: boolean): void;
  /** The whole network goes away; comes back. */
  down(): Promise<void>;
  up(): Promise<void>;
  openConnections(): number;
}

export interface Native {
  readonly nick: string;
  /** The id, where the network has such. */
  say(text: string, style?: Style, replyTo?: string): string | undefined;
  leave(): void;
  join(): void;
  rename(nick: string): void;
  setTopic(text: string): void;
  kick(nick: string, reason: string): void;
  /** Where bans are told of at once. */
  ban?(nick: string): void;
  unban?(nick: string): void;
  edit?(id: string, text: string): void;
  redact?(id: string): void;
  react?(id: string, emoji: string, on: boolean): void;
  type?(): void;
  /** In the thread that this began; `isBroadcast`: shown outside it too. */
  saysIn?(thread: string, text: string, isBroadcast: boolean): void;
  share?(file: { readonly name: string; readonly words: string }, text: string): void;
  pin?(id: string, on: boolean): void;
  call?(place: string): void;
  archive?(on: boolean): void;
  /** Private words that came. */
  told(): readonly string[];
}

export interface SubjectWish {
  readonly maxPuppets?: number;
}

/** Connected when given out; `t.after` ends it. */
export type Make = (t: TestContext, wish: SubjectWish) => Promise<Subject>;

export interface CaseTools {
  readonly t: TestContext;
  make(wish?: SubjectWish): Promise<Stage>;
  /** Not for this network; ends the case. */
  skip(reason: string): never;
}

/** A subject whose bot is up and watches the place. */
export interface Stage extends Subject {
  readonly channel: ChannelId;
}

export interface Case {
  readonly name: string;
  run(tools: CaseTools): Promise<void>;
}

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
    test(`${name}: ${each.name}`, { timeout: 30_000 }, async (t) => {
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
