// What Gitter refused, or what kept us from it, as errors of the catalogue. No token comes into an error's text.

import { type BridgeError, type ErrorCode, PermanentError, RetryableError, UnknownOutcomeError, UnreachableError } from '#bridge-core';

/** Gitter said no. `status` for who wants to tell one no from another. */
export class GitterRefusal extends PermanentError {
  readonly status: number;

  constructor(code: ErrorCode, message: string, status: number) {
    super(code, message);
    this.status = status;
  }
}

/** Whether `thrown` is Gitter's refusal, with one of these statuses where some are given. */
export function isRefusal(thrown: unknown, ...statuses: readonly number[]): thrown is GitterRefusal {
  return thrown instanceof GitterRefusal && (statuses.length === 0 || statuses.includes(thrown.status));
}

/** `isPost`: done twice, it would be there twice. */
export interface Asked {
  readonly what: string;
  readonly isPost: boolean;
}

/** ms, where a 429 does not say. */
const defaultWait = 5_000;

const codes: Readonly<Record<number, ErrorCode>> = {
  401: 'NETWORK_LOGIN',
  403: 'CHANNEL_CLOSED',
  404: 'CHANNEL_UNKNOWN',
};

export function statusFault(asked: Asked, status: number, words: string | undefined, reset: number | undefined): BridgeError {
  const said = `${asked.what}: Gitter answers ${status}${words === undefined ? '' : ` (${words.slice(0, 200)})`}`;
  if (status === 429) return new RetryableError('NETWORK_BUSY', said, { after: reset ?? defaultWait });
  if (status >= 500) return uncertain(asked, said);
  if (status === 408) return new RetryableError('NETWORK_UNREACHABLE', said);
  return new GitterRefusal(codes[status] ?? 'NETWORK_REFUSED', said, status);
}

const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_DESTROYED',
]);
const untrusted = /^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS)/;

/** An error of the connection. */
export function connectionFault(asked: Asked, thrown: unknown): BridgeError {
  const { code = '', syscall = '', message = String(thrown) } = (thrown ?? {}) as { code?: string; syscall?: string; message?: string };
  const said = `${asked.what}: ${code === '' ? message : code}`;
  if (untrusted.test(code)) return new UnreachableError('NETWORK_TLS', said, { cause: thrown });
  if (syscall === 'connect' || neverSent.has(code)) return new UnreachableError('NETWORK_UNREACHABLE', said, { cause: thrown });
  return uncertain(asked, said, thrown);
}

/** Half an answer, or one that is none of Gitter's. */
export function garbled(asked: Asked, cause?: unknown): BridgeError {
  return uncertain(asked, `${asked.what}: the answer is no answer of Gitter's`, cause);
}

function uncertain({ isPost }: Asked, said: string, cause?: unknown): BridgeError {
  if (isPost) return new UnknownOutcomeError(said, { cause });
  return new UnreachableError('NETWORK_UNREACHABLE', said, { cause });
}
