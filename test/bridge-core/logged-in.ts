// A whole bridge over the fakes whose people log in to the network with accounts of their own; and what they see and do there.

import type { TestContext } from 'node:test';
import { userId } from '../../bridge-core/ids.ts';
import { resultFor } from '../support/fake-adapter/logins.ts';
import { type FakeBridge, type FakeBridgeWish, startFakeBridge } from '../support/fake-bridge.ts';
import { until } from '../support/waiting.ts';

export interface LoggedIn extends FakeBridge {
  readonly ada: string;
  readonly bob: string;
  /** As the nick of the same name. */
  logIn(...people: readonly string[]): Promise<void>;
  /** `sender: body` of a room's messages but the bot's, edits and what is gone aside. */
  spoken(room?: string): string[];
  /** What the bot said there. */
  words(room: string): string[];
  hears(room: string, pattern: RegExp): Promise<string>;
  /** A direct chat with the bot. */
  chat(person: string, power?: number): Promise<string>;
  /** All that was pushed was taken in, and a moment for what would follow. */
  settled(): Promise<void>;
  /** How much our sessions did on the network, joining aside. */
  ourDeeds(): number;
}

export async function startLoggedIn(t: TestContext, wish: FakeBridgeWish = {}): Promise<LoggedIn> {
  const permissions = { 'hs.test': 'user', '@op:hs.test': 'admin', '@ann:hs.test': 'admin' };
  const bridge = await startFakeBridge(t, { permissions, ...wish, options: { logins: true, puppets: 'login', ...wish.options } });
  const { homeserver, network } = bridge;
  const nickOf = (user: string) => user.slice(1, user.indexOf(':'));
  const [ada, bob] = ['ada', 'bob'].map((name) => homeserver.user(name, name === 'ada' ? 'Ada' : 'Bob')) as [string, string];
  for (const nick of ['zoe', 'ada', 'bob']) network.people.add(nick);
  const words = (room: string) =>
    homeserver
      .messages(room)
      .filter(({ sender }) => sender === homeserver.bot)
      .map(({ content }) => String(content.body));
  const hears = (room: string, pattern: RegExp) =>
    until(`the bot to say ${pattern}`, () => words(room).findLast((body) => pattern.test(body)));
  return {
    ...{ ...bridge, ada, bob, words, hears },
    async logIn(...people) {
      for (const user of people) await bridge.adapter().inbox.loggedIn?.(userId(user), resultFor(nickOf(user)));
    },
    spoken: (room = bridge.room) =>
      homeserver
        .messages(room)
        .filter(({ sender, content }) => sender !== homeserver.bot && content.body !== undefined && !('m.new_content' in content))
        .map(({ sender, content }) => `${nickOf(sender)}: ${content.body}`),
    async chat(person, power) {
      const levels = power === undefined ? {} : { levels: { users: { [person]: 100, [homeserver.bot]: power } } };
      const room = homeserver.createRoom({
        ...{ creator: person, version: '11', joinRule: 'invite', invite: [homeserver.bot], isDirect: true, ...levels },
      });
      await hears(room, /^Hello/);
      return room;
    },
    async settled() {
      let isDrained = false;
      homeserver.drained().then(() => {
        isDrained = true;
      });
      await until('the bridge to take in what was pushed', () => isDrained);
      await bridge.adapter().reported();
      await new Promise((resolve) => setTimeout(resolve, 250));
    },
    ourDeeds: () => network.log.filter(({ isOurs, what }) => isOurs === true && what !== 'join').length,
  };
}
