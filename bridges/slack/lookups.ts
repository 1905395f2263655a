// Who and what is meant by fields from outside: of a name template (`team`, `user`) or of Matrix's third-party look-up. By shape alone:
// ids in Slack are capitals and digits, in Matrix's names they are small.

import type { ChannelId, Found, Lookups, RemoteUserId } from '#bridge-core';
import { channelFields, isChannelIdText, isUserId, makeChannelId, makeUserId, parseId, userFields } from './ids.ts';
import type { Team } from './team.ts';

type Fields = Readonly<Record<string, string>>;

export class SlackLookups implements Lookups {
  readonly userFields = ['team', 'user'];
  readonly locationFields = ['team', 'channel'];
  readonly fieldTypes = {
    team: { regexp: '[TEte][A-Za-z0-9]+', placeholder: 'T0001' },
    user: { regexp: '[UWBuwb][A-Za-z0-9]+', placeholder: 'U0001' },
    channel: { regexp: '[CGcg][A-Za-z0-9]+', placeholder: 'C0001' },
  };
  readonly #teams: ReadonlyMap<string, Team>;

  constructor(teams: ReadonlyMap<string, Team>) {
    this.#teams = teams;
  }

  networks() {
    return Array.from(this.#teams.values(), ({ id, identity }) => ({ id, name: identity?.name ?? id, domain: id.toLowerCase() }));
  }

  user({ team, user }: Fields): Found<RemoteUserId> | undefined {
    const of = this.#team(team);
    const id = user?.toUpperCase() ?? '';
    if (of === undefined || !(isUserId(id) || /^B[A-Z0-9]{2,}$/.test(id))) return undefined;
    return { id: makeUserId(of, id), fields: userFields(of, id) };
  }

  channel({ team, channel }: Fields): Found<ChannelId> | undefined {
    const of = this.#team(team);
    const id = channel?.toUpperCase() ?? '';
    return of === undefined || !isChannelIdText(id) ? undefined : { id: makeChannelId(of, id), fields: channelFields(of, id) };
  }

  fieldsOf(channel: ChannelId): Fields {
    const { team, id } = parseId(channel);
    return channelFields(team, id);
  }

  #team(name: string | undefined): string | undefined {
    const id = name?.toUpperCase();
    return id !== undefined && this.#teams.has(id) ? id : undefined;
  }
}
