// What fails around what is said while both sides speak, with a real Synapse: the history that is to close a gap, answers, Gitter itself, the
// bridge. Nothing is lost, nothing comes twice, the order holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alice, allArrived, ann, bob, bridge, channel, gitter, load, patient, relayed, room, stage } from './loaded-stage.ts';

test('what was missed cannot be read at first: it is tried again, and nothing newer comes before it', patient, async () => {
  gitter.deliveryFault({ ...relayed, times: 2, act: 'drop' });
  gitter.fault({ on: 'GET /rooms/:room/chatMessages', times: 3, act: { status: 502 } });
  const said = ['lost', 'lost as well', 'next', 'after it'];
  for (const text of said) bob.say(channel, text);
  await alice.waitForText(room, 'after it');
  const shown = alice
    .messages(room)
    .flatMap(({ sender, content: { body } }) => (sender === stage.ghostOf(bob) && said.includes(body) ? [body] : []));
  assert.deepEqual(shown, said);
});

test('answers are lost after the post was made, and before, in mid-load', patient, async () => {
  const posts = { on: 'POST /rooms/:room/chatMessages' };
  gitter.fault({ ...posts, every: 4, times: 4, act: { drop: 'after' } });
  gitter.fault({ ...posts, every: 5, times: 2, act: { doneBut: 502 } });
  gitter.fault({ ...posts, every: 6, times: 2, act: { truncate: true } });
  gitter.fault({ ...posts, every: 7, times: 2, act: { drop: 'before' } });
  await load.say(24, 10);
  await allArrived();
});

test('Gitter itself is away for a while, in mid-load', patient, async () => {
  const saying = load.say(20, 20);
  await gitter.down();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await gitter.up();
  await saying;
  await allArrived();
});

test(
  'the bridge is stopped: what was said is read back, and what was edited, removed or emptied meanwhile is so here',
  patient,
  async () => {
    const [edited, removed, emptied] = ['to edit', 'to remove', 'to empty'].map((words) => ann.say(channel, `stopped: ${words}`));
    bob.reply(channel, emptied ?? '', 'stopped: an answer');
    await alice.waitForText(room, 'stopped: an answer');
    const gone = [];
    for (const words of ['to remove', 'to empty']) gone.push((await alice.waitForText(room, `stopped: ${words}`)).event_id);
    await bridge.stop();
    ann.edit(edited ?? '', 'stopped: edited');
    ann.delete(removed ?? '');
    ann.delete(emptied ?? '');
    const root = ann.say(channel, 'a thread');
    bob.reply(channel, root, 'in the thread');
    const said = Array.from({ length: 20 }, (_, number) => `missed ${number}`);
    for (const text of said) bob.say(channel, text);
    await load.say(2);
    await stage.startBridge();
    await load.say(5, 10);
    await allArrived();
    const shown = (await alice.history(room)).flatMap(({ content: { body } }) => (/^missed \d+$/.test(body ?? '') ? [body] : []));
    assert.deepEqual(shown, said);
    await alice.waitFor(({ content }) => content['m.new_content']?.body === 'stopped: edited');
    const threaded = await alice.waitForText(room, 'in the thread');
    assert.equal(threaded.content['m.relates_to'].rel_type, 'm.thread');
    for (const event of gone)
      await alice.waitFor(({ type, redacts, content }) => type === 'm.room.redaction' && (redacts ?? content.redacts) === event, {
        timeout: 60_000,
      });
    // Each once.
    const redactions = (await alice.history(room)).filter(({ type }) => type === 'm.room.redaction');
    assert.equal(redactions.length, 2);
  },
);
