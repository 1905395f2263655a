// From a click to the first message as oneself: a person logs in to Slack in a real browser, speaks without the bot's name, is heard
// when they speak in Slack, and is told when Slack no longer takes their login.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noBrowser } from '../../../quickstart/servers/chromium.ts';
import { openPage } from '../../support/browser.ts';
import type { MatrixPerson } from '../../support/matrix-person.ts';
import { until } from '../../support/waiting.ts';
import { faultIn, openLoad } from '../load.ts';
import { openSlackStage } from './stage.ts';

const stage = await openSlackStage({ transport: 'socket', section: { rate_limits: false }, channels: ['general', 'busy'] });
const { alice, ann, bob, botId } = stage;
const { room, channel } = stage.places.general ?? assert.fail();

async function chatWithBot(person: MatrixPerson): Promise<string> {
  const chat = await person.createRoom({ isDirect: true, isPublic: false, invite: [botId] });
  await person.waitForText(chat, /Slack bridge/);
  return chat;
}

/** The address that the bot's answer gives. */
const addressIn = (body: unknown): string => /https?:\/\/\S+/.exec(String(body))?.[0] ?? assert.fail(`no address in ${body}`);

test('from a click to the first message, in a browser', async (t) => {
  const page = await openPage(t);
  if (page === undefined) return;
  const chat = await chatWithBot(alice);
  await alice.say(chat, 'login');
  const answer = await alice.waitForText(chat, /https?:\/\//);
  await page.goto(addressIn(answer.content.body));
  await page.click('#go');
  await page.selectOption('select[name=person]', ann.id);
  await page.click('#allow');
  await page.waitForURL(/\/slack\/oauth\/return/);
  assert.match((await page.textContent('body')) ?? '', /Ann|logged in/i);
  await alice.waitForText(chat, /Ann Example/);

  const since = alice.mark();
  await alice.say(chat, 'whoami');
  await alice.waitForText(chat, /Ann Example.*Acme/s, { since });

  await alice.say(room, 'my own words');
  const heard = await bob.waitForMessage(channel, 'my own words');
  assert.deepEqual([heard.user, heard.username], [ann.id, undefined]);

  // What she says in Slack itself is hers in Matrix, too.
  ann.say(channel, 'said in Slack');
  await alice.waitForText(room, 'said in Slack');

  // The link was good for one login.
  const again = await page.goto(addressIn(answer.content.body));
  const used = again === null || again.status() >= 400 || !page.url().includes('/oauth/v2/authorize');
  assert.ok(used, `the link leads to ${page.url()}`);
});

test('denied on the page: the browser and the chat say so, and nothing is kept', async (t) => {
  const page = await openPage(t);
  if (page === undefined) return;
  const carol = await stage.matrixPerson('carol');
  const chat = await chatWithBot(carol);
  await carol.say(chat, 'login');
  const answer = await carol.waitForText(chat, /https?:\/\//);
  await page.goto(addressIn(answer.content.body));
  await page.click('#go');
  await page.selectOption('select[name=person]', bob.id);
  await page.click('#deny');
  await page.waitForURL(/\/slack\/oauth\/return/);
  assert.match((await page.textContent('body')) ?? '', /not|denied|cancel/i);
  await carol.say(chat, 'whoami');
  await carol.waitForText(chat, /not logged in|no login|nobody/i);
});

test('the token is revoked in mid-load: what waits is said by the bot, nothing is lost, and she is told how to log in again', async (t) => {
  const busy = stage.places.busy ?? assert.fail();
  const chat = [...new Set(alice.heard.map((event) => event.room))].find((each) =>
    alice.messages(each).some(({ content }) => /logged in|Ann Example/.test(content.body)),
  );
  if (chat === undefined) return t.skip(noBrowser);
  const load = openLoad(stage, busy, [alice]);
  const since = alice.mark();
  const saying = load.say(30, 20);
  await until('half of it', () => load.said.up > 15 || undefined);
  ann.revokeApp(stage.app);
  await saying;
  await load.arrived();
  assert.deepEqual([faultIn(load.inNetwork(), 30, 1), faultIn(await load.inMatrix(), 30, 1)], [undefined, undefined]);
  const told = await alice.waitFor(
    ({ type, content, sender }) => type === 'm.room.message' && sender === botId && /log in/i.test(content.body),
    { since },
  );
  assert.match(told.content.body, /Slack|Acme/);
});
