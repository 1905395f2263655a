// The `irc:` section of the config: what an operator may write, what stands where nothing is written, and the frozen
// settings that come of it. Files named here were already read, and secrets filled in, by whoever loaded the config.

import { z } from 'zod';
import { camelKeys, duration, named } from '#bridge-core';

export type IrcSettings = z.output<typeof ircSettings>;
export type IrcNetworkSettings = IrcSettings['networks'][string];

/** Cross-checks run whatever else is wrong, since an operator is told all faults at once; so they trust no shape. */
const always = { when: () => true };

const fromEnvironment = (name: string) => `\${${name}}`;

const whole = (least: number, most: number, standing: number, description: string) =>
  z.int().min(least).max(most).default(standing).meta({ description });

/** A template's words in braces must be known, and some must tell one person from another. */
const template = (words: readonly string[], standing: string, description: string) =>
  z
    .string()
    .refine((text) => {
      const used = [...text.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1] ?? '');
      return used.length > 0 && used.every((word) => words.includes(word));
    })
    .default(standing)
    .meta({ description, allowed: `a text with ${words.map((word) => `{${word}}`).join(' or ')} in it` });

const tls = z
  .strictObject({
    ca: z.string().exactOptional().meta({
      description: 'Certificates to trust instead of the usual ones.',
      file: true,
      example: 'ca.pem',
      allowed: 'a PEM file or PEM text',
    }),
    cert: z.string().exactOptional().meta({
      description: 'Client certificate, for SASL EXTERNAL or CertFP.',
      file: true,
      example: 'client.pem',
      allowed: 'a PEM file or PEM text',
    }),
    key: z
      .string()
      .exactOptional()
      .meta({ description: 'Its private key.', file: true, secret: true, example: 'client.key', allowed: 'a PEM file or PEM text' }),
    servername: z
      .string()
      .min(1)
      .exactOptional()
      .meta({ description: 'The name that the certificate must bear, where it is not the host.', example: 'irc.example.org' }),
    insecure: z.boolean().default(false).meta({ description: 'Take any certificate. Anybody on the way can then read and write all.' }),
    min_version: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').meta({ description: 'The oldest TLS to speak.' }),
  })
  .superRefine((value, context) => {
    if ('cert' in Object(value) === 'key' in Object(value)) return;
    context.addIssue({
      code: 'custom',
      message: 'one of two',
      path: ['cert' in value ? 'cert' : 'key'],
      params: { found: 'a certificate without its key, or a key alone', allowed: 'both `cert` and `key`, or none' },
    });
  }, always)
  .transform(camelKeys);

const password = z.string().min(1).meta({ secret: true, allowed: 'a password (a number needs quotes)' });

const sasl = z
  .discriminatedUnion('mechanism', [
    z.strictObject({
      mechanism: z.enum(['auto', 'plain', 'scram-sha-256']).meta({
        description: '`auto` takes the strongest that the server offers; `external` shows the client certificate and needs no password.',
        allowed: 'auto, plain, scram-sha-256 or external',
      }),
      username: z.string().min(1).meta({ description: 'The account.', example: 'causeway' }),
      password: password.meta({ description: 'Its password.', example: fromEnvironment('IRC_PASSWORD') }),
    }),
    z.strictObject({ mechanism: z.literal('external') }),
  ])
  .meta({ allowed: '`mechanism` (auto, plain, scram-sha-256 or external), and for all but external `username` and `password`' });

const bucket = (burst: number, every: string) =>
  z
    .strictObject({
      burst: whole(1, 10_000, burst, 'How many at once.'),
      every: duration(every, 'One more after each of these.'),
    })
    .transform(camelKeys);

const puppets = z
  .strictObject({
    max: whole(0, 100_000, 30, 'At most so many people have an IRC connection of their own; 0: the bot says everything as `<name> text`.'),
    wait: duration('60s', 'How long a message may wait for the connection of its sender before the bot says it.'),
    idle: duration('30d', 'A connection is given up when its person has said nothing for so long.'),
    yield_after: duration(
      '1h',
      'With all connections taken, whoever has been silent the longest, and for so long at least, gives theirs to a person who speaks.',
    ),
    overflow: z.enum(['relay']).default('relay').meta({ description: 'Above the limit the bot speaks for the others.' }),
  })
  .transform(camelKeys);

const channelForm = /^[#&+!][^\s\0\x07,]*$/;
const channelAllowed = 'a channel such as "#node" (quoted, for # begins a comment)';

const channelKey = z
  .string()
  .regex(/^[^\s\0,]+$/)
  .meta({ secret: true, allowed: 'the key of the channel, without spaces and commas' });

const host = z
  .string()
  .regex(/^[^\s/@]+$/)
  .meta({ allowed: 'a host name or an address' });

const nick = z
  .string()
  .regex(/^[^\s\0!@:,*?.#&+~%\d-][^\s\0!@:,*?]*$/)
  .meta({ allowed: 'a nick: no spaces, nor any of ! @ : , * ?, and no digit first' });

const network = z
  .strictObject({
    host: host.meta({ description: 'Where the IRC server is.', example: 'irc.libera.chat' }),
    port: z.int().min(1).max(65_535).exactOptional().meta({ description: '6697 with TLS and 6667 without, unless set.', example: 6697 }),
    tls: z
      .union([z.boolean(), tls])
      .prefault(true)
      .meta({ description: 'false: plain text. Or what to trust and show.', allowed: 'true, false, or its settings' }),
    nick: nick.default('causeway').meta({ description: "The bot's nick." }),
    username: z
      .string()
      .regex(/^[^\s\0@]+$/)
      .default('causeway')
      .meta({ description: "The bot's user name (ident).", allowed: 'a word' }),
    realname: z.string().min(1).default('Matrix bridge').meta({ description: "The bot's real name." }),
    password: password
      .exactOptional()
      .meta({ description: 'Password of the server itself (PASS), for bot and puppets.', example: fromEnvironment('IRC_SERVER_PASSWORD') }),
    sasl: sasl.exactOptional().meta({ description: "The bot's account. Puppets do not use it." }),
    flood: z
      .union([z.literal('off'), bucket(5, '2s')])
      .prefault({})
      .meta({
        description: 'Lines that a connection may send; long ones count more. `off` for a server without limits.',
        allowed: '`off`, or `burst` and `every`',
      }),
    connects: z
      .union([z.literal('off'), bucket(3, '1s')])
      .exactOptional()
      .meta({
        description: 'Connections that may be opened; `off`: two hundred a second. Unless set, `off` where `flood` is off.',
        allowed: '`off`, or `burst` and `every`',
      }),
    puppets: puppets.prefault({}).meta({ description: 'The connections of the Matrix people.' }),
    puppet_nick: template(['display', 'localpart', 'domain'], '{display}[m]', "A puppet's nick."),
    puppet_username: template(['display', 'localpart', 'domain', 'user'], '{localpart}', "A puppet's user name (ident)."),
    puppet_realname: template(['display', 'localpart', 'domain', 'user'], '{user}', "A puppet's real name; {user} is the whole Matrix id."),
    domain: host
      .exactOptional()
      .meta({ description: 'What the network is called in claims and look-ups; the host unless set.', example: 'libera.chat' }),
    aliases: z
      .array(host)
      .readonly()
      .default([])
      .meta({ description: 'Its other names.', example: ['irc.libera.chat'] }),
    keepalive: z
      .strictObject({
        ping: duration('60s', 'After so long a silence the server is asked whether it is there.'),
        timeout: duration('90s', 'Without any answer for so long the connection counts as lost.'),
      })
      .transform(camelKeys)
      .prefault({})
      .meta({ description: 'How a dead connection is noticed.' }),
    lines: whole(1, 100, 4, 'Lines that one message may become; more become a page, where there is a `public_url`.'),
    encoding: z
      .string()
      .refine(isEncoding)
      .default('latin1')
      .meta({ description: 'How to read lines that are not UTF-8.', allowed: 'an encoding such as latin1, windows-1251 or shift_jis' }),
    channels: named(
      z
        .strictObject({
          key: channelKey.exactOptional().meta({ description: 'To get in (mode +k).', example: fromEnvironment('CHANNEL_KEY') }),
        })
        .readonly(),
      channelForm,
      channelAllowed,
    )
      .readonly()
      .default({})
      .meta({ description: 'What single channels need.', exampleName: '#secret' }),
  })
  .superRefine((value, context) => {
    const given: { readonly sasl?: { readonly mechanism?: string }; readonly tls?: unknown } = Object(value);
    if (given.sasl?.mechanism !== 'external' || Object(given.tls).cert !== undefined) return;
    const params = { found: 'external, without a client certificate', allowed: 'external where `tls` has `cert` and `key`' };
    context.addIssue({ code: 'custom', message: 'no certificate', path: ['sasl', 'mechanism'], params });
  }, always)
  .transform((given) => {
    const { tls, connects, ...rest } = camelKeys(given);
    const pace = connects ?? (given.flood === 'off' ? 'off' : { burst: 3, every: 1000 });
    return {
      ...rest,
      port: given.port ?? (tls === false ? 6667 : 6697),
      /** undefined: plain TCP. */
      tls: tls === false ? undefined : tls === true ? { insecure: false, minVersion: 'TLSv1.2' as const } : tls,
      connects: pace === 'off' ? { burst: 20, every: 5 } : pace,
      domain: (given.domain ?? given.host).toLowerCase(),
      aliases: given.aliases.map((alias) => alias.toLowerCase()) as readonly string[],
    };
  });

const link = z
  .strictObject({
    network: z.string().meta({ description: 'One of the networks above.', example: 'libera' }),
    channel: z.string().regex(channelForm).meta({ description: 'The channel there.', example: '#example', allowed: channelAllowed }),
    room: z
      .string()
      .regex(/^![^\s]+$/)
      .meta({
        description: "The room's id (not an alias).",
        example: '!room:example.org',
        allowed: 'a room id such as "!abc:example.org" (quoted)',
      }),
    key: channelKey
      .exactOptional()
      .meta({ description: 'To get in; the same as `channels` of the network.', example: fromEnvironment('CHANNEL_KEY') }),
    topic: z
      .enum(['off', 'irc-to-matrix', 'matrix-to-irc', 'both'])
      .default('irc-to-matrix')
      .meta({ description: 'Which way the topic is carried.' }),
  })
  .transform(camelKeys);

export const ircSettings = z
  .strictObject({
    networks: named(network, /^[a-z0-9][a-z0-9._-]*$/, 'a short name in a-z, 0-9, dot, dash and underscore')
      .readonly()
      .refine((networks) => Object.keys(Object(networks)).length > 0)
      .meta({
        description: 'Networks by a short name of your own, which stands in ghost names.',
        exampleName: 'libera',
        allowed: 'one network at least',
      }),
    links: z
      .array(link)
      .readonly()
      .default([])
      .meta({ description: 'Rooms tied to channels from the start; more can be tied by command.' }),
  })
  .superRefine((value, context) => {
    for (const fault of linkFaults(Object(value))) context.addIssue({ code: 'custom', message: 'bad link', ...fault });
  }, always)
  .transform(camelKeys);

function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label) !== undefined;
  } catch {
    return false;
  }
}

function* linkFaults(section: { readonly networks?: unknown; readonly links?: unknown }) {
  const networks = Object.keys(Object(section.networks));
  const seen = new Set<string>();
  for (const [index, entry] of (Array.isArray(section.links) ? section.links : []).entries()) {
    const { network, channel, room }: Record<string, unknown> = Object(entry);
    if (typeof network === 'string' && !networks.includes(network)) {
      yield { path: ['links', index, 'network'], params: { options: networks } };
    }
    const name = JSON.stringify([network, String(channel).toLowerCase(), room]);
    if (seen.has(name)) yield { path: ['links', index], params: { found: 'the same link once more', allowed: 'each link once' } };
    seen.add(name);
  }
}
