// The config of matrix-appservice-slack in words of this bridge: what is carried over passes `causeway check`, and every other key is named
// with why.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { translate } from '../../../../bridges/slack/takeover/old-config.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { causeway } from '../../cli.ts';

/** Each key that there is, by its path. */
const keysIn = (value: unknown, path = ''): string[] =>
  typeof value !== 'object' || value === null || Array.isArray(value) || path === 'logging.files'
    ? [path]
    : Object.entries(value).flatMap(([name, inner]) => keysIn(inner, path === '' ? name : `${path}.${name}`));

const whole = `
homeserver: { server_name: my.server.here, url: "http://localhost:8008", media_url: "http://my.server.here", max_upload_size: 104857600, appservice_port: 5858, appservice_host: 0.0.0.0 }
username_prefix: "_slack_"
rmau_limit: 100
user_activity: { min_user_active_days: 4, inactive_after_days: 60 }
db: { engine: postgres, connectionString: "postgresql://slackbridge_user:somethingverysecret@localhost/slack_bridge" }
dbdir: data
matrix_admin_room: "!aBcDeF:matrix.org"
tls: { key_file: /path/to/tls.key, crt_file: /path/to/tls.crt }
rtm: { enable: true, log_level: silent }
slack_hook_port: 9898
slack_proxy: "https://proxy.server.here:3128"
slack_client_opts: { slackApiUrl: "https://slack.example.org/api/", timeout: 3 }
inbound_uri_prefix: "https://my.server.here:9898/"
oauth2: { client_id: "1.2", client_secret: c0de, redirect_prefix: "https://my.server.here:9898/custom", html_template: a.html }
logging: { console: warning, fileDatePattern: D, timestampFormat: T, files: { "./debug.log": info } }
enable_metrics: true
team_sync:
  T0123ABCDEF:
    channels: { enabled: true, allow_private: true, allow_public: true, blacklist: [CVCCPEY9X], whitelist: [], alias_prefix: slack_, hint_channel_admins: true }
    users: { enabled: true }
  all: { channels: { enabled: false }, users: { enabled: false } }
provisioning:
  enabled: true
  widget: true
  http: { port: 5859, host: 0.0.0.0 }
  secret: a-secret-of-many-letters
  ratelimit: true
  open_id_disallowed_ip_ranges: [127.0.0.0/8]
  open_id_overrides: { "my.server.here": "http://127.0.0.1:8008" }
  require_public_room: true
  allow_private_channels: false
  limits: { room_count: 20, team_count: 1 }
  channel_adl: { allow: [CCZ41UJV7, "/#open.*/", general], deny: ["/^secret-[0-9]+$/", "#hr"] }
puppeting:
  enabled: true
  onboard_users: true
  direct_messages: { allow: { slack: [U0156TG3W48], matrix: ["/@.*:goodhost$/"] }, deny: { slack: [], matrix: ["@bad:host"] } }
bot_profile: { displayname: Slack Bridge, avatar_url: "mxc://a/b" }
encryption: { enabled: false, pantalaimon_url: "http://localhost:8004" }
caching: { ghostUserCache: 100, matrixUserCache: 100 }
of_my_own: 1
`;

const oldRegistration = `
id: 7d2f0c
hs_token: aaaaaaaaaaaaaaaaaaaaaaaaaaaa
as_token: bbbbbbbbbbbbbbbbbbbbbbbbbbbb
namespaces: { users: [{ exclusive: true, regex: "@_slack_.*:my.server.here" }], aliases: [], rooms: [] }
url: "http://bridge:5858"
sender_localpart: slackbridge
rate_limited: true
protocols: null
`;

test('what is said passes the check, in its place; every other key is named with why', async () => {
  const folder = tempFolder();
  writeFileSync(join(folder, 'old.yaml'), whole);
  writeFileSync(join(folder, 'old-registration.yaml'), oldRegistration);
  const made = await causeway(['import-config', 'slack', 'old.yaml', '--registration', 'old-registration.yaml'], { cwd: folder });
  assert.equal(made.code, 0, made.stderr);
  assert.ok(!made.stdout.includes('somethingverysecret'));
  writeFileSync(join(folder, 'slack.yaml'), made.stdout);
  const checked = await causeway(['check', 'slack.yaml'], { cwd: folder });
  assert.equal(checked.code, 0, checked.stdout);
  assert.deepEqual(load(made.stdout), {
    homeserver: { url: 'http://localhost:8008', domain: 'my.server.here' },
    appservice: { listen: '0.0.0.0:5858', url: 'http://bridge:5858', registration: 'registration.yaml', bot: 'slackbridge' },
    store: 'slack.db',
    public_url: 'https://my.server.here:9898',
    permissions: { 'my.server.here': 'user' },
    names: { ghosts: '_slack_{team}_{user}' },
    portals: { chats: { of: { allow: ['*@*:goodhost'], deny: ['@bad:host'] }, with: { allow: ['U0156TG3W48'] } } },
    provisioning: {
      enabled: true,
      secret: 'a-secret-of-many-letters',
      require_public_room: true,
      channels: { allow: ['CCZ41UJV7', '*#open*', '#general'], deny: ['#hr'] },
      limits: { rooms: 20, networks: 1 },
      open_id_servers: { 'my.server.here': 'http://127.0.0.1:8008' },
    },
    active_users: { limit: 100, min_days: 4, within_days: 30 },
    log: { level: 'warn' },
    slack: {
      api_url: 'https://slack.example.org/api/',
      app: { client_id: '1.2', client_secret: 'c0de' },
      teams: [
        {
          id: 'T0123ABCDEF',
          team_sync: { channels: true, allow_private: true, deny: ['CVCCPEY9X'], hint_channel_admins: true, users: 'all' },
        },
      ],
      team_sync: { channels: false, users: 'off' },
    },
  });
  writeFileSync(join(folder, 'registration.yaml'), readFileSync(join(folder, 'old-registration.yaml')));
  const registered = await causeway(['register', 'slack.yaml'], { cwd: folder });
  assert.match(registered.stdout, /id and tokens stay/, registered.stderr);
  const carried = [
    ...['server_name', 'url', 'appservice_port', 'appservice_host'].map((key) => `homeserver.${key}`),
    ...['rmau_limit', 'user_activity.min_user_active_days', 'slack_client_opts.slackApiUrl', 'oauth2.client_id', 'oauth2.client_secret'],
    ...['logging.console', 'team_sync.T0123ABCDEF.channels.enabled', 'team_sync.T0123ABCDEF.channels.allow_public'],
    ...[
      'team_sync.T0123ABCDEF.channels.blacklist',
      'team_sync.T0123ABCDEF.channels.whitelist',
      'team_sync.T0123ABCDEF.channels.hint_channel_admins',
      'team_sync.T0123ABCDEF.users.enabled',
    ],
    ...['team_sync.all.channels.enabled', 'team_sync.all.users.enabled'],
    ...['enabled', 'secret', 'open_id_overrides.my.server.here', 'require_public_room', 'limits.room_count', 'limits.team_count'].map(
      (key) => `provisioning.${key}`,
    ),
    'provisioning.channel_adl.allow',
    ...['allow.slack', 'allow.matrix', 'deny.slack', 'deny.matrix'].map((key) => `puppeting.direct_messages.${key}`),
  ];
  const told = made.stdout.split('\n').flatMap((line) => /^# {3}([^:\s]+): ./.exec(line)?.[1] ?? []);
  const isTold = (key: string) => told.some((each) => key === each || key.startsWith(`${each}.`));
  assert.deepEqual(
    keysIn(load(whole)).filter((key) => !isTold(key) && !carried.includes(key)),
    [],
    'nothing is lost without a word',
  );
  assert.match(made.stdout, /# {3}provisioning\.channel_adl\.deny: \/\^secret-\[0-9\]\+\$\/ cannot be said as a glob, and is left out/);
  assert.match(made.stdout, /# {3}of_my_own: no key of the old bridge that is known/);
  assert.match(made.stderr, /\d+ keys of old\.yaml stand at the head of it/);
});

test('what cannot be read is told with its place, and an empty config makes one to go on from', async () => {
  const folder = tempFolder();
  writeFileSync(join(folder, 'broken.yaml'), 'homeserver: {\n');
  const broken = await causeway(['import-config', 'slack', 'broken.yaml'], { cwd: folder });
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /^CONFIG_UNREADABLE: broken\.yaml: /);
  const unknown = await causeway(['import-config', 'irc', 'broken.yaml'], { cwd: folder });
  assert.deepEqual([unknown.code, /no older bridge to IRC is known/.test(unknown.stderr)], [1, true]);
  const { config } = translate({}, undefined);
  assert.deepEqual((config as { slack: object }).slack, {});
  // What is said of a key is no line of the config, whatever the key is called.
  writeFileSync(join(folder, 'odd.yaml'), '"odd\\npermissions: { mallory: admin }": 1\n');
  const odd = await causeway(['import-config', 'slack', 'odd.yaml'], { cwd: folder });
  assert.match(odd.stdout, /^# {3}odd permissions: \{ mallory: admin \}: no key/m);
  assert.deepEqual((load(odd.stdout) as { permissions: object }).permissions, { 'example.org': 'user' });
});
