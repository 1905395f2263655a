// What becomes of the bot where nothing is linked any more.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Vacating } from '../../../bridge-core/control/vacating.ts';
import { PermanentError, RetryableError, UnreachableError } from '../../../bridge-core/errors.ts';
import { channelId, type RoomId, roomId, type UserId } from '../../../bridge-core/ids.ts';
import { Links } from '../../../bridge-core/plumbing/links.ts';
import { openNotes } from '../../../bridge-core/store/notes.ts';
import { openTempStore } from '../../support/temp-store.ts';
import { silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';

const [bot, ghost, ann] = ['@bot:hs', '@ghost:hs', '@ann:hs'] as UserId[];

function scene(t: TestContext) {
  const { store } = openTempStore(t);
  const links = new Links({ store });
  const left: string[] = [];
  const refusals: Error[] = [];
  /** While a ghost goes. */
  const meanwhile: (() => Promise<unknown>)[] = [];
  const begin = (after: number) => {
    const vacating = new Vacating({
      ...{ links, notes: openNotes(store), log: silentLog, after, again: 5 },
      adapter: {
        depart: async (channel) => {
          const refusal = refusals.shift();
          if (refusal !== undefined) throw refusal;
          left.push(channel);
        },
      },
      homeserver: {
        bot: bot as UserId,
        joinedMembers: async () => new Map([bot, ghost, ann].map((user) => [user as UserId, {}])),
        leave: async (user: UserId, room: RoomId) => void left.push(`${user} ${room}`),
      },
      names: { isGhost: (user) => user === ghost },
      ghosts: {
        leave: async (user, room) => {
          left.push(`${user} ${room}`);
          await meanwhile[0]?.();
        },
      },
      isNeeded: (room) => room === '!chat:hs',
    });
    t.after(() => vacating.stop());
    vacating.start();
    return vacating;
  };
  const link = (room: string, channel: string, origin: 'command' | 'portal' = 'command') =>
    links.add({ room: roomId(room), channel: channelId(channel), origin });
  return { store, links, left, begin, link, refusals, meanwhile };
}

test('while the network is away the bot does not leave, but once it is there again; what it refuses is not asked again', async (t) => {
  const { links, left, begin, link, refusals } = scene(t);
  begin(1);
  refusals.push(new UnreachableError('NETWORK_UNREACHABLE', 'away'), new RetryableError('NETWORK_BUSY', 'later'));
  await links.remove((await link('!a:hs', 'n/#a')).id);
  await until('the channel', () => left.includes('n/#a'));
  assert.equal(refusals.length, 0);
  refusals.push(new PermanentError('NETWORK_REFUSED', 'no'));
  await links.remove((await link('!b:hs', 'n/#b')).id);
  await until('the room', () => left.includes('@bot:hs !b:hs'));
  await until('the refusal', () => refusals.length === 0);
  await links.remove((await link('!c:hs', 'n/#c')).id);
  await until('another', () => left.includes('n/#c'));
  assert.ok(!left.includes('n/#b'));
});

test('a while after the last link is gone the bot leaves room and channel with its ghosts, where nothing else needs it', async (t) => {
  const { links, left, begin, link } = scene(t);
  begin(1);
  const [one, other] = [await link('!a:hs', 'n/#a'), await link('!a:hs', 'n/#b')];
  await links.remove(one.id);
  await until('the channel', () => left.length > 0);
  assert.deepEqual(left, ['n/#a']);
  await links.remove(other.id);
  await until('the rest', () => left.length === 4);
  assert.deepEqual(left.slice(1).sort(), ['@bot:hs !a:hs', '@ghost:hs !a:hs', 'n/#b']);
  // Chats with the bot and rooms of its own stay.
  for (const each of [await link('!chat:hs', 'n/#c'), await link('!made:hs', 'n/#d', 'portal'), await link('!e:hs', 'n/#e')])
    await links.remove(each.id);
  await until('the last', () => left.includes('@bot:hs !e:hs') && left.includes('n/#c'));
  assert.ok(!left.some((each) => /!chat|!made|#d/.test(each)));
});

test('what is linked again meanwhile is not left, and what is due is left after a restart', async (t) => {
  const { store, links, left, begin, link } = scene(t);
  const first = begin(60_000);
  await links.remove((await link('!a:hs', 'n/#a')).id);
  await links.remove((await link('!b:hs', 'n/#b')).id);
  await link('!a:hs', 'n/#a');
  await store.flush();
  first.stop();
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 61_000 });
  begin(60_000);
  await until('the rest', () => left.length === 3);
  assert.deepEqual(left.sort(), ['@bot:hs !b:hs', '@ghost:hs !b:hs', 'n/#b']);
});

test('a room that is linked again while its ghosts go is not left by the bot', async (t) => {
  const { links, left, begin, link, meanwhile } = scene(t);
  begin(1);
  const done = Promise.withResolvers<void>();
  meanwhile.push(async () => {
    await link('!a:hs', 'n/#b');
    setTimeout(done.resolve, 20);
  });
  await links.remove((await link('!a:hs', 'n/#a')).id);
  await done.promise;
  assert.ok(!left.includes('@bot:hs !a:hs'), left.join());
});
