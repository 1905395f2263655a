// What a token may do. Modern scopes are exact (docs.slack.dev/reference/scopes). Unverified, from memory of classic apps: the
// umbrella scopes `bot` and `client` allow whatever their user may, and a few scopes had other names.

import type { Token } from './model.ts';

const oldNames: Readonly<Record<string, readonly string[]>> = {
  'chat:write': ['chat:write:bot', 'chat:write:user'],
  'chat:write.customize': ['chat:write:bot', 'bot'],
  'files:write': ['files:write:user'],
  'channels:join': ['channels:write'],
};

export function grants(token: Token, scope: string): boolean {
  if (token.scopes.has(scope)) return true;
  if (!token.app.isClassic) return false;
  if (token.scopes.has('bot') || token.scopes.has('client')) return true;
  return (oldNames[scope] ?? []).some((old) => token.scopes.has(old));
}

export function grantsAny(token: Token, scopes: readonly string[]): boolean {
  return scopes.length === 0 || scopes.some((scope) => grants(token, scope));
}
