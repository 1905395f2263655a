// Who is in a room, and who they are. What makes member events goes through the gate's smaller share; a refusal comes back
// to the caller as it is, for the membership queue alone decides whether to invite, join or give up.

import { PermanentError } from '../errors.ts';
import type { RoomId, UserId } from '../ids.ts';
import { localpartOf } from '../ids.ts';
import { isRecord, keyField, stringIn } from '../matrix-event.ts';
import type { Homeserver } from './homeserver.ts';
import { Refusal } from './homeserver-errors.ts';
import type { HomeserverHttp } from './homeserver-http.ts';
import type { Library } from './homeserver-library.ts';
import { orMissing, profileIn } from './homeserver-rooms.ts';
import type { TokenOf } from './homeserver-sends.ts';

type People = Pick<
  Homeserver,
  | 'join'
  | 'leave'
  | 'invite'
  | 'inviteDirectly'
  | 'kick'
  | 'ban'
  | 'unban'
  | 'register'
  | 'ownerOf'
  | 'setDisplayName'
  | 'setAvatar'
  | 'profile'
  | 'setPresence'
  | 'setAccountData'
  | 'accountData'
>;

const client = '/_matrix/client/v3';

export function makePeople({ http, library, tokenOf }: { http: HomeserverHttp; library: Library; tokenOf?: TokenOf | undefined }): People {
  // Where a field of ours goes along (key, reason) the library has no way to say it, or joins and invites by itself.
  const asUser = (path: string, as: UserId): string => `${path}?user_id=${encodeURIComponent(as)}`;
  const post = (path: string, as: UserId, body: object): Promise<unknown> =>
    http.json('membership', 'POST', asUser(`${client}${path}`, as), body);
  // What ghosts do all day goes without the library, whose loading takes 0.3 s and 20 MB.
  const putProfile = async (as: UserId, field: string, value: string): Promise<void> => {
    await http.json('membership', 'PUT', asUser(`${client}/profile/${encodeURIComponent(as)}/${field}`, as), { [field]: value });
  };
  const inRoom = (room: RoomId, verb: string): string => `/rooms/${encodeURIComponent(room)}/${verb}`;

  return {
    join: async (as, room, key, via) => {
      if (key !== undefined && room.startsWith('!')) {
        const path = `${client}${inRoom(room as RoomId, 'state/m.room.member')}/${encodeURIComponent(as)}`;
        await http.json('membership', 'PUT', asUser(path, as), { membership: 'join', [keyField]: key });
        return room as RoomId;
      }
      // `server_name` is what `via` was called before version 1.12 of the specification.
      const servers = (via ?? []).flatMap((server) => ['via', 'server_name'].map((word) => `&${word}=${encodeURIComponent(server)}`));
      const path = `${client}/join/${encodeURIComponent(room)}?user_id=${encodeURIComponent(as)}${servers.join('')}`;
      const answer = await http.json('membership', 'POST', path, {}, tokenOf?.(as));
      return ((isRecord(answer) ? stringIn(answer, 'room_id') : undefined) ?? room) as RoomId;
    },

    leave: async (as, room, reason) => {
      await post(inRoom(room, 'leave'), as, reason === undefined ? {} : { reason });
    },
    invite: async (as, room, user, reason) => {
      await post(inRoom(room, 'invite'), as, { user_id: user, ...(reason !== undefined && { reason }) });
    },
    // /invite has no field for it.
    inviteDirectly: async (as, room, user) => {
      const path = `${client}${inRoom(room, 'state/m.room.member')}/${encodeURIComponent(user)}`;
      await http.json('membership', 'PUT', asUser(path, as), { membership: 'invite', is_direct: true });
    },
    kick: async (as, room, user, reason) => {
      await (await library.as(as)).kick(room, user, reason);
    },
    ban: async (as, room, user, reason) => {
      await (await library.as(as)).ban(room, user, reason);
    },
    unban: async (as, room, user) => {
      await (await library.as(as)).unban(room, user);
    },

    register: async (ghost) => {
      const body = { type: 'm.login.application_service', username: localpartOf(ghost), inhibit_login: true };
      try {
        await http.json('membership', 'POST', `${client}/register`, body);
        return true;
      } catch (thrown) {
        if (thrown instanceof Refusal && thrown.errcode === 'M_USER_IN_USE') return false;
        throw thrown;
      }
    },

    setDisplayName: (as, name) => putProfile(as, 'displayname', name),
    setAvatar: (as, mxc) => putProfile(as, 'avatar_url', mxc),
    ownerOf: async (token) => {
      try {
        const answer = await http.json('other', 'GET', `${client}/account/whoami`, undefined, token);
        return isRecord(answer) ? (stringIn(answer, 'user_id') as UserId | undefined) : undefined;
      } catch (thrown) {
        if (thrown instanceof PermanentError) return undefined;
        throw thrown;
      }
    },
    profile: async (user) =>
      (await orMissing(async () => profileIn(await http.json('other', 'GET', `${client}/profile/${encodeURIComponent(user)}`)))) ?? {},

    // Intent's own is switched off with all else that it does unasked.
    setPresence: async (as, presence, status) => {
      const body = { presence, ...(status !== undefined && { status_msg: status }) };
      await http.json('other', 'PUT', asUser(`${client}/presence/${encodeURIComponent(as)}/status`, as), body);
    },
    setAccountData: async (user, type, content) => {
      await (await library.as(user)).matrixClient.setAccountData(type, content);
    },
    accountData: (user, type) =>
      orMissing(async () => {
        const content: unknown = await (await library.as(user)).matrixClient.getAccountData(type);
        return isRecord(content) ? content : undefined;
      }),
  };
}
