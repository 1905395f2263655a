// What an old bridge of one workspace had kept, as the tests of its takeover need it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { ago, type Old } from './old-bridge.ts';

export const token = 'xoxb-1111-the-old-bots-token';
export const adasToken = 'xoxp-2222-adas-own-token';
export const linkedToken = 'xoxp-3333-bens-linked-token';
export const webhookToken = 'sk4lPz9webhookpathofslack';
export const inbound = 'a0b1c2d3e4f5g6h7i8j9k0l1m2n3o4p5';
export const secrets = [token, adasToken, linkedToken, webhookToken, inbound];

export const [general, chat, hooked] = ['!general:hs.test', '!chat:hs.test', '!hooked:hs.test'];
export const [first, second, reply] = [ago(60), ago(50), ago(45)];
export const newest = ago(30);
const longAgo = ago(200 * 24 * 60);

const ghost = (id: string, slackId: string, name: string) => ({ id, team: 'T0001', slackId, name });

export const acme: Old = {
  teams: [{ id: 'T0001', name: 'Acme', domain: 'acme', token, botId: 'B0001', user: 'U0BOT' }],
  rooms: [
    {
      room: general,
      inbound: 'general-inbound',
      remote: { id: 'C0001', name: '#general', slack_team_id: 'T0001', slack_type: 'channel', slack_private: false },
    },
    {
      room: chat,
      inbound: 'D0001',
      remote: { id: 'D0001', slack_team_id: 'T0001', slack_type: 'im', slack_private: true, puppet_owner: '@ada:hs.test' },
    },
    {
      room: hooked,
      inbound,
      remote: { id: 'C0HOOK', name: '#hooked', webhook_uri: `https://hooks.slack.com/services/T9/B9/${webhookToken}` },
    },
    { room: '!never:hs.test', inbound: 'pending', remote: { name: 'undefined' } },
  ],
  ghosts: [
    ghost('@slack_acme_U0002:hs.test', 'U0002', 'Zoe'),
    ghost('@slack_acme_U0003:hs.test', 'U0003', 'Yan'),
    ghost('@slack_acmeold_U0003:hs.test', 'U0003', 'Yan as before'),
  ],
  events: [
    { room: general, event: '$first', channel: 'C0001', ts: first, replies: [reply] },
    { room: general, event: '$second', channel: 'C0001', ts: second },
    { room: general, event: '$secondagain', channel: 'C0001', ts: second },
    { room: general, event: '$reply', channel: 'C0001', ts: reply },
    { room: general, event: '$reaction', channel: 'C0001', ts: newest },
    { room: general, event: '$ancient', channel: 'C0001', ts: longAgo },
    { room: chat, event: '$private', channel: 'D0001', ts: first },
    { room: '!unlinked:hs.test', event: '$lost', channel: 'C0009', ts: first },
  ],
  reactions: [
    { room: general, event: '$reaction', channel: 'C0001', ts: second, by: 'U0002', name: 'thumbsup' },
    { room: general, event: '$given', channel: 'C0001', ts: first, by: 'U0BOT', name: 'tada' },
  ],
  puppets: [{ slackId: 'U0ADA', team: 'T0001', user: '@ada:hs.test', token: adasToken }],
  accounts: [
    { user: '@ada:hs.test', slackId: 'U0ADA', team: 'T0001', token: adasToken },
    { user: '@ben:hs.test', slackId: 'U0BEN', team: 'T0001', token: linkedToken },
  ],
  adminRooms: [{ room: '!admin:hs.test', user: '@ada:hs.test' }],
};

/** A config of the bridge that takes over; its store is `data/slack.db`. */
export function writeConfig(folder: string, core: object = {}, slack: object = {}): string {
  const config = {
    homeserver: { url: 'http://127.0.0.1:9', domain: 'hs.test' },
    appservice: { listen: '127.0.0.1:9', url: 'http://127.0.0.1:9', bot: 'slackbot' },
    ...{ store: 'data/slack.db', permissions: { '@ada:hs.test': 'admin' }, ...core },
    slack: { teams: [{ id: 'T0002' }], ...slack },
  };
  writeFileSync(join(folder, 'slack.yaml'), dump(config));
  return 'slack.yaml';
}
