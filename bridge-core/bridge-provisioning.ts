// The provisioning door of a bridge: its verbs over control's parts, the network's own calls, and how people prove who they
// are. Builds and wires it; decides nothing.

import type { Adapter } from './adapter.ts';
import type { Logger } from './adapter-tools.ts';
import type { ProvisioningDoor } from './appservice/listener-provisioning.ts';
import { openIdCheck } from './appservice/open-id.ts';
import { openProvisioning } from './control/provisioning.ts';
import { neutralRoutes } from './control/provisioning-routes.ts';
import { provisioningVerbs, type VerbParts } from './control/provisioning-verbs.ts';
import { WebSessions } from './control/web-sessions.ts';
import type { Json } from './remote-event.ts';
import type { CoreSettings } from './settings.ts';
import type { Store } from './store/store.ts';

export interface ProvisioningOptions<Body extends Json> extends Omit<VerbParts<Body>, 'adapter'> {
  readonly settings: CoreSettings;
  readonly hsToken: string;
  readonly adapter: Adapter<Body>;
  readonly store: Store;
  readonly log: Logger;
}

export function buildProvisioning<Body extends Json>(options: ProvisioningOptions<Body>): ProvisioningDoor | undefined {
  const { settings, hsToken, adapter, store, permissions, homeserver, log } = options;
  const { provisioning } = settings;
  if (!provisioning.enabled) return undefined;
  const verbs = provisioningVerbs<Body>(options);
  const { domain } = settings.homeserver;
  return openProvisioning({
    ...{ settings: provisioning, hsToken, bot: homeserver.bot, permissions, log },
    sessions: new WebSessions({ store }),
    openId: openIdCheck({ homeserver: settings.homeserver, servers: provisioning.openIdServers }),
    routes: neutralRoutes(verbs),
    isOwnServer: (server) => server === domain || Object.hasOwn(provisioning.openIdServers, server),
    dialect: adapter.provisioning?.(verbs),
  });
}
