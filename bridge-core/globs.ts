// Names as operators list them, with signs that stand for others. Pure.

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
