// Files of other workspaces, of which a message bears nothing but the id (`check_file_info`): what they are called and how large they
// are is asked for before the message is read.

import { type Fields, fieldsIn, listIn, textIn } from './fields.ts';
import type { Ask } from './users.ts';

const mostKept = 500;

export class ForeignFiles {
  readonly #eyes: () => Iterable<Ask>;
  readonly #kept = new Map<string, Fields>();
  readonly #asking = new Map<string, Promise<void>>();

  /** `eyes`: whoever of ours may see one, the most likely first. */
  constructor(parts: { readonly eyes: () => Iterable<Ask> }) {
    this.#eyes = parts.eyes;
  }

  known(id: string): Fields | undefined {
    return this.#kept.get(id);
  }

  /** Undefined: there is none to ask for. Settles in any case: of what nobody may see the id must do. */
  load(message: Fields): Promise<unknown> | undefined {
    const ids = [message, fieldsIn(message, 'message')].flatMap((of) => (of === undefined ? [] : unknownIn(of)));
    const missing = ids.filter((id) => !this.#kept.has(id));
    return missing.length === 0 ? undefined : Promise.all(missing.map((id) => this.#asking.get(id) ?? this.#load(id)));
  }

  #load(id: string): Promise<void> {
    const asking = this.#ask(id)
      .then((file) => {
        if (file === undefined) return;
        this.#kept.set(id, file);
        const [oldest] = this.#kept.keys();
        if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest);
      })
      .finally(() => this.#asking.delete(id));
    this.#asking.set(id, asking);
    return asking;
  }

  async #ask(id: string): Promise<Fields | undefined> {
    for (const ask of this.#eyes()) {
      const file = await ask('files.info', { file: id }).then(
        (told) => fieldsIn(told, 'file'),
        () => undefined,
      );
      if (file !== undefined && file.file_access !== 'check_file_info') return file;
    }
    return undefined;
  }
}

function unknownIn(message: Fields): string[] {
  return listIn(message, 'files').flatMap((file) => (file.file_access === 'check_file_info' ? (textIn(file, 'id') ?? []) : []));
}
