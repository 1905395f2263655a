// A Slack for tests: stateful, on one port of its own, for Slack's own client libraries to speak to. Written from Slack's documentation
// and type packages; each part in fake-slack/ names what it follows and what rests on memory ("unverified").

import { Faults } from './fake-services/faults.ts';
import { Recorded, type Search } from './fake-services/recorded.ts';
import type { Ephemeral, Parts } from './fake-slack/call.ts';
import { Channels } from './fake-slack/channels.ts';
import { Dispatch } from './fake-slack/dispatch.ts';
import { Door } from './fake-slack/door.ts';
import { EventsApi } from './fake-slack/events-api.ts';
import type { CallFault, EventFault } from './fake-slack/faults.ts';
import { FileHost } from './fake-slack/file-host.ts';
import { Files } from './fake-slack/files.ts';
import { Gate } from './fake-slack/gate.ts';
import { type Answer, type Asked, html } from './fake-slack/http.ts';
import { Interactivity } from './fake-slack/interactivity.ts';
import { Limits } from './fake-slack/limits.ts';
import { Messages } from './fake-slack/messages.ts';
import type { App, Attachment, Channel, Team, Token, User } from './fake-slack/model.ts';
import { OAuth } from './fake-slack/oauth-page.ts';
import { People } from './fake-slack/people.ts';
import { Person } from './fake-slack/person.ts';
import { Push } from './fake-slack/push.ts';
import type { RecordedCall, RecordedDelivery } from './fake-slack/records.ts';
import { Retries } from './fake-slack/retries.ts';
import { Rtm } from './fake-slack/rtm.ts';
import { type NewPerson, Setup } from './fake-slack/setup.ts';
import { SocketMode } from './fake-slack/socket-mode.ts';
import { Tokens } from './fake-slack/tokens.ts';
import { WebApi } from './fake-slack/web-api.ts';
import { type OutgoingHook, Webhooks } from './fake-slack/webhooks.ts';
import { type Quirks, World } from './fake-slack/world.ts';

export type { CallFault, EventFault } from './fake-slack/faults.ts';
export type { CommandResult } from './fake-slack/interactivity.ts';
export type { App, Channel, SlackFile, Team, Token, User } from './fake-slack/model.ts';
export { Person } from './fake-slack/person.ts';
export { squarePng } from './fake-slack/png.ts';
export { sign } from './fake-slack/push.ts';
export type { RecordedCall, RecordedDelivery } from './fake-slack/records.ts';
export { botScopes, userScopes } from './fake-slack/setup.ts';
export { type Quirks, SlackFault } from './fake-slack/world.ts';

export interface FakeSlackOptions {
  /** 0, the default: a free one. */
  readonly port?: number;
  /** False: `calls` and `deliveries` stay empty. */
  readonly record?: boolean;
  /** Rate limits hold; by default they are only counted, in `limits.exceeded`. */
  readonly limits?: boolean;
  readonly quirks?: Partial<Quirks>;
  /** ms in which an app has to answer. Slack: 3000. */
  readonly answerTimeout?: number;
  /** ms before the second, third and fourth try of an event. Slack: about at once, a minute, five. */
  readonly retryPauses?: readonly number[];
  /** Events under way to one app at once over HTTP; with more than one they may overtake each other, as Slack's do. */
  readonly eventsInFlight?: number;
}

export async function startFakeSlack(options: FakeSlackOptions = {}): Promise<FakeSlack> {
  const slack = new FakeSlack(options);
  await slack.up();
  return slack;
}

export class FakeSlack {
  readonly world: World;
  /** Makes workspaces, people, channels, apps, installations. */
  readonly setup: Setup;
  readonly messages: Messages;
  readonly channels: Channels;
  readonly people: People;
  readonly files: Files;
  readonly tokens: Tokens;
  readonly limits: Limits;
  readonly socketMode: SocketMode;
  readonly rtm: Rtm;
  readonly eventsApi: EventsApi;
  readonly push: Push;
  readonly calls: Recorded<RecordedCall>;
  readonly deliveries: Recorded<RecordedDelivery>;
  readonly ephemerals: Recorded<Ephemeral>;
  readonly #happenings = new Recorded<string>('happenings', false);
  readonly #callFaults = new Faults<CallFault>();
  readonly #eventFaults = new Faults<EventFault>();
  readonly #webApi: WebApi;
  readonly #webhooks: Webhooks;
  readonly #interactivity: Interactivity;
  readonly #oauth: OAuth;
  readonly #host: FileHost;
  readonly #door: Door;

  constructor(options: FakeSlackOptions) {
    const isRecording = options.record ?? true;
    const timeout = options.answerTimeout ?? 3000;
    this.calls = new Recorded('calls', isRecording);
    this.deliveries = new Recorded('deliveries', isRecording);
    this.ephemerals = new Recorded('ephemeral messages', true);
    const world = new World(options.quirks);
    this.world = world;
    this.limits = new Limits(world.clock, options.limits ?? false);
    this.messages = new Messages(world);
    this.channels = new Channels(world, this.messages);
    this.people = new People(world);
    this.files = new Files(world, this.messages);
    this.tokens = new Tokens(world);
    this.setup = new Setup(world, this.tokens);
    this.push = new Push(world.clock, timeout);
    this.socketMode = new SocketMode(world, timeout);
    const gate = new Gate(world, this.#eventFaults);
    const retries = new Retries({ world, pauses: options.retryPauses ?? [50, 60_000, 300_000], deliveries: this.deliveries });
    this.rtm = new Rtm({ world, messages: this.messages, channels: this.channels, gate, deliveries: this.deliveries });
    this.eventsApi = new EventsApi({ world, push: this.push, retries, inFlight: options.eventsInFlight ?? 1 });
    const dispatch = new Dispatch({ world, gate, retries, socketMode: this.socketMode, eventsApi: this.eventsApi, rtm: this.rtm });
    const { messages, channels, people, files, tokens, limits, socketMode, rtm, push, ephemerals } = this;
    const parts: Parts = {
      world,
      messages,
      channels,
      people,
      files,
      tokens,
      rtm,
      socketMode,
      dispatch,
      limits,
      consents: new Map(),
      ephemerals,
    };
    this.#webApi = new WebApi(parts);
    this.#webhooks = new Webhooks({ world, messages, push, retries, gate });
    this.#interactivity = new Interactivity({ world, messages, push, retries, socketMode, ephemerals });
    this.#oauth = new OAuth({
      world,
      consents: parts.consents,
      botUserOf: (app, team) => this.setup.botUser(app, team),
      makeWebhook: (app, team) => this.#webhookOf(app, team),
    });
    this.#host = new FileHost(world, files);
    this.#door = new Door({
      world,
      faults: this.#callFaults,
      calls: this.calls,
      rtm,
      socketMode,
      route: (asked, method) => this.#route(asked, method),
      port: options.port ?? 0,
    });
    world.listen(() => this.#happenings.changed());
  }

  get url(): string {
    return this.world.origin;
  }

  /** For `slackApiUrl`. */
  get apiUrl(): string {
    return `${this.url}/api/`;
  }

  get authorizeUrl(): string {
    return `${this.url}/oauth/v2/authorize`;
  }

  /** Errors answered that Slack does not document for the method: none, if this Slack is right. */
  get undocumented(): readonly string[] {
    return this.#webApi.undocumented;
  }

  /** Somebody new who is there from the start; `people.arrive(person.user)` announces them. */
  addPerson(team: Team, person: NewPerson | string): Person {
    return this.personOf(this.setup.person(team, typeof person === 'string' ? { name: person } : person));
  }

  /** A crowd, for workspaces of thousands. */
  addPeople(team: Team, count: number): User[] {
    return Array.from({ length: count }, (_, number) =>
      this.setup.person(team, { name: `person${number + 1}`, realName: `Person ${number + 1}` }),
    );
  }

  /** To act as a user who is known. */
  personOf(user: User): Person {
    const { world, messages, channels, people, files, tokens, ephemerals } = this;
    const happenings = this.#happenings;
    return new Person(
      { world, messages, channels, people, files, tokens, ephemerals, oauth: this.#oauth, interactivity: this.#interactivity, happenings },
      user,
    );
  }

  addChannel(
    team: Team,
    name: string,
    members: readonly { readonly id: string }[] = [],
    options: { id?: string; isPrivate?: boolean; topic?: string } = {},
  ): Channel {
    return this.setup.channel(team, { name, members, ...options });
  }

  /** Checks the address as Slack does before it takes it: whether it echoes the challenge. */
  async subscribe(app: App, eventsUrl: string): Promise<boolean> {
    const isVerified = await this.eventsApi.verify(app, eventsUrl);
    if (isVerified) app.eventsUrl = eventsUrl;
    return isVerified;
  }

  /** An admin takes the app out of the workspace. */
  uninstall(app: App, team: Team): void {
    this.tokens.uninstall(app, team);
  }

  revoke(token: Token): void {
    this.tokens.revoke(token);
  }

  /** The address to post to. `isOld`: a custom integration, which may choose channel, name and picture. */
  addIncomingWebhook(
    channel: Channel,
    { isOld = true, name = 'incoming-webhook', path }: { isOld?: boolean; name?: string; path?: string } = {},
  ): string {
    const { world } = this;
    const bot = world.makeBot({ teamId: channel.team.id, app: undefined, userId: undefined, name });
    const made = path ?? `/services/${channel.team.id}/${bot.id}/${world.secret(12)}`;
    this.#webhooks.incoming.set(made, { path: made, team: channel.team, channel, bot, isOld });
    return this.url + made;
  }

  /** Without a channel: all public ones, by trigger word. */
  addOutgoingWebhook(
    team: Team,
    url: string,
    options: { channel?: Channel; triggerWords?: readonly string[]; token?: string } = {},
  ): OutgoingHook {
    const { world } = this;
    const bot = world.makeBot({ teamId: team.id, app: undefined, userId: undefined, name: 'outgoing-webhook' });
    const { channel, triggerWords = [], token = world.secret(12) } = options;
    const hook: OutgoingHook = { url, token, team, channel, triggerWords, serviceId: world.id(''), bot };
    this.#webhooks.outgoing.push(hook);
    return hook;
  }

  /** Slack shows this below messages in which `url` stands. */
  addPreview(url: string, attachment: Attachment, { isMedia = false } = {}): void {
    this.world.unfurls.push({ url, attachment, isMedia });
  }

  // — trouble

  fault(fault: CallFault): void {
    this.#callFaults.add(fault);
  }

  eventFault(fault: EventFault): void {
    this.#eventFaults.add(fault);
  }

  clearFaults(): void {
    this.#callFaults.clear();
    this.#eventFaults.clear();
  }

  /** ms that every call takes. */
  setLatency(ms: number): void {
    this.#door.latency = ms;
  }

  /** Starts to listen, on the port of before. */
  up(): Promise<void> {
    return this.#door.up();
  }

  /** Connections are refused, those that stand are cut; what happens meanwhile is told to nobody who could not hear it. */
  down(): Promise<void> {
    return this.#door.down();
  }

  async stop(): Promise<void> {
    this.world.later.stop();
    this.socketMode.stop();
    this.rtm.stop();
    this.push.stop();
    await this.down();
  }

  // — what can be seen

  callsOf(method: string): RecordedCall[] {
    return this.calls.items.filter((call) => call.method === method);
  }

  /** Answered, or dropped after the work was done. */
  waitForCall(method: string, fits: (call: RecordedCall) => boolean = () => true, search: Search = {}): Promise<RecordedCall> {
    return this.calls.waitFor((call) => call.method === method && call.answer !== undefined && fits(call), search);
  }

  /** `what`: type of the inner event, `message/SUBTYPE`, or a command; waits until it was taken or given up for now. */
  waitForDelivery(
    what: string,
    fits: (delivery: RecordedDelivery) => boolean = () => true,
    search: Search = {},
  ): Promise<RecordedDelivery> {
    return this.deliveries.waitFor((delivery) => delivery.what === what && delivery.outcome !== 'pending' && fits(delivery), search);
  }

  #webhookOf(app: App, team: Team) {
    const channel = [...this.world.channels.values()].find((each) => each.team === team && each.kind === 'channel');
    if (channel === undefined) return undefined;
    const url = this.addIncomingWebhook(channel, { isOld: false, name: app.name });
    return { url, channel: `#${channel.name}`, channel_id: channel.id, configuration_url: `${this.url}/services/configuration` };
  }

  #route(asked: Asked, method: string | undefined): Promise<Answer> | Answer {
    const { url, verb } = asked;
    if (method !== undefined) return this.#webApi.answer(method, asked);
    const [, place] = url.pathname.split('/');
    switch (place) {
      case 'oauth':
        return verb === 'POST' ? this.#oauth.decide(new URLSearchParams(asked.body.toString())) : this.#oauth.page(url.searchParams);
      case 'upload':
        return this.#host.upload(asked);
      case 'files-pri':
        return this.#host.download(asked);
      case 'avatars':
        return this.#host.avatar(asked);
      case 'emoji':
        return this.#host.emoji(asked);
      case 'services':
        return this.#webhooks.post(asked);
      case 'response':
        return this.#interactivity.respond(asked);
      case '':
        return this.#host.login();
      default:
        return html('<h1>404</h1>', 404);
    }
  }
}
