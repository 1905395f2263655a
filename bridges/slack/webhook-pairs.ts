// The old pair, one for each link that has it: what is said in the channel comes by an outgoing webhook, what is said in Matrix goes by
// an incoming one. No app and no ids: nothing said can be changed, and an unknown outcome is sent once more. Mattermost speaks it too.

import { randomBytes } from 'node:crypto';
import {
  type ChannelId,
  type Fit,
  type Inbox,
  type Logger,
  type Outgoing,
  PermanentError,
  type RemoteUser,
  type Secrets,
  type Session,
  type Speaker,
  type Style,
  seldom,
  type UserId,
  userId,
  type Web,
  type WebAnswer,
  type WebRequest,
} from '#bridge-core';
import type { SlackBody } from './body.ts';
import { escaped } from './escape.ts';
import { type Fields, isFields, textIn, textsIn } from './fields.ts';
import type { SlackFit } from './formatter.ts';
import { makeChannelId, makeMessageId, makeUserId, parseId, timeOf, userFields, webhookTeam } from './ids.ts';
import { nameFor } from './posting.ts';
import type { LinkSettings, SlackSettings } from './settings.ts';
import { isIncomingWebhook } from './wire/response-url.ts';
import { isSameSecret } from './wire/signature.ts';
import type { WebApi } from './wire/web-api.ts';
import { outgoingWebhook, postToWebhook } from './wire/webhooks.ts';

export interface WebhookPairsParts {
  readonly settings: Pick<SlackSettings, 'links' | 'name' | 'showIds'>;
  readonly api: WebApi;
  readonly inbox: Inbox<SlackBody>;
  readonly web: Web;
  readonly secrets: Secrets;
  readonly log: Logger;
  readonly isWatched: (channel: ChannelId) => boolean;
}

type Pair = Pick<LinkSettings, 'team' | 'channel'> & {
  readonly webhook: NonNullable<LinkSettings['webhook']>;
  /** Who asked for it, where the config does not name it: what it hears comes to an address that nobody can guess. */
  readonly by?: UserId;
};

const mostAsked = 1_000;
const bodyBytes = 4_000;
const mostBodies = 20;

export class WebhookPairs {
  readonly #parts: WebhookPairsParts;
  readonly #refused: (fields: object) => void;
  readonly #pairs = new Map<ChannelId, Pair>();
  readonly #sessions = new Map<ChannelId, Session<SlackBody>>();

  constructor(parts: WebhookPairsParts) {
    this.#parts = parts;
    this.#refused = seldom(parts.log, 'an outgoing webhook with a wrong token was refused');
    for (const link of parts.settings.links)
      if (link.webhook !== undefined) this.#pairs.set(makeChannelId(link.team, link.channel), { ...link, webhook: link.webhook });
    for (const name of parts.secrets.names(keptUnder)) {
      const pair = readAsked(name.slice(keptUnder.length), parts.secrets.get(name));
      if (pair !== undefined) this.#pairs.set(makeChannelId(pair.team, pair.channel), pair);
    }
    parts.web.route('POST', '/webhooks/:id', (request) => this.#hear(request), { isUnlimited: true });
    parts.web.route('POST', '/webhooks/:id/:secret', (request) => this.#hear(request));
  }

  /** A pair for whoever has the address of an incoming webhook of Slack's: that lets them speak in its channel. Others' addresses only the
   *  config names, for we would post to wherever they lead. */
  async ask(incoming: string, by: UserId): Promise<ChannelId> {
    const { api, secrets, inbox, web } = this.#parts;
    if (!isIncomingWebhook(incoming, api.apiUrl))
      throw new PermanentError('BAD_REQUEST', 'slack_webhook_uri is no incoming webhook of Slack');
    if (web.url('') === undefined) throw new PermanentError('UNSUPPORTED', 'without a public_url nobody could reach the other webhook');
    if ([...this.#pairs.values()].filter((pair) => pair.by !== undefined).length >= mostAsked)
      throw new PermanentError('LIMIT_REACHED', 'there are as many pairs of webhooks as there may be');
    const channel = `w${randomBytes(9).toString('hex')}`;
    const webhook = { incoming, outgoingToken: randomBytes(24).toString('base64url') };
    await secrets.set(`${keptUnder}${channel}`, JSON.stringify({ ...webhook, by }));
    const id = makeChannelId(webhookTeam, channel);
    this.#pairs.set(id, { team: webhookTeam, channel, webhook, by });
    inbox.connection({ as: 'bot' }, webhookTeam, 'up');
    return id;
  }

  /** One that was asked for, and is linked to nothing any more. */
  async drop(channel: ChannelId): Promise<void> {
    const pair = this.#pairs.get(channel);
    if (pair?.by === undefined) return;
    this.#pairs.delete(channel);
    this.#sessions.delete(channel);
    await this.#parts.secrets.set(`${keptUnder}${pair.channel}`, undefined);
  }

  isAsked(channel: ChannelId): boolean {
    return this.#pairs.get(channel)?.by !== undefined;
  }

  isOf(channel: ChannelId, user: UserId): boolean {
    return this.#pairs.get(channel)?.by === user;
  }

  has(channel: ChannelId): boolean {
    return this.#pairs.has(channel);
  }

  /** As it was at the start, when its page was opened. */
  isKnown({ team, channel, webhook }: LinkSettings): boolean {
    return JSON.stringify(webhook) === JSON.stringify(this.#pairs.get(makeChannelId(team, channel))?.webhook);
  }

  /** Where the outgoing webhook of one that is ours is to post. `isWhole`: also where that is a secret. */
  address(channel: ChannelId, isWhole = false): string | undefined {
    const pair = this.#pairs.get(channel);
    if (pair === undefined || (pair.by !== undefined && !isWhole)) return undefined;
    const page = `/webhooks/${encodeURIComponent(pair.channel)}`;
    return this.#parts.web.url(pair.by === undefined ? page : `${page}/${pair.webhook.outgoingToken}`);
  }

  /** Teams of nothing but webhooks. */
  networks(): string[] {
    return [...new Set(Array.from(this.#pairs.values(), ({ team }) => team))];
  }

  session(channel: ChannelId, speaker: Speaker): Session<SlackBody> {
    if (speaker.as === 'user') throw new PermanentError('NETWORK_LOGIN', 'by a webhook only the bot speaks');
    const known = this.#sessions.get(channel);
    if (known !== undefined) return known;
    const pair = this.#pairs.get(channel);
    if (pair === undefined) throw new PermanentError('CHANNEL_UNKNOWN', `there is no webhook for ${channel}`);
    const made = this.#make(pair, channel);
    this.#sessions.set(channel, made);
    return made;
  }

  #make(pair: Pair, channel: ChannelId): Session<SlackBody> {
    const { api, settings } = this.#parts;
    const mention: Fit['mention'] = (who) => ('remote' in who ? `<@${parseId(who.remote).id}>` : undefined);
    return {
      self: makeUserId(pair.team, `webhook-${pair.channel}`),
      speaker: { as: 'bot' },
      fit: (_channel, style: Style): SlackFit => ({ bytes: bodyBytes, lines: mostBodies, markup: false, style, mention }),
      join: async () => {},
      leave: async () => {},
      async send({ body, shownAs, style, by }: Outgoing<SlackBody>) {
        const text = style === 'emote' && !body.text.includes('\n') ? `_${body.text}_` : body.text;
        await postToWebhook(
          api,
          { url: pair.webhook.incoming, name: channel },
          {
            text,
            ...(shownAs !== undefined && { username: nameFor(settings, shownAs, by) }),
            ...(shownAs?.avatar !== undefined && { icon_url: shownAs.avatar }),
          },
        );
        return undefined;
      },
      close: async () => {},
    };
  }

  async #hear({ params, headers, body }: WebRequest): Promise<WebAnswer> {
    const { inbox, isWatched } = this.#parts;
    // Teams may have channels of one id: whose it is, its token tells. Nobody learns from outside which of them there are.
    const named = [...this.#pairs].filter(([, { channel, by }]) => channel === params.id && (by !== undefined) === 'secret' in params);
    const asked = (token: string) => {
      const secret = params.secret;
      if (secret !== undefined && !isSameSecret(secret, token)) return 'refused';
      const tokens = secret === undefined ? [token] : undefined;
      return outgoingWebhook({ headers, body }, { tokens, via: `webhook ${params.id}` });
    };
    const read = named.map(([id, pair]) => ({ id, pair, told: asked(pair.webhook.outgoingToken) }));
    const found = read.find(({ told }) => told !== 'refused');
    if (found === undefined || found.told === 'refused') {
      if (named.length === 0) asked(unknown);
      this.#refused({ id: params.id });
      return { status: 403, body: 'invalid_token' };
    }
    const { id: channel, pair, told } = found;
    // What no person said comes back to us as often as not: it is what our own incoming webhook said.
    if (told === undefined || told.event.subtype === 'bot_message' || !isWatched(channel)) return { status: 200 };
    const { event } = told;
    const ts = textIn(event, 'ts') ?? '';
    const said = saidIn(event);
    if (said === undefined) return { status: 200 };
    await inbox.receive({
      ...{ kind: 'message', at: Math.min(timeOf(ts), told.receivedAt), channel, id: makeMessageId(textIn(event, 'post_id') ?? ts) },
      sender: senderOf(pair.team, textIn(event, 'user') ?? '', textIn(event, 'user_name')),
      ...said,
    });
    return { status: 200 };
  }
}

/** Mattermost writes Markdown and escapes nothing; of files it tells that there are some, and no more. Undefined: nothing is said. */
function saidIn(event: Fields): { readonly style: Style; readonly body: SlackBody } | undefined {
  const text = textIn(event, 'text') ?? '';
  if (event.post_id === undefined) return text === '' ? undefined : { style: 'text', body: { text } };
  const files = textsIn(event, 'file_ids').length;
  const what = files === 1 ? 'a file' : `${files} files`;
  if (text.trim() === '')
    return files === 0 ? undefined : { style: 'emote', body: { text: `sent ${what} that the webhook does not bring` } };
  const whole = files === 0 ? text : `${text}\n\n*with ${what} that the webhook does not bring*`;
  return { style: 'text', body: { text: escaped(whole), blocks: [{ type: 'markdown', text: whole }] } };
}

/** Sealed: either address is as good as a password. */
const keptUnder = 'webhooks ';

function readAsked(channel: string, kept: string | undefined): Pair | undefined {
  const told: unknown = JSON.parse(kept ?? '{}');
  if (!isFields(told)) return undefined;
  const [incoming, outgoingToken, by] = [textIn(told, 'incoming'), textIn(told, 'outgoingToken'), textIn(told, 'by')];
  if (incoming === undefined || outgoingToken === undefined || by === undefined) return undefined;
  return { team: webhookTeam, channel, webhook: { incoming, outgoingToken }, by: userId(by) };
}

/** Compared with what comes for a channel that is not there. */
const unknown = `no token ${crypto.randomUUID()}`;

function senderOf(team: string, id: string, name: string | undefined): RemoteUser {
  return { id: makeUserId(team, id), name: name ?? id, fields: userFields(team, id) };
}
