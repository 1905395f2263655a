// Whether a request comes from Slack: HMAC-SHA256 over version, timestamp and the raw body, as
// docs.slack.dev/authentication/verifying-requests-from-slack has it. Several secrets at once while one is replaced, or of several apps.

import { createHmac, timingSafeEqual } from 'node:crypto';

export interface SignedRequest {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** As it came, before anything was made of it. */
  readonly body: Buffer;
}

export interface SigningApp {
  /** What the receiver calls the app. */
  readonly via: string;
  /** The one in use, and the one before while it is replaced. */
  readonly secrets: readonly string[];
}

export type Verdict = { readonly by: string } | { readonly refused: 'unsigned' | 'too old' | 'forged' };

/** Seconds that Slack's clock may differ from ours; an older request may be one that somebody kept. */
const window = 300;
const version = 'v0';

/** `now` in ms. All secrets are tried, whichever fits. */
export function verify({ headers, body }: SignedRequest, apps: readonly SigningApp[], now = Date.now()): Verdict {
  const timestamp = headers['x-slack-request-timestamp'] ?? '';
  const signature = headers['x-slack-signature'] ?? '';
  if (!/^\d{1,12}$/.test(timestamp) || signature === '') return { refused: 'unsigned' };
  if (Math.abs(now / 1000 - Number(timestamp)) > window) return { refused: 'too old' };
  const given = Buffer.from(signature);
  let by: string | undefined;
  for (const { via, secrets } of apps) {
    for (const secret of secrets) if (isEqual(given, signatureOf(secret, timestamp, body))) by ??= via;
  }
  return by === undefined ? { refused: 'forged' } : { by };
}

/** An empty secret signs nothing. */
function signatureOf(secret: string, timestamp: string, body: Buffer): Buffer {
  if (secret === '') return Buffer.alloc(0);
  const hmac = createHmac('sha256', secret).update(`${version}:${timestamp}:`).update(body);
  return Buffer.from(`${version}=${hmac.digest('hex')}`);
}

/** Of a word that only the sender knows; in a time that tells nothing of where they differ. */
export function isSameSecret(given: string, known: string): boolean {
  const key = 'compared as digests, so that their lengths do not matter';
  const digest = (text: string) => createHmac('sha256', key).update(text).digest();
  return known !== '' && timingSafeEqual(digest(given), digest(known));
}

function isEqual(given: Buffer, made: Buffer): boolean {
  return given.length === made.length && timingSafeEqual(given, made);
}
