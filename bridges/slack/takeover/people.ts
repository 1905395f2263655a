// The old bridge's people: ghosts, which keep their names though these say a workspace's domain and not its id; people's own
// tokens; their chats with the bot.

import { type Inheritance, type InheritedGhost, roomId, type UserId, userId } from '#bridge-core';
import { type Fields, textIn } from '../fields.ts';
import { isUserId, makeUserId, userFields } from '../ids.ts';
import type { OldRow } from './old-store.ts';
import { isToken, type OldTeam, type Teams } from './places.ts';
import { called, Table } from './taken.ts';

export interface Ghosts {
  readonly table: Table;
  readonly ghosts: readonly InheritedGhost[];
  /** The template that covers them all; undefined where there are none. */
  readonly template: string | undefined;
  ghostOf(team: string, user: string): UserId | undefined;
  nameOf(team: string, user: string): string | undefined;
}

interface Person {
  readonly ghost: UserId;
  readonly team: string;
  readonly user: string;
  readonly name: string | undefined;
  /** It is called after what the workspace's domain is now. */
  readonly isCurrent: boolean;
}

export function ghostsOf(rows: readonly OldRow[], teams: Teams, domain: string): Ghosts {
  const table = new Table('users', rows.length, 'ghosts');
  const people = new Map<string, Person>();
  const ghosts: InheritedGhost[] = [];
  const nobody = (ghost: UserId, why: string) => {
    ghosts.push({ ghost });
    table.leave(ghost, `${why}: it leaves the rooms that it is in`);
  };
  let template: string | undefined;
  for (const [index, { row, told }] of rows.entries()) {
    const id = textIn(row, 'id');
    if (row.isremote !== true) {
      table.leaveSome('of people of Matrix', 'nothing need be kept of them here');
      continue;
    }
    const parsed = parseGhost(id, domain);
    if (told === undefined || id === undefined || parsed === undefined) {
      const why = told === undefined ? 'what it says of the person (`json`) is broken' : `its id is none of a ghost on ${domain}`;
      table.fault(called(row.id, `row ${index + 1}`), why);
      continue;
    }
    const ghost = userId(id);
    const team = teamOf(told, parsed.rest, teams);
    const user = textIn(told, 'slack_id')?.toUpperCase() ?? parsed.user;
    template ??= templateOf(parsed.rest, team);
    if (team === undefined) {
      nobody(ghost, 'of which workspace its person is cannot be told');
      continue;
    }
    const person = { ghost, user, team: team.id, name: textIn(told, 'display_name'), isCurrent: isCalledAfter(parsed.rest, team) };
    const other = people.get(makeUserId(team.id, user));
    if (other !== undefined)
      nobody(person.isCurrent ? other.ghost : ghost, 'its person has another ghost, of the name that the workspace has now');
    if (other === undefined || person.isCurrent) people.set(makeUserId(team.id, user), person);
  }
  for (const { ghost, team, user, name } of people.values())
    ghosts.push({ ghost, of: { id: makeUserId(team, user), fields: userFields(team, user) }, ...(name !== undefined && { name }) });
  return {
    ...{ table, ghosts, template },
    ghostOf: (team, user) => people.get(makeUserId(team, user))?.ghost,
    nameOf: (team, user) => people.get(makeUserId(team, user))?.name,
  };
}

/** Matrix has no longer ones. */
const mostId = 255;

/** `@slack_acme_U0001:example.org` → `slack_acme`, `U0001`. */
function parseGhost(id: string | undefined, domain: string): { readonly rest: string; readonly user: string } | undefined {
  const match = /^@(.+)_([A-Z0-9]+)$/.exec(id?.endsWith(`:${domain}`) === true ? id.slice(0, -domain.length - 1) : '');
  return match === null || (id?.length ?? 0) > mostId ? undefined : { rest: match[1] ?? '', user: match[2] ?? '' };
}

/** People of other workspaces are seen through one of ours. */
function teamOf(told: Fields, rest: string, { known }: Teams): OldTeam | undefined {
  const named = known.get(textIn(told, 'team_id')?.toUpperCase() ?? '') ?? [...known.values()].find((team) => isCalledAfter(rest, team));
  const [only, ...more] = known.values();
  return named ?? (more.length === 0 ? only : undefined);
}

const isCalledAfter = (rest: string, { domain }: OldTeam): boolean =>
  domain !== undefined && (rest === domain || rest.endsWith(`_${domain}`));

/** The old prefix stands before the workspace's domain, which has no `_` in it. */
function templateOf(rest: string, team: OldTeam | undefined): string {
  const end = team !== undefined && isCalledAfter(rest, team) ? (team.domain?.length ?? 0) : rest.length - rest.lastIndexOf('_') - 1;
  return `${rest.slice(0, rest.length - end)}{team}_{user}`;
}

type Login = Inheritance['logins'][number];

export function loginsOf(
  rows: readonly Fields[],
  teams: Teams,
  ghosts: Ghosts,
): { readonly table: Table; readonly logins: readonly Login[] } {
  const table = new Table('puppets', rows.length, 'logins');
  const logins: Login[] = [];
  for (const [index, row] of rows.entries()) {
    const [team, user, person, token] = ['slackteam', 'slackuser', 'matrixuser', 'token'].map((name) => textIn(row, name));
    const what = called(row.matrixuser, `row ${index + 1}`);
    const known = teams.known.get(team ?? '');
    if (person === undefined || !/^@[^\s:]+:\S+$/.test(person)) table.fault(what, 'it names no person of Matrix (@…)');
    else if (known === undefined)
      table.fault(what, `the workspace ${called(team, 'that it names')} is foreign: add it to slack.teams of the config`);
    else if (user === undefined || !isUserId(user)) table.fault(what, 'it names nobody in Slack (U…, W…)');
    else if (token === undefined) table.leave(what, 'it has no token: they log in again, by `login` to the bot');
    else if (!isToken(token)) table.fault(what, "its token has not the shape of one of Slack's");
    else {
      const name = `${ghosts.nameOf(known.id, user) ?? user} on ${known.name}`;
      // The token may be that of the whole app, as the old bridge had them: logging out here does not void it.
      const login = { account: makeUserId(known.id, user), network: known.id, name, credentials: { token, from: 'paste' } };
      logins.push({ user: userId(person), ...login });
    }
  }
  return { table, logins };
}

/** What was given to install the app or to choose channels says nothing in its person's name: with it they would speak unasked. */
export function accountsOf(rows: readonly Fields[], logins: readonly Login[]): Table {
  const table = new Table('linked_accounts', rows.length);
  for (const [index, row] of rows.entries()) {
    const isLogin = logins.some(({ user, account }) => user === row.user_id && account.endsWith(`/${String(row.slack_id)}`));
    if (isLogin) table.leaveSome('of people whose login is taken', 'it is the same account');
    else
      table.leave(
        called(row.user_id, `row ${index + 1}`),
        'their account was linked for the old bridge’s pages, not to speak by: to speak as themselves they say `login` to the bot',
      );
  }
  return table;
}

export function directChatsOf(rows: readonly Fields[]): { readonly table: Table; readonly directChats: Inheritance['directChats'] } {
  const table = new Table('user_admin_rooms', rows.length, 'direct chats');
  const directChats: Inheritance['directChats'][number][] = [];
  for (const [index, row] of rows.entries()) {
    const [room, user] = [textIn(row, 'roomid'), textIn(row, 'matrixuser')];
    if (room?.startsWith('!') === true && user?.startsWith('@') === true) directChats.push({ room: roomId(room), user: userId(user) });
    else table.fault(called(row.matrixuser, `row ${index + 1}`), 'it names no room (!…) of a person (@…)');
  }
  return { table, directChats };
}
