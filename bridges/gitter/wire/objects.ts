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
