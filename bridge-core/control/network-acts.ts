// What people of the network ask for from within a channel: their side's consent is in the asking, and who there may ask is
// the adapter's to check. Answers in words for them. Of rooms nothing is told but what the channel's people see anyhow: a room
// that is not there, and one that the bot is not in, are one.

import type { Adapter } from '../adapter.ts';
import type { NetworkAct } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { BridgeError, DeniedError, messageOf, PermanentError, RetryableError } from '../errors.ts';
import { type RoomId, roomId, userId } from '../ids.ts';
import { type MatrixEvent, stringIn } from '../matrix-event.ts';
import type { Roster } from '../membership/roster.ts';
import { calledIn } from '../plumbing/described.ts';
import { type Link, type Links, receiverOf } from '../plumbing/links.ts';
import type { Plumb } from '../plumbing/plumb.ts';
import { stateOf } from '../plumbing/power.ts';
import type { Json } from '../remote-event.ts';
import type { Names } from '../virtual-users/names.ts';
import { Allowance } from './allowance.ts';
import type { Consent } from './consent.ts';
import type { Requests } from './requests.ts';

export interface NetworkActsParts<Body extends Json> {
  readonly adapter: Pick<Adapter<Body>, 'channels'>;
  readonly homeserver: Pick<Homeserver, 'bot' | 'resolveAlias' | 'fullState'>;
  readonly consent: Pick<Consent<Body>, 'answerOnNetwork' | 'linkFromNetwork' | 'mustBeFree'>;
  readonly requests: Requests;
  readonly plumb: Pick<Plumb<Body>, 'unlink'>;
  readonly links: Links;
  readonly roster: Pick<Roster, 'joined' | 'nameOf'>;
  readonly names: Pick<Names, 'isGhost'>;
  readonly protocol: { readonly id: string; readonly name: string };
  readonly tell: (room: RoomId, text: string) => void;
}

type Act<Do> = Extract<NetworkAct, { readonly do: Do }>;

/** People that `who` names; more are counted. */
const mostNames = 50;

export class NetworkActs<Body extends Json = string> {
  readonly #parts: NetworkActsParts<Body>;
  readonly #allowance = new Allowance({ most: 10, each: 30_000 });

  constructor(parts: NetworkActsParts<Body>) {
    this.#parts = parts;
  }

  async asked(act: NetworkAct): Promise<string> {
    const wait = this.#allowance.take(act.by.id);
    if (wait > 0) return `You ask too much at once; ask again in ${Math.ceil(wait / 1_000)} s.`;
    try {
      return await this.#answer(act);
    } catch (thrown) {
      if (!(thrown instanceof BridgeError)) throw thrown;
      if (thrown instanceof RetryableError) return 'That cannot be done just now; try again in a moment.';
      return `That was not done: ${messageOf(thrown).replace(/\.$/, '')}.`;
    }
  }

  async #answer(act: NetworkAct): Promise<string> {
    const { consent, adapter } = this.#parts;
    switch (act.do) {
      case 'link':
        return await this.#link(act);
      case 'unlink':
        return await this.#unlink(act);
      case 'status':
        return await this.#status(act);
      case 'who':
        return await this.#who(act);
      case 'approve':
      case 'refuse': {
        const { channel, room, requester } = act;
        return await consent.answerOnNetwork({ channel, room, requester, by: nameOf(act) }, act.do === 'approve');
      }
      default:
        throw new PermanentError(
          'UNSUPPORTED',
          `the ${adapter.channels.describe((act as NetworkAct).channel).network.name} side cannot ask for that`,
        );
    }
  }

  async #link(act: Act<'link'>): Promise<string> {
    const { consent, requests, adapter, protocol, tell, links } = this.#parts;
    const channel = adapter.channels.describe(act.channel);
    const room = await this.#roomCalled(act.room);
    if (links.find(room, act.channel)?.state === 'live') return `${channel.name} is linked to that room already.`;
    if (act.user !== undefined) {
      try {
        await consent.linkFromNetwork(act.user, room, act.channel);
        tell(room, `${act.user} linked this room to ${channel.name} on ${channel.network.name}.`);
        return `${channel.name} is now linked to ${act.room}.`;
      } catch (thrown) {
        // They lack the power there: then somebody else in the room may have it.
        if (!(thrown instanceof DeniedError) || thrown.code !== 'DENIED') throw thrown;
      }
    }
    const waiting = requests.find(room, act.channel);
    if (waiting?.side === 'matrix')
      return await consent.answerOnNetwork({ channel: act.channel, room, requester: userId(waiting.requester), by: nameOf(act) }, true);
    const answer = 'I have asked in the Matrix room; it is linked once somebody there with the power to agrees, within a day.';
    if (waiting !== undefined) return answer;
    await consent.mustBeFree(room, channel);
    await requests.add({ room, channel: act.channel, requester: act.by.id, side: 'network' });
    tell(
      room,
      `${nameOf(act)} asks to link this room to ${channel.name} on ${channel.network.name}. ` +
        `Whoever may change the power levels here agrees by “!${protocol.id} approve”, or says “!${protocol.id} refuse”.`,
    );
    return answer;
  }

  async #unlink(act: Act<'unlink'>): Promise<string> {
    const { plumb, adapter, tell, homeserver } = this.#parts;
    const { name } = adapter.channels.describe(act.channel);
    const all = this.#linksOf(act);
    const named = act.room?.startsWith('#') ? await homeserver.resolveAlias(act.room) : act.room;
    const meant = act.room === undefined ? all : all.filter(({ room }) => room === named);
    if (meant.length === 0) return act.room === undefined ? `${name} is not linked.` : `${name} is not linked to ${act.room}.`;
    const [fixed, free] = [meant.filter(isConfigured), meant.filter((link) => !isConfigured(link))];
    for (const link of free) {
      const called = calledIn(adapter.channels, link);
      await plumb.unlink(link, `asked for by ${nameOf(act)} in ${called}`);
      tell(link.room, `${nameOf(act)} in ${called} took the link away: ${called} is no longer linked to this room.`);
    }
    const stays = fixed.length > 0 ? `The link of ${name} stands in the bridge’s config: only its operator can take it out there.` : '';
    return [free.length > 0 ? `${name} is no longer linked to ${await this.#roomNames(free)}.` : '', stays].filter(Boolean).join(' ');
  }

  async #status(act: Act<'status' | 'who'>): Promise<string> {
    const { name } = this.#parts.adapter.channels.describe(act.channel);
    const links = this.#linksOf(act);
    if (links.length === 0) return `${name} is not linked to Matrix.`;
    const lines = links.map(async (link) => {
      const why = link.state === 'live' ? '' : ` – ${link.reason ?? link.state}`;
      return `${name} is linked to ${await this.#roomNames([link])}${why}`;
    });
    return (await Promise.all(lines)).join('\n');
  }

  async #who(act: Act<'status' | 'who'>): Promise<string> {
    const { adapter, roster, names, homeserver } = this.#parts;
    const { name } = adapter.channels.describe(act.channel);
    const people = new Map<string, string>();
    for (const { room, state } of this.#linksOf(act)) {
      if (state !== 'live') continue;
      for (const user of roster.joined(room))
        if (user !== homeserver.bot && !names.isGhost(user)) people.set(user, oneLine(roster.nameOf(room, user) ?? user));
    }
    if (people.size === 0) return `Nobody from Matrix is in ${name}.`;
    const list = [...people].sort(([, a], [, b]) => a.localeCompare(b)).slice(0, mostNames);
    const more = people.size > list.length ? ` and ${people.size - list.length} more` : '';
    return `In ${name} from Matrix: ${list.map(([user, shown]) => (shown === user ? user : `${shown} (${user})`)).join(', ')}${more}`;
  }

  /** Where the bot is; anything else is nothing. */
  async #roomCalled(called: string): Promise<RoomId> {
    const { homeserver } = this.#parts;
    const nothing = () =>
      new PermanentError(
        'FORBIDDEN_IN_ROOM',
        `I am in no room called ${oneLine(called)}: invite ${homeserver.bot} there first, then ask again`,
      );
    const room = called.startsWith('#') ? await homeserver.resolveAlias(called) : called.startsWith('!') ? roomId(called) : undefined;
    if (room === undefined) throw nothing();
    try {
      await homeserver.fullState(room);
      return room;
    } catch (thrown) {
      if (thrown instanceof PermanentError) throw nothing();
      throw thrown;
    }
  }

  #linksOf(act: NetworkAct): readonly Link[] {
    return this.#parts.links.byChannel(act.channel).filter((link) => link.state !== 'wanted' && receiverOf(link) === undefined);
  }

  async #roomNames(links: readonly Link[]): Promise<string> {
    const named = links.map(async ({ room }) => {
      const state: readonly MatrixEvent[] = await this.#parts.homeserver.fullState(room).catch(() => []);
      const alias = stringIn(stateOf(state, 'm.room.canonical_alias')?.content, 'alias');
      return oneLine(alias ?? stringIn(stateOf(state, 'm.room.name')?.content, 'name') ?? room);
    });
    return (await Promise.all(named)).join(', ');
  }
}

const isConfigured = ({ origin }: Link): boolean => origin === 'config';
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 120);
const nameOf = ({ by }: NetworkAct): string => oneLine(by.name);
