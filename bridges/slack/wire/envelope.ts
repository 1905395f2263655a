// What Socket Mode and the Events API carry alike: the envelope of an event, a slash command, a pressed button, and the answer to
// the last two. Pure, but for the race with Slack's patience.

import { type Logger, messageOf } from '#bridge-core';
import type { Authorization, InnerEvent, Listener, SlackAnswer, SlackCommand, SlackEvent, SlackInteraction } from './source.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface Origin {
  readonly source: 'socket' | 'events';
  /** What its receiver calls the app. */
  readonly via: string;
  readonly retry?: { readonly number: number; readonly reason: string } | undefined;
}

/** Undefined: not an event's envelope. */
export function eventOf(payload: unknown, { source, via, retry }: Origin): SlackEvent | undefined {
  const envelope = fieldsOf(payload);
  const event = fieldsOf(envelope?.event);
  // An app of a whole organisation may be told of things that are of no one workspace.
  const team = textOf(envelope?.team_id) ?? textOf(event?.team) ?? textOf(envelope?.context_team_id) ?? textOf(envelope?.enterprise_id);
  if (envelope === undefined || team === undefined || typeof event?.type !== 'string') return undefined;
  return {
    team,
    event: event as InnerEvent,
    source,
    via,
    receivedAt: Date.now(),
    ...given('enterprise', textOf(envelope.enterprise_id)),
    ...given('app', textOf(envelope.api_app_id)),
    ...given('eventId', textOf(envelope.event_id)),
    ...given('context', textOf(envelope.event_context)),
    ...given('authorizations', authorizationsOf(envelope.authorizations)),
    ...(envelope.is_ext_shared_channel === true && { isExtShared: true }),
    ...given('retry', retry),
  };
}

/** From a form or from the socket: the fields are the same. */
export function commandOf(payload: unknown, { source, via }: Origin): SlackCommand | undefined {
  const fields = fieldsOf(payload);
  const [team, channel, user, command] = ['team_id', 'channel_id', 'user_id', 'command'].map((name) => textOf(fields?.[name]));
  if (fields === undefined || team === undefined || channel === undefined || user === undefined || command === undefined) return undefined;
  return {
    team,
    channel,
    user,
    command,
    channelName: textOf(fields.channel_name) ?? channel,
    userName: textOf(fields.user_name) ?? user,
    text: textOf(fields.text) ?? '',
    responseUrl: textOf(fields.response_url) ?? '',
    source,
    via,
    ...given('enterprise', textOf(fields.enterprise_id)),
    ...given('app', textOf(fields.api_app_id)),
    ...given('triggerId', textOf(fields.trigger_id)),
  };
}

export function interactionOf(payload: unknown, { source, via }: Origin): SlackInteraction | undefined {
  const fields = fieldsOf(payload);
  const [type, user] = [textOf(fields?.type), textOf(fieldsOf(fields?.user)?.id)];
  const team = textOf(fieldsOf(fields?.team)?.id) ?? textOf(fieldsOf(fields?.user)?.team_id);
  if (fields === undefined || type === undefined || user === undefined || team === undefined) return undefined;
  const container = fieldsOf(fields.container);
  return {
    type,
    user,
    team,
    actions: actionsOf(fields.actions),
    source,
    via,
    payload: fields,
    ...given('enterprise', textOf(fieldsOf(fields.enterprise)?.id)),
    ...given('app', textOf(fields.api_app_id)),
    ...given('channel', textOf(fieldsOf(fields.channel)?.id) ?? textOf(container?.channel_id)),
    ...given('messageTs', textOf(container?.message_ts) ?? textOf(fieldsOf(fields.message)?.ts)),
    ...given('responseUrl', textOf(fields.response_url)),
  };
}

/** As Slack reads it, at once or at the response address. */
export function answerBody(answer: SlackAnswer): Fields {
  return {
    ...given('text', answer.text),
    ...given('blocks', answer.blocks),
    ...(answer.original === undefined && { response_type: answer.isInChannel === true ? 'in_channel' : 'ephemeral' }),
    ...(answer.original === 'replace' && { replace_original: true }),
    ...(answer.original === 'delete' && { delete_original: true }),
  };
}

export interface Asking {
  readonly listener: Pick<Listener, 'onCommand' | 'onInteraction'>;
  /** Posts what came too late, or what only the response address takes. */
  readonly respond: (url: string, body: object) => Promise<void>;
  /** ms that Slack waits. */
  readonly within: number;
  readonly log: Logger;
}

/** What to answer a command at once; undefined: that it was taken, no more. What comes later goes to the response address. */
export async function answerTo(asked: SlackCommand | SlackInteraction, asking: Asking): Promise<Fields | undefined> {
  const isCommand = 'command' in asked;
  const { listener, within, respond, log } = asking;
  const answering = isCommand ? listener.onCommand?.(asked) : listener.onInteraction?.(asked);
  if (answering === undefined) return undefined;
  const settled = answering.catch((thrown): SlackAnswer => {
    log.error({ reason: messageOf(thrown) }, `${isCommand ? asked.command : asked.type} failed`);
    return { text: 'That did not work; the bridge has logged why.' };
  });
  const url = asked.responseUrl ?? '';
  const later = async () => {
    const answer = await settled;
    if (answer !== undefined && url !== '') await respond(url, answerBody(answer));
  };
  // Slack shows an answer to a button nowhere but at its response address.
  const first = isCommand ? await inTime(settled, within) : 'late';
  if (first !== 'late') return first === undefined ? undefined : answerBody(first);
  later().catch((thrown) => log.warn({ reason: messageOf(thrown) }, 'a late answer was not taken'));
  return undefined;
}

function inTime<Result>(result: Promise<Result>, ms: number): Promise<Result | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms);
  });
  return Promise.race([result, late]).finally(() => clearTimeout(timer));
}

function authorizationsOf(value: unknown): Authorization[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((each) => {
    const fields = fieldsOf(each);
    const user = textOf(fields?.user_id);
    if (fields === undefined || user === undefined) return [];
    const place = { ...given('team', textOf(fields.team_id)), ...given('enterprise', textOf(fields.enterprise_id)) };
    return [{ user, isBot: fields.is_bot === true, ...place }];
  });
}

function actionsOf(value: unknown): SlackInteraction['actions'] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each) => {
    const fields = fieldsOf(each);
    const id = textOf(fields?.action_id);
    const chosen = textOf(fields?.value) ?? textOf(fieldsOf(fields?.selected_option)?.value);
    return id === undefined ? [] : [{ id, ...given('block', textOf(fields?.block_id)), ...given('value', chosen) }];
  });
}

function given<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [N in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [N in Name]?: Value };
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
