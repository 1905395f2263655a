// auth.*, apps.*, oauth.v2.access, rtm.connect, team.info: who calls, and from where. As their pages on docs.slack.dev/reference/methods;
// `revoked` of auth.revoke and `auth.test` of an organisation's token are from their examples.

import type { Call, MethodName, Methods, To } from '../call.ts';
import { authorizationShape } from '../envelope.ts';
import { exchange } from '../oauth-exchange.ts';
import { teamShape, teamUrl } from '../shapes.ts';
import { isConnect, isOn, SlackFault } from '../world.ts';

export const accountMethods = {
  'auth.test': ({ world, token, user, team }): To<'auth.test'> => {
    const home = token.team ?? team;
    return {
      url: teamUrl(world, home),
      team: token.team?.name ?? token.enterprise?.name,
      user: user.name,
      team_id: token.team?.id ?? token.enterprise?.id,
      user_id: user.id,
      bot_id: token.kind === 'bot' ? user.bot?.id : undefined,
      enterprise_id: home.enterprise?.id,
      is_enterprise_install: token.team === undefined,
      expires_in: token.expires === undefined ? undefined : Math.round((token.expires - world.clock.now()) / 1000),
    };
  },

  'auth.revoke': ({ args, token, tokens }): To<'auth.revoke'> => {
    const isTest = args.isOn('test');
    if (!isTest) tokens.revoke(token);
    return { revoked: !isTest };
  },

  'auth.teams.list': ({ world, token }): To<'auth.teams.list'> => {
    const teams = [...world.teams.values()].filter(
      (team) => team === token.team || (token.team === undefined && team.enterprise === token.enterprise),
    );
    return { teams: teams.map(({ id, name }) => ({ id, name })), response_metadata: { next_cursor: '' } };
  },

  'apps.connections.open': ({ token, socketMode }): To<'apps.connections.open'> => {
    if (!token.scopes.has('connections:write'))
      throw new SlackFault('missing_scope', { needed: 'connections:write', provided: [...token.scopes].join(',') });
    if (!token.app.usesSocketMode) throw new SlackFault('access_denied');
    return { url: socketMode.address(token.app) };
  },

  'apps.event.authorizations.list': ({ args, dispatch }): To<'apps.event.authorizations.list'> => {
    const found = dispatch.contexts.get(args.need('event_context'));
    if (found === undefined) throw new SlackFault('invalid_event_context');
    return {
      authorizations: found.map(
        (each) => ({ ...authorizationShape(each), enterprise_id: each.team.enterprise?.id, team_id: each.team.id }) as never,
      ),
    };
  },

  'apps.uninstall': ({ args, token, team, tokens }): To<'apps.uninstall'> => {
    if (args.need('client_id') !== token.app.clientId) throw new SlackFault('client_id_token_mismatch');
    if (args.need('client_secret') !== token.app.clientSecret) throw new SlackFault('bad_client_secret');
    tokens.uninstall(token.app, team);
    return {};
  },

  'oauth.v2.access': (call): To<'oauth.v2.access'> => exchange(call),

  'rtm.connect': ({ args, token, user, team, rtm }): To<'rtm.connect'> => {
    // Modern tokens are refused whatever their scopes (docs.slack.dev/legacy/legacy-rtm-api).
    if (!token.app.isClassic) throw new SlackFault('not_allowed_token_type');
    return {
      url: rtm.address(token, args.isOn('batch_presence_aware')),
      team: { id: team.id, name: team.name, domain: team.domain },
      self: { id: user.id, name: user.name },
    };
  },

  'team.info': (call): To<'team.info'> => {
    const { world, args } = call;
    const asked = args.text('team');
    const team = asked === undefined ? call.team : world.teams.get(asked);
    if (team === undefined || !isNear(call, team.id)) throw new SlackFault('team_not_found');
    return { team: teamShape(world, team) };
  },
} satisfies Partial<Methods<MethodName>>;

/** One's own workspace, those of one's organisation, and those one shares a channel with. */
function isNear({ world, team, user }: Call, id: string): boolean {
  const other = world.team(id);
  if (other === team || (other.enterprise !== undefined && other.enterprise === team.enterprise)) return true;
  return [...world.channels.values()].some(
    (channel) => isConnect(channel) && isOn(channel, other) && isOn(channel, team) && channel.members.has(user.id),
  );
}
