// What could not be delivered: dead and listed, told on the very message and once to the room, or by a private word; and no
// notice answers a notice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { PermanentError } from '../../../bridge-core/errors.ts';
import { noticeField } from '../../../bridge-core/matrix-event.ts';
import { states } from '../../../bridge-core/pipeline/row.ts';
import { until } from '../../support/waiting.ts';
import { startPipeline } from './pipeline-rig.ts';

const dead = `SELECT count(*) FROM journal WHERE state = ${states.dead}`;

async function begin(t: Parameters<typeof startPipeline>[0], wish: Parameters<typeof startPipeline>[1] = {}) {
  const p = await startPipeline(t, wish);
  const at = p.room();
  const link = await p.link(at, '#chan');
  const statuses = () => p.events(at, 'com.beeper.message_send_status');
  const notices = () => p.hs.messages(at).filter(({ content }) => content[noticeField] === true);
  return Object.assign(p, { at, of: link, statuses, notices });
}

test('a refused message is dead, its status stands on it, and the room is told once for all of a moment', async (t) => {
  const p = await begin(t);
  p.network.script(['refuse', 'refuse', 'refuse']);
  const ids = ['one', 'two', 'three'].map((line) => p.hs.say(p.alice, p.at, line));
  p.hs.say(p.alice, p.at, 'four');
  await until('the notice', () => p.notices().length === 1);
  await p.settled();
  await until('the statuses', () => p.statuses().length === 3);
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: four']);
  assert.equal(p.temp.committed(dead), 3);
  assert.deepEqual(
    p.statuses().map(({ content }) => (content['m.relates_to'] as { event_id: string }).event_id),
    ids,
  );
  const [status] = p.statuses();
  assert.equal(status?.content.status, 'FAIL_PERMANENT');
  assert.equal(status?.content.error, 'NETWORK_REFUSED');
  const [notice] = p.notices();
  assert.match(String(notice?.content.body), /^3 messages were not delivered to #chan: the network refuses this\. /);
  assert.equal(notice?.content.msgtype, 'm.notice');
  assert.equal(p.notices().length, 1);
});

test('what a channel is called since it was made private is in no notice until the room is closed to others', async (t) => {
  const p = await begin(t);
  await p.parts.links.setOptions(p.of.id, { held: { seq: 0, at: Date.now() } });
  p.network.script([new PermanentError('CHANNEL_CLOSED', '#chan: the channel does not let you speak')]);
  p.hs.say(p.alice, p.at, 'one');
  await until('the notice', () => p.notices().length === 1);
  assert.match(String(p.notices()[0]?.content.body), /^A message was not delivered to the channel: the channel does not let you speak/);
});

test('a refusal that names the channel itself, and ends in the words of a server, is told in whole sentences', async (t) => {
  const p = await begin(t);
  p.network.script([new PermanentError('CHANNEL_CLOSED', '#chan: the channel does not let you speak (the server says: +m is set.)')]);
  p.hs.say(p.alice, p.at, 'one');
  await until('the notice', () => p.notices().length === 1);
  assert.equal(
    p.notices()[0]?.content.body,
    'A message was not delivered to #chan: the channel does not let you speak (the server says: +m is set). ' +
      'The channel does not let the bridge in or speak: ask its operators.',
  );
});

test('what waited too long is dead without a try, and its sender is told while the network is still away', async (t) => {
  const p = await begin(t, { age: 150 });
  p.network.down();
  p.hs.say(p.alice, p.at, 'hello?');
  await until('the notice', () => p.notices().length === 1);
  assert.equal(p.parts.dead[0], 'TOO_OLD');
  assert.match(String(p.notices()[0]?.content.body), /#chan/);
});

test('a line that the homeserver refuses for good is told to its person in private', async (t) => {
  const p = await begin(t);
  p.hs.fault({ on: 'PUT .*/send/m.room.message', act: { answer: 413, errcode: 'M_TOO_LARGE', error: 'too large' }, times: 1 });
  p.network.say('zoe', '#chan', 'hello');
  await until('the word', () => p.network.told.length === 1);
  assert.match(p.network.told[0] ?? '', /^zoe: Your message did not reach the Matrix room: /);
  await until('it to be dead', () => p.temp.committed(dead) === 1);
});

test('the adapter is asked to tell before the failure is on disk, so that what it writes down is in the same commit', async (t) => {
  const p = await begin(t);
  p.hs.fault({ on: 'PUT .*/send/m.room.message', act: { answer: 413, errcode: 'M_TOO_LARGE', error: 'too large' }, times: 1 });
  const deadThen: unknown[] = [];
  const { told } = p.network;
  told.push = (...words) => {
    deadThen.push(p.temp.committed(dead));
    return Array.prototype.push.apply(told, words);
  };
  p.network.say('zoe', '#chan', 'hello');
  await until('the word', () => told.length === 1);
  assert.deepEqual(deadThen, [0]);
  await until('it to be dead', () => p.temp.committed(dead) === 1);
});

test('so is a change of one, what was taken away and still stands, and a file that cannot be had', async (t) => {
  const p = await begin(t);
  const told = (what: RegExp) => until(String(what), () => p.network.told.find((words) => what.test(words)));
  const { id } = p.network.say('zoe', '#chan', 'hello');
  await p.settled();
  const refuse = (path: string) => p.hs.fault({ on: path, act: { answer: 403, errcode: 'M_FORBIDDEN', error: 'no' }, times: 4 });
  refuse('PUT .*/send/m.room.message');
  p.network.edit('zoe', '#chan', id, 'mended');
  await told(/^zoe: Your change of a message did not reach the Matrix room: /);
  p.hs.clearFaults();
  refuse('PUT .*/(?:redact|send/m.room.redaction)/');
  p.network.redact('zoe', '#chan', id);
  await told(/^zoe: A message that you took away still stands in the Matrix room: /);
  p.hs.clearFaults();
  p.network.files.set('F1', new PermanentError('NETWORK_REFUSED', 'file_deleted'));
  p.network.say('zoe', '#chan', 'look', { files: [{ name: 'cat.png', source: 'F1' }] });
  await told(/^zoe: A file of yours did not reach the Matrix room: cat\.png is not shown here/);
});

test('a failed notice is told to nobody, whoever it is from', async (t) => {
  const p = await begin(t);
  p.network.meet = () => 'refuse';
  p.hs.say(p.alice, p.at, { msgtype: 'm.notice', body: 'beep' });
  p.hs.say(p.bob, p.at, { msgtype: 'm.notice', body: 'a failure of another bridge', [noticeField]: true });
  await until('their end', () => p.parts.dead.length === 2);
  await delay(1_700);
  assert.deepEqual(
    p.notices().filter(({ sender }) => sender === p.hs.bot),
    [],
  );
});

test('two bridges in one room with both networks refusing all: no notice answers a notice', async (t) => {
  const p = await begin(t);
  p.network.meet = () => 'refuse';
  // As an old bridge does: a notice without any mark, for every notice that it cannot deliver.
  const old = p.hs.user('oldbridge');
  p.hs.join(old, p.at);
  let answered = 0;
  const answer = setInterval(() => {
    for (const { sender } of p.hs.messages(p.at).slice(answered)) {
      answered += 1;
      if (sender !== old) p.hs.say(old, p.at, { msgtype: 'm.notice', body: 'not delivered' });
    }
  }, 5);
  t.after(() => clearInterval(answer));
  p.hs.say(p.alice, p.at, 'hello?');
  await delay(4_000);
  assert.ok(p.hs.messages(p.at).length <= 5, `${p.hs.messages(p.at).length} messages`);
});

test('the notice is on disk with the failure that it tells of, and with each one more, before its moment is over', async (t) => {
  const p = await begin(t);
  const failed = () => Number(p.temp.committed(dead));
  /** Messages that the notices still to be shown tell of. */
  const told = () => {
    const texts = p.temp.committed(
      "SELECT group_concat(json_extract(event, '$.text'), '\n') FROM journal WHERE event LIKE '{\"do\":\"tell\"%'",
    );
    return [...String(texts ?? '').matchAll(/^(A|\d+) messages? (?:was|were) not/gm)].reduce(
      (sum, [, n]) => sum + (n === 'A' ? 1 : Number(n)),
      0,
    );
  };
  p.hs.fault({ on: 'PUT .*/send/m.room.message', act: { answer: 502 } });
  p.network.script(['refuse', 'refuse']);
  for (const [before, line] of ['one', 'two'].entries()) {
    p.hs.say(p.alice, p.at, line);
    await until('its end', () => failed() > before);
    assert.equal(told(), failed());
  }
  p.hs.clearFaults();
  await until('the notices', () => p.notices().length > 0 && told() === 0);
});

test('what another room of the channel does not take is told where it was said, without naming that room', async (t) => {
  const p = await begin(t);
  const other = p.room();
  await p.link(other, '#chan');
  p.hs.fault({ on: `PUT .*${other}.*/send/m.room.message`, act: { answer: 403, errcode: 'M_FORBIDDEN', error: 'no' } });
  p.hs.say(p.alice, p.at, 'hello');
  await until('the notice', () => p.notices().length === 1);
  assert.equal(
    p.notices()[0]?.content.body,
    'A message was not shown in another room of #chan. Give the bridge or its ghost the power to do this in the room.',
  );
  assert.deepEqual(p.statuses(), [], 'on the network it stands');
});

test('notices still being gathered go out at a stop', async (t) => {
  const p = await begin(t);
  p.network.script(['refuse']);
  p.hs.say(p.alice, p.at, 'hello');
  await until('its end', () => p.parts.dead.length === 1);
  await p.restart();
  await until('the notice', () => p.notices().length === 1);
});

test('a dead message that is tried again goes out late, says so, and its status is cleared', async (t) => {
  const p = await begin(t);
  p.network.script(['refuse']);
  const id = p.hs.say(p.alice, p.at, 'hello');
  const row = await until('its end, on disk', () => p.parts.journal.dead()[0]);
  row.state = states.waiting;
  row.progress = { revived: true };
  await p.parts.store.write(() => p.parts.journal.save(row));
  await until('the notice', () => p.notices().length === 1);
  // No crash comes in between: the status is on disk with what it tells of.
  p.hs.fault({ on: 'PUT .*message_send_status', act: { answer: 502 } });
  p.parts.toNetwork.push(row);
  await until('it recorded', () => p.temp.committed(`SELECT count(*) FROM journal WHERE source = '${id}'`) === 0);
  const waiting = "SELECT count(*) FROM journal WHERE json_extract(event, '$.do') = 'status' AND json_extract(event, '$.failure') IS NULL";
  assert.equal(p.temp.committed(waiting), 1);
  assert.match(p.network.said('#chan')[0] ?? '', /^alice\[m\]: \[\d\d:\d\d UTC\] hello$/);
  p.hs.clearFaults();
  await until('the status', () => p.statuses().some(({ content }) => content.status === 'SUCCESS'));
  const cleared = p.statuses().find(({ content }) => content.status === 'SUCCESS');
  assert.deepEqual(cleared?.content['m.relates_to'], { rel_type: 'm.reference', event_id: id });
});
