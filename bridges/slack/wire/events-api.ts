// What Slack posts to us: events, slash commands and buttons on one door, told apart by what they are, so that it does not matter
// which address an operator gave to which. Signature first, then the work, then the answer.

import { type Logger, messageOf, seldom } from '#bridge-core';
import { type Asking, answerTo, commandOf, eventOf, interactionOf, type Origin } from './envelope.ts';
import { timingOf } from './lifeline.ts';
import { respondAt } from './response-url.ts';
import { type SigningApp, verify } from './signature.ts';
import type { HttpAnswer, HttpRequest, Listener, SlackCommand, SlackInteraction, SourceTiming } from './source.ts';
import type { WebApi } from './web-api.ts';

export interface EventsApiOptions extends Listener {
  readonly api: WebApi;
  /** Asked at each request: secrets are replaced while we run. */
  readonly apps: () => readonly SigningApp[];
  readonly log: Logger;
  readonly timing?: Partial<SourceTiming>;
  /** ms. */
  readonly now?: () => number;
}

type Fields = Readonly<Record<string, unknown>>;

const text = { 'content-type': 'text/plain; charset=utf-8' };
const json = { 'content-type': 'application/json; charset=utf-8' };
const notUnderstood: HttpAnswer = { status: 400, headers: text, body: 'not understood' };

/** The door itself: answers each request. Never rejects. */
export function eventsApi(options: EventsApiOptions): (request: HttpRequest) => Promise<HttpAnswer> {
  const { api, apps, log, now = Date.now } = options;
  const { answerWithin } = timingOf(options.timing);
  const asking: Asking = { listener: options, respond: (url, body) => respondAt(api, url, body), within: answerWithin - 500, log };
  const refused = seldom(log, 'a request that is not of Slack was refused');
  return async (request) => {
    const verdict = verify(request, apps(), now());
    if ('refused' in verdict) {
      refused({ why: verdict.refused });
      return { status: 401, headers: text, body: verdict.refused };
    }
    const origin: Origin = { source: 'events', via: verdict.by };
    const { fields, isForm } = contentOf(request);
    if (fields === undefined) return notUnderstood;
    if (!isForm) return answerEvent(fields, origin, request);
    if (fields.ssl_check === '1') return { status: 200 };
    const asked = fields.payload === undefined ? commandOf(fields, origin) : interactionOf(fields.payload, origin);
    return asked === undefined ? notUnderstood : answerAsked(asked);
  };

  async function answerAsked(asked: SlackCommand | SlackInteraction): Promise<HttpAnswer> {
    const body = await answerTo(asked, asking);
    return body === undefined ? { status: 200 } : { status: 200, headers: json, body: JSON.stringify(body) };
  }

  async function answerEvent(fields: Fields, origin: Origin, { headers }: HttpRequest): Promise<HttpAnswer> {
    switch (fields.type) {
      case 'url_verification':
        return { status: 200, headers: text, body: String(fields.challenge) };
      case 'app_rate_limited':
        options.onHeldBack?.({ team: String(fields.team_id), minute: Number(fields.minute_rate_limited) * 1000, via: origin.via });
        return { status: 200 };
      case 'event_callback':
        break;
      default:
        log.debug({ type: fields.type }, 'Slack told something that is not known here');
        return { status: 200 };
    }
    const number = Number(headers['x-slack-retry-num'] ?? 0);
    const retry = number > 0 ? { number, reason: headers['x-slack-retry-reason'] ?? '' } : undefined;
    const event = eventOf(fields, { ...origin, retry });
    // What nobody understands is taken, or Slack would tell it again.
    return event === undefined ? { status: 200 } : taken(options.onEvent(event));
  }

  /** An answer that says "not taken" where it takes too long: Slack has hung up by then anyway, and comes again. */
  async function taken(taking: Promise<void>): Promise<HttpAnswer> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<HttpAnswer>((resolve) => {
      timer = setTimeout(() => resolve({ status: 503, headers: text, body: 'busy' }), answerWithin);
    });
    const done = taking.then(
      (): HttpAnswer => ({ status: 200 }),
      (thrown): HttpAnswer => {
        log.warn({ reason: messageOf(thrown) }, 'an event was not taken in');
        return { status: 503, headers: text, body: 'busy' };
      },
    );
    return Promise.race([done, late]).finally(() => clearTimeout(timer));
  }
}

/** By its type, with whatever parameters; undefined where the body is not what it says. */
function contentOf({ headers, body }: HttpRequest): { readonly fields: Fields | undefined; readonly isForm: boolean } {
  const [type = ''] = (headers['content-type'] ?? '').toLowerCase().split(';');
  if (type.trim() !== 'application/x-www-form-urlencoded') return { fields: recordIn(body.toString('utf8')), isForm: false };
  const form: Record<string, unknown> = Object.fromEntries(new URLSearchParams(body.toString('utf8')));
  if (typeof form.payload !== 'string') return { fields: form, isForm: true };
  const payload = recordIn(form.payload);
  return { fields: payload && { payload }, isForm: true };
}

function recordIn(source: string): Fields | undefined {
  try {
    const parsed: unknown = JSON.parse(source);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Fields) : undefined;
  } catch {
    return undefined;
  }
}
