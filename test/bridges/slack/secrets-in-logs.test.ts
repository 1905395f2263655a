// Nothing that is logged tells a secret, whatever goes wrong: with Slack, with a token, with what strangers send.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

const secrets = /xox[a-z]-|xapp-|s3cret|c0de|Bearer/;

test('errors, refusals and forged requests leave no secret in the log', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, { transport: ['socket', 'events'] });
  const { slack, app, team, ann, general, homeserver, person, room, url, lines } = bridge;
  const said = (words: string) => homeserver.say(person, room, words);
  for (const [number, act] of [
    { status: 500 },
    { drop: 'before' },
    { drop: 'after' },
    { error: 'fatal_error' },
    { raw: 'xoxb-1 is odd' },
  ].entries()) {
    slack.fault({ on: 'chat.postMessage', times: 1, act: act as never });
    said(`line ${number}`);
  }
  await until('all lines that Slack takes', () => (ann.texts(general).length >= 3 ? true : undefined));
  const forged = JSON.stringify({ type: 'event_callback', team_id: 'T0001', event: { type: 'message', text: 'xoxb-1' } });
  for (const path of [
    'events',
    'commands',
    'interactive',
    'hooks/none',
    'webhooks/C0',
    'oauth/start?ticket=xoxb-1',
    'oauth/return?code=xoxb-1&state=xoxb-1',
  ])
    for (const method of ['POST', 'GET'])
      await fetch(`${url}/slack/${path}`, {
        method,
        headers: {
          authorization: 'Bearer xoxb-1',
          'content-type': 'application/json',
          'x-slack-signature': 'v0=00',
          'x-slack-request-timestamp': '1',
        },
        ...(method === 'POST' && { body: forged }),
      });
  slack.uninstall(app, team);
  await until('its end', () => lines.find((line) => line.includes('"state":"down"')));
  assert.ok(lines.length > 3);
  assert.deepEqual(
    lines.filter((line) => secrets.test(line)),
    [],
  );
});
