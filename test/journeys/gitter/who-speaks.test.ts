// In whose name something is said in Gitter, on a real Synapse: under one's own name where the server allows it, by the relay account with the
// name before the words where it does not, by one's own account once logged in; how such a login is made, lost and ended.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agree } from '../../support/agreeing.ts';
import { until } from '../../support/waiting.ts';
import { openGitterStage } from './stage.ts';

const patient = { timeout: 180_000 };
const soon = { timeout: 60_000 };

const stage = await openGitterStage();
const { alice, ann, bob, bridge, channel, gitter, pages, room } = stage;
const dora = await stage.matrixPerson('dora');
await dora.setDisplayName('Dora');
await dora.join(room);
const dot = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

const authorOf = (message: Awaited<ReturnType<typeof bob.waitForMessage>>) =>
  message.virtualUser?.displayName ?? (typeof message.fromUser === 'string' ? message.fromUser : message.fromUser.username);

test('where the server allows it people are shown under their own names and pictures, also once they change them', patient, async () => {
  await dora.setAvatar(await dora.upload(dot, 'dot.png', 'image/png'));
  await dora.say(room, 'with a picture');
  const { virtualUser } = await bob.waitForMessage(channel, 'with a picture', soon);
  assert.deepEqual([virtualUser?.displayName, virtualUser?.externalId], ['Dora', `dora:${stage.synapse.domain}`]);
  const picture = virtualUser?.avatarUrl ?? '';
  assert.ok(picture.startsWith(`${pages}/`), picture);
  assert.equal((await fetch(picture)).status, 200);
  await dora.setDisplayName('Dora Other');
  await alice.waitFor(({ state_key, content }) => state_key === dora.userId && content.displayname === 'Dora Other', soon);
  await dora.say(room, 'with another name');
  assert.equal(authorOf(await bob.waitForMessage(channel, 'with another name', soon)), 'Dora Other');
  await dora.emote(room, 'waves');
  const waves = await bob.waitForMessage(channel, /waves$/, soon);
  assert.deepEqual([waves.status, waves.text], [true, 'Dora Other waves']);
});

test(
  'a login by Gitter’s page: from then on her words are hers, edited and taken back by her; what she says there is shown',
  patient,
  async () => {
    const chat = await stage.chatOf(alice);
    const told = await stage.ask(alice, chat, 'login oauth', /https?:\/\//);
    const address = /https?:\/\/\S+/.exec(told)?.[0] ?? '';
    assert.equal((await fetch(address)).status, 200, 'a preview uses nothing up');
    const begun = await agree(address);
    assert.match(begun.text, new RegExp(`${alice.userId} on Matrix`), 'it says for whom it is');
    const back = ann.approve(begun.location);
    const stranger = await fetch(back);
    assert.equal(stranger.status, 410, 'another browser cannot bring it back');
    const page = await fetch(back, { headers: { cookie: begun.cookie } });
    assert.match(await page.text(), /logged in as ann on Gitter/);
    await until('the login', async () => /ann on Gitter/.test(await stage.ask(alice, chat, 'whoami')) || undefined);

    const mine = await alice.say(room, 'my own words');
    const heard = await bob.waitForMessage(channel, 'my own words', soon);
    assert.deepEqual([authorOf(heard), heard.virtualUser], ['ann', undefined]);
    await alice.edit(room, mine, 'my own words, changed');
    assert.equal((await bob.waitForMessage(channel, 'my own words, changed', soon)).id, heard.id);
    await alice.emote(room, 'nods');
    assert.equal((await bob.waitForMessage(channel, /nods$/, soon)).text, '@ann nods');
    await alice.redact(room, mine);
    await bob.waitForRemoval(heard.id, soon);
    ann.say(channel, 'by other means');
    assert.equal((await alice.waitForText(room, 'by other means', soon)).sender, stage.ghostOf(ann));
    await dora.say(room, 'and one without a login');
    assert.equal(authorOf(await bob.waitForMessage(channel, 'and one without a login', soon)), 'Dora Other');
  },
);

test('what who is logged in has read here is read there', patient, async () => {
  bob.say(channel, 'read this');
  const shown = await alice.waitForText(room, 'read this', soon);
  const [id] = channel.messages.filter(({ text }) => text === 'read this').map((message) => message.id);
  assert.ok(id !== undefined && ann.unread(channel).includes(id));
  await alice.markRead(room, shown.event_id);
  await until('it read there', () => !ann.unread(channel).includes(id) || undefined);
});

test('private chats of who is logged in: begun there or here, each as themselves', patient, async () => {
  bob.say(ann, 'psst');
  const invited = await alice.waitForInvite(undefined);
  const here = await alice.join(invited);
  assert.equal((await alice.waitForText(here, 'psst', soon)).sender, stage.ghostOf(bob));
  await alice.say(here, 'what is it?');
  assert.equal(authorOf(await bob.waitForMessage(ann, 'what is it?', soon)), 'ann');
  const cid = gitter.addPerson({ username: 'cid', displayName: 'Cid Example' });
  cid.join(channel);
  cid.say(channel, 'hello');
  await alice.waitForText(room, 'hello', soon);
  const fresh = await alice.createRoom({ isDirect: true, isPublic: false, invite: [stage.ghostOf(cid)] });
  await alice.waitFor(
    ({ room: where, state_key, content }) => where === fresh && state_key === stage.ghostOf(cid) && content.membership === 'join',
    soon,
  );
  await alice.say(fresh, 'a word with you');
  assert.equal(authorOf(await cid.waitForMessage(ann, 'a word with you', soon)), 'ann');
});

test('a revoked token is noticed without a word said, and told; a new login is by a token, and logging out ends it', patient, async () => {
  const chat = await stage.chatOf(alice);
  const since = alice.mark();
  ann.revoke();
  const isTold = ({ sender, content }: (typeof alice.heard)[number]) =>
    sender === stage.botId && /no longer (takes|accepts)|log in again|“login”/i.test(String(content.body));
  await alice.waitFor(isTold, { since, timeout: 60_000 });
  await alice.say(room, 'without a login');
  assert.equal(authorOf(await bob.waitForMessage(channel, 'without a login', soon)), 'Alice');

  await stage.ask(alice, chat, 'login token', /token/i);
  await stage.ask(alice, chat, gitter.tokenOf(ann), /logged in/i);
  await alice.say(room, 'with a token');
  assert.equal(authorOf(await bob.waitForMessage(channel, 'with a token', soon)), 'ann');
  const shown = (await alice.history(chat)).filter(({ content }) => content.body === gitter.tokenOf(ann));
  assert.deepEqual(shown, [], 'the token was taken away');
  await stage.ask(alice, chat, 'logout', /no longer logged in|logged out/i);
  await alice.say(room, 'logged out');
  assert.equal(authorOf(await bob.waitForMessage(channel, 'logged out', soon)), 'Alice');
});

test('after ten minutes words cannot be changed there: they are said anew', patient, async () => {
  const mine = await alice.say(room, 'soon too old');
  await bob.waitForMessage(channel, 'soon too old', soon);
  gitter.clock.forward(700_000);
  await alice.edit(room, mine, 'not too old');
  const anew = await bob.waitForMessage(channel, /not too old$/, soon);
  assert.match(anew.text, /^\*\(\[edited\]\(\S+\?at=[0-9a-f]{24}\)\)\* not too old$/);
  assert.ok(bob.texts(channel).includes('soon too old'));
});

test('where it is not allowed the relay account names them, by the operator’s template', patient, async () => {
  await bridge.stop();
  await bridge.configure('gitter', (config) => ({
    ...config,
    gitter: { ...(config.gitter as object), virtual_users: 'off', relay: '**{name}** says: {text}' },
  }));
  await stage.startBridge();
  await dora.say(room, 'by the relay');
  const relayed = await bob.waitForMessage(channel, /by the relay$/, soon);
  assert.deepEqual([relayed.text, authorOf(relayed), relayed.virtualUser], ['**Dora Other** says: by the relay', 'matrixbot', undefined]);
  await dora.emote(room, 'waves again');
  const waves = await bob.waitForMessage(channel, /waves again$/, soon);
  assert.deepEqual([waves.status, waves.text], [true, 'Dora Other waves again']);
  bob.say(channel, 'heard');
  await alice.waitForText(room, 'heard', soon);
});
