// The ids that the core stores and hands back: `T0001/C0001` for a channel, `T0001/U0001` for a person, the `ts` for a message.
// The team is the one through which we see them: in a shared channel people of other teams bear it too, so that one person in
// one channel is always one ghost. Nothing else in this folder takes an id apart.

import { type ChannelId, channelId, type RemoteMessageId, type RemoteUserId, remoteMessageId, remoteUserId } from '#bridge-core';

/** What a link of the old webhook pair belongs to where it names no team. */
export const webhookTeam = 'webhook';

export interface Place {
  readonly team: string;
  /** A channel's or a person's id in Slack. */
  readonly id: string;
}

export function makeChannelId(team: string, channel: string): ChannelId {
  return channelId(`${team}/${channel}`);
}

export function makeUserId(team: string, user: string): RemoteUserId {
  return remoteUserId(`${team}/${user}`);
}

export const makeMessageId = (ts: string): RemoteMessageId => remoteMessageId(ts);

export function parseId(id: ChannelId | RemoteUserId): Place {
  const slash = id.indexOf('/');
  return { team: id.slice(0, Math.max(slash, 0)), id: id.slice(slash + 1) };
}

export const isChannelIdText = (text: string): boolean => /^[CGD][A-Z0-9]{2,}$/.test(text);
export const isUserId = (text: string): boolean => /^[UW][A-Z0-9]{2,}$/.test(text);

/** Slack's `1700000000.000100` as ms since 1970. */
export function timeOf(ts: string): number {
  return Math.floor(Number(ts) * 1_000);
}

/** The other way round, for a question about a time: no message need bear it. */
export function tsOf(ms: number): string {
  return (Math.max(0, ms) / 1_000).toFixed(6);
}

/** As the templates `slack_{team}_{user}` and `slack_{team}_{channel}` have it: ids in Slack are capitals, names in Matrix are not. */
export function userFields(team: string, user: string): Readonly<Record<string, string>> {
  return { team: team.toLowerCase(), user: user.toLowerCase() };
}

export function channelFields(team: string, channel: string): Readonly<Record<string, string>> {
  return { team: team.toLowerCase(), channel: channel.toLowerCase() };
}
