// Ways to log in to the fake network: a token that is pasted, checked while one waits; and a page that is opened, whose end comes
// by the inbox, maybe after a restart.

import {
  type AdapterTools,
  type LoginFlow,
  type LoginResult,
  type LoginStep,
  PermanentError,
  remoteUserId,
  type UserId,
} from '#bridge-core';

/** Tokens that the network takes → whose they are. */
export const fakeTokens = new Map<string, string>([
  ['token-of-ada', 'ada'],
  ['token-of-bob', 'bob'],
]);

export class FakeLogins {
  readonly flows: readonly LoginFlow[];
  /** Pages that people were sent to → who. */
  readonly pages = new Map<string, UserId>();
  readonly #inbox: AdapterTools['inbox'];

  constructor({ inbox }: Pick<AdapterTools, 'inbox'>) {
    this.#inbox = inbox;
    this.flows = [
      { id: 'token', title: 'Log in by token', run: (user) => this.#byToken(user) },
      { id: 'page', title: 'Log in by a page', run: (user) => this.#byPage(user) },
    ];
  }

  /** The browser came back. */
  async finish(page: string, nick: string): Promise<void> {
    const user = this.pages.get(page);
    if (user === undefined || !this.pages.delete(page)) throw new Error(`nobody was sent to ${page}`);
    await this.#inbox.loggedIn?.(user, resultFor(nick));
  }

  async *#byToken(_user: UserId): AsyncGenerator<LoginStep, LoginResult, Record<string, string>> {
    const { nick = '', token = '' } = yield {
      ask: [
        { name: 'nick', title: 'Your nick' },
        { name: 'token', title: 'Your token', secret: true },
      ],
    };
    yield { wait: 'I ask the network …' };
    if (fakeTokens.get(token) !== nick) throw new PermanentError('NETWORK_LOGIN', 'the network does not know that token');
    return resultFor(nick, token);
  }

  async *#byPage(user: UserId): AsyncGenerator<LoginStep, undefined, Record<string, string>> {
    const page = `https://fake.test/login/${this.pages.size + 1}`;
    this.pages.set(page, user);
    yield { open: page };
    return undefined;
  }
}

export function resultFor(nick: string, token = `token-of-${nick}`): LoginResult {
  return { account: remoteUserId(`fake/${nick}`), network: 'fake', name: `${nick} on Fake`, credentials: { nick, token } };
}
