import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lately } from '../../../bridge-core/appservice/lately.ts';
import { eventId, roomId, userId } from '../../../bridge-core/ids.ts';
import type { MatrixEvent } from '../../../bridge-core/matrix-event.ts';

const event = (number: number, room = 0): MatrixEvent => ({
  ...{
    id: eventId(`$${number}`),
    room: roomId(`!${room}:hs.test`),
    sender: userId('@a:hs.test'),
    type: 'm.room.message',
    at: 0,
    content: {},
  },
});

test('events are known for two minutes at least, and not for ever', () => {
  const lately = new Lately();
  lately.took([event(1)], 1_000_000);
  lately.took([event(2)], 1_119_000);
  lately.took([event(3)], 1_121_000);
  assert.deepEqual(
    [1, 2, 3, 4].map((number) => lately.knows(event(number).id)),
    [true, true, true, false],
  );
  lately.took([event(4)], 1_245_000);
  assert.deepEqual(
    [1, 2, 3, 4].map((number) => lately.knows(event(number).id)),
    [false, false, true, true],
  );
});

test('neither events nor rooms pile up, however much comes', () => {
  const lately = new Lately();
  for (let number = 0; number < 100_000; number += 100)
    lately.took(
      Array.from({ length: 100 }, (_, more) => event(number + more, (number + more) % 5_000)),
      1_000_000,
    );
  assert.ok(lately.knows(event(99_999).id) && !lately.knows(event(10).id));
  assert.equal(lately.rooms().length, 1_000);
  assert.equal(lately.rooms()[0], event(0, 4_999).room);
});
