// The old pair: an outgoing webhook tells us what is said in a channel, by form or JSON and a word that only the sender knows; an
// incoming one posts there and answers "ok" or why not. Mattermost speaks the same, with ids of its own.

import type { Dispatcher } from 'undici';
import { type BridgeError, formIn } from '#bridge-core';
import { type Asked, connectionFault, defaultWait, limited, refusalFor, statusFault } from './faults.ts';
import { isSameSecret } from './signature.ts';
import type { HttpRequest, InnerEvent, SlackEvent } from './source.ts';
import type { WebApi } from './web-api.ts';

export interface OutgoingOptions {
  /** The token, and the one before while it is replaced. Undefined: the address that was posted to is proof enough. */
  readonly tokens: readonly string[] | undefined;
  readonly via: string;
}

/** Bytes: several times what the longest message takes as a form. */
const largest = 2 * 1024 * 1024;

/** Slack's own user for what no user said. */
const slackbot = 'USLACKBOT';

/** Refused: the word is wrong. Undefined: not a message. A message of Mattermost bears its `post_id`, and its text is not escaped. */
export function outgoingWebhook(request: HttpRequest, { tokens, via }: OutgoingOptions): SlackEvent | 'refused' | undefined {
  const fields = fieldsOf(request);
  // Whatever bears no token is refused: else anybody could tell by it which of them there are.
  if (fields === undefined) return tokens === undefined ? undefined : 'refused';
  // Each is compared, whichever fits.
  const isKnown = tokens === undefined || tokens.map((token) => isSameSecret(fields.token ?? '', token)).includes(true);
  if (!isKnown) return 'refused';
  const { team_id: team, channel_id: channel, text, user_id: user, user_name: name } = fields;
  const ts = tsOf(fields.timestamp);
  if (team === undefined || channel === undefined || ts === undefined || text === undefined) return undefined;
  const isBot = user === undefined || user === slackbot || fields.bot_id !== undefined;
  const event: InnerEvent = {
    type: 'message',
    channel,
    channel_name: fields.channel_name,
    user,
    user_name: name,
    text,
    ts,
    team,
    ...(isBot && { subtype: 'bot_message', bot_id: fields.bot_id, username: fields.bot_name ?? name }),
    ...(fields.thread_ts !== undefined && { thread_ts: fields.thread_ts }),
    ...(fields.trigger_word !== undefined && { trigger_word: fields.trigger_word }),
    ...(fields.post_id !== undefined && { post_id: fields.post_id }),
    ...(fields.file_ids !== undefined && { file_ids: fields.file_ids.split(',').filter((id) => id !== '') }),
  };
  return { team, event, source: 'webhook', via, receivedAt: Date.now() };
}

export interface IncomingMessage {
  readonly text: string;
  readonly username?: string;
  readonly icon_url?: string;
  readonly icon_emoji?: string;
  readonly channel?: string;
  readonly attachments?: readonly object[];
  readonly blocks?: readonly object[];
  readonly thread_ts?: string;
  readonly unfurl_links?: boolean;
}

/** Errors name no address: it is as good as a password. */
const asked: Asked = { what: 'the incoming webhook', isPost: true };
const patience = 2_000;

/** Resolves once it was posted, under an id that nobody tells us. `name`: of this webhook among ours, for its limit. */
export async function postToWebhook(
  api: WebApi,
  hook: { readonly url: string; readonly name: string },
  message: IncomingMessage,
): Promise<void> {
  const draw = { scope: `webhook ${hook.name}`, method: 'chat.postMessage', channel: hook.name, patience };
  await api.tiers.enter(draw);
  const { origin, pathname, search } = new URL(hook.url);
  let answer: Dispatcher.ResponseData;
  let said: string;
  try {
    answer = await api.http.agent.request({
      origin,
      path: pathname + search,
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(message),
    });
    said = (await answer.body.text()).trim();
  } catch (thrown) {
    throw connectionFault(asked, thrown);
  }
  if (answer.statusCode === 200) return;
  if (answer.statusCode !== 429) throw refusal(answer.statusCode, said);
  const after = Number(answer.headers['retry-after']) * 1000 || defaultWait;
  api.tiers.hold(draw, after);
  throw limited(asked, after);
}

/** Slack answers with its word alone, Mattermost with JSON, proxies with pages. */
function refusal(status: number, said: string): BridgeError {
  if (status < 500 && /^[a-z_]{3,60}$/.test(said)) return refusalFor(asked, said);
  return statusFault(asked, status);
}

function fieldsOf({ headers, body }: HttpRequest): Readonly<Record<string, string | undefined>> | undefined {
  // Read before it is known whose it is.
  if (body.length > largest) return undefined;
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) return Object.fromEntries(formIn(body));
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    const plain = Object.entries(parsed).filter(([, value]) => typeof value === 'string' || typeof value === 'number');
    return Object.fromEntries(plain.map(([name, value]) => [name, String(value)]));
  } catch {
    return undefined;
  }
}

/** Slack's is a `ts` already; Mattermost's are milliseconds, or seconds in older ones. */
function tsOf(timestamp: string | undefined): string | undefined {
  if (timestamp === undefined || !/^\d{9,}(?:\.\d+)?$/.test(timestamp)) return undefined;
  if (timestamp.includes('.')) return timestamp;
  const ms = timestamp.length > 11 ? Number(timestamp) : Number(timestamp) * 1000;
  return (ms / 1000).toFixed(6);
}
