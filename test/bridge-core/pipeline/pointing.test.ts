// What points at another message, from Matrix: replies, edits, redactions and reactions, by the network's own verb or in words;
// and what becomes of them while their target is on its way, parked or dead.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { type Pipeline, startPipeline } from './pipeline-rig.ts';

const reply = (to: string, body: string) => ({ msgtype: 'm.text', body, 'm.relates_to': { 'm.in_reply_to': { event_id: to } } });
const edit = (of: string, body: string) => ({
  ...{ msgtype: 'm.text', body: `* ${body}`, 'm.new_content': { msgtype: 'm.text', body } },
  'm.relates_to': { rel_type: 'm.replace', event_id: of },
});
const reaction = (to: string, key: string) => ({ 'm.relates_to': { rel_type: 'm.annotation', event_id: to, key } });
const bodies = (p: Pipeline) => p.network.said('#chan').map((line) => line.slice(line.indexOf(': ') + 2));

test('with the network’s own verbs', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const first = p.hs.say(p.alice, room, 'first');
  await p.settled();
  const [message] = p.network.channel('#chan').messages;
  p.hs.say(p.bob, room, reply(first, 'an answer'));
  p.hs.say(p.alice, room, edit(first, 'first, mended'));
  const thumb = p.hs.say(p.bob, room, reaction(first, '👍'), 'm.reaction');
  await p.settled();
  assert.equal(p.network.channel('#chan').messages[1]?.replyTo, message?.id);
  assert.equal(message?.body, 'first, mended');
  assert.deepEqual([...(message?.reactions ?? [])], ['👍 bob[m]']);
  p.hs.redact(p.bob, room, thumb);
  p.hs.redact(p.alice, room, first);
  await p.settled();
  assert.deepEqual([...(message?.reactions ?? [])], []);
  assert.equal(message?.isRedacted, true);
});

test('in short words where the network lacks the verbs', async (t) => {
  const p = await startPipeline(t, { adapter: { verbs: [], messageIds: false } });
  const room = p.room();
  await p.link(room, '#chan');
  p.network.say('zoe', '#chan', 'does anybody know the answer?');
  await until('the room', () => p.inRoom(room).length === 1);
  await p.settled();
  const asked = p.hs.messages(room)[0]?.event_id ?? '';
  p.hs.say(p.alice, room, reply(asked, 'I do'));
  await p.settled();
  const said = p.hs.say(p.alice, room, 'it is fourty-two, as you know');
  await p.settled();
  p.hs.say(p.alice, room, edit(said, 'it is forty-two, as you know'));
  await p.settled();
  const thumb = p.hs.say(p.bob, room, reaction(said, '👍'), 'm.reaction');
  await p.settled();
  p.hs.redact(p.bob, room, thumb);
  p.hs.redact(p.alice, room, said, 'was wrong');
  await p.settled();
  assert.deepEqual(bodies(p).slice(1), [
    'zoe: I do',
    'it is fourty-two, as you know',
    's/fourty-two,/forty-two,/',
    'reacted 👍 to alice[m]: "it is forty-two, as you know"',
    ...bodies(p).slice(5),
  ]);
  assert.deepEqual(bodies(p).slice(5).sort(), ['removed "it is forty-two, as you know" (was wrong)', 'took back 👍']);
});

test('an edit back to the first wording is told as well', async (t) => {
  const p = await startPipeline(t, { adapter: { verbs: [] } });
  const room = p.room();
  await p.link(room, '#chan');
  const said = p.hs.say(p.alice, room, 'the meeting is on Monday at noon');
  p.hs.say(p.alice, room, edit(said, 'the meeting is on Tuesday at noon'));
  p.hs.say(p.alice, room, edit(said, 'the meeting is on Monday at noon'));
  await p.settled();
  assert.deepEqual(bodies(p), ['the meeting is on Monday at noon', 's/Monday/Tuesday/', 's/Tuesday/Monday/']);
});

test('an edit of a text longer than what is remembered is told whole', async (t) => {
  const p = await startPipeline(t, { adapter: { verbs: [], bytes: 5_000 } });
  const room = p.room();
  await p.link(room, '#chan');
  const long = 'word '.repeat(110);
  const said = p.hs.say(p.alice, room, `${long}end`);
  p.hs.say(p.alice, room, edit(said, `${long}fin`));
  await p.settled();
  assert.equal(bodies(p)[1], `* ${long}fin`);
});

test('nobody edits another’s words', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const said = p.hs.say(p.alice, room, 'I like it');
  await p.settled();
  p.hs.say(p.bob, room, edit(said, 'I hate it'));
  await p.settled();
  assert.equal(p.network.channel('#chan').messages[0]?.body, 'I like it');
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: I like it', 'bob[m]: * I hate it']);
});

test('an edit in the same breath finds its target, and one of another person waits for it', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  p.network.latency = 20;
  const said = p.hs.say(p.alice, room, 'first');
  p.hs.say(p.alice, room, edit(said, 'second'));
  p.hs.say(p.bob, room, reply(said, 'an answer'));
  await p.settled();
  const [original, answer] = p.network.channel('#chan').messages;
  assert.equal(original?.body, 'second');
  assert.equal(answer?.replyTo, original?.id);
});

test('while the target is parked: an edit waits behind it, a reply goes out as text, a reaction is dropped', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  p.network.meet = ({ nick }) => (nick === 'alice[m]' && p.network.said('#chan').length < 2 ? 'busy' : undefined);
  const said = p.hs.say(p.alice, room, 'first');
  const op = p.hs.user('op');
  p.hs.join(op, room);
  await until(
    'the parking',
    () => p.parts.toNetwork.isParked({ seq: 1 }) || p.temp.committed('SELECT count(*) FROM journal WHERE state = 2') === 1,
  );
  p.hs.say(p.bob, room, reply(said, 'an answer'));
  const thumb = p.hs.say(p.bob, room, reaction(said, '👍'), 'm.reaction');
  p.hs.say(p.bob, room, 'and on');
  p.hs.redact(op, room, said);
  await p.settled();
  const [answer, next, original] = p.network.channel('#chan').messages;
  assert.deepEqual([answer?.body, next?.body], ['alice[m]: an answer', 'and on']);
  assert.equal(original?.nick, 'alice[m]');
  assert.equal(original?.isRedacted, true, 'the redaction came after it');
  assert.deepEqual([...(original?.reactions ?? [])], []);
  const [status] = p.events(room, 'com.beeper.message_send_status');
  assert.deepEqual(status?.content['m.relates_to'], { rel_type: 'm.reference', event_id: thumb });
  assert.equal(status?.content.status, 'FAIL_PERMANENT');
});

test('a target that is parked while others wait for it: they do not go out without it', async (t) => {
  // Parked after half a second, and let through only once it is.
  const p = await startPipeline(t, { timing: { firstDelay: 150, maxDelay: 300 } });
  const room = p.room();
  await p.link(room, '#chan');
  let tries = 0;
  let isBusy = true;
  p.network.meet = ({ nick }) => {
    if (!isBusy || nick !== 'alice[m]') return undefined;
    tries += 1;
    return 'busy';
  };
  const said = p.hs.say(p.alice, room, 'first');
  await until('the first try', () => tries > 0);
  p.hs.redact(p.bob, room, said);
  await until('both in the journal', () => p.temp.committed('SELECT count(*) FROM journal') === 2);
  await until('the parking', () => p.parts.toNetwork.isParked({ seq: 1 }));
  isBusy = false;
  await p.settled();
  const [original] = p.network.channel('#chan').messages;
  assert.equal(original?.isRedacted, true);
});

test('a target that is dead is no target', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  p.network.script(['refuse'], ({ nick }) => nick === 'alice[m]');
  const said = p.hs.say(p.alice, room, 'first');
  await until('its end', () => p.parts.dead.length === 1);
  p.hs.say(p.bob, room, reply(said, 'an answer'));
  p.hs.redact(p.bob, room, said);
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['bob[m]: an answer']);
});

test('at what was shown, though the homeserver has not said yet that it was', async (t) => {
  const p = await startPipeline(t, { timing: { firstDelay: 700 } });
  const room = p.room();
  await p.link(room, '#chan');
  p.hs.fault({ on: 'PUT .*/send/m.room.message/', times: 1, act: { drop: 'after' } });
  const said = p.network.say('zoe', '#chan', 'hello all');
  const shown = await until('it in the room', () => p.hs.messages(room)[0]?.event_id);
  p.hs.setState(p.alice, room, 'm.room.pinned_events', '', { pinned: [shown] });
  p.hs.say(p.bob, room, reaction(shown, '👍'), 'm.reaction');
  p.hs.say(p.bob, room, reply(shown, 'an answer'));
  await p.settled();
  const message = p.network.channel('#chan').messages.find(({ id }) => id === said.id);
  assert.deepEqual([...(message?.reactions ?? [])], ['👍 bob[m]']);
  assert.equal(p.network.channel('#chan').messages[1]?.replyTo, said.id);
  assert.deepEqual([...p.network.channel('#chan').pinned], [said.id]);
  p.hs.fault({ on: 'PUT .*/send/m.room.message/', times: 1, act: { drop: 'after' } });
  const spam = p.network.say('yan', '#chan', 'buy this');
  p.hs.redact(
    p.alice,
    room,
    await until('the other', () => p.hs.messages(room).find(({ content }) => content.body === 'buy this')?.event_id),
  );
  await p.settled();
  assert.equal(spam.isRedacted, true);
});

test('at what was shown and taken away before it came back', async (t) => {
  const p = await startPipeline(t, { timing: { firstDelay: 700 } });
  const room = p.room();
  await p.link(room, '#chan');
  const { transactions } = p.parts;
  const receive = transactions.receive.bind(transactions);
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  t.mock.method(transactions, 'receive', async (id: string, body: never) => {
    await gate;
    await receive(id, body);
  });
  p.hs.say(p.bob, room, 'before');
  p.hs.fault({ on: 'PUT .*/send/m.room.message/', times: 1, act: { drop: 'after' } });
  const spam = p.network.say('yan', '#chan', 'buy this');
  p.hs.redact(p.alice, room, await until('it in the room', () => p.hs.messages(room)[1]?.event_id));
  open();
  await p.settled();
  assert.equal(spam.isRedacted, true);
});

test('a stop while one waits for another’s words ends, and both go on after it', async (t) => {
  const p = await startPipeline(t, { timing: { firstDelay: 60_000, maxDelay: 60_000 } });
  const room = p.room();
  await p.link(room, '#chan');
  let isTried = false;
  p.network.meet = ({ nick }) => {
    if (isTried || nick !== 'alice[m]') return undefined;
    isTried = true;
    return 'busy';
  };
  const said = p.hs.say(p.alice, room, 'first');
  p.hs.say(p.bob, room, reply(said, 'an answer'));
  const isThere = (nick: string) => [...p.network.connections].some((connection) => connection.nick === nick);
  await until('hers to have failed, and his to have come to its turn', () => isTried && isThere('bob[m]'));
  await p.restart();
  await p.settled();
  const [original, answer] = p.network.channel('#chan').messages;
  assert.equal(answer?.replyTo, original?.id);
});

test('what points at several parts knows them all', async (t) => {
  const p = await startPipeline(t, { adapter: { bytes: 30, lines: 10 } });
  const room = p.room();
  await p.link(room, '#chan');
  const said = p.hs.say(p.alice, room, 'one two three four five six seven eight nine ten eleven');
  await p.settled();
  p.hs.redact(p.alice, room, said);
  await p.settled();
  assert.ok(p.network.channel('#chan').messages.length > 1);
  assert.ok(p.network.channel('#chan').messages.every(({ isRedacted }) => isRedacted));
});

test('where a mention is a mark, who is meant is called by their name in words of ours', async (t) => {
  const p = await startPipeline(t, { adapter: { verbs: [], messageIds: false, marks: true } });
  const room = p.room();
  await p.link(room, '#chan');
  p.network.say('zoe', '#chan', 'not nice');
  await until('the room', () => p.inRoom(room).length === 1);
  await p.settled();
  p.hs.redact(p.alice, room, p.hs.messages(room)[0]?.event_id ?? '');
  await p.settled();
  assert.match(p.network.said('#chan').at(-1) ?? '', /removed zoe's "not nice"/);
});

test('what another takes away goes by the session that said it, where neither they nor the bot may', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  p.network.redactsOwnAlone = true;
  const said = p.hs.say(p.alice, room, 'rude');
  await p.settled();
  p.network.say('zoe', '#chan', 'rude as well');
  await until('the room', () => p.inRoom(room).some((line) => line.includes('rude as well')));
  await p.settled();
  p.hs.redact(p.bob, room, said);
  await p.settled();
  const { messages } = p.network.channel('#chan');
  assert.deepEqual(
    messages.map(({ body, isRedacted }) => [body, isRedacted]),
    [
      ['rude', true],
      ['rude as well', false],
    ],
  );
  const theirs = p.hs.messages(room).find(({ content }) => content.body === 'rude as well');
  p.hs.redact(p.bob, room, theirs?.event_id ?? '');
  await p.settled();
  assert.match(p.network.said('#chan').at(-1) ?? '', /removed zoe's "rude as well"/);
});
