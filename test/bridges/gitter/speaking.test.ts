// What is said in Gitter: in whose name, within which limits, and whether it is there at all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChannelId, Json, Outgoing, RemoteMessageId } from '#bridge-core';
import { UnknownOutcomeError } from '#bridge-core';
import type { GitterBody } from '../../../bridges/gitter/body.ts';
import { Copies } from '../../../bridges/gitter/copies.ts';
import { makeUserId } from '../../../bridges/gitter/ids.ts';
import { relayed } from '../../../bridges/gitter/posting.ts';
import { keepTools } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { loginOf, settingsFor, withAdapter } from './with-gitter.ts';

type Org = Awaited<ReturnType<typeof withAdapter>>;

let keys = 0;

function words(channel: ChannelId, text: string, more: Partial<Outgoing<GitterBody>> = {}): Outgoing<GitterBody> {
  keys += 1;
  return { key: `key ${keys}`, channel, body: { text }, style: 'text', ...more };
}

const alice = { shownAs: { name: 'Alice', avatar: 'https://pictures.test/alice.png' }, by: '@alice:hs.test' as never };

const botOf = ({ adapter, channel }: Org) => adapter.session({ as: 'bot' }, channel);

async function annOf(org: Org) {
  await org.adapter.signIn(loginOf(org, org.ann, '@ann:hs.test'));
  return await org.adapter.session({ as: 'user', user: '@ann:hs.test' as never }, org.channel);
}

const quickly = { timeout: 180_000 };

test('where the server lets us, people are shown under their own names and pictures', quickly, async (t) => {
  const org = await withAdapter(t, { isApproved: true });
  const bot = await botOf(org);
  await bot.send(words(org.channel, 'hello', alice));
  await bot.send(words(org.channel, 'waves', { ...alice, style: 'emote' }));
  const [hello, waves] = org.room.messages;
  assert.equal(hello?.text, 'hello');
  assert.deepEqual(hello.virtualUser, {
    ...{ type: 'matrix', externalId: 'alice:hs.test', displayName: 'Alice' },
    avatarUrl: 'https://pictures.test/alice.png',
  });
  assert.deepEqual([waves?.text, waves?.isStatus], ['Alice waves', true]);
});

test('where it does not, that is found out once and remembered, and the relay account names them', quickly, async (t) => {
  const memory = new Map<string, Json>();
  const org = await withAdapter(t, { memory });
  const bot = await botOf(org);
  for (const text of ['one', 'two']) await bot.send(words(org.channel, text, alice));
  await bot.send(words(org.channel, 'waves', { ...alice, style: 'emote' }));
  await bot.send(words(org.channel, '```\ncode\n```', alice));
  assert.deepEqual(
    org.room.messages.map(({ text, isStatus }) => [text, isStatus]),
    [
      ['`Alice` one', false],
      ['`Alice` two', false],
      ['Alice waves', true],
      ['`Alice` \n```\ncode\n```', false],
    ],
  );
  const tries = org.gitter.callsOf('POST /rooms/:room/chatMessages').filter(({ body }) => body.virtualUser !== undefined);
  assert.equal(tries.length, 1);
  assert.ok([...memory].some(([name, value]) => name.startsWith('virtual users') && value === false));
});

test(
  'where the relay account may not speak at all nothing is learnt of names: elsewhere people are shown under theirs',
  quickly,
  async (t) => {
    const memory = new Map<string, Json>();
    const org = await withAdapter(t, { isApproved: true, memory });
    const bot = await botOf(org);
    org.gitter.fault({ on: 'POST /rooms/:room/chatMessages', times: 4, act: { status: 403 } });
    await assert.rejects(bot.send(words(org.channel, 'kept out', alice)), { code: 'CHANNEL_CLOSED' });
    assert.deepEqual(
      [...memory.keys()].filter((name) => name.startsWith('virtual users')),
      [],
    );
    await bot.send(words(org.channel, 'let in', alice));
    const [said] = org.room.messages;
    assert.deepEqual([said?.text, said?.virtualUser?.displayName], ['let in', 'Alice']);
  },
);

test('a name is no markup, and a template of the operator’s is followed', () => {
  assert.equal(relayed('**{name}**: {text}', { name: '*`x`* [y]' }, 'words with {name}'), '**x y**: words with {name}');
});

test('a person who is logged in speaks as themselves, in a status with their name before it', quickly, async (t) => {
  const org = await withAdapter(t);
  const ann = await annOf(org);
  await ann.send(words(org.channel, 'hello'));
  await ann.send(words(org.channel, 'waves', { style: 'emote' }));
  assert.deepEqual(
    org.room.messages.map(({ user, text, isStatus }) => [user.username, text, isStatus]),
    [
      ['ann', 'hello', false],
      ['ann', '@ann waves', true],
    ],
  );
});

test('an answer goes into the thread of what it answers, and into the same one where that is an answer itself', quickly, async (t) => {
  const org = await withAdapter(t);
  const { bob, room, channel } = org;
  const root = bob.say(room, 'the root');
  const reply = bob.reply(room, root, 'a reply');
  await until('the reply', () => org.events.length === 2 || undefined);
  const bot = await botOf(org);
  const pointing = (id: string) => ({ replyTo: { channel, ids: [id as RemoteMessageId] } });
  await bot.send(words(channel, 'to the root', pointing(root)));
  await bot.send(words(channel, 'to the reply', pointing(reply)));
  assert.deepEqual(
    room.messages.slice(2).map(({ parentId }) => parentId),
    [root, root],
  );
});

test('an answer to a reply that was never heard finds its thread', quickly, async (t) => {
  const org = await withAdapter(t);
  const { adapter, bob, room, channel } = org;
  await adapter.unwatch(channel);
  const root = bob.say(room, 'the root');
  const reply = bob.reply(room, root, 'a reply');
  const bot = await botOf(org);
  await bot.send(words(channel, 'to the reply', { replyTo: { channel, ids: [reply as RemoteMessageId] } }));
  assert.equal(room.messages.at(-1)?.parentId, root);
});

test('within ten minutes words are changed; later they are said anew, once', quickly, async (t) => {
  const org = await withAdapter(t, { isApproved: true });
  const { gitter, room, channel } = org;
  const bot = await botOf(org);
  const id = (await bot.send(words(channel, 'before', alice))) as RemoteMessageId;
  const target = { channel, ids: [id] };
  assert.equal(await bot.edit?.(target, words(channel, 'after', alice)), id);
  assert.equal(room.messages[0]?.text, 'after');
  gitter.clock.forward(700_000);
  gitter.fault({ on: 'POST /rooms/:room/chatMessages', times: 1, act: { drop: 'after' } });
  const late = words(channel, 'much later', alice);
  await assert.rejects(async () => bot.edit?.(target, late), UnknownOutcomeError);
  const anew = await bot.edit?.(target, late);
  assert.deepEqual(
    room.messages.map(({ text }) => text),
    ['after', `*([edited](${gitter.url}/org/room?at=${id}))* much later`],
  );
  assert.equal(anew, room.messages[1]?.id);
});

test('a post whose answer was lost is found among ours, and no other one of the same words', quickly, async (t) => {
  const org = await withAdapter(t, { isApproved: true });
  const { ann, gitter, room, channel } = org;
  const bot = await botOf(org);
  const since = Date.now();
  ann.say(room, 'the same');
  const first = await bot.send(words(channel, 'the same', alice));
  const second = words(channel, 'the same', alice);
  assert.equal(await bot.sent?.(second, since, (id) => id === first), undefined);
  gitter.fault({ on: 'POST /rooms/:room/chatMessages', times: 1, act: { drop: 'after' } });
  await assert.rejects(bot.send(second), UnknownOutcomeError);
  assert.equal(await bot.sent?.(second, since, (id) => id === first), room.messages.at(-1)?.id);
  const other = words(channel, 'the same', { ...alice, by: '@bob:hs.test' as never });
  assert.equal(await bot.sent?.(other, since, () => false), undefined);
});

test('what a login that is over may have said is looked for, too', quickly, async (t) => {
  const org = await withAdapter(t, { isApproved: true });
  const { ann, bob, room, channel } = org;
  const bot = await botOf(org);
  const since = Date.now() - 1_000;
  for (const person of [bob, ann]) {
    person.say(room, 'hello');
    person.me(room, 'waves');
  }
  const triedAs = makeUserId(ann.id);
  for (const [text, style] of [
    ['hello', 'text'],
    ['waves', 'emote'],
  ] as const) {
    const message = words(channel, text, { ...alice, style });
    assert.equal(await bot.sent?.(message, since, () => false), undefined, 'she may say the same as anybody');
    const found = room.messages.find((each) => each.user.id === ann.id && each.isStatus === (style === 'emote'));
    assert.equal(await bot.sent?.({ ...message, triedAs }, since, () => false), found?.id);
    assert.equal(await bot.sent?.({ ...message, triedAs }, since, (id) => id === found?.id), undefined);
  }
});

test('what Gitter takes and shows to nobody is a failure that says so', quickly, async (t) => {
  const org = await withAdapter(t, { settings: { echo_timeout: '100ms' } });
  const bot = await botOf(org);
  await bot.send(words(org.channel, 'seen', alice));
  org.relay.user.isShadowBanned = true;
  await assert.rejects(bot.send(words(org.channel, 'unseen', alice)), { code: 'NETWORK_BANNED' });
  assert.equal(org.room.messages.length, 1);
});

test('where nothing is heard, too, what Gitter takes and shows to nobody is a failure, and what stands is none', quickly, async (t) => {
  const org = await withAdapter(t, { settings: { echo_timeout: '100ms' } });
  const bot = await botOf(org);
  for (const on of ['POST /bayeux', 'UPGRADE /bayeux']) org.gitter.fault({ on, act: { status: 503 } });
  org.gitter.cutFaye('matrixbot');
  await until('the realtime channel to be away', () => org.adapter.status()[0]?.state !== 'up' || undefined);
  await bot.send(words(org.channel, 'seen', alice));
  org.relay.user.isShadowBanned = true;
  await assert.rejects(bot.send(words(org.channel, 'unseen', alice)), { code: 'NETWORK_BANNED' });
});

test('a post that was not told of but stands is no failure', quickly, async (t) => {
  const org = await withAdapter(t, { settings: { echo_timeout: '100ms' } });
  org.gitter.deliveryFault({ on: 'chatMessages/create', username: 'matrixbot', act: 'lose' });
  const bot = await botOf(org);
  assert.equal(await bot.send(words(org.channel, 'seen')), org.room.messages[0]?.id);
});

test('the same words are said less often than would have the account hidden', quickly, async (t) => {
  const memory = new Map<string, Json>();
  const org = await withAdapter(t, { memory });
  const bot = await botOf(org);
  const many = 'these are words of ordinary length';
  for (let n = 0; n < 9; n += 1) await bot.send(words(org.channel, many));
  await assert.rejects(bot.send(words(org.channel, many)), { code: 'NETWORK_REFUSED' });
  await bot.send(words(org.channel, 'others go on'));
  const later = new Copies({ settings: { copies: 9 }, memory: org.tools.memory });
  assert.throws(() => later.check(org.relay.id, many), { code: 'NETWORK_REFUSED' });
  new Copies({ settings: { copies: 9 }, memory: org.tools.memory, now: () => Date.now() + 13 * 3_600_000 }).check(org.relay.id, many);
  assert.equal(org.relay.user.isShadowBanned, false);
});

test('copies are counted however much else is said in between, and however often the bridge starts anew', () => {
  const { memory } = keepTools().tools;
  let now = Date.now();
  const started = () => new Copies({ settings: { copies: 9 }, memory, now: () => now });
  const say = (copies: Copies, text: string) => {
    copies.check('relay', text);
    copies.said('relay', text);
  };
  const build = 'the build has passed, all is well';
  let copies = started();
  for (let n = 0; n < 9; n += 1) {
    say(copies, build);
    for (let other = 0; other < 2_500; other += 1) say(copies, `other words ${n} ${other}`);
    if (n % 2 === 0) copies = started();
    now += 60_000;
  }
  assert.throws(() => say(copies, build), { code: 'NETWORK_REFUSED' });
  assert.throws(() => say(started(), build), { code: 'NETWORK_REFUSED' });
  now += 12 * 3_600_000;
  say(copies, build);
  assert.equal(memory.keys('copies ').length, 1, 'what is over is forgotten');
});

test('a name calls nobody, neither the whole room nor a person', quickly, async (t) => {
  const org = await withAdapter(t);
  const { channel, room } = org;
  const bot = await botOf(org);
  for (const name of ['@/all', '@ann', 'x @/all'])
    await bot.send(words(channel, 'waves', { shownAs: { name }, by: '@zoe:hs.test' as never, style: 'emote' }));
  for (const { text } of room.messages) assert.doesNotMatch(text, /@[/\w]/);
  assert.equal(relayed('{name}: {text}', { name: '@ann' }, 'hello'), '@\u200bann: hello');
});

test('words are edited in the form in which they were posted, whatever is set by then', quickly, async (t) => {
  const org = await withAdapter(t, { isApproved: true });
  const { adapter, channel, gitter, room, token } = org;
  const bot = await botOf(org);
  const own = await bot.send(words(channel, 'under her own name', alice));
  adapter.reload(settingsFor(gitter, token, { virtual_users: 'off' }));
  const named = await bot.send(words(channel, 'by the relay', alice));
  assert.equal(room.messages.at(-1)?.text, '`Alice` by the relay');
  await bot.edit?.({ ids: [named] } as never, words(channel, 'changed', alice));
  await bot.edit?.({ ids: [own] } as never, words(channel, 'changed too', alice));
  assert.deepEqual(
    room.messages.map(({ text }) => text),
    ['changed too', '`Alice` changed'],
  );
});

test('a limit of calls that is reached is waited for, and told of where it would be long', quickly, async (t) => {
  const org = await withAdapter(t, {
    gitter: { limits: true, rate: { calls: 12, window: 1_500 } },
    timing: { budget: { limit: 12, window: 1_500 } },
  });
  const bot = await botOf(org);
  for (let n = 0; n < 15; n += 1) await bot.send(words(org.channel, `line ${n}`));
  assert.deepEqual(
    org.room.messages.map(({ text }) => text),
    Array.from({ length: 15 }, (_, n) => `line ${n}`),
  );
  assert.deepEqual(org.gitter.limits.exceeded, []);
});

test('who was put out comes in again by speaking', quickly, async (t) => {
  const org = await withAdapter(t);
  const { room, channel } = org;
  const ann = await annOf(org);
  await ann.send(words(channel, 'one'));
  org.bob.user.isStaff = true;
  room.admins.add(org.bob.id);
  org.bob.kick(room, org.ann);
  await ann.send(words(channel, 'two'));
  assert.equal(room.messages.length, 2);
});
