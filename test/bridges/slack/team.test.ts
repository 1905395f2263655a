// Who the bot is in its workspace: asked anew whenever Slack answers again, and refused where the token is for another one.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Team } from '../../../bridges/slack/team.ts';
import { teamTold } from '../../../bridges/slack/team-events.ts';
import { keptIn, silentLog } from '../../support/tools.ts';

function teamWith(t: TestContext, answer: () => object) {
  const told: string[] = [];
  const bot = { call: async (method: string) => (method === 'auth.test' ? answer() : { ok: true, bot: { app_id: 'A1' } }) };
  const team = new Team({
    memory: keptIn(new Map()),
    ...{ id: 'T0001', app: undefined, hasOwnApp: false, transports: ['events'], bot, log: silentLog, botToken: () => 'xoxb-1' },
    inbox: { connection: (_of: unknown, _network: string, state: string, reason = '') => void told.push(`${state} ${reason}`) },
    ...{ back: () => {}, voided: () => {}, pauses: { first: 10, most: 20, watch: 60_000 } },
  } as never);
  t.after(() => team.stop());
  return { team, told };
}

const here = {
  team_id: 'T0001',
  url: 'https://acme.slack.com/',
  user_id: 'U1',
  bot_id: 'B1',
  response_metadata: { scopes: ['chat:write'] },
};

test('installed anew, it may be another bot, and be allowed more', async (t) => {
  let answer: object = here;
  const { team } = teamWith(t, () => answer);
  await team.probe();
  assert.deepEqual([team.identity?.botUser, team.identity?.url], ['U1', 'https://acme.slack.com/']);
  assert.deepEqual(team.speakerOf('U2'), undefined);
  answer = { ...here, user_id: 'U2', bot_id: 'B2', response_metadata: { scopes: ['chat:write', 'chat:write.customize'] } };
  await team.probe();
  assert.deepEqual([team.identity?.botUser, team.identity?.botId], ['U2', 'B2']);
  assert.ok(team.identity?.scopes.has('chat:write.customize'));
  assert.deepEqual(team.speakerOf('U2'), { as: 'bot' });
});

test('a workspace that is called otherwise, or moves, is so from then on', async (t) => {
  const { team } = teamWith(t, () => here);
  await team.probe();
  const tell = (event: object) => teamTold(team, { event } as never, {} as never);
  tell({ type: 'team_rename', name: 'Acme & Sons' });
  tell({ type: 'team_domain_change', url: 'https://sons.slack.com', domain: 'sons' });
  tell({ type: 'team_domain_change', url: 'javascript:alert(1)', domain: 'x' });
  const { name, url, domain } = team.identity ?? {};
  assert.deepEqual([name, url, domain], ['Acme & Sons', 'https://sons.slack.com/', 'sons.slack.com']);
});

test('a token of another workspace says nothing here', async (t) => {
  const { team, told } = teamWith(t, () => ({ ...here, team_id: 'T0002' }));
  await assert.rejects(team.probe(), { code: 'NETWORK_LOGIN' });
  assert.equal(team.isReachable, false);
  assert.match(told.at(-1) ?? '', /^down the token of the bot is for the workspace T0002, not for T0001/);
});

test('one of the whole organisation does', async (t) => {
  const { team } = teamWith(t, () => ({ ...here, team_id: 'T0009', enterprise_id: 'T0001' }));
  await team.probe();
  assert.equal(team.isReachable, true);
});
