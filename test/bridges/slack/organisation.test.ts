// A workspace of an organisation whose token serves all of its workspaces: each call says which one is meant.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AdapterTools } from '#bridge-core';
import { SlackAdapter } from '../../../bridges/slack/adapter.ts';
import type { SlackBody } from '../../../bridges/slack/body.ts';
import { startFakeSlack } from '../../support/fake-slack.ts';
import { keepTools } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { quick, settingsFor } from './with-slack.ts';

test('an organisation’s token finds the channels and people of the workspace that is meant, and of no other', async (t) => {
  const slack = await startFakeSlack({});
  const enterprise = slack.setup.enterprise({ id: 'E0001', name: 'Umbrella' });
  const north = slack.setup.team({ id: 'T0001', name: 'North', enterprise });
  const south = slack.setup.team({ id: 'T0002', name: 'South', enterprise });
  const nora = slack.addPerson(north, 'nora');
  slack.addPerson(south, 'sam');
  const app = slack.setup.app({ id: 'A0BRIDGE', name: 'Bridge', signingSecret: 's3cret', socketMode: true });
  slack.addChannel(north, 'northern', [nora], { id: 'C0NORTH' });
  slack.addChannel(south, 'southern', [], { id: 'C0SOUTH' });
  slack.setup.install(app, north, { token: 'xoxb-1', isOrgWide: true });
  slack.setup.appToken(app, 'xapp-1');
  const kept = keepTools();
  const adapter = new SlackAdapter(
    settingsFor(slack, ['socket'], { team_sync: { users: 'all' } }),
    kept.tools as unknown as AdapterTools<SlackBody>,
    quick,
  );
  t.after(async () => {
    await adapter.disconnect();
    await slack.stop();
  });
  await adapter.connect();
  await until('the bot to be up', () => adapter.status()[0]?.state === 'up' || undefined);
  assert.equal(adapter.status()[0]?.name, 'North');
  const channel = await adapter.channels.resolve('#northern');
  assert.equal(channel?.id, 'T0001/C0NORTH');
  assert.equal(await adapter.channels.resolve('#southern'), undefined);
  const names: string[] = [];
  for await (const found of adapter.mirror.channels('T0001')) names.push(found.channel.name);
  assert.deepEqual(names, ['#northern']);
  const people: string[] = [];
  for await (const page of adapter.mirror.people('T0001')) people.push(...page.people.map(({ name }) => name));
  assert.ok(people.includes('nora') && !people.includes('sam'));
  assert.deepEqual(slack.undocumented, []);
});
