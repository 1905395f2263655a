// The `gitter:` section of the config: what an operator may write, what stands where nothing is written, and the frozen settings
// that come of it. gitter.im itself is a Matrix server today: these addresses are those of a Gitter that one runs.

import { z } from 'zod';
import { camelKeys, duration } from '#bridge-core';
import { isRoomUri } from './ids.ts';

export type GitterSettings = z.output<typeof gitterSettings>;
export type LinkSettings = GitterSettings['links'][number];

/** Cross-checks run whatever else is wrong, since an operator is told all faults at once; so they trust no shape. */
const always = { when: () => true };

const fromEnvironment = (name: string) => `\${${name}}`;

const address = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))
  .transform((text) => text.replace(/\/+$/, ''))
  .meta({ allowed: 'an http:// or https:// address' });

const oauth = z
  .strictObject({
    url: address.meta({
      description: 'Where people agree to a login; `authorize` and `token` hang under it.',
      example: 'http://127.0.0.1:5000/login/oauth',
    }),
    client_id: z
      .string()
      .min(1)
      .meta({ description: 'Of the app that was made for the bridge there.', example: fromEnvironment('GITTER_CLIENT_ID') }),
    client_secret: z
      .string()
      .min(1)
      .meta({ secret: true, allowed: 'a secret', description: 'Its secret.', example: fromEnvironment('GITTER_CLIENT_SECRET') }),
  })
  .transform(camelKeys);

const link = z.strictObject({
  channel: z
    .string()
    .refine(isRoomUri)
    .meta({ description: "The room's name in Gitter.", example: 'org/room', allowed: 'a name such as org/room' }),
  room: z
    .string()
    .regex(/^![^\s]+$/)
    .meta({
      description: "The Matrix room's id (not an alias).",
      example: '!room:example.org',
      allowed: 'a room id such as "!abc:example.org" (quoted)',
    }),
  topic: z
    .enum(['off', 'gitter-to-matrix', 'matrix-to-gitter', 'both'])
    .default('gitter-to-matrix')
    .meta({ description: 'Which way the topic is carried.' }),
});

export const gitterSettings = z
  .strictObject({
    api_url: address.meta({ description: "Gitter's REST API.", example: 'http://127.0.0.1:5000/api/v1' }),
    faye_url: address.meta({ description: 'Its realtime channel.', example: 'http://127.0.0.1:5000/bayeux' }),
    stream_url: address.exactOptional().meta({
      description: 'Its streaming API: heard by while the realtime channel is away. New messages only.',
      example: 'http://127.0.0.1:5000/stream/v1',
    }),
    token: z
      .string()
      .regex(/^[\w$.-]+$/)
      .meta({
        description: "The relay account's token: it speaks for whoever has no login there.",
        secret: true,
        allowed: 'a token',
        example: fromEnvironment('GITTER_TOKEN'),
      }),
    oauth: oauth.exactOptional().meta({ description: 'For people to log in by their browser; needs `public_url`.' }),
    resolver: z
      .strictObject({
        server: z
          .string()
          .regex(/^[\w.:[\]-]+$/)
          .default('gitter.im')
          .meta({ description: 'The homeserver that took the rooms in.', allowed: 'a server name' }),
      })
      .exactOptional()
      .meta({ description: 'Names of Gitter rooms lead to the Matrix rooms that took their place.' }),
    links: z
      .array(link)
      .readonly()
      .default([])
      .meta({ description: 'Rooms tied to each other from the start; more can be tied by command.' }),
    virtual_users: z.enum(['auto', 'off']).default('auto').meta({
      description: 'Whoever has no login is shown under their own name and picture, where the server lets the bridge do so.',
    }),
    relay: z
      .string()
      .refine((text) => text.includes('{name}') && text.includes('{text}'))
      .default('`{name}` {text}')
      .meta({
        description: 'How the relay account names who speaks, where the server has no way to show it.',
        allowed: 'a text with {name} and {text} in it',
      }),
    reactions: z
      .enum(['words', 'off'])
      .default('words')
      .meta({ description: 'What becomes of reactions from Matrix, for there are none in Gitter: a line that tells of them, or nothing.' }),
    presence: z.boolean().default(false).meta({ description: 'Carry who is there and who is away.' }),
    copies: z.int().min(1).max(100).default(9).meta({
      description:
        'How often one account says the same words within twelve hours; a server hides accounts that say them ten times. Twice as often for less than 20 signs, ten times for less than 10.',
    }),
    echo_timeout: duration('5s', 'What was said must come back within this time, or it is asked for.'),
    history: z
      .strictObject({
        most: z
          .int()
          .min(0)
          .max(5_000)
          .default(1_000)
          .meta({ description: 'Messages of one room after one loss; more are told as a gap.' }),
      })
      .prefault({})
      .meta({ description: 'What was said while the bridge was away.' }),
    bans: duration('5m', 'How often the lists of who is banned are read.'),
  })
  .superRefine((value, context) => {
    for (const fault of faultsOf(Object(value))) context.addIssue({ code: 'custom', message: 'bad link', ...fault });
  }, always)
  .transform(camelKeys);

function* faultsOf(section: { readonly links?: unknown }) {
  const seen = new Set<string>();
  for (const [index, entry] of Array.isArray(section.links) ? section.links.entries() : []) {
    const { channel, room } = Object(entry) as { channel?: unknown; room?: unknown };
    const name = JSON.stringify([String(channel).toLowerCase(), room]);
    if (seen.has(name)) yield { path: ['links', index], params: { found: 'the same link once more', allowed: 'each link once' } };
    seen.add(name);
  }
}
