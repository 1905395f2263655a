import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openNotes } from '../../../bridge-core/store/notes.ts';
import { startRig } from '../rig.ts';

test('notes outlive a restart, can be taken away, and leave the store’s own alone', async (t) => {
  const rig = await startRig(t);
  const { id } = rig.store;
  const notes = openNotes(rig.store);
  await notes.set('direct:!a', '@anna:hs.test');
  await notes.set('direct:!b', { since: 1 });
  await notes.set('direct:!b', undefined);
  await notes.set('id', 'not the store’s');
  assert.equal(notes.get('direct:!b'), undefined);
  const store = rig.reopen();
  const again = openNotes(store);
  assert.equal(again.get('direct:!a'), '@anna:hs.test');
  assert.equal(again.get('direct:!b'), undefined);
  assert.equal(again.get('run'), undefined);
  assert.equal(store.id, id);
});
