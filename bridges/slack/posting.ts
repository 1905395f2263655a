// Saying something in a channel, and finding out whether an earlier try arrived. Posts bear their key as metadata, which only the
// history shows; a file bears none, so which file it was is noted before it is shared.

import {
  formedName,
  type KeyValue,
  namesExactly,
  type Outgoing,
  type RemoteMessage,
  type RemoteMessageId,
  type ShownAs,
  UnknownOutcomeError,
  type UserId,
} from '#bridge-core';
import type { SlackBody } from './body.ts';
import { type Fields, fieldsIn, isFields, textIn } from './fields.ts';
import { makeMessageId, parseId, tsOf } from './ids.ts';
import { keyIn, markType } from './own-acts.ts';
import type { SlackSettings } from './settings.ts';
import type { Team } from './team.ts';
import { shownAs, type UploadFile } from './uploads.ts';
import type { Voice } from './voice.ts';
import { isRefusal } from './wire/faults.ts';

export interface PostingParts {
  readonly voice: Voice;
  readonly settings: Pick<SlackSettings, 'unfurl' | 'name' | 'showIds' | 'replies'>;
  readonly memory: KeyValue;
  readonly upload: UploadFile;
}

/** ms by which Slack's clock may be before ours. */
const clockMargin = 60_000;
const mostSigns = 80;
const historyPage = 200;
const mostPages = 10;

export class Posting {
  readonly #parts: PostingParts;

  constructor(parts: PostingParts) {
    this.#parts = parts;
  }

  async send(message: Outgoing<SlackBody>): Promise<RemoteMessageId | undefined> {
    const { voice } = this.#parts;
    const channel = parseId(message.channel).id;
    const act = () => (message.file === undefined ? this.#post(channel, message) : this.#share(channel, message));
    let ts: string | undefined;
    try {
      ts = await act();
    } catch (thrown) {
      if (!isRefusal(thrown, 'not_in_channel')) throw thrown;
      await voice.join(channel);
      ts = await act();
    }
    if (ts === undefined) return undefined;
    const thread = threadOf(voice.team, channel, message);
    if (thread !== undefined) voice.team.threads.note(channel, ts, thread);
    return makeMessageId(ts);
  }

  /** Looked for by its key; where that cannot be borne, by its file, or by whose words it is. */
  async sent(message: Outgoing<SlackBody>, since: number, known: (id: RemoteMessageId) => boolean): Promise<RemoteMessageId | undefined> {
    const { voice, memory } = this.#parts;
    const channel = parseId(message.channel).id;
    if (message.file !== undefined) {
      const file = memory.get(uploadName(message.key));
      const ts = typeof file === 'string' ? await shownAs(voice, file, channel, true) : undefined;
      return ts === undefined ? undefined : makeMessageId(ts);
    }
    const thread = threadOf(voice.team, channel, message);
    const isUnmarked = isMeMessage(voice, message);
    for await (const posted of this.#postsSince(channel, thread, since)) {
      const ts = textIn(posted, 'ts') ?? '';
      if (keyIn(posted) === message.key) return makeMessageId(ts);
      const isSame = isUnmarked && posted.subtype === 'me_message' && posted.user === voice.self && posted.text === message.body.text;
      if (isSame && !known(makeMessageId(ts))) return makeMessageId(ts);
    }
    return undefined;
  }

  async #post(channel: string, message: Outgoing<SlackBody>): Promise<string | undefined> {
    const { voice } = this.#parts;
    if (isMeMessage(voice, message)) {
      const post = async () => (await voice.ask('chat.meMessage', { channel, text: message.body.text })).ts;
      return await voice.team.acts.unmarked(voice.self, channel, post);
    }
    return (await voice.ask('chat.postMessage', this.#arguments(channel, message))).ts;
  }

  #arguments(channel: string, message: Outgoing<SlackBody>): Record<string, unknown> {
    const { voice, settings } = this.#parts;
    const { body, shownAs, key, replyTo } = message;
    const thread = threadOf(voice.team, channel, message);
    const isCustom = voice.isBot && shownAs !== undefined && mayCustomise(voice.team);
    return {
      channel,
      ...contentOf(body, message.style === 'emote'),
      unfurl_links: settings.unfurl.links,
      unfurl_media: settings.unfurl.media,
      metadata: { event_type: markType, event_payload: { key } },
      ...(thread !== undefined && { thread_ts: thread }),
      ...(!voice.isBot && voice.team.identity?.isClassic === true && { as_user: true }),
      // What answers something in the main line is seen there too.
      ...(thread !== undefined &&
        message.thread === undefined &&
        replyTo !== undefined &&
        settings.replies === 'broadcast' && { reply_broadcast: true }),
      ...(isCustom && { username: nameFor(settings, toldApart(voice.team, shownAs), message.by) }),
      ...(isCustom && shownAs.avatar !== undefined && { icon_url: shownAs.avatar }),
    };
  }

  async #share(channel: string, message: Outgoing<SlackBody>): Promise<string | undefined> {
    const { voice, memory, upload } = this.#parts;
    const { file, body, key } = message;
    if (file === undefined) return undefined;
    const thread = threadOf(voice.team, channel, message);
    const named = async (id: string) => {
      voice.team.acts.uploads(id);
      await memory.set(uploadName(key), id);
    };
    const share = async () => {
      const id = await upload({ voice, file, channel, thread, comment: body, named });
      const shown = await shownAs(voice, id, channel, true);
      // Taken by Slack, which has not shown it yet: `sent` finds it when it has.
      if (shown === undefined) throw new UnknownOutcomeError(`Slack has not shown the file ${id} yet`, { after: 5_000 });
      return shown;
    };
    const ts = await voice.team.acts.unmarked(voice.self, channel, share);
    await memory.set(uploadName(key), undefined);
    return ts;
  }

  async *#postsSince(channel: string, thread: string | undefined, since: number): AsyncGenerator<Fields> {
    const { ask } = this.#parts.voice;
    const oldest = tsOf(since - clockMargin);
    let cursor: string | undefined;
    for (let page = 0; page < mostPages; page += 1) {
      const args = { channel, oldest, limit: historyPage, include_all_metadata: true, ...(cursor !== undefined && { cursor }) };
      const method = thread === undefined ? 'conversations.history' : 'conversations.replies';
      const told = (await ask(method, thread === undefined ? args : { ...args, ts: thread }).catch((thrown) => {
        if (isRefusal(thrown, 'thread_not_found')) return {};
        throw thrown;
      })) as Fields;
      for (const message of Array.isArray(told.messages) ? told.messages : []) if (isFields(message)) yield message;
      cursor = textIn(fieldsIn(told, 'response_metadata'), 'next_cursor');
      if (cursor === undefined) return;
    }
  }
}

/** From people of Slack, too. */
function toldApart({ users }: Team, shownAs: ShownAs): ShownAs {
  return shownAs.isFormed !== true && users.isCalled(shownAs.name) ? { ...shownAs, isAmbiguous: true } : shownAs;
}

/** A Slack name of up to 80 signs; an id that tells two of one name apart stands whole. */
export function nameFor(
  { name: template, showIds }: Pick<SlackSettings, 'name' | 'showIds'>,
  { name, isFormed, isAmbiguous }: ShownAs,
  by: UserId | undefined,
): string {
  const formed = isFormed === true || by === undefined ? name : formedName(template, name, by);
  const isClear = isAmbiguous !== true || by === undefined || showIds === 'never' || namesExactly(template);
  const id = isClear ? '' : ` (${[...by].slice(0, 60).join('')})`;
  return `${[...formed].slice(0, mostSigns - id.length).join('')}${id}`;
}

/** Text and blocks of an edit or a post. Blocks show an emote as such already; where there are none, the marks do. */
export function contentOf(body: SlackBody, isEmote: boolean): Record<string, unknown> {
  const isMarked = isEmote && body.blocks === undefined && body.text !== '' && !body.text.includes('\n');
  return {
    text: isMarked ? `_${body.text}_` : body.text,
    ...(body.blocks !== undefined && { blocks: body.blocks }),
    ...(body.attachments !== undefined && { attachments: body.attachments }),
    ...(body.mrkdwn === false && { mrkdwn: false }),
  };
}

/** The root of the thread that it goes into: Slack has none within another. */
export function threadOf(
  team: Team,
  channel: string,
  { thread, replyTo }: { readonly thread?: RemoteMessage; readonly replyTo?: RemoteMessage },
): string | undefined {
  const first = thread?.ids[0] ?? replyTo?.thread ?? replyTo?.ids[0];
  return first === undefined ? undefined : team.threads.rootOf(channel, first);
}

function isMeMessage(voice: Voice, message: Outgoing<SlackBody>): boolean {
  return message.style === 'emote' && !voice.isBot && message.thread === undefined && message.replyTo === undefined;
}

/** May the bot speak under people's names? Where scopes are not told, it is tried. */
export function mayCustomise({ identity }: Team): boolean {
  return identity !== undefined && (identity.scopes.size === 0 || identity.scopes.has('chat:write.customize') || identity.isClassic);
}

const uploadName = (key: string): string => `upload ${key}`;
