// What Gitter allows and what it hides, on a real Synapse: calls keep within its limit though more is said at once, the same words are not said
// so often that the account would be hidden, and where it is hidden all the same that is noticed and told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { openGitterStage } from './stage.ts';

const patient = { timeout: 180_000 };
const soon = { timeout: 60_000 };

const spoken: string[] = [];
let speaking: NodeJS.Timeout | undefined;
const stage = await openGitterStage({
  ...{ gitter: { rate: { calls: 30, window: 4_000 } }, section: { echo_timeout: '500ms' } },
  prepare: async ({ ann, bob, channel }) => {
    const speak = () => {
      spoken.push(`at the start ${spoken.length}`);
      (spoken.length % 3 === 0 ? bob : ann).say(channel, spoken.at(-1) ?? '');
    };
    for (let n = 0; n < 5; n += 1) speak();
    for (const message of channel.messages) Object.assign(message, { sent: message.sent - 600_000 });
    speaking = setInterval(speak, 40).unref();
  },
});
const { alice, ann, bob, bridge, channel, gitter, relay, room } = stage;

test(
  'at the first start, while people speak: from when the room is listened to on all of it is here, in order, and nothing old',
  patient,
  async () => {
    clearInterval(speaking);
    ann.say(channel, 'the start is over');
    await alice.waitForText(room, 'the start is over', soon);
    const shown = alice.messages(room).map(({ content }) => String(content.body));
    assert.deepEqual(shown, [...spoken, 'the start is over'].slice(-shown.length));
    assert.ok(shown.length > 1 && shown.length <= spoken.length - 4, `${shown.length} of ${spoken.length}`);
  },
);

test(
  'more is said at once than may be: it waits, keeps its order, and nothing is refused; what is said there goes on meanwhile',
  patient,
  async () => {
    const before = gitter.limits.exceeded.length;
    const words = Array.from({ length: 45 }, (_, number) => `many ${number}`);
    for (const text of words) await alice.say(room, text);
    ann.say(channel, 'meanwhile');
    await alice.waitForText(room, 'meanwhile', soon);
    await bob.waitForMessage(channel, words.at(-1) ?? '', soon);
    assert.deepEqual(
      bob.texts(channel).filter((text) => text.startsWith('many ')),
      words,
    );
    assert.equal(gitter.limits.exceeded.length, before);
  },
);

test('the same words are said nine times and no more, and whoever says them again is told', patient, async () => {
  const same = 'these are words of ordinary length';
  const since = alice.mark();
  for (let number = 0; number < 10; number += 1) await alice.say(room, same);
  await alice.waitFor(({ sender, type }) => sender === stage.botId && type === 'm.room.message', { since, ...soon });
  await alice.say(room, 'others go on');
  await bob.waitForMessage(channel, 'others go on', soon);
  assert.equal(bob.texts(channel).filter((text) => text === same).length, 9);
  assert.equal(relay.user.isShadowBanned, false);
});

test('an account that Gitter hides is told of in the room, on the very message, and to the operator', patient, async () => {
  relay.user.isShadowBanned = true;
  const since = alice.mark();
  const unseen = await alice.say(room, 'unseen');
  const told = await alice.waitFor(({ sender, type }) => sender === stage.botId && type === 'm.room.message', { since, ...soon });
  assert.match(told.content.body, /seems to be hidden there/);
  const isStatus = ({ type, content }: typeof told) =>
    type === 'com.beeper.message_send_status' && content['m.relates_to']?.event_id === unseen;
  await alice.waitFor(isStatus, { since, ...soon });
  await until('the counter', async () => (await bridge.metric('causeway_gitter_posts_hidden_total')) > 0 || undefined);
  assert.ok(!bob.texts(channel).includes('unseen'));
});
