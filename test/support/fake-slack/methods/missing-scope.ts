// The refusal that names what is lacking: `needed` and `provided`, as docs.slack.dev/apis/web-api#errors has them.

import type { Token } from '../model.ts';
import { SlackFault } from '../world.ts';

export function missingScope(token: Token, needed: readonly string[]): SlackFault {
  return new SlackFault('missing_scope', { needed: needed.join(','), provided: [...token.scopes].join(',') });
}
