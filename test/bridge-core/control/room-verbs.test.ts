import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RoomVerbsParts, roomVerbs } from '../../../bridge-core/control/room-verbs.ts';
import { roomId, userId } from '../../../bridge-core/ids.ts';
import type { Link } from '../../../bridge-core/plumbing/links.ts';

test('the bot that is being sent out of a room stays where that is linked before it has gone', async () => {
  const [bot, ghost, admin] = ['@bot:hs.test', '@ghost:hs.test', '@op:hs.test'].map(userId) as [never, never, never];
  const room = roomId('!r:hs.test');
  const linked: Link[] = [];
  const gone: string[] = [];
  const [leave] = roomVerbs({
    hasAliases: false,
    permissions: { mustBe: () => {} },
    links: { byRoom: () => linked },
    names: { isGhost: (user: string) => user === ghost },
    homeserver: {
      bot,
      joinedMembers: async () => new Map([bot, ghost].map((user) => [user, {}])),
      leave: async (user: string) => void gone.push(user),
    },
    // In the time that a ghost takes.
    ghosts: { leave: async () => void linked.push({} as Link) },
  } as unknown as RoomVerbsParts<string>).filter(({ names }) => names.includes('leave'));
  const asked = { by: admin, room, isDirect: true } as never;
  await assert.rejects(async () => leave?.run(asked, [room]), /is linked: take the link away first/);
  assert.deepEqual(gone, []);
});
