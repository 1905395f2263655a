// The workspace that these tests begin with: two people, a public channel with both and the bridge's bot, an app.

import type { TestContext } from 'node:test';
import { LogLevel, WebClient, type WebClientOptions } from '@slack/web-api';
import type { NewApp } from '../support/fake-slack/setup.ts';
import type { FakeSlackOptions } from '../support/fake-slack.ts';
import { startFakeSlack } from '../support/fake-slack.ts';

/** As a bridge would: no tries of its own, a limited call is an error. */
export const bareClient: WebClientOptions = { retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, logLevel: LogLevel.ERROR };

/** For libraries that complain where a test means them to. */
export const silent = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  getLevel: () => LogLevel.ERROR,
  setName: () => {},
};

export async function acme(t: TestContext, options: FakeSlackOptions & { readonly app?: NewApp } = {}) {
  const slack = await startFakeSlack({ retryPauses: [20, 40, 60], ...options });
  const ends: (() => unknown)[] = [];
  t.after(async () => {
    // Clients first: some keep a timer for half a minute if the server goes before them.
    for (const end of ends) await end();
    await slack.stop();
  });
  const team = slack.setup.team({ id: 'T0001', name: 'Acme' });
  const ann = slack.addPerson(team, { id: 'U0ANN', name: 'ann', realName: 'Ann Example', isAdmin: true });
  const bob = slack.addPerson(team, { id: 'U0BOB', name: 'bob', realName: 'Bob Example' });
  const general = slack.addChannel(team, 'general', [ann, bob], { id: 'C0GENERAL' });
  const app = slack.setup.app({ id: 'A0BRIDGE', name: 'Bridge', ...options.app });
  const bot = slack.setup.install(app, team, { token: 'xoxb-1', channels: [general] });
  const client = (token = bot.token.value, more: WebClientOptions = {}) =>
    new WebClient(token, { ...bareClient, logger: silent, slackApiUrl: slack.apiUrl, ...more });
  const atEnd = (end: () => unknown) => void ends.push(end);
  return { slack, atEnd, team, ann, bob, general, app, bot, client, web: client() };
}

/** The error word of a refused call. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return (error as { data?: { error?: string } }).data?.error ?? String(error);
  }
  return 'none';
}
