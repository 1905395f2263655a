// Slack beside IRC in the same run: floods both ways through one room, against a Slack for tests with its rate limits off, and what
// the library's own call costs alone.

import type { Channel, Person } from '../support/fake-slack.ts';
import { type FakeSlack, startFakeSlack } from '../support/fake-slack.ts';
import { isWhole, told } from './arrivals.ts';
import { type BridgeUnderTest, setUpBridge } from './bridge-under-test.ts';
import { clock, sleep, until } from './clock.ts';
import { slackCallFloor } from './floors.ts';
import { type FlowResult, matrixToNetwork, networkToMatrix, type Speaker } from './flows.ts';
import { openListener, openSpeakers, startWarm } from './ready.ts';
import { ms, type Report, rate } from './report.ts';
import { setUp } from './rig.ts';

const people = 10;
const warmUp = 1_500;
const measured = 3_000;

export async function measureSlack(report: Report): Promise<void> {
  const irc = await overIrc();
  const rig = await setUpSlack();
  try {
    const call = await slackCallFloor(rig.slack.apiUrl, rig.channel.id);
    const bridge = await rig.bridge.startBridge();
    await flowsBothWays(rig);
    const ground = { stub: rig.bridge.stub, rooms: rig.bridge.rooms, people: rig.bridge.people, channels: [rig.channel.id] };
    await networkToMatrix(ground, bridge, rig.speakers, { count: warmUp });
    const toMatrix = await networkToMatrix(ground, bridge, rig.speakers, { count: measured });
    judge(report, 'Slack → Matrix, flood, one room', toMatrix, irc.toMatrix, 0);
    await matrixToNetwork(ground, bridge, rig.hear, { count: warmUp });
    const toNetwork = await matrixToNetwork(ground, bridge, rig.hear, { count: measured });
    judge(report, 'Matrix → Slack, flood, one room', toNetwork, irc.toNetwork, call);
  } finally {
    await rig.stop();
  }
}

async function overIrc(): Promise<{ toMatrix: number; toNetwork: number }> {
  const rig = await setUp({ channels: 1, people });
  try {
    const bridge = await startWarm(rig);
    const speakers = await openSpeakers(rig, people);
    const listener = await openListener(rig);
    await networkToMatrix(rig, bridge, speakers, { count: warmUp });
    const toMatrix = await networkToMatrix(rig, bridge, speakers, { count: measured });
    await matrixToNetwork(rig, bridge, listener.hear, { count: warmUp });
    const toNetwork = await matrixToNetwork(rig, bridge, listener.hear, { count: measured });
    for (const client of [...speakers, listener]) client.close();
    return { toMatrix: toMatrix.cpuMs, toNetwork: toNetwork.cpuMs };
  } finally {
    await rig.stop();
  }
}

interface SlackRig {
  readonly slack: FakeSlack;
  readonly channel: Channel;
  readonly bridge: BridgeUnderTest;
  readonly first: Person;
  readonly speakers: readonly Speaker[];
  /** Texts of the channel go to this one from now on. */
  hear(listener: (line: string, at: number) => void): void;
  stop(): Promise<void>;
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
    ...{ slack, channel, bridge, first: speakers[0] as Person, speakers },
    hear: (listener) => {
      listen = listener;
    },
    stop: async () => {
      await bridge.stop();
      await slack.stop();
    },
  };
}

async function flowsBothWays({ bridge, hear, first, channel }: SlackRig): Promise<void> {
  const [room = '', person = ''] = [bridge.rooms[0], bridge.people[0]];
  let isHeard = false;
  hear((line) => {
    isHeard ||= line.includes('first from Matrix');
  });
  await until(
    'the first messages both ways',
    async () => {
      if (!isHeard) await bridge.stub.call('say', person, room, 'first from Matrix');
      first.say(channel, 'first from Slack');
      const events = await bridge.stub.call('events', room);
      return isHeard && events.some(({ content }) => String(content.body).includes('first from Slack'));
    },
    { ms: 60_000, every: 200 },
  );
  hear(() => {});
  await sleep(2_000);
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
