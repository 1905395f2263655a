// Batches of one connection: which are open, and multi-line messages put together into one line again (its text with line
// breaks), so that nobody behind this needs to know of them.

import type { IrcLine } from './wire/connection.ts';

interface Open {
  readonly type: string;
  readonly opening: IrcLine;
  readonly lines: IrcLine[];
}

/** A server that opens more, or puts more into one, is not well. */
const maxOpen = 100;
const maxLines = 1_000;

export class Batches {
  readonly #open = new Map<string, Open>();

  /** The type of the batch that the line is part of; undefined outside of any. */
  typeOf(line: IrcLine): string | undefined {
    const reference = line.tags.batch;
    return reference === undefined ? undefined : this.#open.get(reference)?.type;
  }

  /** What is to be handled in its place: the line itself, a joined one at the end of a multi-line message, or nothing. */
  take(line: IrcLine): IrcLine | undefined {
    if (line.command !== 'BATCH') {
      const batch = line.tags.batch === undefined ? undefined : this.#open.get(line.tags.batch);
      if (batch?.type !== 'draft/multiline') return line;
      if (batch.lines.length < maxLines) batch.lines.push(line);
      return undefined;
    }
    const reference = line.params[0] ?? '';
    if (reference.startsWith('+')) {
      if (this.#open.size >= maxOpen) this.#open.clear();
      const type = line.params[1] ?? '';
      this.#open.set(reference.slice(1), { type, opening: line, lines: [] });
      return type === 'draft/multiline' ? undefined : line;
    }
    const closed = this.#open.get(reference.slice(1));
    this.#open.delete(reference.slice(1));
    return closed?.type === 'draft/multiline' ? joined(closed) : line;
  }
}

function joined({ opening, lines }: Open): IrcLine | undefined {
  const first = lines[0];
  if (first === undefined) return undefined;
  let text = '';
  for (const [at, line] of lines.entries()) {
    const continues = 'draft/multiline-concat' in line.tags;
    text += (at > 0 && !continues ? '\n' : '') + (line.params[1] ?? '');
  }
  const { batch: _, ...own } = first.tags;
  return { ...first, tags: { ...own, ...opening.tags }, params: [first.params[0] ?? opening.params[2] ?? '', text] };
}
