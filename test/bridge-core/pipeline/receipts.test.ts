// How far people have read, on its way to the network: by whose session, how often, and never back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from '../../../bridge-core/adapter.ts';
import { channelId, eventId, remoteMessageId, roomId, type UserId, userId } from '../../../bridge-core/ids.ts';
import { Receipts } from '../../../bridge-core/pipeline/receipts.ts';
import type { Relation } from '../../../bridge-core/pipeline/relations.ts';
import type { Link } from '../../../bridge-core/plumbing/links.ts';
import { stopClock } from '../../support/clock.ts';

const link: Link = {
  ...{ id: 1, room: roomId('!r'), channel: channelId('n/#a'), origin: 'config', state: 'live', claim: 'none', options: {}, at: 0 },
};
const ann = '@ann:hs.test';

function rig({ sessions = [ann], can = true, every = 60 } = {}) {
  const marks: string[] = [];
  const relation = (number: number): Relation => ({
    ...{ event: eventId(`$${number}`), link: 1, part: 0, remote: remoteMessageId(`m${number}`), kind: 'message' },
    ...{ sender: userId('@zoe:hs.test'), author: undefined, emoji: undefined, text: '', at: number },
  });
  const receipts = new Receipts({
    every,
    adapter: {
      openSession: (speaker) => {
        if (speaker.as !== 'user' || !sessions.includes(speaker.user)) return undefined;
        const markRead = async (_: unknown, upTo: string) => void marks.push(`${speaker.user} ${upTo}`);
        return (can ? { markRead } : {}) as unknown as Session;
      },
    },
    relations: { ofEvent: (event) => (/^\$\d+$/.test(event) ? [relation(Number(event.slice(1)))] : []) },
    isOurs: (user: UserId) => user.startsWith('@fake_'),
    attempt: (work) => void work(),
  });
  const read = (id: string, user = ann, data: unknown = { ts: 1 }) =>
    receipts.fromMatrix({ type: 'm.receipt', content: { [id]: { 'm.read': { [user]: data } } } }, [link]);
  return { marks, read };
}

test('what somebody read is marked by their own session at once', () => {
  const { marks, read } = rig();
  read('$1');
  assert.deepEqual(marks, ['@ann:hs.test m1']);
});

test('of what is read soon after, the newest alone is marked, once it is time; nothing goes back', async (t) => {
  const clock = stopClock(t);
  const { marks, read } = rig();
  for (const id of ['$1', '$2', '$9', '$3']) read(id);
  assert.deepEqual(marks, ['@ann:hs.test m1']);
  await clock.pass(59);
  assert.equal(marks.length, 1);
  await clock.pass(1);
  assert.deepEqual(marks, ['@ann:hs.test m1', '@ann:hs.test m9']);
  await clock.pass(200);
  assert.equal(marks.length, 2);
  read('$10');
  assert.equal(marks.at(-1), '@ann:hs.test m10', 'at rest again, at once');
});

test('people do not wait for each other', () => {
  const { marks, read } = rig({ sessions: [ann, '@bob:hs.test'] });
  read('$1');
  read('$1', '@bob:hs.test');
  assert.equal(marks.length, 2);
});

test('nothing is marked without an own session, a way to mark, a known message, or for a thread alone', () => {
  const without = rig({ sessions: [] });
  without.read('$1');
  const unable = rig({ can: false });
  unable.read('$1');
  const able = rig({ sessions: [ann, '@fake_zoe:hs.test'] });
  able.read('$unknown');
  able.read('$1', '@fake_zoe:hs.test');
  able.read('$1', ann, { ts: 1, thread_id: '$root' });
  assert.deepEqual([...without.marks, ...unable.marks, ...able.marks], []);
  able.read('$1', ann, { ts: 1, thread_id: 'main' });
  assert.equal(able.marks.length, 1);
});

test('whatever a receipt holds, it does no harm', () => {
  const { marks, read } = rig();
  for (const odd of [undefined, null, 7, 'x', []]) read('$1', '@x', odd);
  assert.deepEqual(marks, []);
});
