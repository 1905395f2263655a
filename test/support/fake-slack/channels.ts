// What can be done with channels, whoever does it: join, leave, invite, kick, name, describe, archive, share, read; each with its
// events and the message that stands in the channel for it. Rules as in the pages of conversations.*. Unverified: whether private
// channels of today say `group_*` in those messages, as old private groups did (a quirk), and the order of event and message.

import * as events from './inner-events.ts';
import type { Messages } from './messages.ts';
import type { Channel, ChannelKind, Team } from './model.ts';
import { channelShape } from './shapes.ts';
import { type Audience, isConnect, isDirect, SlackFault, teamsOf, type World } from './world.ts';

/** Slack's own word for it, in the API's terms (names of channels, docs.slack.dev/reference/methods/conversations.rename). */
export function checkName(name: string): void {
  if (name === '') throw new SlackFault('invalid_name_required');
  if (name.length > 80) throw new SlackFault('invalid_name_maxlength');
  if (!/[\p{L}\p{N}]/u.test(name)) throw new SlackFault('invalid_name_punctuation');
  if (/[^\p{L}\p{N}_-]/u.test(name) || name !== name.toLowerCase()) throw new SlackFault('invalid_name_specials');
}

export class Channels {
  readonly #world: World;
  readonly #messages: Messages;

  constructor(world: World, messages: Messages) {
    this.#world = world;
    this.#messages = messages;
  }

  create(team: Team, name: string, creator: string, kind: ChannelKind = 'channel', isGeneral = false): Channel {
    checkName(name);
    if (this.#world.channelNamed(team, name) !== undefined) throw new SlackFault('name_taken');
    const channel = this.#world.makeChannel({ kind, team, name, creator, members: [creator], isGeneral });
    if (kind === 'channel') this.#announce(events.created(this.#world, channel), this.#everybody(channel));
    return channel;
  }

  /** A direct message of two, or of three to nine: found, or made. */
  direct(team: Team, users: readonly string[], opener: string): { channel: Channel; isNew: boolean } {
    const known = this.#world.directBetween(team, users);
    if (known !== undefined) return { channel: known, isNew: false };
    const kind = users.length > 2 ? 'mpim' : 'im';
    const names = users.map((id) => this.#world.user(id).name);
    const name = kind === 'mpim' ? `mpdm-${names.join('--')}-1` : '';
    const channel = this.#world.makeChannel({ kind, team, name, creator: opener, members: users });
    if (kind === 'mpim') return { channel, isNew: true };
    for (const user of users) {
      this.#announce({ type: 'im_created', user, channel: { id: channel.id } }, { of: 'user', user, channel });
    }
    this.#announce(
      { type: 'im_open', user: opener, channel: channel.id, event_ts: this.#world.clock.ts() },
      { of: 'user', user: opener, channel },
    );
    return { channel, isNew: true };
  }

  join(channel: Channel, user: string, inviter?: string): void {
    if (channel.members.has(user)) return;
    channel.members.add(user);
    this.#announce(events.memberMoved(this.#world, channel, user, true, inviter), { of: 'channel', channel });
    this.#say(channel, user, 'join', `<@${user}> has joined the channel`, inviter === undefined ? {} : { inviter });
    const joined = channelShape(channel, user, channel.team);
    this.#announce(
      { type: channel.kind === 'channel' ? 'channel_joined' : 'group_joined', channel: joined },
      { of: 'user', user, channel },
    );
  }

  /** `actor` is another where they were removed. */
  leave(channel: Channel, user: string, actor = user): void {
    if (!channel.members.has(user)) return;
    this.#say(channel, user, 'leave', `<@${user}> has left the channel`);
    this.#announce(events.memberMoved(this.#world, channel, user, false), { of: 'channel', channel });
    const type = channel.kind === 'channel' ? 'channel_left' : 'group_left';
    this.#announce({ type, channel: channel.id, actor_id: actor, event_ts: this.#world.clock.ts() }, { of: 'user', user, channel });
    channel.members.delete(user);
  }

  rename(channel: Channel, name: string, user: string): void {
    checkName(name);
    if (name === channel.name) return;
    if (this.#world.channelNamed(channel.team, name) !== undefined) throw new SlackFault('name_taken');
    const old_name = channel.name;
    channel.previousNames.unshift(old_name);
    channel.name = name;
    this.#announce(events.renamed(this.#world, channel), this.#everybody(channel));
    this.#say(channel, user, 'name', `<@${user}> has renamed the channel from "${old_name}" to "${name}"`, { old_name, name });
  }

  describe(channel: Channel, what: 'topic' | 'purpose', value: string, user: string): void {
    if (value.length > 250) throw new SlackFault('too_long');
    if (channel[what].value === value) return;
    channel[what] = { value, creator: user, last_set: this.#world.clock.seconds() };
    const words = value === '' ? `cleared the channel ${what}` : `set the channel ${what}: ${value}`;
    this.#say(channel, user, what, `<@${user}> ${words}`, { [what]: value });
  }

  archive(channel: Channel, user: string): void {
    if (channel.isArchived) throw new SlackFault('already_archived');
    this.#say(channel, user, 'archive', `<@${user}> archived the channel`);
    channel.isArchived = true;
    this.#announce(events.archived(this.#world, channel, user, true), this.#everybody(channel));
  }

  unarchive(channel: Channel, user: string): void {
    if (!channel.isArchived) throw new SlackFault('not_archived');
    channel.isArchived = false;
    this.#announce(events.archived(this.#world, channel, user, false), this.#everybody(channel));
    this.#say(channel, user, 'unarchive', `<@${user}> un-archived the channel`);
  }

  /** It keeps its id. Unverified: what apps are told beside the message. */
  convert(channel: Channel, isPrivate: boolean, user: string): void {
    const words = isPrivate ? 'private' : 'public';
    if (isPrivate) this.#say(channel, user, 'convert_to_private', `<@${user}> made this channel ${words}`);
    channel.kind = isPrivate ? 'group' : 'channel';
    if (!isPrivate) this.#say(channel, user, 'convert_to_public', `<@${user}> made this channel ${words}`);
  }

  delete(channel: Channel, user: string): void {
    const { id, kind } = channel;
    const event_ts = this.#world.clock.ts();
    const event: events.InnerEvent =
      kind === 'channel'
        ? { type: 'channel_deleted', channel: id }
        : { type: 'group_deleted', channel: id, date_deleted: this.#world.clock.seconds(), actor_id: user, event_ts };
    this.#announce(event, this.#everybody(channel));
    this.#world.channels.delete(id);
  }

  /** With another workspace: by Slack Connect, or within the organisation. */
  share(channel: Channel, team: Team): void {
    channel.sharedWith.set(team.id, team);
    for (const [told, connected_team_id] of [
      [channel.team.id, team.id],
      [team.id, channel.team.id],
    ] as const) {
      const event = { type: 'channel_shared', connected_team_id, channel: channel.id, event_ts: this.#world.clock.ts() } as const;
      this.#announce(event, { of: 'team', teams: [told], channel });
    }
  }

  unshare(channel: Channel, team: Team): void {
    if (!channel.sharedWith.delete(team.id)) return;
    for (const user of channel.members) if (!this.#world.user(user).teams.has(channel.team.id)) channel.members.delete(user);
    const rest = { channel: channel.id, is_ext_shared: isConnect(channel), event_ts: this.#world.clock.ts() };
    const told = (teams: readonly string[], previously_connected_team_id: string) =>
      this.#announce({ type: 'channel_unshared', previously_connected_team_id, ...rest }, { of: 'team', teams, channel });
    told([channel.team.id], team.id);
    told([team.id], channel.team.id);
  }

  /** As when a shared channel's two halves become one. */
  changeId(channel: Channel): void {
    const old_channel_id = channel.id;
    this.#world.channels.delete(old_channel_id);
    channel.id = this.#world.id('C');
    this.#world.channels.set(channel.id, channel);
    const event = { type: 'channel_id_changed', old_channel_id, new_channel_id: channel.id, event_ts: this.#world.clock.ts() } as const;
    this.#announce(event, { of: 'team', teams: teamsOf(channel), channel });
  }

  mark(channel: Channel, user: string, ts: string): void {
    channel.readUntil.set(user, ts);
    const type = ({ channel: 'channel_marked', group: 'group_marked', im: 'im_marked', mpim: 'mpim_marked' } as const)[channel.kind];
    this.#announce({ type, channel: channel.id, ts }, { of: 'user', user, channel });
  }

  /** Told to the others in the channel, on RTM only. */
  type(channel: Channel, user: string, thread_ts?: string): void {
    this.#announce({ type: 'user_typing', channel: channel.id, user, thread_ts }, { of: 'channel', channel });
  }

  /** Changes of public channels are told to the whole workspace, of others to those within. */
  #everybody(channel: Channel): Audience {
    return channel.kind === 'channel' ? { of: 'team', teams: teamsOf(channel), channel } : { of: 'channel', channel };
  }

  #say(channel: Channel, user: string, what: string, text: string, extra: object = {}): void {
    if (isDirect(channel)) return;
    const prefix = channel.kind === 'channel' || what === 'name' ? 'channel' : this.#world.quirks.privateSubtypes;
    const team = this.#world.users.get(user)?.teamId ?? channel.team.id;
    this.#messages.post({ channel, user, team, text, subtype: `${prefix}_${what}`, extra });
  }

  #announce(event: events.InnerEvent, audience: Audience): void {
    if ('channel' in audience && audience.channel !== undefined) audience.channel.updated = this.#world.clock.now();
    this.#world.announce(event, audience);
  }
}
