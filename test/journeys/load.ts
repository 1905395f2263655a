// Numbered lines said from both sides of a linked channel, and what came of them at the other end.

import { setTimeout as delay } from 'node:timers/promises';
import type { MatrixPerson } from '../support/matrix-person.ts';
import { untilAll } from '../support/waiting.ts';

/** Somebody on the network, whichever it is. */
interface Native<Channel> {
  say(channel: Channel, text: string): unknown;
  texts(channel: Channel): string[];
}

interface Sides<Channel> {
  readonly ann: Native<Channel>;
  readonly bob: Native<Channel>;
  readonly alice: MatrixPerson;
}

export interface Load {
  /** Said so far, by tag. */
  readonly said: { up: number; down: number };
  /** Both sides speak until `isOver` says so; people of a side in turn. */
  speak(isOver: () => boolean, gap?: number): Promise<void>;
  /** So many of each side. */
  say(many: number, gap?: number): Promise<void>;
  /** Numbers as they stand on the network, in the order of the channel. */
  inNetwork(): number[];
  /** As they stand in the room: the homeserver's own record. */
  inMatrix(): Promise<number[]>;
  /** Resolves once all that was said stands at the other end; rejects with what is missing. */
  arrived(timeout?: number): Promise<void>;
}

export function openLoad<Channel>(
  stage: Sides<Channel>,
  { channel, room }: { readonly channel: Channel; readonly room: string },
  people: readonly MatrixPerson[],
): Load {
  const said = { up: 0, down: 0 };
  const speakers = [stage.ann, stage.bob];
  const sayUp = async () => {
    const number = said.up++;
    await people[number % people.length]?.say(room, `up ${number}`);
  };
  const sayDown = () => {
    const number = said.down++;
    speakers[number % speakers.length]?.say(channel, `down ${number}`);
  };
  const numbers = (texts: readonly string[], tag: string) =>
    texts.flatMap((text) => {
      const found = new RegExp(`(?:^|[ >])${tag} (\\d+)$`).exec(text)?.[1];
      return found === undefined ? [] : [Number(found)];
    });
  const inNetwork = () => numbers(stage.ann.texts(channel), 'up');
  const inMatrix = async () =>
    numbers(
      (await stage.alice.history(room, Number.POSITIVE_INFINITY)).flatMap(({ type, content }) =>
        type === 'm.room.message' ? [String(content.body)] : [],
      ),
      'down',
    );
  const speak = async (isOver: () => boolean, gap = 5) => {
    while (!isOver()) {
      sayDown();
      await sayUp();
      await delay(gap);
    }
  };
  return {
    ...{ said, speak, inNetwork, inMatrix },
    say: async (many, gap) => {
      const end = said.up + many;
      await speak(() => said.up >= end, gap);
    },
    arrived: async (timeout = 60_000) => {
      await allOf('on the network', said.up, inNetwork, timeout);
      await allOf('in Matrix', said.down, inMatrix, timeout);
    },
  };
}

/** Each once, and in the order in which each of the `speakers` said them; the first that is not as it should be. */
export function faultIn(found: readonly number[], many: number, speakers: number): string | undefined {
  const seen = new Set<number>();
  const last = new Map<number, number>();
  for (const number of found) {
    if (seen.has(number)) return `${number} twice`;
    seen.add(number);
    const before = last.get(number % speakers) ?? -1;
    if (number < before) return `${number} behind ${before}`;
    last.set(number % speakers, number);
  }
  for (let number = 0; number < many; number += 1) if (!seen.has(number)) return `${number} is lost`;
  return undefined;
}

async function allOf(where: string, many: number, look: () => number[] | Promise<number[]>, timeout: number): Promise<void> {
  let there = new Set<number>();
  const looked = async () => {
    there = new Set(await look());
    return there.size;
  };
  await untilAll(`all ${where}`, many, looked, timeout).catch((thrown) => {
    const missing = Array.from({ length: many }, (_, number) => number).filter((number) => !there.has(number));
    throw new Error(`missing ${where}: ${missing.join(', ')}`, { cause: thrown });
  });
}
