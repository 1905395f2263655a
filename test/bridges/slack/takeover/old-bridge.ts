// matrix-appservice-slack as it leaves its stores: the schema that its sixteen steps come to, in a real PostgreSQL, and the four
// files of its nedb as that library writes them; with a workspace, its rooms, people, what they said and what became of it.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import postgres from 'postgres';
import { saySilently } from '../../../../quickstart/servers/cache.ts';
import { installPostgres, noPostgres, type PostgresServer, startPostgres } from '../../../../quickstart/servers/postgres.ts';

const schema = `
  CREATE TABLE schema (version INTEGER UNIQUE NOT NULL);
  INSERT INTO schema VALUES (16);
  CREATE TABLE teams (id TEXT UNIQUE NOT NULL PRIMARY KEY, name TEXT, token TEXT, bot_id TEXT, status TEXT, domain TEXT, scopes TEXT, user_id TEXT);
  CREATE TABLE rooms (id TEXT NOT NULL PRIMARY KEY, roomid TEXT NOT NULL, remoteid TEXT NOT NULL, json TEXT);
  CREATE TABLE users (userid TEXT UNIQUE NOT NULL PRIMARY KEY, isremote BOOLEAN, json TEXT);
  CREATE TABLE events (roomid TEXT NOT NULL, eventid TEXT NOT NULL, slackchannel TEXT NOT NULL, slackts TEXT NOT NULL, extras TEXT NOT NULL,
    CONSTRAINT cons_events_unique UNIQUE (eventid, roomid, slackchannel, slackts));
  CREATE INDEX events_matrix_idx ON events (roomid, eventid);
  CREATE INDEX events_slack_idx ON events (slackchannel, slackts);
  CREATE TABLE puppets (slackuser TEXT UNIQUE NOT NULL, slackteam TEXT NOT NULL, matrixuser TEXT NOT NULL, token TEXT,
    CONSTRAINT cons_puppets_uniq UNIQUE (slackuser, slackteam, matrixuser),
    CONSTRAINT puppets_slackteam_matrixuser_unique UNIQUE (slackteam, matrixuser));
  CREATE TABLE user_admin_rooms (roomid TEXT UNIQUE NOT NULL, matrixuser TEXT UNIQUE NOT NULL);
  CREATE TABLE metrics_activities (user_id TEXT NOT NULL, room_id TEXT NOT NULL, date DATE,
    CONSTRAINT cons_activities_unique UNIQUE (user_id, room_id, date));
  CREATE TABLE linked_accounts (user_id TEXT NOT NULL, slack_id TEXT NOT NULL, team_id TEXT NOT NULL, access_token TEXT NOT NULL,
    CONSTRAINT cons_linked_accounts_unique UNIQUE (user_id, slack_id));
  CREATE TABLE reactions (room_id TEXT NOT NULL, event_id TEXT NOT NULL, slack_channel_id TEXT NOT NULL, slack_message_ts TEXT NOT NULL,
    slack_user_id TEXT NOT NULL, reaction TEXT NOT NULL);
  CREATE UNIQUE INDEX reaction_matrix_idx ON reactions (room_id, event_id);
  CREATE UNIQUE INDEX reaction_slack_idx ON reactions (slack_channel_id, slack_message_ts, slack_user_id, reaction);
  CREATE TABLE encryption_sessions (user_id TEXT NOT NULL, device_id TEXT NOT NULL, access_token TEXT NOT NULL, sync_token TEXT);
  CREATE UNIQUE INDEX encryption_sessions_idx ON encryption_sessions (user_id);
  CREATE TABLE user_activity (user_id TEXT UNIQUE, data JSON);
  CREATE TABLE provisioner_sessions (user_id TEXT, token TEXT UNIQUE, expires_ts BIGINT)`;

export interface OldTeam {
  readonly id: string;
  readonly name: string;
  readonly domain: string;
  readonly token: string | null;
  readonly botId: string;
  readonly user: string;
  readonly status?: string;
}

export interface OldRoom {
  readonly room: string;
  readonly inbound: string;
  readonly remote: Readonly<Record<string, unknown>>;
}

export interface OldGhost {
  readonly id: string;
  readonly team: string;
  readonly slackId: string;
  readonly name: string;
}

export interface OldEvent {
  readonly room: string;
  readonly event: string;
  readonly channel: string;
  readonly ts: string;
  readonly replies?: readonly string[];
}

export interface OldReaction {
  readonly room: string;
  readonly event: string;
  readonly channel: string;
  readonly ts: string;
  readonly by: string;
  readonly name: string;
}

export interface Old {
  readonly teams?: readonly OldTeam[];
  readonly rooms?: readonly OldRoom[];
  readonly ghosts?: readonly OldGhost[];
  readonly events?: readonly OldEvent[];
  readonly reactions?: readonly OldReaction[];
  readonly puppets?: readonly { readonly slackId: string; readonly team: string; readonly user: string; readonly token: string | null }[];
  readonly accounts?: readonly { readonly user: string; readonly slackId: string; readonly team: string; readonly token: string }[];
  readonly adminRooms?: readonly { readonly room: string; readonly user: string }[];
}

let starting: Promise<PostgresServer | undefined> | undefined;
let databases = 0;

/** One server for the tests of a file. */
async function server(): Promise<PostgresServer | undefined> {
  starting ??= installPostgres(saySilently).then((found) => (found === undefined ? undefined : startPostgres(found)));
  return await starting;
}

/** To be called once by each file that asks for one, after its tests. */
export async function stopPostgres(): Promise<void> {
  await (await starting)?.stop();
}

export interface OldPostgres {
  readonly address: string;
  readonly password: string;
  /** Whatever is to be otherwise than the old bridge left it. */
  sql(text: string): Promise<void>;
  dump(): Promise<string>;
  /** As the old bridge is while it runs. */
  connect(): Promise<{ close(): Promise<void> }>;
}

/** Undefined where there is no PostgreSQL to be had: the test is then skipped, with that as its reason. */
export async function oldPostgres(t: TestContext, old: Old, { isEmpty = false } = {}): Promise<OldPostgres | undefined> {
  const found = await server();
  if (found === undefined) {
    t.skip(noPostgres);
    return undefined;
  }
  databases += 1;
  const name = `slack_bridge_${databases}`;
  const first = postgres(found.address('postgres'), { max: 1, onnotice: () => {} });
  await first.unsafe(`CREATE DATABASE ${name}`);
  await first.end();
  const address = found.address(name);
  const run = async (work: (sql: postgres.Sql) => Promise<unknown>) => {
    const sql = postgres(address, { max: 1, onnotice: () => {} });
    try {
      return await work(sql);
    } finally {
      await sql.end();
    }
  };
  if (!isEmpty)
    await run(async (sql) => {
      await sql.unsafe(schema);
      await fill(sql, old);
    });
  return {
    ...{ address, password: found.password },
    connect: async () => {
      const sql = postgres(address, { max: 1, onnotice: () => {} });
      await sql`SELECT 1`;
      return { close: () => sql.end() };
    },
    sql: async (text) => void (await run((sql) => sql.unsafe(text))),
    dump: async () => {
      const tables = ['teams', 'rooms', 'users', 'events', 'reactions', 'puppets', 'linked_accounts', 'user_admin_rooms', 'schema'];
      return JSON.stringify(await run(async (sql) => await Promise.all(tables.map((table) => sql`SELECT * FROM ${sql(table)}`))));
    },
  };
}

async function fill(sql: postgres.Sql, old: Old): Promise<void> {
  for (const { id, name, domain, token, botId, user, status = 'ok' } of old.teams ?? [])
    await sql`INSERT INTO teams (id, name, token, bot_id, domain, scopes, status, user_id) VALUES (${id}, ${name}, ${token}, ${botId}, ${domain}, 'bot', ${status}, ${user})`;
  for (const { room, inbound, remote } of old.rooms ?? [])
    await sql`INSERT INTO rooms VALUES (${`INTEG-${inbound}`}, ${room}, ${inbound}, ${JSON.stringify(remote)})`;
  for (const ghost of old.ghosts ?? []) await sql`INSERT INTO users VALUES (${ghost.id}, true, ${JSON.stringify(ghostEntry(ghost))})`;
  for (const { user } of old.puppets ?? [])
    await sql`INSERT INTO users VALUES (${user}, false, ${JSON.stringify({ localpart: user.slice(1, user.indexOf(':')) })})`;
  for (const { room, event, channel, ts, replies } of old.events ?? [])
    await sql`INSERT INTO events VALUES (${room}, ${event}, ${channel}, ${ts}, ${JSON.stringify(replies === undefined ? {} : { slackThreadMessages: replies })})`;
  for (const { room, event, channel, ts, by, name } of old.reactions ?? [])
    await sql`INSERT INTO reactions VALUES (${room}, ${event}, ${channel}, ${ts}, ${by}, ${name})`;
  for (const { slackId, team, user, token } of old.puppets ?? [])
    await sql`INSERT INTO puppets VALUES (${slackId}, ${team}, ${user}, ${token})`;
  for (const { user, slackId, team, token } of old.accounts ?? [])
    await sql`INSERT INTO linked_accounts VALUES (${user}, ${slackId}, ${team}, ${token})`;
  for (const { room, user } of old.adminRooms ?? []) await sql`INSERT INTO user_admin_rooms VALUES (${room}, ${user})`;
  await sql`INSERT INTO metrics_activities VALUES ('@alice:hs.test', 'INTEG-1', '2026-11-01')`;
  await sql`INSERT INTO provisioner_sessions VALUES ('@alice:hs.test', 'widget-token-of-alice', 1)`;
}

const ghostEntry = ({ id, team, slackId, name }: OldGhost) => ({
  avatar_url: 'g0123456789a',
  display_name: name,
  id,
  slack_id: slackId,
  team_id: team,
});

/** The folder that `dbdir` of its config names. */
export async function oldNedb(folder: string, old: Old): Promise<string> {
  const dbdir = join(folder, 'old');
  mkdirSync(dbdir, { recursive: true });
  const Nedb = (await import('nedb')).default as unknown as typeof import('nedb').default;
  const write = async (file: string, documents: readonly object[]) => {
    const store = new Nedb({ filename: join(dbdir, file) });
    await store.loadDatabaseAsync();
    for (const document of documents) await store.updateAsync({ id: (document as { id?: string }).id }, document, { upsert: true });
  };
  const teams = (old.teams ?? []).map(({ id, name, domain, token, botId, user, status = 'ok' }) => ({
    ...{ id, name, domain, bot_id: botId, scopes: 'bot', status, user_id: user },
    ...(token !== null && { bot_token: token }),
  }));
  await write('teams.db', teams);
  const rooms = (old.rooms ?? []).map(({ room, inbound, remote }) => ({
    id: `INTEG-${inbound}`,
    matrix_id: room,
    remote,
    remote_id: inbound,
  }));
  await write('room-store.db', rooms);
  const people = (old.accounts ?? []).map(({ user, slackId, team, token }) => ({
    ...{ type: 'matrix', id: user },
    data: { localpart: user.slice(1, user.indexOf(':')), accounts: { [slackId]: { access_token: token, team_id: team } } },
  }));
  await write('user-store.db', [...(old.ghosts ?? []).map(ghostEntry), ...people]);
  const events = (old.events ?? []).map(({ room, event, channel, ts, replies }) => ({
    ...{ id: event + ts, matrix: { roomId: room, eventId: event }, remote: { roomId: channel, eventId: ts } },
    extras: replies === undefined ? {} : { slackThreadMessages: replies },
  }));
  await write('event-store.db', events);
  return dbdir;
}

/** So many minutes ago, as Slack writes moments. */
export const ago = (minutes: number): string => `${(Math.floor(Date.now() / 1_000) - minutes * 60).toFixed(0)}.000100`;
