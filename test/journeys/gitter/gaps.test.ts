import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { alice, allArrived, ann, bob, channel, gitter, load, patient, relayed, room } from './loaded-stage.ts';

/** Said and shown, to be edited and removed while nobody hears of it: `changed` resolves once both is so in the room. */
async function twoLines(name: string) {
  const ids = [ann.say(channel, `${name}: to edit`), ann.say(channel, `${name}: to remove`)] as const;
  const gone = await alice.waitForText(room, `${name}: to remove`);
  return {
    change: () => {
      ann.edit(ids[0], `${name}: edited`);
      ann.delete(ids[1]);
    },
    changed: async () => {
      await alice.waitFor(({ content }) => content['m.new_content']?.body === `${name}: edited`);
      const isGone = ({ type, redacts, content }: typeof gone) =>
        type === 'm.room.redaction' && (redacts ?? content.redacts) === gone.event_id;
      await alice.waitFor(isGone);
    },
  };
}

test('numbers that are missing: what was lost is read back before what came after it', patient, async () => {
  gitter.deliveryFault({ ...relayed, every: 6, times: 4, act: 'drop' });
  gitter.deliveryFault({ ...relayed, every: 9, times: 2, act: 'reorder' });
  gitter.deliveryFault({ ...relayed, every: 4, times: 3, act: 'double' });
  await load.say(20, 10);
  // A loss shows by the next number.
  bob.say(channel, 'the next');
  await allArrived();
});

test('the connection is cut in mid-load, with what was under way in it', patient, async () => {
  const lines = await twoLines('cut');
  gitter.deliveryFault({ ...relayed, every: 7, times: 2, act: { cut: 'before' } });
  gitter.deliveryFault({ ...relayed, every: 10, times: 1, act: { cut: 'after' } });
  const saying = load.say(20, 10);
  lines.change();
  await saying;
  await allArrived();
  await lines.changed();
});

test('Gitter knows us no more, in mid-load, and told us nothing for a while', patient, async () => {
  const lines = await twoLines('forgotten');
  gitter.deliveryFault({ username: 'matrixbot', act: 'lose' });
  lines.change();
  await load.say(10, 10);
  gitter.clearFaults();
  gitter.forgetFayeClients();
  await load.say(10, 10);
  await allArrived();
  await lines.changed();
});

test('while the realtime channel is away rooms are heard by streams; edits and removals come with it again', patient, async () => {
  const lines = await twoLines('streamed');
  for (const on of ['POST /bayeux', 'UPGRADE /bayeux']) gitter.fault({ on, act: { status: 503 } });
  gitter.cutFaye('matrixbot');
  await until('a stream', () => gitter.streams.of('matrixbot').length > 0 || undefined);
  lines.change();
  await load.say(10, 10);
  gitter.cutStreams('matrixbot');
  await load.say(5, 10);
  await load.arrived(60_000);
  gitter.clearFaults();
  await lines.changed();
  await load.say(5, 10);
  await allArrived();
});
