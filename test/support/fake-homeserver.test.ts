// The fake homeserver where a test would be misled if it lied: what it remembers, forgets, and pushes.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { spawnFakeHomeserver } from './fake-homeserver/remote.ts';
import { type FakeHomeserverOptions, startFakeHomeserver } from './fake-homeserver.ts';

/** An application service that writes down what is pushed; `refusals` times it fails first. */
async function listening(t: TestContext, options: FakeHomeserverOptions, refusals = 0) {
  const pushed: { id: string; bodies: string[] }[] = [];
  let left = refusals;
  const server = createServer(async (request, response) => {
    let text = '';
    try {
      for await (const chunk of request) text += chunk;
    } catch {
      // Broken off: the homeserver is restarted, or the test is over.
      return;
    }
    left -= 1;
    if (left >= 0) {
      response.writeHead(500).end();
      return;
    }
    const events = (JSON.parse(text).events ?? []) as { type: string; content: { body: string } }[];
    const bodies = events.filter(({ type }) => type === 'm.room.message').map(({ content }) => content.body);
    pushed.push({ id: request.url?.split('/').at(-1) ?? '', bodies });
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake = await startFakeHomeserver({ ...options, appserviceUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  t.after(async () => {
    await fake.stop();
    server.closeAllConnections();
    server.close();
  });
  const alice = fake.user('alice');
  const room = fake.createRoom({ creator: alice, members: [fake.bot] });
  const put = async (txn: string) => {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/m.room.message/${txn}`;
    const init = { method: 'PUT', body: '{"body":"x"}', headers: { authorization: `Bearer ${fake.asToken}` } };
    return ((await (await fetch(fake.url + path, init)).json()) as { event_id: string }).event_id;
  };
  return { fake, alice, room, pushed, put };
}

test('a transaction id is remembered until a restart, and not at all where it is told not to', async (t) => {
  const { fake, put } = await listening(t, {});
  const first = await put('1');
  assert.equal(await put('1'), first);
  await fake.restart();
  assert.notEqual(await put('1'), first);
  const forgetful = await listening(t, { remember: false });
  assert.notEqual(await forgetful.put('1'), await forgetful.put('1'));
});

test('events are pushed in order, again under the same number after a failure, from 1 after a restart', async (t) => {
  const { fake, alice, room, pushed } = await listening(t, { backoff: 5 }, 3);
  for (const body of ['a', 'b']) fake.say(alice, room, body);
  await fake.drained();
  fake.say(alice, room, 'c');
  await fake.drained();
  await fake.restart();
  fake.say(alice, room, 'd');
  await fake.drained();
  assert.deepEqual(
    pushed.map(({ id, bodies }) => `${id} ${bodies}`),
    ['1 a,b', '2 c', '1 d'],
  );
  assert.equal(fake.pusher.counts.failed, 3);
});

test('own events come back, and rooms without the application service are none of its business', async (t) => {
  const { fake, alice, pushed, put } = await listening(t, {});
  const elsewhere = fake.createRoom({ creator: alice });
  fake.say(alice, elsewhere, 'private');
  await put('own');
  await fake.drained();
  assert.deepEqual(
    pushed.flatMap(({ bodies }) => bodies),
    ['x'],
  );
});

test('in a process of its own it does the same, and ends when told to', async () => {
  const remote = await spawnFakeHomeserver({ latency: 5 });
  const alice = await remote.call('user', 'alice');
  const room = await remote.call('createRoom', { creator: alice, members: [remote.bot] });
  const said = await remote.flood({ users: [alice], rooms: [room], count: 50, prefix: 'n' });
  const events = await remote.call('messages', room);
  assert.deepEqual(
    events.map(({ event_id, content }) => [event_id, content.body]),
    said.map(({ id }, number) => [id, `n${number}`]),
  );
  await assert.rejects(remote.call('say', alice, '!none', 'x'), /Unknown room/);
  await remote.stop();
});
