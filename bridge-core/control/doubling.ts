// The verb by which people let the bridge show them as themselves, where that takes an access token of theirs: given in a direct
// chat alone, and taken back. What is done with it is virtual-users/doubles.ts'.

import { PermanentError } from '../errors.ts';
import type { UserId } from '../ids.ts';
import { domainOf } from '../ids.ts';
import type { Doubles } from '../virtual-users/doubles.ts';
import type { Asked } from './actions.ts';
import type { Verb } from './commands.ts';
import type { Permissions } from './permissions.ts';

export interface DoublingParts {
  readonly doubles: Pick<Doubles, 'give' | 'remove' | 'has' | 'told'>;
  readonly domain: string;
  readonly permissions: Pick<Permissions, 'mustBe'>;
  /** The network, as people call it. */
  readonly network: string;
  /** In their direct chat with the bot, once it can be said. */
  readonly inform: (user: UserId, words: string, then: () => Promise<void>) => void;
}

const word = 'double-puppet';
const most = 2_000;

export class Doubling {
  readonly #parts: DoublingParts;

  constructor(parts: DoublingParts) {
    this.#parts = parts;
  }

  get verb(): Verb {
    return {
      names: [word, 'login-matrix'],
      usage: `${word} token | off`,
      does: `shows what you say on ${this.#parts.network} by other means as said by you here, by an access token of yours`,
      hides: ([first]) => first !== undefined && first.toLowerCase() !== 'off',
      run: (asked, words) => this.#run(asked, words),
    };
  }

  /** The homeserver no longer takes somebody's token. */
  refused(user: UserId): void {
    const { inform, doubles, network } = this.#parts;
    inform(
      user,
      `The homeserver no longer takes the access token that you gave me, so what you say on ${network} by other means is shown by your ` +
        `ghost again. Say “${word}” with another one here, if you like.`,
      () => doubles.told(user),
    );
  }

  async #run(asked: Asked, words: readonly string[]): Promise<string> {
    const { permissions, doubles, domain, network } = this.#parts;
    permissions.mustBe('user', asked.by, 'be shown as themselves');
    const [token, ...more] = words;
    if (token === undefined) return this.#explain(asked.by);
    if (token.toLowerCase() === 'off') {
      const had = await doubles.remove(asked.by);
      return had ? `I have forgotten your access token; your ghost shows what you say on ${network}.` : 'I have no access token of yours.';
    }
    if (!asked.isDirect)
      throw new PermanentError(
        'BAD_REQUEST',
        'an access token is for our direct chat alone. Others may have read it here, so sign that session out',
      );
    if (domainOf(asked.by) !== domain) throw new PermanentError('BAD_REQUEST', `that is for people of ${domain} alone`);
    if (more.length > 0 || token.length > most) throw new PermanentError('BAD_REQUEST', 'give the access token alone, in one word');
    await doubles.give(asked.by, token);
    return `What you say on ${network} by other means is shown as said by you from now on. “${word} off” ends that.`;
  }

  #explain(user: UserId): string {
    const { doubles, network } = this.#parts;
    if (doubles.has(user)) return `What you say on ${network} by other means is shown as said by you. “${word} off” ends that.`;
    return (
      `What you say on ${network} by other means can be shown as said by you. Say “${word}” and an access token of yours in our direct ` +
      'chat: best that of a session made for it, for whoever has the token can act as you. I keep it sealed, and “off” makes me forget it.'
    );
  }
}
