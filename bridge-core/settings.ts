// What any bridge can be told, as plain frozen data. config/ makes it from YAML; nothing here knows of files or formats.
// Durations are in milliseconds, sizes in bytes.

import type { AllowAndDeny } from './globs.ts';
import type { UserId } from './ids.ts';

export type PermissionLevel = 'none' | 'user' | 'admin';

/** `namespace`: the registration lets the bridge speak as anybody of its homeserver. `token`: each gives an access token. */
export type DoublePuppeting = 'off' | 'namespace' | 'token';

export interface CoreSettings {
  readonly homeserver: {
    readonly url: string;
    readonly domain: string;
    /** Requests to the homeserver at once, all kinds together. */
    readonly inFlight: number;
  };
  readonly appservice: {
    readonly listen: { readonly host: string; readonly port: number };
    /** Where the homeserver reaches us. */
    readonly url: string;
    /** Path of the registration file. */
    readonly registration: string;
    readonly botLocalpart: string;
  };
  /** Path of the SQLite file. */
  readonly store: string;
  /** Where browsers and other networks reach us; undefined: no links to media or pages. */
  readonly publicUrl: string | undefined;
  /** First part of our public paths: the network's id unless set. */
  readonly webPrefix: string;
  /** Matrix id, server name or `*` → what they may do. The most exact entry counts. */
  readonly permissions: Readonly<Record<string, PermissionLevel>>;
  readonly membership: {
    readonly ghosts: 'lazy' | 'full';
    readonly puppets: 'speakers' | 'full';
    /** So long a ghost may be silent before it leaves, ms; undefined: for ever. */
    readonly idle: number | undefined;
    /** So many ghosts may be in one room; undefined: any number. */
    readonly maxGhosts: number | undefined;
    /** Joins and leaves a second over the whole bridge. */
    readonly perSecond: number;
    readonly maxQueued: number;
  };
  readonly ages: {
    /** How long a message may wait towards Matrix. */
    readonly toMatrix: number;
    readonly toNetwork: number;
    /** Older than this, a line towards the network carries its time. */
    readonly markLate: number;
  };
  readonly portals: PortalSettings;
  /** Whether what logged-in people say on the network by other means is shown as said by themselves, and by which power. */
  readonly doublePuppeting: DoublePuppeting;
  /** Logged-in people may have rooms of their own for the channels that they are in. */
  readonly sidecar: boolean;
  readonly provisioning: ProvisioningSettings;
  /** People of the networks who are served, above which nothing is carried; undefined: any number. */
  readonly activeUsers: { readonly limit: number | undefined; readonly minDays: number; readonly withinDays: number };
  /** In messages, for networks that can be asked. */
  readonly history: {
    /** How many of the old ones a new link brings along. */
    readonly onLink: number;
    /** How many of those that were missed are brought; beyond that the gap is told. */
    readonly gap: number;
  };
  readonly names: { readonly ghosts: string; readonly aliases: string; readonly displayName: string };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'auto' | 'json' | 'pretty' };
  /** Opens /metrics and health details to a bearer of this; undefined: loopback only. */
  readonly metricsToken: string | undefined;
}

/** Rooms that the bridge makes itself, for channels and for chats. */
export interface PortalSettings {
  /** Whoever joins the alias of a channel without a room has one made. */
  readonly aliases: boolean;
  /** Globs over a channel's name and over `network/name`; what is denied is denied whatever is allowed. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** A room for a channel that is linked to another one already. */
  readonly besideLinks: boolean;
  /** Rooms of public channels stand in the homeserver's directory. */
  readonly directory: boolean;
  /** What those who join later may read in a channel's room. */
  readonly history: 'joined' | 'invited' | 'shared';
  /** Rooms for the private and group chats of people who are logged in. */
  readonly direct: boolean;
  /** Of which Matrix people (by their ids), and with whom on the network (by id or name). */
  readonly chats: { readonly of: AllowAndDeny; readonly with: AllowAndDeny };
  /** A space for each network, with the rooms of its channels. */
  readonly spaces: boolean;
  /** Have power 50 in rooms of channels. */
  readonly moderators: readonly string[];
  readonly power: {
    /** To invite others. */
    readonly invite: number;
    /** To change the room's name, topic and the like. */
    readonly state: number;
  };
}

/** The HTTP door for integration managers and for people's own pages, and what links made on request are held to. */
export interface ProvisioningSettings {
  readonly enabled: boolean;
  /** Undefined: the homeserver's token. */
  readonly secret: string | undefined;
  /** ms that a page's session lasts. */
  readonly session: number;
  readonly perMinute: number;
  readonly requirePublicRoom: boolean;
  /** Which may be linked by others than the bridge's admins: globs over name, `network/name` and id. */
  readonly channels: AllowAndDeny;
  readonly limits: { readonly rooms: number | undefined; readonly networks: number | undefined };
  /** Servers whose word on who somebody is is asked for at an address of the operator's own. */
  readonly openIdServers: Readonly<Record<string, string>>;
}

/** The registration file as the bridge uses it. */
export interface Registration {
  readonly id: string;
  readonly asToken: string;
  readonly hsToken: string;
  readonly bot: UserId;
}
