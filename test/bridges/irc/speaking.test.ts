// What a session says, on servers of every ability: each line is proved, by whatever the server offers, or fails with a reason.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PermanentError, RetryableError, UnknownOutcomeError } from '#bridge-core';
import { capabilities, type FakeIrcd, type FakeIrcdOptions, startFakeIrcd } from '../../support/fake-ircd.ts';
import { speaker, type Wish, type WithAdapter, withAdapter } from './with-adapter.ts';

type Test = { after(end: () => Promise<void>): void };

async function start(t: Test, server: FakeIrcdOptions = {}, wish: Partial<Wish> = {}): Promise<{ ircd: FakeIrcd; world: WithAdapter }> {
  const ircd = await startFakeIrcd(server);
  const world = withAdapter(t, { port: ircd.port, ...wish });
  t.after(() => ircd.close());
  await world.adapter.connect();
  return { ircd, world };
}

/** The server never deals with the line, and its proof is soon given up; all others have time for theirs. */
async function isSwallowed({ ircd, world: { timing } }: Awaited<ReturnType<typeof start>>, say: () => Promise<unknown>): Promise<void> {
  const { proof } = timing;
  timing.proof = 200;
  ircd.faults.swallow = 1;
  await assert.rejects(say(), UnknownOutcomeError);
  timing.proof = proof;
}

const abilities: Readonly<Record<string, FakeIrcdOptions>> = {
  everything: {},
  'labels and echoes': { capabilities: capabilities('message-tags', 'labeled-response', 'batch', 'echo-message') },
  'labels without echoes': { capabilities: capabilities('message-tags', 'labeled-response', 'batch') },
  'echoes alone': { capabilities: capabilities('echo-message') },
  'tags alone': { capabilities: capabilities('message-tags') },
  'nothing at all': { capabilities: [] },
};

for (const [name, server] of Object.entries(abilities)) {
  test(`lines are proved on a server with ${name}`, async (t) => {
    const { ircd, world } = await start(t, server);
    const id = await world.watch('#proof');
    const zoe = ircd.person('zoe').join('#proof');
    const lines = Array.from({ length: 30 }, (_, at) => `line ${at}`);
    const sent = await Promise.all([...lines.map((line) => world.say('ann', id, line)), world.say('bot', id, 'said by the bot')]);
    assert.deepEqual(
      zoe.texts('#proof').filter((text) => text.startsWith('ann')),
      lines.map((line) => `ann[m]: ${line}`),
    );
    const hasIds = ircd.world.offered.has('message-tags');
    if (hasIds) {
      const stored = ircd.said('#proof').filter((said) => said.nick === 'ann[m]');
      assert.deepEqual(
        sent.slice(0, -1),
        stored.map((said) => said.msgid),
      );
    } else assert.deepEqual(new Set(sent), new Set([undefined]));
    assert.deepEqual(world.texts(), [], 'what we say is no news');
  });
}

test('one unproved line at a time: the next waits for the proof', async (t) => {
  const { ircd, world } = await start(t, {}, { timing: { proof: 60_000 } });
  const id = await world.watch('#slow');
  await world.join('ann', id);
  ircd.faults.latency = 100;
  const since = ircd.mark();
  const both = [world.say('ann', id, 'first'), world.say('ann', id, 'second')];
  await ircd.waitForLine(/PRIVMSG #slow :?first/, { since });
  assert.ok(!ircd.lines('ann[m]').some((line) => line.includes('second')));
  ircd.faults.latency = 0;
  await Promise.all(both);
  assert.deepEqual(
    ircd.said('#slow').map((said) => said.text),
    ['first', 'second'],
  );
});

test('the reporter proves what the server does not echo', async (t) => {
  const { ircd, world } = await start(t, {}, { timing: { proof: 50_000, unsureAfterHandover: 0 } });
  const id = await world.watch('#heard');
  await world.join('ann', id);
  ircd.faults.neverEcho = true;
  const began = performance.now();
  const msgid = await world.say('ann', id, 'only heard');
  assert.ok(performance.now() - began < 40_000);
  assert.equal(msgid, ircd.said('#heard')[0]?.msgid);
});

for (const names of [['echo-message'], ['message-tags', 'labeled-response', 'batch', 'echo-message']]) {
  test(`where a server never keeps its promise of ${names.join(', ')}, the PING behind a line proves it: said once, and the next at once`, async (t) => {
    const wish = { timing: { proof: 200 }, network: { puppets: { max: 0 } } };
    const { ircd, world } = await start(t, { capabilities: capabilities(...names), faults: { neverEcho: true } }, wish);
    const zoe = ircd.person('zoe').join('#mute');
    const id = await world.watch('#mute');
    await world.say('bot', id, 'first');
    world.timing.proof = 60_000;
    const pings = () => ircd.lines().filter((line) => line.includes('PING ')).length;
    const before = pings();
    await world.say('bot', id, 'second');
    assert.deepEqual(zoe.texts('#mute'), ['causeway: first', 'causeway: second']);
    assert.equal(pings(), before + 1, 'behind the line, and no second one after a wait');
    ircd.mode('#mute', '+m');
    await assert.rejects(world.say('bot', id, 'refused'), PermanentError);
  });

  test(`a line without ${names.join(', ')} where others had it is in doubt`, async (t) => {
    const { ircd, world } = await start(t, { capabilities: capabilities(...names) });
    const id = await world.watch('#was');
    await world.say('bot', id, 'shown');
    await isSwallowed({ ircd, world }, () => world.say('bot', id, 'swallowed'));
    await world.say('bot', id, 'shown again');
    assert.deepEqual(
      ircd.said('#was').map(({ text }) => text),
      ['shown', 'shown again'],
    );
  });
}

test('a text that the server rewrites is proved all the same', async (t) => {
  const { ircd, world } = await start(t, { capabilities: capabilities('message-tags') });
  const id = await world.watch('#strip');
  ircd.faults.rewrite = (text) => text.toUpperCase();
  await world.say('ann', id, 'quiet');
  assert.equal(ircd.said('#strip')[0]?.text, 'QUIET');
});

test('a line that vanishes has an unknown outcome, and proves nothing for the next', async (t) => {
  for (const server of [
    {},
    { capabilities: capabilities('message-tags', 'echo-message') },
    { capabilities: capabilities('message-tags') },
  ]) {
    await t.test(`on a server with ${server.capabilities?.length ?? 'all'} capabilities`, async (t) => {
      const { ircd, world } = await start(t, server);
      const id = await world.watch('#void');
      await world.join('ann', id);
      await isSwallowed({ ircd, world }, () => world.say('ann', id, 'lost'));
      await world.say('ann', id, 'found');
      await world.say('ann', id, 'found again');
      await isSwallowed({ ircd, world }, () => world.say('ann', id, 'lost again'));
      assert.deepEqual(
        ircd.said('#void').map((said) => said.text),
        ['found', 'found again'],
      );
    });
  }
});

test('a connection cut before the proof leaves the outcome unknown; what was not sent yet may simply be repeated', async (t) => {
  const { ircd, world } = await start(t, { capabilities: [] }, { timing: { reconnectFirst: 50 } });
  const id = await world.watch('#cut');
  await world.join('ann', id);
  const session = await world.adapter.session(speaker('ann'), id);
  ircd.faults.cutAfterMessage = 1;
  const say = (body: string) => session.send({ key: body, channel: id, body, style: 'text' });
  const [first, second] = await Promise.allSettled([say('first'), say('second')]);
  // The reporter may have heard it before the connection was found to be gone.
  if (first?.status === 'rejected') assert.ok(first.reason instanceof UnknownOutcomeError);
  assert.ok(second?.status === 'rejected' && second.reason instanceof RetryableError);
  assert.ok(second.reason.code === 'NETWORK_UNREACHABLE' || second.reason instanceof UnknownOutcomeError);
  await world.say('ann', id, 'third');
});

test('what a server refuses is refused for good, with its words', async (t) => {
  for (const server of [{}, { capabilities: [] }]) {
    await t.test(server.capabilities === undefined ? 'by label' : 'by name', async (t) => {
      const { ircd, world } = await start(t, server);
      const id = await world.watch('#quiet');
      await world.join('ann', id);
      ircd.mode('#quiet', '+m');
      await assert.rejects(world.say('ann', id, 'let me speak'), (error) => {
        assert.ok(error instanceof PermanentError);
        assert.equal(error.code, 'CHANNEL_CLOSED');
        assert.match(error.message, /#quiet.*Cannot send to channel/);
        return true;
      });
      ircd.mode('#quiet', '-m');
      await world.say('ann', id, 'thanks');
    });
  }
});

test('whoever may not join hears why', async (t) => {
  const { ircd, world } = await start(t);
  const id = await world.watch('#door');
  const cases: [string, string, RegExp, string][] = [
    ['474', 'Cannot join channel (+b)', /banned/, 'CHANNEL_CLOSED'],
    ['473', 'Cannot join channel (+i)', /invitation/, 'CHANNEL_CLOSED'],
    ['475', 'Cannot join channel (+k)', /key/, 'CHANNEL_CLOSED'],
    ['471', 'Cannot join channel (+l)', /full/, 'NETWORK_BUSY'],
    ['477', 'Register first', /registered/, 'CHANNEL_CLOSED'],
    ['470', '#elsewhere', /forwards to #elsewhere/, 'CHANNEL_CLOSED'],
    ['405', 'Too many', /more channels/, 'CHANNEL_CLOSED'],
  ];
  for (const [numeric, text, words, code] of cases) {
    ircd.refuseJoin('#door', numeric, text, 1);
    await assert.rejects(world.join('ann', id), (error) => {
      assert.ok(error instanceof PermanentError || error instanceof RetryableError);
      assert.match(error.message, words);
      assert.equal(error.code, code);
      return true;
    });
  }
  await world.join('ann', id);
});

test('styles become the commands of IRC, and a mark of CTCP in a text is no CTCP', async (t) => {
  const { ircd, world } = await start(t);
  const id = await world.watch('#style');
  await world.say('ann', id, 'waves', 'emote');
  await world.say('ann', id, 'psst', 'notice');
  await world.say('ann', id, '\u0001VERSION\u0001');
  assert.deepEqual(
    ircd.said('#style').map(({ command, text }) => `${command} ${text}`),
    ['PRIVMSG \u0001ACTION waves\u0001', 'NOTICE psst', 'PRIVMSG VERSION'],
  );
});

test('the room for a text is exact: one byte more and the server cuts', async (t) => {
  const { ircd, world } = await start(t);
  const id = await world.watch('#room');
  await world.join('ann', id);
  const zoe = ircd.person('zoe').join('#room');
  const session = await world.adapter.session(speaker('ann'), id);
  const { user, host } = ircd.client('ann[m]');
  for (const style of ['text', 'emote', 'notice'] as const) {
    const fit = session.fit(id, style);
    await world.say('ann', id, 'x'.repeat(fit.bytes), style);
    const heard = zoe.heard.at(-1);
    const line = `:ann[m]!${user}@${host} ${heard?.command} #room :${heard?.params[1]}\r\n`;
    assert.equal(Buffer.byteLength(line), 512);
  }
});
