// Where the journeys to Gitter take place: a real Synapse, a Gitter for tests, the bridge as a process between them, and a room that
// is linked to `org/room`. Opened once a file, closed when the file's last test is over.

import { after } from 'node:test';
import { orgOnGitter } from '../../bridges/gitter/with-gitter.ts';
import type { FakeGitter, Person, Room } from '../../support/fake-gitter.ts';
import type { MatrixPerson } from '../../support/matrix-person.ts';
import { type RealServers, startRealServers } from '../../support/real-servers.ts';
import { until } from '../../support/waiting.ts';

export interface GitterStageOptions {
  /** Laid over the section of the config. */
  readonly section?: Readonly<Record<string, unknown>>;
}

export interface GitterStage extends RealServers {
  readonly gitter: FakeGitter;
  /** In Gitter; ann is an admin there. */
  readonly ann: Person;
  readonly bob: Person;
  readonly channel: Room;
  /** On Matrix, and the maker of the room. */
  readonly alice: MatrixPerson;
  readonly room: string;
  readonly botId: string;
  /** The Matrix id of somebody in Gitter. */
  ghostOf(person: { readonly id: string }): string;
  /** The public address of a file of ours begins with it. */
  readonly pages: string;
}

/** The community with its limits on, and the relay account's app approved as a bridge. */
export const openOrg = () => orgOnGitter({ isApproved: true, gitter: { limits: true } });

export async function openGitterStage({ section }: GitterStageOptions = {}): Promise<GitterStage> {
  const { gitter, ann, bob, room: channel, token } = await openOrg();
  const addresses = { api_url: gitter.apiUrl, faye_url: gitter.fayeUrl, stream_url: gitter.streamUrl };
  const servers = await startRealServers({ after }, { networks: {}, bridges: { gitter: { gitter: { ...addresses, token, ...section } } } });
  // After the bridge, which would go on asking for it.
  after(async () => {
    await servers.stop();
    await gitter.stop();
  });
  const { bridge, synapse } = servers;
  const alice = await servers.matrixPerson('alice');
  await alice.setDisplayName('Alice');
  const botId = `@${bridge.configOf('gitter').appservice.bot}:${synapse.domain}`;
  const room = await alice.createRoom({ name: 'The room', invite: [botId], powerLevels: { users: { [botId]: 50 } } });
  const pages = `${bridge.url}/gitter`;
  const app = gitter.addClient({ name: 'Logins', redirectUri: `${pages}/oauth` });
  await bridge.configure('gitter', (config) => ({
    ...config,
    gitter: {
      ...(config.gitter as object),
      oauth: { url: gitter.oauthUrl, client_id: app.id, client_secret: app.secret },
      links: [{ channel: 'org/room', room }],
    },
  }));
  await bridge.start();
  const isLive = async () => /"state": ?"live"/.test((await bridge.command('links', bridge.fileOf('gitter'), '--json')).output);
  await until('the link to be live', async () => (await isLive()) || undefined, 20_000);
  await gitter.waitForListener(channel, 'matrixbot', { timeout: 20_000 });
  return {
    ...servers,
    ...{ gitter, ann, bob, channel, alice, room, botId, pages },
    ghostOf: ({ id }) => `@gitter_${id}:${synapse.domain}`,
  };
}
