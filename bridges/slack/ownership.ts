// Whether something that Slack tells was done by one of our own sessions: then it is known already. A person who is logged in with
// us may do the same by Slack's own client; that is theirs, and goes on.

import { type Fields, fieldsIn, textIn } from './fields.ts';
import { keyIn } from './own-acts.ts';
import type { Team } from './team.ts';

/** True: it is ours. A promise of that where it can be told only once a post under way is answered. */
export function ownDoing(team: Team, channel: string, event: Fields): true | undefined | Promise<boolean> {
  switch (event.type) {
    case 'message':
      return ownMessage(team, channel, event);
    case 'reaction_added':
    case 'reaction_removed': {
      const name = actNames.react(
        textIn(fieldsIn(event, 'item'), 'ts') ?? '',
        textIn(event, 'reaction') ?? '',
        event.type === 'reaction_added',
      );
      return ownAct(team, channel, textIn(event, 'user'), name);
    }
    case 'pin_added':
    case 'pin_removed': {
      const ts = textIn(fieldsIn(fieldsIn(event, 'item'), 'message'), 'ts') ?? '';
      return ownAct(team, channel, textIn(event, 'user'), actNames.pin(ts, event.type === 'pin_added'));
    }
    case 'channel_archive':
    case 'group_archive':
    case 'channel_unarchive':
    case 'group_unarchive':
      return ownAct(team, channel, textIn(event, 'user') ?? textIn(event, 'actor_id'), actNames.archive(event.type.endsWith('_archive')));
    case 'member_joined_channel':
      return isBot(team, textIn(event, 'user')) || undefined;
    default:
      return undefined;
  }
}

/** What a session is about to do, as it will be told; to be expected by its user and channel. */
export const actNames = {
  react: (ts: string, name: string, on: boolean) => `react ${ts} ${name} ${on}`,
  pin: (ts: string, on: boolean) => `pin ${ts} ${on}`,
  archive: (on: boolean) => `archive ${on}`,
  topic: 'topic',
  name: 'name',
  edit: (ts: string) => `edit ${ts}`,
  delete: (ts: string) => `delete ${ts}`,
};

export const expectation = (user: string, channel: string, act: string): string => `${user} ${channel} ${act}`;

function ownMessage(team: Team, channel: string, event: Fields): true | undefined | Promise<boolean> {
  const subtype = textIn(event, 'subtype') ?? '';
  const described = /^(?:channel|group)_(topic|purpose|name)$/.exec(subtype)?.[1];
  if (described !== undefined) return ownAct(team, channel, textIn(event, 'user'), described === 'purpose' ? 'topic' : described);
  if (subtype === 'message_changed') {
    const message = fieldsIn(event, 'message');
    if (message?.subtype === 'tombstone') return ownDeletion(team, channel, textIn(message, 'ts'), fieldsIn(event, 'previous_message'));
    const ts = textIn(message, 'ts') ?? '';
    if (message === undefined || isOfOurApp(team, message) || isPosted(team, channel, ts)) {
      // A person may edit by Slack's client what we posted for them.
      const editor = textIn(fieldsIn(message, 'edited'), 'user');
      return editor !== undefined && team.accounts.has(editor) ? ownAct(team, channel, editor, actNames.edit(ts)) : true;
    }
    return ownAct(team, channel, textIn(message, 'user'), actNames.edit(ts));
  }
  if (subtype === 'message_deleted') return ownDeletion(team, channel, textIn(event, 'deleted_ts'), fieldsIn(event, 'previous_message'));
  return ownPost(team, channel, event);
}

/** Of a message as the history has it: is its last change one of ours? Of a person's own post that we made that is known by when we
 *  changed it; of what is not known for sure nothing is told. */
export function ownEdit(team: Team, channel: string, message: Fields): true | undefined | Promise<boolean> {
  const edited = fieldsIn(message, 'edited');
  const [ts, editor, moment] = [textIn(message, 'ts') ?? '', textIn(edited, 'user'), textIn(edited, 'ts') ?? ''];
  if (editor === undefined || !team.accounts.has(editor) || editor !== textIn(message, 'user')) return ownPost(team, channel, message);
  return team.acts.isExpected(expectation(editor, channel, actNames.edit(ts))) || team.edits.isOurs(channel, ts, moment) || undefined;
}

function ownPost(team: Team, channel: string, event: Fields): true | undefined | Promise<boolean> {
  const user = textIn(event, 'user');
  // People and other apps can write what they like into their posts: our mark counts on those of ours alone.
  const isMarked = keyIn(event) !== undefined && team.accounts.has(textIn(event, 'user') ?? '');
  if (isMarked || isOfOurApp(team, event)) return true;
  if (user === undefined || !team.accounts.has(user)) return undefined;
  const ts = textIn(event, 'ts') ?? '';
  if (isPosted(team, channel, ts) || team.acts.bearsOurFile(event)) return true;
  return team.acts.settled(user, channel)?.then(() => isPosted(team, channel, ts) || team.acts.bearsOurFile(event));
}

/** Who deletes is not told: only what we do ourselves is ours. */
function ownDeletion(team: Team, channel: string, ts: string | undefined, before: Fields | undefined): true | undefined {
  const author = textIn(before, 'user') ?? textIn(before, 'bot_id') ?? '';
  const users = [team.identity?.botUser ?? '', author];
  return users.some((user) => team.acts.take(expectation(user, channel, actNames.delete(ts ?? '')))) || undefined;
}

function ownAct(team: Team, channel: string, user: string | undefined, act: string): true | undefined {
  if (user === undefined) return undefined;
  return isBot(team, user) || (team.accounts.has(user) && team.acts.take(expectation(user, channel, act))) || undefined;
}

function isBot(team: Team, user: string | undefined): boolean {
  return user !== undefined && (user === team.identity?.botUser || user === team.identity?.botId);
}

/** Posted with the bot's token or, in a person's name, with theirs: Slack shows the app on both. */
function isOfOurApp(team: Team, message: Fields): boolean {
  const { identity } = team;
  if (identity === undefined) return false;
  if (isBot(team, textIn(message, 'user')) || isBot(team, textIn(message, 'bot_id'))) return true;
  return identity.appId !== undefined && textIn(message, 'app_id') === identity.appId;
}

function isPosted(team: Team, channel: string, ts: string): boolean {
  return team.acts.isPosted(channel, ts);
}
