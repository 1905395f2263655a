// What still waits for a room as its link is taken away: it is nobody's there any more.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { states } from '../../../bridge-core/pipeline/row.ts';
import { until } from '../../support/waiting.ts';
import { startPipeline } from './pipeline-rig.ts';

test('what waits for a room that is unlinked meanwhile brings no ghost back into it', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  const link = await p.link(room, '#chan');
  p.network.say('zoe', '#chan', 'shown');
  await p.settled();
  p.hs.fault({ on: 'PUT .*/send/m.room.message', act: { answer: 502 } });
  p.network.say('zoe', '#chan', 'late');
  p.network.say('mia', '#chan', 'later');
  await until('both in the journal', () => p.temp.committed('SELECT count(*) FROM journal') === 2);
  await p.parts.links.remove(link.id);
  p.hs.clearFaults();
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
