// Text cut to so many bytes, for what no blank divides.

/** Of so many bytes at most, never within a sign as people see it. */
export function pieces(line: string, bytes: number): string[] {
  if (Buffer.byteLength(line) <= bytes) return [line];
  const found: string[] = [];
  let piece = '';
  let size = 0;
  for (const { segment } of segmenter.segment(line)) {
    for (const sign of Buffer.byteLength(segment) > bytes ? [...segment] : [segment]) {
      const more = Buffer.byteLength(sign);
      if (size + more > bytes) {
        found.push(piece);
        [piece, size] = ['', 0];
      }
      piece += sign;
      size += more;
    }
  }
  if (piece !== '') found.push(piece);
  return found;
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
