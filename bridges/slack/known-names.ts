// What the formatter asks for while it reads: names that are known already, at once.

import type { FormatterNames } from './names.ts';
import type { Team } from './team.ts';

export function namesOf(teams: ReadonlyMap<string, Team>): FormatterNames {
  return {
    user: (team, id) => {
      const user = teams.get(team)?.users.person(id);
      return user?.name === id ? undefined : user?.name;
    },
    // A private channel is its people's alone, whoever of ours is among them, and whatever it was written as.
    channel: (team, id, here) => {
      const known = teams.get(team)?.conversations.known(id);
      return id === here || known?.kind === 'public' ? known?.name : known && id;
    },
    isForAll: (team, id, here) => id === here || teams.get(team)?.conversations.known(id)?.kind === 'public',
    usergroup: (team, id) => teams.get(team)?.extras.group(id),
    emoji: (team, name) => teams.get(team)?.extras.emoji(name),
  };
}
