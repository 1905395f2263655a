// CAP: what is offered, asked for, acknowledged, withdrawn; the same before and after registration. Writes REQ, and says when
// nothing is outstanding; leaves SASL and the end of negotiation to the handshake.

import { type Capabilities, noCapabilities, packCapabilities, readCapabilities, shareCapabilities } from './capabilities.ts';
import type { ConnectionSettings, IrcLine, OutLine } from './connection.ts';

/** A server that offers more than this talks nonsense. */
const maxOffered = 500;

export interface Negotiation {
  readonly capabilities: Capabilities;
  /** REQ packs not answered yet. */
  readonly requested: number;
  /** The last line of LS came. */
  readonly isListed: boolean;
}

export const unnegotiated: Negotiation = { capabilities: noCapabilities, requested: 0, isListed: false };

/** One CAP line from the server; `wanted` is asked for where it is offered. Returns the new state. */
export function negotiate(state: Negotiation, line: IrcLine, wanted: readonly string[], write: (line: OutLine) => void): Negotiation {
  const [, verb = '', ...rest] = line.params;
  const list = readCapabilities(rest.at(-1) ?? '');
  const offered = new Map(state.capabilities.offered);
  const acknowledged = new Set(state.capabilities.acknowledged);
  let { requested, isListed } = state;

  const request = (names: readonly string[]) => {
    for (const pack of packCapabilities(names)) {
      write({ command: 'CAP', params: ['REQ', pack] });
      requested++;
    }
  };

  switch (verb.toUpperCase()) {
    case 'LS':
    case 'NEW': {
      for (const { name, value } of list) if (offered.size < maxOffered) offered.set(name, value);
      if (verb.toUpperCase() === 'NEW') {
        request(wanted.filter((name) => !acknowledged.has(name) && list.some((each) => each.name === name)));
      } else if (rest.length < 2 || rest[0] !== '*') {
        // All lines of LS are in: a `*` before the list announces another.
        if (!isListed) request(wanted.filter((name) => offered.has(name)));
        isListed = true;
      }
      break;
    }
    case 'ACK':
      requested = Math.max(0, requested - 1);
      for (const { name, isOff } of list) {
        if (isOff) acknowledged.delete(name);
        else if (wanted.includes(name)) acknowledged.add(name);
      }
      break;
    case 'NAK':
      // A pack is refused as a whole for the sake of one in it: ask for each alone.
      requested = Math.max(0, requested - 1);
      if (list.length > 1) for (const { name } of list) request([name]);
      break;
    case 'DEL':
      for (const { name } of list) {
        offered.delete(name);
        acknowledged.delete(name);
      }
      break;
  }
  return { capabilities: shareCapabilities(acknowledged, offered), requested, isListed };
}

/** What to ask for: SASL only, and always, where there is something to log in with. */
export function wantedOf(settings: ConnectionSettings): string[] {
  const others = settings.capabilities.filter((name) => name !== 'sasl');
  return settings.sasl === undefined ? others : [...others, 'sasl'];
}
