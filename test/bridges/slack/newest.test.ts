// What Slack tells late, behind what is newer: a room ends as the channel does.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Newest } from '../../../bridges/slack/newest.ts';
import { until } from '../../support/waiting.ts';
import { bodiesIn } from './matrix-side.ts';
import { wholeBridge } from './whole-bridge.ts';

for (const transport of ['socket', 'events'] as const)
  test(`${transport}: what is told late replaces nothing newer: no older words, no sign that was taken back, nothing that is gone`, {
    timeout: 180_000,
  }, async (t) => {
    const bridge = await wholeBridge(t, { transport });
    const { ann, bob, general, homeserver, room, slack } = bridge;
    const late = (on: string) => slack.eventFault({ on, times: 1, act: 'reorder' });
    const shown = (body: string) => until(body, () => bodiesIn(bridge, room).includes(body) || undefined);
    const ts = ann.say(general, 'first');
    await shown('first');
    late('message/message_changed');
    ann.edit(general, ts, 'second');
    ann.edit(general, ts, 'third');
    late('reaction_added');
    bob.react(general, ts, 'tada');
    bob.unreact(general, ts, 'tada');
    late('reaction_removed');
    bob.react(general, ts, '+1');
    bob.unreact(general, ts, '+1');
    bob.react(general, ts, '+1');
    late('message');
    ann.edit(general, ann.say(general, 'mistaken'), 'mended');
    late('message');
    ann.delete(general, ann.say(general, 'regretted'));
    ann.say(general, 'the end');
    await shown('the end');
    assert.deepEqual(bodiesIn(bridge, room), ['first', '* third', 'mended', 'the end']);
    const taken = new Set(homeserver.events(room).map(({ redacts }) => redacts));
    const signs = homeserver.events(room).filter(({ type, event_id }) => type === 'm.reaction' && !taken.has(event_id));
    assert.deepEqual(
      signs.map(({ content }) => (content['m.relates_to'] as { key?: string }).key),
      ['👍\ufe0f'],
    );
  });

const edit = (ts: string, edited: string, before?: string) => ({
  ...{ type: 'message', subtype: 'message_changed', channel: 'C1', event_ts: edited, message: { ts, edited: { ts: edited } } },
  previous_message: { ts, ...(before !== undefined && { edited: { ts: before } }) },
});

test('what came to nothing overtakes nothing, nor does a preview; what history shows does', () => {
  const newest = new Newest();
  const failed = newest.take(edit('1.1', '3.0'));
  failed?.();
  assert.notEqual(newest.take(edit('1.1', '2.0')), undefined);
  assert.notEqual(newest.take({ ...edit('1.1', '2.0', '2.0'), event_ts: '9.0' }), undefined, 'a preview');
  assert.notEqual(newest.take(edit('1.1', '3.0', '2.0')), undefined);
  assert.equal(newest.take(edit('1.1', '2.0')), undefined);
  newest.read('C1', '1.1', '5.0');
  newest.read('C1', '1.1', '4.0');
  assert.equal(newest.take(edit('1.1', '4.5')), undefined);
  assert.notEqual(newest.take(edit('1.2', '4.5')), undefined, 'another message');
});

test('who was put out and let in again is in, whichever of it is told last; the same in two words is no contradiction', () => {
  const newest = new Newest();
  const move = (type: string, event_ts: string) => ({ type, channel: 'C1', user: 'U1', event_ts });
  assert.notEqual(newest.take({ type: 'channel_joined', channel: { id: 'C1' }, event_ts: '3.1' }, 'U1'), undefined);
  assert.equal(newest.take(move('member_left_channel', '2.0')), undefined);
  assert.notEqual(newest.take(move('member_joined_channel', '3.0')), undefined);
  assert.equal(newest.take({ type: 'channel_left', channel: 'C1', event_ts: '2.0' }, 'U1'), undefined);
  assert.notEqual(newest.take({ type: 'channel_left', channel: 'C1', event_ts: '2.0' }, 'U2'), undefined);
});
