// The Events API over HTTP (docs.slack.dev/apis/events-api): signed posts, retried with X-Slack-Retry-Num and -Reason, and the check of a
// new address by `url_verification`. Slack promises no order; here an app's first tries go out in order and so many at a time as
// `inFlight` says. Not made: that a subscription is switched off when over 95 % of an hour's events fail, and the following of redirects.

import type { EventEnvelope } from './envelope.ts';
import { nameOf } from './envelope.ts';
import type { App } from './model.ts';
import { type Push, PushFailed } from './push.ts';
import type { Attempt, Outcome, Retries } from './retries.ts';
import type { World } from './world.ts';

export interface EventsApiOptions {
  readonly world: World;
  readonly push: Push;
  readonly retries: Retries;
  readonly inFlight: number;
}

export class EventsApi {
  readonly #options: EventsApiOptions;
  readonly #queues = new Map<App, { readonly waiting: EventEnvelope[]; running: number }>();

  constructor(options: EventsApiOptions) {
    this.#options = options;
  }

  deliver(app: App, envelope: EventEnvelope): void {
    const queue = this.#queues.get(app) ?? { waiting: [], running: 0 };
    this.#queues.set(app, queue);
    queue.waiting.push(envelope);
    while (queue.running < this.#options.inFlight && queue.waiting.length > 0) void this.#work(app, queue);
  }

  /** True where the address echoes the challenge, as text, as a form or as JSON. */
  async verify(app: App, url: string): Promise<boolean> {
    const challenge = this.#options.world.secret(24);
    const body = JSON.stringify({ token: app.verificationToken, challenge, type: 'url_verification' });
    try {
      const { status, body: answer } = await this.#options.push.post(url, body, 'application/json', app);
      const isEchoed = answer === challenge || answer === `challenge=${challenge}` || challengeOf(answer) === challenge;
      return status === 200 && isEchoed;
    } catch (error) {
      if (error instanceof PushFailed) return false;
      throw error;
    }
  }

  /** Told instead of events that were too many, by `app_rate_limited`. */
  async tellRateLimited(app: App, team: string): Promise<void> {
    const minute_rate_limited = Math.floor(this.#options.world.clock.seconds() / 60) * 60;
    const body = { token: app.verificationToken, type: 'app_rate_limited', team_id: team, minute_rate_limited, api_app_id: app.id };
    if (app.eventsUrl !== undefined) await this.#options.push.post(app.eventsUrl, JSON.stringify(body), 'application/json', app);
  }

  async #work(app: App, queue: { readonly waiting: EventEnvelope[]; running: number }): Promise<void> {
    queue.running += 1;
    for (let next = queue.waiting.shift(); next !== undefined; next = queue.waiting.shift()) await this.#send(app, next);
    queue.running -= 1;
  }

  async #send(app: App, envelope: EventEnvelope): Promise<void> {
    const payload = envelope as unknown as Readonly<Record<string, unknown>>;
    const body = JSON.stringify(envelope);
    const record = {
      transport: 'events',
      app: app.id,
      team: envelope.team_id,
      what: nameOf(envelope.event),
      eventId: envelope.event_id,
      payload,
    } as const;
    await this.#options.retries.deliver(record, (attempt) => this.#try(app, body, attempt));
  }

  async #try(app: App, body: string, { number, reason }: Attempt): Promise<Outcome> {
    if (app.eventsUrl === undefined) return { isTaken: false, reason: 'unknown_error', isFinal: true };
    const headers: Record<string, string> =
      number === 0 ? {} : { 'x-slack-retry-num': String(number), 'x-slack-retry-reason': reason ?? '' };
    try {
      const { status, headers: answered } = await this.#options.push.post(app.eventsUrl, body, 'application/json', app, headers);
      if (status >= 200 && status < 300) return { isTaken: true };
      return { isTaken: false, reason: 'http_error', isFinal: answered['x-slack-no-retry'] === '1' };
    } catch (error) {
      if (error instanceof PushFailed) return { isTaken: false, reason: error.reason };
      throw error;
    }
  }
}

function challengeOf(answer: string): unknown {
  try {
    return (JSON.parse(answer) as { challenge?: unknown }).challenge;
  } catch {
    return undefined;
  }
}
