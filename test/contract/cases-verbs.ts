// Optional verbs: present means that they work and are seen by natives; and what natives do with such verbs is reported.

import assert from 'node:assert/strict';
import { fromPlain, type Json, type RemoteMessage, type RemoteMessageId, type Session, UnknownOutcomeError } from '#bridge-core';
import { toPlain } from '../../bridge-core/format/to-html.ts';
import { until } from '../support/waiting.ts';
import { event, failure, messageId, nickOf, saidBy, say, sessionOf } from './stage.ts';
import type { Case, Stage } from './subject.ts';

const at = (stage: Stage, id: RemoteMessageId | undefined): RemoteMessage => ({
  channel: stage.channel,
  ids: id === undefined ? [] : [id],
});

const printed = (stage: Stage, session: Session<Json>, text: string): Json =>
  stage.adapter.formatter.print(fromPlain(text), session.fit(stage.channel, 'text'))[0] ?? '';

type Optional = Exclude<
  { [Key in keyof Session<Json>]-?: undefined extends Session<Json>[Key] ? Key : never }[keyof Session<Json>],
  undefined
>;

function verb(name: Optional, run: (stage: Stage, ann: Session<Json>) => Promise<void>): Case {
  return {
    name: `verb ${name}`,
    async run({ make, skip }) {
      const stage = await make();
      const ann = await sessionOf(stage, 'ann');
      if (ann[name] === undefined) return skip(`no ${name}`);
      await run(stage, ann);
    },
  };
}

export const verbCases: readonly Case[] = [
  verb('edit', async (stage, ann) => {
    const [id] = await say(stage, ann, 'before');
    await ann.edit?.(at(stage, id), { key: 'edit', channel: stage.channel, body: printed(stage, ann, 'after'), style: 'text' });
    await until('the edit', () => stage.said().some(({ text }) => text === 'after') || undefined);
    const zoe = stage.person('zoe');
    assert.ok(zoe.edit, 'the subject shows edits');
    const said = zoe.say('old');
    zoe.edit(said ?? '', 'new');
    const edit = await event(stage, 'edit');
    assert.equal(edit.target, said);
    assert.equal(toPlain(stage.adapter.formatter.parse(edit.body, stage.channel)), 'new');
  }),
  {
    name: 'edits of several parts',
    async run({ make, skip }) {
      const stage = await make();
      const ann = await sessionOf(stage, 'ann');
      if (ann.edit === undefined) return skip('no edit');
      const parts = [await say(stage, ann, 'part one'), await say(stage, ann, 'part two')];
      for (const [number, [id]] of parts.entries()) {
        const body = printed(stage, ann, `part ${number} anew`);
        await ann.edit(at(stage, id), { key: `edit ${number}`, channel: stage.channel, body, style: 'text' });
      }
      await until('both edits', () => saidBy(stage, ann).at(-1) === 'part 1 anew' || undefined);
      assert.deepEqual(saidBy(stage, ann), ['part 0 anew', 'part 1 anew']);
    },
  },
  verb('redact', async (stage, ann) => {
    assert.ok(stage.see.isRedacted, 'the subject shows redactions');
    const [id] = await say(stage, ann, 'never said');
    await ann.redact?.(stage.channel, at(stage, id), 'a reason');
    await until('the redaction', () => stage.see.isRedacted?.('never said') || undefined);
    const zoe = stage.person('zoe');
    const said = zoe.say('oops');
    zoe.redact?.(said ?? '');
    assert.equal((await event(stage, 'redaction')).target, said);
  }),
  verb('react', async (stage, ann) => {
    assert.ok(stage.see.reactions, 'the subject shows reactions');
    const zoe = stage.person('zoe');
    const said = messageId(zoe.say('good news'));
    await ann.react?.(stage.channel, at(stage, said), '🎉', true, 'react');
    await until('the reaction', () => stage.see.reactions?.().includes(`${nickOf(stage, ann)} 🎉`) || undefined);
    await ann.react?.(stage.channel, at(stage, said), '🎉', true, 'react again');
    await ann.react?.(stage.channel, at(stage, said), '🎉', false, 'react back');
    await until('it taken back', () => !stage.see.reactions?.().includes(`${nickOf(stage, ann)} 🎉`) || undefined);
    const [own] = await say(stage, ann, 'and you?');
    zoe.react?.(own ?? '', '👍', true);
    const on = await event(stage, 'reaction', (each) => each.on);
    // With the selector that Matrix wants, or as the network writes it.
    assert.deepEqual([on.target, on.emoji.replace('\ufe0f', ''), on.sender.name], [own, '👍', 'zoe']);
    zoe.react?.(own ?? '', '👍', false);
    await event(stage, 'reaction', (each) => !each.on);
  }),
  verb('type', async (stage, ann) => {
    assert.ok(stage.see.isTyping, 'the subject shows typing');
    const zoe = stage.person('zoe');
    // Worthless late, it may be lost while a connection is young.
    await until('ann typing', async () => {
      await ann.type?.(stage.channel, true);
      return stage.see.isTyping?.(nickOf(stage, ann)) || undefined;
    });
    await ann.type?.(stage.channel, false);
    await until('ann done', () => !stage.see.isTyping?.(nickOf(stage, ann)) || undefined);
    zoe.type?.();
    assert.equal((await event(stage, 'typing')).sender.name, 'zoe');
  }),
  verb('setTopic', async (stage, ann) => {
    stage.empower(nickOf(stage, ann));
    await ann.setTopic?.(stage.channel, 'a new topic');
    await until('the topic', () => stage.topic() === 'a new topic' || undefined);
  }),
  verb('rename', async (stage, ann) => {
    assert.ok(stage.see.title, 'the subject shows what a place is called');
    stage.empower(nickOf(stage, ann));
    await ann.rename?.(stage.channel, 'another-name');
    await until('the name', () => stage.see.title?.() === 'another-name' || undefined);
  }),
  verb('archive', async (stage, ann) => {
    assert.ok(stage.see.isArchived, 'the subject shows what is archived');
    stage.empower(nickOf(stage, ann));
    await ann.archive?.(stage.channel, true);
    await until('it archived', () => stage.see.isArchived?.() || undefined);
    await ann.archive?.(stage.channel, false);
    await until('it back', () => !stage.see.isArchived?.() || undefined);
  }),
  verb('invite', async (stage) => {
    assert.ok(stage.see.isInvited, 'the subject shows who is invited');
    const zoe = stage.person('zoe');
    zoe.say('hello');
    const { sender } = await event(stage, 'message');
    zoe.leave();
    const bot = await sessionOf(stage, { as: 'bot' });
    stage.empower(nickOf(stage, bot));
    await bot.invite?.(stage.channel, sender.id);
    await until('the invitation', () => stage.see.isInvited?.('zoe') || undefined);
  }),
  verb('pin', async (stage, ann) => {
    assert.ok(stage.see.pinned, 'the subject shows what is pinned');
    stage.empower(nickOf(stage, ann));
    const said = messageId(stage.person('zoe').say('to be kept'));
    for (const times of [1, 2]) {
      await ann.pin?.(stage.channel, at(stage, said), true);
      await until(`the pin (${times})`, () => stage.see.pinned?.().includes('to be kept') || undefined);
    }
    for (const times of [1, 2]) {
      await ann.pin?.(stage.channel, at(stage, said), false);
      await until(`it gone (${times})`, () => !stage.see.pinned?.().includes('to be kept') || undefined);
    }
  }),
  verb('kick', async (stage) => {
    const zoe = stage.person('zoe');
    zoe.say('hello');
    const { sender } = await event(stage, 'message');
    const bot = await sessionOf(stage, { as: 'bot' });
    stage.empower(nickOf(stage, bot));
    await bot.kick?.(stage.channel, sender.id, 'a reason');
    await until('zoe to be out', () => !stage.members().includes('zoe') || undefined);
  }),
  verb('ban', async (stage) => {
    assert.ok(stage.see.isBanned, 'the subject shows who is banned');
    const zoe = stage.person('zoe');
    zoe.say('hello');
    const { sender } = await event(stage, 'message');
    const bot = await sessionOf(stage, { as: 'bot' });
    stage.empower(nickOf(stage, bot));
    await bot.ban?.(stage.channel, sender.id, 'a reason');
    await until('zoe to be banned', () => stage.see.isBanned?.('zoe') || undefined);
    assert.ok(!stage.members().includes('zoe'));
    const op = stage.person('op');
    stage.person('yan');
    if (op.ban === undefined) return;
    op.ban('yan');
    assert.equal((await event(stage, 'membership', ({ change, user }) => change === 'ban' && user.name === 'yan')).by?.name, 'op');
    op.unban?.('yan');
    await event(stage, 'membership', ({ change, user }) => change === 'unban' && user.name === 'yan');
  }),
  verb('unban', async (stage) => {
    const zoe = stage.person('zoe');
    zoe.say('hello');
    const { sender } = await event(stage, 'message');
    const bot = await sessionOf(stage, { as: 'bot' });
    stage.empower(nickOf(stage, bot));
    await bot.ban?.(stage.channel, sender.id);
    for (const _ of [1, 2]) await bot.unban?.(stage.channel, sender.id);
    await until('zoe to be let in', () => stage.see.isBanned?.('zoe') === false || undefined);
  }),
  verb('setPresence', async (stage, ann) => {
    assert.ok(stage.see.away, 'the subject shows who is away');
    await ann.setPresence?.('at lunch');
    await until('ann away', () => stage.see.away?.(nickOf(stage, ann)) === 'at lunch' || undefined);
    await ann.setPresence?.(undefined);
    await until('ann back', () => stage.see.away?.(nickOf(stage, ann)) === undefined || undefined);
  }),
  verb('markRead', async (stage, ann) => {
    assert.ok(stage.see.hasRead, 'the subject shows who has read');
    const said = stage.person('zoe').say('read me');
    await ann.markRead?.(stage.channel, messageId(said));
    await until('the mark', () => stage.see.hasRead?.(nickOf(stage, ann)) || undefined);
  }),
  verb('sent', async (stage, ann) => {
    const since = Date.now();
    const message = (key: string, words: string) => {
      const body = printed(stage, ann, words);
      return { key, channel: stage.channel, body, style: 'text' as const };
    };
    const ask = async (key: string, body: string) => {
      const session = await until('the session', () => sessionOf(stage, 'ann'));
      return await session.sent?.(message(key, body), since, () => false);
    };
    const proved = await ann.send(message('k1', 'first'));
    assert.equal(await ann.sent?.(message('k1', 'first'), since, () => false), proved);
    assert.equal(await ann.sent?.(message('k2', 'second'), since, () => false), undefined);
    stage.cutNext(true);
    assert.ok((await failure(ann.send(message('k2', 'second')))) instanceof UnknownOutcomeError);
    assert.ok((await ask('k2', 'second')) !== undefined, 'arrived, and found');
    stage.cutNext(false);
    const again = await sessionOf(stage, 'ann');
    assert.ok((await failure(again.send(message('k3', 'third')))) instanceof UnknownOutcomeError);
    assert.equal(await ask('k3', 'third'), undefined, 'never arrived, and not found');
  }),
];
