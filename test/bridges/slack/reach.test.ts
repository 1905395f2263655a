// What Slack gave up on, where it calls us and nothing else tells of it: found in the history, though Slack says nothing of it.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReachTiming } from '../../../bridges/slack/reach.ts';
import { until } from '../../support/waiting.ts';
import { openWeb } from '../../support/web-door.ts';
import { givenUp, heard, type Wish, withAdapter } from './with-slack.ts';

const never = 3_600_000;
const timing: ReachTiming = { silence: never, first: never, most: never, deep: never, settle: 20 };

async function byEventsAlone(t: TestContext, reach: Partial<ReachTiming>, wish: Wish = {}) {
  const web = await openWeb();
  t.after(() => web.close());
  const counted: string[] = [];
  const count = (name: string) => void counted.push(name);
  const settings = { history: { calls_per_minute: 1_000 } };
  const given = { transport: 'events', web, count, settings, timing: { reach: { ...timing, ...reach } }, ...wish } as const;
  const all = await withAdapter(t, given);
  const { app, ann, general, events, slack } = all;
  const there = `${web.url}/events`;
  const away = `${web.url}/nowhere`;
  app.eventsUrl = there;
  ann.say(general, 'before');
  await heard(events, 'message', ({ body }) => body.text === 'before');
  const texts = () => events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : []));
  const reads = () => slack.callsOf('conversations.history').length;
  return { ...all, there, away, texts, counted, reads };
}

test('the address away for longer than Slack tries: what was said meanwhile goes before the first word that Slack tells again', {
  timeout: 180_000,
}, async (t) => {
  const silence = 2_500;
  const { ann, general, slack, app, there, away, events, texts, reads, counted } = await byEventsAlone(t, { silence });
  const [before, since] = [reads(), Date.now()];
  ann.say(general, 'soon after');
  await heard(events, 'message', ({ body }) => body.text === 'soon after');
  // A machine that stands still for so long hears nothing either.
  assert.ok(reads() === before || Date.now() - since >= silence, 'nothing is asked for while Slack tells');
  app.eventsUrl = away;
  ann.say(general, 'while away');
  await givenUp(slack, 'while away');
  await delay(silence);
  app.eventsUrl = there;
  ann.say(general, 'there again');
  await heard(events, 'message', ({ body }) => body.text === 'there again');
  assert.deepEqual(texts(), ['before', 'soon after', 'while away', 'there again']);
  await until('the figure', () => counted.includes('slack_given_up') || undefined);
});

test('nothing is said afterwards: it is found by a look now and then', {
  timeout: 180_000,
}, async (t) => {
  const { ann, general, slack, app, away, events, texts, reads } = await byEventsAlone(t, { first: 200, most: 800 });
  app.eventsUrl = away;
  ann.say(general, 'while away');
  await givenUp(slack, 'while away');
  await heard(events, 'message', ({ body }) => body.text === 'while away');
  const before = reads();
  await until('three more looks', () => reads() >= before + 3 || undefined);
  assert.deepEqual(texts(), ['before', 'while away']);
});

test('the first answer to an old message is all that was missed: it is found by a look further back, which is seldom', {
  timeout: 180_000,
}, async (t) => {
  const reach = { first: 50, most: 50, deep: 500 };
  const settings = { history: { page: 3, calls_per_minute: 1_000 } };
  const { ann, bob, general, slack, app, there, away, events, texts } = await byEventsAlone(t, reach, { settings });
  const root = ann.say(general, 'an old question');
  for (const line of ['one', 'two', 'three', 'four']) ann.say(general, line);
  await heard(events, 'message', ({ body }) => body.text === 'four');
  app.eventsUrl = away;
  bob.reply(general, root, 'the first answer');
  await givenUp(slack, 'the first answer');
  const answer = await heard(events, 'message', ({ body }) => body.text === 'the first answer');
  assert.equal(answer.thread, root);
  const pagesBehind = () => slack.callsOf('conversations.history').filter(({ args }) => args.latest !== undefined).length;
  const before = pagesBehind();
  await until('another look further back', () => pagesBehind() > before || undefined);
  app.eventsUrl = there;
  ann.say(general, 'the end');
  await heard(events, 'message', ({ body }) => body.text === 'the end');
  assert.deepEqual(texts().filter((text) => text === 'the first answer').length, 1);
});

test('an event that took several tries puts in doubt what was told about then, though newer things were heard', {
  timeout: 180_000,
}, async (t) => {
  const { ann, general, slack, app, there, away, events, texts } = await byEventsAlone(t, {}, { slack: { retryPauses: [20, 40, 400] } });
  // As if all its tries had come to nothing.
  slack.eventFault({ on: 'message', transport: 'events', times: 1, act: 'drop' });
  ann.say(general, 'given up');
  ann.say(general, 'newer');
  await heard(events, 'message', ({ body }) => body.text === 'newer');
  app.eventsUrl = away;
  ann.say(general, 'late');
  const tries = () => slack.deliveries.items.filter(({ payload }) => JSON.stringify(payload).includes('"late"'));
  await until(
    'all tries but the last to fail',
    () => tries().some(({ attempt, outcome }) => attempt === 2 && outcome === 'failed') || undefined,
  );
  app.eventsUrl = there;
  await heard(events, 'message', ({ body }) => body.text === 'given up');
  assert.deepEqual(texts().toSorted(), ['before', 'given up', 'late', 'newer']);
});

test('events held back: what Slack kept to itself after it said so is found, too', { timeout: 180_000 }, async (t) => {
  const { ann, general, slack, app, team, events, texts, reads } = await byEventsAlone(t, { settle: 400 });
  const before = reads();
  await slack.eventsApi.tellRateLimited(app, team.id);
  await until('the look that is made at once', () => reads() > before || undefined);
  slack.eventFault({ on: 'message', transport: 'events', times: 1, act: 'drop' });
  ann.say(general, 'kept');
  ann.say(general, 'newer');
  await heard(events, 'message', ({ body }) => body.text === 'kept');
  await heard(events, 'message', ({ body }) => body.text === 'newer');
  assert.equal(texts().length, 3);
});

test('a team that is heard in another way, too, is not asked after', { timeout: 180_000 }, async (t) => {
  const web = await openWeb();
  t.after(() => web.close());
  const reach = { ...timing, first: 20, most: 20 };
  const { slack, ann, general, events } = await withAdapter(t, { transport: ['events', 'socket'], web, timing: { reach } });
  ann.say(general, 'once it is there');
  // What it missed before it connected is read first.
  await heard(events, 'message');
  const before = slack.callsOf('conversations.history').length;
  await delay(300);
  assert.equal(slack.callsOf('conversations.history').length, before);
});
