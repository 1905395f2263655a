// Somebody in Slack's own client: does what a person does there, and sees what they would see. Nothing of it goes over the Web API, so no
// scope and no rate holds it back; what Slack forbids to a person it forbids here too.

import type { Recorded, Search } from '../fake-services/recorded.ts';
import { patience } from '../waiting.ts';
import type { Ephemeral } from './call.ts';
import type { Channels } from './channels.ts';
import type { Files } from './files.ts';
import type { CommandResult, Interactivity } from './interactivity.ts';
import { type HistoryMessage, inHistory } from './message-shapes.ts';
import type { Messages } from './messages.ts';
import type { Attachment, Blocks, Channel, Message, Team, User } from './model.ts';
import type { OAuth } from './oauth-page.ts';
import type { People, ProfileChange } from './people.ts';
import type { Tokens } from './tokens.ts';
import { SlackFault, type World } from './world.ts';

export interface PersonParts {
  readonly world: World;
  readonly messages: Messages;
  readonly channels: Channels;
  readonly people: People;
  readonly files: Files;
  readonly tokens: Tokens;
  readonly oauth: OAuth;
  readonly interactivity: Interactivity;
  readonly ephemerals: Recorded<Ephemeral>;
  /** A line for every happening, for `waitForMessage`. */
  readonly happenings: Recorded<string>;
}

/** A channel, its id or its name; a person for the direct message with them. */
export type Place = Channel | Person | User | string;

export interface Saying {
  /** A message of the thread. */
  readonly thread?: string;
  /** "Also send to channel". */
  readonly isBroadcast?: boolean;
  readonly blocks?: Blocks;
  readonly attachments?: readonly Attachment[];
}

export interface Upload {
  readonly name: string;
  readonly bytes: Buffer;
  readonly comment?: string;
  readonly thread?: string;
  readonly title?: string;
  readonly altText?: string;
  readonly isSnippet?: boolean;
}

export class Person {
  readonly user: User;
  readonly #parts: PersonParts;

  constructor(parts: PersonParts, user: User) {
    this.#parts = parts;
    this.user = user;
  }

  get id(): string {
    return this.user.id;
  }

  /** The message's `ts`. The text is in Slack's own markup, with its escapes. */
  say(place: Place, text: string, { thread, isBroadcast, blocks, attachments }: Saying = {}): string {
    const channel = this.#speakable(place);
    const { id, teamId } = this.user;
    const unfurls = { links: true, media: true };
    const clientMsgId = this.#parts.world.uuid();
    const draft = { channel, user: id, team: teamId, text, threadTs: thread, isBroadcast, blocks, attachments, clientMsgId, unfurls };
    return this.#parts.messages.post(draft).ts;
  }

  reply(place: Place, thread: string, text: string, isBroadcast = false): string {
    return this.say(place, text, { thread, isBroadcast });
  }

  /** `/me` */
  me(place: Place, text: string): string {
    const channel = this.#speakable(place);
    return this.#parts.messages.post({ channel, user: this.id, team: this.user.teamId, text, subtype: 'me_message' }).ts;
  }

  edit(place: Place, ts: string, text: string): void {
    const message = this.#own(place, ts);
    this.#parts.messages.edit(message, this.id, { text });
  }

  delete(place: Place, ts: string): void {
    this.#parts.messages.delete(this.user.isAdmin ? this.#message(place, ts) : this.#own(place, ts));
  }

  react(place: Place, ts: string, name: string): void {
    this.#parts.messages.react(this.#message(place, ts), this.id, name);
  }

  unreact(place: Place, ts: string, name: string): void {
    this.#parts.messages.unreact(this.#message(place, ts), this.id, name);
  }

  pin(place: Place, ts: string): void {
    this.#parts.messages.pin(this.#message(place, ts), this.id);
  }

  unpin(place: Place, ts: string): void {
    this.#parts.messages.unpin(this.#message(place, ts), this.id);
  }

  /** The `ts` of the message and the id of the file. */
  upload(place: Place, { name, bytes, comment = '', thread, title, altText, isSnippet = false }: Upload): { ts: string; file: string } {
    const channel = this.#speakable(place);
    const { files, world } = this.#parts;
    const file = files.announce({ team: world.team(this.user.teamId), user: this.id, name, size: bytes.length, altText, isSnippet });
    files.receive(file, bytes);
    files.complete(file, title);
    const draft = { channel, user: this.id, team: this.user.teamId, text: comment, threadTs: thread, clientMsgId: world.uuid() };
    return { ts: files.share([file], draft), file: file.id };
  }

  deleteFile(id: string): void {
    const file = this.#parts.world.files.get(id);
    if (file === undefined || (file.user !== this.id && !this.user.isAdmin)) throw new SlackFault('cant_delete_file');
    this.#parts.files.delete(file);
  }

  createChannel(name: string, { isPrivate = false } = {}): Channel {
    const { channels, world } = this.#parts;
    const channel = channels.create(world.team(this.user.teamId), name, this.id, isPrivate ? 'group' : 'channel');
    return channel;
  }

  join(place: Place): void {
    const channel = this.#place(place);
    if (channel.kind !== 'channel') throw new SlackFault('method_not_supported_for_channel_type');
    if (channel.isArchived) throw new SlackFault('is_archived');
    this.#parts.channels.join(channel, this.id);
  }

  leave(place: Place): void {
    this.#parts.channels.leave(this.#place(place), this.id);
  }

  /** Bots too: that is how a bot comes into a private channel. */
  invite(place: Place, who: Person | User | string): void {
    const channel = this.#member(place);
    this.#parts.channels.join(channel, idOf(who), this.id);
  }

  kick(place: Place, who: Person | User | string): void {
    this.#parts.channels.leave(this.#member(place), idOf(who), this.id);
  }

  rename(place: Place, name: string): void {
    this.#parts.channels.rename(this.#member(place), name, this.id);
  }

  setTopic(place: Place, topic: string): void {
    this.#parts.channels.describe(this.#member(place), 'topic', topic, this.id);
  }

  setPurpose(place: Place, purpose: string): void {
    this.#parts.channels.describe(this.#member(place), 'purpose', purpose, this.id);
  }

  archive(place: Place): void {
    this.#parts.channels.archive(this.#member(place), this.id);
  }

  unarchive(place: Place): void {
    this.#parts.channels.unarchive(this.#place(place), this.id);
  }

  convert(place: Place, isPrivate: boolean): void {
    this.#parts.channels.convert(this.#member(place), isPrivate, this.id);
  }

  deleteChannel(place: Place): void {
    this.#parts.channels.delete(this.#place(place), this.id);
  }

  /** With one person or bot a direct message, with more a group one. */
  open(...others: readonly (Person | User | string)[]): Channel {
    const { channels, world } = this.#parts;
    const users = [...new Set([this.id, ...others.map(idOf)])];
    return channels.direct(world.team(this.user.teamId), users, this.id).channel;
  }

  typing(place: Place, thread?: string): void {
    this.#parts.channels.type(this.#member(place), this.id, thread);
  }

  mark(place: Place, ts: string): void {
    this.#parts.channels.mark(this.#member(place), this.id, ts);
  }

  change(profile: ProfileChange): void {
    this.#parts.people.change(this.user, profile);
  }

  setAvatar(bytes: Buffer | undefined, type = 'image/png'): void {
    this.#parts.people.setAvatar(this.user, bytes === undefined ? undefined : { bytes, type });
  }

  setPresence(presence: 'active' | 'away'): void {
    this.#parts.people.setPresence(this.user, presence, true);
  }

  /** By an admin. */
  deactivate(): void {
    this.#parts.people.deactivate(this.user);
  }

  /** `/name words`, typed in a channel. */
  command(place: Place, line: string): Promise<CommandResult> {
    const [, name = '', words = ''] = /^(\/\S+)\s*(.*)$/s.exec(line) ?? [];
    return this.#parts.interactivity.command(this.user, this.#member(place), name, words);
  }

  /** The error that the person sees, if any. */
  press(place: Place, ts: string, actionId: string): Promise<string | undefined> {
    const message = this.#message(place, ts);
    const button = buttonOf(message.blocks, actionId);
    if (button === undefined) throw new Error(`no button ${actionId} in the message`);
    return this.#parts.interactivity.press(this.user, message, button);
  }

  /** Agrees on the consent page; the address that the browser is sent to. */
  approve(authorizeUrl: string, { org = false } = {}): string {
    return this.#decide(authorizeUrl, 'allow', org);
  }

  deny(authorizeUrl: string): string {
    return this.#decide(authorizeUrl, 'deny', false);
  }

  /** Takes back what the person allowed an app, in Slack's settings. */
  revokeApp(app: { readonly id: string }): void {
    const tokens = [...this.#parts.world.tokens.values()].filter((token) => token.app.id === app.id && token.user === this.user);
    for (const token of tokens) this.#parts.tokens.revoke(token);
  }

  /** Messages of a channel as the person sees them, oldest first, threads apart. */
  sees(place: Place): HistoryMessage[] {
    return this.#member(place).timeline.main.map((message) => inHistory(this.#parts.world, message) as HistoryMessage);
  }

  texts(place: Place): string[] {
    return this.sees(place).map(({ text }) => text ?? '');
  }

  thread(place: Place, ts: string): HistoryMessage[] {
    const replies = this.#member(place).timeline.replies.get(ts) ?? [];
    return replies.map((message) => inHistory(this.#parts.world, message) as HistoryMessage);
  }

  /** In the channel or in one of its threads. */
  async waitForMessage(
    place: Place,
    fits: string | RegExp | ((message: HistoryMessage) => boolean),
    { timeout = patience }: Search = {},
  ): Promise<HistoryMessage> {
    const { world, happenings } = this.#parts;
    const shape = (message: Message) => inHistory(world, message) as HistoryMessage;
    const isIt = (message: Message) =>
      typeof fits === 'function' ? fits(shape(message)) : typeof fits === 'string' ? message.text === fits : fits.test(message.text);
    let found: Message | undefined;
    const look = () => {
      const channel = this.#find(place);
      found = channel?.members.has(this.id) ? [...channel.timeline.all.values()].findLast(isIt) : undefined;
      return found !== undefined;
    };
    const failure = () => `${this.user.name} did not see ${String(fits)}; the last were ${JSON.stringify(this.#lastOf(place))}`;
    await happenings.until(look, timeout, failure);
    return shape(found as unknown as Message);
  }

  /** What only this person was shown. */
  get ephemerals(): Ephemeral[] {
    return this.#parts.ephemerals.items.filter(({ user }) => user === this.id);
  }

  waitForEphemeral(fits: (ephemeral: Ephemeral) => boolean, search: Search = {}): Promise<Ephemeral> {
    return this.#parts.ephemerals.waitFor((ephemeral) => ephemeral.user === this.id && fits(ephemeral), search);
  }

  #lastOf(place: Place): object | undefined {
    return this.#find(place)
      ?.timeline.main.slice(-3)
      .map(({ ts, user, text }) => ({ ts, user, text }));
  }

  #decide(authorizeUrl: string, decision: string, org: boolean): string {
    const form = new URL(authorizeUrl).searchParams;
    form.set('person', this.id);
    form.set('decision', decision);
    if (org) form.set('org', '1');
    const { status, headers, body } = this.#parts.oauth.decide(form);
    if (status !== 302) throw new Error(`Slack shows an error: ${body}`);
    return headers.location ?? '';
  }

  #find(place: Place): Channel | undefined {
    const { world } = this.#parts;
    const team: Team = world.team(this.user.teamId);
    if (typeof place === 'string') return world.channels.get(place) ?? world.channelNamed(team, place.replace(/^#/, ''));
    if ('timeline' in place) return place;
    return world.directBetween(team, [...new Set([this.id, idOf(place)])]);
  }

  #place(place: Place): Channel {
    const found = this.#find(place);
    if (found !== undefined) return found;
    if (typeof place === 'string') throw new SlackFault('channel_not_found');
    return this.open(place as Person | User);
  }

  #member(place: Place): Channel {
    const channel = this.#place(place);
    if (!channel.members.has(this.id)) throw new SlackFault('not_in_channel');
    return channel;
  }

  #speakable(place: Place): Channel {
    const channel = this.#member(place);
    if (channel.isArchived) throw new SlackFault('is_archived');
    return channel;
  }

  #message(place: Place, ts: string): Message {
    return this.#parts.world.message(this.#member(place), ts);
  }

  #own(place: Place, ts: string): Message {
    const message = this.#message(place, ts);
    if (message.user !== this.id) throw new SlackFault('cant_update_message');
    return message;
  }
}

function idOf(who: Person | User | string): string {
  return typeof who === 'string' ? who : who.id;
}

type Button = { readonly action_id: string; readonly block_id: string } & Readonly<Record<string, unknown>>;

function buttonOf(blocks: Blocks | undefined, actionId: string): Button | undefined {
  for (const block of (blocks ?? []) as readonly { block_id?: string; elements?: readonly object[]; accessory?: object }[]) {
    const elements = [...(block.elements ?? []), ...(block.accessory === undefined ? [] : [block.accessory])];
    const found = elements.find((element) => 'action_id' in element && element.action_id === actionId);
    if (found !== undefined) return { action_id: actionId, ...found, block_id: block.block_id ?? 'block' };
  }
  return undefined;
}
