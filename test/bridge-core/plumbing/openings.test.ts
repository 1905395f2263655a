import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Openings } from '../../../bridge-core/plumbing/openings.ts';
import { channel } from '../rig.ts';

const [node, other] = [channel('#node'), channel('#other')];

test('what is heard waits for all links of the channel that are about to go live, and of no other', async () => {
  const openings = new Openings();
  const [one, two] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  assert.equal(openings.of(node), undefined);
  const first = openings.during(node, () => one.promise);
  const second = openings.during(node, () => two.promise);
  assert.equal(openings.of(other), undefined);
  const order: string[] = [];
  const waiting = openings.of(node)?.then(() => void order.push('heard'));
  one.resolve('live');
  assert.equal(await first, 'live');
  order.push('first');
  two.reject(new Error('refused'));
  await assert.rejects(second, /refused/);
  await waiting;
  assert.deepEqual(order, ['first', 'heard'], 'a link that comes to nothing ends the wait as well');
  assert.equal(openings.of(node), undefined);
});

test('a link that takes long holds up nothing for ever, nor does a stop', async () => {
  const openings = new Openings(20);
  const never = new Promise<void>(() => {});
  void openings.during(node, () => never);
  // Keeps the process while the only timer is one that does not.
  const alive = setInterval(() => {}, 1_000);
  await openings.of(node);
  assert.equal(openings.of(node), undefined);
  void openings.during(other, () => never);
  const waiting = openings.of(other);
  openings.stop();
  await waiting;
  clearInterval(alive);
});
