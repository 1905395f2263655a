// The same story told over each way by which Slack lets an app hear: said, edited, answered, reacted to and taken back, from both
// sides, between a real homeserver and a Slack.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { openSlackStage, type Transport } from './stage.ts';

const transports: readonly Transport[] = ['socket', 'events', 'rtm'];

for (const transport of transports) {
  test(`${transport}: what is said, edited, answered, reacted to and taken back crosses both ways`, async () => {
    const stage = await openSlackStage({ transport });
    const { alice, ann, bob, ghostOf } = stage;
    const { room, channel } = stage.places.general ?? assert.fail();

    const ts = ann.say(channel, 'Hello *all*');
    const shown = await alice.waitForText(room, 'Hello all');
    assert.equal(shown.sender, ghostOf(ann));
    assert.equal(shown.content.formatted_body, 'Hello <strong>all</strong>');
    assert.equal((await stage.alice.members(room)).get(ghostOf(ann)), 'Ann Example');

    const said = await alice.sayHtml(room, 'Good <em>day</em>', 'Good day');
    const heard = await bob.waitForMessage(channel, /Good .day./);
    const heardTs = heard.ts ?? '';
    assert.equal(heard.username ?? heard.bot_profile?.name, 'Alice');

    ann.edit(channel, ts, 'Hello _everybody_');
    const edit = await alice.waitFor(({ content }) => content['m.new_content']?.body === 'Hello everybody');
    assert.equal(edit.content['m.relates_to'].event_id, shown.event_id);
    await alice.edit(room, said, 'Good evening');
    await bob.waitForMessage(channel, 'Good evening');

    await alice.reply(room, shown.event_id, 'an answer');
    await bob.waitForMessage(channel, ({ text, thread_ts }) => text?.includes('an answer') === true && thread_ts === ts);
    bob.reply(channel, ts, 'in the thread');
    const threaded = await alice.waitForText(room, 'in the thread');
    assert.deepEqual([threaded.content['m.relates_to'].rel_type, threaded.content['m.relates_to'].event_id], ['m.thread', shown.event_id]);

    const reaction = await alice.react(room, shown.event_id, '👍');
    const thumbs = () =>
      ann
        .sees(channel)
        .find((message) => message.ts === ts)
        ?.reactions?.map(({ name }) => name) ?? [];
    await until('the thumb in Slack', () => thumbs().includes('+1') || undefined);
    await alice.redact(room, reaction);
    await until('no thumb in Slack', () => !thumbs().includes('+1') || undefined);
    bob.react(channel, heardTs, 'tada');
    const tada = await alice.waitFor(({ type, content }) => type === 'm.reaction' && content['m.relates_to']?.key === '🎉');
    assert.deepEqual([tada.sender, tada.content['m.relates_to'].event_id], [ghostOf(bob), said]);
    bob.unreact(channel, heardTs, 'tada');
    await alice.waitFor(({ type, redacts, content }) => type === 'm.room.redaction' && (redacts ?? content.redacts) === tada.event_id);

    const goner = ann.say(channel, 'to be taken back');
    const gone = await alice.waitForText(room, 'to be taken back');
    ann.delete(channel, goner);
    await alice.waitFor(({ type, redacts, content }) => type === 'm.room.redaction' && (redacts ?? content.redacts) === gone.event_id);
    await alice.redact(room, said);
    await until('gone in Slack', () => !ann.texts(channel).includes('Good evening') || undefined);

    assert.deepEqual(stage.slack.undocumented, []);
    await stage.stop();
  });
}
