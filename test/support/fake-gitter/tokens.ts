// Access tokens: 40 hex characters, one for each user and client, without an end; and what their revocation brings about on Faye: a notice
// on `/api/v1/token/TOKEN`, then the client ids and sockets are gone. REST and streams answer 401 from then on.

import type { OAuthClient, Token, User } from './model.ts';
import type { World } from './world.ts';

export class Tokens {
  readonly #world: World;
  readonly #onRevoked: (token: Token) => void;

  constructor(world: World, onRevoked: (token: Token) => void) {
    this.#world = world;
    this.#onRevoked = onRevoked;
  }

  /** The one that there is, or a new one. */
  of(user: User, client: OAuthClient, value?: string): Token {
    const known = [...this.#world.tokens.values()].find((token) => token.user === user && token.client === client && !token.isRevoked);
    if (known !== undefined && (value ?? known.value) === known.value) return known;
    const token: Token = { value: value ?? this.#world.secret(), user, client, isRevoked: false };
    this.#world.tokens.set(token.value, token);
    return token;
  }

  revoke(token: Token): void {
    if (token.isRevoked) return;
    const notice = { notification: 'token_revoked' };
    this.#world.announce(`/token/${token.value}`, 'notification/token_revoked', notice);
    token.isRevoked = true;
    this.#onRevoked(token);
  }

  revokeOf(user: User, client?: OAuthClient): void {
    for (const token of this.#world.tokens.values())
      if (token.user === user && (client ?? token.client) === token.client) this.revoke(token);
  }
}
