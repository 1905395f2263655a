// Who may do what in a room: public rooms can be read by everybody who is signed in, private ones by their members; admins are the room's
// own and its community's. Unverified: that whoever is banned may go on reading a public room.

import { GitterFault } from './http.ts';
import type { Ban, Message, Room, User, VirtualName } from './model.ts';
import type { Quirks } from './world.ts';

export function isAdmin(user: User, room: Room): boolean {
  return !room.isOneToOne && (room.admins.has(user.id) || room.group?.admins.has(user.id) === true);
}

export function canRead(user: User, room: Room): boolean {
  return !room.isPrivate || room.members.has(user.id);
}

export function banOf(user: User, room: Room): Ban | undefined {
  return room.bans.find((ban) => ban.user === user);
}

export function banOfVirtual({ type, externalId }: VirtualName, room: Room): Ban | undefined {
  return room.bans.find(({ virtualUser }) => virtualUser?.type === type && virtualUser.externalId === externalId);
}

export function mustRead(user: User, room: Room): void {
  if (!canRead(user, room)) throw forbidden();
}

export function mustWrite(user: User, room: Room, quirks: Quirks): void {
  mustRead(user, room);
  if (banOf(user, room) !== undefined) throw forbidden();
  if (quirks.writeNeedsMembership && !room.members.has(user.id)) throw forbidden();
}

export function mustAdmin(user: User, room: Room): void {
  if (!isAdmin(user, room)) throw forbidden();
}

export function mayDelete(user: User, message: Message): boolean {
  return message.user === user || isAdmin(user, message.room);
}

export function forbidden(): GitterFault {
  return new GitterFault(403, 'Forbidden');
}
