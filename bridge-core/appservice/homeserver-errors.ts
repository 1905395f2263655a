// What went wrong at the homeserver, as errors of the catalogue: for a failed connection, and for an answer that is not 2xx.
// For a send the question is always whether the event may have been made; for the rest only whether to try again.

import { BridgeError, messageOf, PermanentError, RetryableError, UnknownOutcomeError, UnreachableError } from '../errors.ts';
import { isRecord, stringIn } from '../matrix-event.ts';
import type { Kind } from './homeserver-gate.ts';

/** Longest wait that we let a homeserver impose: some limits name a day. */
export const longestAfter = 3_600_000;

/** A refusal that keeps what the homeserver said, for callers to whom one answer means something (404: there is none). */
export class Refusal extends PermanentError {
  readonly status: number;
  readonly errcode: string | undefined;
  constructor(code: 'FORBIDDEN_IN_ROOM' | 'EVENT_TOO_LARGE' | 'HOMESERVER_REFUSED', message: string, status: number, errcode?: string) {
    super(code, message);
    this.status = status;
    this.errcode = errcode;
  }
}

/** A person's own token is no longer taken; nothing is wrong with ours. */
export class TokenRefused extends PermanentError {
  constructor(what: string) {
    super('HOMESERVER_REFUSED', `${what}: the homeserver no longer takes this person's own access token`);
  }
}

export const isMissing = (thrown: unknown): boolean => thrown instanceof Refusal && thrown.status === 404;

export interface FailedAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

export function refusalFor(what: string, kind: Kind, { status, retryAfter, text }: FailedAnswer): BridgeError {
  const body = parsed(text);
  const errcode = stringIn(body, 'errcode');
  const said = `${what}: ${status} ${errcode ?? ''} ${stringIn(body, 'error') ?? text.slice(0, 200)}`.replace(/\s+/g, ' ').trim();
  if (status === 429 || errcode === 'M_LIMIT_EXCEEDED') {
    return new RetryableError('HOMESERVER_BUSY', said, { after: waitIn(body, retryAfter) });
  }
  if (status >= 500) {
    return kind === 'send' ? new UnknownOutcomeError(said) : new RetryableError('HOMESERVER_UNREACHABLE', said);
  }
  if (status === 413 || errcode === 'M_TOO_LARGE') return new Refusal('EVENT_TOO_LARGE', said, status, errcode);
  // Something in between answered (a proxy's own page): that says nothing of the request.
  if (errcode === undefined) return new RetryableError('HOMESERVER_UNREACHABLE', `${said} (not a homeserver's answer)`);
  if (errcode === 'M_UNKNOWN_TOKEN' || errcode === 'M_MISSING_TOKEN') return new UnreachableError('HOMESERVER_TOKEN', said);
  if (errcode === 'M_FORBIDDEN') return new Refusal('FORBIDDEN_IN_ROOM', said, status, errcode);
  return new Refusal('HOMESERVER_REFUSED', said, status, errcode);
}

const neverSentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_CLOSED',
]);

/** `begun`: the request had a connection, so some of it may have been written. */
export function failureFor(what: string, kind: Kind, cause: unknown, begun: boolean): BridgeError {
  if (cause instanceof BridgeError) return cause;
  const said = `${what}: ${messageOf(cause) || codeOf(cause)}`;
  if (!begun || neverSentCodes.has(codeOf(cause))) return new UnreachableError('HOMESERVER_UNREACHABLE', said, { cause });
  return kind === 'send' ? new UnknownOutcomeError(said, { cause }) : new RetryableError('HOMESERVER_UNREACHABLE', said, { cause });
}

function codeOf(thrown: unknown): string {
  return isRecord(thrown) && typeof thrown.code === 'string' ? thrown.code : '';
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return isRecord(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function waitIn(body: Record<string, unknown> | undefined, header: string | undefined): number {
  const fromBody = body?.retry_after_ms;
  if (typeof fromBody === 'number' && fromBody >= 0) return Math.min(fromBody, longestAfter);
  if (header === undefined) return 1000;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), longestAfter) : 1000;
}
