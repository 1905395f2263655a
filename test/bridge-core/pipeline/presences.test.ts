// Whether people are there, told on the network once it has stood for a while.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from '../../../bridge-core/adapter.ts';
import { channelId, type UserId, userId } from '../../../bridge-core/ids.ts';
import { Presences } from '../../../bridge-core/pipeline/presences.ts';
import type { Link } from '../../../bridge-core/plumbing/links.ts';

const [ann, eve] = [userId('@ann:hs.test'), userId('@eve:hs.test')];

function begin() {
  const told: (string | undefined)[] = [];
  const session = { setPresence: async (away) => void told.push(away) } as Partial<Session> as Session;
  const link = (name: string, state: Link['state']) => ({ channel: channelId(`fake/${name}`), state }) as Link;
  const presences = new Presences<string>({
    adapter: { openSession: (speaker) => (speaker.as === 'user' && speaker.user === ann ? session : undefined) },
    links: { all: () => [link('#one', 'live'), link('#two', 'live'), link('#three', 'suspended')] },
    isOurs: () => false,
    attempt: (work) => void work(),
    settle: 20,
  });
  const is = (presence: string, user: UserId = ann) => presences.fromMatrix({ type: 'm.presence', sender: user, content: { presence } });
  return { told, is };
}

test('who goes and comes is told once for all their channels; a glance in between is not', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { told, is } = begin();
  for (const presence of ['offline', 'online', 'unavailable']) is(presence);
  t.mock.timers.tick(19);
  assert.deepEqual(told, []);
  t.mock.timers.tick(1);
  assert.deepEqual(told, ['away']);
  for (const presence of ['offline', 'online', 'unavailable']) is(presence);
  is('online', eve);
  t.mock.timers.tick(1_000);
  assert.deepEqual(told, ['away']);
  is('online');
  t.mock.timers.tick(20);
  assert.deepEqual(told, ['away', undefined]);
});
