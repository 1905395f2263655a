// Channels' names as people write them, and as Slack takes them: small letters, digits, dashes, 80 at most.

const longest = 80;

/** A room's name as a channel's: `Node & Co` → `node-co`. */
export function channelName(words: string): string {
  const name = words
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_]+/gu, '-')
    .replace(/^-+|-+$/g, '');
  return [...name].slice(0, longest).join('').replace(/-+$/, '') || 'channel';
}

export type Query =
  /** A channel's id, and its team where that was said. */
  | { readonly by: 'id'; readonly team: string | undefined; readonly id: string }
  | { readonly by: 'name'; readonly team: string | undefined; readonly name: string };

/** `C0001`, `T0001/C0001`, `#general`, `T0001 #general`, `acme #general`, an address as Slack's clients copy it. */
export function readQuery(text: string): Query | undefined {
  const query = text.trim();
  if (query.length > 300) return undefined;
  const address = /^https?:\/\/([^/\s]+)\/(?:archives|messages)\/([CGD][A-Z0-9]+)(?:[/?#]\S*)?$/.exec(query);
  if (address !== null) return { by: 'id', team: address[1], id: address[2] ?? '' };
  const inApp = /^https?:\/\/app\.[^/\s]+\/client\/([TE][A-Z0-9]+)\/([CGD][A-Z0-9]+)(?:[/?#]\S*)?$/.exec(query);
  if (inApp !== null) return { by: 'id', team: inApp[1], id: inApp[2] ?? '' };
  const parts = /^(?:([^\s/#]+)(?:\s+|\/))?(#?)([^\s/#]+)$/u.exec(query);
  if (parts === null) return undefined;
  const [, team, sign, word = ''] = parts;
  if (sign === '' && /^[CGD][A-Z0-9]{2,}$/.test(word)) return { by: 'id', team, id: word };
  if (sign === '' && team === undefined) return undefined;
  return /^[\p{L}\p{N}_-]{1,80}$/u.test(word) ? { by: 'name', team, name: word.toLowerCase() } : undefined;
}
