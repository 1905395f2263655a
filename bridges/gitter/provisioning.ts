// The calls that integration managers made to the Gitter bridge that was there before: getbotid, getlink, link and unlink, by the names of
// rooms. Everything else is the door's own.

import { z } from 'zod';
import { type BridgeError, PermanentError, type ProvisioningDialect, type ProvisioningRoute, type ProvisioningVerbs } from '#bridge-core';

const room = z.looseObject({ matrix_room_id: z.string().min(1) });
const link = z.looseObject({ matrix_room_id: z.string().min(1), remote_room_name: z.string().min(1) });

const route = <Input>(given: ProvisioningRoute<Input>): ProvisioningRoute => given as ProvisioningRoute;

export function oldCalls(verbs: ProvisioningVerbs): ProvisioningDialect {
  return {
    routes: [
      route({ method: 'POST', path: '/getbotid', isForNobody: true, run: async () => ({ bot_user_id: verbs.bot().user }) }),
      route({
        ...{ method: 'POST', path: '/getlink', input: room, isForNobody: true },
        async run({ user, input }) {
          const [first] = await verbs.links(user, input.matrix_room_id as never);
          if (first === undefined) throw new PermanentError('LINK_UNKNOWN', 'this room is not linked');
          return { matrix_room_id: first.room, remote_room_name: first.name };
        },
      }),
      route({
        ...{ method: 'POST', path: '/link', input: link },
        async run({ user, input }) {
          await verbs.link(user, input.matrix_room_id, input.remote_room_name);
          return {};
        },
      }),
      route({
        ...{ method: 'POST', path: '/unlink', input: link },
        async run({ user, input }) {
          await verbs.unlink(user, input.matrix_room_id as never, input.remote_room_name);
          return {};
        },
      }),
    ],
    nameOf: (thrown: BridgeError) =>
      thrown.code === 'DENIED' || thrown.code === 'FORBIDDEN_IN_ROOM'
        ? { status: 403, errcode: 'M_FORBIDDEN' }
        : thrown.code === 'LINK_UNKNOWN' || thrown.code === 'CHANNEL_UNKNOWN'
          ? { status: 404, errcode: 'M_NOT_FOUND' }
          : undefined,
  };
}
