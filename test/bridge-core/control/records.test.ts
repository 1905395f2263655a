// What an operator asks of the store: dead messages tried again, each once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Records } from '../../../bridge-core/control/records.ts';
import { Journal } from '../../../bridge-core/pipeline/journal.ts';
import { type Row, states, towards } from '../../../bridge-core/pipeline/row.ts';
import { Links } from '../../../bridge-core/plumbing/links.ts';
import { openTempStore } from '../../support/temp-store.ts';

test('asked for twice at once, what was given up is put into its lane once', async (t) => {
  const { store } = openTempStore(t);
  const journal = new Journal({ store, run: store.run });
  const revived: Row[] = [];
  const records = new Records({ store, journal, links: new Links({ store }), revive: (rows) => void revived.push(...rows) });
  await store.write(() => {
    const task = { do: 'tell', text: 'hello' } as const;
    const row = journal.append({ direction: towards.network, lane: '1|@a:hs', link: 1, source: '$a', task });
    row.state = states.dead;
    journal.save(row);
  });
  const counts = await Promise.all([records.retry(), records.retry()]);
  assert.deepEqual(counts, [{ count: 1 }, { count: 0 }]);
  assert.equal(revived.length, 1);
});
