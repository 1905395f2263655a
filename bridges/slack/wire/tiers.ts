// How often each method may be called, as docs.slack.dev/apis/web-api/rate-limits has it: lower bounds ("50+ a minute"), held here
// as if they were the limit. The burst of posts and a workspace's sum of them are not documented in figures; a 429 corrects us.

export interface Limit {
  /** What shares one budget. */
  readonly name: string;
  /** Calls at once after a rest. */
  readonly size: number;
  readonly perMs: number;
}

const perMinute = { 1: 1, 2: 20, 3: 50, 4: 100, special: 600 } as const;
type Tier = keyof typeof perMinute;

/** Those not named are of the third. */
const tiers: Readonly<Record<string, Tier>> = {
  'apps.event.authorizations.list': 'special',
  'auth.teams.list': 2,
  'auth.test': 'special',
  'chat.getPermalink': 'special',
  'chat.postEphemeral': 4,
  'conversations.archive': 2,
  'conversations.create': 2,
  'conversations.list': 2,
  'conversations.members': 4,
  'conversations.rename': 2,
  'conversations.setPurpose': 2,
  'conversations.setTopic': 2,
  'conversations.unarchive': 2,
  'emoji.list': 2,
  'files.completeUploadExternal': 4,
  'files.getUploadURLExternal': 4,
  'files.info': 4,
  'oauth.v2.access': 'special',
  'pins.add': 2,
  'pins.list': 2,
  'pins.remove': 2,
  'reactions.remove': 2,
  'rtm.connect': 1,
  'usergroups.list': 2,
  'users.info': 4,
  'users.list': 2,
  'users.profile.get': 4,
  'users.setPresence': 2,
};

/** These count together: a second and channel, and a workspace's sum. */
const posts: ReadonlySet<string> = new Set(['chat.postMessage', 'chat.meMessage']);
const postsOfWorkspace: Limit = { name: 'posts', size: 300, perMs: 300 / 60_000 };
const postBurst = 4;
/** "A small amount of burst": opening a connection again is not to wait for a minute, and several people's need one each. */
const smallestBurst = 20;

const known = new Map<string, readonly Limit[]>();

/** The first is what a 429 is put down to. `ration`: calls a minute instead of the tier's. */
export function limitsOf(method: string, channel: string | undefined, ration?: number): readonly Limit[] {
  if (posts.has(method)) return [{ name: `post ${channel}`, size: postBurst, perMs: 1 / 1000 }, postsOfWorkspace];
  if (ration !== undefined) return [{ name: method, size: ration, perMs: ration / 60_000 }];
  const made = known.get(method);
  if (made !== undefined) return made;
  const rate = perMinute[tiers[method] ?? 3];
  const limits = [{ name: method, size: Math.max(rate, smallestBurst), perMs: rate / 60_000 }];
  known.set(method, limits);
  return limits;
}
