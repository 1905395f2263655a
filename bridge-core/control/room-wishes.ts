// What those who rule a room may say of its links, beside making and ending them: how its people are called on the network, and which
// way topic and name are carried. Verbs of every bridge, given as a network's own are.

import type { Adapter, AdapterCommand, Network, TopicWay } from '../adapter.ts';
import { DeniedError, PermanentError } from '../errors.ts';
import { namesSomebody } from '../formed-names.ts';
import type { RoomId } from '../ids.ts';
import { calledIn } from '../plumbing/described.ts';
import { type Link, type Links, namesIn } from '../plumbing/links.ts';
import { asked, isToNetwork, wayOf } from '../plumbing/ways.ts';
import type { Json } from '../remote-event.ts';

export interface RoomWishesParts<Body extends Json> {
  readonly links: Links;
  readonly adapter: Pick<Adapter<Body>, 'channels' | 'openSession'>;
  readonly protocol: Pick<Network['protocol'], 'id'>;
}

const longest = 100;

const inConfig = 'that stands in the bridge’s config: only its operator can change it there';

export function roomWishes<Body extends Json>({ links, adapter, protocol }: RoomWishesParts<Body>): AdapterCommand[] {
  const ways: Readonly<Record<TopicWay, string>> = {
    off: 'off',
    both: 'both',
    'to-matrix': `${protocol.id}-to-matrix`,
    'to-network': `matrix-to-${protocol.id}`,
  };
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
          const said = all.map((link) => `${calledIn(adapter.channels, link)}: ${namesIn(link) ?? 'as everywhere'}`);
          return said.join('\n');
        }
        const template = words.join(' ');
        const isOff = words.length === 1 && /^off$/i.test(template);
        if (!isOff && !namesSomebody(template))
          throw new PermanentError('BAD_REQUEST', 'the template must hold {name}, {user} or {localpart}, for people to be told apart');
        if (template.length > longest) throw new PermanentError('BAD_REQUEST', `that is longer than ${longest} signs`);
        const fixed = all.find(({ origin, options }) => origin === 'config' && options.names !== undefined);
        if (fixed !== undefined) throw new DeniedError(inConfig);
        // At once: of a link that is gone by then the others are none the worse.
        await links.setAll(all.map(({ id }) => [id, { options: { namesAsked: isOff ? undefined : template } }]));
        return isOff ? 'People of this room are called as everywhere.' : `People of this room are called: ${template}`;
      },
    },
    {
      ...{ name: 'carry', usage: `carry [topic | name] [${Object.values(ways).join(' | ')}]`, needs: 'room' },
      does: 'says which way the topic, or the name, is carried from its next change on',
      async run({ room }, [what, word]) {
        const all = linksOf(room);
        if (what === undefined) {
          const said = all.map((link) => {
            const [topic, name] = [ways[wayOf(link, 'topic')], ways[wayOf(link, 'name')]];
            return `${calledIn(adapter.channels, link)}: topic ${topic}, name ${name}`;
          });
          return said.join('\n');
        }
        const [way] = Object.entries(ways).find(([, said]) => said === word?.toLowerCase()) ?? [];
        if ((what !== 'topic' && what !== 'name') || way === undefined)
          throw new PermanentError('BAD_REQUEST', `say topic or name, and one of ${Object.values(ways).join(', ')}`);
        if (all.some(({ origin, options }) => origin === 'config' && options[what] !== undefined)) throw new DeniedError(inConfig);
        const verb = what === 'topic' ? 'setTopic' : 'rename';
        const isUnknown = ({ channel }: Link) => {
          const bot = adapter.openSession({ as: 'bot' }, channel);
          return bot !== undefined && bot[verb] === undefined;
        };
        if (isToNetwork(way as TopicWay) && all.some(isUnknown))
          throw new PermanentError('UNSUPPORTED', `a ${what} cannot be given to channels of this network`);
        await links.setAll(all.map(({ id }) => [id, { options: asked(what, way as TopicWay) }]));
        return `The ${what} of this room is carried: ${ways[way as TopicWay]}.`;
      },
    },
  ];
}
