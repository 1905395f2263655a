// Names as operators list them, with signs that stand for others; what is denied is denied whatever is allowed. Pure.

export interface AllowAndDeny {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** Of something with several names, each of which the lists may mean. */
export function isAllowed({ allow, deny }: AllowAndDeny, names: readonly string[]): boolean {
  const isMeant = (glob: string) => names.some((name) => fits(glob, name));
  return !deny.some(isMeant) && allow.some(isMeant);
}

/** `*` stands for anything, `?` for one sign; cases are the same. Goes back to the last star alone, so that no glob takes long. */
export function fits(glob: string, name: string): boolean {
  const [pattern, text] = [[...glob.toLowerCase()], [...name.toLowerCase()]];
  let [at, on, star, kept] = [0, 0, -1, 0];
  while (on < text.length) {
    if (pattern[at] === '*') {
      star = at;
      kept = on;
      at += 1;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[on])) {
      at += 1;
      on += 1;
    } else if (star >= 0) {
      kept += 1;
      at = star + 1;
      on = kept;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
