// The channel's word on a link that was asked for in Matrix: given where the asker's own login is in it; else the channel itself is
// asked, by a message with two buttons, and whoever is there may answer.

import { type ChannelId, DeniedError, type Inbox, type NetworkAct, type RoomId, type UserId } from '#bridge-core';
import type { Account } from './account.ts';
import type { SlackBody } from './body.ts';
import { escaped } from './escape.ts';
import { makeChannelId, parseId } from './ids.ts';
import type { Team } from './team.ts';
import type { Ask } from './users.ts';
import { isRefusal } from './wire/faults.ts';
import type { SlackAnswer, SlackInteraction } from './wire/source.ts';

export interface ConsentParts {
  readonly teams: ReadonlyMap<string, Team>;
  readonly inbox: Inbox<SlackBody>;
  /** Of a pair of webhooks: did they bring the one that lets them speak there? */
  readonly hasGiven: (channel: ChannelId, requester: UserId) => boolean;
}

interface Wish {
  readonly room: RoomId;
  readonly requester: UserId;
}

const yes = 'causeway_approve';
const no = 'causeway_refuse';

/** ms: nobody is asked the same more often. */
const askedFor = 10 * 60_000;

export class Consent {
  readonly #parts: ConsentParts;
  readonly #asked = new Map<string, number>();

  constructor(parts: ConsentParts) {
    this.#parts = parts;
  }

  async ask(id: ChannelId, requester: UserId, room: { readonly id: RoomId; readonly name?: string }): Promise<'granted' | 'asked'> {
    const { team: teamId, id: channel } = parseId(id);
    const team = this.#parts.teams.get(teamId);
    if (team === undefined && this.#parts.hasGiven(id, requester)) return 'granted';
    if (team === undefined) throw new DeniedError('only the admins of the bridge link channels of webhooks');
    const account = team.accountOf(requester);
    if (account !== undefined && (await isIn(team, account, channel))) return 'granted';
    if (!this.#hasButtons(team)) throw refused(team);
    await this.#enter(team, channel);
    await this.#post(team, channel, { room: room.id, requester }, room.name);
    return 'asked';
  }

  /** Undefined: it is about something else. */
  async answered(team: Team, { actions, user, channel }: SlackInteraction): Promise<SlackAnswer | undefined> {
    const action = actions.find(({ id }) => id === yes || id === no);
    const wish = action?.value === undefined ? undefined : readWish(action.value);
    if (action === undefined || wish === undefined || channel === undefined) return undefined;
    await team.users.load([user]);
    const by = team.users.person(user);
    const act: NetworkAct = { channel: makeChannelId(team.id, channel), by, do: action.id === yes ? 'approve' : 'refuse', ...wish };
    const words = await this.#parts.inbox.asked?.(act);
    return { text: words ?? 'This is not possible now.', original: 'replace' };
  }

  /** Into a public channel the bot comes by itself; into another only its people bring it. */
  async #enter(team: Team, channel: string): Promise<void> {
    try {
      const conversation = await team.conversations.load(channel);
      if (conversation?.isMember === true) return;
      await team.conversations.enter(channel, () => team.ask('conversations.join', { channel }));
    } catch (thrown) {
      if (isRefusal(thrown)) throw refused(team);
      throw thrown;
    }
  }

  async #post(team: Team, channel: string, wish: Wish, name: string | undefined): Promise<void> {
    const question = `${channel} ${wish.room}`;
    const now = Date.now();
    for (const [old, until] of this.#asked) if (until < now) this.#asked.delete(old);
    if (this.#asked.has(question)) return;
    const words = `${wish.requester} asks to connect this channel with the Matrix room ${name ?? wish.room}.`;
    // Nobody is pinged by the name of a room.
    const text = escaped(words);
    const button = (id: string, label: string, style: string) => ({
      ...{ type: 'button', action_id: id, style, value: JSON.stringify(wish) },
      text: { type: 'plain_text', text: label },
    });
    const blocks = [
      { type: 'section', text: { type: 'plain_text', text: words } },
      { type: 'actions', elements: [button(yes, 'Connect', 'primary'), button(no, 'Refuse', 'danger')] },
    ];
    this.#asked.set(question, now + askedFor);
    try {
      await team.ask('chat.postMessage', { channel, text, blocks, unfurl_links: false });
    } catch (thrown) {
      this.#asked.delete(question);
      if (isRefusal(thrown)) throw refused(team);
      throw thrown;
    }
  }

  /** Answers come by Socket Mode or over HTTP. */
  #hasButtons({ app }: Team): boolean {
    return app !== undefined && (app.appToken !== undefined || app.signingSecrets.length > 0);
  }
}

function refused(team: Team): DeniedError {
  return new DeniedError(
    `the channel must agree: log in to ${team.identity?.name ?? team.id} with an account that is in it, or have somebody there write /matrix link`,
  );
}

function readWish(text: string): Wish | undefined {
  try {
    const { room, requester } = JSON.parse(text) as Partial<Wish>;
    return typeof room === 'string' && typeof requester === 'string' ? { room, requester } : undefined;
  } catch {
    return undefined;
  }
}

/** Asked anew each time: who was put out is out. */
export async function isIn(team: Team, account: Account, channel: string): Promise<boolean> {
  try {
    for await (const member of team.conversations.members(channel, account.ask as unknown as Ask)) if (member === account.id) return true;
    return false;
  } catch (thrown) {
    if (isRefusal(thrown)) return false;
    throw thrown;
  }
}
