// Addresses of messages, from one side to the other; and those of places that not everybody may know of, which stay as they are.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { type Pipeline, startPipeline } from './pipeline-rig.ts';

const last = (p: Pipeline, room: string) => p.hs.messages(room).at(-1);
const wide = { adapter: { bytes: 2_000, threads: true } } as const;

test('a message’s address on the network is the event’s in the room, and the other way round', async (t) => {
  const p = await startPipeline(t, wide);
  const room = p.room();
  await p.link(room, '#chan');
  const first = p.network.say('zoe', '#chan', 'first').id;
  await p.settled();
  const event = last(p, room)?.event_id ?? '';
  p.network.say('zoe', '#chan', `as I said at https://fake.test/log/chan/${first}, no`);
  await p.settled();
  const to = `https://matrix.to/#/${room}/${event}?via=hs.test`;
  assert.equal(last(p, room)?.content.body, `as I said at ${to}, no`);

  p.hs.say(p.alice, room, `you said ${to} and <https://matrix.to/#/${room}/%24unknown>`);
  await p.settled();
  assert.match(p.network.said('#chan').at(-1) ?? '', new RegExp(`you said https://fake\\.test/log/chan/${first} and .*matrix\\.to`));
  p.hs.say(p.alice, room, {
    ...{ msgtype: 'm.text', body: 'see that', format: 'org.matrix.custom.html' },
    formatted_body: `see <a href="matrix:roomid/${room.slice(1)}/e/${event.slice(1)}?via=hs.test">that</a>`,
  });
  await p.settled();
  assert.match(p.network.said('#chan').at(-1) ?? '', new RegExp(`https://fake\\.test/log/chan/${first}`));
});

test('what was said in a thread is found with it; what is not known is the room', async (t) => {
  const p = await startPipeline(t, wide);
  const room = p.room();
  await p.link(room, '#chan');
  const root = p.network.say('zoe', '#chan', 'first').id;
  const reply = p.network.say('yan', '#chan', 'a reply', { thread: root }).id;
  await p.settled();
  const event = last(p, room)?.event_id ?? '';
  p.hs.say(p.alice, room, `https://matrix.to/#/${room}/${event}`);
  await p.settled();
  assert.match(p.network.said('#chan').at(-1) ?? '', new RegExp(`/log/chan/${reply}\\?thread=${root}`));
  p.network.say('zoe', '#chan', 'https://fake.test/log/chan/m999 and https://fake.test/log/nowhere/m1');
  await p.settled();
  assert.equal(last(p, room)?.content.body, `https://matrix.to/#/${room}?via=hs.test and https://fake.test/log/nowhere/m1`);
});

test('of a private place nothing is told but in itself', async (t) => {
  const p = await startPipeline(t, wide);
  const [open, hidden] = [p.room(), p.room()];
  await p.link(open, '#open');
  await p.link(hidden, '#hidden');
  p.parts.adapter.channels.hidden.add('#hidden');
  const secret = p.network.say('zoe', '#hidden', 'a secret').id;
  const known = p.network.say('zoe', '#open', 'known to all').id;
  await p.settled();
  const [secretEvent, knownEvent] = [last(p, hidden)?.event_id, last(p, open)?.event_id];
  const there = `https://fake.test/log/hidden/${secret}`;
  p.network.say('zoe', '#open', there);
  p.network.say('zoe', '#hidden', `${there} and https://fake.test/log/open/${known}`);
  p.hs.say(p.alice, open, `https://matrix.to/#/${hidden}/${secretEvent} https://matrix.to/#/${hidden}`);
  p.hs.say(p.alice, hidden, `https://matrix.to/#/${hidden}/${secretEvent} https://matrix.to/#/${open}/${knownEvent}`);
  await p.settled();
  await until('all', () => p.network.said('#hidden').length === 3 && p.network.said('#open').length === 3);
  assert.ok(p.inRoom(open).includes(`zoe: ${there}`), 'as it was');
  assert.ok(
    p
      .inRoom(hidden)
      .includes(`zoe: https://matrix.to/#/${hidden}/${secretEvent}?via=hs.test and https://matrix.to/#/${open}/${knownEvent}?via=hs.test`),
  );
  assert.doesNotMatch(p.network.said('#open').at(-1) ?? '', /log\/hidden/);
  assert.match(p.network.said('#hidden').at(-1) ?? '', new RegExp(`log/hidden/${secret} https://fake\\.test/log/open/${known}`));
});

test('nor of one of which nobody knows yet what it is, as after a start', async (t) => {
  const p = await startPipeline(t, wide);
  const [open, hidden] = [p.room(), p.room()];
  await p.link(open, '#open');
  await p.link(hidden, '#hidden');
  const { channels } = p.parts.adapter;
  const describe = channels.describe.bind(channels);
  const known = t.mock.method(channels, 'describe', (id: Parameters<typeof describe>[0]) => {
    const { kind: _, ...told } = describe(id);
    return id.endsWith('#hidden') ? { ...told, isUnknown: true as const } : told;
  });
  const there = `https://fake.test/log/hidden/${p.network.say('zoe', '#hidden', 'a secret').id}`;
  await p.settled();
  p.network.say('zoe', '#open', there);
  await p.settled();
  assert.ok(p.inRoom(open).includes(`zoe: ${there}`), 'as it was');
  known.mock.restore();
  p.network.say('zoe', '#open', `now: ${there}`);
  await p.settled();
  assert.match(p.inRoom(open).at(-1) ?? '', new RegExp(`now: https://matrix.to/#/${hidden}`));
});
