// A disk that has no room for one commit: what was to be written then is not taken for written by anybody.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { RetryableError } from '../../../bridge-core/errors.ts';
import { noticeField } from '../../../bridge-core/matrix-event.ts';
import { states } from '../../../bridge-core/pipeline/row.ts';
import { until } from '../../support/waiting.ts';
import { type Pipeline, startPipeline } from './pipeline-rig.ts';

async function begin(t: TestContext) {
  const p = await startPipeline(t);
  const at = p.room();
  await p.link(at, '#chan');
  const notices = () => p.hs.messages(at).filter(({ content }) => content[noticeField] === true);
  return Object.assign(p, { at, notices });
}

/** The next commit that somebody waits for finds the disk full. */
function fillOnce({ parts: { store } }: Pipeline): void {
  const write = store.write.bind(store);
  store.write = (unit) => {
    store.write = write;
    return write(() => {
      unit();
      throw new Sqlite.SqliteError('database or disk is full', 'SQLITE_FULL');
    });
  };
}

test('what could not be written down as given up lives: a crash while it is tried again does not leave it dead and untold', async (t) => {
  const p = await begin(t);
  let tries = 0;
  p.network.meet = () => {
    tries += 1;
    if (tries > 2) return undefined;
    if (tries === 1) fillOnce(p);
    return tries === 1 ? 'refuse' : new RetryableError('NETWORK_BUSY', 'not now', { after: 600_000 });
  };
  p.hs.say(p.alice, p.at, 'hello');
  await until('the second try, on disk', () => p.temp.committed('SELECT count(*) FROM journal WHERE attempts > 0') === 1);
  assert.notEqual(p.temp.committed("SELECT state FROM journal WHERE source != ''"), states.dead);
  await p.restart();
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: hello']);
});

test('a notice counts each failure once, also one that could not be written at first', async (t) => {
  const p = await begin(t);
  p.hs.fault({ on: 'PUT .*/send/m.room.message', act: { answer: 502 } });
  let isFilled = false;
  p.network.meet = ({ body }) => {
    if (body === 'two' && !isFilled) {
      isFilled = true;
      fillOnce(p);
    }
    return 'refuse';
  };
  const failed = (count: number) =>
    until('its end', () => p.temp.committed(`SELECT count(*) FROM journal WHERE state = ${states.dead}`) === count);
  p.hs.say(p.alice, p.at, 'one');
  await failed(1);
  p.hs.say(p.alice, p.at, 'two');
  await failed(2);
  p.hs.clearFaults();
  await until('the notice', () => p.notices().length > 0);
  await until('no more of them', () => p.temp.committed('SELECT count(*) FROM journal WHERE event LIKE \'{"do":"tell"%\'') === 0);
  const words = p.notices().map(({ content }) => String(content.body));
  assert.equal(words.join('\n').match(/3 messages/), null);
  assert.match(words.join('\n'), /^(2 messages were|A message was) not delivered/);
});
