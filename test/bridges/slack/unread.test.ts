// What Slack does not let the bridge read after a loss: the room is told from when to when, why, and what to do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/waiting.ts';
import { type WholeBridge, wholeBridge } from './whole-bridge.ts';
import { givenUp } from './with-slack.ts';

const words = ({ homeserver, room }: WholeBridge) =>
  homeserver
    .events(room)
    .filter(({ type }) => type === 'm.room.message')
    .map(({ content }) => String(content.body));
const said = (bridge: WholeBridge, text: string) => until(text, () => words(bridge).includes(text) || undefined);
const gaps = (bridge: WholeBridge) => words(bridge).filter((each) => each.includes('may be missing here'));

const refusals = [
  [
    'missing_scope',
    { needed: 'channels:history', provided: 'chat:write' },
    /missing_scope: channels:history\. Admins of the bridge: say install to its bot/,
  ],
  ['not_in_channel', {}, /not_in_channel\. Let the bridge into the channel: in Slack, invite its app/],
] as const;

for (const [error, details, expected] of refusals)
  test(`${error}: the room is told of the gap, once, with its reason and the next step; what is newer goes on`, {
    timeout: 180_000,
  }, async (t) => {
    const bridge = await wholeBridge(t);
    const { ann, app, general, slack, url } = bridge;
    ann.say(general, 'before');
    await said(bridge, 'before');
    slack.fault({ on: 'conversations.history', act: { error, details } });
    await bridge.restart(async () => {
      ann.say(general, 'missed');
      await givenUp(slack, 'missed');
    });
    await until('the gap', () => gaps(bridge)[0]);
    assert.match(gaps(bridge)[0] ?? '', /^Messages between \d\d:\d\d UTC and \d\d:\d\d UTC may be missing here \(/);
    assert.match(gaps(bridge)[0] ?? '', expected);
    // What is counted in the first moments is there once the library of figures is loaded.
    const counted = /^causeway_gaps_total\{[^}]*network="T0001"[^}]*\} \d+$/m;
    while (!counted.test(await (await fetch(`${url}/metrics`)).text())) await delay(20);
    await bridge.restart();
    // Nothing else brings what Slack gives up before it is heard again.
    await until('the connection', () => slack.socketMode.connections(app) > 0);
    ann.say(general, 'after');
    await said(bridge, 'after');
    assert.equal(gaps(bridge).length, 1);
    assert.ok(!words(bridge).includes('missed'));
  });
