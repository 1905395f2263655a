// Rooms and who is in them: joining, leaving, adding, bans of people and of virtual users, topic, new rooms, one-to-one rooms, presence.
// Follows the server's code of 2020; a user's `create` is told in rooms of up to a hundred members alone. Unverified: that a new topic
// comes as a patch, and which fields stand in it; who may add people to private rooms.

import { banOf, banOfVirtual, canRead, forbidden, isAdmin, mustAdmin, mustRead } from './access.ts';
import { GitterFault } from './http.ts';
import type { Messages } from './messages.ts';
import type { Ban, Room, User, VirtualName } from './model.ts';
import type { Shapes } from './shapes.ts';
import type { World } from './world.ts';

export interface RoomsOptions {
  readonly world: World;
  readonly shapes: Shapes;
  readonly messages: Messages;
  /** Somebody is no longer in a room: their subscriptions to it end. */
  readonly onRemoved: (room: Room, user: User) => void;
}

const toldUpTo = 100;

export class Rooms {
  readonly #options: RoomsOptions;

  constructor(options: RoomsOptions) {
    this.#options = options;
  }

  join(room: Room, user: User): void {
    if (room.members.has(user.id)) return;
    if (banOf(user, room) !== undefined) throw forbidden();
    mustRead(user, room);
    this.#enter(room, user);
  }

  /** By somebody who is in it. */
  add(room: Room, user: User, by: User): void {
    if (!room.members.has(by.id) && !isAdmin(by, room)) throw forbidden();
    if (banOf(user, room) !== undefined || room.isOneToOne) throw forbidden();
    if (!room.members.has(user.id)) this.#enter(room, user);
  }

  /** Leaving, or by an admin being removed. */
  remove(room: Room, user: User, by: User): void {
    if (user !== by) mustAdmin(by, room);
    if (room.isOneToOne) throw new GitterFault(400, 'This room does not support removing.');
    if (!room.members.has(user.id)) throw new GitterFault(404, 'Not Found');
    this.#exit(room, user);
  }

  ban(room: Room, who: User | VirtualName, by: User, removesMessages = false): Ban {
    mustAdmin(by, room);
    if (room.isOneToOne) throw new GitterFault(400, 'You cannot ban somebody from a one-to-one room');
    const user = 'username' in who ? who : undefined;
    if (user !== undefined && isAdmin(user, room)) throw forbidden();
    const virtualUser = 'username' in who ? undefined : { type: who.type, externalId: who.externalId };
    const known = user === undefined ? virtualUser && banOfVirtual(virtualUser, room) : banOf(user, room);
    const ban = known ?? { user, virtualUser, bannedBy: by, date: this.#options.world.clock.now() };
    if (known === undefined) room.bans.push(ban);
    if (user !== undefined && room.members.has(user.id)) this.#exit(room, user);
    if (removesMessages) this.#removeMessages(room, ban);
    return ban;
  }

  unban(room: Room, name: string, by: User): void {
    mustAdmin(by, room);
    room.bans.splice(room.bans.indexOf(this.banNamed(room, name)), 1);
  }

  /** A virtual user's is found by their id there, with or without `@`, or by that of their `fromUser`. */
  banNamed(room: Room, name: string): Ban {
    const namesOf = ({ user, virtualUser }: Ban) => {
      if (virtualUser === undefined) return [user?.username.toLowerCase()];
      const { type, externalId } = virtualUser;
      return [externalId, `@${externalId}`, `${type}-${externalId}`].map((each) => each.toLowerCase());
    };
    const ban = room.bans.find((each) => namesOf(each).includes(name.toLowerCase()));
    if (ban === undefined) throw new GitterFault(404, 'Not Found');
    return ban;
  }

  change(room: Room, by: User, { topic, tags, noIndex, providers }: Partial<Pick<Room, 'topic' | 'tags' | 'noIndex' | 'providers'>>): void {
    mustAdmin(by, room);
    if (topic !== undefined) room.topic = topic;
    if (tags !== undefined) room.tags = tags;
    if (noIndex !== undefined) room.noIndex = noIndex;
    if (providers !== undefined) room.providers = providers;
    this.#patch(room, { topic: room.topic, tags: room.tags, noindex: room.noIndex });
  }

  /** By an admin of the community. */
  create(uri: string, by: User, { topic = '', isPrivate = false } = {}): Room {
    const { world } = this.#options;
    const group = world.groupAt(uri.split('/')[0] ?? '');
    if (group === undefined) throw new GitterFault(404, 'Not Found');
    if (!group.admins.has(by.id)) throw forbidden();
    if (world.roomAt(uri) !== undefined) throw new GitterFault(409, 'Conflict');
    const room = world.makeRoom({ uri, topic, isPrivate });
    this.#enter(room, by);
    return room;
  }

  /** Found or made. */
  oneToOne(user: User, other: User): Room {
    if (user === other) throw new GitterFault(400, 'You cannot talk to yourself');
    const { world, shapes } = this.#options;
    const known = world.oneToOneBetween(user.id, other.id);
    if (known !== undefined) return known;
    const room = world.makeRoom({ isOneToOne: true, members: [user.id, other.id] });
    for (const each of [user, other]) world.announceModel(`/user/${each.id}/rooms`, 'rooms', 'create', shapes.room(room, each));
    return room;
  }

  rename(room: Room, uri: string): void {
    room.uri = uri;
    this.#patch(room, { uri, url: `/${uri}` });
  }

  makePrivate(room: Room, isPrivate: boolean): void {
    room.isPrivate = isPrivate;
    this.#patch(room, { security: isPrivate ? 'PRIVATE' : 'PUBLIC', public: !isPrivate });
  }

  delete(room: Room, by: User): void {
    mustAdmin(by, room);
    const { world } = this.#options;
    world.announceModel(`/rooms/${room.id}`, 'rooms', 'remove', { id: room.id });
    for (const id of [...room.members.keys()]) this.#exit(room, world.user(id));
    room.isDeleted = true;
  }

  setPresence(room: Room, user: User, status: 'in' | 'out'): void {
    if (!canRead(user, room)) return;
    const presence = { notification: 'presence', userId: user.id, status };
    this.#options.world.announce(`/rooms/${room.id}`, 'notification/presence', presence);
  }

  #enter(room: Room, user: User): void {
    const { world, shapes } = this.#options;
    room.members.set(user.id, world.membership());
    if (room.members.size <= toldUpTo) world.announceModel(`/rooms/${room.id}/users`, 'users', 'create', shapes.user(user, room));
    world.announceModel(`/user/${user.id}/rooms`, 'rooms', 'create', shapes.room(room, user));
    this.#patch(room, { userCount: room.members.size });
  }

  #exit(room: Room, user: User): void {
    const { world, onRemoved } = this.#options;
    room.members.delete(user.id);
    world.announceModel(`/rooms/${room.id}/users`, 'users', 'remove', { id: user.id });
    world.announceModel(`/user/${user.id}/rooms`, 'rooms', 'remove', { id: room.id });
    onRemoved(room, user);
    this.#patch(room, { userCount: room.members.size });
  }

  #patch(room: Room, fields: object): void {
    room.v += 1;
    const { world } = this.#options;
    const model = { id: room.id, ...fields, v: room.v };
    world.announceModel(`/rooms/${room.id}`, 'rooms', 'patch', model);
    for (const member of room.members.keys()) world.announceModel(`/user/${member}/rooms`, 'rooms', 'patch', model);
  }

  #removeMessages(room: Room, { user, virtualUser }: Ban): void {
    const isTheirs = (message: Room['messages'][number]) =>
      user !== undefined
        ? message.user === user && message.virtualUser === undefined
        : message.virtualUser?.type === virtualUser?.type && message.virtualUser?.externalId === virtualUser?.externalId;
    // Replies before their parents, or the parents would only be emptied.
    for (const message of room.messages.filter(isTheirs).reverse()) this.#options.messages.discard(message);
  }
}
