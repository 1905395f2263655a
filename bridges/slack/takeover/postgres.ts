// The old bridge's store in PostgreSQL: read in one snapshot, never written. The library is loaded for that alone.

import type { Sql, TransactionSql } from 'postgres';
import type { Fields } from '../fields.ts';
import { type OldStore, refused, rowWith, whyOf } from './old-store.ts';

/** The last one that there is, of version 2.1.2. */
const knownSchema = 16;
const connectSeconds = 10;
const atOnce = 5_000;

const columns: Readonly<Record<string, readonly string[]>> = {
  teams: ['id', 'name', 'token', 'bot_id', 'status', 'domain', 'scopes', 'user_id'],
  rooms: ['id', 'roomid', 'remoteid', 'json'],
  users: ['userid', 'isremote', 'json'],
  events: ['roomid', 'eventid', 'slackchannel', 'slackts', 'extras'],
  reactions: ['room_id', 'event_id', 'slack_channel_id', 'slack_message_ts', 'slack_user_id', 'reaction'],
  puppets: ['slackuser', 'slackteam', 'matrixuser', 'token'],
  linked_accounts: ['user_id', 'slack_id', 'team_id', 'access_token'],
  user_admin_rooms: ['roomid', 'matrixuser'],
};
const uncounted = ['metrics_activities', 'user_activity', 'encryption_sessions', 'provisioner_sessions'] as const;

export const isPostgres = (from: string): boolean => /^postgres(?:ql)?:\/\//i.test(from);

/** No sign of a password's stands where it would be taken for an end of it: then a part of it would be read as host or database, and told. */
const whole = /^\w+:\/\/(?:[^/?#]*@)?[^@/?#]*(?:\/[^@/?#]*)?(?:\?[^@#]*)?$/;

/** `since`: as Slack writes moments. */
export async function readPostgres(address: string, since: string): Promise<OldStore> {
  const where = placeOf(address);
  const { default: postgres } = await import('postgres');
  const sql = postgres(address, { max: 1, connect_timeout: connectSeconds, fetch_types: false, prepare: false, onnotice: () => {} });
  try {
    return await sql.begin('isolation level repeatable read read only', async (snapshot) => {
      await check(snapshot, where);
      return await read(snapshot, since);
    });
  } catch (thrown) {
    if (thrown instanceof Error && 'remedy' in thrown) throw thrown;
    throw refused(
      `${where} cannot be read: ${whyOf(thrown) || 'no answer'}. See that it runs, and that user, password and database are right`,
      thrown,
    );
  } finally {
    await sql.end({ timeout: 1 }).catch(() => {});
  }
}

/** Without the password, and whatever else may be in it. */
function placeOf(address: string): string {
  if (!whole.test(address) || !URL.canParse(address) || !isDecodable(address))
    throw refused(
      'the connection string is none: write postgres://user:password@host/database, in the password %2F for /, %3F for ?, %23 for # and %25 for %',
    );
  const { host, pathname } = new URL(address);
  return `the PostgreSQL database ${pathname.slice(1)} at ${host}`;
}

function isDecodable(address: string): boolean {
  try {
    return decodeURIComponent(address) !== '';
  } catch {
    return false;
  }
}

async function check(sql: TransactionSql, where: string): Promise<void> {
  const told = await sql<{ table_name: string; column_name: string }[]>`
    SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false))`;
  const there = new Map<string, Set<string>>();
  for (const { table_name: table, column_name: column } of told) there.set(table, (there.get(table) ?? new Set()).add(column));
  if (there.get('schema')?.has('version') !== true)
    throw refused(
      `${where} is no store of matrix-appservice-slack: it has no table \`schema\`. Name the one in db.connectionString of its config`,
    );
  const [row] = await sql<{ version: number }[]>`SELECT version FROM schema`;
  const version = row?.version ?? 0;
  if (version < knownSchema)
    throw refused(
      `${where} has schema ${version}, and ${knownSchema} is needed: start version 2.1.2 of the old bridge on it once, which brings it there`,
    );
  if (version > knownSchema) throw refused(`${where} has schema ${version}, and no later one than ${knownSchema} is known here`);
  for (const [table, needed] of Object.entries(columns)) {
    const has = there.get(table);
    if (has === undefined) throw refused(`${where} lacks the table ${table}: restore it from the old bridge's backup`);
    const lacking = needed.filter((column) => !has.has(column));
    if (lacking.length > 0)
      throw refused(
        `${where} has a table ${table} of another shape: it lacks ${lacking.join(', ')}. Restore it from the old bridge's backup`,
      );
  }
}

async function read(sql: TransactionSql, since: string): Promise<OldStore> {
  const teams = await sql<Fields[]>`SELECT id, name, token AS bot_token, bot_id, status, domain, user_id FROM teams ORDER BY id`;
  const rooms = await sql<Fields[]>`SELECT id, roomid AS matrix_id, remoteid AS remote_id, json FROM rooms ORDER BY id`;
  const users = await sql<Fields[]>`SELECT userid AS id, isremote, json FROM users ORDER BY userid`;
  const puppets = await sql<Fields[]>`SELECT slackuser, slackteam, matrixuser, token FROM puppets ORDER BY slackuser`;
  const accounts = await sql<Fields[]>`SELECT user_id, slack_id, team_id, access_token FROM linked_accounts ORDER BY user_id, slack_id`;
  const adminRooms = await sql<Fields[]>`SELECT roomid, matrixuser FROM user_admin_rooms ORDER BY matrixuser`;
  const reactions = await sql<Fields[]>`
    SELECT room_id, event_id, slack_channel_id, slack_message_ts, slack_user_id, reaction FROM reactions WHERE slack_message_ts >= ${since}
    ORDER BY slack_message_ts, event_id`;
  const events: Fields[] = [];
  const recent = sql<Fields[]>`
    SELECT roomid, eventid, slackchannel, slackts, extras FROM events WHERE slackts >= ${since} ORDER BY slackts, eventid`;
  for await (const some of recent.cursor(atOnce)) events.push(...some);
  const older = await count(sql, sql`events WHERE slackts < ${since}`);
  const others: Record<string, number> = {};
  for (const table of uncounted) others[table] = await count(sql, sql`${sql(table)}`);
  const beside = await count(
    sql,
    sql`pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
  );
  return {
    ...{ teams, puppets, accounts, adminRooms, events, reactions, others, olderEvents: older, isInUse: beside > 0 },
    rooms: rooms.map((row) => rowWith(row, row.json)),
    users: users.map((row) => rowWith(row, row.json)),
  };
}

async function count(sql: TransactionSql, what: ReturnType<Sql>): Promise<number> {
  const [row] = await sql<{ n: string }[]>`SELECT count(*) AS n FROM ${what}`;
  return Number(row?.n ?? 0);
}
