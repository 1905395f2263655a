// The figures that operators watch, as they are scraped.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FigureParts, showFigures, tellCommitTime } from '../../bridge-core/bridge-upkeep.ts';
import { Health } from '../../bridge-core/observe/health.ts';
import { openMetrics, renderMetrics } from '../../bridge-core/observe/metrics.ts';
import { states, towards } from '../../bridge-core/pipeline/row.ts';
import type { Store } from '../../bridge-core/store/store.ts';
import { openTempStore } from '../support/temp-store.ts';
import { collectLog } from './rig.ts';

test('the oldest row of a side is told over all states but dead, and the journal is read once for a scrape', async (t) => {
  const metrics = openMetrics('figures');
  t.after(() => metrics.close());
  let reads = 0;
  const ago = (seconds: number) => Date.now() - seconds * 1_000;
  const depth = () => {
    reads += 1;
    return [
      { direction: towards.matrix, state: states.waiting, rows: 3, oldest: ago(500) },
      { direction: towards.matrix, state: states.parked, rows: 1, oldest: ago(20) },
      { direction: towards.matrix, state: states.dead, rows: 2, oldest: ago(9_000) },
      { direction: towards.network, state: states.begun, rows: 1, oldest: ago(7) },
    ];
  };
  const adapter = { status: () => [{ network: 'net', state: 'up', sessions: 4 }], logins: [] };
  const homeserver = { load: () => ({ inFlight: 2, waiting: 0 }) };
  const { store } = openTempStore(t);
  const none = { all: () => [] };
  const parts = {
    ...{ metrics, health: new Health(), adapter, homeserver, store, journal: { depth } },
    ...{ links: none, logins: none, queue: { depth: 0 } },
  };
  showFigures(parts as unknown as FigureParts<string>);
  const page = await renderMetrics();
  const figure = (name: string, side: string) =>
    Number(new RegExp(`^causeway_${name}\\{bridge="figures",${side}\\} (\\S+)$`, 'm').exec(page)?.[1]);
  assert.equal(figure('journal_rows', 'side="matrix",state="dead"'), 2);
  assert.equal(Math.round(figure('journal_oldest_seconds', 'side="matrix"') / 10), 50);
  assert.equal(Math.round(figure('journal_oldest_seconds', 'side="network"')), 7);
  assert.equal(reads, 1);
});

test('a slow disk is told once, as what it delays: acknowledgements, not the process', () => {
  const log = collectLog();
  const listeners: ((ms: number) => void)[] = [];
  const store = { onCommit: (listener: (ms: number) => void) => void listeners.push(listener), writeSoon() {} };
  tellCommitTime(store as unknown as Store, log);
  for (const ms of [12.34, 50]) for (const listener of listeners) listener(ms);
  assert.deepEqual(log.lines, ['the disk is slow: every message waits so long for it before it is acknowledged {"ms":12.3}']);
});
