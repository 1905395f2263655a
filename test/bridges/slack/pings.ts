// Who would be called by a body that goes to Slack: by its blocks, and by its text.

import type { SlackBody } from '../../../bridges/slack/body.ts';

/** `U1`, `everyone`, `S1`: once for blocks and text together. */
export function pingsIn({ text, blocks = [] }: SlackBody): string[] {
  const found = new Set<string>();
  for (const [, id] of text.matchAll(/<@([^>|]*)[^>]*>/g)) found.add(id ?? '');
  for (const [, word] of text.matchAll(/<!([^>|]*)[^>]*>/g))
    found.add(/^(?:here|channel|everyone|group)$/.test(word ?? '') ? 'everyone' : (word ?? ''));
  // Mattermost, which takes these texts too, reads the bare word.
  if (/@(?:channel|here|everyone|all|group)(?![\p{L}\p{N}])/iu.test(text.replace(/<https?:[^<>|]*/g, ''))) found.add('everyone');
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) walk(each);
    if (typeof value !== 'object' || value === null) return;
    const { type, user_id, usergroup_id } = value as Record<string, unknown>;
    if (type === 'user') found.add(String(user_id));
    if (type === 'usergroup') found.add(String(usergroup_id));
    if (type === 'broadcast') found.add('everyone');
    if (type === 'mrkdwn' || type === 'markdown') found.add('unescaped');
    for (const each of Object.values(value)) walk(each);
  };
  walk(blocks);
  return [...found];
}
