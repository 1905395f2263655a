// What still waits for a room as its link is taken away: it is nobody's there any more.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkLane, states, towards } from '../../../bridge-core/pipeline/row.ts';
import { personOf } from '../../support/fake-adapter/events.ts';
import { until } from '../../support/waiting.ts';
import { startPipeline } from './pipeline-rig.ts';

test('what waits for a room that is unlinked meanwhile brings no ghost back into it', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  const link = await p.link(room, '#chan');
  p.network.say('zoe', '#chan', 'shown');
  await p.settled();
  const { store, journal, links, toMatrix } = p.parts;
  // As it stands while others before it wait.
  const event = { kind: 'message', at: Date.now(), channel: link.channel, sender: personOf('mia'), body: 'later', style: 'text' } as const;
  const made = { direction: towards.matrix, lane: linkLane(link), link: link.id, source: '', task: { do: 'show', event } } as const;
  const row = await store.write(() => journal.append(made));
  await links.remove(link.id);
  toMatrix.push(row);
  await p.settled();
  assert.deepEqual(p.inRoom(room), ['zoe: shown']);
  assert.equal(
    p.events(room, 'm.room.member').some(({ state_key }) => String(state_key).includes('mia')),
    false,
  );
});

test('what was given up is not shown in a room that was unlinked since', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  const link = await p.link(room, '#chan');
  p.hs.fault({ on: 'PUT .*/send/m.room.message', act: { answer: 413, errcode: 'M_TOO_LARGE', error: 'too large' }, times: 1 });
  p.network.say('zoe', '#chan', 'hello');
  const row = await until('its end, on disk', () => p.parts.journal.dead()[0]);
  await p.parts.links.remove(link.id);
  row.state = states.waiting;
  row.progress = { revived: true };
  await p.parts.store.write(() => p.parts.journal.save(row));
  p.parts.toMatrix.push(row);
  await p.settled();
  assert.deepEqual(p.inRoom(room), []);
});
