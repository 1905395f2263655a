// What the formatter asks for while it reads: names that are known already, at once.

import type { FormatterNames } from './names.ts';
import type { Team } from './team.ts';

export function namesOf(teams: ReadonlyMap<string, Team>): FormatterNames {
  return {
    user: (team, id) => {
      const user = teams.get(team)?.users.person(id);
      return user?.name === id ? undefined : user?.name;
    },
    channel: (team, id) => teams.get(team)?.conversations.known(id)?.name,
    usergroup: (team, id) => teams.get(team)?.extras.group(id),
    emoji: (team, name) => teams.get(team)?.extras.emoji(name),
  };
}
