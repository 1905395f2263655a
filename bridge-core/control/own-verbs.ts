// Commands that a network brings along, as verbs beside those of every bridge: who may give them is asked here, in the same way.

import type { AdapterCommand } from '../adapter.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { PermanentError } from '../errors.ts';
import { type RoomId, roomId } from '../ids.ts';
import type { Links } from '../plumbing/links.ts';
import type { Asked } from './actions.ts';
import type { Verb } from './commands.ts';
import type { Permissions } from './permissions.ts';

export interface OwnVerbsParts {
  readonly commands: readonly AdapterCommand[];
  readonly permissions: Pick<Permissions, 'mustBe' | 'mustRule'>;
  readonly homeserver: Pick<Homeserver, 'resolveAlias'>;
  readonly links: Pick<Links, 'byRoom' | 'liveIn'>;
  /** The adapter may want other links now. */
  readonly done: () => void;
}

export function ownVerbs({ commands, permissions, homeserver, links, done }: OwnVerbsParts): Verb[] {
  return commands.map(({ name, usage, does, needs, run }) => ({
    ...{ names: [name], usage: needs === 'room' ? usage.replace(name, `${name} [room]`) : usage, does },
    run: async (asked, words) => {
      permissions.mustBe(needs === 'admin' ? 'admin' : 'user', asked.by, `use ${name}`);
      const { room, rest } = needs === 'room' ? await meant(homeserver, asked, words) : { room: asked.room, rest: words };
      if (needs === 'room') await permissions.mustRule(asked.by, room, `use ${name} there`);
      const channels = links.liveIn(room).map(({ channel }) => channel);
      const linked = links.byRoom(room).map(({ channel }) => channel);
      const answer = await run({ user: asked.by, room, isDirect: asked.isDirect, channels, linked }, rest);
      done();
      return answer;
    },
  }));
}

/** This room, unless the first word names another. */
async function meant(
  homeserver: OwnVerbsParts['homeserver'],
  asked: Asked,
  words: readonly string[],
): Promise<{ readonly room: RoomId; readonly rest: readonly string[] }> {
  const [first = '', ...rest] = words;
  if (first.startsWith('!')) return { room: roomId(first), rest };
  if (/^#[^:]+:[^:]/.test(first)) {
    const room = await homeserver.resolveAlias(first);
    if (room === undefined) throw new PermanentError('BAD_REQUEST', `there is no room ${first}`);
    return { room, rest };
  }
  if (asked.isDirect) throw new PermanentError('BAD_REQUEST', 'name the room, or say it there');
  return { room: asked.room, rest: words };
}
