// As whom something is done in Slack. Types only.

import type { Team } from './team.ts';
import type { Caller } from './wire/web-api.ts';

/** As whom: the bot, or a person by their own token. */
export interface Voice {
  readonly team: Team;
  readonly ask: Caller['call'];
  readonly caller: Caller;
  readonly isBot: boolean;
  /** Who it is in Slack. */
  readonly self: string;
  join(channel: string): Promise<void>;
}
