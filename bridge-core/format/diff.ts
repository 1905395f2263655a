// An edit told in one short line, for networks on which a message cannot be changed.

/** In a text shorter than this the whole is read faster than the change. */
const shortest = 20;

/** Words on either side of the change; more of them are no small change. */
const mostWords = 4;

/** `s/old/new/` where one small change of words tells all, is shorter, and means one place alone; else `* ` and the text. */
export function editAsText(before: string, after: string): string {
  const whole = `* ${after}`;
  if (before.length < shortest || before === after) return whole;
  const was = before.split(' ');
  const is = after.split(' ');
  let head = 0;
  while (head < was.length && head < is.length && was[head] === is[head]) head += 1;
  let tail = 0;
  const most = Math.min(was.length, is.length) - head;
  while (tail < most && was.at(-1 - tail) === is.at(-1 - tail)) tail += 1;
  // A word beside the change makes the place plain: tried where the change alone is found twice, or adds or drops words.
  for (const [left, right] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const) {
    if (left > head || right > tail) continue;
    const old = was.slice(head - left, was.length - tail + right);
    const put = is.slice(head - left, is.length - tail + right);
    if (old.length > mostWords || put.length > mostWords) continue;
    const short = asSubstitution(before, after, old.join(' '), put.join(' '));
    if (short !== undefined && short.length < whole.length - 2) return short;
  }
  return whole;
}

function asSubstitution(before: string, after: string, old: string, put: string): string | undefined {
  if (old.trim() === '' || put.trim() === '' || /[/\n]/.test(old + put)) return undefined;
  const at = before.indexOf(old);
  if (before.indexOf(old, at + 1) !== -1) return undefined;
  return before.slice(0, at) + put + before.slice(at + old.length) === after ? `s/${old}/${put}/` : undefined;
}
