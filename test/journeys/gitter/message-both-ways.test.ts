// What people see of each other between a real homeserver and a Gitter: said, edited, answered, taken back, files by a link, and a
// login in a real browser, after which one speaks as oneself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage } from '../../support/browser.ts';
import { openGitterStage } from './stage.ts';

const patient = { timeout: 180_000 };

const stage = await openGitterStage();
const { alice, ann, bob, botId, channel, ghostOf, pages, room } = stage;

test('what is said, edited, answered in a thread and taken back crosses both ways', async () => {
  const id = ann.say(channel, 'Hello **all**');
  const shown = await alice.waitForText(room, 'Hello all', patient);
  assert.equal(shown.sender, ghostOf(ann));
  assert.equal(shown.content.formatted_body, 'Hello <strong>all</strong>');
  assert.equal((await alice.members(room)).get(ghostOf(ann)), 'Ann Example');

  const said = await alice.sayHtml(room, 'Good <em>day</em>', 'Good day');
  const heard = await bob.waitForMessage(channel, 'Good *day*', patient);
  assert.deepEqual([heard.virtualUser?.displayName, heard.virtualUser?.externalId], ['Alice', `alice:${stage.synapse.domain}`]);

  ann.edit(id, 'Hello *everybody*');
  const edit = await alice.waitFor(({ content }) => content['m.new_content']?.body === 'Hello everybody', patient);
  assert.equal(edit.content['m.relates_to'].event_id, shown.event_id);
  await alice.edit(room, said, 'Good evening');
  const changed = await bob.waitForMessage(channel, 'Good evening', patient);
  assert.equal(changed.id, heard.id);

  await alice.reply(room, shown.event_id, 'an answer');
  const answer = await bob.waitForMessage(channel, 'an answer', patient);
  assert.equal(answer.parentId, id);
  bob.reply(channel, id, 'in the thread');
  const threaded = await alice.waitForText(room, 'in the thread', patient);
  assert.deepEqual([threaded.content['m.relates_to'].rel_type, threaded.content['m.relates_to'].event_id], ['m.thread', shown.event_id]);

  const goner = ann.say(channel, 'to be taken back');
  const gone = await alice.waitForText(room, 'to be taken back', patient);
  ann.delete(goner);
  await alice.waitFor(
    ({ type, redacts, content }) => type === 'm.room.redaction' && (redacts ?? content.redacts) === gone.event_id,
    patient,
  );
  await alice.redact(room, said);
  await bob.waitForRemoval(heard.id, patient);

  // Nothing of hers was shown to her again, and nothing twice.
  const others = alice.messages(room).filter(({ content }) => content['m.new_content'] === undefined);
  assert.deepEqual(
    others.map(({ content }) => content.body),
    ['Hello all', 'in the thread', 'to be taken back'],
  );
});

test('a file is reached by an address of ours, and a picture is shown by one', async () => {
  const bytes = Buffer.from('all that is in the file');
  await alice.sendFile(room, bytes, 'notes.txt', 'text/plain');
  const { text } = await bob.waitForMessage(channel, /notes\.txt/, patient);
  const address = /https?:\/\/[^\s)]+/.exec(text)?.[0] ?? assert.fail(`no address in ${text}`);
  assert.ok(address.startsWith(`${pages}/media/`), address);
  const answer = await fetch(address);
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), bytes.toString());
  const dot = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
  await alice.sendFile(room, dot, 'dot.png', 'image/png');
  const picture = await bob.waitForMessage(channel, /dot\.png/, patient);
  assert.ok(picture.text.includes(`![dot.png](${pages}/media/`), picture.text);
});

test('a login in a browser, and from then on her words are her own', async (t) => {
  const page = await openPage(t);
  if (page === undefined) return;
  const chat = await alice.createRoom({ isDirect: true, isPublic: false, invite: [botId] });
  await alice.waitForText(chat, /Gitter bridge/, patient);
  await alice.say(chat, 'login');
  const answer = await alice.waitForText(chat, /https?:\/\//, patient);
  const address = /https?:\/\/\S+/.exec(String(answer.content.body))?.[0] ?? '';
  await page.goto(address);
  assert.match(
    (await page.textContent('body')) ?? '',
    new RegExp(`${alice.userId} on Matrix will be able to read and write in Gitter as you`),
  );
  await page.click('#go');
  await page.selectOption('select[name=person]', ann.id);
  await page.click('#allow');
  await page.waitForURL(/\/gitter\/oauth/);
  assert.match((await page.textContent('body')) ?? '', /logged in as ann on Gitter/);
  await alice.say(chat, 'whoami');
  await alice.waitForText(chat, /ann on Gitter/, patient);

  await alice.say(room, 'my own words');
  const heard = await bob.waitForMessage(channel, 'my own words', patient);
  assert.equal(heard.virtualUser, undefined);
  assert.equal(typeof heard.fromUser === 'string' ? heard.fromUser : heard.fromUser.username, 'ann');

  ann.say(channel, 'said in Gitter');
  await alice.waitForText(room, 'said in Gitter', patient);
  const shownAgain = alice.messages(room).filter(({ content }) => content.body === 'my own words');
  assert.deepEqual(shownAgain, []);

  const again = await page.goto(address);
  assert.equal(again?.status(), 410, 'the link was good for one login');
});
