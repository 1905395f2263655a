// Our own words as the network gives them back: no news, where what a session of ours said is recorded by its id; else its person said it by
// other means.

import type { Adapter } from '../adapter.ts';
import type { Links } from '../plumbing/links.ts';
import { isMessage, type Relation, type Relations } from './relations.ts';
import { speakerLane, type Task } from './row.ts';

export interface EchoParts {
  readonly adapter: Pick<Adapter, 'speakerOf'>;
  readonly links: Pick<Links, 'byChannel'>;
  readonly relations: Pick<Relations, 'ofRemote'>;
  /** Resolves once what waits in a lane towards the network is settled, if that is soon. Rejects at a stop. */
  readonly said?: (lane: string) => Promise<void>;
}

export class Echoes {
  readonly #parts: EchoParts;

  constructor(parts: EchoParts) {
    this.#parts = parts;
  }

  /** Cheap: somebody of ours is said to have said it. */
  mayBe(task: Task): boolean {
    if (task.do !== 'show' || (task.event.kind !== 'message' && !(task.event.kind === 'reaction' && task.event.on))) return false;
    return this.#parts.adapter.speakerOf(task.event.sender.id) !== undefined;
  }

  /** Known once all that the session was about to say is settled. */
  async is(task: Task): Promise<boolean> {
    if (task.do !== 'show' || (task.event.kind !== 'message' && task.event.kind !== 'reaction')) return false;
    const { event } = task;
    const { adapter, relations, links } = this.#parts;
    const { channel, sender } = event;
    const remote = event.kind === 'message' ? event.id : event.target;
    if (remote === undefined) return false;
    const speaker = adapter.speakerOf(sender.id);
    const isIt = (each: Relation): boolean =>
      event.kind === 'message'
        ? isMessage(each) && each.author === undefined
        : each.kind === 'reaction' && each.author === sender.id && isSameSign(each.emoji, event.emoji);
    // In whichever room it was said first: the channel's others are told by the bot.
    const all = links.byChannel(channel);
    const isRecorded = () => all.some((link) => relations.ofRemote(remote, link.id).some(isIt));
    if (isRecorded()) return true;
    if (speaker?.as === 'user') await Promise.all(all.map((link) => this.#parts.said?.(speakerLane(link.id, speaker.user))));
    return isRecorded();
  }
}

/** Networks and clients write the mark for a coloured sign as they like. */
const isSameSign = (one = '', other: string): boolean => one.replaceAll('\ufe0f', '') === other.replaceAll('\ufe0f', '');
