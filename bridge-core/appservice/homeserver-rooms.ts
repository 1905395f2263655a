// Rooms as the bot or a ghost sees and changes them. Reads find nothing (undefined) where the homeserver has nothing.

import { RetryableError } from '../errors.ts';
import type { EventId, RoomId } from '../ids.ts';
import { type Content, isRecord, keyField, type MatrixEvent, narrow, recordIn, stringIn } from '../matrix-event.ts';
import type { Homeserver } from './homeserver.ts';
import { isMissing } from './homeserver-errors.ts';
import type { HomeserverHttp } from './homeserver-http.ts';
import type { Library } from './homeserver-library.ts';

type Rooms = Pick<
  Homeserver,
  'setState' | 'state' | 'fullState' | 'event' | 'messagesBack' | 'position' | 'since' | 'joinedMembers' | 'resolveAlias' | 'createRoom'
>;

const pageSize = 100;

export function makeRooms({ http, library, bot }: { http: HomeserverHttp; library: Library; bot: Homeserver['bot'] }): Rooms {
  return {
    // Not Intent.sendStateEvent: on a refusal that joins, raises power levels and tries again, up to four times.
    setState: async (as, room, type, key, content) =>
      (await (await library.as(as)).matrixClient.sendStateEvent(room, type, key, content)) as EventId,

    state: (room, type, key) =>
      orMissing(async () => {
        const content: unknown = await (await library.as(bot)).getStateEvent(room, type, key);
        return isRecord(content) ? content : undefined;
      }),

    // Asked at every start: a bridge whose links stand needs the library for none of what it does all day.
    fullState: async (room) => {
      const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state?user_id=${encodeURIComponent(bot)}`;
      const events = await http.json('other', 'GET', path);
      return Array.isArray(events) ? narrowed(events, room) : [];
    },

    // Not Intent.getEvent: it wraps the event, and what is around its content is lost.
    event: (room, event) => orMissing(async () => narrowed([await (await library.as(bot)).matrixClient.getRawEvent(room, event)], room)[0]),

    messagesBack: (room, until) => readBack(http, bot, room, until),

    position: async () => stringIn(await sync(http, bot, { room: { rooms: [] } }), 'next_batch'),

    since: async (position) => {
      const answer = await sync(http, bot, { room: { ...quietRooms, timeline: { limit: pageSize } } }, position);
      const rooms = new Map<RoomId, { events: MatrixEvent[]; isCut: boolean }>();
      for (const [id, joined] of Object.entries(recordIn(recordIn(answer, 'rooms'), 'join') ?? {})) {
        const timeline = isRecord(joined) ? recordIn(joined, 'timeline') : undefined;
        const events = Array.isArray(timeline?.events) ? narrowed(timeline.events, id as RoomId) : [];
        if (events.length > 0) rooms.set(id as RoomId, { events, isCut: timeline?.limited === true });
      }
      return { position: stringIn(answer, 'next_batch'), rooms };
    },

    joinedMembers: async (room) => {
      const joined: unknown = await (await library.as(bot)).matrixClient.getJoinedRoomMembersWithProfiles(room);
      const members = new Map();
      for (const [user, profile] of Object.entries(isRecord(joined) ? joined : {})) members.set(user, profileIn(profile));
      return members;
    },

    resolveAlias: async (alias) =>
      alias.startsWith('#') ? orMissing(async () => (await (await library.as(bot)).resolveRoom(alias)) as RoomId) : undefined,

    createRoom: async (as, options) => {
      // A copy: the library edits the list of invited people.
      const copy = structuredClone(options) as Record<string, unknown>;
      return (await (await library.as(as)).createRoom({ createAsClient: true, options: copy })).room_id as RoomId;
    },
  };
}

const nothing = { types: [] };
const quietRooms = { ephemeral: nothing, account_data: nothing, state: nothing };

/** At once, whether anything is new or not. */
async function sync(http: HomeserverHttp, bot: Homeserver['bot'], filter: object, since?: string): Promise<Content | undefined> {
  const query = new URLSearchParams({
    ...{ timeout: '0', set_presence: 'offline', user_id: bot },
    filter: JSON.stringify({ presence: nothing, account_data: nothing, ...filter }),
    ...(since !== undefined && { since }),
  });
  const answer: unknown = await http.json('other', 'GET', `/_matrix/client/v3/sync?${query}`);
  return isRecord(answer) ? answer : undefined;
}

export function profileIn(raw: unknown): { readonly name?: string; readonly avatar?: string } {
  const profile = isRecord(raw) ? raw : undefined;
  const name = stringIn(profile, 'display_name') ?? stringIn(profile, 'displayname');
  const avatar = stringIn(profile, 'avatar_url');
  return { ...(name !== undefined && { name }), ...(avatar !== undefined && avatar !== '' && { avatar }) };
}

export async function orMissing<Result>(call: () => Promise<Result | undefined>): Promise<Result | undefined> {
  try {
    return await call();
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
}

function narrowed(events: readonly unknown[], room: RoomId): MatrixEvent[] {
  const kept: MatrixEvent[] = [];
  for (const raw of events) {
    // Events asked for by room may leave their room out.
    const event = narrow(isRecord(raw) && raw.room_id === undefined ? { ...raw, room_id: room } : raw);
    if (!('fault' in event)) kept.push(event);
  }
  return kept;
}

/**
 * Every event of the pages read, older ones included. Events that the bridge made say nothing of how far back we are, since
 * what it delivers late bears its original time: the reading ends with a page whose other events are all older.
 */
async function* readBack(http: HomeserverHttp, bot: Homeserver['bot'], room: RoomId, until: number): AsyncIterable<MatrixEvent> {
  const base = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=${pageSize}&user_id=${encodeURIComponent(bot)}`;
  let from = '';
  for (;;) {
    const page: unknown = await http.json('other', 'GET', from === '' ? base : `${base}&from=${encodeURIComponent(from)}`);
    if (!isRecord(page) || !Array.isArray(page.chunk)) {
      throw new RetryableError('HOMESERVER_UNREACHABLE', `messages of ${room}: not a page of events`);
    }
    const events = narrowed(page.chunk, room);
    yield* events;
    const others = events.filter((event) => !hasKey(event.content));
    if (others.length > 0 && others.every((event) => event.at < until)) return;
    const end = stringIn(page, 'end');
    if (end === undefined || end === from) return;
    from = end;
  }
}

const hasKey = (content: Content): boolean => typeof content[keyField] === 'string';
