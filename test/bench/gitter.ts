// Gitter beside IRC in the same run: floods both ways through one room, against a Gitter for tests whose limit is too high to be met.

import { startFakeGitter } from '../support/fake-gitter.ts';
import { isWhole, told } from './arrivals.ts';
import { floodBothWays, floodOverIrc, type OtherRig, people } from './beside-irc.ts';
import { setUpBridge } from './bridge-under-test.ts';
import { clock } from './clock.ts';
import type { FlowResult } from './flows.ts';
import { ms, type Report, rate } from './report.ts';

export async function measureGitter(report: Report): Promise<void> {
  const irc = await floodOverIrc();
  const rig = await setUpGitter();
  try {
    const { toMatrix, toNetwork } = await floodBothWays(rig);
    tell(report, 'Gitter → Matrix, flood, one room', toMatrix, irc.toMatrix);
    tell(report, 'Matrix → Gitter, flood, one room', toNetwork, irc.toNetwork);
  } finally {
    await rig.stop();
  }
}

async function setUpGitter(): Promise<OtherRig> {
  const gitter = await startFakeGitter({ record: false, rate: { calls: 1_000_000, window: 60_000 } });
  const speakers = Array.from({ length: people }, (_, number) => gitter.addPerson(`speaker${number}`));
  const relay = gitter.addPerson('relay');
  const channel = 'org/bench';
  gitter.addRoom(channel, speakers);
  const token = gitter.tokenOf(relay, gitter.addClient({ mayUseVirtualUsers: true }));
  const bridge = await setUpBridge({
    ...{ protocol: 'gitter', channels: 1, people },
    section: (rooms) => ({ api_url: gitter.apiUrl, faye_url: gitter.fayeUrl, token, links: [{ channel, room: rooms[0] }] }),
  });
  let listen: (line: string, at: number) => void = () => {};
  gitter.world.listen(({ what, payload }) => {
    if (what === 'chatMessages/create') listen(textOf(payload.model), clock());
  });
  return {
    ...{ channel, bridge, speakers },
    hear: (listener) => {
      listen = listener;
    },
    stop: async () => {
      await bridge.stop();
      await gitter.stop();
    },
  };
}

const textOf = (model: unknown): string => String((model as { text?: unknown } | undefined)?.text);

/** No bar but that all of it arrives, in order. */
function tell(report: Report, figure: string, result: FlowResult, irc: number): void {
  report.add({
    ...{ figure, value: `${ms(result.cpuMs)} CPU · ${rate(result.perSecond)}${isWhole(result) ? '' : ` · ${told(result)}`}` },
    floor: `IRC ${ms(irc)}`,
    ...(!isWhole(result) && { bar: 'whole', met: false }),
    raw: { cpuMs: result.cpuMs, perSecond: result.perSecond, ircCpuMs: irc },
  });
}
