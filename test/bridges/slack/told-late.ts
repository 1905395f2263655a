// What Slack tells late, as it repeats what was not taken in time: posted to a whole bridge, each a minute old.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { WholeBridge } from './whole-bridge.ts';

/** Settles once the bridge has taken it. */
export function tellsLate({ url }: Pick<WholeBridge, 'url'>): (event: object, team?: string) => Promise<void> {
  let sent = 0;
  return async (event, team = 'T0001') => {
    sent += 1;
    const at = String(Math.floor(Date.now() / 1_000));
    const envelope = { type: 'event_callback', team_id: team, api_app_id: 'A0BRIDGE', event_id: `Ev${sent}`, event };
    const body = JSON.stringify({ ...envelope, event_time: Number(at) - 60, authorizations: [] });
    const signature = `v0=${createHmac('sha256', 's3cret').update(`v0:${at}:${body}`).digest('hex')}`;
    const headers = { 'content-type': 'application/json', 'x-slack-request-timestamp': at, 'x-slack-signature': signature };
    const { status } = await fetch(`${url}/slack/events`, { method: 'POST', headers, body });
    assert.equal(status, 200);
  };
}
