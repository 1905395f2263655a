// What dashboards of older bridges ask for, told from what the store has.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OldFigureParts, showOldFigures } from '../../bridge-core/bridge-old-figures.ts';
import { eventId, remoteUserId, userId } from '../../bridge-core/ids.ts';
import { openMetrics, renderMetrics } from '../../bridge-core/observe/metrics.ts';
import { Activity } from '../../bridge-core/pipeline/activity.ts';
import { type Relation, Relations } from '../../bridge-core/pipeline/relations.ts';
import { openTempStore } from '../support/temp-store.ts';

const hour = 3_600_000;
const ago = (hours: number): number => Date.now() - hours * hour;

function said(event: string, link: number, who: string, at: number, more: Partial<Relation> = {}): Relation {
  const author = who.startsWith('@') ? undefined : remoteUserId(who);
  const sender = userId(author === undefined ? who : `@ghost_${who}:hs`);
  return {
    ...{ event: eventId(event), link, part: 0, remote: undefined, kind: 'message', sender, author, emoji: undefined, text: undefined },
    ...{ at, ...more },
  };
}

test('who and what was active is told from what was carried, by network, with the gauges of old', async (t) => {
  const { store } = openTempStore(t);
  const relations = new Relations({ store });
  await store.write(() => {
    relations.write(said('$1', 1, '@alice:hs', ago(2)));
    relations.write(said('$2', 1, 'T1/U1', ago(0.1)));
    relations.write(said('$3', 2, 'T1/U1', ago(30)));
    relations.write(said('$4', 2, 'T1/U2', ago(24 * 40)));
    relations.write(said('$5', 3, 'T2/U9', ago(24 * 8)));
    relations.write(said('$6', 3, '@bob:hs', ago(1), { kind: 'reaction', author: remoteUserId('T2/BOT') }));
    relations.write(said('$7', 9, '@carol:hs', ago(1)));
  });
  const link = (id: number, channel: string) => ({ id, room: `!r${id}:hs`, channel, state: 'live' });
  const all = [link(1, 'T1/C1'), link(2, 'T1/D1'), link(3, 'T2/C1'), { ...link(4, 'T2/C2'), state: 'suspended' }];
  const channels = {
    describe: (id: string) => ({ network: { id: id.slice(0, 2) }, kind: id.includes('/D') ? 'direct' : 'public' }),
  };
  const login = (account: string, state: string) => ({ account, state, network: 'T1' });
  const metrics = openMetrics('ages');
  t.after(() => metrics.close());
  showOldFigures({
    ...{ metrics, store, adapter: { logins: [{}], channels }, links: { all: () => all, get: (id: number) => all[id - 1] } },
    logins: { all: () => [login('T1/U1', 'live'), login('T1/U2', 'refused')] },
  } as unknown as OldFigureParts<string>);
  const figures = (await renderMetrics())
    .split('\n')
    .filter((line) => line.includes('bridge="ages"'))
    .map((line) => line.replace('bridge="ages",', '').replace('{bridge="ages"}', ''));
  assert.deepEqual(figures.sort(), [
    'bridge_active_rooms{team_id="T1",type="channel"} 1',
    'bridge_active_rooms{team_id="T1",type="user"} 1',
    'bridge_active_rooms{team_id="T2",type="channel"} 1',
    'bridge_active_users{remote="false",team_id="T1"} 1',
    'bridge_active_users{remote="true",team_id="T1"} 1',
    'bridge_active_users{remote="true",team_id="T2"} 1',
    'bridge_matrix_configured_rooms 3',
    'bridge_matrix_ghosts 0',
    'bridge_matrix_rooms_by_age{age="1d"} 1',
    'bridge_matrix_rooms_by_age{age="1h"} 1',
    'bridge_matrix_rooms_by_age{age="7d"} 2',
    'bridge_matrix_users_by_age{age="1d"} 1',
    'bridge_matrix_users_by_age{age="1h"} 0',
    'bridge_matrix_users_by_age{age="7d"} 1',
    'bridge_remote_configured_rooms 3',
    'bridge_remote_monthly_active_users 2',
    'bridge_remote_puppets{team_id="T1"} 1',
    'bridge_remote_rooms_by_age{age="1d"} 1',
    'bridge_remote_rooms_by_age{age="1h"} 1',
    'bridge_remote_rooms_by_age{age="7d"} 2',
    'bridge_remote_users_by_age{age="1d"} 1',
    'bridge_remote_users_by_age{age="1h"} 1',
    'bridge_remote_users_by_age{age="7d"} 1',
  ]);
});

test('many messages of one moment are all read, and what comes later is read on from there', async (t) => {
  const { store } = openTempStore(t);
  const relations = new Relations({ store });
  const at = ago(3);
  await store.write(() => {
    for (let number = 0; number < 2_500; number += 1) relations.write(said(`$${number}`, 1, `n/p${number}`, at));
  });
  const activity = new Activity({ store, every: 0 });
  const hasty = new Activity({ store, every: 0, patience: 0 });
  assert.equal((await hasty.recent()).size, 0, 'a part of them would be no figure');
  assert.equal((await activity.recent()).get(1)?.remote.size, 2_500);
  await store.write(() => relations.write(said('$late', 1, 'n/late', at - 60_000)));
  await store.write(() => relations.write(said('$new', 1, 'n/new', Date.now())));
  assert.equal((await activity.recent()).get(1)?.remote.size, 2_502);
});
