// What may have arrived and cannot be asked for: said once more, and no third time; then its sender knows that nobody knows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnknownOutcomeError } from '../../../bridge-core/errors.ts';
import { noticeField } from '../../../bridge-core/matrix-event.ts';
import { states } from '../../../bridge-core/pipeline/row.ts';
import { verbs } from '../../support/fake-adapter.ts';
import { until } from '../../support/waiting.ts';
import { type Pipeline, startPipeline } from './pipeline-rig.ts';

const blind = { verbs: verbs.filter((verb) => verb !== 'sent') };

/** From now on what fits is said, and nothing proves it. Counts how often it went out. */
function unproved(p: Pipeline, fits: (body: string) => boolean): { times: number } {
  const seen = { times: 0 };
  p.network.meet = ({ nick, channel, body }) => {
    if (!fits(body)) return undefined;
    seen.times += 1;
    p.network.asOurs(() => p.network.say(nick, channel, body));
    return new UnknownOutcomeError('nobody has shown the line');
  };
  return seen;
}

test('it is said once more, then given up: its sender and the room are told that nobody knows, and what is behind it goes on', async (t) => {
  const p = await startPipeline(t, { adapter: blind });
  const room = p.room();
  await p.link(room, '#chan');
  const seen = unproved(p, (body) => body === 'maybe');
  const id = p.hs.say(p.alice, room, 'maybe');
  p.hs.say(p.alice, room, 'surely');
  const notices = () => p.hs.messages(room).filter(({ content }) => content[noticeField] === true);
  await until('the notice', () => notices().length === 1);
  await p.settled();
  assert.equal(seen.times, 2);
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: maybe', 'alice[m]: maybe', 'alice[m]: surely']);
  assert.match(String(notices()[0]?.content.body), /^A message was perhaps not delivered to #chan: nobody has shown the line\. /);
  const [status] = p.events(room, 'com.beeper.message_send_status');
  assert.deepEqual(status?.content['m.relates_to'], { rel_type: 'm.reference', event_id: id });
  assert.equal(status?.content.error, 'OUTCOME_UNKNOWN');
  assert.equal(p.temp.committed(`SELECT count(*) FROM journal WHERE state = ${states.dead}`), 1);
});

test('each line of a long one may be said once more', async (t) => {
  const p = await startPipeline(t, { adapter: { ...blind, bytes: 30, lines: 20 } });
  const room = p.room();
  await p.link(room, '#chan');
  p.network.script(['doubtful', 'doubtful', 'doubtful'], ({ body }) => !said(p).includes(body));
  p.hs.say(p.alice, room, 'one two three four five six seven eight nine ten eleven twelve thirteen');
  await p.settled();
  const bodies = said(p);
  assert.equal(bodies.length, 6, 'three lines, each twice');
  assert.equal(new Set(bodies).size, 3);
  assert.deepEqual(p.parts.dead, []);
});

const said = (p: Pipeline) => p.network.said('#chan').map((line) => line.slice('alice[m]: '.length));

test('a restart between the two does not begin to count anew', async (t) => {
  const p = await startPipeline(t, { adapter: blind, timing: { firstDelay: 60_000, maxDelay: 60_000 } });
  const room = p.room();
  await p.link(room, '#chan');
  const seen = unproved(p, () => true);
  p.hs.say(p.alice, room, 'maybe');
  await until(
    'the doubt on disk',
    () => p.temp.committed("SELECT count(*) FROM journal WHERE json_extract(progress, '$.doubted') = 0") === 1,
  );
  await p.restart();
  await until('it given up', () => p.parts.dead.length === 1);
  assert.equal(seen.times, 2);
});

test('tried again by command it is said once, and no more', async (t) => {
  const p = await startPipeline(t, { adapter: blind });
  const room = p.room();
  await p.link(room, '#chan');
  const seen = unproved(p, () => true);
  p.hs.say(p.alice, room, 'maybe');
  const row = await until('it given up, on disk', () => p.parts.journal.dead()[0]);
  row.state = states.waiting;
  row.progress = { ...row.progress, revived: true };
  p.parts.toNetwork.push(row);
  await until('it given up again', () => p.parts.dead.length === 2);
  assert.equal(seen.times, 3);
});

test('where the network can be asked, it is asked for as often as need be, and said once', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  p.network.script(['lost', 'lost', 'lost', 'lost', 'doubtful']);
  p.hs.say(p.alice, room, 'found');
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: found']);
  assert.deepEqual(p.parts.dead, []);
});

for (const isRestarted of [false, true])
  test(`what their own account may have said is looked for once their login is over, too${isRestarted ? ', also after a restart' : ''}`, async (t) => {
    const timing = isRestarted ? { firstDelay: 60_000, maxDelay: 60_000 } : {};
    const p = await startPipeline(t, { adapter: { puppets: 'login', shownAs: true, keys: false }, timing });
    const room = p.room();
    await p.link(room, '#chan');
    const login = { user: p.alice, account: 'fake/ally' as never, network: 'fake', name: 'ally', credentials: { nick: 'ally' } };
    await p.parts.adapter.signIn(login as never);
    p.network.meet = ({ nick, channel, body }) => {
      if (nick !== 'ally') return undefined;
      p.network.asOurs(() => p.network.say(nick, channel, body));
      void p.parts.adapter.signOut(login as never);
      return new UnknownOutcomeError('nobody has shown the line');
    };
    p.hs.say(p.alice, room, 'maybe');
    const tried = 'SELECT count(*) FROM journal WHERE attempts > 0';
    if (isRestarted) {
      await until('it tried, on disk', () => p.temp.committed(tried) === 1);
      await p.restart();
    }
    p.hs.say(p.alice, room, 'surely');
    await p.settled();
    assert.deepEqual(p.network.said('#chan'), ['ally: maybe', 'causeway: surely']);
  });

test('what the bot may have said for somebody is looked for also once they have logged in', async (t) => {
  const p = await startPipeline(t, { adapter: { puppets: 'login', shownAs: true, keys: false } });
  const room = p.room();
  await p.link(room, '#chan');
  const login = { user: p.alice, account: 'fake/ally' as never, network: 'fake', name: 'ally', credentials: { nick: 'ally' } };
  let isDoubted = false;
  p.network.meet = ({ nick, channel, body }) => {
    if (isDoubted) return undefined;
    isDoubted = true;
    p.network.asOurs(() => p.network.say(nick, channel, body));
    void p.parts.adapter.signIn(login as never);
    return new UnknownOutcomeError('nobody has shown the line');
  };
  p.hs.say(p.alice, room, 'maybe');
  p.hs.say(p.alice, room, 'surely');
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['causeway: maybe', 'ally: surely']);
});
