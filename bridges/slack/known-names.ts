// What the formatter asks for while it reads: names that are known already, at once.

import type { FormatterNames } from './names.ts';
import type { Team } from './team.ts';

export function namesOf(teams: ReadonlyMap<string, Team>): FormatterNames {
  return {
    user: (team, id) => {
      const user = teams.get(team)?.users.person(id);
      return user?.name === id ? undefined : user?.name;
    },
    // A private channel is its people's alone, whoever of ours is among them.
    channel: (team, id, here) => {
      const known = teams.get(team)?.conversations.known(id);
      return id === here || known?.kind === 'public' ? known?.name : undefined;
    },
    usergroup: (team, id) => teams.get(team)?.extras.group(id),
    emoji: (team, name) => teams.get(team)?.extras.emoji(name),
  };
}
