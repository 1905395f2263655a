// What Gitter's API hands out, as far as it is used here. Nothing is trusted to be there that an old or a self-made server may leave out.

export interface WireUser {
  readonly id: string;
  readonly username?: string;
  readonly displayName?: string;
  readonly avatarUrl?: string;
  readonly avatarUrlMedium?: string;
  readonly role?: string;
  readonly staff?: boolean;
  readonly removed?: boolean;
  readonly online?: boolean;
}

export interface WireVirtualUser {
  readonly type: string;
  readonly externalId: string;
  readonly displayName?: string;
  readonly avatarUrl?: string;
}

export interface WireMessage {
  readonly id: string;
  readonly text?: string;
  readonly html?: string;
  readonly sent?: string;
  readonly editedAt?: string | null;
  readonly status?: boolean;
  readonly parentId?: string;
  readonly threadMessageCount?: number;
  readonly mentions?: readonly { readonly screenName?: string; readonly userId?: string | null; readonly group?: boolean }[];
  readonly issues?: readonly { readonly number?: string; readonly repo?: string }[];
  readonly v?: number;
  readonly fromUser?: WireUser;
  readonly virtualUser?: WireVirtualUser;
}

export interface WireRoom {
  readonly id: string;
  readonly uri?: string;
  readonly url?: string;
  readonly name?: string;
  readonly topic?: string;
  readonly oneToOne?: boolean;
  readonly user?: WireUser;
  readonly userCount?: number;
  readonly githubType?: string;
  readonly security?: string;
  readonly public?: boolean;
  readonly permissions?: { readonly admin?: boolean };
  readonly roomMember?: boolean;
  readonly groupId?: string;
  readonly lastAccessTime?: string;
  readonly backend?: { readonly type?: string; readonly linkPath?: string };
}

export interface WireBan {
  readonly user?: WireUser;
  readonly virtualUser?: WireVirtualUser;
  readonly bannedBy?: WireUser;
}

/** What the realtime channel tells of a thing. */
export interface WireChange {
  readonly operation?: 'create' | 'update' | 'patch' | 'remove';
  readonly model?: unknown;
  /** Instead of both: `presence`, `token_revoked` … */
  readonly notification?: string;
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

/** Whatever has an id. */
export function hasId(value: unknown): value is { readonly id: string } {
  return isRecord(value) && typeof value.id === 'string' && value.id !== '';
}

export function listOf<Item extends { readonly id: string }>(value: unknown): readonly Item[] {
  return Array.isArray(value) ? value.filter((each): each is Item => hasId(each)) : [];
}

/** A list, or the `results` of a search. */
export function resultsIn<Item extends { readonly id: string }>(value: unknown): readonly Item[] {
  return listOf(isRecord(value) && 'results' in value ? value.results : value);
}

const isWord = (value: unknown): boolean => typeof value === 'string';
const isWordOrNull = (value: unknown): boolean => value === null || isWord(value);

type Shape = ReadonlyMap<string, (value: unknown) => boolean>;

const userShape: Shape = new Map(['username', 'displayName', 'avatarUrl', 'avatarUrlMedium'].map((name) => [name, isWord]));
const virtualShape: Shape = new Map(['displayName', 'avatarUrl'].map((name) => [name, isWord]));
const messageShape: Shape = new Map([
  ...['text', 'sent', 'parentId'].map((name) => [name, isWord] as const),
  ['editedAt', isWordOrNull],
  ['fromUser', hasId],
  ['virtualUser', (value) => isRecord(value) && isWord(value.type) && isWord(value.externalId)],
  ['mentions', Array.isArray],
]);

/** As told, without what is of another shape than the API's: that counts as not told. */
export function userIn(told: unknown): WireUser | undefined {
  return hasId(told) ? fitting(told, userShape) : undefined;
}

const roomShape: Shape = new Map([
  ...['uri', 'topic', 'security', 'groupId', 'githubType', 'lastAccessTime'].map((name) => [name, isWord] as const),
  ...['oneToOne', 'public', 'roomMember'].map((name) => [name, (value: unknown) => typeof value === 'boolean'] as const),
  ['userCount', (value) => typeof value === 'number'],
  ['user', hasId],
]);

/** In the same way. */
export function roomIn(told: WireRoom): WireRoom {
  const room = fitting(told, roomShape);
  return room.user === undefined ? room : { ...room, user: fitting(room.user, userShape) };
}

export const roomsIn = (told: unknown): readonly WireRoom[] => listOf<WireRoom>(told).map(roomIn);

/** In the same way. What a patch does not tell stays untold. */
export function messageIn(told: unknown): WireMessage | undefined {
  if (!hasId(told)) return undefined;
  const message: WireMessage = fitting(told, messageShape);
  const { fromUser, virtualUser, mentions } = message;
  return {
    ...message,
    ...(fromUser !== undefined && { fromUser: fitting(fromUser, userShape) }),
    ...(virtualUser !== undefined && { virtualUser: fitting(virtualUser, virtualShape) }),
    ...(mentions !== undefined && { mentions: mentions.filter(isRecord) }),
  };
}

export const messagesIn = (told: unknown): readonly WireMessage[] => listOf(told).flatMap((each) => messageIn(each) ?? []);

function fitting<Told extends object>(told: Told, shape: Shape): Told {
  return Object.fromEntries(Object.entries(told).filter(([name, value]) => shape.get(name)?.(value) ?? true)) as Told;
}
