// Printed lines put into as few messages as they fit in: cut between paragraphs where that wastes little, else between lines. Code
// that goes over a cut is closed before it and opened again after it.

export interface Fence {
  readonly open: string;
  /** After a cut: the mark of a list stands once. */
  readonly again: string;
  readonly close: string;
}

export interface Line {
  /** Within the limit already, its fence counted. */
  readonly text: string;
  /** A block of its own begins: an empty line stands before it. */
  readonly isFirst: boolean;
  readonly fence?: Fence;
}

export function pack(lines: readonly Line[], limit: number): string[] {
  const bodies: string[] = [];
  let body: string[] = [];
  let bytes = 0;
  let fence: Fence | undefined;
  const opened = new Set<Fence>();
  const add = (text: string) => {
    bytes += Buffer.byteLength(text) + (body.length > 0 ? 1 : 0);
    body.push(text);
  };
  const finish = () => {
    if (fence !== undefined) body.push(fence.close);
    const text = trimmed(body);
    if (text !== '') bodies.push(text);
    [body, bytes, fence] = [[], 0, undefined];
  };
  for (const line of lines) {
    const isOther = fence !== line.fence;
    const closing = fence !== undefined && isOther ? sizeOf(fence.close) : 0;
    const opening = line.fence !== undefined && isOther ? sizeOf(line.fence.open) : 0;
    const end = line.fence === undefined ? 0 : sizeOf(line.fence.close);
    const gap = line.isFirst && body.length > 0 ? 1 : 0;
    if (body.length > 0 && bytes + closing + gap + opening + sizeOf(line.text) + end > limit) finish();
    if (fence !== undefined && fence !== line.fence) {
      add(fence.close);
      fence = undefined;
    }
    if (line.isFirst && body.length > 0) add('');
    if (line.fence !== undefined && fence === undefined) {
      fence = line.fence;
      add(opened.has(fence) ? fence.again : fence.open);
      opened.add(fence);
    }
    add(line.text);
  }
  finish();
  return bodies;
}

const sizeOf = (line: string): number => Buffer.byteLength(line) + 1;

/** Without empty lines around it. */
function trimmed(body: readonly string[]): string {
  return body.join('\n').replace(/^(?:[ \t]*\n)+|\s+$/g, '');
}
