// Why a connection ended or never came up, told from numerics, the text of ERROR and the errors of sockets and TLS.
// The only place in wire/ that looks at foreign texts.

import { type BridgeError, ConfigError, PermanentError, RetryableError, UnreachableError } from '#bridge-core';
import type { CloseFault } from './connection.ts';

export interface Ending {
  readonly fault: CloseFault;
  readonly error: BridgeError;
}

// Tried in this order: the reason of a kill is free text, and "Throttled: banned for 60 s" is a throttle.
const reasons: readonly (readonly [CloseFault, RegExp])[] = [
  ['banned', /\ba(?:uto)?kill(?:ed)?\b/i],
  ['killed', /\bkilled\b|nick(?:name)? (?:collision|regained)|\bghost(?:ed)?\b|overridden/i],
  ['throttled', /throttl|too (?:fast|often)|too many|no more connections|\bfull\b|flood|(?:connection|session) limit|recvq|\bclones\b/i],
  ['login', /(?:bad|wrong|invalid|incorrect) password|password (?:mismatch|incorrect|required)|\bsasl\b|must (?:identify|log ?in)/i],
  ['banned', /\b[kgzdxeq][-: ]?line[ds]?\b|\bban(?:ned)?\b|not welcome|bad user info|dnsbl|(?:black|block)list|(?:un|not )authori[sz]ed/i],
];

/** The text of an ERROR. */
export function endingOf(text: string, who: string): Ending {
  const said = `${who} closed the connection: ${text}`;
  const fault = reasons.find(([, pattern]) => pattern.test(text))?.[0];
  switch (fault) {
    case 'banned':
      return { fault, error: new PermanentError('NETWORK_BANNED', said) };
    case 'killed':
      return { fault, error: new RetryableError('NETWORK_BUSY', said) };
    case 'throttled':
      return { fault, error: new RetryableError('NETWORK_BUSY', said, { after: 20_000 }) };
    case 'login':
      return { fault, error: new PermanentError('NETWORK_LOGIN', said) };
    default:
      return { fault: 'network', error: new UnreachableError('NETWORK_UNREACHABLE', said) };
  }
}

export function bannedEnding(text: string, who: string): Ending {
  return { fault: 'banned', error: new PermanentError('NETWORK_BANNED', `${who} has banned us: ${text}`) };
}

export function loginEnding(text: string, who: string): Ending {
  return { fault: 'login', error: new PermanentError('NETWORK_LOGIN', `${who} refuses the credentials: ${text}`) };
}

export function killedEnding(text: string, who: string): Ending {
  return { fault: 'killed', error: new RetryableError('NETWORK_BUSY', `killed on ${who}: ${text}`) };
}

export function lostEnding(what: string, who: string, cause?: unknown): Ending {
  return { fault: 'network', error: new UnreachableError('NETWORK_UNREACHABLE', `${who}: ${what}`, { cause }) };
}

const trustCodes =
  /^(?:CERT_|ERR_TLS_CERT|ERR_SSL|ERR_OSSL|ERR_CRYPTO|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY|DECRYPT|DECODE)|HOSTNAME_MISMATCH|INVALID_|EPROTO)/;

/** An error that a socket or tls.connect gave. */
export function socketEnding(thrown: unknown, who: string): Ending {
  const { code = '', message = String(thrown) } = (thrown ?? {}) as { code?: string; message?: string };
  if (trustCodes.test(code)) {
    const hint = /WRONG_VERSION|PACKET_LENGTH|UNEXPECTED_MESSAGE|HTTP_REQUEST/.test(code) ? ' (does this port speak TLS?)' : '';
    return { fault: 'network', error: new ConfigError('NETWORK_TLS', `${who}: ${message}${hint}`, thrown) };
  }
  // An aggregate of one failure for each address has an empty message.
  const first = (thrown as { errors?: readonly { message?: string }[] } | undefined)?.errors?.[0]?.message;
  return lostEnding(message || first || code || 'the connection failed', who, thrown);
}
