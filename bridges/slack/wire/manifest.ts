// The manifest of an app that may do what was chosen and no more, for Slack's "Create new app from a manifest"
// (docs.slack.dev/reference/app-manifest).

import type { AppsManifestCreateArguments } from '@slack/web-api';
import { dump } from 'js-yaml';
import { eventsFor, type Feature, scopesFor } from './scopes.ts';

export type Manifest = Exclude<AppsManifestCreateArguments['manifest'], string>;

export interface ManifestOptions {
  readonly name: string;
  readonly features: Iterable<Feature>;
  /** Where Slack and browsers reach us, with the bridge's prefix: `https://bridge.example.org/slack`. Undefined: they do not. */
  readonly publicUrl?: string;
  readonly isSocketMode: boolean;
  /** `/matrix`. */
  readonly command: string;
  readonly hasTokenRotation?: boolean;
}

export function manifestFor(options: ManifestOptions): Manifest {
  const chosen = [...options.features];
  const { name, command, isSocketMode, publicUrl, hasTokenRotation = false } = options;
  const at = (path: string) => (publicUrl === undefined ? undefined : `${publicUrl.replace(/\/+$/, '')}${path}`);
  const requestUrl = isSocketMode ? undefined : at('/events');
  const commandsUrl = isSocketMode ? undefined : at('/commands');
  const redirect = at('/oauth/return');
  const scopes = scopesFor(chosen);
  const events = eventsFor(chosen);
  const slash = {
    command,
    ...(commandsUrl !== undefined && { url: commandsUrl }),
    description: 'Link this channel to a Matrix room, or see what it is linked to',
    usage_hint: 'link #room:server | unlink | status | who',
    should_escape: false,
  };
  return {
    display_information: { name, description: 'Carries messages between Slack and Matrix' },
    features: {
      bot_user: { display_name: name, always_online: true },
      // The interface forgets that in Socket Mode there is no address.
      ...(chosen.includes('commands') && { slash_commands: [slash as typeof slash & { url: string }] }),
    },
    oauth_config: {
      ...(redirect !== undefined && { redirect_urls: [redirect] }),
      // Checked by Slack; the types list each by name.
      scopes: { bot: scopes.bot, ...(scopes.user.length > 0 && { user: scopes.user }) } as never,
    },
    settings: {
      event_subscriptions: {
        ...(requestUrl !== undefined && { request_url: requestUrl }),
        bot_events: events.bot as never,
        ...(events.user.length > 0 && { user_events: events.user as never }),
      },
      interactivity: { is_enabled: true, ...(commandsUrl !== undefined && { request_url: commandsUrl }) },
      org_deploy_enabled: false,
      socket_mode_enabled: isSocketMode,
      token_rotation_enabled: hasTokenRotation,
    },
  };
}

export function manifestYaml(manifest: Manifest): string {
  return dump(manifest, { lineWidth: -1, noRefs: true });
}
