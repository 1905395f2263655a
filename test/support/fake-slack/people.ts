// What changes of people and workspaces: profiles, pictures, presence, emoji, usergroups, names; each with its events. Follows
// docs.slack.dev/reference/events/user_change, team_join, emoji_changed, subteam_*, team_rename, presence_change.

import type { InnerEvent } from './inner-events.ts';
import type { Picture, Team, User, Usergroup } from './model.ts';
import { usergroupShape, userInEvent } from './shapes.ts';
import { SlackFault, type World } from './world.ts';

export interface ProfileChange {
  readonly name?: string;
  readonly realName?: string;
  readonly displayName?: string;
  readonly title?: string;
  readonly status?: { readonly text: string; readonly emoji: string };
}

export class People {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  arrive(user: User): void {
    const event: InnerEvent = {
      type: 'team_join',
      user: userInEvent(this.#world, user),
      cache_ts: this.#world.clock.seconds(),
      event_ts: this.#world.clock.ts(),
    };
    this.#tell([...user.teams], event);
  }

  change(user: User, change: ProfileChange): void {
    Object.assign(user, change);
    this.#changed(user);
  }

  /** None: back to the picture that Slack makes. */
  setAvatar(user: User, picture: Omit<Picture, 'hash'> | undefined): void {
    user.avatar = picture === undefined ? undefined : { ...picture, hash: this.#world.secret(6) };
    this.#changed(user);
  }

  deactivate(user: User): void {
    user.isDeleted = true;
    this.#changed(user);
  }

  setPresence(user: User, presence: 'active' | 'away', isByHand: boolean): void {
    const isNew = user.presence !== presence;
    user.presence = presence;
    if (isByHand) this.#world.announce({ type: 'manual_presence_change', presence }, { of: 'user', user: user.id });
    if (isNew) this.#tell([...user.teams], { type: 'presence_change', user: user.id, presence });
  }

  addEmoji(team: Team, name: string, value: string): void {
    team.emoji.set(name, value);
    this.#tell([team.id], { type: 'emoji_changed', subtype: 'add', name, value, event_ts: this.#world.clock.ts() });
  }

  /** Its aliases go with it. */
  removeEmoji(team: Team, name: string): void {
    const names = [name, ...[...team.emoji].filter(([, value]) => value === `alias:${name}`).map(([alias]) => alias)];
    for (const gone of names) team.emoji.delete(gone);
    this.#tell([team.id], { type: 'emoji_changed', subtype: 'remove', names, event_ts: this.#world.clock.ts() });
  }

  renameEmoji(team: Team, old_name: string, new_name: string): void {
    const value = team.emoji.get(old_name);
    if (value === undefined) throw new SlackFault('emoji_not_found');
    team.emoji.delete(old_name);
    team.emoji.set(new_name, value);
    this.#tell([team.id], { type: 'emoji_changed', subtype: 'rename', old_name, new_name, value, event_ts: this.#world.clock.ts() });
  }

  makeUsergroup(team: Team, creator: string, handle: string, name: string, users: readonly string[]): Usergroup {
    const created = this.#world.clock.seconds();
    const group = {
      id: this.#world.id('S'),
      teamId: team.id,
      name,
      handle,
      users: [...users],
      createdBy: creator,
      created,
      updated: created,
    };
    team.usergroups.set(group.id, group);
    this.#tell([team.id], {
      type: 'subteam_created',
      subteam: { ...usergroupShape(group, false), users: group.users },
      event_ts: this.#world.clock.ts(),
    });
    return group;
  }

  setUsergroup(team: Team, group: Usergroup, users: readonly string[]): void {
    const [before, now] = [new Set(group.users), new Set(users)];
    const added_users = users.filter((user) => !before.has(user));
    const removed_users = group.users.filter((user) => !now.has(user));
    const date_previous_update = group.updated;
    group.users = [...users];
    group.updated = this.#world.clock.seconds();
    this.#tell([team.id], {
      type: 'subteam_updated',
      subteam: { ...usergroupShape(group, false), users: group.users },
      event_ts: this.#world.clock.ts(),
    });
    const dates = { date_previous_update, date_update: group.updated };
    const counts = { added_users_count: added_users.length, removed_users_count: removed_users.length };
    const rest = { subteam_id: group.id, team_id: team.id, ...dates, ...counts, event_ts: this.#world.clock.ts() };
    this.#tell([team.id], { type: 'subteam_members_changed', added_users, removed_users, ...rest });
  }

  renameTeam(team: Team, name: string): void {
    team.name = name;
    this.#tell([team.id], { type: 'team_rename', name });
  }

  moveTeam(team: Team, domain: string): void {
    team.domain = domain;
    this.#tell([team.id], { type: 'team_domain_change', url: `${this.#world.origin}/workspaces/${domain}/`, domain });
  }

  #changed(user: User): void {
    const world = this.#world;
    user.updated = world.clock.seconds();
    const told = { user: userInEvent(world, user), cache_ts: user.updated, event_ts: world.clock.ts() };
    this.#tell([...user.teams], { type: 'user_change', ...told });
    const profile = { huddle_state: 'default_unset', huddle_state_expiration_ts: 0, ...told.user.profile };
    this.#tell([...user.teams], { type: 'user_profile_changed', ...told, user: { ...told.user, profile } });
  }

  #tell(teams: readonly string[], event: InnerEvent): void {
    this.#world.announce(event, { of: 'team', teams });
  }
}
