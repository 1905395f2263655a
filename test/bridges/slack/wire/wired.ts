// Slack's wire against the fake: a workspace, our own Web API, and a listener that writes down what it is told.

import type { TestContext } from 'node:test';
import { RateTiers } from '../../../../bridges/slack/wire/rate-tiers.ts';
import type {
  SlackAnswer,
  SlackCommand,
  SlackEvent,
  SlackInteraction,
  SourceState,
  SourceTiming,
} from '../../../../bridges/slack/wire/source.ts';
import { WebApi, type WebApiOptions } from '../../../../bridges/slack/wire/web-api.ts';
import { acme } from '../../../fake-slack/acme.ts';
import { silentLog } from '../../../support/tools.ts';
import { until } from '../../../support/waiting.ts';

export const quick: Partial<SourceTiming> = { firstPause: 20, longestPause: 200, connectTimeout: 10_000, silence: 5_000 };

export async function wired(t: TestContext, options: Parameters<typeof acme>[1] & { readonly web?: WebApiOptions } = {}) {
  const world = await acme(t, options);
  const api = new WebApi({ apiUrl: world.slack.apiUrl, timeout: 2_000, ...options.web });
  world.atEnd(() => api.close());
  const caller = (token = world.bot.token.value, scope = 'T0001') => api.caller({ token, scope });
  return { ...world, api, caller, bots: caller() };
}

export interface Ear {
  readonly events: SlackEvent[];
  readonly commands: SlackCommand[];
  readonly interactions: SlackInteraction[];
  readonly states: SourceState[];
  /** What `onEvent` waits for; set by a test. */
  hold: (event: SlackEvent) => Promise<void>;
  reply: (command: SlackCommand) => Promise<SlackAnswer | undefined>;
  readonly texts: () => unknown[];
  readonly heard: (text: string) => Promise<SlackEvent>;
  readonly state: (state: SourceState['state'], times?: number) => Promise<SourceState[]>;
}

export function ear() {
  const told: Ear = {
    events: [],
    commands: [],
    interactions: [],
    states: [],
    hold: async () => {},
    reply: async () => undefined,
    texts: () => told.events.map(({ event }) => event.text),
    heard: (text) => until(`"${text}"`, () => told.events.find(({ event }) => event.text === text)),
    state: (wanted, times = 1) =>
      until(`${wanted} for the ${times}. time`, () => {
        const found = told.states.filter(({ state }) => state === wanted);
        return found.length >= times ? found : undefined;
      }),
  };
  const listener = {
    onEvent: async (event: SlackEvent) => {
      told.events.push(event);
      await told.hold(event);
    },
    onCommand: async (command: SlackCommand) => {
      told.commands.push(command);
      return told.reply(command);
    },
    onInteraction: async (interaction: SlackInteraction) => {
      told.interactions.push(interaction);
      return { text: 'Done.', original: 'replace' as const };
    },
    onState: (state: SourceState) => void told.states.push(state),
    log: silentLog,
    via: 'the app',
    timing: quick,
  };
  return { told, listener };
}

export function tiers(t: TestContext, options: ConstructorParameters<typeof RateTiers>[0] = {}): RateTiers {
  const made = new RateTiers(options);
  t.after(() => made.close());
  return made;
}
