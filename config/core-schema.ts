// What any bridge can be told, as YAML writes it. Each setting's description and example stand beside it: `sample` prints
// them, `check` quotes them. The defaults that hang on the network come from its Network object.

import { z } from 'zod';
import { type CoreSettings, camelKeys, duration, messageOf, type Network, named, namespaces } from '#bridge-core/host';
import { membership } from './membership-schema.ts';

const always = { when: () => true };

const environment = (name: string): string => `\${${name}}`;

const serverName = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/;

const address = z
  .string()
  .refine(isWebAddress)
  .transform((text) => text.replace(/\/+$/, ''))
  .meta({ allowed: 'an http:// or https:// address without ? and #' });

const listen = z
  .union([z.string(), z.int()])
  .transform((given, context) => {
    const parsed = parseListen(String(given));
    if (parsed === undefined) context.issues.push({ code: 'custom', message: 'not an address', input: given });
    return parsed ?? { host: '', port: 0 };
  })
  .meta({ allowed: 'host:port, such as 127.0.0.1:9999 or "[::1]:9999"; a port alone listens on 127.0.0.1' });

const localpart = z
  .string()
  .regex(/^[a-z0-9._=/+-]+$/)
  .meta({ allowed: 'the first part of a user id, without @: a-z, 0-9 and . _ = - / +' });

const homeserver = z
  .strictObject({
    url: address.meta({ description: 'Where the bridge reaches the homeserver.', example: 'http://127.0.0.1:8008' }),
    domain: z.string().regex(serverName).meta({
      description: 'The name of the homeserver, as it stands in its user ids.',
      example: 'example.org',
      allowed: 'a server name, such as example.org',
    }),
    in_flight: z
      .int()
      .min(1)
      .max(1000)
      .default(16)
      .meta({ description: 'Requests to the homeserver at once; more only lengthen its queue.' }),
  })
  .transform(camelKeys)
  .meta({ description: 'The homeserver that the bridge belongs to.' });

const ages = z
  .strictObject({
    to_matrix: duration('7d', 'How long a message may wait for the homeserver before it is given up and told of.'),
    to_network: duration('30m', 'The same towards the network.'),
    mark_late: duration('2m', 'A line that comes to the network later than this carries its time.'),
  })
  .transform(camelKeys)
  .prefault({})
  .meta({ description: 'How long messages may wait.' });

const globs = z.array(z.string().min(1)).readonly().meta({ allowed: 'a list of names, where * stands for anything and ? for one sign' });
const level = z.int().min(0).max(100);

const allowAndDeny = (of: string) =>
  z
    .strictObject({
      allow: globs.default(['*']).meta({ description: `${of} that may: globs.`, example: ['*'] }),
      deny: globs.default([]).meta({ description: 'Those that may not, whatever is allowed.', example: [] }),
    })
    .prefault({});

const portals = z
  .strictObject({
    aliases: z.boolean().default(false).meta({
      description: 'Whoever joins the alias of a channel that has no room (see names.aliases) has one made, where that is allowed.',
    }),
    allow: globs
      .default(['*'])
      .meta({ description: 'Channels that may have a room of their own: globs over `#name` and `network/#name`.', example: ['*'] }),
    deny: globs.default([]).meta({ description: 'Channels that may not, whatever is allowed.', example: [] }),
    beside_links: z.boolean().default(true).meta({ description: 'Also for channels that are linked to another room already.' }),
    directory: z.boolean().default(false).meta({ description: "Rooms of public channels are listed in the homeserver's room directory." }),
    history: z.enum(['joined', 'invited', 'shared']).default('joined').meta({
      description: 'What people may read of the time before they came: `shared` all, `invited` from the invitation on, `joined` nothing.',
    }),
    direct: z
      .boolean()
      .default(true)
      .meta({ description: 'People who are logged in to the network have rooms for their private and group chats there.' }),
    chats: z
      .strictObject({
        of: allowAndDeny('Matrix ids').meta({ description: 'Whose chats are carried.' }),
        with: allowAndDeny('Names and ids there').meta({ description: 'With whom on the network.' }),
      })
      .prefault({})
      .meta({ description: 'Which chats those are.' }),
    spaces: z.boolean().default(false).meta({ description: 'A space for each network, with the rooms made for its channels.' }),
    moderators: z
      .array(
        z
          .string()
          .regex(/^@[^\s:]+:\S+$/)
          .meta({ allowed: 'a Matrix id' }),
      )
      .readonly()
      .default([])
      .meta({ description: 'Matrix ids that have power 50 in rooms of channels from the beginning.', example: [] }),
    power: z
      .strictObject({
        invite: level.default(0).meta({ description: 'Power needed to invite others.' }),
        state: level.default(50).meta({ description: 'Power needed to change name, topic, picture and the like.' }),
      })
      .prefault({})
      .meta({ description: 'Power in rooms of channels; the bridge has 100, moderators have 50, others none.' }),
  })
  .transform(camelKeys)
  .prefault({})
  .meta({ description: 'Rooms that the bridge makes itself.' });

const provisioning = z
  .strictObject({
    enabled: z.boolean().default(true).meta({ description: 'Whether it answers at all.' }),
    secret: z
      .string()
      .regex(/^\S{16,}$/)
      .exactOptional()
      .meta({
        description: 'What an integration manager shows; unless set, the hs_token of the registration.',
        secret: true,
        allowed: 'at least 16 characters without spaces',
        example: environment('PROVISIONING_SECRET'),
      }),
    session: duration('1h', "How long a page may act for a person who proved their Matrix id by their homeserver's OpenID."),
    per_minute: z.int().min(1).max(100_000).default(80).meta({ description: 'Requests for one person a minute.' }),
    require_public_room: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether only rooms that anybody may join can be linked by others than bridge admins.' }),
    channels: allowAndDeny('Channels').meta({
      description: 'Which channels others than bridge admins may link: globs over `#name`, `network/#name` and the id.',
    }),
    limits: z
      .strictObject({
        rooms: z.int().min(0).exactOptional().meta({ description: 'Links that others than bridge admins may make.', example: 100 }),
        networks: z.int().min(0).exactOptional().meta({ description: 'Networks that these may lead to.', example: 10 }),
      })
      .prefault({})
      .meta({ description: 'No limit unless set.' }),
    open_id_servers: named(address, serverName, 'a server name')
      .readonly()
      .prefault({})
      .meta({
        description: 'Where servers say whose an OpenID token is, if not where they are found by their name.',
        example: { 'example.org': 'http://127.0.0.1:8008' },
      }),
  })
  .transform(camelKeys)
  .prefault({})
  .meta({ description: 'The provisioning API, under /_matrix/provision.' });

const activeUsers = z
  .strictObject({
    limit: z.int().min(0).exactOptional().meta({ description: 'No limit unless set.', example: 500 }),
    min_days: z
      .int()
      .min(1)
      .max(30)
      .default(3)
      .meta({ description: 'On so many days words of theirs were carried; others are only passing.' }),
    within_days: z.int().min(1).max(30).default(30).meta({ description: 'Of the last so many.' }),
  })
  .transform(camelKeys)
  .prefault({})
  .meta({ description: 'How many people of the network are served: above that nothing is carried until they are fewer.' });

const history = z
  .strictObject({
    on_link: z.int().min(0).max(10_000).default(0).meta({ description: 'How many old messages a new link brings along.' }),
    gap: z
      .int()
      .min(0)
      .max(100_000)
      .default(1_000)
      .meta({ description: 'How many messages that were missed are fetched after a pause; beyond that the gap is told.' }),
  })
  .transform(camelKeys)
  .prefault({})
  .meta({ description: 'What is fetched from networks that keep what was said.' });

const log = z
  .strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info').meta({ description: 'The least that is logged.' }),
    format: z.enum(['auto', 'json', 'pretty']).default('auto').meta({ description: '`auto`: pretty on a terminal, JSON lines elsewhere.' }),
  })
  .transform(camelKeys)
  .prefault({})
  .meta({ description: 'The log, on standard output.' });

/** `sections`: all networks' names; the section of `network` itself is checked by its own schema. */
export function coreSchema(network: Network, sections: readonly string[]) {
  const { id } = network.protocol;
  const nameTemplate = (standing: string, description: string) =>
    z
      .string()
      .superRefine(templateFault(standing))
      .default(standing)
      .meta({ description, allowed: `a template with ${words(standing).map(braced).join(' and ')}` });
  return z
    .strictObject({
      homeserver,
      appservice: z
        .strictObject({
          listen: listen.meta({ description: 'Where the bridge listens for the homeserver.', example: '127.0.0.1:9999' }),
          url: address.meta({ description: 'Where the homeserver reaches it.', example: 'http://127.0.0.1:9999' }),
          registration: z.string().min(1).default('registration.yaml').meta({
            description: 'The registration file: written by `causeway register`, to be named in the config of the homeserver too.',
            example: 'registration.yaml',
          }),
          bot: localpart.default(`${id}bot`).meta({ description: "The bot's user name on the homeserver, without @ and domain." }),
        })
        .transform(camelKeys)
        .meta({ description: 'The bridge as the homeserver sees it.' }),
      store: z
        .string()
        .min(1)
        .meta({
          description: 'The database file; its folder is made if it is missing. Lock, socket and keys lie beside it.',
          example: `data/${id}.db`,
        }),
      public_url: address.exactOptional().meta({
        description: `Where browsers reach the bridge (through a reverse proxy). Without it ${network.withoutPublicUrl ?? 'pictures reach the network by name and size only'}.`,
        example: 'https://bridge.example.org',
      }),
      web_prefix: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]*$/)
        .default(id)
        .meta({
          description: 'First part of its public paths; two bridges on one address need two.',
          allowed: 'a word in a-z, 0-9 and dashes',
        }),
      permissions: named(
        z.enum(['none', 'user', 'admin']),
        /^(?:\*|@[^\s:]+:\S+|[^\s@:*]+(?::\d+)?|\[\S+\](?::\d+)?)$/,
        'a Matrix id, a server name or "*" (in quotes)',
      )
        .readonly()
        .exactOptional()
        .meta({
          description:
            'Who may do what: a Matrix id, a server name or "*", and none, user or admin; the most exact entry counts. Unless set, the own homeserver is `user`.',
          allowed: 'a mapping of Matrix ids, server names or "*" to none, user or admin',
          example: { 'example.org': 'user', '@op:example.org': 'admin' },
          shown: true,
        }),
      membership,
      ages,
      history,
      portals,
      double_puppeting: z.enum(['off', 'namespace', 'token']).default('off').meta({
        description:
          'What a logged-in person says on the network by other means is shown as said by themselves. `namespace`: the registration lets the bridge act as anybody of the homeserver. `token`: who wants it gives the bot an access token.',
      }),
      sidecar: z.boolean().default(false).meta({
        description: 'Logged-in people may have private rooms for the channels that they are in: `list`, `join`, `part`, `invite`.',
      }),
      provisioning,
      active_users: activeUsers,
      names: z
        .strictObject({
          ghosts: nameTemplate(network.names.ghosts, 'User names of the ghosts. Change it only before the first run.'),
          aliases: nameTemplate(
            network.names.aliases,
            'Aliases of channels; with portals.aliases, whoever joins one gets into the channel.',
          ),
          display_name: z
            .string()
            .regex(/\{[a-z]+\}/)
            .default('{name}')
            .meta({
              description: 'Display names of the ghosts.',
              allowed: `a template with ${['name', ...words(network.names.ghosts)].map(braced).join(' or ')}`,
            }),
        })
        .transform(camelKeys)
        .prefault({})
        .meta({ description: 'What ghosts and aliases are called; the registration follows from these.' }),
      log,
      metrics_token: z
        .string()
        .min(16)
        .exactOptional()
        .meta({
          description: 'Opens /metrics and the details of /health to whoever bears it; without it they answer to this machine alone.',
          secret: true,
          allowed: 'a text of at least 16 characters',
          example: environment('METRICS_TOKEN'),
        }),
      ...Object.fromEntries(sections.map((section) => [section, z.unknown().optional()])),
    })
    .superRefine((given: unknown, context) => {
      if (Object.hasOwn(Object(given), id)) return;
      context.addIssue({
        code: 'custom',
        message: 'no network',
        params: { found: 'no section of a network', allowed: sections.join(' or ') },
      });
    }, always)
    .transform((given): CoreSettings => {
      const settings = camelKeys(given);
      const { bot, ...appservice } = given.appservice;
      return {
        homeserver: given.homeserver,
        appservice: { ...appservice, botLocalpart: bot },
        store: given.store,
        publicUrl: settings.publicUrl,
        webPrefix: settings.webPrefix,
        permissions: given.permissions ?? { [given.homeserver.domain]: 'user' },
        membership: given.membership,
        ages: given.ages,
        history: given.history,
        portals: given.portals,
        doublePuppeting: settings.doublePuppeting,
        sidecar: given.sidecar,
        provisioning: {
          ...given.provisioning,
          secret: given.provisioning.secret,
          limits: { rooms: given.provisioning.limits.rooms, networks: given.provisioning.limits.networks },
        },
        activeUsers: { ...settings.activeUsers, limit: settings.activeUsers.limit },
        names: given.names,
        log: given.log,
        metricsToken: settings.metricsToken,
      };
    });
}

const words = (template: string): string[] => [...template.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1] ?? '');
const braced = (word: string): string => `{${word}}`;

/** A ghost's name must be told from every other user's and read back: names.ts knows the rules. */
function templateFault(standing: string) {
  return (template: string, context: z.RefinementCtx<string>): void => {
    const unknown = words(template).find((word) => !words(standing).includes(word));
    if (unknown !== undefined) {
      context.addIssue({
        code: 'custom',
        message: 'unknown word',
        params: { found: braced(unknown), options: words(standing).map(braced) },
      });
      return;
    }
    try {
      namespaces({ ghosts: template, aliases: template }, 'example.org', 'bot');
    } catch (error) {
      context.addIssue({ code: 'custom', message: 'no template', params: { hint: messageOf(error) } });
    }
  };
}

function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (url.protocol === 'http:' || url.protocol === 'https:') && url.search === '' && url.hash === '' && url.username === '';
}

function parseListen(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):)?(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  return match === null || port > 65_535 ? undefined : { host: match[1] ?? match[2] ?? '127.0.0.1', port };
}
