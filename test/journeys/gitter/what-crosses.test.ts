// What each side sees of what the other does, on a real Synapse: names and pictures in step, mentions, issues, code, pictures, who comes and
// goes and is banned, topics, who is there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { squarePng } from '../../support/fake-slack/png.ts';
import { until } from '../../support/waiting.ts';
import { openGitterStage } from './stage.ts';

const patient = { timeout: 180_000 };
const soon = { timeout: 60_000 };

const stage = await openGitterStage({
  section: { presence: true, bans: '1s' },
  config: { membership: { ghosts: 'full' } },
  gitter: { rate: { calls: 1_000, window: 60_000 } },
  prepare: async ({ bridge, channel, relay }) => {
    channel.admins.add(relay.id);
    await bridge.configure('gitter', (config) => {
      const section = config.gitter as { readonly links: readonly object[] };
      return { ...config, gitter: { ...section, links: section.links.map((link) => ({ ...link, topic: 'both' })) } };
    });
  },
});
const { alice, ann, bob, channel, ghostOf, gitter, room } = stage;
const carol = await stage.matrixPerson('carol');
await carol.join(room);

/** The newest that is known of somebody in the room. */
const memberOf = async (user: string) => (await alice.state(room, 'm.room.member', user)) as Record<string, string> | undefined;
const becomes = (what: string, user: string, fits: (member: Record<string, string>) => boolean) =>
  until(what, async () => fits((await memberOf(user)) ?? {}) || undefined);

test('ghosts have the names and pictures of whom they stand for, and keep up with them', patient, async () => {
  await becomes('ann to be there without a word', ghostOf(ann), ({ membership }) => membership === 'join');
  await becomes('the picture', ghostOf(ann), ({ avatar_url = '' }) => avatar_url.startsWith('mxc://'));
  const before = (await memberOf(ghostOf(ann)))?.avatar_url;
  ann.setDisplayName('Ann Other');
  ann.setAvatar(squarePng('another', 64));
  ann.say(channel, 'and now');
  await alice.waitForText(room, 'and now', soon);
  await becomes('the name', ghostOf(ann), ({ displayname }) => displayname === 'Ann Other');
  await becomes('the other picture', ghostOf(ann), ({ avatar_url = '' }) => avatar_url.startsWith('mxc://') && avatar_url !== before);
  ann.rename('annie');
  ann.say(channel, 'under another user name');
  assert.equal((await alice.waitForText(room, 'under another user name', soon)).sender, ghostOf(ann));
});

test('mentions are pills of whom Gitter knows, and names there of whom is meant here', patient, async () => {
  bob.say(channel, '@annie and @nobody, see org/repo#12');
  const { content } = await alice.waitForText(room, /see org\/repo#12/, soon);
  assert.deepEqual(content['m.mentions'], { user_ids: [ghostOf(ann)] });
  assert.ok(content.formatted_body.includes(`<a href="https://matrix.to/#/${ghostOf(ann)}">`), content.formatted_body);
  assert.ok(!content.formatted_body.includes('nobody</a>'), content.formatted_body);
  assert.match(content.formatted_body, /<a href="https:\/\/[^"]*org\/repo\/issues\/12">/);
  const pill = `<a href="https://matrix.to/#/${ghostOf(ann)}">Ann Other</a>`;
  await alice.sayHtml(room, `${pill}: see #12`, 'Ann Other: see #12', { 'm.mentions': { user_ids: [ghostOf(ann)] } });
  const heard = await bob.waitForMessage(channel, /see #12$/, soon);
  assert.equal(heard.text, '@annie: see #12');
  assert.deepEqual([heard.mentions?.map(({ userId }) => userId), heard.issues?.map(({ number }) => String(number))], [[ann.id], ['12']]);
  await alice.sayHtml(room, '@room: all of you', '@room: all of you', { 'm.mentions': { room: true } });
  assert.match((await bob.waitForMessage(channel, /all of you$/, soon)).text, /^@\/all/);
});

test('code with its language, lists and quotes, and a status, cross both ways', patient, async () => {
  bob.say(channel, '```js\nlet a = 1;\n```\n- one\n- two\n\n> quoted');
  const { content } = await alice.waitForText(room, /let a = 1;/, soon);
  for (const part of ['<pre><code class="language-js">let a = 1;\n</code></pre>', '<li>one</li>', '<blockquote>'])
    assert.ok(content.formatted_body.includes(part), content.formatted_body);
  await alice.sayHtml(room, '<pre><code class="language-ts">let b = 2;\n</code></pre>', 'let b = 2;');
  assert.equal((await bob.waitForMessage(channel, /let b/, soon)).text, '```ts\nlet b = 2;\n```');
  bob.me(channel, 'dances');
  const emote = await alice.waitForText(room, 'dances', soon);
  assert.deepEqual([emote.content.msgtype, emote.sender], ['m.emote', ghostOf(bob)]);
  await alice.emote(room, 'dances along');
  assert.equal((await bob.waitForMessage(channel, /dances along$/, soon)).status, true);
});

test('a picture within a text is shown as one, and is had from the homeserver', patient, async () => {
  bob.say(channel, `look: ![a dot](${gitter.url}/avatars/g/u/${bob.id}/1?s=60) and say`);
  const { content } = await alice.waitForText(room, /^look: .* and say$/, soon);
  const [, server, id] =
    /<img [^>]*src="mxc:\/\/([^/"]+)\/([^"]+)"[^>]*>/.exec(content.formatted_body) ?? assert.fail(content.formatted_body);
  assert.ok(content.formatted_body.includes('alt="a dot"'), content.formatted_body);
  const headers = { authorization: `Bearer ${alice.accessToken}` };
  const answer = await fetch(`${stage.synapse.url}/_matrix/client/v1/media/download/${server}/${id}`, { headers });
  assert.deepEqual(
    Buffer.from(await answer.arrayBuffer()),
    Buffer.from(await (await fetch(`${gitter.url}/avatars/g/u/${bob.id}/1?s=60`)).arrayBuffer()),
  );
});

test('a first message of a thread that is removed there is emptied there, and gone here; its counter was no edit', patient, async () => {
  const root = ann.say(channel, 'a root');
  const shown = await alice.waitForText(room, 'a root', soon);
  bob.reply(channel, root, 'an answer');
  await alice.waitForText(room, 'an answer', soon);
  ann.delete(root);
  await alice.waitFor(({ type, redacts, content }) => type === 'm.room.redaction' && (redacts ?? content.redacts) === shown.event_id, soon);
  const edits = alice.heard.filter(({ content }) => content['m.relates_to']?.rel_type === 'm.replace');
  assert.deepEqual(edits, []);
});

test('who comes and goes there comes and goes here', patient, async () => {
  const cid = gitter.addPerson({ username: 'cid', displayName: 'Cid Example' });
  cid.join(channel);
  await becomes('cid to come', ghostOf(cid), ({ membership, displayname }) => membership === 'join' && displayname === 'Cid Example');
  cid.leave(channel);
  await becomes('cid to go', ghostOf(cid), ({ membership }) => membership === 'leave');
  cid.join(channel);
  await becomes('cid to come again', ghostOf(cid), ({ membership }) => membership === 'join');
  await alice.kick(room, ghostOf(cid), 'for now');
  await until('cid put out there', () => !channel.members.has(cid.id) || undefined);
});

test('bans go both ways, of ghosts and of people of Matrix, and so does their end', patient, async () => {
  const spammer = gitter.addPerson({ username: 'spammer', displayName: 'Spam Example' });
  spammer.join(channel);
  spammer.say(channel, 'buy this');
  await alice.waitForText(room, 'buy this', soon);
  await alice.ban(room, ghostOf(spammer), 'no spam');
  await until('the ban there', () => channel.bans.some(({ user }) => user === spammer.user) || undefined);
  await alice.call('POST', `/v3/rooms/${encodeURIComponent(room)}/unban`, { user_id: ghostOf(spammer) });
  await until('its end there', () => channel.bans.length === 0 || undefined);

  const noisy = gitter.addPerson({ username: 'noisy', displayName: 'Noisy Example' });
  noisy.join(channel);
  noisy.say(channel, 'noise');
  await alice.waitForText(room, 'noise', soon);
  ann.ban(channel, noisy);
  // A ghost is put out: it is Gitter that keeps it from coming back.
  await becomes('the ban here', ghostOf(noisy), ({ membership, reason = '' }) => membership === 'leave' && /ban/i.test(reason));
  // The homeserver has told of it once it told of what came after.
  await carol.say(room, 'hello from Carol');
  await bob.waitForMessage(channel, 'hello from Carol', soon);
  ann.unban(channel, noisy);
  noisy.join(channel);
  await becomes('them here again', ghostOf(noisy), ({ membership }) => membership === 'join');

  const levels = await alice.state(room, 'm.room.power_levels');
  await alice.setState(room, 'm.room.power_levels', { ...levels, ban: 50, users: { ...levels.users, [stage.botId]: 60 } });
  ann.ban(channel, { type: 'matrix', externalId: carol.userId.slice(1) });
  await becomes('Carol to be banned', carol.userId, ({ membership }) => membership === 'ban');
  ann.unban(channel, { type: 'matrix', externalId: carol.userId.slice(1) });
  await becomes('Carol to be let in again', carol.userId, ({ membership }) => membership === 'leave');
});

test('topics go both ways, and who is there is told', patient, async () => {
  ann.setTopic(channel, 'of flowers');
  await until('the topic', async () => (await alice.state(room, 'm.room.topic'))?.topic === 'of flowers' || undefined);
  await alice.setState(room, 'm.room.topic', { topic: 'of trees' });
  await until('the topic there', () => channel.topic === 'of trees' || undefined);
  bob.setPresence(channel, 'in');
  const path = `/v3/presence/${encodeURIComponent(ghostOf(bob))}/status`;
  await until('bob to be there', async () => (await alice.call<{ presence: string }>('GET', path)).presence === 'online' || undefined);
});
