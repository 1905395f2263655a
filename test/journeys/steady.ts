// Somebody who speaks at a steady pace while something happens, and who says again what the homeserver did not take.

import { setTimeout as delay } from 'node:timers/promises';
import { MatrixError, type MatrixPerson } from '../support/matrix-person.ts';

/** Says numbered lines, `pace` a second, while `work` goes on; resolves with what was said. */
export async function underLoad(name: string, say: (text: string) => unknown, work: () => Promise<void>, pace = 20): Promise<string[]> {
  const said: string[] = [];
  const speak = () => {
    said.push(`${name} ${said.length}`);
    say(said.at(-1) as string);
  };
  const timer = setInterval(speak, 1_000 / pace);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  speak();
  return said;
}

/** One line after the other, each tried until it is answered, as a client does. */
export function persistent(person: MatrixPerson, room: string) {
  let last = Promise.resolve();
  const sayOnce = async (text: string) => {
    // Once they are gone the test is over, however it went.
    while (!person.hasStopped) {
      try {
        await person.say(room, text);
        return;
      } catch (error) {
        if (error instanceof MatrixError && error.status < 500) throw error;
        await delay(100);
      }
    }
  };
  return {
    say: (text: string) => {
      last = last.then(() => sayOnce(text));
    },
    done: () => last,
  };
}
