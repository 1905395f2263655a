// The old bridge's teams and rooms: bots' tokens, links, chats, and pairs of webhooks.

import { createHash } from 'node:crypto';
import { type ChannelId, type Inheritance, type InheritedLink, type RoomId, roomId, type UserId, userId } from '#bridge-core';
import { type Fields, textIn } from '../fields.ts';
import { makeChannelId, webhookTeam } from '../ids.ts';
import type { SlackSettings } from '../settings.ts';
import { isIncomingWebhook } from '../wire/response-url.ts';
import type { OldRow, OldStore } from './old-store.ts';
import { called, Table } from './taken.ts';

export interface OldTeam {
  readonly id: string;
  readonly name: string;
  /** `acme`: the old ghosts are called after it. */
  readonly domain: string | undefined;
  readonly botUser: string | undefined;
}

type Secret = Inheritance['secrets'][number];

export interface Teams {
  readonly table: Table;
  /** Those of the config too: links may lead to any of them. */
  readonly known: ReadonlyMap<string, OldTeam>;
  /** Whose bot speaks there from the beginning. */
  readonly speaking: ReadonlySet<string>;
  readonly secrets: readonly Secret[];
  readonly advice: readonly string[];
}

const isTeam = (id: string | undefined): id is string => id !== undefined && /^[TE][A-Z0-9]{2,}$/.test(id);
export const isToken = (token: string): boolean => /^xox[a-z](?:\.[a-z]+)?-[\w.-]+$/.test(token);

export function teamsOf(rows: readonly Fields[], settings: SlackSettings): Teams {
  const table = new Table('teams', rows.length, 'secrets');
  const known = new Map<string, OldTeam>();
  const speaking = new Set<string>();
  const secrets: Secret[] = [];
  const advice: string[] = [];
  for (const { id, botToken } of settings.teams) {
    known.set(id, { id, name: id, domain: undefined, botUser: undefined });
    if (botToken !== undefined) speaking.add(id);
  }
  for (const [index, row] of rows.entries()) {
    const id = textIn(row, 'id');
    const what = called(row.id, `row ${index + 1}`);
    if (!isTeam(id)) {
      table.fault(what, 'its id is none of a workspace (T…)');
      continue;
    }
    const [token, status] = [textIn(row, 'bot_token'), textIn(row, 'status')];
    known.set(id, { id, name: textIn(row, 'name') ?? id, domain: textIn(row, 'domain')?.toLowerCase(), botUser: textIn(row, 'user_id') });
    if (speaking.has(id)) table.leave(id, 'the config names a token of the bot there, which stays');
    else if (token === undefined || status === 'bad_auth' || status === 'archived') {
      secrets.push({ name: `bot ${id}`, value: JSON.stringify({ token: '' }) });
      const why = token === undefined ? 'missing' : `dead (${status})`;
      advice.push(`The token of ${id} is ${why}: install the app there, by \`install\` to the bot. Its links wait until then.`);
    } else if (!isToken(token)) table.fault(id, "its token has not the shape of one of Slack's");
    else {
      secrets.push({ name: `bot ${id}`, value: JSON.stringify({ token }) });
      speaking.add(id);
    }
  }
  return { table, known, speaking, secrets, advice };
}

export interface Rooms {
  readonly table: Table;
  readonly links: readonly InheritedLink[];
  readonly secrets: readonly Secret[];
  readonly advice: readonly string[];
  /** Where what was said in the room on this channel of Slack's went. Pairs of webhooks have no ids to point at. */
  channelOf(room: string, channel: string): ChannelId | undefined;
}

interface Reading {
  readonly teams: Teams;
  /** Old rooms name their team by its token. */
  readonly byToken: ReadonlyMap<string, string>;
  readonly bot: UserId;
  readonly isLoggedIn: (person: UserId) => boolean;
  /** Slack's own, and whatever else is served there. */
  readonly apiUrl: string;
}

export function roomsOf(rows: readonly OldRow[], old: OldStore, teams: Teams, given: Omit<Reading, 'teams' | 'byToken'>): Rooms {
  const table = new Table('rooms', rows.length, 'links');
  const [links, secrets, webhooks]: [InheritedLink[], Secret[], RoomId[]] = [[], [], []];
  const channels = new Map<string, ChannelId>();
  const reading: Reading = { ...given, teams, byToken: tokensOf(old.teams) };
  for (const [index, each] of rows.entries()) {
    const what = called(each.row.matrix_id, called(each.row.id, `row ${index + 1}`));
    const read = linkOf(each, reading);
    if ('isFault' in read) table.fault(what, read.why);
    else if ('why' in read) table.leave(what, read.why);
    else {
      links.push(read.link);
      if (read.secret === undefined) channels.set(`${read.link.room} ${read.channel}`, read.link.channel);
      else {
        secrets.push(read.secret);
        webhooks.push(read.link.room);
      }
    }
  }
  const advice = webhooks.map(
    (room) =>
      `${room} goes on by its webhooks. Its outgoing webhook is to post to <public_url>/slack/webhooks/${webhookOf(room)}/<the last part of the address that it posts to now>; change it in Slack.`,
  );
  return { table, links, secrets, advice, channelOf: (room, channel) => channels.get(`${room} ${channel}`) };
}

type Read =
  | { readonly link: InheritedLink; readonly channel: string; readonly secret?: Secret }
  | { readonly why: string; readonly isFault?: true };

function linkOf({ row, told }: OldRow, { teams, byToken, bot, apiUrl, isLoggedIn }: Reading): Read {
  const room = textIn(row, 'matrix_id');
  if (told === undefined) return { why: 'what it says of the channel (`json`) is broken', isFault: true };
  if (room === undefined || !/^![^\s]{1,254}$/.test(room)) return { why: 'its room has no id of a room (!…)', isFault: true };
  const [channel, incoming, inbound] = [textIn(told, 'id'), textIn(told, 'webhook_uri'), textIn(row, 'remote_id')];
  const team = textIn(told, 'slack_team_id') ?? byToken.get(textIn(told, 'slack_bot_token') ?? textIn(told, 'access_token') ?? '');
  if (team !== undefined && channel !== undefined && (teams.speaking.has(team) || incoming === undefined)) {
    if (!teams.known.has(team))
      return {
        why: `its workspace ${called(team, 'with a broken id')} is foreign: neither the old bridge nor the config knows it. Add it to slack.teams`,
        isFault: true,
      };
    if (!/^[CGD][A-Z0-9]{2,}$/.test(channel)) return { why: 'its channel has no id of Slack (C…, G…, D…)', isFault: true };
    const chat = chatOf(told, channel);
    if (chat?.people.some(isLoggedIn) === false)
      return { why: 'nobody of this private chat is logged in by it: once somebody is, its next word makes a room' };
    return { link: { room: roomId(room), channel: makeChannelId(team, channel), ...(chat && { chat }) }, channel };
  }
  if (incoming !== undefined && inbound !== undefined) {
    // Whoever could link rooms there could name any address, and we would post to it.
    if (!isIncomingWebhook(incoming, apiUrl))
      return {
        why: 'its incoming webhook is none of Slack’s. If it is to be trusted, as of a Mattermost of yours, name it in the config: slack.links, with webhook',
        isFault: true,
      };
    const name = webhookOf(roomId(room));
    const value = JSON.stringify({ incoming, outgoingToken: inbound, by: bot });
    const link = { room: roomId(room), channel: makeChannelId(webhookTeam, name) };
    return { link, channel: channel ?? '', secret: { name: `webhooks ${name}`, value, isOfLink: true } };
  }
  return { why: 'it was never tied to a channel' };
}

/** A direct or group chat of whoever spoke in it by their own login. */
function chatOf(told: Fields, channel: string): InheritedLink['chat'] {
  const [type, owner] = [textIn(told, 'slack_type'), textIn(told, 'puppet_owner')];
  const isChat = type === 'im' || type === 'mpim' || channel.startsWith('D');
  if (!isChat) return undefined;
  return { kind: type === 'mpim' ? 'group' : 'direct', people: owner === undefined ? [] : [userId(owner)] };
}

/** The same whenever it is asked for. */
const webhookOf = (room: RoomId): string => `w${createHash('sha256').update(room).digest('hex').slice(0, 18)}`;

function tokensOf(teams: readonly Fields[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const team of teams) {
    const [id, token] = [textIn(team, 'id'), textIn(team, 'bot_token')];
    if (id !== undefined && token !== undefined) found.set(token, id);
  }
  return found;
}
