// `/matrix …`, written in Slack: status, who, link, unlink. What is asked for from within a channel has the channel's consent; the rest
// is the core's to judge, whose words go back to the asker alone.

import type { Inbox, NetworkAct } from '#bridge-core';
import { messageOf } from '#bridge-core';
import type { SlackBody } from './body.ts';
import { escaped } from './escape.ts';
import { makeChannelId } from './ids.ts';
import type { Team } from './team.ts';
import type { SlackAnswer, SlackCommand } from './wire/source.ts';

const help = [
  '`/matrix status` – is this channel connected, and with which room',
  '`/matrix who` – who is in the room',
  '`/matrix link #alias:server` – connect this channel with a room, where you or its admins agree',
  '`/matrix unlink` – end that',
].join('\n');

export class Commands {
  readonly #inbox: Inbox<SlackBody>;

  constructor(parts: { readonly inbox: Inbox<SlackBody> }) {
    this.#inbox = parts.inbox;
  }

  async run(team: Team, { text, user, channel }: SlackCommand): Promise<SlackAnswer> {
    const [verb = 'help', room, ...more] = text.trim().split(/\s+/);
    const act = more.length > 0 ? undefined : actOf(verb.toLowerCase(), room);
    if (act === undefined) return { text: help };
    // What a channel and a person are called, for whoever is asked.
    await Promise.all([team.users.load([user]), team.conversations.load(channel).catch(() => undefined)]);
    const account = team.accounts.get(user);
    const by = team.users.person(user);
    try {
      const asked = this.#inbox.asked?.({ channel: makeChannelId(team.id, channel), by, ...(account && { user: account.user }), ...act });
      return { text: escaped((await asked) ?? 'This is not possible now.') };
    } catch (thrown) {
      return { text: escaped(messageOf(thrown)) };
    }
  }
}

type Wanted =
  Extract<NetworkAct, { do: 'link' | 'unlink' | 'status' | 'who' }> extends infer Act
    ? Act extends unknown
      ? Omit<Act, 'channel' | 'by' | 'user'>
      : never
    : never;

function actOf(verb: string, room: string | undefined): Wanted | undefined {
  if (verb === 'link') return room === undefined ? undefined : { do: 'link', room: plain(room) };
  if (verb === 'unlink') return { do: 'unlink', ...(room !== undefined && { room: plain(room) }) };
  return (verb === 'status' || verb === 'who') && room === undefined ? { do: verb } : undefined;
}

/** Slack makes links of what looks like one: `#room:example.org` comes as `#room:<http://example.org|example.org>`. */
function plain(word: string): string {
  return word
    .replace(/<[^|>]*\|([^>]*)>/g, '$1')
    .replace(/<([^>]*)>/g, '$1')
    .replaceAll('&amp;', '&');
}
