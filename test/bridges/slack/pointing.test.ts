// What points at another message, over a whole bridge: whose it was where a removal is told in words, and which thread an answer goes to.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { type WholeBridge, wholeBridge } from './whole-bridge.ts';

const inRoom = ({ homeserver, room }: WholeBridge, body: string) =>
  until(`${body} in the room`, () =>
    homeserver.events(room).find(({ type, content }) => type === 'm.room.message' && content.body === body),
  );

test('what a moderator removes and Slack does not let go is told with its writer’s name, over a restart too', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, general, homeserver, person, room } = bridge;
  ann.say(general, 'not nice');
  homeserver.redact(person, room, (await inRoom(bridge, 'not nice')).event_id);
  await ann.waitForMessage(general, '_removed Ann Example\'s "not nice"_');
  ann.say(general, 'still not');
  const second = await inRoom(bridge, 'still not');
  await bridge.restart();
  homeserver.redact(person, room, second.event_id);
  await ann.waitForMessage(general, '_removed Ann Example\'s "still not"_');
  assert.ok(!ann.texts(general).some((text) => text.includes('U0ANN')));
});

test('an answer to a reply goes into the thread of that reply, after a restart too, and so does an answer to the answer', {
  timeout: 180_000,
}, async (t) => {
  // What is read back after the restart would tell of the threads, too.
  const bridge = await wholeBridge(t, { section: () => ({ history: { most: 0 } }) });
  const { ann, general, homeserver, person, room, slack } = bridge;
  const threadOf = async (text: string) => {
    await ann.waitForMessage(general, text);
    return slack.callsOf('chat.postMessage').findLast(({ args }) => args.text === text)?.args.thread_ts;
  };
  const answer = (to: string, body: string) =>
    homeserver.say(person, room, { msgtype: 'm.text', body, 'm.relates_to': { 'm.in_reply_to': { event_id: to } } });
  const root = ann.say(general, 'the root');
  await inRoom(bridge, 'the root');
  ann.reply(general, root, 'a reply');
  const reply = await inRoom(bridge, 'a reply');
  const other = ann.say(general, 'another root');
  const begun = answer((await inRoom(bridge, 'another root')).event_id, 'begins a thread');
  assert.equal(await threadOf('begins a thread'), other);
  await bridge.restart();
  answer(reply.event_id, 'afterwards');
  assert.equal(await threadOf('afterwards'), root);
  answer(begun, 'to the answer');
  assert.equal(await threadOf('to the answer'), other);
});
