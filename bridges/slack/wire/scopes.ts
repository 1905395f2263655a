// What an app has to be allowed and to hear for each thing that the bridge can do: scopes of bot and person, and events of each.
// What is left out of a choice is asked of nobody.

export const features = [
  'relay',
  'files',
  'reactions',
  'pins',
  'emoji',
  'groups',
  'membership',
  'settings',
  'commands',
  'direct',
  'puppets',
  'presence',
] as const;
export type Feature = (typeof features)[number];

/** All but what people may not want to give: their presence, and the right to rename and archive. */
export const usualFeatures: ReadonlySet<Feature> = new Set(features.filter((feature) => feature !== 'presence' && feature !== 'settings'));

interface Needs {
  readonly bot?: string;
  readonly user?: string;
  readonly botEvents?: string;
  readonly userEvents?: string;
}

const needs: Readonly<Record<Feature, Needs>> = {
  relay: {
    bot:
      'channels:history channels:join channels:read chat:write chat:write.customize groups:history groups:read metadata.message:read ' +
      'mpim:history mpim:read team:read users:read users.profile:read',
    botEvents:
      'app_uninstalled channel_archive channel_created channel_deleted channel_id_changed channel_left channel_rename channel_shared ' +
      'channel_unarchive channel_unshared group_archive group_deleted group_left group_rename group_unarchive message.channels ' +
      'message.groups message.mpim team_domain_change team_rename tokens_revoked user_change',
  },
  files: { bot: 'files:read files:write', user: 'files:read files:write', botEvents: 'file_change file_deleted' },
  reactions: {
    bot: 'reactions:read reactions:write',
    user: 'reactions:read reactions:write',
    botEvents: 'reaction_added reaction_removed',
  },
  pins: { bot: 'pins:read pins:write', botEvents: 'pin_added pin_removed' },
  emoji: { bot: 'emoji:read', botEvents: 'emoji_changed' },
  groups: { bot: 'usergroups:read', botEvents: 'subteam_created subteam_members_changed subteam_updated' },
  membership: { botEvents: 'member_joined_channel member_left_channel team_join' },
  settings: { bot: 'channels:manage groups:write', user: 'channels:write groups:write' },
  commands: { bot: 'commands' },
  direct: { bot: 'im:history im:read im:write mpim:write', botEvents: 'message.im' },
  puppets: {
    user:
      'channels:history channels:read channels:write chat:write groups:history groups:read groups:write im:history im:read im:write ' +
      'mpim:history mpim:read mpim:write users:read',
    userEvents: 'message.im message.mpim message.channels message.groups',
  },
  presence: { user: 'users:write' },
};

export function scopesFor(chosen: Iterable<Feature>): { readonly bot: string[]; readonly user: string[] } {
  return { bot: gather(chosen, 'bot'), user: gather(chosen, 'user') };
}

export function eventsFor(chosen: Iterable<Feature>): { readonly bot: string[]; readonly user: string[] } {
  const own = gather(chosen, 'userEvents');
  // What a person reacts to in their own chats is heard by them alone.
  const reactions = [...chosen].includes('reactions') && own.length > 0 ? ['reaction_added', 'reaction_removed'] : [];
  return { bot: gather(chosen, 'botEvents'), user: [...own, ...reactions].toSorted() };
}

/** What a token lacks. The one scope of a classic app's stands for all that its kind may do. */
export function missingScopes(given: readonly string[], wanted: readonly string[]): string[] {
  if (given.includes('bot') || given.includes('client')) return [];
  return wanted.filter((scope) => !given.includes(scope));
}

function gather(chosen: Iterable<Feature>, what: keyof Needs): string[] {
  const isPersonal = what === 'user' || what === 'userEvents';
  const all = [...chosen];
  if (isPersonal && !all.includes('puppets')) return [];
  const words = all.flatMap((feature) => needs[feature][what]?.split(' ') ?? []);
  return [...new Set(words)].toSorted();
}
