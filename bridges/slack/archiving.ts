// `archive` and `unarchive`, said by who rules a room: done in Slack by their own login where they have one, else by the bot, if that may.

import { type AdapterCommand, type ChannelId, type Inbox, PermanentError, type Session, type UserId } from '#bridge-core';
import type { SlackBody } from './body.ts';
import { parseId } from './ids.ts';
import type { Sessions } from './sessions.ts';
import type { Team } from './team.ts';

export interface ArchivingParts {
  readonly teams: ReadonlyMap<string, Team>;
  readonly sessions: Pick<Sessions, 'open'>;
  readonly inbox: Pick<Inbox<SlackBody>, 'receive'>;
}

export function archivingCommands(parts: ArchivingParts): AdapterCommand[] {
  const command = (name: string, does: string, on: boolean): AdapterCommand => ({
    ...{ name, usage: name, does, needs: 'room' },
    run: async ({ user, channels = [] }) => await archive(parts, user, channels, on),
  });
  return [
    command('archive', 'archives the channel in Slack: it stays to be read, nobody speaks there', true),
    command('unarchive', 'opens it again', false),
  ];
}

async function archive(
  { teams, sessions, inbox }: ArchivingParts,
  user: UserId,
  channels: readonly ChannelId[],
  on: boolean,
): Promise<string> {
  const [channel, ...others] = channels.filter((id) => teams.has(parseId(id).team));
  if (channel === undefined) throw new PermanentError('LINK_UNKNOWN', 'no channel of Slack is linked there');
  if (others.length > 0) throw new PermanentError('BAD_REQUEST', 'several channels are linked there: do it in Slack');
  const team = teams.get(parseId(channel).team) as Team;
  const bot = await sessions.open({ as: 'bot' }, channel);
  const own = team.accountOf(user) === undefined ? bot : await sessions.open({ as: 'user', user }, channel);
  const by = await archivedBy(own, bot, channel, on);
  // Slack tells it of our own doing as of nothing new.
  await inbox.receive({ kind: 'channel', at: Date.now(), channel, by: team.users.person(parseId(by.self).id), archived: on });
  return on ? 'The channel is archived in Slack.' : 'The channel is open again in Slack.';
}

/** Who may not do it by themselves may have the bot do it: they rule the room. */
async function archivedBy(own: Session<SlackBody>, bot: Session<SlackBody>, channel: ChannelId, on: boolean): Promise<Session<SlackBody>> {
  try {
    await own.archive?.(channel, on);
    return own;
  } catch (thrown) {
    if (own === bot || !(thrown instanceof PermanentError)) throw thrown;
    await bot.archive?.(channel, on);
    return bot;
  }
}
