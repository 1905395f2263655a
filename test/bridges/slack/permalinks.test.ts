// Slack's own addresses of messages and channels: read and made, and carried both ways by a whole bridge.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChannelId } from '#bridge-core';
import { makeChannelId, makeMessageId } from '../../../bridges/slack/ids.ts';
import { SlackPermalinks } from '../../../bridges/slack/permalinks.ts';
import type { Team } from '../../../bridges/slack/team.ts';
import { Threads } from '../../../bridges/slack/threads.ts';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

const kinds: Readonly<Record<string, string>> = { C0OPEN: 'public', C0HIDDEN: 'private' };
const teamOf = (id: string, url: string) =>
  ({
    ...{ id, identity: { url }, threads: new Threads() },
    conversations: { known: (channel: string) => (kinds[channel] === undefined ? undefined : { kind: kinds[channel] }) },
  }) as unknown as Team;
const acme = teamOf('T0001', 'https://acme.slack.com/');
const other = teamOf('T0002', 'https://other.slack.com/');
const links = new SlackPermalinks({ teams: new Map([acme, other].map((team) => [team.id, team])) });
const [open, hidden] = ['C0OPEN', 'C0HIDDEN'].map((id) => makeChannelId('T0001', id)) as [ChannelId, ChannelId];
const message = makeMessageId('1700000000.000100');

test('an address is read whatever is behind it, in the browser’s form too', () => {
  const page = 'https://acme.slack.com/archives/C0OPEN';
  assert.deepEqual(links.read(page, open), { channel: open });
  assert.deepEqual(links.read(`${page}/p1700000000000100`, open), { channel: open, message });
  assert.deepEqual(links.read(`${page}/p1700000000000100?thread_ts=1690000000.000200&cid=C0OPEN`, open), { channel: open, message });
  assert.deepEqual(links.read('https://app.slack.com/client/T0001/C0OPEN/p1700000000000100', open), { channel: open, message });
  assert.deepEqual(links.read('https://guests.slack.com/archives/C0OPEN/p1700000000000100', open), { channel: open, message });
  assert.deepEqual(links.read('https://other.slack.com/archives/C0OPEN', open), { channel: makeChannelId('T0002', 'C0OPEN') });
});

test('what is none, or leads elsewhere, is none', () => {
  for (const address of [
    'https://evil.test/archives/C0OPEN/p1700000000000100',
    'https://acme.slack.com.evil.test/archives/C0OPEN',
    'https://evil.test/?https://acme.slack.com/archives/C0OPEN',
    'https://acme.slack.com/archives/C0OPEN/p17',
    'https://acme.slack.com/archives/c0open',
    'https://acme.slack.com/team/U0001',
    'https://app.slack.com/client/T0009/C0OPEN',
    'https://acme.slack.com/archives/../../C0OPEN',
  ])
    assert.equal(links.read(address, open), undefined, address);
});

test('a private channel, or one that nobody knows, is only in itself', () => {
  assert.equal(links.read('https://acme.slack.com/archives/C0HIDDEN', open), undefined);
  assert.equal(links.read('https://acme.slack.com/archives/C0WHO', open), undefined);
  assert.deepEqual(links.read('https://acme.slack.com/archives/C0HIDDEN', hidden), { channel: hidden });
  assert.equal(links.of({ channel: hidden, message }, open), undefined);
  assert.equal(links.of({ channel: hidden, message }, hidden), 'https://acme.slack.com/archives/C0HIDDEN/p1700000000000100');
});

test('a reply’s address names its thread', () => {
  const thread = makeMessageId('1690000000.000200');
  const to = 'https://acme.slack.com/archives/C0OPEN/p1700000000000100?thread_ts=1690000000.000200&cid=C0OPEN';
  assert.equal(links.of({ channel: open, message, thread }, open), to);
  acme.threads.note('C0OPEN', '1700000000.000100', '1690000000.000200');
  assert.equal(links.of({ channel: open, message }, open), to);
});

test('a link to a message leads to the message on the other side, both ways', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, bob, slack, team, general, homeserver, person, room } = bridge;
  const bodies = () => homeserver.events(room).filter(({ type }) => type === 'm.room.message');
  const shown = (body: string) => until(body, () => bodies().find(({ content }) => content.body === body));
  const ts = ann.say(general, 'first');
  const { event_id: event } = await shown('first');
  const { permalink = '' } = (await slackLink(slack.apiUrl, general.id, ts)) as { permalink?: string };
  ann.say(general, `see <${permalink}>`);
  await shown(`see https://matrix.to/#/${room}/${event}?via=hs.test`);
  ann.say(general, `<${permalink}|there>, and <#${general.id}>`);
  const named = await until('the link', () => bodies().find(({ content }) => String(content.formatted_body).includes('>there</a>')));
  assert.ok(String(named.content.formatted_body).includes(`href="https://matrix.to/#/${room}/${event}?via=hs.test"`));
  assert.ok(String(named.content.formatted_body).includes(`href="https://matrix.to/#/${room}"`), 'a channel is its room');

  homeserver.say(person, room, `as in https://matrix.to/#/${room}/${event}`);
  const said = await ann.waitForMessage(general, ({ text }) => text?.startsWith('as in') === true);
  assert.ok(said.text?.includes(permalink), said.text);
  assert.ok(JSON.stringify(said.blocks).includes(permalink));

  // A private channel that is linked, too: nothing of it is told elsewhere.
  const secret = slack.addChannel(team, 'secret', [ann, bob], { id: 'C0SECRET', isPrivate: true });
  const hidden = ann.say(secret, 'hidden');
  const page = permalink.replace(general.id, secret.id).replace(/p\d+/, `p${hidden.replace('.', '')}`);
  ann.say(general, `not <${page}>`);
  await shown(`not ${page}`);
});

async function slackLink(api: string, channel: string, ts: string): Promise<unknown> {
  const body = new URLSearchParams({ channel, message_ts: ts });
  const headers = { authorization: 'Bearer xoxb-1' };
  return await (await fetch(`${api}chat.getPermalink`, { method: 'POST', headers, body })).json();
}
