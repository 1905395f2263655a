// The addresses that Slack itself calls: events, commands and buttons. One door behind all three, which checks the signature over the
// bytes as they came; so it does not matter which address an operator gave to which.

import type { Web, WebAnswer, WebRequest } from '#bridge-core';
import type { Hearing } from './hearing.ts';

export function openRoutes(web: Web, hearing: Hearing): void {
  const take = async ({ headers, body }: WebRequest): Promise<WebAnswer> => await hearing.request({ headers, body });
  for (const path of ['/events', '/commands', '/interactive']) web.route('POST', path, take, { isUnlimited: true });
}
