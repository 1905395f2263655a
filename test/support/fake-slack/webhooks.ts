// Incoming webhooks (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; the old ones: slackhq/slack-api-docs,
// index_incoming_webhooks) and the old outgoing ones (index_outgoing_webhooks). An app's hook has one channel and one face; an old one may
// be told others. Unverified: that messages of bots come out as USLACKBOT's, `service_id`, and that threads' replies come out too.

import { Args, readArgs } from './args.ts';
import type { Gate } from './gate.ts';
import { type Answer, type Asked, text } from './http.ts';
import type { Messages } from './messages.ts';
import { iconsOf } from './methods/content.ts';
import type { Attachment, Blocks, Bot, Channel, Message, Team } from './model.ts';
import type { Push } from './push.ts';
import type { Retries } from './retries.ts';
import { SlackFault, type World } from './world.ts';

export interface IncomingHook {
  readonly path: string;
  readonly team: Team;
  readonly channel: Channel;
  readonly bot: Bot;
  /** A custom integration of before apps. */
  readonly isOld: boolean;
}

export interface OutgoingHook {
  readonly url: string;
  readonly token: string;
  readonly team: Team;
  readonly channel: Channel | undefined;
  readonly triggerWords: readonly string[];
  readonly serviceId: string;
  readonly bot: Bot;
}

export interface WebhookOptions {
  readonly world: World;
  readonly messages: Messages;
  readonly push: Push;
  readonly retries: Retries;
  readonly gate: Gate;
}

export class Webhooks {
  readonly incoming = new Map<string, IncomingHook>();
  readonly outgoing: OutgoingHook[] = [];
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.#options = options;
    options.world.listen(({ event, audience }) => {
      if (this.outgoing.length === 0 || event.type !== 'message' || audience.of !== 'channel') return;
      const message = audience.channel.timeline.all.get('ts' in event ? event.ts : '');
      if (message !== undefined && (message.subtype === undefined || message.subtype === 'bot_message')) this.#sendOut(message);
    });
  }

  /** Answers `ok`, or a word and a status that say what is wrong; never a message id. */
  post(asked: Asked): Answer {
    const hook = this.incoming.get(asked.url.pathname);
    if (hook === undefined) return text('no_service', 404);
    const payload = payloadOf(asked);
    if (payload === undefined) return text('invalid_payload', 400);
    const { world, messages } = this.#options;
    const args = new Args(payload);
    const wanted = hook.isOld ? args.text('channel') : undefined;
    const channel =
      wanted === undefined ? hook.channel : (world.channels.get(wanted) ?? world.channelNamed(hook.team, wanted.replace(/^#/, '')));
    if (channel === undefined) return text('channel_not_found', 404);
    if (channel.isArchived) return text('channel_is_archived', 410);
    if (channel.isReadOnly) return text('action_prohibited', 403);
    const attachments = args.json('attachments', 'invalid_payload') as readonly Attachment[] | undefined;
    const blocks = args.json('blocks', 'invalid_payload') as Blocks | undefined;
    if (args.text('text') === undefined && attachments === undefined && blocks === undefined) return text('no_text', 400);
    if ((attachments?.length ?? 0) > 100) return text('too_many_attachments', 400);
    messages.post({
      channel,
      bot: hook.bot,
      team: hook.team.id,
      text: args.text('text') ?? '',
      blocks,
      attachments,
      threadTs: args.text('thread_ts'),
      subtype: 'bot_message',
      username: hook.isOld ? args.text('username') : undefined,
      icons: hook.isOld ? iconsOf({ args }) : undefined,
      unfurls: { links: args.isOn('unfurl_links'), media: args.isOn('unfurl_media', true) },
    });
    return text('ok');
  }

  #sendOut(message: Message): void {
    const { channel } = message;
    for (const hook of this.outgoing) {
      const trigger = hook.triggerWords.find((word) => message.text.startsWith(word));
      const isMeant = channel.kind === 'channel' && (hook.channel === undefined || hook.channel === channel) && channel.team === hook.team;
      if (!isMeant || message.bot === hook.bot || (hook.triggerWords.length > 0 && trigger === undefined)) continue;
      const fields = this.#fields(hook, message, trigger);
      const record = {
        transport: 'outgoing',
        app: hook.serviceId,
        team: hook.team.id,
        what: 'message',
        eventId: undefined,
        payload: fields,
      } as const;
      const send = () => void this.#options.retries.deliver(record, () => this.#try(hook, channel, fields));
      this.#options.gate.pass(`hook ${hook.serviceId}`, { ...record, send, cut: () => {} });
    }
  }

  #fields(hook: OutgoingHook, message: Message, trigger: string | undefined): Record<string, string> {
    const user = message.user === undefined ? undefined : this.#options.world.users.get(message.user);
    return {
      token: hook.token,
      team_id: hook.team.id,
      team_domain: hook.team.domain,
      service_id: hook.serviceId,
      channel_id: message.channel.id,
      channel_name: message.channel.name,
      timestamp: message.ts,
      user_id: user === undefined || message.subtype === 'bot_message' ? 'USLACKBOT' : user.id,
      user_name: user === undefined || message.subtype === 'bot_message' ? 'slackbot' : user.name,
      text: message.text,
      ...(message.bot === undefined ? {} : { bot_id: message.bot.id, bot_name: message.username ?? message.bot.name }),
      ...(message.threadTs === undefined ? {} : { thread_ts: message.threadTs }),
      ...(trigger === undefined ? {} : { trigger_word: trigger }),
    };
  }

  async #try(hook: OutgoingHook, channel: Channel, fields: Record<string, string>) {
    const body = new URLSearchParams(fields).toString();
    try {
      const answer = await this.#options.push.post(hook.url, body, 'application/x-www-form-urlencoded');
      if (answer.status !== 200) return { isTaken: false, reason: 'http_error' } as const;
      this.#answerBack(hook, channel, answer.body);
      return { isTaken: true } as const;
    } catch (error) {
      return { isTaken: false, reason: (error as Error).message } as const;
    }
  }

  /** `{"text": …}` in the answer is posted into the channel. */
  #answerBack(hook: OutgoingHook, channel: Channel, body: string): void {
    if (!body.startsWith('{')) return;
    const said = new Args(JSON.parse(body) as Record<string, unknown>);
    const words = said.text('text');
    if (words === undefined) return;
    const username = said.text('username');
    this.#options.messages.post({ channel, bot: hook.bot, team: hook.team.id, text: words, subtype: 'bot_message', username });
  }
}

/** JSON, or a form whose `payload` is JSON. */
function payloadOf({ url, headers, body }: Asked): Record<string, unknown> | undefined {
  try {
    const args = readArgs(url, headers['content-type'] ?? '', body);
    const payload = args.text('payload');
    const made: unknown = payload === undefined ? args.all : JSON.parse(payload);
    return typeof made === 'object' && made !== null ? (made as Record<string, unknown>) : undefined;
  } catch (error) {
    if (error instanceof SlackFault || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
