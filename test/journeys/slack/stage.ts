// Where the journeys to Slack take place: a real Synapse, a Slack for tests, the bridge as a process between them, and rooms that
// are linked to channels. Opened once a file, closed when the file's last test is over.

import { after } from 'node:test';
import type { Installation } from '../../support/fake-slack/setup.ts';
import type { App, Channel, Person, Team } from '../../support/fake-slack.ts';
import { type FakeSlack, type FakeSlackOptions, startFakeSlack } from '../../support/fake-slack.ts';
import type { MatrixPerson, RoomEvent, RoomOptions } from '../../support/matrix-person.ts';
import { type RealServers, type RealServersOptions, startRealServers } from '../../support/real-servers.ts';
import { until } from '../../support/waiting.ts';

export type Transport = 'socket' | 'events' | 'rtm';

export interface SlackStageOptions {
  readonly transport?: Transport;
  /** Each linked from the config to a room of its own, of alice. `general` unless given. */
  readonly channels?: readonly string[];
  readonly slack?: FakeSlackOptions;
  /** Laid over the section of the config. */
  readonly section?: Readonly<Record<string, unknown>>;
  /** Laid over the config at the top level. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** IRC beside it: servers and bridges as in real-servers.ts. */
  readonly beside?: Pick<RealServersOptions, 'networks' | 'bridges'>;
  readonly room?: RoomOptions;
  /** Of the bridge's process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Before the bridge starts. */
  readonly prepare?: (stage: SlackStage) => Promise<void>;
}

export interface SlackPlace {
  readonly channel: Channel;
  readonly room: string;
}

export interface SlackStage extends RealServers {
  readonly slack: FakeSlack;
  readonly team: Team;
  readonly app: App;
  readonly bot: Installation;
  /** In Slack. */
  readonly ann: Person;
  readonly bob: Person;
  /** On Matrix, and the maker of the rooms. */
  readonly alice: MatrixPerson;
  /** By the channel's name. */
  readonly places: Readonly<Record<string, SlackPlace>>;
  readonly botId: string;
  makeRoom(wish: RoomOptions): Promise<string>;
  /** The same, with the bot in it. */
  openRoom(wish: RoomOptions): Promise<string>;
  /** The Matrix id of somebody in Slack. */
  ghostOf(person: { readonly id: string }): string;
  /** Resolves once all links of the config are live. */
  startBridge(): Promise<void>;
  /** Beneath the bridge's public address. */
  page(path: string): string;
}

export async function openSlackStage(options: SlackStageOptions = {}): Promise<SlackStage> {
  const { transport = 'socket', channels = ['general'] } = options;
  const slack = await startFakeSlack({ retryPauses: [50, 200, 1_000], ...options.slack });
  const team = slack.setup.team({ id: 'T0001', name: 'Acme' });
  const ann = slack.addPerson(team, { id: 'U0ANN', name: 'ann', realName: 'Ann Example', isAdmin: true });
  const bob = slack.addPerson(team, { id: 'U0BOB', name: 'bob', realName: 'Bob Example' });
  const made = channels.map((name) => slack.addChannel(team, name, [ann, bob], { id: `C0${name.toUpperCase()}` }));
  const app = slack.setup.app({
    ...{ id: 'A0BRIDGE', name: 'Bridge', isClassic: transport === 'rtm', socketMode: transport === 'socket', commands: ['/matrix'] },
    ...{ clientId: '1.2', clientSecret: 'c0de', signingSecret: 's3cret' },
  });
  const bot = slack.setup.install(app, team, { token: 'xoxb-1', channels: made });
  if (transport === 'socket') slack.setup.appToken(app, 'xapp-1');

  const servers = await startRealServers(
    { after },
    {
      networks: {},
      ...options.beside,
      ...(options.env !== undefined && { env: options.env }),
      bridges: {
        slack: {
          slack: {
            api_url: slack.apiUrl,
            authorize_url: slack.authorizeUrl,
            app: {
              signing_secret: 's3cret',
              client_id: '1.2',
              client_secret: 'c0de',
              ...(transport === 'socket' && { app_token: 'xapp-1' }),
            },
            teams: [{ id: team.id, bot_token: 'xoxb-1', transport }],
            links: [],
            ...options.section,
          },
          ...(options.config !== undefined && { config: options.config }),
        },
        ...options.beside?.bridges,
      },
    },
  );
  // After the bridge: some of Slack's clients keep a timer for half a minute where the server goes first.
  after(async () => {
    await servers.stop();
    await slack.stop();
  });
  const page = (path: string) => `${servers.bridge.url}/slack${path}`;
  Object.assign(app, { eventsUrl: page('/events'), commandsUrl: page('/commands'), interactivityUrl: page('/interactive') });
  Object.assign(app, { redirectUris: [page('/oauth/return')] });

  const alice = await servers.matrixPerson('alice');
  await alice.setDisplayName('Alice');
  const bots = servers.bridge.names.map((name) => `@${servers.bridge.configOf(name).appservice.bot}:${servers.synapse.domain}`);
  const makeRoom = async (wish: RoomOptions) => {
    const room = await alice.createRoom({
      ...{ invite: bots, powerLevels: { users: Object.fromEntries(bots.map((user) => [user, 50])) }, ...wish },
    });
    // What is said before the bot is in the room is not for it.
    for (const bot of servers.bridge.isRunning ? bots : []) {
      await alice.waitFor(
        ({ room: where, type, state_key, content }) =>
          where === room && type === 'm.room.member' && state_key === bot && content.membership === 'join',
        { timeout: 60_000 },
      );
    }
    return room;
  };
  const places: Record<string, SlackPlace> = {};
  for (const channel of made) {
    const room = await makeRoom({ name: channel.name, ...options.room });
    places[channel.name] = { channel, room };
  }
  await servers.bridge.configure('slack', (config) => ({
    ...config,
    slack: {
      ...(config.slack as object),
      links: Object.values(places).map(({ channel, room }) => ({ team: team.id, channel: channel.id, room })),
    },
  }));
  const stage: SlackStage = {
    ...servers,
    ...{ slack, team, app, bot, ann, bob, alice, places, makeRoom, page },
    async openRoom(wish) {
      const room = await makeRoom(wish);
      const isBot = ({ type, state_key: who, content }: RoomEvent) =>
        type === 'm.room.member' && who === bots[0] && content.membership === 'join';
      await alice.waitFor((event) => event.room === room && isBot(event));
      return room;
    },
    botId: bots[0] ?? '',
    ghostOf: ({ id }) => `@slack_${team.id.toLowerCase()}_${id.toLowerCase()}:${servers.synapse.domain}`,
    async startBridge() {
      await servers.bridge.start();
      await until('all links to be live', async () => (await liveLinks(servers)) >= channels.length || undefined);
    },
  };
  await options.prepare?.(stage);
  await stage.startBridge();
  return stage;
}

async function liveLinks({ bridge }: RealServers): Promise<number> {
  return (await bridge.links('slack')).filter(({ state }) => state === 'live').length;
}
