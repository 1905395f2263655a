// What Slack refused, or what kept us from it, as errors of the catalogue. The one place that knows Slack's error words; no token
// and no address with a secret in it comes into an error's text.

import { type BridgeError, type ErrorCode, PermanentError, RetryableError, UnknownOutcomeError, UnreachableError } from '#bridge-core';

/** Slack said no. `word` is Slack's own (`already_reacted`), for who wants to tell one no from another. */
export class SlackRefusal extends PermanentError {
  readonly word: string;
  /** Of `missing_scope`: what the call needs, and what the token has. */
  readonly needed: readonly string[];
  readonly provided: readonly string[];

  constructor(code: ErrorCode, message: string, given: { word: string; needed?: readonly string[]; provided?: readonly string[] }) {
    super(code, message);
    this.word = given.word;
    this.needed = given.needed ?? [];
    this.provided = given.provided ?? [];
  }
}

/** Whether `thrown` is Slack's refusal, in one of these words where some are given. */
export function isRefusal(thrown: unknown, ...words: readonly string[]): thrown is SlackRefusal {
  return thrown instanceof SlackRefusal && (words.length === 0 || words.includes(thrown.word));
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

const login = words(
  'not_authed invalid_auth account_inactive token_revoked token_expired missing_scope not_allowed_token_type no_permission ' +
    'team_access_not_granted invalid_refresh_token bad_client_secret invalid_client_id user_is_bot two_factor_setup_required invalid_token',
);
const unknownChannel = words('channel_not_found invalid_channel no_service no_team no_active_hooks team_not_found');
const closedChannel = words(
  'not_in_channel is_archived channel_is_archived restricted_action restricted_action_read_only_channel ' +
    'restricted_action_thread_only_channel restricted_action_non_threadable_channel restricted_action_thread_locked ' +
    'action_prohibited posting_to_general_channel_denied is_inactive messages_tab_disabled ekm_access_denied ' +
    'channel_is_limited_access method_not_supported_for_channel_type cant_invite cant_kick_from_general',
);
const passing = words('service_unavailable team_added_to_org org_login_required request_timeout migration_in_progress connection_failed');
/** "It is possible that some aspect of the operation succeeded before the error was raised." */
const halfway = words('internal_error fatal_error rollup_error');

/** `isPost`: done twice, it would be there twice. */
export interface Asked {
  readonly what: string;
  readonly isPost: boolean;
}

/** `details`: the answer in which Slack said so. */
export function refusalFor(asked: Asked, word: string, details: Readonly<Record<string, unknown>> = {}): BridgeError {
  const said = `${asked.what}: Slack says ${word}`;
  if (word === 'ratelimited' || word === 'rate_limited') return new RetryableError('NETWORK_BUSY', said, { after: defaultWait });
  if (halfway.has(word)) return uncertain(asked, said);
  if (passing.has(word)) return new RetryableError('NETWORK_UNREACHABLE', said);
  const needed = scopesOf(details.needed);
  const provided = scopesOf(details.provided);
  const lack = needed.length === 0 ? '' : `, needed: ${needed.join(', ')}; the token has: ${provided.join(', ') || 'none'}`;
  return new SlackRefusal(codeOf(word), said + lack, { word, needed, provided });
}

/** A status that is no answer. */
export function statusFault(asked: Asked, status: number): BridgeError {
  const said = `${asked.what}: HTTP status ${status}`;
  if (status >= 500) return uncertain(asked, said);
  if (status === 408) return new RetryableError('NETWORK_UNREACHABLE', said);
  return new SlackRefusal('NETWORK_REFUSED', said, { word: `http_${status}` });
}

/** An error of the connection. */
export function connectionFault(asked: Asked, thrown: unknown): BridgeError {
  const { code = '', syscall = '', message = String(thrown) } = (thrown ?? {}) as { code?: string; syscall?: string; message?: string };
  const said = `${asked.what}: ${code === '' ? message : code}`;
  if (trustCodes.test(code)) return new UnreachableError('NETWORK_TLS', said, { cause: thrown });
  if (syscall === 'connect' || code === 'UND_ERR_CONNECT_TIMEOUT' || neverSent.has(code) || isAllRefused(thrown)) {
    return new UnreachableError('NETWORK_UNREACHABLE', said, { cause: thrown });
  }
  return uncertain(asked, said, thrown);
}

/** Half an answer, or one that is no answer of Slack's. */
export function garbled(asked: Asked, cause?: unknown): BridgeError {
  return uncertain(asked, `${asked.what}: the answer is not to be understood`, cause);
}

export function limited(asked: Asked, after: number): RetryableError {
  return new RetryableError('NETWORK_BUSY', `${asked.what}: Slack asks to wait`, { after });
}

/** ms, where Slack does not say how long. */
export const defaultWait = 30_000;

const neverSent = words('ECONNREFUSED ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH ENETDOWN EADDRNOTAVAIL');
const trustCodes =
  /^(?:CERT_|ERR_TLS_CERT|ERR_SSL|ERR_OSSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY|DECRYPT|DECODE)|HOSTNAME_MISMATCH|EPROTO)/;

function uncertain({ isPost }: Asked, said: string, cause?: unknown): BridgeError {
  return isPost ? new UnknownOutcomeError(said, { cause }) : new RetryableError('NETWORK_UNREACHABLE', said, { cause });
}

/** Of several addresses of one name. */
function isAllRefused(thrown: unknown): boolean {
  const each = thrown instanceof AggregateError ? (thrown.errors as { syscall?: string }[]) : [];
  return each.length > 0 && each.every(({ syscall }) => syscall === 'connect');
}

function codeOf(word: string): ErrorCode {
  if (login.has(word)) return 'NETWORK_LOGIN';
  if (unknownChannel.has(word)) return 'CHANNEL_UNKNOWN';
  if (closedChannel.has(word)) return 'CHANNEL_CLOSED';
  return 'NETWORK_REFUSED';
}

function scopesOf(value: unknown): string[] {
  if (typeof value !== 'string') return [];
  return value.split(/[\s,]+/).filter((scope) => scope !== '');
}
