// The ten calls of the old bridge's provisioning API and its errors, over the verbs of the door: integration managers that speak to that
// bridge speak to this one. What it answers and how it calls things is the old bridge's; who may what is the door's.

import { z } from 'zod';
import {
  type BridgeError,
  type ChannelId,
  DeniedError,
  PermanentError,
  type ProvisioningDialect,
  type ProvisioningLink,
  type ProvisioningRoute,
  type ProvisioningVerbs,
  remoteUserId,
  roomId,
} from '#bridge-core';
import { hookTeam } from './hooks.ts';
import { makeChannelId, parseId, webhookTeam } from './ids.ts';
import type { OAuth } from './oauth.ts';
import type { Team } from './team.ts';
import type { WebhookPairs } from './webhook-pairs.ts';

const room = z.string().regex(/^!\S+$/, 'a room’s id');
const text = z.string().min(1).max(500);

/** As the old bridge called how far a link is. */
const statusOf: Readonly<Record<ProvisioningLink['state'], string>> = {
  live: 'ready',
  pending: 'partial',
  asked: 'pending',
  suspended: 'partial',
};

export interface DialectParts {
  readonly verbs: ProvisioningVerbs;
  readonly oauth: Pick<OAuth, 'link'>;
  readonly teams: ReadonlyMap<string, Team>;
  readonly pairs: Pick<WebhookPairs, 'has' | 'address' | 'ask' | 'drop'>;
}

export function slackProvisioning({ verbs, oauth, teams, pairs }: DialectParts): ProvisioningDialect {
  /** What is called by an id of a workspace that the bridge is not in is no matter of the channel's. */
  const channelIn = (team: string, id: string): ChannelId => {
    const channel = makeChannelId(team, id);
    if (!teams.has(team) && !pairs.has(channel)) throw new PermanentError('NETWORK_UNKNOWN', `the bridge is not in the workspace ${team}`);
    return channel;
  };
  return {
    routes: [
      post('/getbotid', z.object({}), async () => {
        const { user, name, rooms, networks, requiresPublicRoom } = verbs.bot();
        return {
          bot_user_id: user,
          require_public_room: requiresPublicRoom,
          instance_name: name,
          room_limit: rooms ?? null,
          team_limit: networks ?? null,
        };
      }),
      post('/authurl', z.object({ puppeting: z.union([z.boolean(), z.enum(['true', 'false'])]).optional() }), async ({ user, input }) => {
        if (String(input.puppeting) === 'true') return { auth_uri: await verbs.loginUrl(user) };
        if (!verbs.isAdmin(user))
          throw new DeniedError('only the bridge’s admins bring it into a workspace; ask for a login with puppeting: true');
        const { networks } = verbs.bot();
        if (networks !== undefined && networks.current >= networks.quota)
          throw new PermanentError('LIMIT_REACHED', `the bridge serves ${networks.quota} workspaces already`);
        return { auth_uri: await oauth.link({ user, what: 'install' }) };
      }),
      post('/logout', z.object({ slack_id: text }), async ({ user, input }) => {
        const account = verbs.logins(user).find((each) => parseId(each.account).id === input.slack_id)?.account;
        await verbs.logout(user, account ?? remoteUserId(input.slack_id));
        return { logoutResult: { deleted: true, msg: 'logged out' } };
      }),
      post('/teams', z.object({}), async ({ user }) => {
        const accounts = new Map(verbs.logins(user).map(({ network, account }) => [network, parseId(account).id]));
        const known = verbs.networks(user).filter(({ id }) => teams.has(id));
        return { teams: known.map(({ id, name }) => ({ id, name, slack_id: accounts.get(id) ?? null })) };
      }),
      post('/accounts', z.object({}), async ({ user }) => {
        const all = verbs.logins(user);
        return {
          accounts: all.map(({ account, network, networkName, name }) => ({
            ...{
              matrixId: user,
              slackId: parseId(account).id,
              teamId: network,
              isLast: all.filter((each) => each.network === network).length === 1,
            },
            identity: { team: networkName, name: withoutTeam(name, networkName) },
          })),
        };
      }),
      post('/channels', z.object({ team_id: text }), async ({ user, input }) => {
        const known = teams.get(input.team_id)?.conversations;
        const channels = await verbs.channels(user, input.team_id);
        return {
          channels: channels.map(({ id: channel, name }) => {
            const { id } = parseId(channel);
            const { topic = '', purpose = '' } = known?.known(id) ?? {};
            return { id, name: name.replace(/^#/, ''), topic: { value: topic }, purpose: { value: purpose } };
          }),
        };
      }),
      post('/channelinfo', z.object({ team_id: text, channel_id: text }), async ({ user, input }) => {
        const { name, members } = await verbs.channel(user, channelIn(input.team_id, input.channel_id));
        return { name: name.replace(/^#/, ''), memberCount: members };
      }),
      post('/getlink', z.object({ matrix_room_id: room }), async ({ user, input }) => {
        // Webhooks of the room's own are none of the channels that this is about.
        const links = (await verbs.links(user, roomId(input.matrix_room_id))).filter(({ channel }) => parseId(channel).team !== hookTeam);
        const [link] = links.toSorted((one, other) => rank(one) - rank(other));
        if (link === undefined) throw new PermanentError('LINK_UNKNOWN', `nothing is linked to ${input.matrix_room_id}`);
        return shown(link, pairs);
      }),
      post('/link', linking, async ({ user, input }) => {
        const { matrix_room_id, channel_id, team_id, slack_webhook_uri = '' } = input;
        if (channel_id !== undefined && team_id !== undefined)
          return shown(await verbs.link(user, matrix_room_id, channelIn(team_id, channel_id)), pairs);
        const channel = await pairs.ask(slack_webhook_uri, user);
        try {
          // Told here alone: who has it may speak in the room.
          return { ...shown(await verbs.link(user, matrix_room_id, channel), pairs), inbound_uri: pairs.address(channel, true) ?? null };
        } catch (thrown) {
          await pairs.drop(channel);
          throw thrown;
        }
      }),
      post('/unlink', z.object({ matrix_room_id: room }), async ({ user, input }) => {
        const links = await verbs.links(user, roomId(input.matrix_room_id));
        await verbs.unlink(user, input.matrix_room_id);
        for (const { channel } of links) await pairs.drop(channel);
        return {};
      }),
    ],
    nameOf,
  };
}

/** A link that carries before one that does not. */
const rank = ({ state }: ProvisioningLink): number => ['live', 'pending', 'asked', 'suspended'].indexOf(state);

/** Where the address of an incoming webhook is given, neither channel nor team need be. */
const linking = z
  .object({
    matrix_room_id: room,
    channel_id: text.optional(),
    team_id: text.optional(),
    slack_webhook_uri: z.string().max(500).optional(),
  })
  .refine(({ channel_id, team_id, slack_webhook_uri }) => slack_webhook_uri || (channel_id !== undefined && team_id !== undefined), {
    message: 'channel_id and team_id, or slack_webhook_uri',
  });

/** As told to people, and the workspace may have another name since. */
function withoutTeam(name: string, team: string): string {
  if (name.endsWith(` on ${team}`)) return name.slice(0, -` on ${team}`.length);
  const at = name.lastIndexOf(' on ');
  return at < 0 ? name : name.slice(0, at);
}

/** Addresses of incoming webhooks are told to nobody: who has one may speak in the channel by it. What comes by the other half of a pair
 *  is proved by its token. */
function shown({ room: matrixRoom, channel, name, network, state }: ProvisioningLink, pairs: DialectParts['pairs']): object {
  const isWebhook = pairs.has(channel);
  return {
    ...{ matrix_room_id: matrixRoom, slack_channel_id: parseId(channel).id, slack_channel_name: name.replace(/^#/, '') },
    ...{ team_id: network === webhookTeam ? null : network, status: statusOf[state], isWebhook, slack_webhook_uri: null },
    inbound_uri: isWebhook ? (pairs.address(channel) ?? null) : null,
  };
}

function nameOf({ code }: BridgeError, path: string): { readonly status: number; readonly errcode: string } | undefined {
  switch (code) {
    case 'LOGIN_UNKNOWN':
      return { status: 404, errcode: 'SLACK_UNKNOWN_ACCOUNT' };
    case 'NETWORK_UNKNOWN':
      return { status: 404, errcode: 'SLACK_UNKNOWN_TEAM' };
    case 'CHANNEL_UNKNOWN':
      return { status: 404, errcode: 'SLACK_UNKNOWN_CHANNEL' };
    case 'LINK_UNKNOWN':
      return { status: 404, errcode: 'SLACK_UNKNOWN_LINK' };
    case 'ROOM_NOT_PUBLIC':
      return { status: 400, errcode: 'SLACK_ROOM_NOT_PUBLIC' };
    // The old bridge said 500, which nobody can tell from a fault.
    case 'LIMIT_REACHED':
      return { status: 403, errcode: 'SLACK_BRIDGE_AT_LIMIT' };
    case 'DENIED':
    case 'FORBIDDEN_IN_ROOM':
      return /link/.test(path) ? { status: 403, errcode: 'SLACK_NOT_ENOUGH_POWER' } : undefined;
    default:
      return undefined;
  }
}

function post<Input>(path: string, input: { parse(value: unknown): Input }, run: ProvisioningRoute<Input>['run']): ProvisioningRoute {
  return { method: 'POST', path, input, run } as ProvisioningRoute;
}
