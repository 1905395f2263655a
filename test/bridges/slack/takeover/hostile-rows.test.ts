// Rows of an old store that somebody meant ill with, or that went bad: named as faults, and of no effect beyond that.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slackSettings } from '../../../../bridges/slack/settings.ts';
import { inheritanceOf } from '../../../../bridges/slack/takeover/forerunner.ts';
import { type OldStore, rowWith } from '../../../../bridges/slack/takeover/old-store.ts';
import { ago } from './old-bridge.ts';

const old: OldStore = {
  ...{
    teams: [],
    rooms: [],
    users: [],
    puppets: [],
    accounts: [],
    adminRooms: [],
    events: [],
    reactions: [],
    olderEvents: 0,
    isInUse: false,
    others: {},
  },
};
const settings = slackSettings.parse({ teams: [{ id: 'T0001', bot_token: 'xoxb-1' }] });
const core = { homeserver: { domain: 'hs.test' }, appservice: { botLocalpart: 'slackbot' } } as Parameters<typeof inheritanceOf>[1]['core'];

function read(some: Partial<OldStore>) {
  const told = inheritanceOf({ ...old, ...some }, { settings, core });
  return {
    ...told,
    faults: told.tables.flatMap(({ left }) => left.filter(({ isFault }) => isFault).map(({ what, why }) => `${what}: ${why}`)),
  };
}

const room = (id: string, told: object) => rowWith({ id: `INTEG-${id}`, matrix_id: id, remote_id: 'inbound' }, told);

test('webhooks that lead elsewhere than to Slack are not taken: whoever could link a room there could name any address', () => {
  for (const webhook_uri of [
    'http://169.254.169.254/latest/',
    'https://hooks.slack.com.evil.example/services/T/B/x',
    'file:///etc/passwd',
    'x',
  ]) {
    const { links, secrets, faults } = read({ rooms: [room('!hook:hs.test', { id: 'C0001', webhook_uri })] });
    assert.deepEqual([links, secrets], [[], []]);
    assert.match(faults.join('\n'), /^!hook:hs\.test: its incoming webhook is none of Slack’s\. .*slack\.links/);
  }
});

test('a moment still to come does not keep what is said before it from being read', () => {
  const event = (id: string, slackts: string) => ({ roomid: '!r:hs.test', eventid: id, slackchannel: 'C0001', slackts, extras: {} });
  const said = ago(30);
  const { memory, messages, faults } = read({
    rooms: [room('!r:hs.test', { id: 'C0001', slack_team_id: 'T0001' })],
    events: [event('$said', said), event('$later', '9999999999.000100')],
  });
  assert.deepEqual(memory, [{ name: 'heard T0001/C0001', value: said }]);
  assert.deepEqual(
    messages.map(({ event: id }) => id),
    ['$said'],
  );
  assert.deepEqual(faults, ['$later: it names a message that is still to be said']);
});

test('ids longer than any of Matrix are none, and are not told in full', () => {
  const long = 'x'.repeat(1_000_000);
  const { links, ghosts, faults } = read({
    rooms: [room(`!${long}`, { id: 'C0001', slack_team_id: 'T0001' })],
    users: [rowWith({ id: `@slack_acme_${long.toUpperCase()}:hs.test`, isremote: true }, { team_id: 'T0001' })],
  });
  assert.deepEqual([links, ghosts], [[], []]);
  assert.equal(faults.length, 2);
  assert.ok(faults.join('').length < 500);
});
