// users.*, bots.info, emoji.list, usergroups.*: as their pages on docs.slack.dev/reference/methods. Unverified: that people of other
// workspaces can be asked about by whoever shares a channel with them, and by nobody else.

import { type Call, type MethodName, type Methods, page, type To } from '../call.ts';
import type { User } from '../model.ts';
import { botShape, usergroupShape, userShape } from '../shapes.ts';
import { SlackFault } from '../world.ts';

/** Beyond so many Slack asks for pages. */
const limitRequiredFrom = 1000;

export const peopleMethods = {
  'users.info': (call): To<'users.info'> => {
    const user = personOf(call, call.args.need('user'));
    const locale = call.args.isOn('include_locale') ? { locale: 'en-US' } : {};
    return { user: { ...userShape(call.world, user, call.team), ...locale } };
  },

  'users.list': (call): To<'users.list'> => {
    const members = call.world.membersOf(call.team);
    const isPaged = call.args.text('limit') !== undefined || call.args.text('cursor') !== undefined;
    if (!isPaged && members.length > limitRequiredFrom) throw new SlackFault('limit_required');
    const { items, next_cursor } = page(members, call, limitRequiredFrom, 1000);
    return {
      members: items.map((user) => userShape(call.world, user, call.team)),
      cache_ts: call.world.clock.seconds(),
      response_metadata: { next_cursor },
    };
  },

  'users.getPresence': (call): To<'users.getPresence'> => {
    const asked = call.args.text('user') ?? call.user.id;
    const { presence } = personOf(call, asked);
    if (asked !== call.user.id) return { presence };
    const isAway = presence === 'away';
    return { presence, online: !isAway, auto_away: false, manual_away: isAway, connection_count: call.rtm.connections(asked) };
  },

  'users.setPresence': ({ args, people, user }): To<'users.setPresence'> => {
    const presence = args.need('presence');
    if (presence !== 'auto' && presence !== 'away') throw new SlackFault('invalid_presence');
    people.setPresence(user, presence === 'auto' ? 'active' : 'away', true);
    return {};
  },

  'users.profile.get': (call): To<'users.profile.get'> => {
    const { profile } = userShape(call.world, personOf(call, call.args.text('user') ?? call.user.id), call.team);
    return { profile: profile as never };
  },

  'users.profile.set': (call): To<'users.profile.set'> => {
    const { args, people, user, world, team } = call;
    const given = (args.json('profile', 'invalid_profile') ?? { [args.text('name') ?? '']: args.text('value') }) as Record<
      string,
      string | undefined
    >;
    people.change(user, {
      ...(given.real_name === undefined ? {} : { realName: given.real_name }),
      ...(given.display_name === undefined ? {} : { displayName: given.display_name }),
      ...(given.title === undefined ? {} : { title: given.title }),
      ...(given.status_text === undefined ? {} : { status: { text: given.status_text, emoji: given.status_emoji ?? '' } }),
    });
    return { profile: userShape(world, user, team).profile as never };
  },

  'bots.info': ({ world, args }): To<'bots.info'> => {
    const id = args.text('bot');
    if (id === undefined) return { bot: {} };
    const bot = world.bots.get(id);
    if (bot === undefined) throw new SlackFault('bot_not_found');
    return { bot: botShape(world, bot) };
  },

  'emoji.list': ({ team, world }): To<'emoji.list'> => ({ emoji: Object.fromEntries(team.emoji), cache_ts: world.clock.ts() }),

  'usergroups.list': ({ team, args }): To<'usergroups.list'> => ({
    usergroups: [...team.usergroups.values()].map((group) => usergroupShape(group, args.isOn('include_users'))),
  }),

  'usergroups.users.list': ({ team, args }): To<'usergroups.users.list'> => {
    const group = team.usergroups.get(args.need('usergroup'));
    if (group === undefined) throw new SlackFault('no_such_subteam');
    return { users: group.users };
  },
} satisfies Partial<Methods<MethodName>>;

function personOf({ world, team, user: asker }: Call, id: string): User {
  const user = world.users.get(id);
  if (user === undefined) throw new SlackFault('user_not_found');
  const isNear = user.teams.has(team.id) || (team.enterprise !== undefined && user.enterprise === team.enterprise);
  const isMet = () => [...world.channels.values()].some(({ members }) => members.has(id) && members.has(asker.id));
  if (!isNear && !isMet()) throw new SlackFault('user_not_visible');
  return user;
}
