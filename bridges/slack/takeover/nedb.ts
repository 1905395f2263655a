// The old bridge's store in the four files of its nedb. Loading a file rewrites it, so copies are loaded; a line that is broken
// there is told of, where the library alone would pass over it.

import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Fields, fieldsIn, isFields, textIn } from '../fields.ts';
import { type OldStore, refused, rowWith, whyOf } from './old-store.ts';

const files = { teams: 'teams.db', rooms: 'room-store.db', users: 'user-store.db', events: 'event-store.db' } as const;

type Documents = Readonly<Record<keyof typeof files, readonly Fields[]>>;

export async function readNedb(folder: string, since: string): Promise<OldStore> {
  // Not said again: it may be an address with a password in it.
  if (/[@=]|:\/\//.test(folder) && !existsSync(folder)) throw refused('that is no folder, nor an address that begins with postgres://');
  for (const file of Object.values(files))
    if (!existsSync(join(folder, file)))
      throw refused(
        `there is no ${file} in ${resolve(folder)}: name the folder in dbdir of the old bridge's config (where it ran, unless set), or the postgres:// address in db.connectionString`,
      );
  const copied = mkdtempSync(join(tmpdir(), 'causeway-nedb-'));
  try {
    return storeOf(await load(folder, copied), since);
  } finally {
    rmSync(copied, { recursive: true, force: true });
  }
}

async function load(folder: string, copied: string): Promise<Documents> {
  // Its types are those of a module, and it is none.
  const Nedb = (await import('nedb')).default as unknown as typeof import('nedb').default;
  const read = async (file: string): Promise<Fields[]> => {
    const place = join(resolve(folder), file);
    const copy = join(copied, file);
    try {
      copyFileSync(place, copy);
      const broken = brokenLine(readFileSync(copy, 'utf8'));
      if (broken !== undefined) throw refused(`line ${broken} of ${place} is broken: mend it, or take the line out`);
      const store = new Nedb<Fields>({ filename: copy, corruptAlertThreshold: 0 });
      await store.loadDatabaseAsync();
      return store.getAllData();
    } catch (thrown) {
      if (thrown instanceof Error && 'remedy' in thrown) throw thrown;
      throw refused(`${place} cannot be read: ${whyOf(thrown)}`, thrown);
    }
  };
  return {
    teams: await read(files.teams),
    rooms: await read(files.rooms),
    users: await read(files.users),
    events: await read(files.events),
  };
}

/** Its number; undefined: all hold. */
function brokenLine(text: string): number | undefined {
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    try {
      if (isFields(JSON.parse(line))) continue;
    } catch {
      // Told below.
    }
    return index + 1;
  }
  return undefined;
}

/** Rooms and users hold what the bridge's library kept besides; only what the old bridge itself reads of them counts. */
function storeOf({ teams, rooms, users, events }: Documents, since: string): OldStore {
  const told = events.map((event) => ({
    ...{ roomid: textIn(fieldsIn(event, 'matrix'), 'roomId'), eventid: textIn(fieldsIn(event, 'matrix'), 'eventId') },
    ...{ slackchannel: textIn(fieldsIn(event, 'remote'), 'roomId'), slackts: textIn(fieldsIn(event, 'remote'), 'eventId') },
    extras: event.extras ?? {},
  }));
  const recent = told.filter(({ slackts }) => slackts === undefined || slackts >= since);
  return {
    teams,
    rooms: rooms
      .filter(({ id, matrix_id: room }) => typeof id === 'string' && /^INTEG-/.test(id) && room !== undefined)
      .map((row) => rowWith(row, row.remote)),
    users: users.map((row) => rowWith({ id: row.id, isremote: row.type !== 'matrix' }, row)),
    accounts: users.flatMap(accountsIn),
    events: recent.sort((one, other) => ((one.slackts ?? '') < (other.slackts ?? '') ? -1 : 1)),
    ...{ puppets: [], adminRooms: [], reactions: [], others: {}, isInUse: false, olderEvents: told.length - recent.length },
  };
}

function accountsIn(user: Fields): Fields[] {
  const accounts = fieldsIn(fieldsIn(user, 'data'), 'accounts') ?? fieldsIn(user, 'accounts') ?? {};
  return Object.entries(accounts).map(([id, account]) => ({ ...(isFields(account) ? account : {}), user_id: user.id, slack_id: id }));
}
