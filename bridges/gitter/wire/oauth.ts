// The OAuth dance with a Gitter: where a browser is sent, and the token for the code that it brings back. Answers may be JSON or a form.

import { PermanentError } from '#bridge-core';
import { connectionFault, garbled, statusFault } from './faults.ts';

export interface OAuthApp {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export function authorizeUrl({ url, clientId }: OAuthApp, redirectUri: string, state: string): string {
  const query = new URLSearchParams({ response_type: 'code', client_id: clientId, redirect_uri: redirectUri, state });
  return `${url}/authorize?${query}`;
}

/** A code is good once. */
export async function tokenFor({ url, clientId, clientSecret }: OAuthApp, code: string, redirectUri: string): Promise<string> {
  const asked = { what: 'POST /login/oauth/token', isPost: true };
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(`${url}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({
        ...{ client_id: clientId, client_secret: clientSecret, code },
        ...{ redirect_uri: redirectUri, grant_type: 'authorization_code' },
      }),
      signal: AbortSignal.timeout(15_000),
    });
    // It may break off within.
    text = await answer.text();
  } catch (thrown) {
    throw connectionFault(asked, thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown);
  }
  if (!answer.ok) throw answer.status >= 500 ? statusFault(asked, answer.status, undefined, undefined) : refused();
  const token = tokenIn(text);
  if (token === undefined) throw garbled(asked);
  return token;
}

function refused(): PermanentError {
  return new PermanentError('NETWORK_REFUSED', 'Gitter does not take the code of this login: ask for a new link');
}

function tokenIn(text: string): string | undefined {
  try {
    const { access_token: token } = JSON.parse(text) as { access_token?: unknown };
    return typeof token === 'string' && token !== '' ? token : undefined;
  } catch {
    return new URLSearchParams(text).get('access_token') ?? undefined;
  }
}
