import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnNicks } from '../../../bridges/irc/own-nicks.ts';
import type { IrcSession } from '../../../bridges/irc/session.ts';
import { stopClock } from '../../support/clock.ts';

const session = (name: string) => ({ speaker: { as: 'user', user: `@${name}:hs.test` } }) as unknown as IrcSession;

test('a nick is its session’s, and stays so for a while after it was given up', async (t) => {
  const clock = stopClock(t);
  const nicks = new OwnNicks(20);
  const ann = session('ann');
  nicks.take('ann', ann);
  assert.equal(nicks.sessionOf('ann'), ann);
  nicks.release('ann', ann);
  assert.equal(nicks.sessionOf('ann'), ann, 'lines under it may be on their way');
  assert.equal(nicks.isInUse('ann'), false);
  await clock.pass(19);
  assert.equal(nicks.sessionOf('ann'), ann);
  await clock.pass(1);
  assert.equal(nicks.sessionOf('ann'), undefined);
});

test('who takes over a nick is not put out by the end of who had it', () => {
  const nicks = new OwnNicks(1_000);
  const [ann, ben] = [session('ann'), session('ben')];
  nicks.take('nick', ann);
  nicks.take('nick', ben);
  nicks.release('nick', ann);
  assert.equal(nicks.sessionOf('nick'), ben);
  assert.ok(nicks.isInUse('nick'));
});

test('once its end was heard whoever bears it is somebody else', () => {
  const nicks = new OwnNicks(1_000);
  const ann = session('ann');
  nicks.take('ann', ann);
  nicks.release('ann', ann);
  nicks.ended('ann');
  assert.equal(nicks.sessionOf('ann'), undefined);
});

test('of thousands of nicks those in use and those just given up are still known', () => {
  const nicks = new OwnNicks(1_000);
  const kept = session('kept');
  nicks.take('kept', kept);
  for (let number = 0; number < 5_000; number += 1) {
    const passing = session(`p${number}`);
    nicks.take(`p${number}`, passing);
    nicks.release(`p${number}`, passing);
  }
  assert.equal(nicks.sessionOf('kept'), kept);
  assert.ok(nicks.sessionOf('p0') !== undefined && nicks.sessionOf('p4999') !== undefined);
});
