// What somebody does and sees in Matrix, beside a whole bridge.

import { until } from '../../support/waiting.ts';
import type { WholeBridge } from './whole-bridge.ts';

/** A chat with the bot; what is said there settles with the answer. */
export async function talk({ homeserver, person }: Pick<WholeBridge, 'homeserver' | 'person'>, before?: string) {
  const chat = before ?? homeserver.createRoom({ creator: person, isDirect: true });
  if (before === undefined) homeserver.invite(person, chat, homeserver.bot, { is_direct: true });
  await until('the bot', () => homeserver.members(chat).includes(homeserver.bot) || undefined);
  const told = (words: RegExp, since: number) =>
    until(String(words), () =>
      homeserver
        .events(chat)
        .slice(since)
        .find(({ sender, content }) => sender === homeserver.bot && words.test(String(content.body))),
    );
  const said = async (words: string, answer: RegExp) => {
    const since = homeserver.events(chat).length;
    homeserver.say(person, chat, words);
    return String((await told(answer, since)).content.body);
  };
  if (before === undefined) await told(/bridge/i, 0);
  return { chat, said };
}

/** Alice, as ann; in a chat with the bot, which is returned. */
export async function logIn({ slack, app, ann, ...bridge }: WholeBridge, before?: string): Promise<string> {
  const { chat, said } = await talk(bridge, before);
  await said('login token', /token/i);
  await said(slack.setup.authorize(app, ann.user).value, /Ann Example/);
  return chat;
}

export const bodiesIn = ({ homeserver }: WholeBridge, room: string): string[] =>
  homeserver.events(room).flatMap(({ type, content }) => (type === 'm.room.message' ? [String(content.body)] : []));

export const roomWith = (bridge: WholeBridge, body: string): Promise<string> =>
  until(`a room with ${body}`, () => [...bridge.homeserver.world.rooms.keys()].find((room) => bodiesIn(bridge, room).includes(body)));
