// A Matrix person's own account on the network: how they come to it and what is kept of it. Types only; what is kept, sealed,
// and who is told of its end is virtual-users/logins.ts'.

import type { RemoteUserId, UserId } from './ids.ts';

export type Credentials = { readonly [field: string]: string };

/** Who speaks: the bridge's own identity, or a Matrix person. */
export type Speaker =
  | { readonly as: 'bot' }
  | { readonly as: 'user'; readonly user: UserId; readonly name?: string; readonly credentials?: Credentials };

/** What a login flow comes to. */
export interface LoginResult {
  /** Who they are on the network; an account is logged in once. */
  readonly account: RemoteUserId;
  /** The adapter's name of the network, as in Channel.network.id. */
  readonly network: string;
  /** As told to people: `ada on Acme`. */
  readonly name: string;
  readonly credentials: Credentials;
}

export interface Login extends LoginResult {
  readonly user: UserId;
}

/** A conversation as straight-line code; chat and HTTP both drive it. */
export interface LoginFlow {
  readonly id: string;
  readonly title: string;
  /** Undefined: it goes on elsewhere (in a browser, over a restart of ours), and `Inbox.loggedIn` tells how it ends. */
  run(user: UserId): AsyncGenerator<LoginStep, LoginResult | undefined, Record<string, string>>;
}

export type LoginStep = { readonly ask: readonly LoginField[] } | { readonly open: string } | { readonly wait: string };

export interface LoginField {
  readonly name: string;
  readonly title: string;
  readonly secret?: boolean;
}
