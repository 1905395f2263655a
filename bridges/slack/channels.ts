// Channels as the core looks for them: by what people write, by id, by search; who is in them; and their consent to a link. A
// private channel is nothing to who is not in it: neither its name nor an error tells that there is one.

import {
  type Channel,
  type ChannelId,
  type Channels,
  type Chat,
  PermanentError,
  type RemoteUser,
  type RoomId,
  type UserId,
} from '#bridge-core';
import { readQuery } from './channel-names.ts';
import { type Consent, isIn } from './consent.ts';
import { type Conversation, topicOf } from './conversations.ts';
import { makeChannelId, parseId } from './ids.ts';
import { SlackPermalinks } from './permalinks.ts';
import type { Team } from './team.ts';
import type { Ask } from './users.ts';
import { isRefusal } from './wire/faults.ts';

export interface ChannelsParts {
  readonly teams: ReadonlyMap<string, Team>;
  readonly consent: Consent;
  /** Of channels that are known by their webhook alone. */
  readonly webhookName: (id: ChannelId) => string | undefined;
}

/** Many people's profiles are asked for so many at a time. */
const atOnce = 8;

export class SlackChannels implements Channels {
  readonly permalinks: SlackPermalinks;
  readonly #parts: ChannelsParts;

  constructor(parts: ChannelsParts) {
    this.#parts = parts;
    this.permalinks = new SlackPermalinks(parts);
  }

  async resolve(query: string, by?: UserId): Promise<Channel | undefined> {
    const asId = query.trim() as ChannelId;
    if (this.#parts.webhookName(asId) !== undefined) return this.describe(asId);
    const wanted = readQuery(query);
    if (wanted === undefined) return undefined;
    for (const team of this.#teamsCalled(wanted.team)) {
      const found = wanted.by === 'id' ? await this.#byId(team, wanted.id, by) : await this.#byName(team, wanted.name, by);
      if (found !== undefined) return this.describe(makeChannelId(team.id, found.id));
    }
    return undefined;
  }

  describe(id: ChannelId): Channel {
    const { team: teamId, id: channel } = parseId(id);
    const webhook = this.#parts.webhookName(id);
    if (webhook !== undefined)
      return { id, name: webhook, network: { id: teamId, name: 'Webhooks', domain: teamId.toLowerCase(), aliases: [] } };
    const team = this.#parts.teams.get(teamId);
    if (team === undefined) throw new PermanentError('CHANNEL_UNKNOWN', `there is no team ${teamId}`);
    const known = team.conversations.known(channel);
    const { identity } = team;
    const topic = known === undefined ? '' : topicOf(known);
    return {
      id,
      name: known === undefined ? channel : nameOf(known),
      network: {
        id: teamId,
        name: identity?.name ?? teamId,
        domain: teamId.toLowerCase(),
        aliases: identity === undefined ? [] : [identity.domain],
      },
      ...(topic !== '' && { topic }),
      ...(identity !== undefined && { url: `https://${identity.domain}/archives/${channel}` }),
      ...(known === undefined || identity === undefined ? { isUnknown: true } : {}),
      ...(known !== undefined && { kind: known.kind }),
    };
  }

  async *list(search?: string, { network, by }: { readonly network?: string; readonly by?: UserId } = {}): AsyncGenerator<Channel> {
    const wanted = search?.toLowerCase().replace(/^#/, '');
    const fits = ({ name, topic, purpose }: Conversation) =>
      wanted === undefined || `${name} ${topic} ${purpose}`.toLowerCase().includes(wanted);
    for (const team of this.#teamsCalled(network)) {
      for await (const each of team.conversations.list('conversations.list', 'public_channel')) {
        if (!fits(each)) continue;
        team.conversations.keep(each);
        yield this.describe(makeChannelId(team.id, each.id));
      }
      const account = by === undefined ? undefined : team.accountOf(by);
      if (account === undefined) continue;
      for await (const each of team.conversations.list('users.conversations', 'private_channel', account.ask as unknown as Ask)) {
        if (!fits(each)) continue;
        team.conversations.seen(each);
        yield this.describe(makeChannelId(team.id, each.id));
      }
    }
  }

  async *of(user: UserId): AsyncGenerator<Channel> {
    for (const team of this.#parts.teams.values()) {
      const account = team.accountOf(user);
      if (account === undefined) continue;
      const list = team.conversations.list('users.conversations', 'public_channel,private_channel', account.ask as unknown as Ask);
      for await (const each of list) {
        team.conversations.seen(each);
        yield this.describe(makeChannelId(team.id, each.id));
      }
    }
  }

  isIn(id: ChannelId, user: UserId): boolean | undefined {
    const { team, id: channel } = parseId(id);
    return this.#parts.teams.get(team)?.own.isIn(channel, user);
  }

  chat(id: ChannelId): Chat | undefined {
    const { team, id: channel } = parseId(id);
    return this.#parts.teams.get(team)?.chats.of(channel);
  }

  async *members(id: ChannelId, { withNames } = { withNames: true }): AsyncGenerator<RemoteUser> {
    const { team: teamId, id: channel } = parseId(id);
    const team = this.#parts.teams.get(teamId);
    if (team === undefined) return;
    const eyes = team.eyesOn(channel);
    let some: string[] = [];
    for await (const member of team.conversations.members(channel, eyes)) {
      if (!withNames) yield team.users.person(member);
      else some.push(member);
      if (some.length < atOnce) continue;
      yield* await people(team, some);
      some = [];
    }
    yield* await people(team, some);
  }

  approvePlumb(channel: ChannelId, requester: UserId, room: { readonly id: RoomId; readonly name?: string }): Promise<'granted' | 'asked'> {
    return this.#parts.consent.ask(channel, requester, room);
  }

  #teamsCalled(name: string | undefined): Team[] {
    const all = [...this.#parts.teams.values()].filter(({ isInstalled }) => isInstalled);
    if (name === undefined) return all;
    const wanted = name.toLowerCase();
    return all.filter(({ id, identity }) =>
      [id, identity?.name, identity?.domain, identity?.domain.split('.')[0]].some((each) => each?.toLowerCase() === wanted),
    );
  }

  /** Without `by` the bridge asks for itself, and may know whatever the bot does. */
  async #byId(team: Team, id: string, by: UserId | undefined): Promise<Conversation | undefined> {
    const account = by === undefined ? undefined : team.accountOf(by);
    const found =
      (await known(team.conversations.load(id))) ?? (account && (await known(team.conversations.load(id, account.ask as unknown as Ask))));
    if (found === undefined || by === undefined || found.kind === 'public') return found;
    return account !== undefined && (await isIn(team, account, id)) ? found : undefined;
  }

  async #byName(team: Team, name: string, by: UserId | undefined): Promise<Conversation | undefined> {
    for await (const each of team.conversations.list('conversations.list', 'public_channel')) {
      if (each.name !== name) continue;
      team.conversations.keep(each);
      return each;
    }
    const account = by === undefined ? undefined : team.accountOf(by);
    if (by !== undefined && account === undefined) return undefined;
    const eyes = account?.ask as unknown as Ask | undefined;
    for await (const each of team.conversations.list('users.conversations', 'private_channel', eyes)) {
      if (each.name !== name) continue;
      team.conversations.seen(each);
      return each;
    }
    return undefined;
  }
}

/** Undefined: for us there is none. */
async function known(asking: Promise<Conversation | undefined>): Promise<Conversation | undefined> {
  return await asking.catch((thrown) => {
    if (isRefusal(thrown)) return undefined;
    throw thrown;
  });
}

async function people(team: Team, ids: readonly string[]): Promise<RemoteUser[]> {
  await team.users.load(ids);
  return ids.map((id) => team.users.person(id));
}

function nameOf({ kind, name }: Conversation): string {
  return kind === 'direct' ? 'direct message' : kind === 'group' ? 'group message' : `#${name}`;
}
