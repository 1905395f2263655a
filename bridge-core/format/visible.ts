// Names as one line in which nothing is hidden: what cannot be seen becomes a space, and emoji made of several signs stay whole.

/** First what holds together by signs that are not seen themselves. */
const unseenOutsideEmoji =
  /\p{Extended_Pictographic}\uFE0F?\p{Emoji_Modifier}?(?:\u200D\p{Extended_Pictographic}\uFE0F?\p{Emoji_Modifier}?)+|\p{RGI_Emoji}|[\p{Cc}\p{Cf}\s]+/gv;
const isUnseen = /^[\p{Cc}\p{Cf}\s]/u;
const graphemes = new Intl.Segmenter();

/** At most so many characters of it, none of them cut; '' where there is nothing to see. */
export function visibleLine(text: string, most: number): string {
  const line = text.replace(unseenOutsideEmoji, (found) => (isUnseen.test(found) ? ' ' : found)).trim();
  if (line.length <= most) return line;
  let cut = '';
  let left = most;
  for (const { segment } of graphemes.segment(line)) {
    left -= [...segment].length;
    if (left < 0) break;
    cut += segment;
  }
  return cut.trimEnd();
}
