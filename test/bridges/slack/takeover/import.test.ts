// `causeway import` on stores of matrix-appservice-slack, in a real PostgreSQL and in nedb's files: what is taken, what is not and
// why, and that nothing is taken where something is wrong.

import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { acquireLock } from '../../../../bridge-core/store/lock.ts';
import { openStore } from '../../../../bridge-core/store/sqlite.ts';
import { openKeys } from '../../../../bridge-core/virtual-users/keys.ts';
import { SealedSecrets } from '../../../../bridge-core/virtual-users/sealed-secrets.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { causeway, type Outcome } from '../../cli.ts';
import {
  acme,
  adasToken,
  chat,
  first,
  general,
  hooked,
  inbound,
  newest,
  reply,
  second,
  secrets,
  token,
  webhookToken,
  writeConfig,
} from './acme.ts';
import { ago, oldNedb, oldPostgres, stopPostgres } from './old-bridge.ts';

after(stopPostgres);

function stage(core: object = {}, slack: object = {}) {
  const folder = tempFolder();
  writeConfig(folder, core, slack);
  const store = join(folder, 'data/slack.db');
  const rows = (sql: string): unknown[] => {
    const eyes = new Sqlite(store, { readonly: true });
    try {
      return eyes.prepare(sql).raw().all();
    } finally {
      eyes.close();
    }
  };
  const take = async (from: string, ...words: string[]): Promise<Outcome> => {
    const told = await causeway(['import', 'slack.yaml', from, ...words], { cwd: folder });
    for (const secret of secrets)
      assert.ok(!`${told.stdout}${told.stderr}`.includes(secret), `${secret} is told:\n${told.stdout}${told.stderr}`);
    return told;
  };
  return { folder, store, rows, take, all: () => `${readFileSync(store)}` };
}

const tables = ['links', 'ghosts', 'adopted', 'logins', 'secrets', 'relations', 'memory', 'seen'];
const contents = ({ rows }: ReturnType<typeof stage>) => tables.map((table) => [table, rows(`SELECT * FROM ${table} ORDER BY 1, 2`)]);
const figures = ({ stdout }: Outcome) =>
  stdout
    .split('\n')
    .filter((line) => /^ {2}\w+ +\d+ row/.test(line))
    .map((line) => line.trim().replace(/ {2,}/, ' '));

async function opened(store: string, names: readonly string[]): Promise<(string | undefined)[]> {
  const open = openStore(store, (thrown) => {
    throw thrown;
  });
  try {
    const kept = new SealedSecrets({ store: open, keys: await openKeys(`${store}.keys`, { mayCreate: false }) });
    return names.map((name) => kept.get(name));
  } finally {
    await open.close();
  }
}

test('all that there is in PostgreSQL is taken, and the rest told of; a trial writes nothing, and twice is as once', async (t) => {
  const old = await oldPostgres(t, acme);
  if (old === undefined) return;
  const before = await old.dump();
  const s = stage();
  const oldBridge = await old.connect();
  assert.match((await s.take(old.address, '--dry-run')).stdout, /Somebody else is connected to the old database/);
  await oldBridge.close();
  const trial = await s.take(old.address, '--dry-run');
  assert.equal(trial.code, 0, trial.stderr);
  assert.match(trial.stdout, /Nothing was written: this was a trial\./);
  assert.ok(!existsSync(s.store));
  const taken = await s.take(old.address);
  assert.equal(taken.code, 0, taken.stderr);
  assert.ok(!`${taken.stdout}`.includes(old.password));
  assert.deepEqual(figures(taken), figures(trial));
  assert.deepEqual(figures(taken), [
    'teams 1 row, 1 taken',
    'rooms 4 rows, 3 taken',
    'users 4 rows, 3 taken',
    'puppets 1 row, 1 taken',
    'linked_accounts 2 rows',
    'user_admin_rooms 1 row, 1 taken',
    'events 8 rows, 5 taken',
    'reactions 2 rows, 2 taken',
    'metrics_activities 1 row',
    'user_activity 0 rows',
    'encryption_sessions 0 rows',
    'provisioner_sessions 1 row',
  ]);
  for (const told of [
    /rooms: !never:hs\.test: it was never tied to a channel/,
    /users: @slack_acmeold_U0003:hs\.test: its person has another ghost.*it leaves the rooms/,
    /linked_accounts: @ben:hs\.test: .*`login` to the bot/,
    /events: 1 row older than 90 days/,
    /events: 1 row that are reactions/,
    /events: 1 row of rooms without a link/,
    /metrics_activities: 1 row in all: who was active is counted anew/,
    /!hooked:hs\.test goes on by its webhooks\. .*<public_url>\/slack\/webhooks\/w[0-9a-f]{18}\/<the last part/,
    /Next: causeway register slack\.yaml/,
  ])
    assert.match(taken.stdout, told);
  assert.equal(await old.dump(), before, 'the old store is as it was');

  const hook = /webhooks\/(w[0-9a-f]{18})/.exec(taken.stdout)?.[1] ?? '';
  assert.deepEqual(
    s.rows(
      "SELECT room, channel, origin, state, json_extract(options, '$.chat'), json_extract(options, '$.people') FROM links ORDER BY channel",
    ),
    [
      [general, 'T0001/C0001', 'command', 'live', null, null],
      [chat, 'T0001/D0001', 'portal', 'live', 'direct', '["@ada:hs.test"]'],
      [hooked, `webhook/${hook}`, 'command', 'live', null, null],
    ],
  );
  assert.deepEqual(s.rows('SELECT ghost, id FROM adopted ORDER BY ghost'), [
    ['@slack_acme_U0002:hs.test', '@slack_t0001_u0002:hs.test'],
    ['@slack_acme_U0003:hs.test', '@slack_t0001_u0003:hs.test'],
    ['@slack_acmeold_U0003:hs.test', null],
  ]);
  assert.deepEqual(s.rows('SELECT id, remote, name FROM ghosts ORDER BY id'), [
    ['@slack_acme_U0002:hs.test', 'T0001/U0002', 'Zoe'],
    ['@slack_acme_U0003:hs.test', 'T0001/U0003', 'Yan'],
  ]);
  assert.deepEqual(s.rows('SELECT account, user, network, name, state FROM logins'), [
    ['T0001/U0ADA', '@ada:hs.test', 'T0001', 'U0ADA on Acme', 'live'],
  ]);
  const relations = new Map(
    s
      .rows('SELECT event, part, remote, kind, sender, author, emoji, thread FROM relations')
      .map((row) => [(row as string[])[0], (row as unknown[]).slice(1)]),
  );
  assert.deepEqual(relations.get('$first'), [0, first, 0, '', null, null, null]);
  assert.deepEqual(relations.get('$second'), [0, second, 0, '', null, null, null]);
  assert.deepEqual(relations.get('$secondagain'), [1, second, 0, '', null, null, null]);
  assert.deepEqual(relations.get('$reply'), [0, reply, 0, '', null, null, '$first']);
  assert.deepEqual(relations.get('$private'), [0, first, 0, '', null, null, null]);
  assert.deepEqual(relations.get('$reaction'), [0, '$second 👍️', 1, '@slack_acme_U0002:hs.test', 'T0001/U0002', '👍️', null]);
  assert.deepEqual(relations.get('$given'), [0, first, 1, '', 'T0001/U0BOT', '🎉', null]);
  assert.equal(relations.size, 7);
  assert.deepEqual(s.rows('SELECT name, value FROM memory ORDER BY name'), [
    ['heard T0001/C0001', JSON.stringify(newest)],
    ['heard T0001/D0001', JSON.stringify(first)],
  ]);
  assert.deepEqual(s.rows("SELECT name, value FROM meta WHERE name LIKE 'note:direct%' OR name LIKE 'note:chat%' ORDER BY name"), [
    ['note:chat with @ada:hs.test', '"!admin:hs.test"'],
    ['note:direct:!admin:hs.test', '"@ada:hs.test"'],
  ]);
  const [bot, pair] = await opened(s.store, ['bot T0001', `webhooks ${hook}`]);
  assert.deepEqual(JSON.parse(bot ?? ''), { token });
  assert.deepEqual(JSON.parse(pair ?? ''), {
    ...{ incoming: `https://hooks.slack.com/services/T9/B9/${webhookToken}`, outgoingToken: inbound, by: '@slackbot:hs.test' },
  });
  for (const secret of [token, adasToken, webhookToken, inbound]) assert.ok(!s.all().includes(secret), 'sealed');

  const once = contents(s);
  const again = await s.take(old.address);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /rooms +4 rows, 0 taken, 3 here already/);
  assert.match(again.stdout, /events +8 rows, 0 taken, 5 here already/);
  assert.deepEqual(contents(s), once);
  const third = await s.take(old.address, '--dry-run');
  assert.match(third.stdout, /rooms +4 rows, 0 taken, 3 here already/);
  assert.deepEqual(contents(s), once);
});

test('what was undone here since is not taken again', async (t) => {
  const old = await oldPostgres(t, acme);
  if (old === undefined) return;
  const s = stage();
  assert.equal((await s.take(old.address)).code, 0);
  const open = openStore(s.store, (thrown) => {
    throw thrown;
  });
  await open.write(() => {
    open.prepare("DELETE FROM links WHERE channel = 'T0001/C0001'").run();
    open.prepare('DELETE FROM logins').run();
  });
  await open.close();
  assert.equal((await s.take(old.address)).code, 0);
  assert.deepEqual(s.rows('SELECT room FROM links ORDER BY channel'), [[chat], [hooked]]);
  assert.deepEqual(s.rows('SELECT account FROM logins'), []);
});

test('all that there is in nedb is taken, from its files, which stay as they are', async () => {
  const s = stage();
  const dbdir = await oldNedb(s.folder, acme);
  const files = () =>
    readdirSync(dbdir)
      .sort()
      .map((name) => [name, readFileSync(join(dbdir, name), 'utf8')]);
  const before = files();
  const taken = await s.take(dbdir);
  assert.equal(taken.code, 0, taken.stderr);
  assert.deepEqual(figures(taken), [
    'teams 1 row, 1 taken',
    'rooms 4 rows, 2 taken',
    'users 5 rows, 3 taken',
    'puppets 0 rows, 0 taken',
    'linked_accounts 2 rows',
    'user_admin_rooms 0 rows, 0 taken',
    'events 8 rows, 5 taken',
    'reactions 0 rows, 0 taken',
  ]);
  assert.deepEqual(files(), before);
  assert.deepEqual(
    s.rows('SELECT room, channel FROM links ORDER BY room').map((row) => (row as string[])[0]),
    [general, hooked],
  );
  assert.deepEqual(s.rows("SELECT remote, thread FROM relations WHERE event = '$reply'"), [[reply, '$first']]);
  const [bot] = await opened(s.store, ['bot T0001']);
  assert.deepEqual(JSON.parse(bot ?? ''), { token });
});

test('what is wrong is named with its place and the next step, and nothing is taken', async (t) => {
  const refusal = async (given: Outcome, told: RegExp, s: ReturnType<typeof stage>) => {
    assert.equal(given.code, 1, given.stdout);
    assert.match(given.stderr, told);
    assert.match(given.stderr, /^TAKE_OVER_REFUSED: [\s\S]*\nNothing was taken over/);
    assert.ok(!existsSync(s.store), 'no store is made');
  };
  const s = stage();
  await refusal(await s.take(join(s.folder, 'nowhere')), /there is no teams\.db in .*nowhere: name the folder in dbdir/, s);
  await refusal(
    await s.take('postgres://old:sesame@127.0.0.1:1/slack'),
    /^TAKE_OVER_REFUSED: the PostgreSQL database slack at 127\.0\.0\.1:1 cannot be read: .*ECONNREFUSED.*See that it runs/,
    s,
  );
  assert.ok(!(await s.take('postgres://old:sesame@127.0.0.1:1/slack')).stderr.includes('sesame'));

  const dbdir = await oldNedb(s.folder, acme);
  appendFileSync(join(dbdir, 'room-store.db'), '{"id":"INTEG-x","matrix_id":\n');
  await refusal(await s.take(dbdir), /line 5 of .*old\/room-store\.db is broken: mend it/, s);
  rmSync(join(dbdir, 'event-store.db'));
  await refusal(await s.take(dbdir), /no event-store\.db in /, s);

  const empty = await oldPostgres(t, {}, { isEmpty: true });
  if (empty === undefined) return;
  await refusal(
    await s.take(empty.address),
    /slack_bridge_\d+ at 127\.0\.0\.1:\d+ is no store of matrix-appservice-slack: it has no table `schema`/,
    s,
  );
  await refusal(
    await s.take(empty.address.replace(/slack_bridge_\d+$/, 'elsewhere')),
    /database elsewhere at .*: database "elsewhere" does not exist/,
    s,
  );
  await refusal(await s.take(empty.address.replace(empty.password, 'wrong')), /password authentication failed/, s);

  const old = await oldPostgres(t, acme);
  if (old === undefined) return;
  await old.sql('UPDATE schema SET version = 14');
  await refusal(await s.take(old.address), /has schema 14, and 16 is needed: start version 2\.1\.2 of the old bridge on it once/, s);
  await old.sql('UPDATE schema SET version = 17');
  await refusal(await s.take(old.address), /has schema 17, and no later one than 16 is known/, s);
  await old.sql('UPDATE schema SET version = 16');
  await old.sql('ALTER TABLE events RENAME COLUMN slackts TO ts');
  await refusal(await s.take(old.address), /a table events of another shape: it lacks slackts/, s);
  await old.sql('ALTER TABLE events RENAME COLUMN ts TO slackts; DROP TABLE reactions');
  await refusal(await s.take(old.address), /lacks the table reactions: restore it/, s);
});

test('broken rows and foreign workspaces stand in the way of all, unless they are to be left out', async (t) => {
  const old = await oldPostgres(t, {
    ...acme,
    rooms: [...(acme.rooms ?? []), { room: '!foreign:hs.test', inbound: 'f', remote: { id: 'C0077', slack_team_id: 'T0777' } }],
    events: [...(acme.events ?? []), { room: general, event: '$odd', channel: 'C0001', ts: 'yesterday' }],
    puppets: [...(acme.puppets ?? []), { slackId: 'U0EVE', team: 'T0777', user: '@eve:hs.test', token: 'xoxp-9' }],
  });
  if (old === undefined) return;
  await old.sql("INSERT INTO rooms VALUES ('INTEG-broken', '!broken:hs.test', 'broken', '{\"id\":')");
  await old.sql(`INSERT INTO teams (id, name, token) VALUES ('T0003', 'Third', '${token.replace('xoxb', 'oops')}')`);
  const s = stage();
  const refused = await s.take(old.address);
  assert.equal(refused.code, 1);
  for (const told of [
    /5 rows cannot be taken over:/,
    /teams: T0003: its token has not the shape/,
    /rooms: !broken:hs\.test: what it says of the channel \(`json`\) is broken/,
    /rooms: !foreign:hs\.test: its workspace T0777 is foreign: .* Add it to slack\.teams/,
    /puppets: @eve:hs\.test: the workspace T0777 is foreign/,
    /events: \$odd: it names no message of Slack/,
    /left out by --leave-out/,
  ])
    assert.match(refused.stderr, told);
  assert.ok(!existsSync(s.store));
  const trial = await s.take(old.address, '--dry-run');
  assert.equal(trial.code, 1);
  assert.match(trial.stdout, /! rooms: !foreign:hs\.test/);
  assert.match(trial.stdout, /5 rows marked ! would stand in the way/);
  const taken = await s.take(old.address, '--leave-out');
  assert.equal(taken.code, 0, taken.stderr);
  assert.match(taken.stdout, /! rooms: !broken:hs\.test/);
  assert.deepEqual(s.rows('SELECT count(*) FROM links'), [[3]]);
  const known = stage({}, { teams: [{ id: 'T0777', bot_token: 'xoxb-7' }] });
  assert.doesNotMatch((await known.take(old.address)).stderr, /T0777/, 'the config may name it');
});

test('a store that a bridge runs on is left alone, and so is what a config already says', async (t) => {
  const old = await oldPostgres(t, acme);
  if (old === undefined) return;
  const s = stage({ names: { ghosts: '_slack_{team}_{user}' } });
  const stranger = await s.take(old.address);
  assert.equal(stranger.code, 1);
  assert.match(
    stranger.stderr,
    /names\.ghosts \(_slack_\{team\}_\{user\}\) does not cover old ghosts such as @slack_acme\w*_U000\d:hs\.test\. Set names\.ghosts: "slack_\{team\}_\{user\}"/,
  );
  writeConfig(s.folder, {}, { teams: [{ id: 'T0001', bot_token: 'xoxb-new' }] });
  const lock = await acquireLock(s.store);
  const locked = await s.take(old.address);
  await lock.release();
  assert.equal(locked.code, 1);
  assert.match(locked.stderr, /^STORE_LOCKED: /);
  const taken = await s.take(old.address);
  assert.equal(taken.code, 0, taken.stderr);
  assert.match(taken.stdout, /teams: T0001: the config names a token of the bot there, which stays/);
  assert.deepEqual(await opened(s.store, ['bot T0001']), [undefined]);
});

test('a workspace whose token is dead waits for the app; people without a token log in again', async (t) => {
  const old = await oldPostgres(t, {
    ...acme,
    teams: [{ id: 'T0001', name: 'Acme', domain: 'acme', token, botId: 'B0001', user: 'U0BOT', status: 'bad_auth' }],
    puppets: [{ slackId: 'U0ADA', team: 'T0001', user: '@ada:hs.test', token: null }],
    events: [{ room: general, event: '$first', channel: 'C0001', ts: ago(3) }],
    reactions: [],
  });
  if (old === undefined) return;
  const s = stage();
  const taken = await s.take(old.address);
  assert.equal(taken.code, 0, taken.stderr);
  assert.match(taken.stdout, /The token of T0001 is dead \(bad_auth\): install the app there/);
  assert.match(taken.stdout, /puppets: @ada:hs\.test: it has no token: they log in again/);
  assert.match(taken.stdout, /rooms: !chat:hs\.test: nobody of this private chat is logged in/);
  assert.deepEqual(JSON.parse((await opened(s.store, ['bot T0001']))[0] ?? ''), { token: '' });
});
