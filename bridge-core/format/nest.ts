// Runs of text, each with its own marks, put into a tree: a mark that goes on is not closed and opened again.

import type { Inline } from './rich-text.ts';

export type MarkName = 'bold' | 'italic' | 'strike' | 'underline';

export const noMarks: readonly MarkName[] = [];

export class Nest {
  readonly inlines: Inline[] = [];
  #open: { readonly mark: MarkName; readonly of: Inline[] }[] = [];

  add(node: Inline, marks: readonly MarkName[] = noMarks): void {
    const end = this.#open.findIndex(({ mark }) => !marks.includes(mark));
    if (end !== -1) this.#open.length = end;
    for (const mark of marks) {
      if (this.#open.some((open) => open.mark === mark)) continue;
      const of: Inline[] = [];
      this.#innermost().push({ is: mark, of });
      this.#open.push({ mark, of });
    }
    const siblings = this.#innermost();
    const last = siblings.at(-1);
    if (node.is === 'text' && last?.is === 'text') siblings[siblings.length - 1] = { is: 'text', text: last.text + node.text };
    else siblings.push(node);
  }

  addAll(nodes: readonly Inline[], marks: readonly MarkName[] = noMarks): void {
    for (const node of nodes) this.add(node, marks);
  }

  #innermost(): Inline[] {
    return this.#open.at(-1)?.of ?? this.inlines;
  }
}
