// Rooms as the bot or a ghost sees and changes them. Reads find nothing (undefined) where the homeserver has nothing.

import { RetryableError } from '../errors.ts';
import type { EventId, RoomId } from '../ids.ts';
import { type Content, isRecord, keyField, type MatrixEvent, narrow, stringIn } from '../matrix-event.ts';
import type { Homeserver } from './homeserver.ts';
import { isMissing } from './homeserver-errors.ts';
import type { HomeserverHttp } from './homeserver-http.ts';
import type { Library } from './homeserver-library.ts';

type Rooms = Pick<
  Homeserver,
  'setState' | 'state' | 'fullState' | 'event' | 'messagesBack' | 'joinedMembers' | 'resolveAlias' | 'createRoom'
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
    fullState: async (room, as = bot) => {
      const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state?user_id=${encodeURIComponent(as)}`;
      const events = await http.json('other', 'GET', path);
      return Array.isArray(events) ? narrowed(events, room) : [];
    },

    // Not Intent.getEvent: it wraps the event, and what is around its content is lost.
    event: (room, event) => orMissing(async () => narrowed([await (await library.as(bot)).matrixClient.getRawEvent(room, event)], room)[0]),

    messagesBack: (room, until, page = pageSize) => readBack({ http, bot, room, until, page }),

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

interface ReadBack {
  readonly http: HomeserverHttp;
  readonly bot: Homeserver['bot'];
  readonly room: RoomId;
  readonly until: number;
  readonly page: number;
}

/**
 * Every event of the pages read, older ones included. Events that the bridge made say nothing of how far back we are, since
 * what it delivers late bears its original time: the reading ends with a page whose other events are all older.
 */
async function* readBack({ http, bot, room, until, page: size }: ReadBack): AsyncIterable<MatrixEvent> {
  const base = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=${size}&user_id=${encodeURIComponent(bot)}`;
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
