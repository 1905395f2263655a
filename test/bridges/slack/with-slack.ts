// A Slack adapter on the fake Slack: a workspace with people, a channel and the bridge's app, by whichever transport.

import type { TestContext } from 'node:test';
import type { AdapterTools, Inbox, Json, RemoteEvent, Web } from '#bridge-core';
import { SlackAdapter } from '../../../bridges/slack/adapter.ts';
import type { SlackBody } from '../../../bridges/slack/body.ts';
import { slackSettings, type Transport } from '../../../bridges/slack/settings.ts';
import type { SlackTiming } from '../../../bridges/slack/timing.ts';
import { type FakeSlack, type FakeSlackOptions, startFakeSlack } from '../../support/fake-slack.ts';
import { keepTools } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';

export type SlackEvents = RemoteEvent<SlackBody>[];

export const quick: Partial<SlackTiming> = {
  limits: false,
  callTimeout: 10_000,
  probe: { first: 25, most: 200, watch: 100 },
  sources: { firstPause: 25, longestPause: 200, connectTimeout: 2_000 },
};

export interface Wish {
  readonly slack?: FakeSlackOptions;
  readonly transport?: Transport | readonly Transport[];
  readonly settings?: object;
  readonly inbox?: Partial<Inbox<SlackBody>>;
  readonly memory?: Map<string, Json>;
  readonly isClassic?: boolean;
  /** What the bot's token may do; the app's own wishes unless said. */
  readonly scopes?: readonly string[];
  readonly count?: (name: string, labels?: Readonly<Record<string, string>>) => void;
  readonly timing?: Partial<SlackTiming>;
  /** Where its pages are. */
  readonly web?: { readonly url: string; readonly routes: Web };
}

/** A workspace `T0001` with ann, bob and #general, in which the bot is. */
export async function acmeSlack(wish: Wish = {}) {
  const slack = await startFakeSlack({ retryPauses: [20, 40, 60], ...wish.slack });
  const team = slack.setup.team({ id: 'T0001', name: 'Acme' });
  const ann = slack.addPerson(team, { id: 'U0ANN', name: 'ann', realName: 'Ann Example', isAdmin: true });
  const bob = slack.addPerson(team, { id: 'U0BOB', name: 'bob', realName: 'Bob Example' });
  const general = slack.addChannel(team, 'general', [ann, bob], { id: 'C0GENERAL' });
  const transports = [wish.transport ?? 'socket'].flat();
  const isClassic = wish.isClassic ?? transports.includes('rtm');
  const app = slack.setup.app({
    id: 'A0BRIDGE',
    name: 'Bridge',
    clientId: '1.2',
    clientSecret: 'c0de',
    signingSecret: 's3cret',
    socketMode: transports.includes('socket'),
    commands: ['/matrix'],
    redirectUris: wish.web === undefined ? [] : [`${wish.web.url}/oauth/return`],
    isClassic,
  });
  const bot = slack.setup.install(app, team, {
    ...{ token: 'xoxb-1', channels: [general] },
    ...(wish.scopes !== undefined && { scopes: wish.scopes }),
  });
  slack.setup.appToken(app, 'xapp-1');
  return { slack, team, ann, bob, general, app, bot, transports };
}

export type Acme = Awaited<ReturnType<typeof acmeSlack>>;

export function settingsFor(slack: FakeSlack, transports: readonly Transport[], more: object = {}) {
  return slackSettings.parse({
    api_url: slack.apiUrl,
    authorize_url: slack.authorizeUrl,
    app: { signing_secret: 's3cret', app_token: 'xapp-1', client_id: '1.2', client_secret: 'c0de' },
    teams: [{ id: 'T0001', bot_token: 'xoxb-1', transport: transports }],
    ...more,
  });
}

/** Up, and the bot's word heard. */
export async function withAdapter(t: TestContext, wish: Wish = {}) {
  const acme = await acmeSlack(wish);
  const kept = keepTools(wish.inbox as Partial<Inbox> | undefined, wish.memory);
  const pages = wish.web === undefined ? {} : { web: wish.web.routes, publicUrl: wish.web.url };
  const { loggedIn, renewed, asked, moved } = wish.inbox ?? {};
  const more = { ...(loggedIn && { loggedIn }), ...(renewed && { renewed }), ...(asked && { asked }), ...(moved && { moved }) };
  const tools = {
    ...kept.tools,
    ...pages,
    ...(wish.count && { count: wish.count }),
    inbox: { ...kept.tools.inbox, ...more },
  } as unknown as AdapterTools<SlackBody>;
  const adapter = new SlackAdapter(settingsFor(acme.slack, acme.transports, wish.settings), tools, { ...quick, ...wish.timing });
  t.after(async () => {
    await adapter.disconnect();
    await acme.slack.stop();
  });
  await adapter.connect();
  await until('the bot to be up', () => adapter.status()[0]?.state === 'up' || undefined);
  const channel = await adapter.channels.resolve('#general');
  if (channel === undefined) throw new Error('no #general');
  await adapter.watch(channel.id);
  const events = kept.events as unknown as SlackEvents;
  return { ...acme, ...kept, tools, events, adapter, channel: channel.id };
}

type Kind = RemoteEvent<SlackBody>['kind'];
type Of<K extends Kind> = Extract<RemoteEvent<SlackBody>, { kind: K }>;

export async function heard<K extends Kind>(events: SlackEvents, kind: K, fits: (event: Of<K>) => boolean = () => true): Promise<Of<K>> {
  return await until(`a ${kind} event among ${JSON.stringify(events.slice(-3))}`, () =>
    events.find((event): event is Of<K> => event.kind === kind && fits(event as Of<K>)),
  );
}

/** Slack tries no more to tell of it: by events nobody hears of it any more. */
export const givenUp = (slack: FakeSlack, text: string) =>
  until(`Slack to give up ${text}`, () => {
    const tries = slack.deliveries.items.filter(({ payload }) => JSON.stringify(payload).includes(JSON.stringify(text)));
    const last = tries.filter(({ attempt, outcome }) => attempt === 3 && outcome === 'failed');
    const events = new Set(tries.map(({ eventId }) => eventId));
    return (events.size > 0 && last.length === events.size) || undefined;
  });
