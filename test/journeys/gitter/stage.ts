// Where the journeys to Gitter take place: a real Synapse, a Gitter for tests, the bridge as a process between them, and a room that
// is linked to `org/room`. Opened once a file, closed when the file's last test is over.

import { after } from 'node:test';
import { orgOnGitter } from '../../bridges/gitter/with-gitter.ts';
import type { FakeGitter, FakeGitterOptions, Person, Room } from '../../support/fake-gitter.ts';
import type { MatrixPerson, RoomOptions } from '../../support/matrix-person.ts';
import { type RealServers, type RealServersOptions, startRealServers } from '../../support/real-servers.ts';
import { until } from '../../support/waiting.ts';

export interface GitterStageOptions {
  /** Laid over the section of the config. */
  readonly section?: Readonly<Record<string, unknown>>;
  /** Laid over the config at the top level. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly gitter?: FakeGitterOptions;
  readonly synapse?: RealServersOptions['synapse'];
  /** Before the bridge starts. */
  readonly prepare?: (stage: GitterStage) => Promise<void>;
}

export interface GitterStage extends RealServers {
  readonly gitter: FakeGitter;
  /** In Gitter; ann is an admin there. */
  readonly ann: Person;
  readonly bob: Person;
  /** Who speaks for those without a login. */
  readonly relay: Person;
  readonly channel: Room;
  /** On Matrix, and the maker of the room. */
  readonly alice: MatrixPerson;
  readonly room: string;
  readonly botId: string;
  /** The Matrix id of somebody in Gitter. */
  ghostOf(person: { readonly id: string }): string;
  /** The public address of a file of ours begins with it. */
  readonly pages: string;
  /** Of alice unless another makes it; the bot is in it, and has the power that it needs. */
  openRoom(wish?: RoomOptions, maker?: MatrixPerson): Promise<string>;
  /** A direct chat with the bot. */
  chatOf(person: MatrixPerson): Promise<string>;
  /** Says it there and resolves with the bot's first answer that fits. */
  ask(person: MatrixPerson, where: string, line: string, answer?: RegExp): Promise<string>;
  /** With a token, said in their direct chat, which it resolves with. */
  logIn(person: MatrixPerson, as: Person): Promise<string>;
  /** Resolves once the link of the config is live and Gitter's room is listened to. */
  startBridge(): Promise<void>;
}

/** The community with its limits on, and the relay account's app approved as a bridge. */
export const openOrg = (options: FakeGitterOptions = {}) => orgOnGitter({ isApproved: true, gitter: { limits: true, ...options } });

export async function openGitterStage(options: GitterStageOptions = {}): Promise<GitterStage> {
  const { gitter, ann, bob, relay, room: channel, token } = await openOrg(options.gitter);
  const addresses = { api_url: gitter.apiUrl, faye_url: gitter.fayeUrl, stream_url: gitter.streamUrl };
  const wish = { gitter: { ...addresses, token, ...options.section }, ...(options.config !== undefined && { config: options.config }) };
  const servers = await startRealServers(
    { after },
    { networks: {}, bridges: { gitter: wish }, ...(options.synapse !== undefined && { synapse: options.synapse }) },
  );
  // After the bridge, which would go on asking for it.
  after(async () => {
    await servers.stop();
    await gitter.stop();
  });
  const { bridge, synapse } = servers;
  const alice = await servers.matrixPerson('alice');
  await alice.setDisplayName('Alice');
  const botId = `@${bridge.configOf('gitter').appservice.bot}:${synapse.domain}`;
  const makeRoom = (wish: RoomOptions, maker = alice) =>
    maker.createRoom({ invite: [botId], powerLevels: { users: { [botId]: 50 } }, ...wish });
  const room = await makeRoom({ name: 'The room' });
  const pages = `${bridge.url}/gitter`;
  const app = gitter.addClient({ name: 'Logins', redirectUri: `${pages}/oauth` });
  await bridge.configure('gitter', (config) => ({
    ...config,
    gitter: {
      oauth: { url: gitter.oauthUrl, client_id: app.id, client_secret: app.secret },
      links: [{ channel: 'org/room', room }],
      ...(config.gitter as object),
    },
  }));
  const isLive = async () => (await bridge.links('gitter')).some(({ state }) => state === 'live');
  const stage: GitterStage = {
    ...servers,
    ...{ gitter, ann, bob, relay, channel, alice, room, botId, pages },
    ghostOf: ({ id }) => `@gitter_${id}:${synapse.domain}`,
    async openRoom(wish = {}, maker = alice) {
      const made = await makeRoom(wish, maker);
      // Its greeting: it is in, and what comes next is an answer.
      await maker.waitForText(made, /^To link this room/);
      return made;
    },
    async chatOf(person) {
      // As clients make them, in which both have the same power: the bot takes secrets away.
      const powerLevels = { users: { [botId]: 100 } };
      const chat = await person.createRoom({ isDirect: true, isPublic: false, invite: [botId], powerLevels });
      await person.waitForText(chat, /Gitter bridge/);
      return chat;
    },
    async ask(person, where, line, answer = /./) {
      const id = await person.say(where, line);
      const asked = await person.waitFor(({ event_id }) => event_id === id);
      const fits = ({ room: place, sender, type, content }: typeof asked) =>
        place === where && sender === botId && type === 'm.room.message' && answer.test(String(content.body));
      return String((await person.waitFor(fits, { since: person.heard.indexOf(asked), timeout: 60_000 })).content.body);
    },
    async logIn(person, as) {
      const chat = await stage.chatOf(person);
      await stage.ask(person, chat, 'login token', /token/i);
      await stage.ask(person, chat, gitter.tokenOf(as), /logged in/i);
      return chat;
    },
    async startBridge() {
      await bridge.start();
      await until('the link to be live', async () => (await isLive()) || undefined);
      await gitter.waitForListener(channel, 'matrixbot');
    },
  };
  await options.prepare?.(stage);
  await stage.startBridge();
  return stage;
}
