// Objects as Gitter's serialisers show them (server's code of 2020, documentation of 2018). A room looks different to each who asks; a
// message does in `unread` alone. `editedAt` is left out where nothing was edited; the documentation's examples have null there. Unverified:
// the names within the mock of a virtual user's `fromUser`; a room's `backend`, and that all rooms are of one `githubType`.

import { isAdmin } from './access.ts';
import type { Activity, Ban, Group, Message, Room, User } from './model.ts';
import type { World } from './world.ts';

export interface UserShape {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
  readonly url?: string;
  readonly avatarUrl?: string;
  readonly avatarUrlSmall?: string;
  readonly avatarUrlMedium?: string;
  readonly role?: 'admin';
  readonly staff?: true;
  readonly removed?: true;
  readonly providers?: readonly string[];
  readonly v?: number;
}

export interface MessageShape {
  readonly id: string;
  readonly text: string;
  readonly html: string;
  readonly sent: string;
  readonly editedAt?: string;
  readonly status?: true;
  readonly parentId?: string;
  readonly threadMessageCount?: number;
  readonly unread?: boolean;
  readonly readBy?: number;
  readonly urls?: readonly { readonly url: string }[];
  readonly mentions?: Message['rendered']['mentions'];
  readonly issues?: Message['rendered']['issues'];
  readonly meta?: readonly unknown[];
  readonly v: number;
  /** With `lookups=user` the id alone. */
  readonly fromUser: UserShape | string;
  readonly virtualUser?: Message['virtualUser'];
}

export interface MessageView {
  /** Whose `unread` it tells. */
  readonly viewer?: User;
  readonly isLean?: boolean;
  readonly byLookup?: boolean;
}

export class Shapes {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  user(user: User, room?: Room): UserShape {
    const picture = `${this.#world.origin}/avatars/g/u/${user.id}/${user.avatar.version}`;
    const provider = /_(gitlab|twitter)$/.exec(user.username)?.[1] ?? 'github';
    return {
      id: user.id,
      username: user.isRemoved ? 'ghost' : user.username,
      displayName: user.isRemoved ? 'Ghost' : user.displayName,
      url: `/${user.username}`,
      avatarUrl: picture,
      avatarUrlSmall: `${picture}?s=60`,
      avatarUrlMedium: `${picture}?s=128`,
      ...(room !== undefined && isAdmin(user, room) && { role: 'admin' as const }),
      ...(user.isStaff && { staff: true as const }),
      ...(user.isRemoved && { removed: true as const }),
      providers: [provider],
      v: user.v,
    };
  }

  message(message: Message, { viewer, isLean = false, byLookup = false }: MessageView = {}): MessageShape {
    const { room, rendered, virtualUser, readers, replies, editedAt, parentId } = message;
    const full = <List extends readonly unknown[]>(name: string, list: List) => (isLean && list.length === 0 ? {} : { [name]: list });
    const unread = viewer === undefined ? true : room.members.get(viewer.id)?.unread.has(message.id) === true;
    return {
      id: message.id,
      text: message.text,
      html: rendered.html,
      sent: new Date(message.sent).toISOString(),
      ...(editedAt !== undefined && { editedAt: new Date(editedAt).toISOString() }),
      ...(message.isStatus && { status: true as const }),
      ...(parentId !== undefined && { parentId }),
      ...(replies.size > 0 && { threadMessageCount: replies.size }),
      unread,
      readBy: readers.size,
      ...full('urls', rendered.urls),
      ...full('mentions', rendered.mentions),
      ...full('issues', rendered.issues),
      ...full('meta', []),
      v: message.v,
      fromUser: byLookup && virtualUser === undefined ? message.user.id : this.#author(message),
      ...(virtualUser !== undefined && { virtualUser }),
    };
  }

  room(room: Room, viewer: User): object {
    const member = room.members.get(viewer.id);
    const otherId = room.isOneToOne ? [...room.members.keys()].find((id) => id !== viewer.id) : undefined;
    const other = otherId === undefined ? undefined : this.#world.user(otherId);
    const { group, uri } = room;
    const place = uri?.split('/').slice(1).join('/');
    return {
      id: room.id,
      // Not the uri: the community's own name stands in it.
      name: other !== undefined ? other.displayName : place ? `${group?.name}/${place}` : group?.name,
      topic: room.topic,
      ...(uri !== undefined && { uri }),
      oneToOne: room.isOneToOne,
      userCount: room.members.size,
      ...(other !== undefined && { user: this.user(other) }),
      unreadItems: member?.unread.size ?? 0,
      mentions: member?.mentioned.size ?? 0,
      ...(member !== undefined && { lastAccessTime: new Date(member.lastAccess).toISOString() }),
      ...(member?.isFavourite && { favourite: 1 }),
      lurk: member?.isLurking ?? false,
      url: `/${other?.username ?? uri}`,
      githubType: room.isOneToOne ? 'ONETOONE' : 'REPO_CHANNEL',
      ...(!room.isOneToOne && { security: room.isPrivate ? 'PRIVATE' : 'PUBLIC' }),
      noindex: room.noIndex,
      tags: room.tags,
      ...(room.providers.length > 0 && { providers: room.providers }),
      permissions: { admin: isAdmin(viewer, room) },
      roomMember: member !== undefined,
      ...(group !== undefined && { groupId: group.id, group: this.group(group), backend: { type: 'GROUP', linkPath: group.uri } }),
      public: !room.isPrivate,
      avatarUrl: `${this.#world.origin}/avatars/group/i/${group?.id ?? room.id}`,
      v: room.v,
    };
  }

  group(group: Group): object {
    const avatarUrl = `${this.#world.origin}/avatars/group/i/${group.id}`;
    return { id: group.id, name: group.name, uri: group.uri, homeUri: `${group.uri}/home`, backedBy: { type: null }, avatarUrl };
  }

  ban({ user, virtualUser, bannedBy, date }: Ban): object {
    return {
      ...(user !== undefined && { user: this.user(user) }),
      ...(virtualUser !== undefined && { virtualUser }),
      bannedBy: this.user(bannedBy),
      dateBanned: new Date(date).toISOString(),
    };
  }

  activity({ sent, ...entry }: Activity): object {
    return { ...entry, sent: new Date(sent).toISOString(), editedAt: null, v: 1 };
  }

  #author({ user, virtualUser }: Message): UserShape {
    if (virtualUser === undefined) return this.user(user);
    const { type, externalId, displayName, avatarUrl } = virtualUser;
    const pictures = { avatarUrl, avatarUrlSmall: avatarUrl, avatarUrlMedium: avatarUrl };
    return { id: `${type}-${externalId}`, username: externalId, displayName, ...(avatarUrl !== undefined && (pictures as object)) };
  }
}
