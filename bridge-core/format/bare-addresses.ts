// Web addresses as people write them in plain text: where they begin, and where they end before the sentence goes on.

const address = /(?<![\p{L}\p{N}])(?:https?|ftp|ircs?):\/\/[^\s<>"\x00-\x1f\x7f]+/giu;

/** Signs that end a sentence or a quotation rather than an address. */
const closing = new Set([...'.,;:!?\'"`*_~|…’”»›、。，！？；：）】」』']);

const pairs: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

export interface Found {
  readonly start: number;
  readonly end: number;
}

/** Every address in the text, in order. */
export function addressesIn(text: string): Found[] {
  if (!text.includes('://')) return [];
  const found: Found[] = [];
  for (const { 0: match, index } of text.matchAll(address)) {
    const length = lengthOf(match);
    if (length > match.indexOf('://') + 3) found.push({ start: index, end: index + length });
  }
  return found;
}

/** Without the signs after it; a bracket stays where its partner stands in the address. */
function lengthOf(match: string): number {
  let length = match.length;
  const unpaired = new Map<string, number>();
  for (const sign of match) {
    const opens = pairs[sign];
    if (opens !== undefined) unpaired.set(opens, (unpaired.get(opens) ?? 0) + 1);
    if (sign === '(' || sign === '[' || sign === '{') unpaired.set(sign, (unpaired.get(sign) ?? 0) - 1);
  }
  for (; length > 0; length -= 1) {
    const last = match.charAt(length - 1);
    const opens = pairs[last];
    if (opens !== undefined && (unpaired.get(opens) ?? 0) > 0) unpaired.set(opens, (unpaired.get(opens) ?? 0) - 1);
    else if (!closing.has(last)) break;
  }
  return length;
}
