// The connection between bridge and homeserver is cut at the worst moment, both ways: what took effect is not done again, what
// did not is done.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../quickstart/servers/ports.ts';
import { type Cut, CuttingProxy, type Passing } from '../support/cutting-proxy.ts';
import { until } from '../support/waiting.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 1_000;
const toHomeserver = await CuttingProxy.start();
const toBridge = await CuttingProxy.start();
after(() => Promise.all([toHomeserver.stop(), toBridge.stop()]));
toBridge.target = await freePort();
const stage = await openStage({
  bridges: {
    irc: {
      config: {
        homeserver: { url: toHomeserver.url, domain: 'hs.test' },
        appservice: {
          listen: `127.0.0.1:${toBridge.target}`,
          url: toBridge.url,
          registration: 'irc-registration.yaml',
          bot: 'ircbot',
        },
      },
    },
  },
  async prepare({ synapse }) {
    toHomeserver.target = synapse.port;
  },
});
const { alice } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const bob = await stage.sitIn('Bob', channel);

/** Cuts what fits in the given ways, one after the other. */
function plan(proxy: CuttingProxy, fits: (passing: Passing) => boolean, ...ways: Cut[]) {
  proxy.cuts.length = 0;
  proxy.decide = (passing) => (fits(passing) ? ways.shift() : undefined);
}
const isSend = ({ method, path }: Passing) => method === 'PUT' && path.includes('/send/m.room.message/');
const isJoin = ({ method, path }: Passing) => method === 'POST' && /\/join(\/|\?|$)/.test(path);
const isProfile = ({ method, path }: Passing) => method === 'PUT' && path.includes('/profile/');
const isRegister = ({ path }: Passing) => path.includes('/register');
const isTransaction = ({ method, path }: Passing) => method === 'PUT' && path.includes('/transactions/');

test('a PUT that took effect and whose answer was lost is not said again', async () => {
  bob.say(channel, 'zero');
  await alice.waitForText(room, 'zero');
  const since = alice.mark();
  plan(toHomeserver, isSend, 'answer', 'half', 'request', undefined, 'answer', 'request');
  for (const text of ['one', 'two', 'three', 'four', 'five']) bob.say(channel, text);
  await alice.waitForText(room, 'five', { since, timeout: 60_000 });
  await delay(settle);
  const expected = ['one', 'two', 'three', 'four', 'five'].map((text) => `irc_local_bob: ${text}`);
  assert.deepEqual(roomLines(alice.heard.slice(since), room), expected);
  assert.equal(toHomeserver.cuts.length, 5, String(toHomeserver.cuts));
});

test('somebody new is registered, named and let in over the same cuts, and speaks once', async () => {
  const since = alice.mark();
  const cut = new Set<string>();
  toHomeserver.decide = (passing) => {
    const kind = isRegister(passing)
      ? 'register'
      : isProfile(passing)
        ? 'profile'
        : isJoin(passing)
          ? 'join'
          : isSend(passing)
            ? 'send'
            : '';
    if (kind === '' || cut.has(kind)) return undefined;
    cut.add(kind);
    return 'answer';
  };
  const carol = await stage.sitIn('Carol', channel);
  carol.say(channel, 'I am new');
  await alice.waitForText(room, 'I am new', { since, timeout: 60_000 });
  await delay(settle);
  toHomeserver.decide = () => undefined;
  assert.deepEqual(roomLines(alice.heard.slice(since), room), ['irc_local_carol: I am new']);
  assert.equal((await alice.members(room)).get(stage.ghost('Carol')), 'Carol');
  assert.deepEqual([...cut].sort(), ['join', 'profile', 'register', 'send']);
});

test('a transaction whose 200 was lost comes again and is said once; one that never came is said too', async () => {
  await alice.say(room, 'zero');
  await bob.waitForText(channel, 'zero');
  const since = bob.mark();
  plan(toBridge, isTransaction, 'answer', 'request');
  const texts = ['eins', 'zwei', 'drei', 'vier'];
  for (const text of texts) await alice.say(room, text);
  await bob.waitForText(channel, 'vier', { since, timeout: 60_000 });
  await delay(settle);
  assert.deepEqual(
    ircLines(bob, channel, since),
    texts.map((text) => `alice[m]: ${text}`),
  );
  assert.equal(toBridge.cuts.length, 2, String(toBridge.cuts));
});

test('answers lost at random for a while, in a flow both ways: each line once, in order', async () => {
  const [sinceRoom, sinceIrc] = [alice.mark(), bob.mark()];
  const seed = Number(process.env.CAUSEWAY_SEED ?? Date.now() % 100_000);
  console.log(`# seed ${seed}`);
  let state = seed;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  const ways: Cut[] = ['answer', 'half', 'request'];
  const isUnlucky = (share: number): Cut => (random() < share ? ways[Math.floor(random() * 3)] : undefined);
  toHomeserver.decide = (passing) => (isSend(passing) ? isUnlucky(0.2) : undefined);
  toBridge.decide = (passing) => (isTransaction(passing) ? isUnlucky(0.1) : undefined);
  const fromIrc: string[] = [];
  const fromMatrix: string[] = [];
  for (let at = 0; at < 60; at += 1) {
    fromIrc.push(`down ${at}`);
    bob.say(channel, `down ${at}`);
    if (at % 3 === 0) {
      fromMatrix.push(`up ${at}`);
      await alice.say(room, `up ${at}`);
    }
    await delay(30);
  }
  toHomeserver.decide = () => undefined;
  toBridge.decide = () => undefined;
  await alice.waitForText(room, 'down 59', { since: sinceRoom, timeout: 60_000 });
  await bob.waitForText(channel, 'up 57', { since: sinceIrc, timeout: 60_000 });
  await delay(settle);
  assert.deepEqual(
    roomLines(alice.heard.slice(sinceRoom), room, alice.userId),
    fromIrc.map((text) => `irc_local_bob: ${text}`),
  );
  assert.deepEqual(
    ircLines(bob, channel, sinceIrc),
    fromMatrix.map((text) => `alice[m]: ${text}`),
  );
  await until('the journal to be empty', async () => (await stage.bridge.metric('causeway_journal_rows')) === 0 || undefined);
});
