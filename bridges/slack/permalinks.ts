// Slack's own addresses of channels and messages, `https://acme.slack.com/archives/C0001/p1700000000000100`: read and made by their
// shape. Of another channel than the one where it stands only what is public is known.

import type { ChannelId, Permalinks, Target } from '#bridge-core';
import { makeChannelId, makeMessageId, parseId } from './ids.ts';
import type { Team } from './team.ts';

export class SlackPermalinks implements Permalinks {
  readonly #teams: ReadonlyMap<string, Team>;

  constructor(parts: { readonly teams: ReadonlyMap<string, Team> }) {
    this.#teams = parts.teams;
  }

  read(address: string, here: ChannelId): Target | undefined {
    const place = /\/archives\/([CGD][A-Z0-9]{2,})(?:\/p(\d{10})(\d{6}))?\/?(?:[?#]|$)/.exec(address);
    const inApp = /^https:\/\/app\.slack\.com\/client\/([TE][A-Z0-9]+)\/([CGD][A-Z0-9]{2,})(?:\/p(\d{10})(\d{6}))?\/?(?:[?#]|$)/.exec(
      address,
    );
    const [id, seconds, rest] = inApp === null ? (place?.slice(1) ?? []) : inApp.slice(2);
    if (id === undefined) return undefined;
    const team = inApp === null ? this.#teamAt(address.slice(0, place?.index), here) : this.#teams.get(inApp[1] ?? '');
    if (team === undefined) return undefined;
    const channel = makeChannelId(team.id, id);
    if (!isKnownTo(here, channel, team)) return undefined;
    return { channel, ...(seconds !== undefined && { message: makeMessageId(`${seconds}.${rest}`) }) };
  }

  of({ channel, message, thread }: Target, here: ChannelId): string | undefined {
    const { team: teamId, id } = parseId(channel);
    const team = this.#teams.get(teamId);
    if (team?.identity === undefined || !isKnownTo(here, channel, team)) return undefined;
    const page = `${team.identity.url}archives/${id}`;
    if (message === undefined) return page;
    const root = thread ?? team.threads.rootOf(id, message);
    return `${page}/p${message.replace('.', '')}${root === message ? '' : `?thread_ts=${root}&cid=${id}`}`;
  }

  /** Of organisations, and of workspaces that share a channel: ids of channels are unique, so it is the one where it stands. */
  #teamAt(site: string, here: ChannelId): Team | undefined {
    const url = `${site}/`.toLowerCase();
    for (const team of this.#teams.values()) if (team.identity?.url.toLowerCase() === url) return team;
    return /^https:\/\/[\w-]+(?:\.enterprise)?\.slack\.com\/$/.test(url) ? this.#teams.get(parseId(here).team) : undefined;
  }
}

function isKnownTo(here: ChannelId, channel: ChannelId, team: Team): boolean {
  return channel === here || team.conversations.known(parseId(channel).id)?.kind === 'public';
}
