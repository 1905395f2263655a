// The old pair, one for each link that has it: what is said in the channel comes by an outgoing webhook, what is said in Matrix goes by
// an incoming one. No app and no ids: nothing said can be changed, and an unknown outcome is sent once more. Mattermost speaks it too.

import {
  type ChannelId,
  type Fit,
  type Inbox,
  type Logger,
  type Outgoing,
  PermanentError,
  type RemoteUser,
  type Session,
  type Speaker,
  type Style,
  seldom,
  type Web,
  type WebAnswer,
  type WebRequest,
} from '#bridge-core';
import type { SlackBody } from './body.ts';
import { escaped } from './escape.ts';
import { type Fields, textIn, textsIn } from './fields.ts';
import type { SlackFit } from './formatter.ts';
import { makeChannelId, makeMessageId, makeUserId, parseId, timeOf, userFields } from './ids.ts';
import { nameFor } from './posting.ts';
import type { LinkSettings, SlackSettings } from './settings.ts';
import type { WebApi } from './wire/web-api.ts';
import { outgoingWebhook, postToWebhook } from './wire/webhooks.ts';

export interface WebhookPairsParts {
  readonly settings: Pick<SlackSettings, 'links' | 'name' | 'showIds'>;
  readonly api: WebApi;
  readonly inbox: Inbox<SlackBody>;
  readonly web: Web;
  readonly log: Logger;
  readonly isWatched: (channel: ChannelId) => boolean;
}

type Pair = LinkSettings & { readonly webhook: NonNullable<LinkSettings['webhook']> };

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
    parts.web.route('POST', '/webhooks/:id', (request) => this.#hear(request), { isUnlimited: true });
  }

  has(channel: ChannelId): boolean {
    return this.#pairs.has(channel);
  }

  /** As it was at the start, when its page was opened. */
  isKnown({ team, channel, webhook }: LinkSettings): boolean {
    return JSON.stringify(webhook) === JSON.stringify(this.#pairs.get(makeChannelId(team, channel))?.webhook);
  }

  /** Where the outgoing webhook of one that is ours is to post. */
  address(channel: ChannelId): string | undefined {
    return this.#parts.web.url(`/webhooks/${encodeURIComponent(parseId(channel).id)}`);
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
    const named = [...this.#pairs].filter(([, { channel }]) => channel === params.id);
    const asked = (token: string) => outgoingWebhook({ headers, body }, { tokens: [token], via: `webhook ${params.id}` });
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

/** Compared with what comes for a channel that is not there. */
const unknown = `no token ${crypto.randomUUID()}`;

function senderOf(team: string, id: string, name: string | undefined): RemoteUser {
  return { id: makeUserId(team, id), name: name ?? id, fields: userFields(team, id) };
}
