// REST about rooms: finding, resolving without joining, changing, members, bans (section "Rooms resource" of the documentation, server's
// code of 2020). Unverified: the answers of adding, banning and unbanning; how a virtual user's ban is named when it is lifted.

import { canRead, forbidden } from '../access.ts';
import { GitterFault, json } from '../http.ts';
import type { User, VirtualName } from '../model.ts';
import { type ApiCall, type Handler, noContent, numberIn, pageOf, roomOf, textIn } from './call.ts';

export const roomRoutes: Readonly<Record<string, Handler>> = {
  'GET /rooms': ({ world, shapes, user, query }) => {
    const words = query.get('q')?.toLowerCase();
    if (words === undefined) return json(world.roomsOf(user).map((room) => shapes.room(room, user)));
    const seen = [...world.rooms.values()].filter((room) => !room.isDeleted && !room.isOneToOne && canRead(user, room));
    const found = seen.filter(({ uri, topic }) => `${uri} ${topic}`.toLowerCase().includes(words));
    return json({ results: pageOf(found, query, 10).map((room) => shapes.room(room, user)) });
  },
  // Joins nothing; of a person's name it makes the one-to-one room.
  'POST /rooms': ({ world, shapes, rooms, user, body }) => {
    const uri = textIn(body, 'uri');
    const other = uri.includes('/') ? undefined : world.userNamed(uri);
    const room = other === undefined ? world.roomAt(uri) : rooms.oneToOne(user, other);
    if (room === undefined) throw new GitterFault(404, 'Not Found');
    if (!canRead(user, room)) throw forbidden();
    return json(shapes.room(room, user));
  },
  'POST /groups/:group/rooms': ({ world, shapes, rooms, user, params, body }) => {
    const group = world.groups.get(params.group ?? '');
    if (group === undefined) throw new GitterFault(404, 'Not Found');
    const { topic, security } = body;
    const options = { isPrivate: security === 'PRIVATE', ...(typeof topic === 'string' && { topic }) };
    return json(shapes.room(rooms.create(`${group.uri}/${textIn(body, 'name')}`, user, options), user));
  },
  'GET /rooms/:room': (call) => json(call.shapes.room(roomOf(call), call.user)),
  'PUT /rooms/:room': (call) => {
    const { topic, noindex, tags, providers } = call.body;
    const room = roomOf(call);
    call.rooms.change(room, call.user, {
      ...(typeof topic === 'string' && { topic }),
      ...(noindex !== undefined && { noIndex: noindex === true || noindex === 'true' }),
      ...(typeof tags === 'string' && {
        tags: tags
          .split(',')
          .map((tag) => tag.trim())
          .filter((tag) => tag !== ''),
      }),
      ...(Array.isArray(providers) && { providers: providers.map(String) }),
    });
    return json(call.shapes.room(room, call.user));
  },
  'DELETE /rooms/:room': (call) => {
    call.rooms.delete(roomOf(call), call.user);
    return json({ success: true });
  },
  'GET /rooms/:room/users': (call) => {
    const room = roomOf(call);
    const words = call.query.get('q')?.toLowerCase() ?? '';
    const isIt = ({ username, displayName }: User) => `${username} ${displayName}`.toLowerCase().includes(words);
    const members = [...room.members.keys()].map((id) => call.world.user(id)).filter(isIt);
    return json(pageOf(members, call.query, 30).map((each) => call.shapes.user(each, room)));
  },
  'POST /rooms/:room/users': (call) => {
    const user = named(call, textIn(call.body, 'username'));
    call.rooms.add(roomOf(call), user, call.user);
    return json({ success: true, user: call.shapes.user(user) });
  },
  'DELETE /rooms/:room/users/:who': (call) => {
    const { params, query, world, user } = call;
    const who = params.who ?? '';
    call.rooms.remove(roomOf(call), query.get('type') === 'username' ? named(call, who) : who === 'me' ? user : world.user(who), user);
    return json({ success: true });
  },
  'GET /rooms/:room/bans': (call) => json(roomOf(call).bans.map((ban) => call.shapes.ban(ban))),
  'POST /rooms/:room/bans': (call) => {
    const { removeMessages } = call.body;
    const ban = call.rooms.ban(roomOf(call), toBan(call), call.user, removeMessages === true || removeMessages === 'true');
    return json({ ...call.shapes.ban(ban), wasRemoved: true });
  },
  'GET /rooms/:room/bans/:name': (call) => {
    return json(call.shapes.ban(call.rooms.banNamed(roomOf(call), call.params.name ?? '')));
  },
  'DELETE /rooms/:room/bans/:name': (call) => {
    call.rooms.unban(roomOf(call), call.params.name ?? '', call.user);
    return noContent;
  },
  'GET /rooms/:room/events': (call) => {
    const { activity } = roomOf(call);
    return json(activity.slice(-(numberIn(call.query, 'limit') ?? 50)).map((entry) => call.shapes.activity(entry)));
  },
};

function named({ world }: ApiCall, username: string): User {
  const user = world.userNamed(username);
  if (user === undefined) throw new GitterFault(404, 'Not Found');
  return user;
}

/** A name shaped like a Matrix id is taken for a virtual user's. */
function toBan(call: ApiCall): User | VirtualName {
  const { virtualUser, username } = call.body;
  const matrixName = /^@?([^:\s]+:\S+)$/.exec(typeof username === 'string' ? username : '')?.[1];
  if (matrixName !== undefined) return { type: 'matrix', externalId: matrixName };
  if (typeof virtualUser !== 'object' || virtualUser === null) return named(call, textIn(call.body, 'username'));
  const fields = virtualUser as Readonly<Record<string, unknown>>;
  return { type: textIn(fields, 'type'), externalId: textIn(fields, 'externalId') };
}
