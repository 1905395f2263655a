// What is heard in Gitter: each happening once, in order, whatever becomes of the connection; what is no happening is none.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { GitterAdapter } from '../../../bridges/gitter/adapter.ts';
import { messageOf } from '../../../bridges/gitter/events.ts';
import { FayeLine } from '../../../bridges/gitter/wire/faye.ts';
import { messageIn } from '../../../bridges/gitter/wire/objects.ts';
import { keptIn } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { type GitterEvents, heard, loginOf, quick, settingsFor, withAdapter } from './with-gitter.ts';

const quickly = { timeout: 180_000 };

const texts = (events: GitterEvents): string[] => events.flatMap((event) => (event.kind === 'message' ? [event.body.text] : []));

const kinds = (events: GitterEvents, kind: string) => events.filter((event) => event.kind === kind);

async function heardAll(events: GitterEvents, wanted: readonly string[]): Promise<void> {
  await until(
    `${wanted.at(-1)} among ${JSON.stringify(texts(events).slice(-4))}`,
    () => texts(events).includes(wanted.at(-1) ?? '') || undefined,
  );
  assert.deepEqual(texts(events), wanted);
}

test('a message tells whom it mentions, and a status is told without the name before it', quickly, async (t) => {
  const { ann, bob, room, events } = await withAdapter(t);
  ann.say(room, 'hello @bob and @nobody');
  ann.me(room, 'waves');
  const said = await heard(events, 'message');
  assert.deepEqual(said.body, { text: 'hello @bob and @nobody', mentions: [{ name: 'bob', id: bob.id }] });
  const status = await heard(events, 'message', ({ style }) => style === 'emote');
  assert.equal(status.body.text, 'waves');
});

test('who watches hears of a new topic from then on, however late that is listened for', quickly, async (t) => {
  const { subscribe } = FayeLine.prototype;
  t.mock.method(FayeLine.prototype, 'subscribe', function (this: FayeLine, ...given: Parameters<typeof subscribe>) {
    if (/\/rooms\/\w+$/.test(given[0])) setTimeout(() => subscribe.apply(this, given), 300);
    else subscribe.apply(this, given);
  });
  const { ann, room, events } = await withAdapter(t);
  ann.setTopic(room, 'news');
  assert.equal((await heard(events, 'channel')).topic, 'news');
});

test('an edit is told once; the counter of a thread is none', quickly, async (t) => {
  const { ann, bob, room, events } = await withAdapter(t);
  const root = ann.say(room, 'who is in?');
  await heard(events, 'message');
  const reply = bob.reply(room, root, 'me');
  const within = await heard(events, 'message', ({ body }) => body.text === 'me');
  assert.equal(within.thread, root);
  ann.edit(root, 'who is in now?');
  bob.edit(reply, 'me too');
  await heard(events, 'edit', ({ target }) => target === reply);
  bob.reply(room, root, 'and again');
  await heard(events, 'message', ({ body }) => body.text === 'and again');
  await delay(50);
  assert.deepEqual(
    events.flatMap((event) => (event.kind === 'edit' ? [[event.target, event.body.text]] : [])),
    [
      [root, 'who is in now?'],
      [reply, 'me too'],
    ],
  );
});

test('what is removed is told, and so is a first message of a thread that is only emptied', quickly, async (t) => {
  const { ann, bob, room, events } = await withAdapter(t);
  const [gone, root] = [ann.say(room, 'oops'), ann.say(room, 'the root')];
  bob.reply(room, root, 'a reply');
  await heard(events, 'message', ({ body }) => body.text === 'a reply');
  ann.delete(gone);
  ann.delete(root);
  for (const id of [gone, root]) await heard(events, 'redaction', ({ target }) => target === id);
  await delay(50);
  assert.equal(kinds(events, 'redaction').length, 2);
  assert.equal(kinds(events, 'edit').length, 0);
});

test('a number that is missing is a loss, and what was lost comes before what came', quickly, async (t) => {
  const { ann, gitter, room, events } = await withAdapter(t);
  ann.say(room, 'one');
  await heardAll(events, ['one']);
  gitter.deliveryFault({ on: 'chatMessages/create', username: 'matrixbot', times: 2, act: 'drop' });
  for (const words of ['two', 'three', 'four']) ann.say(room, words);
  await heardAll(events, ['one', 'two', 'three', 'four']);
});

test('what is told in another shape than the API’s loses nothing that was said beside it', quickly, async (t) => {
  const { ann, bob, gitter, room, events } = await withAdapter(t);
  ann.say(room, 'one');
  await heardAll(events, ['one']);
  gitter.deliveryFault({ on: 'chatMessages/create', username: 'matrixbot', times: 3, act: 'drop' });
  for (const text of ['two', 'three']) bob.say(room, text);
  Object.assign(bob.user, { displayName: 42 });
  for (const text of ['four', 'five']) ann.say(room, text);
  await heardAll(events, ['one', 'two', 'three', 'four', 'five']);
  bob.say(room, 'six');
  await heardAll(events, ['one', 'two', 'three', 'four', 'five', 'six']);
  const place = { channel: 'gitter/org/room' as never, project: undefined };
  for (const more of [{ virtualUser: null }, { mentions: null }, { mentions: [null] }, { parentId: null }, { sent: 5 }]) {
    const message = messageIn({ id: '6b07a311ffcaf6b1b2000001', text: 'x', fromUser: { id: 'a', username: 'ann' }, ...more });
    const event = message && messageOf(message, place);
    assert.deepEqual(event?.kind === 'message' && [event.body, event.thread, event.sender.name], [{ text: 'x' }, undefined, 'ann']);
  }
  assert.equal(messageIn({ id: 'b', fromUser: null, text: 42 })?.fromUser, undefined);
});

for (const act of ['double', 'reorder', 'skip'] as const) {
  test(`deliveries that ${act} change neither order nor number`, quickly, async (t) => {
    const { ann, gitter, room, events } = await withAdapter(t);
    ann.say(room, 'one');
    await heardAll(events, ['one']);
    gitter.deliveryFault({ on: 'chatMessages/create', username: 'matrixbot', times: 1, act });
    for (const words of ['two', 'three', 'four']) ann.say(room, words);
    await heardAll(events, ['one', 'two', 'three', 'four']);
    await delay(100);
    assert.equal(texts(events).length, 4);
  });
}

for (const [what, act] of [
  ['a connection that is cut', 'cutFaye'],
  ['a server that knows us no more', 'forgetFayeClients'],
] as const) {
  test(`${what} loses nothing, edits and removals among it`, quickly, async (t) => {
    const { ann, gitter, room, events } = await withAdapter(t);
    const [edited, removed] = [ann.say(room, 'to be edited'), ann.say(room, 'to be removed')];
    ann.say(room, 'before');
    await heardAll(events, ['to be edited', 'to be removed', 'before']);
    gitter.deliveryFault({ username: 'matrixbot', act: 'lose' });
    ann.edit(edited, 'edited');
    ann.delete(removed);
    ann.say(room, 'meanwhile');
    gitter.clearFaults();
    gitter[act]();
    await heardAll(events, ['to be edited', 'to be removed', 'before', 'meanwhile']);
    ann.say(room, 'after');
    await heardAll(events, ['to be edited', 'to be removed', 'before', 'meanwhile', 'after']);
    assert.equal((await heard(events, 'edit')).body.text, 'edited');
    assert.equal((await heard(events, 'redaction')).target, removed);
  });
}

test('what was said minutes before a loss, and edited or removed in it, is found too; after a restart edits are', quickly, async (t) => {
  const { adapter, ann, gitter, room, events, memory, token, tools } = await withAdapter(t);
  const [edited, removed, later] = ['to be edited', 'to be removed', 'later'].map((words) => ann.say(room, words));
  await heardAll(events, ['to be edited', 'to be removed', 'later']);
  for (const message of room.messages) Object.assign(message, { sent: message.sent - 60_000 });
  ann.say(room, 'before');
  await heard(events, 'message', ({ body }) => body.text === 'before');
  gitter.deliveryFault({ username: 'matrixbot', act: 'lose' });
  ann.edit(edited ?? '', 'edited');
  ann.delete(removed ?? '');
  gitter.clearFaults();
  gitter.forgetFayeClients();
  assert.equal((await heard(events, 'edit')).target, edited);
  assert.equal((await heard(events, 'redaction')).target, removed);
  await adapter.disconnect();
  ann.edit(later ?? '', 'edited later');
  const next = new GitterAdapter(settingsFor(gitter, token), { ...tools, memory: keptIn(memory) }, quick);
  t.after(() => next.disconnect());
  await next.watch('gitter/org/room' as never);
  await next.connect();
  await heard(events, 'edit', ({ target }) => target === later);
});

test('what was said in one moment keeps its order over the edge of a page', quickly, async (t) => {
  const { ann, gitter, room, events } = await withAdapter(t);
  ann.say(room, 'before');
  await heardAll(events, ['before']);
  gitter.deliveryFault({ username: 'matrixbot', act: 'lose' });
  const lines = Array.from({ length: 150 }, (_, n) => `line ${n}`);
  for (const text of lines) ann.say(room, text);
  for (const message of room.messages.slice(1)) Object.assign(message, { sent: room.messages[1]?.sent });
  gitter.clearFaults();
  gitter.forgetFayeClients();
  await heardAll(events, ['before', ...lines]);
});

test('more than is read back is told as a gap', quickly, async (t) => {
  const { ann, gitter, room, events } = await withAdapter(t, { settings: { history: { most: 100 } } });
  ann.say(room, 'before');
  await heardAll(events, ['before']);
  gitter.deliveryFault({ username: 'matrixbot', act: 'lose' });
  for (let n = 0; n < 250; n += 1) ann.say(room, `line ${n}`);
  gitter.clearFaults();
  gitter.forgetFayeClients();
  await heard(events, 'message', ({ body }) => body.text === 'line 249');
  const gap = await heard(events, 'gap');
  assert.ok(gap.to > gap.from - 60_000);
  assert.equal(texts(events).includes('line 0'), false);
  assert.equal(new Set(texts(events)).size, texts(events).length);
});

for (const style of ['cr', 'lf'] as const) {
  test(`while the realtime channel is away rooms are heard by streams (${style})`, quickly, async (t) => {
    const { adapter, ann, bob, gitter, room, events, channel } = await withAdapter(t, {
      gitter: { stream: { style } },
      settings: ({ url, streamUrl }) => ({ faye_url: `${url}/nowhere`, stream_url: streamUrl }),
    });
    await gitter.waitForListener(room, 'matrixbot');
    ann.say(room, 'größer 🎉 "than" {a} \\ piece');
    const root = ann.say(room, 'one');
    bob.reply(room, root, 'a reply');
    await heardAll(events, ['größer 🎉 "than" {a} \\ piece', 'one', 'a reply']);
    gitter.cutStreams();
    ann.say(room, 'meanwhile');
    await gitter.waitForListener(room, 'matrixbot');
    await heardAll(events, ['größer 🎉 "than" {a} \\ piece', 'one', 'a reply', 'meanwhile']);
    const bot = await adapter.session({ as: 'bot' }, channel);
    await bot.send({ key: 'ours', channel, body: { text: 'ours' }, style: 'text' });
    ann.say(room, 'end');
    await heardAll(events, ['größer 🎉 "than" {a} \\ piece', 'one', 'a reply', 'meanwhile', 'end']);
  });
}

test('a login’s own words are told, but for those that were said through us', quickly, async (t) => {
  const org = await withAdapter(t);
  const { adapter, ann, room, events, channel } = org;
  await adapter.signIn(loginOf(org, ann, '@ann:hs.test'));
  const session = await adapter.session({ as: 'user', user: '@ann:hs.test' as never }, channel);
  const words = Array.from({ length: 10 }, (_, n) => `through us ${n}`);
  const sending = words.map((text) => session.send({ key: text, channel, body: { text }, style: 'text' }));
  ann.say(room, 'by herself');
  await Promise.all(sending);
  await heardAll(events, ['by herself']);
  const id = (await session.send({ key: 'edit', channel, body: { text: 'before' }, style: 'text' })) as never;
  await session.edit?.({ channel, ids: [id] }, { key: 'edited', channel, body: { text: 'after' }, style: 'text' });
  ann.edit(id, 'by herself once more');
  assert.equal((await heard(events, 'edit')).body.text, 'by herself once more');
  assert.equal(kinds(events, 'edit').length, 1);
});

test('words that we put in once, and that somebody puts in again, are told', quickly, async (t) => {
  const org = await withAdapter(t);
  const { adapter, ann, events, channel } = org;
  await adapter.signIn(loginOf(org, ann, '@ann:hs.test'));
  const session = await adapter.session({ as: 'user', user: '@ann:hs.test' as never }, channel);
  const words = (text: string) => ({ key: text, channel, body: { text }, style: 'text' as const });
  const id = (await session.send(words('one'))) as never;
  await session.edit?.({ channel, ids: [id] }, words('two'));
  const edits = () => events.flatMap((event) => (event.kind === 'edit' ? [event.body.text] : []));
  for (const text of ['three', 'two']) {
    await delay(10);
    ann.edit(id, text);
    await until(text, () => edits().includes(text) || undefined);
  }
  assert.deepEqual(edits(), ['three', 'two']);
});

test('whom another bridge shows there under the name of one of ours is heard; what we said for them is not', quickly, async (t) => {
  const org = await withAdapter(t, { isApproved: true });
  const { adapter, gitter, room, events, channel } = org;
  const other = gitter.addPerson({ username: 'otherbridge', displayName: 'Other' });
  other.join(room);
  const bot = await adapter.session({ as: 'bot' }, channel);
  const zoe = { style: 'text' as const, shownAs: { name: 'Zoe' }, by: '@zoe:hs.test' as never, channel };
  await bot.send({ key: 'one', body: { text: 'by us' }, ...zoe });
  gitter.fault({ on: 'POST /rooms/:room/chatMessages', times: 1, act: { drop: 'after' } });
  await assert.rejects(bot.send({ key: 'two', body: { text: 'by us, the answer lost' }, ...zoe }));
  const answer = await fetch(`${gitter.apiUrl}/rooms/${room.id}/chatMessages`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gitter.tokenOf(other, gitter.addClient({ mayUseVirtualUsers: true }))}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ text: 'by the other', virtualUser: { type: 'matrix', externalId: 'zoe:hs.test', displayName: 'Zoe' } }),
  });
  assert.equal(answer.status, 200);
  await heardAll(events, ['by the other']);
});

test('a person’s new name and picture are told before their next words', quickly, async (t) => {
  const { ann, room, events } = await withAdapter(t);
  ann.say(room, 'one');
  await heard(events, 'message');
  ann.setDisplayName('Ann Other');
  ann.setAvatar(Buffer.from('a picture'));
  ann.say(room, 'two');
  await heard(events, 'message', ({ body }) => body.text === 'two');
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['message', 'profile', 'message'],
  );
  const { was, user } = await heard(events, 'profile');
  assert.deepEqual([was.name, user.name], ['Ann Example', 'Ann Other']);
  assert.notEqual(was.avatar, user.avatar);
});

test('who is there and who is away is told where it is wished for, and only once it lasts', quickly, async (t) => {
  const { ann, room, events } = await withAdapter(t, { settings: { presence: true } });
  ann.setPresence(room, 'in');
  await heard(events, 'presence', ({ away }) => away === undefined);
  ann.setPresence(room, 'out');
  ann.setPresence(room, 'in');
  await delay(900);
  ann.setPresence(room, 'out');
  await heard(events, 'presence', ({ away }) => away !== undefined);
  assert.equal(kinds(events, 'presence').length, 2);
});

test('who leaves one of two open rooms is not away, unless what became of the other went by unheard', quickly, async (t) => {
  const { adapter, ann, bob, gitter, room, events } = await withAdapter(t, { settings: { presence: true } });
  const other = gitter.addRoom('org/other', [ann, bob]);
  const channel = await adapter.channels.resolve('org/other');
  if (channel === undefined) assert.fail();
  await adapter.watch(channel.id);
  await gitter.waitForListener(other, 'matrixbot');
  ann.setPresence(room, 'in');
  ann.setPresence(other, 'in');
  ann.setPresence(room, 'out');
  bob.setPresence(room, 'in');
  bob.setPresence(room, 'out');
  const of = ({ id }: { readonly id: string }) =>
    events.flatMap((event) => (event.kind === 'presence' && event.user.id === `gitter/${id}` ? [event] : []));
  await until('him away', () => of(bob)[1]?.away);
  assert.deepEqual(
    of(ann).map(({ away }) => away),
    [undefined],
  );
  await adapter.unwatch(channel.id);
  ann.setPresence(room, 'out');
  await until('her away', () => of(ann)[1]?.away);
});

test('who goes and is back at once has gone and come, in this order, however long the list of the banned takes', quickly, async (t) => {
  const { adapter, bob, relay, gitter, room, events, channel } = await withAdapter(t);
  room.admins.add(relay.id);
  await until('the list of the banned', () => gitter.callsOf('GET /rooms/:room/bans')[0]);
  await adapter.unwatch(channel);
  await adapter.watch(channel);
  await gitter.waitForListener(room, 'matrixbot');
  gitter.fault({ on: 'GET /rooms/:room/bans', act: { wait: 300 } });
  bob.leave(room);
  bob.join(room);
  await until('both', () => kinds(events, 'membership').length >= 2 || undefined);
  await delay(400);
  assert.deepEqual(
    kinds(events, 'membership').map((event) => (event.kind === 'membership' ? event.change : '')),
    ['leave', 'join'],
  );
});

test('a list of the banned that was refused once is read again', quickly, async (t) => {
  const org = await withAdapter(t, { settings: { bans: '100ms' } });
  const reads = () => org.gitter.callsOf('GET /rooms/:room/bans').length;
  await until('the list of the banned', () => reads() > 0 || undefined);
  org.gitter.fault({ on: 'GET /rooms/:room/bans', times: 2, act: { status: 403 } });
  const before = reads();
  await until('two refusals', () => reads() >= before + 2 || undefined);
  org.ann.ban(org.room, org.bob);
  await heard(org.events, 'membership', ({ change }) => change === 'ban');
});

test('who is put out and banned is told to be, with whoever did it; people of ours too', quickly, async (t) => {
  const { adapter, ann, bob, relay, gitter, room, events, channel } = await withAdapter(t, { isApproved: true, settings: { bans: '1s' } });
  room.admins.add(relay.id);
  await until('the list of the banned', () => gitter.callsOf('GET /rooms/:room/bans')[0]);
  await adapter.unwatch(channel);
  await adapter.watch(channel);
  await delay(100);
  ann.ban(room, bob);
  const ban = await heard(events, 'membership', ({ change, user }) => change === 'ban' && user.name.startsWith('Bob'));
  assert.equal(ban.by?.name, 'Ann Example');
  const bot = await adapter.session({ as: 'bot' }, channel);
  const message = { channel, body: { text: 'hi' }, style: 'text' as const, shownAs: { name: 'Alice' }, by: '@alice:hs.test' as never };
  await bot.send({ key: 'hi', ...message });
  ann.ban(room, { type: 'matrix', externalId: 'alice:hs.test' });
  const { user } = await heard(events, 'membership', ({ change, user: who }) => change === 'ban' && who.id.includes('alice'));
  assert.deepEqual(adapter.speakerOf(user.id), { as: 'user', user: '@alice:hs.test' });
  await assert.rejects(bot.send({ key: 'again', ...message }), { code: 'CHANNEL_CLOSED' });
  ann.unban(room, { type: 'matrix', externalId: 'alice:hs.test' });
  await heard(events, 'membership', ({ change }) => change === 'unban');
});

test(
  'a room that is to be heard no more while the relay account comes back into it, and then is again: who comes is told',
  quickly,
  async (t) => {
    const { adapter, ann, channel, events, gitter, relay, room } = await withAdapter(t);
    const { subscribe } = FayeLine.prototype;
    const wishes: string[] = [];
    // Asked for, and not answered by the time in which it is taken back.
    const asking = t.mock.method(FayeLine.prototype, 'subscribe', (path: string) => void wishes.push(path));
    ann.kick(room, relay);
    await until('it to listen again', () => wishes.some((path) => path.endsWith('/chatMessages')));
    asking.mock.mockImplementation(subscribe);
    await adapter.unwatch(channel);
    await adapter.watch(channel);
    const [hears] = gitter.faye.clientsOf('matrixbot');
    await until('who comes to be told', () => hears?.subscriptions.has(`/rooms/${room.id}/users`));
    gitter.addPerson('zoe').join(room);
    await heard(events, 'membership', ({ user, change }) => change === 'join' && user.name === 'zoe');
  },
);
