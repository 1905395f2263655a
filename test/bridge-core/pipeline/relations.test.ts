// Which event is which message: known before it is on disk, every part in order, reactions by who and what.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelId, eventId, remoteMessageId, remoteUserId, userId } from '../../../bridge-core/ids.ts';
import { asRemoteMessage, isInherited, type Relation, Relations } from '../../../bridge-core/pipeline/relations.ts';
import { openTempStore } from '../../support/temp-store.ts';

function relation(event: string, remote: string | undefined, more: Partial<Relation> = {}): Relation {
  return {
    ...{ event: eventId(event), link: 1, part: 0, remote: remote === undefined ? undefined : remoteMessageId(remote) },
    ...{ kind: 'message', sender: userId('@a:hs'), author: undefined, emoji: undefined, text: undefined, at: Date.now(), ...more },
  };
}

const partsOf = (relations: Relation[]) => relations.map(({ part }) => part);

test('a relation is found before its commit, and after it', async (t) => {
  const { store } = openTempStore(t);
  const relations = new Relations({ store });
  const made = relation('$e', 'm1', { author: remoteUserId('n/zoe'), text: 'hello' });
  relations.remember(made);
  assert.deepEqual(relations.ofEvent(eventId('$e'), 1), [made]);
  assert.deepEqual(relations.messagesOf(remoteMessageId('m1'), 1), [made]);
  assert.deepEqual(relations.ofEvent(eventId('$e'), 2), []);
  await store.write(() => relations.write(made));
  assert.deepEqual(relations.ofEvent(eventId('$e'), 1), [made]);
  assert.deepEqual(relations.messagesOf(remoteMessageId('m1'), 1), [made]);
});

test('the parts of a message come in order, from memory and disk together', async (t) => {
  const { store } = openTempStore(t);
  const relations = new Relations({ store });
  // One event in several messages, and one message in several events.
  const parts = [2, 0, 1].map((part) => relation('$e', `m${part}`, { part }));
  const events = ['$z', '$y', '$x'].map((event, part) => relation(event, 'long', { part }));
  await store.write(() => {
    for (const each of [...parts, ...events].slice(0, 5)) relations.write(each);
  });
  relations.remember(events[2] as Relation);
  assert.deepEqual(partsOf(relations.ofEvent(eventId('$e'), 1)), [0, 1, 2]);
  assert.deepEqual(partsOf(relations.ofRemote(remoteMessageId('long'), 1)), [0, 1, 2]);
  assert.equal(relations.messagesOf(remoteMessageId('long'), 1)[0]?.event, '$z', 'the first is what others point at');
  assert.deepEqual(asRemoteMessage(channelId('n/#a'), relations.ofEvent(eventId('$e'), 1))?.ids, ['m0', 'm1', 'm2']);
});

test('parts without an id of the network make no remote message', () => {
  assert.equal(asRemoteMessage(channelId('n/#a'), [relation('$e', undefined)]), undefined);
});

test('a reaction is found by target, person and emoji, whoever else reacts meanwhile', async (t) => {
  const { store } = openTempStore(t);
  const relations = new Relations({ store });
  const target = eventId('$target');
  const reaction = (event: string, who: string, emoji: string) =>
    relation(event, `${target} ${emoji}`, { kind: 'reaction', emoji, sender: userId(`@${who}:hs`) });
  const [zoe, yan] = [reaction('$1', 'zoe', '👍'), reaction('$2', 'yan', '👍')];
  await store.write(() => relations.write(zoe));
  relations.remember(yan);
  assert.equal(relations.reactionOf(target, userId('@zoe:hs'), '👍', 1)?.event, '$1');
  assert.equal(relations.reactionOf(target, userId('@yan:hs'), '👍', 1)?.event, '$2');
  assert.equal(relations.reactionOf(target, userId('@zoe:hs'), '🎉', 1), undefined);
  await store.write(() => relations.forget(eventId('$1'), 1));
  assert.equal(relations.reactionOf(target, userId('@zoe:hs'), '👍', 1), undefined);
});

test('a reaction on a message is not the message', async (t) => {
  const { store } = openTempStore(t);
  const relations = new Relations({ store });
  await store.write(() => {
    relations.write(relation('$b', 'm1', { kind: 'reaction', emoji: '👍' }));
    relations.write(relation('$c', 'm1'));
  });
  assert.equal(relations.messagesOf(remoteMessageId('m1'), 1)[0]?.event, '$c');
});

test('only so much of a text is kept, and whole characters of it', async (t) => {
  const { store } = openTempStore(t);
  const relations = new Relations({ store });
  await store.write(() => relations.write(relation('$e', 'm', { text: `${'x'.repeat(499)}😀 and on` })));
  const [kept] = relations.ofEvent(eventId('$e'), 1);
  assert.ok(kept?.text !== undefined && kept.text.length <= 501 && kept.text.isWellFormed());
  assert.doesNotMatch(kept.text, /\ufffd/);
});

test('its own sender rewords a message, nobody else', async (t) => {
  const { store } = openTempStore(t);
  const relations = new Relations({ store });
  await store.write(() => relations.write(relation('$e', 'm', { text: 'before' })));
  await store.write(() => relations.reword(eventId('$e'), 1, userId('@mallory:hs'), 'mine'));
  assert.equal(relations.ofEvent(eventId('$e'), 1)[0]?.text, 'before');
  await store.write(() => relations.reword(eventId('$e'), 1, userId('@a:hs'), 'after'));
  assert.equal(relations.ofEvent(eventId('$e'), 1)[0]?.text, 'after');
});

test('relations older than ninety days are forgotten, a slice at a time', async (t) => {
  const { store, committed } = openTempStore(t);
  const relations = new Relations({ store });
  const day = 86_400_000;
  await store.write(() => {
    for (let n = 0; n < 2_500; n += 1) relations.write(relation(`$old${n}`, `o${n}`, { at: Date.now() - 91 * day }));
    relations.write(relation('$new', 'n', { at: Date.now() - 89 * day }));
  });
  await store.write(() => relations.trim());
  assert.equal(committed('SELECT count(*) FROM relations'), 501);
  await store.write(() => relations.trim());
  assert.equal(committed('SELECT count(*) FROM relations'), 1);
});

test('a part is known by its slot, its digest and its thread, and may be said anew before the first is on disk', async (t) => {
  const { store } = openTempStore(t);
  const relations = new Relations({ store });
  const first: Relation = {
    ...{ event: eventId('$one'), link: 1, part: 0, remote: remoteMessageId('m1'), kind: 'message', sender: userId('@ghost:hs.test') },
    ...{ author: undefined, emoji: undefined, text: 'one', slot: 'caption f1', digest: 'd1', thread: eventId('$root'), at: 1 },
  };
  const other: Relation = { ...first, event: eventId('$two'), part: 1, slot: '+text', at: 2 };
  const anew: Relation = { ...first, text: 'uno', digest: 'd2' };
  for (const relation of [first, other, anew]) relations.remember(relation);
  assert.deepEqual(relations.messagesOf(remoteMessageId('m1'), 1), [anew, other]);
  assert.equal(relations.lastIn(eventId('$root'), 1), '$two');
  await store.write(() => {
    for (const relation of [first, other, anew]) relations.write(relation);
  });
  assert.deepEqual(relations.messagesOf(remoteMessageId('m1'), 1), [anew, other]);
  assert.equal(relations.lastIn(eventId('$root'), 1), '$two');
  assert.equal(relations.lastIn(eventId('$root'), 2), undefined);
});

test('who said what another bridge carried is asked of the room once, and for what is pointed at alone', async (t) => {
  const { store } = openTempStore(t);
  const asked: string[] = [];
  const learn = async (each: Relation): Promise<Relation> => {
    asked.push(each.event);
    return each.event === '$gone' ? each : { ...each, sender: userId('@zoe:hs'), author: remoteUserId('n/zoe'), text: 'hello' };
  };
  const relations = new Relations({ store, learn });
  const [known, old, gone] = [
    relation('$known', 'm1'),
    relation('$old', 'm2', { sender: userId('') }),
    relation('$gone', 'm3', { sender: userId('') }),
  ];
  await store.write(() => {
    for (const each of [known, old, gone]) relations.write(each);
  });
  const plain = relations.ofEvent(eventId('$known'), 1);
  assert.equal(relations.whole(plain), plain, 'what is known costs nothing');
  const found = relations.messagesOf(remoteMessageId('m2'), 1);
  assert.ok(found.every(isInherited));
  for (const _ of [1, 2])
    assert.deepEqual(
      (await relations.whole(found)).map(({ sender, author, text }) => [sender, author, text]),
      [['@zoe:hs', 'n/zoe', 'hello']],
    );
  assert.deepEqual(asked, ['$old']);
  const lost = relations.ofEvent(eventId('$gone'), 1);
  assert.deepEqual(await relations.whole(lost), lost, 'whoever the room does not tell stays unknown');
  assert.ok(relations.ofEvent(eventId('$old'), 1).every(isInherited), 'what another bridge had shown stays told apart');
});
