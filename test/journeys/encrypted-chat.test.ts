// Most clients make a direct chat encrypted: the bot answers in clear, opens a chat of its own that cannot be encrypted, and
// goes on there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { openStage } from './stage.ts';

const bot = '@ircbot:hs.test';
const stage = await openStage();
const { alice, bridge } = stage;
const notices = (room: string) =>
  alice.heard.flatMap((event) =>
    event.room === room && event.sender === bot && event.type === 'm.room.message' ? [String(event.content.body)] : [],
  );
let ours = '';

test('an encrypted invitation is answered in clear, and followed by one to a chat that is not; the bot leaves the first', async () => {
  const theirs = await alice.createRoom({ isPublic: false, isDirect: true, isEncrypted: true, invite: [bot] });
  const answer = await alice.waitForText(theirs, /^I cannot read encrypted messages\./);
  ours = await alice.waitForInvite(bot);
  assert.ok(answer.content.body.endsWith(`https://matrix.to/#/${ours}`));
  await alice.join(ours);
  await alice.waitForText(ours, /^Hello, I am the IRC bridge/);
  assert.equal(await alice.state(ours, 'm.room.encryption'), undefined);
  await until('the bot to leave', async () => !(await alice.members(theirs)).has(bot) || undefined);
  assert.equal(notices(theirs).length, 1);
  assert.equal(notices(ours).length, 1);
});

test('commands are answered there', async () => {
  await alice.say(ours, 'status');
  await alice.waitForText(ours, /^TestNet: connected/);
});

test('the chat cannot be made encrypted, not even by the person for whom it was opened', async () => {
  await assert.rejects(alice.setState(ours, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' }), /403/);
  await assert.rejects(alice.setState(ours, 'm.room.power_levels', { users: { [alice.userId]: 100 } }), /403/);
});

test('a second encrypted invitation points at the same chat, after a restart of the bridge too', async () => {
  for (const isRestarted of [false, true]) {
    if (isRestarted) {
      await bridge.stop();
      await bridge.start();
    }
    const theirs = await alice.createRoom({ isPublic: false, isDirect: true, isEncrypted: true, invite: [bot] });
    const answer = await alice.waitForText(theirs, /^I cannot read encrypted messages\./);
    assert.ok(answer.content.body.endsWith(`https://matrix.to/#/${ours}`));
  }
  await delay(500);
  assert.deepEqual([...alice.invites.values()], []);
});

test('a chat in clear that becomes encrypted is given up for the one that cannot', async () => {
  const clear = await alice.createRoom({ isPublic: false, isDirect: true, invite: [bot] });
  await alice.waitForText(clear, /^Hello/);
  await alice.setState(clear, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' });
  const answer = await alice.waitForText(clear, /^I cannot read encrypted messages\./);
  assert.ok(answer.content.body.endsWith(ours));
  await until('the bot to leave', async () => !(await alice.members(clear)).has(bot) || undefined);
});
