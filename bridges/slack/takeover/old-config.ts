// The config of matrix-appservice-slack in our words: what has a counterpart is carried over, and every other key is named with why
// it has none, or what it comes to.

import type { Translation } from '#bridge-core';
import { type Fields, isFields, textIn } from '../fields.ts';
import { globsOf } from './old-globs.ts';
import { OldKeys } from './old-keys.ts';

/** Where the old bridge listened unless told otherwise. */
const usualPort = 5_858;
const usualBot = 'slackbot';
const levels: Readonly<Record<string, string>> = {
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  off: 'error',
  silent: 'error',
};

export function translate(config: unknown, registration: unknown): Translation {
  const keys = new OldKeys(isFields(config) ? config : {});
  const reg = isFields(registration) ? registration : undefined;
  const homeserver = keys.section('homeserver');
  const domain = homeserver.text('server_name') ?? 'example.org';
  const port = homeserver.number('appservice_port') ?? usualPort;
  const host = homeserver.text('appservice_host') ?? '127.0.0.1';
  const publicUrl = publicUrlOf(keys);
  const slack = slackOf(keys);
  const made = {
    homeserver: { url: homeserver.text('url') ?? 'http://127.0.0.1:8008', domain },
    appservice: {
      listen: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      url: textIn(reg, 'url') ?? `http://127.0.0.1:${port}`,
      registration: 'registration.yaml',
      bot: textIn(reg, 'sender_localpart') ?? usualBot,
    },
    store: 'slack.db',
    ...(publicUrl !== undefined && { public_url: publicUrl }),
    permissions: { [domain]: 'user' },
    ...filled('names', ghostsOf(keys)),
    ...filled('portals', chatsOf(keys)),
    ...filled('provisioning', provisioningOf(keys.section('provisioning'))),
    ...filled('active_users', activeUsersOf(keys)),
    ...filled('log', logOf(keys.section('logging'))),
    slack,
  };
  keys.note('permissions', 'whoever is on the homeserver may use the bridge; name its admins, who may do what the old admin room did');
  if (reg === undefined)
    keys.note(
      'appservice',
      'url and bot are as the old bridge had them unless told otherwise: compare them with its registration (url, sender_localpart)',
    );
  return { config: made, notes: keys.notes() };
}

function publicUrlOf(keys: OldKeys): string | undefined {
  const [inbound, redirect] = [keys.text('inbound_uri_prefix'), keys.section('oauth2').text('redirect_prefix')];
  const address = inbound ?? redirect;
  const isAddress = address !== undefined && URL.canParse(address);
  const url = isAddress ? address.replace(/\/+$/, '') : undefined;
  if (inbound !== undefined && !isAddress) keys.note('inbound_uri_prefix', 'it is no address: give public_url');
  if (url !== undefined)
    keys.note(
      inbound !== undefined ? 'inbound_uri_prefix' : 'oauth2.redirect_prefix',
      `is public_url: Slack's events come to ${url}/slack/events, people who log in to ${url}/slack/oauth/return (both to be changed at Slack)`,
    );
  if (inbound !== undefined && redirect !== undefined)
    keys.note('oauth2.redirect_prefix', 'pages stand below public_url, as all that is called from outside');
  const hook = keys.number('slack_hook_port');
  if (hook !== undefined)
    keys.note(
      'slack_hook_port',
      'Slack comes in where the homeserver does (appservice.listen): have the proxy lead <public_url>/slack/ there',
    );
  return url;
}

function slackOf(keys: OldKeys): Fields {
  const oauth = keys.section('oauth2');
  const [id, secret] = [oauth.text('client_id'), oauth.text('client_secret')];
  const app = id !== undefined && secret !== undefined ? { client_id: id, client_secret: secret } : undefined;
  if (app !== undefined)
    keys.note(
      'oauth2',
      'logins and installs go by OAuth v2: the app needs the scopes of the manifest that the bot prints on `manifest`, and a modern app an app_token or signing_secret as well',
    );
  const options = keys.section('slack_client_opts');
  const api = options.text('slackApiUrl');
  const sync = keys.section('team_sync');
  const all = sync.has('all') ? teamSyncOf(sync.section('all')) : undefined;
  const teams = sync.names().map((team) => ({ id: team, team_sync: teamSyncOf(sync.section(team)) }));
  const rtm = keys.section('rtm');
  if (rtm.boolean('enable') !== undefined)
    keys.note(
      'rtm.enable',
      'each team is heard by what there is: with an app_token by Socket Mode, with a signing_secret and a public_url by the Events API, else by RTM',
    );
  return {
    ...(api !== undefined && { api_url: api }),
    ...(app !== undefined && { app }),
    ...(teams.length > 0 && { teams }),
    ...(all !== undefined && { team_sync: all }),
  };
}

function teamSyncOf(team: OldKeys): Fields {
  const channels = team.section('channels');
  const users = team.section('users');
  const [allow, deny] = [channels.texts('whitelist'), channels.texts('blacklist')];
  const [isPublic, isPrivate] = [channels.boolean('allow_public') !== false, channels.boolean('allow_private') !== false];
  if (!isPublic) channels.note('allow_public', 'private channels alone cannot have rooms: none have then');
  const isOn = channels.boolean('enabled') === true && isPublic;
  if (isOn && isPrivate)
    channels.note('allow_private', 'a room of a private channel is for those alone who are in the channel by a login of their own');
  const hints = channels.boolean('hint_channel_admins') === true;
  return {
    channels: isOn,
    ...(isOn && isPrivate && { allow_private: true }),
    ...(allow.length > 0 && { allow }),
    ...(deny.length > 0 && { deny }),
    ...(hints && { hint_channel_admins: true }),
    users: users.boolean('enabled') === true ? 'all' : 'off',
  };
}

function ghostsOf(keys: OldKeys): Fields {
  const prefix = keys.text('username_prefix') ?? '';
  const plain = /^[a-z0-9._/+-]+$/.test(prefix);
  if (!plain)
    keys.note('username_prefix', 'a ghost begins with small letters here: those of the old bridge cannot be kept under this prefix');
  else
    keys.note(
      'username_prefix',
      'ghosts that are taken over keep their ids; new ones bear the workspace’s id, which does not change, in place of its domain',
    );
  return plain && prefix !== 'slack_' ? { ghosts: `${prefix}{team}_{user}` } : {};
}

function chatsOf(keys: OldKeys): Fields {
  const puppeting = keys.section('puppeting');
  if (puppeting.boolean('enabled') !== undefined)
    puppeting.note(
      'enabled',
      'whoever may use the bridge may log in: by Slack’s page where the app has a client_id and there is a public_url, else by a token',
    );
  const lists = puppeting.section('direct_messages');
  const [allow, deny] = [lists.section('allow'), lists.section('deny')];
  const side = (name: string): Fields => {
    const [allowed, denied] = [globsOf(allow, name), globsOf(deny, name)];
    return { ...(allowed.length > 0 && { allow: allowed }), ...(denied.length > 0 && { deny: denied }) };
  };
  return filled('chats', { ...filled('of', side('matrix')), ...filled('with', side('slack')) });
}

function provisioningOf(old: OldKeys): Fields {
  const limits = old.section('limits');
  const [rooms, networks] = [limits.number('room_count'), limits.number('team_count')];
  const secret = old.text('secret');
  const isGood = secret !== undefined && /^\S{16,}$/.test(secret);
  if (secret !== undefined && !isGood)
    old.note(
      'secret',
      'a secret has at least 16 characters without spaces here: give another to the bridge and to the integration manager',
    );
  const lists = old.section('channel_adl');
  const named = (name: 'allow' | 'deny') => globsOf(lists, name, (each) => (/^(?:[#*]|[CGD][A-Z0-9]{5,}$)/.test(each) ? each : `#${each}`));
  const [allow, deny] = [named('allow'), named('deny')];
  const openId = old.map('open_id_overrides');
  const [enabled, isPublic] = [old.boolean('enabled'), old.boolean('require_public_room')];
  return {
    ...(enabled !== undefined && { enabled }),
    ...(isGood && { secret }),
    ...(isPublic !== undefined && { require_public_room: isPublic }),
    ...filled('channels', { ...(allow.length > 0 && { allow }), ...(deny.length > 0 && { deny }) }),
    ...filled('limits', { ...(rooms !== undefined && { rooms }), ...(networks !== undefined && { networks }) }),
    ...filled('open_id_servers', openId),
  };
}

function activeUsersOf(keys: OldKeys): Fields {
  const activity = keys.section('user_activity');
  const [limit, days, within] = [
    keys.number('rmau_limit'),
    activity.number('min_user_active_days'),
    activity.number('inactive_after_days'),
  ];
  if (within !== undefined && within > 30) activity.note('inactive_after_days', 'activity is known for thirty days here');
  return {
    ...(limit !== undefined && { limit }),
    ...(days !== undefined && { min_days: Math.max(1, Math.min(30, days)) }),
    ...(within !== undefined && { within_days: Math.max(1, Math.min(30, within)) }),
  };
}

function logOf(logging: OldKeys): Fields {
  const level = levels[logging.text('console') ?? ''];
  return level === undefined ? {} : { level };
}

const filled = (name: string, fields: Fields): Fields => (Object.keys(fields).length === 0 ? {} : { [name]: fields });
