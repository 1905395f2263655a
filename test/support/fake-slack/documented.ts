// What Slack documents of its methods and events, read from two tables beside this file: tiers, scopes and error codes of
// docs.slack.dev/reference/methods (May 2026), scopes and transports of docs.slack.dev/reference/events (August 2026).
// Whatever the fake answers is held against these tables: an error that a method does not document is the fake's own fault.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChannelKind } from './model.ts';

export type Tier = 1 | 2 | 3 | 4 | 'special';

export interface MethodFacts {
  readonly tier: Tier;
  readonly scopes: { readonly bot: readonly string[]; readonly user: readonly string[] };
  readonly errors: ReadonlySet<string>;
}

export interface EventFacts {
  readonly scopes: readonly string[];
  readonly transports: ReadonlySet<'Events' | 'RTM'>;
}

/** docs.slack.dev lists these for nearly every method. */
export const commonErrors: ReadonlySet<string> = new Set(
  (
    'access_denied accesslimited account_inactive deprecated_endpoint ekm_access_denied enterprise_is_restricted fatal_error ' +
    'internal_error invalid_arg_name invalid_arguments invalid_array_arg invalid_auth invalid_charset invalid_form_data ' +
    'invalid_post_type method_deprecated missing_post_type missing_scope no_permission not_allowed_token_type not_authed ' +
    'org_login_required ratelimited request_timeout service_unavailable team_access_not_granted team_added_to_org token_expired ' +
    'token_revoked two_factor_setup_required'
  ).split(' '),
);

export const methods: ReadonlyMap<string, MethodFacts> = new Map(
  rows('documented-methods.tsv').map(([name = '', tier, bot, user, errors]) => [
    name,
    {
      tier: tier === 'special' ? tier : (Number(tier) as Tier),
      scopes: { bot: words(bot), user: words(user) },
      errors: new Set(words(errors)),
    },
  ]),
);

/** By the name that one subscribes to: messages as `message.channels` and so on. */
export const events: ReadonlyMap<string, EventFacts> = new Map(
  rows('documented-events.tsv').map(([name = '', scopes, transports]) => [
    name,
    { scopes: words(scopes), transports: new Set(words(transports) as ('Events' | 'RTM')[]) },
  ]),
);

const prefixes: Readonly<Record<ChannelKind, string>> = { channel: 'channels:', group: 'groups:', im: 'im:', mpim: 'mpim:' };

/** Of scopes that differ by the kind of conversation, those for this one; others stand for every kind. */
export function scopesFor(kind: ChannelKind, scopes: readonly string[]): readonly string[] {
  const isByKind = scopes.some((scope) => Object.values(prefixes).some((prefix) => scope.startsWith(prefix)));
  return isByKind ? scopes.filter((scope) => scope.startsWith(prefixes[kind])) : scopes;
}

/** Scopes that no table of ours names, for the consent page to know them. */
export const otherScopes: ReadonlySet<string> = new Set(
  'chat:write.customize chat:write.public commands incoming-webhook users:read.email app_mentions:read metadata.message:read'.split(' '),
);

function rows(file: string): string[][] {
  const lines = readFileSync(join(import.meta.dirname, file), 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split('\t'));
}

function words(cell: string | undefined): string[] {
  return cell === undefined || cell === '-' ? [] : cell.split(' ');
}
