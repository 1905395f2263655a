// What an m.room.bridging event says, and which channel its key names, however it is spelled. Decides nothing.

import type { Channels } from '../adapter.ts';
import type { Channel } from '../channel.ts';
import { type UserId, userId } from '../ids.ts';
import { type Content, type MatrixEvent, stringIn } from '../matrix-event.ts';
import { stateOf } from './power.ts';

export const claimType = 'm.room.bridging';
/** Stands in a claim that we put back for another bridge: the event is ours, the claim is theirs. */
const holderField = 'dev.causeway.holder';

export interface Claim {
  readonly key: string;
  /** The bridge that holds it. */
  readonly holder: UserId;
  readonly requester: string | undefined;
  readonly status: 'pending' | 'success' | 'failure' | 'other';
  readonly event: MatrixEvent;
}

export function claimIn(event: MatrixEvent): Claim {
  const holder = stringIn(event.content, holderField);
  return {
    key: event.stateKey ?? '',
    holder: holder?.startsWith('@') ? userId(holder) : event.sender,
    requester: stringIn(event.content, 'user_id') ?? stringIn(event.content, 'bridger'),
    status: statusIn(event.content),
    event,
  };
}

function statusIn(content: Content): Claim['status'] {
  // People clear a dead claim by hand, and all that they can write is nothing.
  if (Object.keys(content).length === 0) return 'failure';
  const status = content.status;
  return status === 'pending' || status === 'success' || status === 'failure' ? status : 'other';
}

export const isHeld = (claim: Claim): boolean => claim.status !== 'failure';

/** A bridge that left cannot give its claim back. */
export function isStale(claim: Claim, state: readonly MatrixEvent[]): boolean {
  return stringIn(stateOf(state, 'm.room.member', claim.holder)?.content, 'membership') !== 'join';
}

export function claimsIn(state: readonly MatrixEvent[]): Claim[] {
  return state.filter((event) => event.type === claimType && event.stateKey !== undefined).map(claimIn);
}

export function claimContent(requester: UserId, status: 'pending' | 'success' | 'failure'): Content {
  return { user_id: requester, status };
}

export function restored(content: Content, holder: UserId | undefined): Content {
  return holder === undefined ? content : { ...content, [holderField]: holder };
}

/** The key under which we claim: the network's domain and the channel as its id has it, which is case-folded. */
export function keyFor(protocol: string, channel: Channel): string {
  return `${protocol}://${channel.network.domain.toLowerCase()}/${channel.id.slice(channel.id.indexOf('/') + 1)}`;
}

/** Does the key name this channel? Other cases, other names of the network, a port, escapes: all spell the same. */
export async function names(key: string, channel: Channel, given: { protocol: string; resolve: Channels['resolve'] }): Promise<boolean> {
  if (key === keyFor(given.protocol, channel)) return true;
  const parts = /^([a-z][a-z0-9+.-]*):\/{0,2}([^/]*)\/(.+)$/i.exec(key);
  if (parts === null) return false;
  const [, protocol = '', host = '', path = ''] = parts;
  if (![given.protocol, `${given.protocol}s`].includes(protocol.toLowerCase())) return false;
  const domain = host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  const domains = [channel.network.domain, ...channel.network.aliases].map((name) => name.toLowerCase());
  if (!domains.includes(domain)) return false;
  for (const spelling of new Set([path, unescaped(path)])) {
    if ((await given.resolve(`${channel.network.id}/${spelling}`))?.id === channel.id) return true;
  }
  return false;
}

function unescaped(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
