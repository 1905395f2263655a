// Who is in a channel, brought into its room at once and as a whole: a verb of the bridge's admins, which people know from an older bridge.

import type { Channel } from '../channel.ts';
import { messageOf, PermanentError } from '../errors.ts';
import type { Matched, MatchWish } from '../membership/sync.ts';
import { isPrivate, type Link, type Links } from '../plumbing/links.ts';
import type { Verb } from './commands.ts';
import type { Permissions } from './permissions.ts';

export interface MemberVerbsParts {
  readonly permissions: Pick<Permissions, 'mustBe'>;
  readonly links: Pick<Links, 'all' | 'liveIn'>;
  readonly describe: (link: Link) => Channel;
  readonly match: (link: Link, wish: MatchWish) => Promise<Matched>;
}

const switches: Readonly<Record<string, string>> = { '--count': 'c', '--join': 'j', '--leave': 'l', '--all': 'A' };

export function memberVerbs({ permissions, links, describe, match }: MemberVerbsParts): Verb[] {
  const syncing: Verb = {
    ...{ names: ['sync', 'sync_users'], usage: 'sync [-c] [-j] [-l] [-A | room | channel]' },
    does: 'brings all of a channel’s people into its room and puts out who is gone; -j or -l does one of the two, -c only counts, -A is for all rooms',
    async run(asked, words) {
      permissions.mustBe('admin', asked.by, 'bring people into rooms');
      const letters = words.filter((word) => word.startsWith('-')).flatMap((word) => [...(switches[word] ?? word.slice(1))]);
      const unknown = letters.find((letter) => !'cjlA'.includes(letter));
      if (unknown !== undefined) throw new PermanentError('BAD_REQUEST', `there is no switch -${unknown}: those are -c, -j, -l and -A`);
      const has = (letter: string) => letters.includes(letter);
      const isBoth = !has('j') && !has('l');
      const wish = { joins: isBoth || has('j'), leaves: isBoth || has('l'), isOnlyCounted: has('c') };
      const lines: string[] = [];
      const total = { joins: 0, leaves: 0 };
      const meant = has('A')
        ? all()
        : named(asked.isDirect ? undefined : asked.room, words.filter((word) => !word.startsWith('-')).join(' '));
      for (const link of meant) {
        const { name } = describe(link);
        try {
          const { joins, leaves } = await match(link, wish);
          total.joins += joins;
          total.leaves += leaves;
          lines.push(`${name} (${link.room}): ${counted(joins, leaves, wish)}`);
        } catch (thrown) {
          lines.push(`${name} (${link.room}): ${messageOf(thrown)}`);
        }
      }
      if (lines.length > 1) lines.push(`In all: ${counted(total.joins, total.leaves, wish)}`);
      return lines.join('\n');
    },
  };
  return [syncing];

  function all(): readonly Link[] {
    return links.all().filter((link) => link.state === 'live' && !isPrivate(link));
  }

  function named(here: Link['room'] | undefined, query: string): readonly Link[] {
    const wanted = query.toLowerCase();
    if (wanted === '' && here === undefined)
      throw new PermanentError('BAD_REQUEST', 'which room? Give its id or the channel, or -A for all');
    const found = all().filter((link) => {
      const { id, name, network } = describe(link);
      if (wanted === '') return link.room === here;
      return [link.room, id, name, `${network.id} ${name}`, `${network.id}/${name}`].some((word) => word.toLowerCase() === wanted);
    });
    if (found.length === 0)
      throw new PermanentError('LINK_UNKNOWN', wanted === '' ? 'nothing is linked here' : `nothing live is linked to ${query}`);
    return found;
  }
}

function counted(joins: number, leaves: number, { joins: isJoin, leaves: isLeave, isOnlyCounted }: MatchWish): string {
  const said = [...(isJoin ? [`${joins} to come in`] : []), ...(isLeave ? [`${leaves} to go`] : [])].join(', ');
  return isOnlyCounted ? `${said} (only counted)` : said;
}
