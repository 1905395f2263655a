// What those who rule a room may say of its links, beside making and ending them: how its people are called on the network. Verbs of
// every bridge, given as a network's own are.

import type { Adapter, AdapterCommand } from '../adapter.ts';
import { DeniedError, PermanentError } from '../errors.ts';
import { namesSomebody } from '../formed-names.ts';
import type { RoomId } from '../ids.ts';
import { type Link, type Links, namesIn } from '../plumbing/links.ts';
import type { Json } from '../remote-event.ts';

export interface RoomWishesParts<Body extends Json> {
  readonly links: Links;
  readonly adapter: Pick<Adapter<Body>, 'channels'>;
}

const longest = 100;

export function roomWishes<Body extends Json>({ links, adapter }: RoomWishesParts<Body>): AdapterCommand[] {
  const linksOf = (room: RoomId): readonly Link[] => {
    const all = links.byRoom(room);
    if (all.length === 0) throw new PermanentError('LINK_UNKNOWN', `nothing is linked to ${room}`);
    return all;
  };
  return [
    {
      ...{ name: 'names', usage: 'names [template | off]', needs: 'room' },
      does: 'says how people of the room are called where the bot speaks for them: {name}, {user}, {localpart}, {server}',
      async run({ room }, words) {
        const all = linksOf(room);
        if (words.length === 0) {
          const said = all.map((link) => `${adapter.channels.describe(link.channel).name}: ${namesIn(link) ?? 'as everywhere'}`);
          return said.join('\n');
        }
        const template = words.join(' ');
        const isOff = words.length === 1 && /^off$/i.test(template);
        if (!isOff && !namesSomebody(template))
          throw new PermanentError('BAD_REQUEST', 'the template must hold {name}, {user} or {localpart}, for people to be told apart');
        if (template.length > longest) throw new PermanentError('BAD_REQUEST', `that is longer than ${longest} signs`);
        const fixed = all.find(({ origin, options }) => origin === 'config' && options.names !== undefined);
        if (fixed !== undefined) throw new DeniedError('that stands in the bridge’s config: only its operator can change it there');
        for (const { id } of all) await links.setOptions(id, { namesAsked: isOff ? undefined : template });
        return isOff ? 'People of this room are called as everywhere.' : `People of this room are called: ${template}`;
      },
    },
  ];
}
