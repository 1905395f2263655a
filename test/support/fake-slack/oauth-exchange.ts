// oauth.v2.access: a code of the consent page, or a refresh token, for tokens (docs.slack.dev/authentication/installing-with-oauth,
// /using-token-rotation). Codes live ten minutes and are good once.

import type { Call, To } from './call.ts';
import type { App, Team, Token, User } from './model.ts';
import { SlackFault } from './world.ts';

export interface Consent {
  readonly app: App;
  readonly team: Team;
  /** For the whole organisation. */
  readonly isOrgWide: boolean;
  readonly user: User;
  readonly botScopes: readonly string[];
  readonly userScopes: readonly string[];
  readonly redirectUri: string | undefined;
  readonly until: number;
  readonly botUser: User | undefined;
  readonly webhook:
    | { readonly url: string; readonly channel: string; readonly channel_id: string; readonly configuration_url: string }
    | undefined;
}

export function exchange(call: Call): To<'oauth.v2.access'> {
  const { args, world, tokens, basic } = call;
  const clientId = basic?.name ?? args.text('client_id');
  const app = [...world.apps.values()].find((each) => each.clientId === clientId);
  if (app === undefined) throw new SlackFault('invalid_client_id');
  if ((basic?.password ?? args.text('client_secret')) !== app.clientSecret) throw new SlackFault('bad_client_secret');
  const grantType = args.text('grant_type') ?? 'authorization_code';
  if (grantType === 'refresh_token') return refreshed(call, tokens.refresh(app, args.text('refresh_token') ?? ''));
  if (grantType !== 'authorization_code') throw new SlackFault('invalid_grant_type');
  return installed(call, consentOf(call, app));
}

function consentOf({ args, world, consents }: Call, app: App): Consent {
  const code = args.text('code') ?? '';
  const consent = consents.get(code);
  consents.delete(code);
  if (consent === undefined || consent.app !== app || consent.until < world.clock.now()) throw new SlackFault('invalid_code');
  if (consent.redirectUri !== args.text('redirect_uri')) throw new SlackFault('bad_redirect_uri');
  return consent;
}

function installed({ tokens }: Call, consent: Consent): To<'oauth.v2.access'> {
  const { app, user, isOrgWide, botUser, webhook } = consent;
  const team = isOrgWide ? undefined : consent.team;
  const enterprise = isOrgWide ? consent.team.enterprise : undefined;
  const place = { app, team, enterprise };
  const bot = botUser === undefined ? undefined : tokens.grant({ ...place, kind: 'bot', user: botUser, scopes: consent.botScopes });
  const own = consent.userScopes.length === 0 ? undefined : tokens.grant({ ...place, kind: 'user', user, scopes: consent.userScopes });
  return {
    app_id: app.id,
    authed_user: { id: user.id, ...(own === undefined ? {} : { ...shown(tokens.lifetimeOf(own), own), token_type: 'user' }) },
    ...(bot === undefined ? {} : { ...shown(tokens.lifetimeOf(bot), bot), token_type: 'bot', bot_user_id: botUser?.id }),
    // `null` on the wire where there is none; the types know only its absence.
    team: (team === undefined ? null : { id: team.id, name: team.name }) as never,
    enterprise: (consent.team.enterprise === undefined
      ? null
      : { id: consent.team.enterprise.id, name: consent.team.enterprise.name }) as never,
    is_enterprise_install: isOrgWide,
    ...(webhook === undefined ? {} : { incoming_webhook: webhook }),
  };
}

function refreshed({ tokens }: Call, token: Token): To<'oauth.v2.access'> {
  const { app, kind, user, team, enterprise } = token;
  return {
    ...shown(tokens.lifetimeOf(token), token),
    token_type: kind,
    app_id: app.id,
    ...(kind === 'bot' ? { bot_user_id: user?.id } : {}),
    team: (team === undefined ? null : { id: team.id, name: team.name }) as never,
    enterprise: (enterprise === undefined ? null : { id: enterprise.id, name: enterprise.name }) as never,
    is_enterprise_install: team === undefined,
  };
}

function shown(expires_in: number | undefined, { value, scopes, refreshToken }: Token) {
  const rotation = expires_in === undefined || refreshToken === undefined ? {} : { expires_in, refresh_token: refreshToken };
  return { access_token: value, scope: [...scopes].join(','), ...rotation };
}
