// REST about users: oneself, profiles, one's rooms and communities, what is unread (section "User resource" of the documentation, server's
// code of 2020). Unverified: the fields of a public profile beyond a user's; that a joined room can be named by `uri`.

import { mustRead } from '../access.ts';
import { isObjectId } from '../clock.ts';
import { GitterFault, json } from '../http.ts';
import type { Membership } from '../model.ts';
import { type ApiCall, type Handler, mustBeSelf, pageOf, roomOf, textIn } from './call.ts';

export const userRoutes: Readonly<Record<string, Handler>> = {
  // An array of one, unless people are searched.
  'GET /user': ({ user, query, world, shapes }) => {
    const words = query.get('q')?.toLowerCase();
    if (words === undefined) return json([shapes.user(user)]);
    const isIt = (name: string) => name.toLowerCase().includes(words);
    const found = [...world.users.values()].filter((each) => !each.isRemoved && (isIt(each.username) || isIt(each.displayName)));
    return json({ results: pageOf(found, query, 10).map((each) => shapes.user(each)) });
  },
  'GET /user/:user': (call) => {
    mustBeSelf(call);
    return json(call.shapes.user(call.user));
  },
  'GET /users/:name': ({ params, world, shapes }) => {
    const found = world.userNamed(params.name ?? '');
    if (found === undefined) throw new GitterFault(404, 'Not Found');
    return json({ ...shapes.user(found), has: { gitterLogin: true } });
  },
  'GET /user/:user/rooms': (call) => {
    mustBeSelf(call);
    const { world, shapes, user } = call;
    return json(world.roomsOf(user).map((room) => shapes.room(room, user)));
  },
  'POST /user/:user/rooms': (call) => {
    mustBeSelf(call);
    const { world, shapes, rooms, user, body } = call;
    const id = textIn(body, 'id');
    if (!isObjectId(id)) throw new GitterFault(400, 'Bad Request');
    const room = world.room(id);
    rooms.join(room, user);
    return json(shapes.room(room, user));
  },
  'PATCH /user/:user/rooms/:room': (call) => {
    const { member } = own(call);
    const { mode, favourite, updateLastAccess } = call.body;
    if (mode !== undefined) member.isLurking = mode === 'mute';
    if (favourite !== undefined) member.isFavourite = Boolean(favourite);
    if (updateLastAccess === true) member.lastAccess = call.world.clock.now();
    return json(call.shapes.room(roomOf(call), call.user));
  },
  'GET /user/:user/groups': (call) => groups(call),
  'GET /user/:user/orgs': (call) => none(call),
  'GET /user/:user/repos': (call) => none(call),
  'GET /user/:user/suggestedRooms': (call) => {
    mustBeSelf(call);
    const { world, shapes, user } = call;
    const open = [...world.rooms.values()].filter((room) => !room.isPrivate && !room.isDeleted && !room.members.has(user.id));
    return json(pageOf(open, call.query, 10).map((room) => shapes.room(room, user)));
  },
  'GET /groups': ({ world, shapes, user }) => {
    const own = new Set(world.roomsOf(user).flatMap(({ group }) => group ?? []));
    return json([...own].map((group) => shapes.group(group)));
  },
  'GET /groups/:group': ({ world, shapes, params }) => {
    const group = world.groups.get(params.group ?? '');
    if (group === undefined) throw new GitterFault(404, 'Not Found');
    return json(shapes.group(group));
  },
  'GET /groups/:group/rooms': ({ world, shapes, user, params }) => {
    const within = [...world.rooms.values()].filter(({ group, isDeleted }) => group?.id === params.group && !isDeleted);
    const shown = within.filter((room) => !room.isPrivate || room.members.has(user.id));
    return json(shown.map((room) => shapes.room(room, user)));
  },
  'GET /user/:user/rooms/:room/unreadItems': (call) => {
    const { member } = own(call);
    return json({ chat: [...member.unread], mention: [...member.mentioned] });
  },
  'POST /user/:user/rooms/:room/unreadItems': (call) => {
    own(call);
    const { chat } = call.body;
    if (!Array.isArray(chat) || chat.length === 0) throw new GitterFault(400, 'Bad Request');
    call.messages.read(roomOf(call), call.user, chat.map(String));
    return json({ success: true });
  },
  'DELETE /user/:user/rooms/:room/unreadItems/all': (call) => {
    const { member } = own(call);
    call.messages.read(roomOf(call), call.user, [...member.unread]);
    return json({ success: true });
  },
};

function own(call: ApiCall): { readonly member: Membership } {
  mustBeSelf(call);
  const room = roomOf(call);
  mustRead(call.user, room);
  const member = room.members.get(call.user.id);
  if (member === undefined) throw new GitterFault(404, 'Not Found');
  return { member };
}

function groups(call: ApiCall) {
  mustBeSelf(call);
  const own = new Set(call.world.roomsOf(call.user).flatMap(({ group }) => group ?? []));
  return json([...own].map((group) => call.shapes.group(group)));
}

function none(call: ApiCall) {
  mustBeSelf(call);
  return json([]);
}
