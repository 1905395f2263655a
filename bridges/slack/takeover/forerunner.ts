// matrix-appservice-slack, whose operators may change over: its store, be it PostgreSQL or nedb, and its config, in our words.

import { type Forerunner, type Inheritance, type ReadGiven, userId } from '#bridge-core';
import { tsOf } from '../ids.ts';
import type { SlackSettings } from '../settings.ts';
import { messagesOf } from './messages.ts';
import { readNedb } from './nedb.ts';
import { translate } from './old-config.ts';
import type { OldStore } from './old-store.ts';
import { accountsOf, directChatsOf, ghostsOf, loginsOf } from './people.ts';
import { roomsOf, teamsOf } from './places.ts';
import { isPostgres, readPostgres } from './postgres.ts';
import { Table } from './taken.ts';

const reasons: Readonly<Record<string, string>> = {
  metrics_activities: 'who was active is counted anew, from what is said',
  user_activity: 'who was active is counted anew, from what is said',
  encryption_sessions: 'encrypted rooms are not bridged',
  provisioner_sessions: 'pages ask people anew who they are',
};

const inUse =
  'Somebody else is connected to the old database. Where that is the old bridge, stop it before this one runs: two on one room repeat each other.';

export const matrixAppserviceSlack: Forerunner<SlackSettings> = {
  name: 'matrix-appservice-slack',
  translate,
  read: async (from, given) => {
    const since = tsOf(given.since);
    return inheritanceOf(isPostgres(from) ? await readPostgres(from, since) : await readNedb(from, since), given);
  },
};

export function inheritanceOf(old: OldStore, { settings, core }: Pick<ReadGiven<SlackSettings>, 'settings' | 'core'>): Inheritance {
  const { domain } = core.homeserver;
  const teams = teamsOf(old.teams, settings);
  const ghosts = ghostsOf(old.users, teams, domain);
  const { table: puppets, logins } = loginsOf(old.puppets, teams, ghosts);
  const rooms = roomsOf(old.rooms, old, teams, {
    bot: userId(`@${core.appservice.botLocalpart}:${domain}`),
    isLoggedIn: (person) => logins.some(({ user }) => user === person),
    apiUrl: settings.apiUrl,
  });
  const chats = directChatsOf(old.adminRooms);
  const { tables, messages, reactions, memory } = messagesOf(old, rooms, teams, ghosts);
  const others = Object.entries(old.others).map(([name, rows]) => {
    const table = new Table(name, rows);
    table.leaveSome('in all', reasons[name] ?? 'nothing here stands for it', rows);
    return table;
  });
  const all = [teams.table, rooms.table, ghosts.table, puppets, accountsOf(old.accounts, logins), chats.table, ...tables, ...others];
  return {
    tables: all.map((table) => table.told()),
    secrets: [...teams.secrets, ...rooms.secrets],
    links: rooms.links,
    ...(ghosts.template !== undefined && { ghostTemplate: ghosts.template }),
    ...{ ghosts: ghosts.ghosts, logins, directChats: chats.directChats, messages, reactions, memory },
    advice: [...(old.isInUse ? [inUse] : []), ...teams.advice, ...rooms.advice],
  };
}
