// What a server offers and has acknowledged. One object for all connections that agreed on the same, like Isupport.

export interface Capabilities {
  readonly acknowledged: ReadonlySet<string>;
  /** Name → value, '' where it has none. */
  readonly offered: ReadonlyMap<string, string>;
}

const shared = new Map<string, Capabilities>();

export const noCapabilities: Capabilities = { acknowledged: new Set(), offered: new Map() };

export function shareCapabilities(acknowledged: Iterable<string>, offered: Iterable<readonly [string, string]>): Capabilities {
  const made = { acknowledged: new Set([...acknowledged].sort()), offered: new Map([...offered].sort()) };
  const key = JSON.stringify([[...made.acknowledged], [...made.offered]]);
  const known = shared.get(key);
  if (known !== undefined) return known;
  if (shared.size >= 32) shared.clear();
  shared.set(key, made);
  return made;
}

/** A list as CAP carries it: `-away-notify sasl=PLAIN,EXTERNAL`. Hostile lengths are cut. */
export function readCapabilities(list: string): { name: string; value: string; isOff: boolean }[] {
  const found: { name: string; value: string; isOff: boolean }[] = [];
  for (const word of list.slice(0, 8192).split(' ')) {
    // `~` and `=` before a name are from the time before CAP 302.
    const parts = /^(-?)[~=]?([^=]+)(?:=(.*))?$/.exec(word);
    if (parts?.[2] !== undefined) found.push({ name: parts[2], value: parts[3] ?? '', isOff: parts[1] === '-' });
  }
  return found;
}

/** Names joined into as few REQ lists as fit one line each. */
export function packCapabilities(names: readonly string[], bytes = 400): string[] {
  const packs: string[] = [];
  let pack = '';
  for (const name of names) {
    if (pack !== '' && pack.length + 1 + name.length > bytes) {
      packs.push(pack);
      pack = '';
    }
    pack = pack === '' ? name : `${pack} ${name}`;
  }
  if (pack !== '') packs.push(pack);
  return packs;
}
