// What an app is asked at once, and may answer: slash commands (docs.slack.dev/interactivity/implementing-slash-commands) and buttons
// (docs.slack.dev/reference/interaction-payloads/block_actions-payload), by signed form posts or Socket Mode, within three seconds; and
// the response address, good for five answers in half an hour. Fields as Bolt's SlashCommand and BlockAction types name them.

import type { Recorded } from '../fake-services/recorded.ts';
import { Args, readArgs } from './args.ts';
import type { Ephemeral } from './call.ts';
import { type Answer, type Asked, text } from './http.ts';
import { inHistory } from './message-shapes.ts';
import type { Messages } from './messages.ts';
import type { App, Attachment, Blocks, Channel, Message, User } from './model.ts';
import { type Push, PushFailed } from './push.ts';
import type { Outcome, Retries } from './retries.ts';
import type { SocketMode } from './socket-mode.ts';
import { SlackFault, type World } from './world.ts';

export interface InteractivityOptions {
  readonly world: World;
  readonly messages: Messages;
  readonly push: Push;
  readonly retries: Retries;
  readonly socketMode: SocketMode;
  readonly ephemerals: Recorded<Ephemeral>;
}

/** What the person sees for it. */
export interface CommandResult {
  /** `dispatch_failed`, `operation_timeout`, `invalid_command`: what Slack tells the person instead. */
  readonly error: string | undefined;
  readonly text: string | undefined;
  readonly isInChannel: boolean;
}

interface Respondent {
  readonly app: App;
  readonly channel: Channel;
  readonly user: User;
  readonly message: Message | undefined;
  readonly until: number;
  left: number;
}

const responseLife = 30 * 60_000;
const responses = 5;

export class Interactivity {
  readonly #options: InteractivityOptions;
  readonly #respondents = new Map<string, Respondent>();

  constructor(options: InteractivityOptions) {
    this.#options = options;
  }

  async command(user: User, channel: Channel, command: string, words: string): Promise<CommandResult> {
    const { world } = this.#options;
    const app = [...world.apps.values()].find(({ commands }) => commands.has(command));
    if (app === undefined) return { error: 'invalid_command', text: undefined, isInChannel: false };
    const team = world.team(user.teamId);
    const payload = {
      token: app.verificationToken,
      team_id: team.id,
      team_domain: team.domain,
      ...(team.enterprise === undefined ? {} : { enterprise_id: team.enterprise.id, enterprise_name: team.enterprise.name }),
      channel_id: channel.id,
      channel_name: { channel: channel.name, group: 'privategroup', im: 'directmessage', mpim: channel.name }[channel.kind],
      user_id: user.id,
      user_name: user.name,
      command,
      text: words,
      api_app_id: app.id,
      is_enterprise_install: 'false',
      response_url: this.#responseUrl({ app, channel, user, message: undefined }),
      trigger_id: this.#trigger(team.id),
    };
    const outcome = await this.#ask(app, 'commands', command, team.id, payload, (body) => ({ ...body }), app.commandsUrl);
    if (!outcome.isTaken) return { error: errorOf(outcome.reason), text: undefined, isInChannel: false };
    return this.#show(app, user, channel, outcome.answer);
  }

  /** A button of a message; settles with the app's taking it. */
  async press(
    user: User,
    message: Message,
    action: { readonly action_id: string; readonly block_id: string } & Readonly<Record<string, unknown>>,
  ): Promise<string | undefined> {
    const { world } = this.#options;
    const { app } = message.bot ?? {};
    if (app === undefined) throw new SlackFault('no_app');
    const team = world.team(user.teamId);
    const { channel } = message;
    const payload = {
      type: 'block_actions',
      user: { id: user.id, username: user.name, name: user.name, team_id: team.id },
      api_app_id: app.id,
      token: app.verificationToken,
      container: { type: 'message', message_ts: message.ts, channel_id: channel.id, is_ephemeral: false },
      trigger_id: this.#trigger(team.id),
      team: { id: team.id, domain: team.domain },
      enterprise: team.enterprise === undefined ? null : { id: team.enterprise.id, name: team.enterprise.name },
      is_enterprise_install: false,
      channel: { id: channel.id, name: channel.name },
      message: inHistory(world, message),
      state: { values: {} },
      response_url: this.#responseUrl({ app, channel, user, message }),
      actions: [{ ...action, action_ts: world.clock.ts() }],
    };
    const wrap = (body: object) => ({ payload: JSON.stringify(body) });
    const outcome = await this.#ask(app, 'interactivity', 'block_actions', team.id, payload, wrap, app.interactivityUrl);
    return outcome.isTaken ? undefined : errorOf(outcome.reason);
  }

  /** POST to a response address. */
  respond({ url, headers, body }: Asked): Answer {
    const { world } = this.#options;
    const respondent = this.#respondents.get(url.pathname);
    if (respondent === undefined || respondent.until < world.clock.now()) return text('expired_url', 404);
    if (respondent.left === 0) return text('used_url', 404);
    respondent.left -= 1;
    const { app, channel, user, message } = respondent;
    const said = readArgs(url, headers['content-type'] ?? '', body);
    if (said.isOn('delete_original') && message !== undefined) this.#options.messages.delete(message);
    else if (said.isOn('replace_original') && message !== undefined) this.#replace(message, said);
    else this.#show(app, user, channel, said.all);
    return text('ok');
  }

  async #ask(
    app: App,
    transport: 'commands' | 'interactivity',
    what: string,
    team: string,
    payload: Readonly<Record<string, unknown>>,
    asForm: (payload: object) => object,
    url: string | undefined,
  ): Promise<Outcome> {
    const { retries, socketMode } = this.#options;
    const kind = transport === 'commands' ? 'slash_commands' : 'interactive';
    return retries.deliver({ transport, app: app.id, team, what, eventId: undefined, payload }, async (attempt): Promise<Outcome> => {
      if (app.usesSocketMode) return once(await socketMode.send(app, kind, payload, attempt));
      if (url === undefined) return { isTaken: false, reason: 'connection_failed', isFinal: true };
      return once(await this.#post(app, url, asForm(payload)));
    });
  }

  async #post(app: App, url: string, fields: object): Promise<Outcome> {
    const form = new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value)])).toString();
    try {
      const { status, body, headers } = await this.#options.push.post(url, form, 'application/x-www-form-urlencoded', app);
      if (status !== 200) return { isTaken: false, reason: 'http_error' };
      const isJson = String(headers['content-type'] ?? '').includes('json') && body !== '';
      return { isTaken: true, answer: isJson ? JSON.parse(body) : body === '' ? undefined : { text: body } };
    } catch (error) {
      if (error instanceof PushFailed) return { isTaken: false, reason: error.reason };
      throw error;
    }
  }

  /** To the person alone unless `response_type` says otherwise. */
  #show(app: App, user: User, channel: Channel, answer: unknown): CommandResult {
    const { world, messages, ephemerals } = this.#options;
    const said = new Args((answer ?? {}) as Record<string, unknown>);
    const words = said.text('text');
    const blocks = said.json('blocks', 'invalid_blocks') as Blocks | undefined;
    const isInChannel = said.text('response_type') === 'in_channel';
    if (words === undefined && blocks === undefined) return { error: undefined, text: undefined, isInChannel };
    const bot = world.botOf(app, user.teamId);
    if (isInChannel) messages.post({ channel, bot, team: user.teamId, text: words ?? '', blocks, subtype: 'bot_message' });
    else
      ephemerals.add({
        user: user.id,
        channel: channel.id,
        text: words ?? '',
        blocks,
        threadTs: said.text('thread_ts'),
        ts: world.clock.ts(),
      });
    return { error: undefined, text: words, isInChannel };
  }

  #replace(message: Message, said: Args): void {
    const blocks = said.json('blocks', 'invalid_blocks') as Blocks | undefined;
    const attachments = said.json('attachments', 'invalid_attachments') as readonly Attachment[] | undefined;
    this.#options.messages.edit(message, message.bot?.id ?? '', { text: said.text('text') ?? message.text, blocks, attachments });
  }

  #responseUrl(respondent: Omit<Respondent, 'until' | 'left'>): string {
    const { world } = this.#options;
    const path = `/response/${respondent.user.teamId}/${world.id('')}/${world.secret(12)}`;
    this.#respondents.set(path, { ...respondent, until: world.clock.now() + responseLife, left: responses });
    return `${world.origin}${path}`;
  }

  #trigger(team: string): string {
    return `${this.#options.world.id('')}.${team}.${this.#options.world.secret(16)}`;
  }
}

/** These are asked once: the person waits. */
function once(outcome: Outcome): Outcome {
  return outcome.isTaken ? outcome : { ...outcome, isFinal: true };
}

function errorOf(reason: string): string {
  return reason === 'timeout' || reason === 'http_timeout' ? 'operation_timeout' : 'dispatch_failed';
}
