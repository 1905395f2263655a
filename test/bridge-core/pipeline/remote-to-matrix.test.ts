// From the network to Matrix, between a fake network and a homeserver on a socket: what is shown, by whom, and that once,
// whatever the homeserver does.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventId, remoteMessageId, userId } from '../../../bridge-core/ids.ts';
import { keyField, noticeField } from '../../../bridge-core/matrix-event.ts';
import type { RemoteEvent } from '../../../bridge-core/remote-event.ts';
import { eventOf, personOf } from '../../support/fake-adapter/events.ts';
import { until } from '../../support/waiting.ts';
import { type Pipeline, startPipeline } from './pipeline-rig.ts';

const send = 'PUT /_matrix/client/v3/rooms/.*/send/m.room.message';

async function begin(t: Parameters<typeof startPipeline>[0], wish: Parameters<typeof startPipeline>[1] = {}) {
  const p = await startPipeline(t, wish);
  const room = p.room();
  const link = await p.link(room, '#chan');
  return Object.assign(p, { at: room, of: link });
}

const said = (p: Pipeline, room: string, type = 'm.room.message') =>
  p.events(room as never, type).map(({ content }) => String(content.body));

test('what people on the network say is shown by their ghosts, in order, each event once', async (t) => {
  const p = await begin(t);
  for (let n = 0; n < 20; n += 1) p.network.say(n % 2 === 0 ? 'zoe' : 'yan', '#chan', `line ${n}`);
  await until('the last', () => p.inRoom(p.at).length === 20);
  await p.settled();
  assert.deepEqual(
    p.inRoom(p.at),
    Array.from({ length: 20 }, (_, n) => `${n % 2 === 0 ? 'zoe' : 'yan'}: line ${n}`),
  );
  assert.equal(p.temp.committed('SELECT count(*) FROM relations'), 20);
});

test('receive resolves once the row is on disk, and a source id that comes again is nothing new', async (t) => {
  const p = await begin(t);
  p.hs.fault({ on: send, act: { wait: 100 }, times: 1 });
  const message = p.network.say('zoe', '#elsewhere', 'hello');
  const event = { ...eventOf({ ...message, what: 'message', message }, true), channel: p.of.channel } as RemoteEvent;
  await p.parts.remoteToMatrix.accept(event);
  assert.equal(p.temp.committed('SELECT count(*) FROM journal'), 1);
  await Promise.all([p.parts.remoteToMatrix.accept(event), p.parts.remoteToMatrix.accept(event)]);
  await p.settled();
  await p.restart();
  await p.parts.remoteToMatrix.accept(event);
  await p.settled();
  assert.deepEqual(p.inRoom(p.at), ['zoe: hello']);
});

test('the same event twice in one turn is one row', async (t) => {
  const p = await begin(t);
  const message = p.network.say('zoe', '#elsewhere', 'hello');
  const event = { ...eventOf({ ...message, what: 'message', message }, true), channel: p.of.channel } as RemoteEvent;
  await Promise.all([p.parts.remoteToMatrix.accept(event), p.parts.remoteToMatrix.accept(event)]);
  await p.settled();
  assert.deepEqual(p.inRoom(p.at), ['zoe: hello']);
});

for (const drop of ['before', 'after'] as const) {
  test(`the connection cut ${drop} a message was made: it is there once, in order`, async (t) => {
    const p = await begin(t);
    p.network.say('zoe', '#chan', 'one');
    await until('one', () => p.inRoom(p.at).length === 1);
    p.hs.fault({ on: send, act: { drop }, times: 2 });
    for (const line of ['two', 'three', 'four']) p.network.say('zoe', '#chan', line);
    await until('four', () => said(p, p.at).includes('four'));
    await p.settled();
    assert.deepEqual(said(p, p.at), ['one', 'two', 'three', 'four']);
  });
}

test('the homeserver forgets what it made while the answer was lost: found in the room, not said again', async (t) => {
  const p = await begin(t, { homeserver: { remember: false } });
  p.network.say('zoe', '#chan', 'one');
  await until('one', () => p.inRoom(p.at).length === 1);
  p.hs.fault({ on: send, act: { drop: 'after' }, times: 1 });
  p.network.say('zoe', '#chan', 'two');
  p.network.say('yan', '#chan', 'three');
  await until('three', () => said(p, p.at).includes('three'));
  await p.settled();
  assert.deepEqual(said(p, p.at), ['one', 'two', 'three']);
  const [relation] = p.parts.relations.ofRemote(remoteMessageId(p.network.channel('#chan').messages[1]?.id ?? ''), p.of.id);
  assert.equal(relation?.event, p.hs.messages(p.at)[1]?.event_id);
});

test('after a restart each row of before is looked for, with one look into the room', async (t) => {
  const p = await begin(t, { homeserver: { remember: false } });
  p.network.say('zoe', '#chan', 'zero');
  await until('zero', () => p.inRoom(p.at).length === 1);
  await p.settled();
  // Made, but the bridge does not hear of it, nor of anything later.
  p.hs.fault({ on: send, act: { drop: 'after' }, times: 1 });
  p.hs.fault({ on: 'GET /_matrix/client/v3/rooms/.*/messages', act: { answer: 502 } });
  for (const line of ['one', 'two', 'three']) p.network.say('zoe', '#chan', line);
  await until('one', () => said(p, p.at).includes('one'));
  await until('all in the journal', () => p.temp.committed('SELECT count(*) FROM journal') === 3);
  await p.parts.toMatrix.stop();
  p.hs.clearFaults();
  const before = p.hs.requests.length;
  await p.restart();
  await p.settled();
  assert.deepEqual(said(p, p.at), ['zero', 'one', 'two', 'three']);
  const looks = p.hs.requests.slice(before).filter(({ path }) => path.includes('/messages'));
  assert.equal(looks.length, 1);
});

test('the homeserver away for a while: all of it comes later, in order, nothing parked', async (t) => {
  const p = await begin(t);
  p.network.say('zoe', '#chan', 'first');
  await until('first', () => p.inRoom(p.at).length === 1);
  await p.hs.down();
  for (let n = 0; n < 10; n += 1) p.network.say(n % 2 === 0 ? 'zoe' : 'yan', '#chan', `line ${n}`);
  await delay(100);
  await p.hs.up();
  await until('the last', () => said(p, p.at).includes('line 9'));
  await p.settled();
  assert.deepEqual(
    said(p, p.at).slice(1),
    Array.from({ length: 10 }, (_, n) => `line ${n}`),
  );
});

test('a storm of 502s: in order, once, and nobody out of turn', async (t) => {
  const p = await begin(t, { timing: { parkTries: 8 } });
  p.hs.fault({ on: send, act: { answer: 502 }, every: 2, times: 20 });
  for (let n = 0; n < 20; n += 1) p.network.say(n % 3 === 0 ? 'zoe' : 'yan', '#chan', `line ${n}`);
  await until('the last', () => said(p, p.at).includes('line 19'));
  await p.settled();
  assert.deepEqual(
    said(p, p.at),
    Array.from({ length: 20 }, (_, n) => `line ${n}`),
  );
});

test('one ghost that always fails holds up nobody else', async (t) => {
  const p = await begin(t, { timing: { parkedFirst: 200 } });
  p.network.say('zoe', '#chan', 'hello');
  await until('hello', () => p.inRoom(p.at).length === 1);
  const zoe = p.hs.messages(p.at)[0]?.sender ?? '';
  p.hs.fault({ on: send, user: zoe, act: { answer: 500, errcode: 'M_UNKNOWN' } });
  for (let n = 0; n < 6; n += 1) p.network.say(n % 2 === 0 ? 'zoe' : 'yan', '#chan', `line ${n}`);
  await until('the others', () => said(p, p.at).includes('line 5'));
  assert.deepEqual(said(p, p.at).slice(1), ['line 1', 'line 3', 'line 5']);
  p.hs.clearFaults();
  await p.settled();
  assert.deepEqual(said(p, p.at).slice(4), ['line 0', 'line 2', 'line 4'], 'and hers come in order');
});

test('a ghost that was put out unseen is brought in once more', async (t) => {
  const p = await begin(t);
  p.network.say('zoe', '#chan', 'one');
  await until('one', () => p.inRoom(p.at).length === 1);
  const zoe = p.hs.messages(p.at)[0]?.sender ?? '';
  p.hs.pushTo('http://127.0.0.1:1');
  p.hs.leave(zoe, p.at);
  p.network.say('zoe', '#chan', 'two');
  await until('two', () => said(p, p.at).includes('two'));
  assert.deepEqual(said(p, p.at), ['one', 'two']);
  assert.deepEqual(p.parts.dead, []);
  p.hs.pusher.stop();
});

test('a ghost put out with its person is known to be out before the homeserver says so: they may be back by then', async (t) => {
  const p = await begin(t);
  p.network.say('zoe', '#chan', 'one');
  await until('one', () => p.inRoom(p.at).length === 1);
  const zoe = userId(p.hs.messages(p.at)[0]?.sender ?? '');
  const room = p.at;
  await until('her coming', () => p.parts.roster.isIn(room, zoe));
  p.hs.pushTo('http://127.0.0.1:1');
  p.network.kick('op', '#chan', 'zoe', 'enough');
  await until('the kick', () => !p.hs.members(p.at).includes(zoe));
  await until('her going, which nobody tells us', () => !p.parts.roster.isIn(room, zoe));
  p.hs.pusher.stop();
});

test('replies, edits, redactions and reactions point at the right events', async (t) => {
  const p = await begin(t);
  const first = p.network.say('zoe', '#chan', 'first');
  p.network.say('yan', '#chan', 'an answer', { replyTo: first.id });
  p.network.edit('zoe', '#chan', first.id, 'first, mended');
  p.network.react('yan', '#chan', first.id, '👍');
  p.network.react('yan', '#chan', first.id, '👍', false);
  p.network.react('yan', '#chan', first.id, '👍');
  p.network.react('yan', '#chan', first.id, '👍', false);
  p.network.redact('zoe', '#chan', first.id, 'a reason');
  await until('the redaction', () => p.events(p.at, 'm.room.redaction').length === 3);
  await p.settled();
  const [original, answer, edit] = p.hs.messages(p.at);
  const reactions = p.events(p.at, 'm.reaction').map(({ event_id }) => event_id);
  assert.deepEqual(answer?.content['m.relates_to'], { 'm.in_reply_to': { event_id: original?.event_id } });
  assert.deepEqual(edit?.content['m.relates_to'], { rel_type: 'm.replace', event_id: original?.event_id });
  assert.partialDeepStrictEqual(edit?.content['m.new_content'], { body: 'first, mended' });
  const redacted = p.events(p.at, 'm.room.redaction').map((event) => event.redacts ?? event.content.redacts);
  assert.deepEqual(redacted, [...reactions, original?.event_id]);
});

test('a text too long for one event is shown in several, edited and redacted in all of them', async (t) => {
  const p = await begin(t);
  const long = p.network.say('zoe', '#chan', 'word '.repeat(20_000));
  await until('its parts', () => p.parts.relations.ofRemote(remoteMessageId(long.id), p.of.id).length > 1);
  await p.settled();
  const parts = p.hs.messages(p.at).map(({ event_id }) => event_id);
  assert.equal(said(p, p.at).join(''), 'word '.repeat(20_000));
  assert.deepEqual(
    p.parts.relations.ofRemote(remoteMessageId(long.id), p.of.id).map(({ event }) => event),
    parts,
  );
  p.network.edit('zoe', '#chan', long.id, 'short');
  await until('the edit', () => p.events(p.at, 'm.room.redaction').length === parts.length - 1);
  await p.settled();
  const edit = p.hs.messages(p.at).at(-1);
  assert.deepEqual(edit?.content['m.relates_to'], { rel_type: 'm.replace', event_id: parts[0] });
  p.network.redact('zoe', '#chan', long.id);
  await until('the redaction', () =>
    p.events(p.at, 'm.room.redaction').some((event) => (event.redacts ?? event.content.redacts) === parts[0]),
  );
  await p.settled();
  assert.deepEqual(p.parts.dead, []);
});

test('an edit of a long text fits into its event', async (t) => {
  const p = await begin(t);
  const long = p.network.say('zoe', '#chan', 'short');
  p.network.edit('zoe', '#chan', long.id, 'word '.repeat(8_000));
  await until('the edit', () => p.hs.messages(p.at).length > 1);
  await p.settled();
  for (const event of p.events(p.at, 'm.room.message')) assert.ok(Buffer.byteLength(JSON.stringify(event)) < 65_536);
  assert.deepEqual(p.parts.dead, []);
});

test('a long line is repeated whole in the channel’s other rooms', async (t) => {
  const p = await begin(t, { adapter: { bytes: 100_000 } });
  const other = p.room();
  await p.link(other, '#chan');
  p.hs.say(p.alice, p.at, '&'.repeat(50_000));
  await until('it there', () => p.hs.messages(other).length > 0);
  await p.settled();
  const whole = said(p, other).map((body) => body.replace('Alice: ', ''));
  assert.equal(whole.join(''), '&'.repeat(50_000));
  assert.deepEqual(p.parts.dead, []);
});

test('an event that waited long bears the time at which it happened', async (t) => {
  const p = await begin(t);
  const at = Date.now() - 60_000;
  const message = { ...p.network.say('zoe', '#elsewhere', 'old'), at };
  await p.parts.remoteToMatrix.accept({ ...eventOf({ ...message, what: 'message', message }, true), channel: p.of.channel } as RemoteEvent);
  await p.settled();
  assert.equal(p.hs.messages(p.at)[0]?.origin_server_ts, at);
});

test('each event bears its key, which names its link, row and part', async (t) => {
  const p = await begin(t);
  p.network.say('zoe', '#chan', 'one');
  p.network.say('zoe', '#chan', 'two');
  await until('two', () => p.inRoom(p.at).length === 2);
  const keys = p.hs.messages(p.at).map(({ content }) => String(content[keyField]));
  assert.equal(new Set(keys).size, 2);
  for (const key of keys) assert.equal(p.parts.journal.parseKey(key)?.link, p.of.id);
});

test('a topic and a gap are told by the bot; what passes makes no row', async (t) => {
  const p = await begin(t);
  p.network.say('zoe', '#chan', 'hello');
  p.network.setTopic('zoe', '#chan', 'news');
  p.network.type('zoe', '#chan', true);
  await until('hello', () => p.inRoom(p.at).length === 1);
  await p.parts.remoteToMatrix.accept({ kind: 'gap', at: Date.now(), channel: p.of.channel, from: Date.now() - 1_000, to: Date.now() });
  await until('the gap', () => p.inRoom(p.at).length === 2);
  await p.settled();
  assert.equal(p.events(p.at, 'm.room.topic').at(-1)?.content.topic, 'news');
  assert.match(p.inRoom(p.at)[1] ?? '', /^bridge: Messages between .* may be missing here/);
  assert.equal(p.parts.relations.ofEvent(eventId(p.hs.messages(p.at)[1]?.event_id ?? ''), p.of.id).length, 0);
});

test('that somebody is invited there is told by the bot, and nobody comes for it', async (t) => {
  const p = await begin(t);
  const invited = { kind: 'membership', user: personOf('yves'), change: 'invite', by: personOf('zoe') } as const;
  await p.parts.remoteToMatrix.accept({ ...invited, at: Date.now(), channel: p.of.channel });
  await until('it told', () => p.inRoom(p.at).length === 1);
  await p.settled();
  assert.deepEqual(p.inRoom(p.at), ['bridge: zoe invited yves']);
  assert.equal(p.hs.messages(p.at)[0]?.content[noticeField], true);
});

test('a gap over midnight is told with its days', async (t) => {
  const p = await begin(t);
  const [from, to] = [Date.UTC(2026, 0, 31, 23, 59), Date.UTC(2026, 1, 1, 0, 4)];
  await p.parts.remoteToMatrix.accept({ kind: 'gap', at: Date.now(), channel: p.of.channel, from, to });
  await until('the gap', () => p.inRoom(p.at).length === 1);
  assert.match(p.inRoom(p.at)[0] ?? '', /^bridge: Messages between 2026-01-31 23:59 UTC and 2026-02-01 00:04 UTC may be missing here/);
});

test('a gap is told with its reason, where that is not the connection', async (t) => {
  const p = await begin(t);
  const gap = { kind: 'gap', at: Date.now(), channel: p.of.channel, from: Date.now() - 1_000, to: Date.now() } as const;
  await p.parts.remoteToMatrix.accept(gap);
  await p.parts.remoteToMatrix.accept({ ...gap, reason: 'nobody lets us read it' });
  await until('the gaps', () => p.inRoom(p.at).length === 2);
  assert.match(p.inRoom(p.at)[0] ?? '', /may be missing here \(the connection was lost\)$/);
  assert.match(p.inRoom(p.at)[1] ?? '', /may be missing here \(nobody lets us read it\)$/);
});
