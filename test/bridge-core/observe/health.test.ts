// How single checks make up the whole.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Health } from '../../../bridge-core/observe/health.ts';

test('all must be well for the whole to be, and readiness may be said apart', () => {
  const health = new Health();
  assert.deepEqual(health.report(), { ok: true, ready: true, details: {} });
  health.add('store', () => ({ ok: true }));
  health.add('libera', () => ({ ok: true, ready: false, detail: 'connecting' }));
  assert.deepEqual([health.report().ok, health.report().ready], [true, false]);
  health.add('homeserver', () => ({ ok: false, detail: 'refuses our token' }));
  const { ok, ready, details } = health.report();
  assert.deepEqual([ok, ready, details.homeserver?.detail], [false, false, 'refuses our token']);
});

test('a check that throws is one that failed, and a later one of its name takes its place', () => {
  const health = new Health();
  health.add('store', () => {
    throw new Error('disk gone');
  });
  assert.deepEqual(health.report(), { ok: false, ready: false, details: { store: { ok: false, detail: 'disk gone' } } });
  health.add('store', () => ({ ok: true }));
  assert.equal(health.report().ok, true);
});
