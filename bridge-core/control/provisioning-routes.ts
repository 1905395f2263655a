// The door's own calls, the same for every network; an adapter's dialect stands before them.

import { z } from 'zod';
import { remoteUserId, roomId } from '../ids.ts';
import type { ProvisioningRoute, ProvisioningVerbs } from '../provisioning.ts';

const room = z.string().regex(/^[!#]\S+$/, 'a room’s id or alias');
const roomById = z.string().regex(/^!\S+$/, 'a room’s id');
const text = z.string().min(1).max(500);

export function neutralRoutes(verbs: ProvisioningVerbs): readonly ProvisioningRoute[] {
  return [
    route('GET', '/bot', z.object({}), async () => verbs.bot(), { isForNobody: true }),
    route('GET', '/logins', z.object({}), async ({ user }) => ({ logins: verbs.logins(user) })),
    route('POST', '/login', z.object({ flow: text.optional() }), async ({ user, input }) => ({
      url: await verbs.loginUrl(user, input.flow),
    })),
    route('POST', '/logout', z.object({ account: text }), async ({ user, input }) => {
      await verbs.logout(user, remoteUserId(input.account));
      return {};
    }),
    route('GET', '/networks', z.object({}), async ({ user }) => ({ networks: verbs.networks(user) })),
    route('GET', '/channels', z.object({ network: text }), async ({ user, input }) => ({
      channels: await verbs.channels(user, input.network),
    })),
    route('GET', '/channel', z.object({ channel: text }), ({ user, input }) => verbs.channel(user, input.channel)),
    route('GET', '/links/:room', z.object({ room: roomById }), async ({ user, input }) => ({
      links: await verbs.links(user, roomId(input.room)),
    })),
    route('POST', '/link', z.object({ room, channel: text }), ({ user, input }) => verbs.link(user, input.room, input.channel)),
    route('POST', '/unlink', z.object({ room, channel: text.optional() }), async ({ user, input }) => {
      await verbs.unlink(user, input.room, input.channel);
      return {};
    }),
  ];
}

function route<Input>(
  method: ProvisioningRoute['method'],
  path: string,
  input: { parse(value: unknown): Input },
  run: ProvisioningRoute<Input>['run'],
  more: Pick<ProvisioningRoute, 'isForNobody'> = {},
): ProvisioningRoute {
  return { method, path, input, run, ...more } as ProvisioningRoute;
}
