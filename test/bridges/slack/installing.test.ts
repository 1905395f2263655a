// A workspace that stands in the config before anybody installed the app there: Slack finds the address, what is said waits, and after the
// installation all goes on by itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agree } from '../../support/agreeing.ts';
import { sign } from '../../support/fake-slack.ts';
import { until } from '../../support/waiting.ts';
import { bodiesIn, talk } from './matrix-side.ts';
import { type WholeBridge, wholeBridge } from './whole-bridge.ts';

type Saying = Awaited<ReturnType<typeof talk>>['said'];

/** By the link that the bot gives to an admin of the bridge, as `by` in Slack. */
async function install(bridge: WholeBridge, by: WholeBridge['ann'], said: Saying): Promise<void> {
  const { app, url } = bridge;
  Object.assign(app, { redirectUris: [`${url}/slack/oauth/return`] });
  const words = await said('install', /https?:\/\/\S+ticket/);
  const { location, cookie } = await agree(/https?:\/\/\S+/.exec(words)?.[0] ?? '');
  const back = await fetch(by.approve(location), { headers: { cookie } });
  assert.equal(back.status, 200);
}

test('a linked workspace without the app: what is said waits, and once it is installed goes both ways without a restart', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t, {
    section: ({ slack, general, room }) => {
      const third = slack.setup.team({ id: 'T0003', name: 'Third' });
      const eve = slack.addPerson(third, { id: 'U0EVE', name: 'eve', realName: 'Eve Example', isAdmin: true });
      slack.addChannel(third, 'lounge', [eve], { id: 'C0LOUNGE' });
      const links = [
        { team: 'T0001', channel: general.id, room },
        { team: 'T0003', channel: 'C0LOUNGE', room },
      ];
      return { teams: [{ id: 'T0001', bot_token: 'xoxb-1', transport: 'socket' }, { id: 'T0003' }], links };
    },
  });
  const { ann, general, homeserver, person, room, slack, lines } = bridge;
  const eve = slack.personOf(slack.world.users.get('U0EVE') ?? assert.fail('no eve'));
  const isShown = (channel: string) => homeserver.requests.some(({ path }) => path.endsWith(`/m.bridge/dev.causeway://slack/${channel}`));
  await until('both links', () => (isShown('T0001/C0GENERAL') && isShown('T0003/C0LOUNGE')) || undefined);
  homeserver.say(person, room, 'before the app is there');
  await ann.waitForMessage(general, 'before the app is there');
  await until('it to wait', () => lines.some((line) => line.includes('"scope":"T0003"')) || undefined);
  const { said } = await talk(bridge);
  await install(bridge, eve, said);
  await eve.waitForMessage('C0LOUNGE', 'before the app is there');
  homeserver.say(person, room, 'after it came');
  await eve.waitForMessage('C0LOUNGE', 'after it came');
  eve.say('C0LOUNGE', 'from the third');
  await until('from the third', () => bodiesIn(bridge, room).includes('from the third') || undefined);
  assert.deepEqual(
    lines.filter((line) => /defect|background work failed|given up|cannot mark/.test(line)),
    [],
  );
});

test('Slack asks whether the address for events is ours before anybody installed the app, and is answered by its signature alone', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t, { section: () => ({ teams: [], links: [] }), isLinked: false });
  const body = JSON.stringify({ type: 'url_verification', challenge: 'are you there', token: 'x' });
  const asked = async (secret: string) => {
    const at = Math.floor(Date.now() / 1_000);
    const headers = {
      'content-type': 'application/json',
      'x-slack-request-timestamp': String(at),
      'x-slack-signature': sign(secret, at, body),
    };
    return await fetch(`${bridge.url}/slack/events`, { method: 'POST', headers, body });
  };
  const answer = await asked('s3cret');
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /are you there/);
  assert.equal((await asked('another')).status, 401);
});

test('the app is taken out of the workspace: an admin and the linked room are told, and of its return, without a restart', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t, { core: { permissions: { 'hs.test': 'user', '@alice:hs.test': 'admin' } } });
  const { ann, app, team, slack, room, homeserver } = bridge;
  const { chat, said } = await talk(bridge);
  slack.uninstall(app, team);
  const cutOff = /cut off from Acme: the app was taken out of the workspace\. .*`install`/;
  for (const place of [chat, room])
    await until(`the alarm in ${place}`, () => bodiesIn(bridge, place).some((body) => cutOff.test(body)) || undefined);
  await install(bridge, ann, said);
  for (const place of [chat, room])
    await until(`the end in ${place}`, () => bodiesIn(bridge, place).some((body) => /back on Acme/.test(body)) || undefined);
  homeserver.say(bridge.person, room, 'all is well');
  await ann.waitForMessage(bridge.general, 'all is well');
  for (const place of [chat, room]) assert.equal(bodiesIn(bridge, place).filter((body) => /cut off|back on/.test(body)).length, 2);
});
