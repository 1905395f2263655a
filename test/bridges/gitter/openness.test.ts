// Rooms that were made for rooms of Gitter, while these are for all and while they are not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

const quickly = { timeout: 180_000 };

test(
  'a room that is made private is shown no longer in what its alias led into, and offered to nobody, until it is public again',
  quickly,
  async (t) => {
    const bridge = await wholeBridge(t, { config: { portals: { aliases: true, directory: true } } });
    const { ann, gitter, homeserver, person } = bridge;
    const garden = gitter.addRoom('org/garden', [ann]);
    const alias = '#gitter_org=2Fgarden:hs.test';
    const ask = () => homeserver.pusher.ask('GET', `/_matrix/app/v1/rooms/${encodeURIComponent(alias)}`);
    assert.equal((await ask()).status, 200);
    const portal = homeserver.world.aliases.get(alias) ?? '';
    homeserver.join(person, portal);
    await gitter.waitForListener(garden, 'matrixbot');
    const said = () => homeserver.messages(portal).map(({ content }) => String(content.body));
    gitter.makePrivate(garden);
    ann.say(garden, 'not for everybody from now on');
    await until('the words for it', () => said().find((line) => /The channel is private now/.test(line)));
    await until('the alias gone', () => !homeserver.world.aliases.has(alias) || undefined);
    await until('the directory without it', () => !homeserver.world.listed.has(portal) || undefined);
    ann.say(garden, 'not for everybody');
    assert.notEqual((await ask()).status, 200);
    gitter.makePrivate(garden, false);
    await until('the alias again', async () => {
      await ask();
      return homeserver.world.aliases.get(alias) === portal || undefined;
    });
    await until('the words for it', () => said().find((line) => /is shown here again/.test(line)));
    await gitter.waitForListener(garden, 'matrixbot');
    ann.say(garden, 'for everybody');
    await until('the words', () => said().includes('for everybody') || undefined);
    assert.deepEqual(
      said().filter((line) => line.startsWith('not for everybody')),
      [],
    );
  },
);
