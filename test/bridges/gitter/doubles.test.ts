// People who are shown in Matrix as themselves for what they say in Gitter by other means, over a restart: what they said meanwhile is theirs,
// what they said through us is not shown again, though its answer was lost, and nothing of it goes back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

const quickly = { timeout: 180_000 };
const unlimited = { rate: { calls: 100_000, window: 60_000 } };

for (const [how, wait] of [
  ['at once', 0],
  ['late', 1_500],
] as const)
  test(`over a restart, after which her account is there again ${how}`, quickly, async (t) => {
    const config = { double_puppeting: 'namespace' };
    const bridge = await wholeBridge(t, { isApproved: true, gitter: unlimited, config, userNamespace: '.*' });
    const { ann, bob, gitter, homeserver, matrixRoom, person, room, url } = bridge;
    const chat = homeserver.createRoom({ creator: person, isDirect: true });
    homeserver.invite(person, chat, homeserver.bot, { is_direct: true });
    const answers = () =>
      homeserver.messages(chat).flatMap(({ sender, content }) => (sender === homeserver.bot ? [String(content.body)] : []));
    await until('a greeting', () => answers().length > 0);
    homeserver.say(person, chat, 'login token');
    await until('to be asked for it', () => answers().some((body) => /token/i.test(body)));
    homeserver.say(person, chat, gitter.tokenOf(ann));
    await until('the login', () => answers().some((body) => /ann on Gitter/.test(body)));
    const shown = () => homeserver.messages(matrixRoom).map(({ sender, content }) => `${sender}: ${content.body}`);
    const there = (words: string) => until(`${words} there`, () => room.messages.some(({ text }) => text === words));
    const here = (words: string) => until(`${words} here`, () => shown().some((line) => line.endsWith(`: ${words}`)));

    homeserver.say(person, matrixRoom, 'through us');
    await there('through us');
    // Nobody hears it come back, nor can ask for it, before the restart.
    gitter.deliveryFault({ on: 'chatMessages/create', act: 'lose' });
    gitter.fault({ on: 'POST /rooms/:room/chatMessages', times: 1, act: { drop: 'after' } });
    gitter.fault({ on: 'GET /rooms/:room/chatMessages', act: { status: 502 } });
    homeserver.say(person, matrixRoom, 'in doubt');
    await there('in doubt');
    await bridge.stop();
    ann.say(room, 'meanwhile');
    gitter.clearFaults();
    gitter.fault({ username: 'ann', act: { wait } });
    await bridge.restart();
    ann.say(room, 'just after');
    await here('just after');
    // What we sent as her comes back from Matrix after the next restart alone.
    homeserver.pushTo('http://127.0.0.1:9');
    ann.say(room, 'not told of yet');
    await here('not told of yet');
    await bridge.restart();
    assert.ok(homeserver.pusher.waiting > 0);
    homeserver.pushTo(url);
    homeserver.say(person, matrixRoom, 'through us again');
    await there('through us again');
    bob.say(room, 'the last');
    await here('the last');
    assert.deepEqual(
      room.messages.map(({ user, text }) => `${user.username}: ${text}`),
      [
        ...['through us', 'in doubt', 'meanwhile', 'just after', 'not told of yet', 'through us again'].map((words) => `ann: ${words}`),
        'bob: the last',
      ],
    );
    const hers = ['through us', 'in doubt', 'meanwhile', 'just after', 'not told of yet', 'through us again'];
    assert.deepEqual(shown(), [...hers.map((words) => `${person}: ${words}`), `@gitter_${bob.id}:hs.test: the last`]);
  });
