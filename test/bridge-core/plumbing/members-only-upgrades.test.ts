// A room of a private channel that another takes the place of: made by whoever could, and open to whom they like.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inFake } from '../../support/fake-adapter.ts';
import { until } from '../../support/waiting.ts';
import { startLoggedIn } from '../logged-in.ts';

for (const power of [100, 0])
  test(`its successor, where the bot has ${power} of power, is ${power > 0 ? 'closed to others before anything is shown there' : 'shown nothing'}`, async (t) => {
    const bridge = await startLoggedIn(t, {
      settings: 'portals: { aliases: true }\nmembership: { per_second: 1000 }',
      options: { mirror: { channels: true, people: 'off', isPrivateToo: true } },
    });
    const { homeserver, network, ada, bob } = bridge;
    const state = (room: string, type: string, key = '') => homeserver.room(room).stateOf(type, key)?.content;
    const infoKey = 'dev.causeway://fake/fake/#den';
    await bridge.logIn(ada, bob);
    network.channel('#den');
    bridge.adapter().channels.hidden.add('#den');
    network.join('ada', '#den');
    bridge.adapter().inbox.changed?.(inFake('#den'));
    const room = await until('the room', () => [...homeserver.world.rooms.keys()].find((each) => state(each, 'm.bridge', infoKey)));
    await until('her to be asked in', () => homeserver.room(room).membership(ada) === 'invite');
    homeserver.join(ada, room);
    const levels = { ...state(room, 'm.room.power_levels') };
    homeserver.setState(homeserver.bot, room, 'm.room.power_levels', '', { ...levels, users: { ...(levels.users as object), [ada]: 100 } });
    const made = homeserver.createRoom({
      ...{ creator: ada, version: '11', members: [bob], levels: { users: { [ada]: 100, [homeserver.bot]: power } } },
      creation: { predecessor: { room_id: room } },
    });
    // The bot is slow to close it, or to find out that it may not, and what is said waits meanwhile.
    homeserver.fault({ on: power > 0 ? 'POST .*/kick' : 'PUT .*/state/m.room.join_rules', times: 1, act: { wait: 300 } });
    homeserver.setState(ada, room, 'm.room.tombstone', '', { body: 'moved', replacement_room: made });
    // Who is there is asked for once the link has moved: what is said before that may still go into the old room.
    await until('it to be followed', () => homeserver.requests.some(({ path }) => path.endsWith(`${made}/joined_members`)));
    network.say('zoe', '#den', 'between us');
    const order = () => homeserver.events(made).map(({ type, state_key, content }) => [type, state_key, content.body] as const);
    if (power > 0) {
      await until('the words', () => bridge.spoken(made).includes('fake_zoe: between us'));
      await until('what it leads to', () => state(made, 'm.bridge', infoKey));
      assert.deepEqual([homeserver.room(made).membership(bob), state(made, 'm.room.join_rules')?.join_rule], ['leave', 'invite']);
      const out = order().findLastIndex(([type, user]) => type === 'm.room.member' && user === bob);
      assert.ok(order().findIndex(([type, , body]) => type === 'm.bridge' || body === 'between us') > out);
    } else {
      await bridge.hears(made, /cannot be kept to its people/);
      await bridge.settled();
      assert.ok(!JSON.stringify(homeserver.events(made)).includes('between us'));
      assert.deepEqual([state(made, 'm.bridge', infoKey), state(room, 'm.room.tombstone')?.replacement_room], [undefined, made]);
    }
  });
