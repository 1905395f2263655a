// Channels that people are in by their own accounts, and the bot is not: who hears there, as whom, and until when.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type AdapterTools, remoteUserId, userId } from '#bridge-core';
import { SlackAdapter } from '../../../bridges/slack/adapter.ts';
import type { SlackBody } from '../../../bridges/slack/body.ts';
import type { Person } from '../../support/fake-slack.ts';
import { keepTools } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { openWeb } from '../../support/web-door.ts';
import { heard, quick, type SlackEvents, settingsFor, type Wish, withAdapter } from './with-slack.ts';

const [alice, carol] = [userId('@alice:hs.test'), userId('@carol:hs.test')];

function loginOf(user: typeof alice, { id }: Person, token: string) {
  return { user, account: remoteUserId(`T0001/${id}`), network: 'T0001', name: id, credentials: { token } };
}

/** `#secret`, of ann and bob; ann is alice's account, and cid, who is not in it, carol's. */
async function secret(t: TestContext, wish: Wish = {}) {
  const all = await withAdapter(t, wish);
  const { slack, team, app, ann, bob, adapter } = all;
  const cid = slack.addPerson(team, { id: 'U0CID', name: 'cid', realName: 'Cid Example' });
  const place = slack.addChannel(team, 'secret', [ann, bob], { id: 'C0SECRET', isPrivate: true });
  const login = loginOf(alice, ann, slack.setup.authorize(app, ann.user, { token: 'xoxp-ann' }).value);
  const other = loginOf(carol, cid, slack.setup.authorize(app, cid.user, { token: 'xoxp-cid' }).value);
  await adapter.signIn(login);
  await adapter.signIn(other);
  const found = await adapter.channels.resolve('#secret', alice);
  assert.ok(found);
  return { ...all, cid, place, login, other, id: found.id };
}

const textsIn = (events: SlackEvents): string[] => events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : []));

for (const transport of ['socket', 'events', 'rtm'] as const) {
  test(`by ${transport}: a private channel without the bot is heard and spoken in by its person alone, until they leave it`, {
    timeout: 180_000,
  }, async (t) => {
    const web = await openWeb();
    t.after(() => web.close());
    const all = await secret(t, { transport, web });
    const { adapter, app, ann, bob, cid, place, id, events, bot, slack } = all;
    app.eventsUrl = `${web.url}/events`;
    bob.say(place, 'nobody watches yet');
    if (transport !== 'rtm') await slack.waitForDelivery('message', ({ outcome }) => outcome === 'taken');
    const session = await adapter.session({ as: 'user', user: alice }, id);
    await session.join(id);
    assert.equal(adapter.channels.isIn(id, alice), true);
    await until('the list of cid', () => adapter.channels.isIn(id, carol) === false || undefined);
    assert.notEqual(adapter.channels.isIn(id, userId('@stranger:hs.test')), true);
    const listed: string[] = [];
    for await (const { name } of adapter.channels.of(alice)) listed.push(name);
    assert.deepEqual(listed.toSorted(), ['#general', '#secret']);

    await adapter.watch(id, alice);
    bob.say(place, 'for Ann');
    assert.deepEqual((await heard(events, 'message')).body.text, 'for Ann');
    const said = await session.send({ key: 'k1', channel: id, body: { text: 'from Matrix' }, style: 'text' });
    const seen = await bob.waitForMessage(place, 'from Matrix');
    assert.deepEqual([seen.ts, seen.user], [said, ann.id]);
    ann.say(place, 'by my own client');
    const own = await heard(events, 'message', ({ body }) => body.text === 'by my own client');
    assert.equal(own.sender.id, 'T0001/U0ANN');
    const names: string[] = [];
    for await (const { name } of adapter.channels.members(id)) names.push(name);
    assert.deepEqual(names.toSorted(), ['Ann Example', 'Bob Example']);

    bob.invite(place, cid);
    await heard(events, 'membership', ({ user, change }) => user.id === 'T0001/U0CID' && change === 'join');
    assert.equal(adapter.channels.isIn(id, carol), true);
    await adapter.watch(id, carol);
    bob.say(place, 'for both');
    bob.say(place, 'and once');
    await heard(events, 'message', ({ body }) => body.text === 'and once');
    assert.equal(textsIn(events).filter((text) => text === 'for both').length, 1);

    ann.leave(place);
    await heard(events, 'membership', ({ user, change }) => user.id === 'T0001/U0ANN' && change === 'leave');
    assert.equal(adapter.channels.isIn(id, alice), false);
    await adapter.unwatch(id, alice);
    bob.say(place, 'for Cid alone');
    await heard(events, 'message', ({ body }) => body.text === 'for Cid alone');
    await adapter.signOut(all.other);
    assert.equal(adapter.channels.isIn(id, carol), false);
    bob.say(place, 'nobody of ours is there');
    await delay(200);
    assert.deepEqual(textsIn(events), ['for Ann', 'by my own client', 'for both', 'and once', 'for Cid alone']);
    const leavings = events.filter((event) => event.kind === 'membership' && event.change === 'leave');
    assert.equal(leavings.length, 1, 'told in several words, reported once');
    assert.ok(!place.members.has(bot.user.id));
    assert.deepEqual(slack.undocumented, []);
  });
}

test('whoever left by Slack’s client comes back by the same word', { timeout: 180_000 }, async (t) => {
  const { adapter, ann, slack, team, bob, events } = await secret(t);
  const open = slack.addChannel(team, 'open', [bob], { id: 'C0OPEN' });
  const found = await adapter.channels.resolve('#open', alice);
  assert.ok(found);
  const session = await adapter.session({ as: 'user', user: alice }, found.id);
  await session.join(found.id);
  await adapter.watch(found.id, alice);
  ann.leave(open);
  await heard(events, 'membership', ({ change }) => change === 'leave');
  await session.join(found.id);
  assert.ok(open.members.has(ann.id));
  assert.equal(adapter.channels.isIn(found.id, alice), true);
  await heard(events, 'membership', ({ change }) => change === 'join');
});

test('after a restart each reads what they missed with their own eyes, and is told where they are out', {
  timeout: 180_000,
}, async (t) => {
  const memory = new Map();
  const { adapter, slack, team, ann, bob, place, id, transports, login, events } = await secret(t, { memory });
  const gone = slack.addChannel(team, 'gone', [ann, bob], { id: 'C0GONE', isPrivate: true });
  const other = await adapter.channels.resolve('#gone', alice);
  assert.ok(other);
  for (const channel of [id, other.id]) {
    await (await adapter.session({ as: 'user', user: alice }, channel)).join(channel);
    await adapter.watch(channel, alice);
  }
  bob.say(place, 'before');
  await heard(events, 'message');
  await adapter.disconnect();
  bob.say(place, 'while away');
  ann.leave(gone);

  const kept = keepTools(undefined, memory);
  const later = kept.events as unknown as SlackEvents;
  const again = new SlackAdapter(settingsFor(slack, transports), kept.tools as unknown as AdapterTools<SlackBody>, quick);
  t.after(() => again.disconnect());
  assert.equal(again.channels.isIn(id, alice), undefined, 'not known yet');
  await again.connect();
  for (const channel of [id, other.id]) await again.watch(channel, alice);
  await again.signIn(login);
  assert.equal((await heard(later, 'message', ({ body }) => body.text === 'while away')).sender.id, 'T0001/U0BOB');
  const out = await heard(later, 'membership');
  assert.deepEqual([out.user.id, out.channel, out.change], ['T0001/U0ANN', other.id, 'leave']);
  assert.equal(again.channels.isIn(id, alice), true);
  assert.equal(again.channels.describe(id).name, '#secret');
  bob.say(place, 'after');
  await heard(later, 'message', ({ body }) => body.text === 'after');
  assert.deepEqual(textsIn(later), ['while away', 'after']);
});
