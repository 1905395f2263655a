// The `slack:` section of the config: what an operator may write, what stands where nothing is written, and the frozen
// settings that come of it. Secrets were already filled in by whoever loaded the config.

import { z } from 'zod';
import { camelKeys, namesSomebody } from '#bridge-core';
import { webhookTeam } from './ids.ts';
import { features, usualFeatures } from './wire/scopes.ts';

export type SlackSettings = z.output<typeof slackSettings>;
export type TeamSettings = SlackSettings['teams'][number];
export type LinkSettings = SlackSettings['links'][number];
export type AppSettings = z.output<typeof app>;
export type TeamSyncSettings = z.output<typeof teamSync>;
export type Transport = (typeof transports)[number];

export const transports = ['socket', 'events', 'rtm', 'webhook'] as const;

/** Cross-checks run whatever else is wrong, since an operator is told all faults at once; so they trust no shape. */
const always = { when: () => true };

const fromEnvironment = (name: string) => `\${${name}}`;

const address = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))
  .meta({ allowed: 'an http:// or https:// address' });

const token = (kind: string) =>
  z
    .string()
    .regex(/^[\w.:-]+$/)
    .meta({ secret: true, allowed: `a token (${kind})` });

const secret = z.string().min(1).meta({ secret: true, allowed: 'a secret' });

/** `shown`: the sample has it as settings, not as comments. */
const appSchema = (shown: boolean) =>
  z
    .strictObject({
      signing_secret: z
        .union([secret, z.array(secret).min(1).readonly()])
        .exactOptional()
        .meta({
          description: 'Proves that what comes over HTTP is from Slack. Several while it is being changed.',
          secret: true,
          shown,
          allowed: 'a secret, or a list of such',
          example: fromEnvironment('SLACK_SIGNING_SECRET'),
        }),
      app_token: token('xapp-…')
        .exactOptional()
        .meta({ description: 'For Socket Mode; with it Slack need not reach us.', shown, example: fromEnvironment('SLACK_APP_TOKEN') }),
      client_id: z.string().min(1).exactOptional().meta({
        description: 'For people to log in, and for workspaces to install the app.',
        shown,
        example: '1111.2222',
        allowed: 'a text (in quotes)',
      }),
      client_secret: secret.exactOptional().meta({ description: 'Its secret.', shown, example: fromEnvironment('SLACK_CLIENT_SECRET') }),
    })
    .superRefine((value, context) => {
      if ('client_id' in Object(value) === 'client_secret' in Object(value)) return;
      context.addIssue({
        code: 'custom',
        message: 'one of two',
        path: ['client_id' in Object(value) ? 'client_id' : 'client_secret'],
        params: { found: 'one of client_id and client_secret', allowed: 'both, or none' },
      });
    }, always)
    .transform((given) => ({
      appToken: given.app_token,
      clientId: given.client_id,
      clientSecret: given.client_secret,
      /** Any of them proves a request. */
      signingSecrets: given.signing_secret === undefined ? [] : [given.signing_secret].flat(),
    }));

const app = appSchema(true);

const globs = z.array(z.string().min(1)).readonly().meta({ allowed: 'a list of names, where * stands for anything and ? for one sign' });

const teamSync = z
  .strictObject({
    channels: z.boolean().default(true).meta({
      description: 'Every public channel has a room, which follows its name, topic, archiving and end. Rooms are as `portals` says.',
    }),
    allow_private: z.boolean().default(false).meta({
      description: 'Private channels that the bot is in have one too: for those alone who are in them by a login of their own.',
    }),
    allow: globs.default(['*']).meta({ description: 'Channels that have one: globs over names without `#`, and ids.', example: ['*'] }),
    deny: globs.default([]).meta({ description: 'Channels that have none, whatever is allowed.', example: ['hr-*'] }),
    hint_channel_admins: z.boolean().default(false).meta({
      description: 'Whoever made a channel that the bot may not enter by itself is asked in private, once, to invite it.',
    }),
    users: z.enum(['off', 'known', 'all']).default('known').meta({
      description:
        'Names and pictures are followed of people who do not speak: of those `known` in Matrix already, or of `all`, who are made known.',
    }),
    rooms_per_minute: z.number().min(0.1).max(10_000).default(30).meta({ description: 'New rooms, and channels that the bot enters.' }),
  })
  .transform(camelKeys);

const transport = z.enum(transports);

const ways = ['off', 'slack-to-matrix', 'matrix-to-slack', 'both'] as const;

const team = z
  .strictObject({
    id: z
      .string()
      .regex(/^[TE][A-Z0-9]{2,}$/)
      .meta({ description: "The workspace's id, or the organisation's.", example: 'T0001', allowed: 'an id such as T0001' }),
    bot_token: token('xoxb-…')
      .exactOptional()
      .meta({
        shown: true,
        description: 'The bot there. Without it the team waits for somebody to install the app by its page.',
        example: fromEnvironment('SLACK_BOT_TOKEN'),
      }),
    transport: z
      .union([transport, z.array(transport).min(1).readonly()])
      .exactOptional()
      .meta({
        description:
          'How events come: `socket`, `events` (over HTTP), `rtm` (classic apps), `webhook` (by those of its links alone); several may run at once. Unless set: by what tokens there are.',
        allowed: `${transports.join(', ')}, or a list of such`,
        example: 'socket',
      }),
    app: appSchema(false).exactOptional().meta({ description: 'An app of its own, where it is not the one above.' }),
    team_sync: teamSync.exactOptional().meta({ description: 'As below, for this team alone.' }),
  })
  .transform(({ id, bot_token: botToken, transport: given, app: own, team_sync: sync }) => ({
    ...{ id, botToken, app: own, teamSync: sync },
    transports: given === undefined ? undefined : [given].flat(),
  }));

const nameTemplate = z.string().refine(namesSomebody).meta({ allowed: 'a text with {name}, {user} or {localpart} in it' });

const room = z
  .string()
  .regex(/^![^\s]+$/)
  .meta({
    description: "The room's id (not an alias).",
    example: '!room:example.org',
    allowed: 'a room id such as "!abc:example.org" (quoted)',
  });

const link = z
  .strictObject({
    team: z.string().exactOptional().meta({ description: 'One of the teams above.', example: 'T0001', allowed: "a team's id" }),
    channel: z
      .string()
      .regex(/^[\w-]{2,64}$/)
      .meta({ description: "The channel's id there.", example: 'C0001', allowed: 'an id such as C0001' }),
    room,
    webhook: z
      .strictObject({
        incoming: address.meta({
          description: 'What is said in Matrix is posted here.',
          secret: true,
          example: 'https://hooks.slack.com/services/T9/B9/x',
        }),
        outgoing_token: secret.meta({
          description: "Proves what the outgoing webhook brings to <public_url>/slack/webhooks/<the channel's id>.",
          example: fromEnvironment('OUTGOING_TOKEN'),
        }),
      })
      .transform(camelKeys)
      .exactOptional()
      .meta({ description: 'The old pair of webhooks, in place of a team; Mattermost too. Needs no app, and carries text alone.' }),
    names: nameTemplate
      .exactOptional()
      .meta({ description: 'What the bot calls people of this room, in place of `name`.', example: '{name} (Matrix)' }),
    topic: z.enum(ways).default('slack-to-matrix').meta({ description: 'Which way the topic is carried.' }),
    name: z
      .enum(ways)
      .exactOptional()
      .meta({ description: 'Which way the name is carried; unless said here or by a word in the room, neither.', example: 'both' }),
  })
  .transform((given) => ({ ...given, team: given.team ?? webhookTeam, webhook: given.webhook }));

export const slackSettings = z
  .strictObject({
    api_url: address.default('https://slack.com/api/').meta({ description: "Slack's Web API." }),
    authorize_url: address.default('https://slack.com/oauth/v2/authorize').meta({ description: 'Where people agree to a login.' }),
    app: app.exactOptional().meta({ shown: true, description: 'The app at Slack, for all teams that have none of their own.' }),
    teams: z.array(team).readonly().default([]).meta({ shown: true, description: 'Workspaces. More can be added by installing the app.' }),
    links: z
      .array(link)
      .readonly()
      .default([])
      .meta({ description: 'Rooms tied to channels from the start; more can be tied by command.' }),
    name: nameTemplate.default('{name}').meta({
      description: 'What the bot is called when it speaks for somebody: {name}, {user} (the Matrix id), {localpart}, {server}.',
    }),
    show_ids: z.enum(['clashes', 'never']).default('clashes').meta({
      description:
        '`clashes`: of two in a room with the same name, each has the Matrix id behind it, where `name` does not tell them apart.',
    }),
    unfurl: z
      .strictObject({
        links: z.boolean().default(true).meta({ description: 'Slack shows previews of pages.' }),
        media: z.boolean().default(true).meta({ description: 'Slack shows previews of pictures and films.' }),
      })
      .prefault({})
      .meta({ description: 'Previews of what is linked in messages from Matrix.' }),
    replies: z.enum(['broadcast', 'thread']).default('broadcast').meta({
      description:
        'An answer given in the main line of a room: in the thread of what it answers, and with `broadcast` seen in the channel too.',
    }),
    rate_limits: z.boolean().default(true).meta({
      description: 'Keep within the rates that Slack names, so that it need not refuse. `false` for a server without any.',
    }),
    team_sync: teamSync.exactOptional().meta({
      description:
        'Whole workspaces are kept in step: all teams that do not say otherwise. Unless set, rooms are made for what is asked for alone.',
    }),
    typing: z.boolean().default(true).meta({ description: 'Carry who is typing, where the team is on `rtm`; nothing else can.' }),
    presence: z.boolean().default(false).meta({ description: 'People with a login are shown as away in Slack when they are in Matrix.' }),
    history: z
      .strictObject({
        calls_per_minute: z.int().min(1).max(1_000).default(50).meta({
          description: 'Reading what was missed. 1 for an app that is distributed to others outside the Marketplace.',
        }),
        page: z.int().min(1).max(999).default(200).meta({ description: 'Messages at once; 15 for such an app.' }),
        most: z
          .int()
          .min(0)
          .max(100_000)
          .default(2_000)
          .meta({ description: 'Messages of one channel after one loss; more are told as a gap.' }),
      })
      .transform(camelKeys)
      .prefault({})
      .meta({ description: 'What was said while the bridge was away.' }),
    features: z
      .array(z.enum(features))
      .readonly()
      .default([...usualFeatures])
      .meta({
        description: 'What the app is asked to be allowed, at an install and in its manifest.',
        allowed: `a list of ${features.join(', ')}`,
        example: [...usualFeatures],
      }),
  })
  .superRefine((value, context) => {
    for (const fault of faultsOf(Object(value))) context.addIssue({ code: 'custom', message: 'bad team or link', ...fault });
  }, always)
  .transform((given) =>
    camelKeys({ ...given, app: given.app, team_sync: given.team_sync, api_url: `${given.api_url.replace(/\/+$/, '')}/` }),
  );

/** Sees sections both as they are written and, where nothing in them is wrong, as they come out. */
function* faultsOf(section: { readonly teams?: unknown; readonly links?: unknown; readonly app?: unknown }) {
  const ids: string[] = [];
  const deaf = new Set<string>();
  for (const [index, entry] of entriesOf(section.teams)) {
    const id = String(entry.id);
    if (ids.includes(id)) yield { path: ['teams', index, 'id'], params: { found: `${id} once more`, allowed: 'each team once' } };
    ids.push(id);
    const app = Object(entry.app ?? section.app) as Record<string, unknown>;
    const wanted = [entry.transports ?? entry.transport].flat();
    if (wanted.every((each) => each === 'webhook')) deaf.add(id);
    const signing = app.signing_secret ?? (app.signingSecrets as readonly string[] | undefined)?.[0];
    const lacks = wanted.includes('socket') && (app.app_token ?? app.appToken) === undefined ? 'app_token' : undefined;
    const missing = lacks ?? (wanted.includes('events') && signing === undefined ? 'signing_secret' : undefined);
    if (missing !== undefined)
      yield { path: ['teams', index, 'transport'], params: { found: `no ${missing} for it`, allowed: `an \`app\` with ${missing}` } };
  }
  const seen = new Set<string>();
  for (const [index, { team: of, channel, room: to, webhook }] of entriesOf(section.links)) {
    if (webhook === undefined && (of === undefined || of === webhookTeam))
      yield { path: ['links', index], params: { found: 'neither a team nor a webhook', allowed: 'one of the two' } };
    else if (webhook === undefined && typeof of === 'string' && !ids.includes(of))
      yield { path: ['links', index, 'team'], params: { options: ids } };
    else if (webhook === undefined && typeof of === 'string' && deaf.has(of))
      yield { path: ['links', index, 'team'], params: { found: `${of}, whose transport is webhook`, allowed: 'a link with a `webhook`' } };
    const name = JSON.stringify([of, channel, to]);
    if (seen.has(name)) yield { path: ['links', index], params: { found: 'the same link once more', allowed: 'each link once' } };
    seen.add(name);
  }
}

function entriesOf(list: unknown): [number, Readonly<Record<string, unknown>>][] {
  return Array.isArray(list) ? list.map((entry, index) => [index, Object(entry)]) : [];
}
