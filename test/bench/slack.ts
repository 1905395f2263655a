// Slack beside IRC in the same run: floods both ways through one room, against a Slack for tests with its rate limits off, and what
// the library's own call costs alone.

import { type FakeSlack, startFakeSlack } from '../support/fake-slack.ts';
import { isWhole, told } from './arrivals.ts';
import { floodBothWays, floodOverIrc, type OtherRig, people } from './beside-irc.ts';
import { setUpBridge } from './bridge-under-test.ts';
import { clock } from './clock.ts';
import { slackCallFloor } from './floors.ts';
import type { FlowResult } from './flows.ts';
import { ms, type Report, rate } from './report.ts';

export async function measureSlack(report: Report): Promise<void> {
  const irc = await floodOverIrc();
  const rig = await setUpSlack();
  try {
    const call = await slackCallFloor(rig.slack.apiUrl, rig.channel);
    const { toMatrix, toNetwork } = await floodBothWays(rig);
    judge(report, 'Slack → Matrix, flood, one room', toMatrix, irc.toMatrix, 0);
    judge(report, 'Matrix → Slack, flood, one room', toNetwork, irc.toNetwork, call);
  } finally {
    await rig.stop();
  }
}

interface SlackRig extends OtherRig {
  readonly slack: FakeSlack;
}

async function setUpSlack(): Promise<SlackRig> {
  const slack = await startFakeSlack({ record: false });
  const team = slack.setup.team({ id: 'T0001', name: 'Bench' });
  const speakers = Array.from({ length: people }, (_, number) => slack.addPerson(team, `speaker${number}`));
  const channel = slack.addChannel(team, 'bench', speakers, { id: 'C0001' });
  const app = slack.setup.app({ id: 'A0001', socketMode: true });
  slack.setup.install(app, team, { token: 'xoxb-1', channels: [channel] });
  slack.setup.appToken(app, 'xapp-1');
  const bridge = await setUpBridge({
    ...{ protocol: 'slack', channels: 1, people },
    section: (rooms) => ({
      api_url: slack.apiUrl,
      app: { app_token: 'xapp-1' },
      rate_limits: false,
      teams: [{ id: team.id, bot_token: 'xoxb-1', transport: 'socket' }],
      links: [{ team: team.id, channel: channel.id, room: rooms[0] }],
    }),
  });
  let listen: (line: string, at: number) => void = () => {};
  slack.world.listen(({ event }) => {
    if (event.type === 'message' && 'text' in event) listen(String(event.text), clock());
  });
  return {
    ...{ slack, channel: channel.id, bridge, speakers },
    hear: (listener) => {
      listen = listener;
    },
    stop: async () => {
      await bridge.stop();
      await slack.stop();
    },
  };
}

function judge(report: Report, figure: string, result: FlowResult, irc: number, call: number): void {
  const most = 2 * irc + call;
  report.add({
    ...{ figure, value: `${ms(result.cpuMs)} CPU · ${rate(result.perSecond)}${isWhole(result) ? '' : ` · ${told(result)}`}` },
    floor: `IRC ${ms(irc)}${call > 0 ? ` · call ${ms(call)}` : ''}`,
    ...{ bar: `≤ ${ms(most)} (2 × IRC${call > 0 ? ' + the call' : ''})`, met: result.cpuMs <= most && isWhole(result) },
    raw: { cpuMs: result.cpuMs, perSecond: result.perSecond, ircCpuMs: irc, callCpuMs: call },
  });
}
