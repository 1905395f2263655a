// Tables as the report has them: how many rows each had, and of each that is not taken which it is and why. Nothing that could be a
// token is ever put into its words.

import type { InheritedKind, InheritedTable, LeftOut } from '#bridge-core';

export class Table {
  readonly #name: string;
  readonly #rows: number;
  readonly #as: InheritedKind | undefined;
  readonly #left: LeftOut[] = [];
  readonly #counted = new Map<string, { rows: number; readonly left: LeftOut }>();

  constructor(name: string, rows: number, as?: InheritedKind) {
    this.#name = name;
    this.#rows = rows;
    this.#as = as;
  }

  /** It is as it should be that this is not taken. */
  leave(what: string, why: string): void {
    this.#left.push({ what, why });
  }

  /** Many of a kind: told as one. */
  leaveSome(what: string, why: string, rows = 1): void {
    if (rows === 0) return;
    const known = this.#counted.get(what) ?? { rows: 0, left: { what, why } };
    known.rows += rows;
    this.#counted.set(what, known);
  }

  /** It should have been taken. */
  fault(what: string, why: string): void {
    this.#left.push({ what, why, isFault: true });
  }

  told(): InheritedTable {
    const counted = [...this.#counted.values()].map(({ rows, left }) => ({ ...left, rows }));
    return { name: this.#name, rows: this.#rows, left: [...this.#left, ...counted], ...(this.#as !== undefined && { as: this.#as }) };
  }
}

/** What a row is called whose own name is missing or could be anything. */
export function called(value: unknown, else_: string): string {
  return typeof value === 'string' && /^[\w@!$#:./=+~-]{1,255}$/.test(value) && !/xox[a-z]-/i.test(value) ? value : else_;
}
