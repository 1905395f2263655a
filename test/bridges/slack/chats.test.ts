// Direct and group chats of people who are logged in, over a whole bridge: nothing of them is lost while it is away, nor while their
// login is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { bodiesIn, logIn, roomWith } from './matrix-side.ts';
import { type WholeBridge, wholeBridge } from './whole-bridge.ts';
import { givenUp } from './with-slack.ts';

test('what was said in a direct and in a group chat while the bridge was away is there after it came up, once and in order', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, bob, slack, team, homeserver, person } = bridge;
  const cid = slack.addPerson(team, { id: 'U0CID', name: 'cid', realName: 'Cid Example' });
  await logIn(bridge);
  const places = [bob.open(ann), bob.open(ann, cid)];
  const rooms: string[] = [];
  for (const [number, place] of places.entries()) {
    bob.say(place, `first ${number}`);
    const room = await roomWith(bridge, `first ${number}`);
    rooms.push(room);
    homeserver.join(person, room);
  }
  await bridge.restart(async () => {
    for (const [number, place] of places.entries()) {
      bob.say(place, `meanwhile ${number}`);
      bob.say(place, `meanwhile too ${number}`);
    }
    for (const number of places.keys()) await givenUp(slack, `meanwhile too ${number}`);
  });
  for (const [number, place] of places.entries()) bob.say(place, `after ${number}`);
  for (const [number, room] of rooms.entries()) {
    await until(`after ${number}`, () => bodiesIn(bridge, room).includes(`after ${number}`) || undefined);
    const said = bodiesIn(bridge, room).filter((body) => /^(?:first|meanwhile|after)/.test(body));
    assert.deepEqual(said, [`first ${number}`, `meanwhile ${number}`, `meanwhile too ${number}`, `after ${number}`]);
  }
  homeserver.say(person, rooms[0] ?? '', 'and back');
  assert.equal((await bob.waitForMessage(places[0] ?? '', 'and back')).user, ann.id);
});

test('what was said in a chat while its person had no login is there once they log in again', { timeout: 180_000 }, async (t) => {
  for (const isOld of [false, true]) await loggedInAgain(await wholeBridge(t), isOld);
});

/** `isOld`: they had the chat already, and it is known by their list. */
async function loggedInAgain(bridge: WholeBridge, isOld: boolean): Promise<void> {
  const { ann, bob, app, homeserver, person } = bridge;
  if (isOld) bob.open(ann);
  const chat = await logIn(bridge);
  const dm = bob.open(ann);
  bob.say(dm, 'before');
  const room = await roomWith(bridge, 'before');
  homeserver.join(person, room);
  ann.revokeApp(app);
  await until('the end of the login', () => bodiesIn(bridge, chat).some((body) => /log in again|no longer/i.test(body)) || undefined);
  bob.say(dm, 'meanwhile');
  await logIn(bridge, chat);
  bob.say(dm, 'after');
  await until('after', () => bodiesIn(bridge, room).includes('after') || undefined);
  assert.deepEqual(
    bodiesIn(bridge, room).filter((body) => /^(?:before|meanwhile|after)$/.test(body)),
    ['before', 'meanwhile', 'after'],
  );
}
