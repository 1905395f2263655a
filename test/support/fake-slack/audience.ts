// Who is told of what happened. An app hears it once for each happening, however many of its tokens may see it, by subscription,
// scope and membership (docs.slack.dev/apis/events-api); RTM connections hear what their user may see. Unverified: that a user
// token's subscription to public channels asks for membership too.

import { events, scopesFor } from './documented.ts';
import type { InnerEvent } from './inner-events.ts';
import type { App, Channel, Team, Token, User } from './model.ts';
import { grantsAny } from './scopes.ts';
import { type Audience, type Happening, isOrgWideFor, type World } from './world.ts';

export interface Authorization {
  readonly team: Team;
  readonly user: string;
  readonly isBot: boolean;
  readonly isOrgWide: boolean;
}

/** The name to subscribe to: for messages by kind of conversation. */
export function subscriptionOf(event: InnerEvent): string {
  if (event.type !== 'message') return event.type;
  const kind = 'channel_type' in event ? event.channel_type : 'channel';
  return `message.${kind === 'im' || kind === 'mpim' ? kind : `${kind}s`}`;
}

/** In the order of the tokens, bots first; empty: the app is not told. */
export function authorizationsOf(world: World, app: App, { event, audience }: Happening): Authorization[] {
  const facts = events.get(subscriptionOf(event));
  if (facts === undefined || !facts.transports.has('Events')) return [];
  if (audience.of === 'app') return audience.app === app && mayHearAsApp(world, app, event, audience.team) ? [toldAsApp(audience)] : [];
  const name = subscriptionOf(event);
  const kind = channelOf(audience)?.kind;
  const scopes = kind === undefined ? facts.scopes : scopesFor(kind, facts.scopes);
  if (scopes.length === 0 && facts.scopes.length > 0) return [];
  const found: Authorization[] = [];
  // What costs least is asked first: a workspace may have a thousand tokens.
  for (const token of world.tokens.values()) {
    const { user } = token;
    if (token.app !== app || user === undefined || !maySee(audience, user) || !world.isLive(token)) continue;
    const isBot = token.kind === 'bot';
    const subscribed = isBot ? app.botEvents : app.userEvents;
    if ((subscribed !== 'all' && !subscribed.has(name)) || !grantsAny(token, scopes)) continue;
    const team = teamToldOf(world, token, audience);
    if (team !== undefined) found.push({ team, user: user.id, isBot, isOrgWide: token.team === undefined });
  }
  return found.sort((one, other) => Number(other.isBot) - Number(one.isBot));
}

/** Over RTM: no scopes, no subscriptions, but what the user sees. */
export function hearsOnRtm({ event, audience }: Happening, token: Token): boolean {
  const facts = events.get(subscriptionOf(event));
  if (facts === undefined || !facts.transports.has('RTM') || audience.of === 'app' || token.user === undefined) return false;
  if (audience.of === 'team' && !audience.teams.includes(token.team?.id ?? '')) return false;
  return maySee(audience, token.user);
}

function maySee(audience: Audience, user: User): boolean {
  switch (audience.of) {
    case 'channel':
      return audience.channel.members.has(user.id);
    case 'team':
      return audience.channel === undefined || audience.channel.kind === 'channel' || audience.channel.members.has(user.id);
    case 'user':
      return audience.user === user.id;
    case 'app':
      return false;
  }
}

/** The workspace in whose name the token is told. */
function teamToldOf(world: World, token: Token, audience: Audience): Team | undefined {
  if (audience.of !== 'team') return token.team ?? channelOf(audience)?.team;
  const team = audience.teams.map((id) => world.team(id)).find((each) => token.team === each || isOrgWideFor(token, each));
  return team;
}

function channelOf(audience: Audience): Channel | undefined {
  return 'channel' in audience ? audience.channel : undefined;
}

function mayHearAsApp(world: World, app: App, event: InnerEvent, team: Team): boolean {
  const name = subscriptionOf(event);
  if (app.botEvents !== 'all' && !app.botEvents.has(name)) return false;
  const scopes = events.get(name)?.scopes ?? [];
  return (
    scopes.length === 0 ||
    world.tokensOf(app, team).some((token) => token.kind === 'bot' && world.isLive(token) && grantsAny(token, scopes))
  );
}

function toldAsApp({ team, user, isBot }: Extract<Audience, { of: 'app' }>): Authorization {
  return { team, user, isBot, isOrgWide: false };
}
