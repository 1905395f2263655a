// The page that Prometheus reads, and what counting costs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMetrics, renderMetrics } from '../../../bridge-core/observe/metrics.ts';

test('what is counted before the library is loaded is not lost, and bridges are told apart', async (t) => {
  const one = openMetrics('one');
  const two = openMetrics('two');
  t.after(one.close);
  t.after(two.close);
  one.event('matrix', 'accepted');
  one.event('matrix', 'accepted');
  two.event('matrix', 'accepted');
  one.stage('received_journaled', 'network', 2);
  one.commit(0.2);
  one.count('irc_reconnects', { network: 'libera' });
  const page = await renderMetrics();
  assert.match(page, /causeway_events_total\{bridge="one",side="matrix",outcome="accepted"\} 2/);
  assert.match(page, /causeway_events_total\{bridge="two",side="matrix",outcome="accepted"\} 1/);
  assert.match(page, /causeway_stage_seconds_bucket\{le="0.0025",bridge="one",stage="received_journaled",side="network"\} 1/);
  assert.match(page, /causeway_commit_seconds_sum\{bridge="one"\} 0.0002/);
  assert.match(page, /causeway_irc_reconnects_total\{bridge="one",network="libera"\} 1/);
  assert.match(page, /process_resident_memory_bytes \d+/);
  assert.equal(page.match(/# TYPE causeway_events_total/g)?.length, 1);
});

test('standing figures are read when asked for, and go with their bridge', async () => {
  const metrics = openMetrics('three');
  let waiting = 4;
  metrics.gauge('journal_rows', () => [
    [{ side: 'matrix', state: 'waiting' }, waiting],
    [{ side: 'matrix', state: 'dead' }, 0],
  ]);
  metrics.gauge('membership_queue', () => [[{}, 9]]);
  assert.match(await renderMetrics(), /causeway_journal_rows\{bridge="three",side="matrix",state="waiting"\} 4/);
  waiting = 0;
  const page = await renderMetrics();
  assert.match(page, /causeway_journal_rows\{bridge="three",side="matrix",state="waiting"\} 0/);
  assert.match(page, /causeway_journal_rows\{bridge="three",side="matrix",state="dead"\} 0/);
  assert.match(page, /causeway_membership_queue\{bridge="three"\} 9/);
  metrics.close();
  assert.doesNotMatch(await renderMetrics(), /bridge="three",side/);
});

test('what one bridge cannot tell keeps back no figure of its own or of another bridge, and is counted', async (t) => {
  const gone = openMetrics('gone');
  const well = openMetrics('well');
  t.after(gone.close);
  t.after(well.close);
  gone.gauge('membership_queue', () => {
    throw new Error('the store is not open');
  });
  gone.gauge('requests_waiting', async () => Promise.reject(new Error('nor is this')));
  gone.gauge('requests_in_flight', () => [[{}, 3]]);
  well.gauge('membership_queue', () => [[{}, 7]]);
  await renderMetrics();
  const page = await renderMetrics();
  assert.match(page, /causeway_membership_queue\{bridge="well"\} 7/);
  assert.match(page, /causeway_requests_in_flight\{bridge="gone"\} 3/);
  assert.doesNotMatch(page, /causeway_membership_queue\{bridge="gone"/);
  assert.match(page, /causeway_figures_unread_total\{bridge="gone",figure="membership_queue"\} [12]/);
});

test('a count with other labels than at first, or an odd name, throws nothing', async (t) => {
  const metrics = openMetrics('four');
  t.after(() => metrics.close());
  await renderMetrics();
  metrics.count('odd.name-x', { a: '1' });
  metrics.count('odd.name-x', { b: '2' }, 3);
  metrics.count('odd.name-x');
  assert.match(await renderMetrics(), /causeway_odd_name_x_total\{bridge="four",a=""\} 4/);
});

test('counting an event costs next to nothing', async (t) => {
  const metrics = openMetrics('five');
  t.after(() => metrics.close());
  await renderMetrics();
  const times = 100_000;
  const { user: before } = process.cpuUsage();
  for (let number = 0; number < times; number += 1) {
    metrics.event('network', 'delivered');
    metrics.stage('journaled_delivered', 'network', 3);
  }
  const each = (process.cpuUsage().user - before) / times;
  assert.ok(each < 5, `${each} µs for both: a message must not notice`);
});

test('what flows is told under the names of the old library too, without being counted twice', async (t) => {
  const metrics = openMetrics('old');
  t.after(() => metrics.close());
  metrics.event('matrix', 'accepted');
  metrics.event('matrix', 'dropped');
  metrics.event('matrix', 'repeated');
  metrics.event('network', 'accepted');
  metrics.event('network', 'delivered');
  metrics.event('matrix', 'dead');
  metrics.stage('received_journaled', 'network', 9);
  metrics.stage('journaled_delivered', 'network', 2);
  metrics.stage('journaled_dead', 'matrix', 700);
  metrics.count('remote_api_calls', { method: 'chat.postMessage' });
  const page = await renderMetrics();
  const figures = page.split('\n').filter((line) => /^bridge_.*bridge="old"/.test(line) && !line.includes('_bucket'));
  assert.deepEqual(figures.sort(), [
    'bridge_matrix_request_seconds_count{bridge="old",outcome="dropped"} 1',
    'bridge_matrix_request_seconds_count{bridge="old",outcome="success"} 1',
    'bridge_matrix_request_seconds_sum{bridge="old",outcome="dropped"} 0',
    'bridge_matrix_request_seconds_sum{bridge="old",outcome="success"} 0.002',
    'bridge_received_messages{bridge="old",side="matrix"} 2',
    'bridge_received_messages{bridge="old",side="remote"} 1',
    'bridge_remote_api_calls{bridge="old",method="chat.postMessage"} 1',
    'bridge_remote_request_seconds_count{bridge="old",outcome="fail"} 1',
    'bridge_remote_request_seconds_sum{bridge="old",outcome="fail"} 0.7',
    'bridge_sent_messages{bridge="old",side="remote"} 1',
  ]);
  assert.match(page, /^# TYPE bridge_matrix_request_seconds histogram$/m);
  assert.match(page, /^bridge_matrix_request_seconds_bucket\{le="0.0025",bridge="old",outcome="success"\} 1$/m);
  assert.match(page, /^bridge_matrix_request_seconds_bucket\{le="\+Inf",bridge="old",outcome="dropped"\} 1$/m);
  assert.match(page, /^bridge_remote_request_seconds_bucket\{le="0.5",bridge="old",outcome="fail"\} 0$/m);
});

test('standing figures that take a moment to read are waited for', async (t) => {
  const metrics = openMetrics('slow');
  t.after(() => metrics.close());
  metrics.gauge('active_users', async () => [[{ remote: 'true', team_id: 'T1' }, 3]]);
  assert.match(await renderMetrics(), /^bridge_active_users\{bridge="slow",remote="true",team_id="T1"\} 3$/m);
});
