// Tokens: given, renewed, revoked. Prefixes and lifetimes as docs.slack.dev/authentication/tokens and /using-token-rotation. Unverified,
// from memory: that a repeated install returns the token that lives, with scopes added (a rotated one is new); that a refresh token is good once; and that
// the last token's end uninstalls the app.

import type { App, Enterprise, Team, Token, User } from './model.ts';
import { SlackFault, type World } from './world.ts';

const rotatedLife = 12 * 3600;

export interface NewToken {
  readonly kind: Token['kind'];
  readonly app: App;
  readonly team?: Team | undefined;
  readonly enterprise?: Enterprise | undefined;
  readonly user?: User | undefined;
  readonly scopes: Iterable<string>;
  /** Chosen by the test; made by Slack's pattern if left out. */
  readonly value?: string | undefined;
}

export class Tokens {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  grant({ kind, app, team, enterprise, user, scopes, value }: NewToken): Token {
    const world = this.#world;
    const known = world
      .tokensOf(app)
      .find(
        (token) =>
          token.kind === kind && token.team === team && token.user === user && token.enterprise === enterprise && world.isLive(token),
      );
    if (known !== undefined && value === undefined && !app.hasTokenRotation) {
      for (const scope of scopes) known.scopes.add(scope);
      return known;
    }
    const isRotated = app.hasTokenRotation && kind !== 'app';
    const prefix = { bot: 'xoxb', user: 'xoxp', app: 'xapp-1' }[kind];
    const token: Token = {
      value: value ?? `${isRotated ? 'xoxe.' : ''}${prefix}-${isRotated ? '1-' : ''}${world.secret(20)}`,
      kind,
      app,
      team,
      enterprise,
      user,
      scopes: new Set(scopes),
      expires: isRotated ? world.clock.now() + rotatedLife * 1000 : undefined,
      isRevoked: false,
      refreshToken: isRotated ? `xoxe-1-${world.secret(20)}` : undefined,
    };
    world.tokens.set(token.value, token);
    return token;
  }

  /** The old token lives on to its hour; the old refresh token does not. */
  refresh(app: App, refreshToken: string): Token {
    const old = this.#world.tokensOf(app).find((token) => token.refreshToken === refreshToken && !token.isRevoked);
    if (old === undefined) throw new SlackFault('invalid_refresh_token');
    const { kind, team, enterprise, user, scopes } = old;
    old.refreshToken = undefined;
    const prefix = kind === 'bot' ? 'xoxb' : 'xoxp';
    return this.grant({ kind, app, team, enterprise, user, scopes, value: `xoxe.${prefix}-1-${this.#world.secret(20)}` });
  }

  lifetimeOf({ expires }: Token): number | undefined {
    return expires === undefined ? undefined : Math.round((expires - this.#world.clock.now()) / 1000);
  }

  /** By auth.revoke, or by its user or an admin in Slack's settings. */
  revoke(token: Token): void {
    if (token.isRevoked) return;
    token.isRevoked = true;
    const { app, team, user, kind } = token;
    if (team === undefined || user === undefined) return;
    const tokens = kind === 'bot' ? { bot: [user.id] } : { oauth: [user.id] };
    this.#world.announce({ type: 'tokens_revoked', tokens }, { of: 'app', app, team, user: user.id, isBot: kind === 'bot' });
    const left = this.#world.tokensOf(app, team).filter((each) => each.kind !== 'app' && this.#world.isLive(each));
    if (left.length === 0) this.#announceUninstall(app, team, user.id);
  }

  uninstall(app: App, team: Team): void {
    const tokens = this.#world.tokensOf(app, team).filter((token) => token.kind !== 'app' && token.team === team && !token.isRevoked);
    for (const token of tokens) token.isRevoked = true;
    const told = { oauth: idsOf(tokens, 'user'), bot: idsOf(tokens, 'bot') };
    const user = tokens[0]?.user?.id ?? '';
    this.#world.announce({ type: 'tokens_revoked', tokens: told }, { of: 'app', app, team, user, isBot: true });
    this.#announceUninstall(app, team, user);
  }

  #announceUninstall(app: App, team: Team, user: string): void {
    this.#world.announce({ type: 'app_uninstalled' }, { of: 'app', app, team, user, isBot: true });
  }
}

function idsOf(tokens: readonly Token[], kind: Token['kind']): string[] {
  return tokens.filter((token) => token.kind === kind).flatMap(({ user }) => user?.id ?? []);
}
