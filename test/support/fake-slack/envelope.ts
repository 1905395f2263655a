// The outer payload of an event, equal for the Events API and Socket Mode: docs.slack.dev/apis/events-api#callback-field, and the
// fields that Bolt's EnvelopedEvent names. Unverified: which `team_id` an event of a shared channel bears (here that of the
// authorization it is told by), and the two `context_*` fields.

import type { Authorization } from './audience.ts';
import { fileInMessage } from './file-shapes.ts';
import type { InnerEvent } from './inner-events.ts';
import type { App, Team } from './model.ts';
import { type Audience, isConnect, type World } from './world.ts';

export interface EventEnvelope {
  readonly token: string;
  readonly team_id: string;
  readonly enterprise_id?: string;
  readonly context_team_id: string;
  readonly context_enterprise_id: string | null;
  readonly api_app_id: string;
  readonly event: InnerEvent;
  readonly type: 'event_callback';
  readonly event_id: string;
  readonly event_time: number;
  readonly authorizations: readonly {
    readonly enterprise_id: string | null;
    readonly team_id: string | null;
    readonly user_id: string;
    readonly is_bot: boolean;
    readonly is_enterprise_install: boolean;
  }[];
  readonly is_ext_shared_channel: boolean;
  readonly event_context: string;
}

export function wrap(world: World, app: App, event: InnerEvent, audience: Audience, authorization: Authorization): EventEnvelope {
  const channel = 'channel' in audience ? audience.channel : undefined;
  const { team } = authorization;
  return {
    token: app.verificationToken,
    team_id: team.id,
    ...(team.enterprise === undefined ? {} : { enterprise_id: team.enterprise.id }),
    context_team_id: channel?.team.id ?? team.id,
    context_enterprise_id: channel?.team.enterprise?.id ?? null,
    api_app_id: app.id,
    event: seenFrom(world, event, team),
    type: 'event_callback',
    event_id: world.id('Ev'),
    event_time: world.clock.seconds(),
    authorizations: [authorizationShape(authorization)],
    is_ext_shared_channel: channel !== undefined && isConnect(channel),
    event_context: `4-${world.secret(20)}`,
  };
}

export function authorizationShape({ team, user, isBot, isOrgWide }: Authorization): EventEnvelope['authorizations'][number] {
  return {
    enterprise_id: team.enterprise?.id ?? null,
    team_id: team.id,
    user_id: user,
    is_bot: isBot,
    is_enterprise_install: isOrgWide,
  };
}

/** Files of another workspace come as stubs that one has to ask about. */
function seenFrom(world: World, event: InnerEvent, team: Team): InnerEvent {
  if (!('files' in event) || event.files === undefined) return event;
  const files = event.files.map(({ id }) => world.files.get(id)).filter((file) => file !== undefined);
  if (files.every((file) => file.team === team)) return event;
  return { ...event, files: files.map((file) => fileInMessage(world, file, team)) } as InnerEvent;
}

/** For records and faults: the type, with the subtype if there is one. */
export function nameOf(event: InnerEvent): string {
  const subtype = 'subtype' in event ? event.subtype : undefined;
  return subtype === undefined ? event.type : `${event.type}/${subtype}`;
}
