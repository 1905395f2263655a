// An organisation whose token serves all of its workspaces: each call says which one is meant, or all of them are asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AdapterTools, type NetworkAct, roomId, userId } from '#bridge-core';
import { toPlain } from '../../../bridge-core/format/to-html.ts';
import { SlackAdapter } from '../../../bridges/slack/adapter.ts';
import type { SlackBody } from '../../../bridges/slack/body.ts';
import { agree } from '../../support/agreeing.ts';
import { startFakeSlack } from '../../support/fake-slack.ts';
import { keepTools } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { bodiesIn, talk } from './matrix-side.ts';
import { wholeBridge } from './whole-bridge.ts';
import { heard, quick, type SlackEvents, settingsFor } from './with-slack.ts';

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

test('an organisation as a whole: its channels, people, groups and bots are those of all its workspaces, whose commands and buttons are heard', async (t) => {
  const slack = await startFakeSlack({});
  const enterprise = slack.setup.enterprise({ id: 'E0001', name: 'Umbrella' });
  const north = slack.setup.team({ id: 'T0001', name: 'North', enterprise });
  const south = slack.setup.team({ id: 'T0002', name: 'South', enterprise });
  const nora = slack.addPerson(north, { id: 'W0NORA', name: 'nora' });
  const sam = slack.addPerson(south, { id: 'W0SAM', name: 'sam' });
  const app = slack.setup.app({ id: 'A0BRIDGE', name: 'Bridge', signingSecret: 's3cret', socketMode: true, commands: ['/matrix'] });
  const southern = slack.addChannel(south, 'southern', [sam], { id: 'C0SOUTH' });
  const northern = slack.addChannel(north, 'northern', [nora], { id: 'C0NORTH' });
  slack.setup.install(app, north, { token: 'xoxb-1', isOrgWide: true, channels: [northern, southern] });
  slack.setup.appToken(app, 'xapp-1');
  const group = { id: 'S0OPS', teamId: 'T0002', name: 'Operators', handle: 'ops', users: [], createdBy: 'W0SAM', created: 1, updated: 1 };
  south.usergroups.set(group.id, group);
  for (let number = 0; number < 250; number += 1) slack.addChannel(north, `north-${number}`, [nora]);
  const kept = keepTools();
  const acts: NetworkAct[] = [];
  const asked = async (act: NetworkAct) => {
    acts.push(act);
    return 'heard';
  };
  const tools = { ...kept.tools, inbox: { ...kept.tools.inbox, asked } };
  const adapter = new SlackAdapter(
    settingsFor(slack, ['socket'], { teams: [{ id: 'E0001', bot_token: 'xoxb-1', transport: 'socket' }], team_sync: { users: 'all' } }),
    tools as unknown as AdapterTools<SlackBody>,
    { ...quick, pages: 1 },
  );
  t.after(async () => {
    await adapter.disconnect();
    await slack.stop();
  });
  await adapter.connect();
  await until('the bot to be up', () => adapter.status()[0]?.state === 'up' || undefined);
  const channel = await adapter.channels.resolve('#southern');
  assert.equal(channel?.id, 'E0001/C0SOUTH');
  const names: string[] = [];
  for await (const { name } of adapter.channels.list()) names.push(name);
  assert.equal(names.length, 252, 'page by page, one workspace after the other');
  const people: string[] = [];
  for await (const page of adapter.mirror.people('E0001')) people.push(...page.people.map(({ name }) => name));
  assert.ok(people.includes('nora') && people.includes('sam'));

  const said = () => toPlain(adapter.formatter.parse({ text: '<!subteam^S0OPS>' }, channel.id));
  await until('the groups', () => said() === '@ops' || undefined);

  await adapter.watch(channel.id);
  const session = await adapter.session({ as: 'bot' }, channel.id);
  await session.send({ key: 'k', channel: channel.id, body: { text: 'by us' }, style: 'text' });
  sam.say(southern, 'by sam');
  const events = kept.events as unknown as SlackEvents;
  await heard(events, 'message', ({ body }) => body.text === 'by sam');
  assert.equal(
    events.some((event) => event.kind === 'message' && event.body.text === 'by us'),
    false,
    'its own app is known',
  );

  assert.equal((await sam.command(southern, '/matrix status')).text, 'heard');
  assert.equal((await nora.command(northern, '/matrix status')).text, 'heard');
  assert.deepEqual(
    acts.map((act) => [act.do, act.channel, act.by.id]),
    [
      ['status', 'E0001/C0SOUTH', 'E0001/W0SAM'],
      ['status', 'E0001/C0NORTH', 'E0001/W0NORA'],
    ],
  );
  assert.equal(await adapter.channels.approvePlumb(channel.id, userId('@alice:hs.test'), { id: roomId('!r:hs.test') }), 'asked');
  const question = await sam.waitForMessage(southern, ({ text }) => text?.includes('asks to connect') === true);
  assert.equal(await sam.press(southern, question.ts ?? '', 'causeway_approve'), undefined);
  await until('the answer', () => acts.find((act) => act.do === 'approve'));
  assert.deepEqual(slack.undocumented, []);
});

test('an app that is installed for a whole organisation by the page serves it without a restart', { timeout: 180_000 }, async (t) => {
  const enterprise = { id: 'E0001', name: 'Umbrella' };
  const bridge = await wholeBridge(t, { isLinked: false, section: () => ({ teams: [], links: [] }) });
  const { slack, app, url, homeserver, person } = bridge;
  const north = slack.setup.team({ id: 'T0009', name: 'North', enterprise: slack.setup.enterprise(enterprise) });
  const nora = slack.addPerson(north, { id: 'W0NORA', name: 'nora', realName: 'Nora Example', isAdmin: true });
  const northern = slack.addChannel(north, 'northern', [nora], { id: 'C0NORTH' });
  Object.assign(app, { redirectUris: [`${url}/slack/oauth/return`] });
  const { said } = await talk(bridge);
  const words = await said('install', /https?:\/\/\S+ticket/);
  const { location, cookie } = await agree(/https?:\/\/\S+/.exec(words)?.[0] ?? '');
  const back = await fetch(nora.approve(location, { org: true }), { headers: { cookie } });
  assert.equal(back.status, 200);
  const room = homeserver.createRoom({ creator: person, version: '11', levels: { users: { [person]: 100, [homeserver.bot]: 100 } } });
  homeserver.invite(person, room, homeserver.bot);
  await until('the bot', () => homeserver.members(room).includes(homeserver.bot) || undefined);
  homeserver.say(person, room, '!slack link #northern');
  await until('the link', () => bodiesIn(bridge, room).some((body) => /now linked/.test(body)) || undefined);
  nora.say(northern, 'from the north');
  await until('from the north', () => bodiesIn(bridge, room).includes('from the north') || undefined);
  homeserver.say(person, room, 'and back');
  await nora.waitForMessage(northern, 'and back');
});
