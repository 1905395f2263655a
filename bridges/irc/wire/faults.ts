// Why a connection ended or never came up, told from numerics, the text of ERROR and the errors of sockets and TLS.
// The only place in wire/ that looks at foreign texts.

import { type BridgeError, ConfigError, PermanentError, RetryableError, UnreachableError } from '#bridge-core';
import type { CloseFault } from './connection.ts';

export interface Ending {
  readonly fault: CloseFault;
  readonly error: BridgeError;
}

// Read in this order: "Closing Link (Throttled: banned for 60s)" is a throttle. "K-Lined", "kline", "AKILLed", "*LINE"…
const throttled =
  /throttl|too (?:fast|often)|too many|no more connections|server is full|excess flood|connection limit|session limit|recvq|clones/i;
const banned = /[kgzdxeq]-?lin(?:e|ed)\b|akill|autokill|\bbann?ed\b|not welcome|bad user info|dnsbl|blacklist|blocklist|unauthori[sz]ed/i;
const login =
  /(?:bad|wrong|invalid|incorrect) password|password (?:mismatch|incorrect|required)|sasl (?:access|auth|is required)|must (?:use|identify)/i;
const killed = /\bkill(?:ed)?\b|nick(?:name)? collision|ghost|overridden|regain/i;

/** The text of an ERROR, or of a NOTICE that came with it. */
export function endingOf(text: string, who: string): Ending {
  const said = `${who} closed the connection: ${text}`;
  if (throttled.test(text)) {
    return { fault: 'throttled', error: new RetryableError('NETWORK_BUSY', said, { after: 20_000 }) };
  }
  if (banned.test(text)) return { fault: 'banned', error: new PermanentError('NETWORK_BANNED', said) };
  if (login.test(text)) return { fault: 'login', error: new PermanentError('NETWORK_LOGIN', said) };
  if (killed.test(text)) return { fault: 'killed', error: new RetryableError('NETWORK_BUSY', said) };
  return { fault: 'network', error: new UnreachableError('NETWORK_UNREACHABLE', said) };
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
