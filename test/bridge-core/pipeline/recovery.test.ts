// Whether a message of unknown outcome arrived: told by its key and its sender, with as few looks into the room as can be.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PermanentError, UnreachableError } from '../../../bridge-core/errors.ts';
import { eventId, roomId, userId } from '../../../bridge-core/ids.ts';
import { keyField, type MatrixEvent } from '../../../bridge-core/matrix-event.ts';
import { Recovery } from '../../../bridge-core/pipeline/recovery.ts';

const room = roomId('!r:hs');
const ghost = userId('@irc_zoe:hs');
const minute = 60_000;

function event(id: string, key: string | undefined, sender = ghost, at = Date.now()): MatrixEvent {
  return { id: eventId(id), room, sender, type: 'm.room.message', at, content: key === undefined ? {} : { [keyField]: key } };
}

function openRoom(history: MatrixEvent[]) {
  const reads: number[] = [];
  const recovery = new Recovery({
    homeserver: {
      async *messagesBack(_room, until) {
        reads.push(until);
        for (const each of [...history].reverse()) {
          if (each.at < until) return;
          yield each;
        }
      },
    },
  });
  return { recovery, reads, history };
}

const row = (at: number, unknownSince = Date.now()) => ({ at, unknownSince });

test('a key in the room’s history is found, another is not, and one read serves both', async () => {
  const { recovery, reads } = openRoom([event('$1', 'k1'), event('$2', undefined)]);
  const since = row(Date.now() - minute);
  assert.equal(await recovery.find(room, 'k1', ghost, since), '$1');
  assert.equal(await recovery.find(room, 'k2', ghost, since), undefined);
  assert.equal(reads.length, 1);
});

test('a key under another’s name is a copy and proves nothing, whichever came first', async () => {
  for (const history of [
    [event('$mine', 'k'), event('$copy', 'k', userId('@mallory:hs'))],
    [event('$copy', 'k', userId('@mallory:hs')), event('$mine', 'k')],
  ]) {
    const { recovery } = openRoom(history);
    assert.equal(await recovery.find(room, 'k', ghost, row(Date.now())), '$mine');
  }
  const { recovery } = openRoom([event('$copy', 'k', userId('@mallory:hs'))]);
  assert.equal(await recovery.find(room, 'k', ghost, row(Date.now())), undefined);
});

test('what came back by transaction meanwhile saves the read', async () => {
  const { recovery, reads } = openRoom([]);
  assert.equal(await recovery.find(room, 'k1', ghost, row(Date.now())), undefined);
  recovery.arrived(event('$2', 'k2'));
  assert.equal(await recovery.find(room, 'k2', ghost, row(Date.now() - 1, Date.now() + 1)), '$2');
  assert.equal(reads.length, 1);
});

test('an outcome that became unknown after the read is looked for anew', async () => {
  const { recovery, reads, history } = openRoom([]);
  assert.equal(await recovery.find(room, 'k', ghost, row(Date.now())), undefined);
  history.push(event('$late', 'k'));
  assert.equal(await recovery.find(room, 'k', ghost, row(Date.now(), Date.now() + 50)), '$late');
  assert.equal(reads.length, 2);
});

test('a row older than the last read reached is looked for further back', async () => {
  const hourAgo = Date.now() - 60 * minute;
  const { recovery, reads } = openRoom([event('$old', 'old', ghost, hourAgo), event('$new', 'new')]);
  const since = Date.now();
  assert.equal(await recovery.find(room, 'new', ghost, row(Date.now() - minute, since)), '$new');
  assert.equal(await recovery.find(room, 'old', ghost, row(hourAgo, since)), '$old', 'a parked one, tried after the head of the lane');
  assert.equal(reads.length, 2);
});

test('a room is forgotten when nothing is unknown there any more', async () => {
  const { recovery, reads } = openRoom([]);
  await recovery.find(room, 'k', ghost, row(Date.now()));
  recovery.forget(room);
  await recovery.find(room, 'k', ghost, row(Date.now() - 1, Date.now() - 1));
  assert.equal(reads.length, 2);
});

test('a history that cannot be read now is no answer; one that never can is taken for none', async () => {
  const refusing = (error: Error) =>
    new Recovery({
      homeserver: {
        // biome-ignore lint/correctness/useYield: it throws before anything could come
        async *messagesBack() {
          throw error;
        },
      },
    });
  await assert.rejects(
    refusing(new UnreachableError('HOMESERVER_UNREACHABLE', 'away')).find(room, 'k', ghost, row(Date.now())),
    UnreachableError,
  );
  const forbidden = refusing(new PermanentError('FORBIDDEN_IN_ROOM', 'the bot is not in the room'));
  assert.equal(await forbidden.find(room, 'k', ghost, row(Date.now())), undefined);
});
