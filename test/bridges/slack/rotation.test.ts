// People's tokens where the app rotates them: every use has the newest, files too, and logging out leaves none alive.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Credentials, remoteUserId, userId } from '#bridge-core';
import { heard, withAdapter } from './with-slack.ts';

const alice = userId('@alice:hs.test');
const day = 13 * 3_600_000;

async function rotating(t: TestContext, keep: (credentials: Credentials) => Promise<void> = async () => {}) {
  const kept: Credentials[] = [];
  const renewed = async (_account: unknown, credentials: Credentials) => {
    kept.push(credentials);
    await keep(credentials);
  };
  const all = await withAdapter(t, { inbox: { renewed } });
  const { slack, app, ann, bob, adapter, events } = all;
  Object.assign(app, { hasTokenRotation: true });
  const { value, refreshToken } = slack.setup.authorize(app, ann.user);
  const credentials = { token: value, refresh: refreshToken ?? '', from: 'oauth' };
  const login = { user: alice, account: remoteUserId('T0001/U0ANN'), network: 'T0001', name: 'Ann', credentials };
  await adapter.signIn(login);
  const dm = bob.open(ann);
  const fileIn = async (words: string) => {
    bob.upload(dm, { name: 'plan.txt', bytes: Buffer.from(`${words}: a plan`), comment: words });
    const { files = [] } = await heard(events, 'message', ({ body }) => body.text === words);
    assert.ok(files[0]);
    return files[0];
  };
  const read = async (file: Awaited<ReturnType<typeof fileIn>>) => await new Response(await adapter.open(file)).text();
  const living = () =>
    slack.world.tokens
      .values()
      .filter((token) => token.user?.id === ann.id && slack.world.isLive(token))
      .map((token) => token.value)
      .toArray();
  return { ...all, kept, login, fileIn, read, living, expire: () => slack.world.clock.forward(day) };
}

test('a file is had by the renewed token, and by one that is renewed for it', { timeout: 180_000 }, async (t) => {
  const { adapter, channel, kept, fileIn, read, expire } = await rotating(t);
  const first = await fileIn('first');
  expire();
  assert.equal(await read(first), 'first: a plan', 'nothing else was asked since it expired');
  assert.equal(kept.length, 1);
  expire();
  const session = await adapter.session({ as: 'user', user: alice }, channel);
  await session.send({ key: 'k', channel, body: { text: 'renewed by this' }, style: 'text' });
  assert.equal(kept.length, 2);
  assert.equal(await read(await fileIn('second')), 'second: a plan');
  assert.equal(kept.length, 2);
});

for (const isExpired of [false, true])
  test(`logging out voids the token that was renewed ${isExpired ? 'and has expired again' : 'last'}`, { timeout: 180_000 }, async (t) => {
    const { adapter, slack, channel, kept, login, living, expire } = await rotating(t);
    expire();
    const session = await adapter.session({ as: 'user', user: alice }, channel);
    await session.send({ key: 'k', channel, body: { text: 'renewed by this' }, style: 'text' });
    assert.equal(living().length, 1);
    if (isExpired) expire();
    await adapter.signOut({ ...login, credentials: kept.at(-1) ?? login.credentials });
    assert.deepEqual(living(), []);
    const args = { client_id: '1.2', client_secret: 'c0de', grant_type: 'refresh_token', refresh_token: kept.at(-1)?.refresh };
    const answer = await fetch(`${slack.apiUrl}oauth.v2.access`, {
      method: 'POST',
      body: new URLSearchParams(args as Record<string, string>),
    });
    assert.equal(((await answer.json()) as { ok: boolean }).ok, false, 'nothing to renew it by is left');
    assert.equal(kept.length, 1, 'who has logged out has nothing kept any more');
  });

test('a renewed token that could not be kept is used all the same', { timeout: 180_000 }, async (t) => {
  const { adapter, channel, ann, general, expire } = await rotating(t, () => Promise.reject(new Error('the disk is full')));
  expire();
  const session = await adapter.session({ as: 'user', user: alice }, channel);
  await session.send({ key: 'k', channel, body: { text: 'all the same' }, style: 'text' });
  assert.equal((await ann.waitForMessage(general, 'all the same')).user, ann.id);
});
