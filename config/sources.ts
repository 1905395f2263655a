// Where values come from besides the file: options of the command line go before the environment, the environment before
// the file; `${NAME}` in a text is filled in; secrets and certificates are read from the files that are named.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '#bridge-core/host';
import { valueAt } from './explain.ts';
import { type Fault, type Path, type Place, parsePath, printPath, suggestion } from './faults.ts';
import { alternatives, nodesAt, openKeys, type SchemaNode } from './schema-view.ts';

export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--set PATH=VALUE`: dotted path → text. */
  readonly flags?: Readonly<Record<string, string>>;
}

type Branch = Record<string | number, unknown>;

const prefix = 'CAUSEWAY_';

/** The variable that stands for a setting: `homeserver.in_flight` → `CAUSEWAY_HOMESERVER_IN_FLIGHT`. */
export function variableFor(path: Path): string {
  return (
    prefix +
    path
      .map((step) =>
        String(step)
          .toUpperCase()
          .replace(/[^A-Z0-9]/g, '_'),
      )
      .join('_')
  );
}

/** Fills a copy of what the file says, and remembers what came from where. */
export class Filling {
  readonly value: unknown;
  readonly faults: Fault[] = [];
  readonly warnings: Fault[] = [];
  /** Where the schema need not be asked any more: a fault was told already. */
  readonly refused = new Set<string>();
  /** Texts from outside the file, by path: there a number or a truth value may be meant. */
  readonly texts = new Set<string>();
  /** What the file says where a variable was filled in. */
  readonly written = new Map<string, string>();
  readonly #origins = new Map<string, Place>();
  readonly #root: SchemaNode;
  readonly #folder: string;
  readonly #filePlace: (path: Path, part?: 'key' | 'value') => Place;

  constructor(given: { value: unknown; root: SchemaNode; folder: string; place: (path: Path, part?: 'key' | 'value') => Place }) {
    this.value = structuredClone(given.value);
    this.#root = given.root;
    this.#folder = given.folder;
    this.#filePlace = given.place;
  }

  place(path: Path, part?: 'key' | 'value'): Place {
    return this.#origins.get(printPath(path)) ?? this.#filePlace(path, part);
  }

  fillFrom(sources: Sources): void {
    this.#takeVariables(sources.env);
    this.#takeFlags(sources.flags ?? {});
    this.#fillTexts(this.value, [], sources.env);
    this.#readFiles(this.value, [], this.#root);
  }

  #takeVariables(env: Sources['env']): void {
    const variables = new Map(settable(this.#root, this.value).map((path) => [variableFor(path), path]));
    for (const [name, text] of Object.entries(env)) {
      if (!name.startsWith(prefix) || text === undefined) continue;
      const origin = { file: `environment variable ${name}`, line: 0, column: 0 };
      const path = variables.get(name);
      if (path !== undefined) this.#set(path, text, origin);
      else {
        const hint = suggestion(name, [...variables.keys()]);
        this.warnings.push({
          ...origin,
          path: '',
          found: 'a name that is no setting',
          allowed: `${prefix} and the path of a setting`,
          hint,
        });
      }
    }
  }

  #takeFlags(flags: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(flags)) {
      const origin = { file: `option --set ${name}`, line: 0, column: 0 };
      const path = parsePath(name);
      if (path !== undefined) this.#set(path, text, origin);
      else this.faults.push({ ...origin, path: '', found: JSON.stringify(name), allowed: 'a path such as log.level', hint: '' });
    }
  }

  #set(path: Path, text: string, origin: Place): void {
    this.#origins.set(printPath(path), origin);
    this.texts.add(printPath(path));
    let inner = this.value;
    for (const [at, step] of path.entries()) {
      const fits =
        isBranch(inner) && Array.isArray(inner) === (typeof step === 'number') && (typeof step === 'string' || step <= lengthOf(inner));
      if (!fits) {
        this.#refuse(path, 'a way that ends before it', 'a setting that can stand there');
        return;
      }
      if (at === path.length - 1) define(inner as Branch, step, text);
      else if (!Object.hasOwn(inner as Branch, step)) define(inner as Branch, step, {});
      inner = (inner as Branch)[step];
    }
  }

  #fillTexts(value: unknown, path: Path, env: Sources['env']): void {
    for (const [key, inner] of entriesOf(value)) {
      const here = [...path, key];
      if (typeof inner !== 'string') this.#fillTexts(inner, here, env);
      else if (inner.includes('$' + '{')) {
        this.texts.add(printPath(here));
        this.written.set(printPath(here), inner);
        define(value as Branch, key, this.#filled(inner, here, env));
      }
    }
  }

  /** `$$` before a brace stands for a single `$`. */
  #filled(text: string, path: Path, env: Sources['env']): string {
    return text.replace(/\$(\$?)\{([^}]*)\}/g, (whole, doubled: string, name: string) => {
      if (doubled !== '') return whole.slice(1);
      const found = env[name];
      if (found !== undefined) return found;
      this.#refuse(path, `${whole}, which is not set`, `an environment variable ${name}`, `set ${name} where the bridge is started`);
      return '';
    });
  }

  /** Texts of certificates in place of their paths; `<key>: text` in place of `<key>_file: path` for secrets. */
  #readFiles(value: unknown, path: Path, node: SchemaNode): void {
    for (const [key, inner] of entriesOf(value)) {
      const here = [...path, key];
      const child = nodesAt(node, [key]);
      const secret = child.length === 0 && typeof key === 'string' && key.endsWith('_file') ? key.slice(0, -'_file'.length) : undefined;
      if (secret !== undefined && nodesAt(node, [secret]).some((at) => at.secret)) {
        this.#readSecret(value as Branch, [...path, secret], here, inner);
      } else if (typeof inner === 'string' && child.some((at) => at.file) && !inner.includes('-----BEGIN')) {
        define(value as Branch, key, this.#read(inner, here) ?? '');
      } else {
        this.#readFiles(inner, here, { anyOf: child });
      }
    }
  }

  #readSecret(branch: Branch, path: Path, filePath: Path, file: unknown): void {
    const [secret, key] = [String(path.at(-1)), String(filePath.at(-1))];
    this.#origins.set(printPath(path), this.place(filePath, 'key'));
    if (Object.hasOwn(branch, secret)) this.#refuse(filePath, `${secret} and ${key}`, 'one of the two');
    else if (typeof file !== 'string' || file === '') this.#refuse(filePath, 'no path', 'the path of a file');
    else {
      const text = this.#read(file, filePath);
      if (text === undefined) this.refused.add(printPath(path));
      define(branch, secret, text?.replace(/\r?\n$/, '') ?? '');
    }
    if (!Object.hasOwn(branch, secret)) this.refused.add(printPath(path));
    delete branch[key];
  }

  #read(file: string, path: Path): string | undefined {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(resolve(this.#folder, file)));
    } catch (error) {
      this.#refuse(path, `${JSON.stringify(file)}: ${messageOf(error)}`, 'a file that can be read');
      return undefined;
    }
  }

  #refuse(path: Path, found: string, allowed: string, hint = ''): void {
    this.refused.add(printPath(path));
    this.faults.push({ ...this.place(path), path: printPath(path), found, allowed, hint });
  }
}

/** All paths that a variable may set: the fixed ones, and below names that people chose those that the file has. */
function settable(root: SchemaNode, value: unknown): Path[] {
  const paths: Path[] = [];
  const visit = (node: SchemaNode, path: Path): void => {
    for (const inner of alternatives(node)) {
      const open = openKeys(inner);
      if (open !== undefined) for (const name of Object.keys(Object(valueAt(value, path)))) visit(open, [...path, name]);
      for (const [name, next] of Object.entries(inner.properties ?? {})) visit(next, [...path, name]);
      const scalar = inner.properties === undefined && open === undefined && inner.type !== 'array' && inner.type !== 'object';
      if (!scalar || path.length === 0) continue;
      paths.push(path);
      if (inner.secret) paths.push([...path.slice(0, -1), `${String(path.at(-1))}_file`]);
    }
  };
  visit(root, []);
  return paths;
}

const isBranch = (value: unknown): value is Branch => typeof value === 'object' && value !== null;

const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);

/** A copy, so that the branch may change meanwhile. */
function entriesOf(value: unknown): [string | number, unknown][] {
  return Array.isArray(value) ? [...value.entries()] : isBranch(value) ? Object.entries(value) : [];
}

/** As an own property whatever its name: `__proto__` is a key like another. */
function define(branch: Branch, key: string | number, value: unknown): void {
  Object.defineProperty(branch, key, { value, writable: true, enumerable: true, configurable: true });
}
