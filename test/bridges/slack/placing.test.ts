// What Slack tells of a channel itself, against how the channel stands by then: nothing is lost, said of the wrong person or long waited for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { bodiesIn } from './matrix-side.ts';
import { wholeBridge } from './whole-bridge.ts';
import { heard, type SlackEvents, withAdapter } from './with-slack.ts';

const inTime = { timeout: 180_000 };

const changesIn = (events: SlackEvents) => events.flatMap((event) => (event.kind === 'channel' ? [event] : []));

test('while Slack does not say what a channel is called what is said there goes on; the name is told once it does', inTime, async (t) => {
  const { slack, ann, general, events } = await withAdapter(t);
  slack.fault({ on: 'conversations.info', times: 1, act: { ratelimited: 4 } });
  ann.rename(general, 'den');
  ann.say(general, 'said since');
  await heard(events, 'message', ({ body }) => body.text === 'said since');
  assert.deepEqual(changesIn(events), []);
  assert.equal((await heard(events, 'channel')).name, '#den');
  ann.rename(general, 'lair');
  await heard(events, 'channel', ({ name }) => name === '#lair');
});

test('what another changed meanwhile is not said of whoever changed it first', inTime, async (t) => {
  const { slack, ann, bob, general, events } = await withAdapter(t);
  slack.fault({ on: 'conversations.info', times: 1, act: { wait: 300 } });
  ann.setTopic(general, 'of Ann');
  bob.setTopic(general, 'of Bob');
  ann.say(general, 'said since');
  await heard(events, 'message', ({ body }) => body.text === 'said since');
  assert.deepEqual(
    changesIn(events).map(({ topic, by }) => [topic, by]),
    [['of Bob', undefined]],
  );
  bob.setTopic(general, 'of Bob again');
  assert.equal((await heard(events, 'channel', ({ topic }) => topic === 'of Bob again')).by?.name, 'Bob Example');
});

test('a channel that is open again before its end is told was never closed to who listens', inTime, async (t) => {
  const { slack, ann, bob, general, events } = await withAdapter(t);
  slack.fault({ on: 'conversations.info', times: 1, act: { wait: 300 } });
  slack.eventFault({ on: 'channel_unarchive', act: 'drop' });
  ann.archive(general);
  bob.unarchive(general);
  ann.say(general, 'said since');
  await heard(events, 'message', ({ body }) => body.text === 'said since');
  assert.deepEqual(changesIn(events), []);
});

test('where Slack does not say that a channel is private it is asked once, not for each word that is said there', inTime, async (t) => {
  const { slack, ann, general, events, adapter, channel } = await withAdapter(t);
  slack.eventFault({ on: 'message/channel_convert_to_private', act: 'drop' });
  slack.fault({ on: 'conversations.info', times: 1, act: { error: 'missing_scope' } });
  ann.convert(general, true);
  const before = slack.callsOf('conversations.info').length;
  for (const words of ['one', 'two', 'three']) {
    ann.say(general, words);
    const { isPrivate } = await heard(events, 'message', ({ body }) => body.text === words);
    assert.equal(isPrivate, true);
  }
  assert.equal(slack.callsOf('conversations.info').length, before + 1);
  ann.rename(general, 'den');
  assert.equal((await heard(events, 'channel')).isPrivate, true);
  assert.equal(adapter.channels.describe(channel).kind, 'private');
});

test('a topic that was told before nobody listened is told again to who listens anew', inTime, async (t) => {
  const { ann, general, adapter, channel, events } = await withAdapter(t);
  ann.setTopic(general, 'old');
  await heard(events, 'channel', ({ topic }) => topic === 'old');
  await adapter.unwatch(channel);
  ann.setTopic(general, 'newer');
  await adapter.watch(channel);
  events.length = 0;
  ann.setTopic(general, 'old');
  await heard(events, 'channel', ({ topic }) => topic === 'old');
});

test('what a look at the channel found, and nobody told, is known when it is told of later', inTime, async (t) => {
  const bridge = await wholeBridge(t, { section: () => ({ team_sync: { rooms_per_minute: 6_000 } }) });
  const { homeserver, slack, ann } = bridge;
  const launch = ann.createChannel('launch');
  const key = `dev.causeway://slack/T0001/${launch.id}`;
  const room = await until('the room', () =>
    [...homeserver.world.rooms.values()].find((each) => each.stateOf('m.bridge', key) !== undefined),
  );
  const topic = () => room.stateOf('m.room.topic')?.content.topic;
  ann.say(launch, 'hello');
  await until('the words', () => bodiesIn(bridge, room.id).includes('hello'));
  ann.setTopic(launch, 'first');
  await until('the topic', () => topic() === 'first');
  slack.eventFault({ on: 'message/channel_topic', times: 1, act: 'drop' });
  ann.setTopic(launch, 'second');
  ann.rename(launch, 'lift-off');
  await until('what nobody told', () => topic() === 'second');
  ann.setTopic(launch, 'first');
  await until('the topic', () => topic() === 'first');
});
