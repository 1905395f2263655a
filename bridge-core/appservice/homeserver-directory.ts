// What stands beside the rooms: their aliases, the public directory, and the list of those that the bot is in.

import type { RoomId } from '../ids.ts';
import { isRecord } from '../matrix-event.ts';
import type { Homeserver } from './homeserver.ts';
import { isMissing, Refusal } from './homeserver-errors.ts';
import type { HomeserverHttp } from './homeserver-http.ts';

type Directory = Pick<Homeserver, 'joinedRooms' | 'setAlias' | 'removeAlias' | 'setListed'>;

const client = '/_matrix/client/v3';

export function makeDirectory({ http, bot }: { http: HomeserverHttp; bot: Homeserver['bot'] }): Directory {
  const asBot = `user_id=${encodeURIComponent(bot)}`;
  const pathOf = (alias: string): string => `${client}/directory/room/${encodeURIComponent(alias)}?${asBot}`;
  return {
    joinedRooms: async () => {
      const answer = await http.json('other', 'GET', `${client}/joined_rooms?${asBot}`);
      const rooms = isRecord(answer) ? answer.joined_rooms : undefined;
      return Array.isArray(rooms) ? (rooms.filter((room) => typeof room === 'string') as RoomId[]) : [];
    },
    setAlias: async (alias, room) => {
      try {
        await http.json('other', 'PUT', pathOf(alias), { room_id: room });
        return true;
      } catch (thrown) {
        if (thrown instanceof Refusal && thrown.status === 409) return false;
        throw thrown;
      }
    },
    removeAlias: async (alias) => {
      try {
        await http.json('other', 'DELETE', pathOf(alias));
      } catch (thrown) {
        if (!isMissing(thrown)) throw thrown;
      }
    },
    setListed: async (room, isListed) => {
      const visibility = isListed ? 'public' : 'private';
      await http.json('other', 'PUT', `${client}/directory/list/room/${encodeURIComponent(room)}?${asBot}`, { visibility });
    },
  };
}
