// The `slack:` section: the smallest one, what stands where nothing is written, and its faults.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ZodError } from 'zod';
import type { Network } from '#bridge-core/host';
import { slack } from '../../../bridges/slack/index.ts';
import { slackSettings } from '../../../bridges/slack/settings.ts';
import { transportsOf } from '../../../bridges/slack/teams.ts';
import { sample } from '../../../config/sample.ts';

const smallest = {
  api_url: 'http://127.0.0.1:8787/api/',
  authorize_url: 'http://127.0.0.1:8787/oauth/v2/authorize',
  app: { signing_secret: 's3cret', app_token: 'xapp-1', client_id: '1.2', client_secret: 'c0de' },
  teams: [
    { id: 'T0001', bot_token: 'xoxb-1', transport: 'socket' },
    { id: 'T0002', bot_token: 'xoxb-2', transport: 'rtm' },
  ],
  links: [
    { team: 'T0001', channel: 'C0001', room: '!slack:example.org' },
    { channel: 'C0009', room: '!old:example.org', webhook: { incoming: 'http://127.0.0.1:8787/services/T9/B9/x', outgoing_token: 't0k' } },
  ],
};

const faultsOf = (section: object): string[] => {
  const { error } = slackSettings.safeParse(section) as { error?: ZodError };
  return (error?.issues ?? []).map(({ path }) => path.join('.'));
};

test('the smallest section is enough, and means what it says', () => {
  const settings = slackSettings.parse(smallest);
  assert.deepEqual(settings.app?.signingSecrets, ['s3cret']);
  assert.deepEqual(
    settings.teams.map(({ id, transports }) => [id, transports]),
    [
      ['T0001', ['socket']],
      ['T0002', ['rtm']],
    ],
  );
  assert.deepEqual(
    settings.links.map(({ team, channel, webhook, topic }) => [team, channel, webhook?.outgoingToken, topic]),
    [
      ['T0001', 'C0001', undefined, 'slack-to-matrix'],
      ['webhook', 'C0009', 't0k', 'slack-to-matrix'],
    ],
  );
  assert.equal(slackSettings.parse({}).apiUrl, 'https://slack.com/api/');
});

test('a secret may be a list while it is changed, a team may have an app of its own and several transports', () => {
  const own = { signing_secret: ['new', 'old'] };
  const { teams } = slackSettings.parse({ teams: [{ id: 'T1AA', bot_token: 'xoxb-1', transport: ['rtm', 'events'], app: own }] });
  assert.deepEqual(
    [teams[0]?.app?.signingSecrets, teams[0]?.transports],
    [
      ['new', 'old'],
      ['rtm', 'events'],
    ],
  );
});

test('where no transport is named, the tokens decide', () => {
  const { app, teams } = slackSettings.parse({ ...smallest, teams: [{ id: 'T0001', bot_token: 'xoxb-1' }], links: [] });
  const [team] = teams;
  const url = 'https://bridge.example.org';
  assert.deepEqual(transportsOf(team, app, url), ['socket']);
  assert.deepEqual(transportsOf(team, app && { ...app, appToken: undefined }, url), ['events']);
  assert.deepEqual(transportsOf(team, app && { ...app, appToken: undefined }, undefined), ['rtm']);
  assert.deepEqual(transportsOf(team, undefined, url), ['rtm']);
});

test('whole workspaces are kept in step where it is said, for all teams or for one', () => {
  const settings = slackSettings.parse({
    team_sync: { deny: ['hr-*'] },
    teams: [
      { id: 'T1AA', bot_token: 'xoxb-1' },
      { id: 'T2AA', bot_token: 'xoxb-2', team_sync: { channels: false, users: 'all' } },
    ],
  });
  const hidden = { allowPrivate: false, hintChannelAdmins: false };
  assert.deepEqual(settings.teamSync, { channels: true, ...hidden, allow: ['*'], deny: ['hr-*'], users: 'known', roomsPerMinute: 30 });
  assert.deepEqual(
    settings.teams.map(({ teamSync }) => [teamSync?.channels, teamSync?.users]),
    [
      [undefined, undefined],
      [false, 'all'],
    ],
  );
  assert.equal(slackSettings.parse(smallest).teamSync, undefined);
  assert.deepEqual(faultsOf({ team_sync: { channels: 'all', users: 'some', private: true } }), [
    'team_sync.channels',
    'team_sync.users',
    'team_sync',
  ]);
});

test('what cannot be is refused where it stands', () => {
  assert.deepEqual(faultsOf({ teams: [{ id: 'acme', bot_token: 'xoxb-1' }] }), ['teams.0.id']);
  assert.deepEqual(faultsOf({ ...smallest, tems: [] }), ['']);
  assert.deepEqual(faultsOf({ teams: [{ id: 'T1AA', bot_token: 'xoxb-1', transport: 'socket' }] }), ['teams.0.transport']);
  assert.deepEqual(faultsOf({ ...smallest, teams: [smallest.teams[0], smallest.teams[0]] }), ['teams.1.id']);
  assert.deepEqual(faultsOf({ ...smallest, links: [{ team: 'T0009', channel: 'C1AA', room: '!a:b' }] }), ['links.0.team']);
  assert.deepEqual(faultsOf({ ...smallest, links: [{ channel: 'C1AA', room: '!a:b' }] }), ['links.0']);
  assert.deepEqual(faultsOf({ app: { client_id: '1.2' } }), ['app.client_id']);
  const deaf = { teams: [{ id: 'T1AA', bot_token: 'xoxb-1', transport: 'webhook' }] };
  const link = { team: 'T1AA', channel: 'C1AA', room: '!a:b' };
  assert.deepEqual(faultsOf({ ...deaf, links: [link] }), ['links.0.team'], 'it would hear nothing');
  assert.deepEqual(faultsOf({ ...deaf, links: [{ ...link, webhook: smallest.links[1]?.webhook }] }), []);
});

test('the file that is shipped is what `causeway sample slack` prints', () => {
  const shipped = readFileSync(new URL('../../../config/slack.yaml', import.meta.url), 'utf8');
  assert.equal(shipped, sample(slack as unknown as Network), 'stale: npx --no-install causeway sample slack > config/slack.yaml');
});
