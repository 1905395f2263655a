// A config from its file to frozen settings, or to all its faults at once. Paths in it are meant from its own folder.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { ConfigError, type CoreSettings, messageOf, type Network } from '#bridge-core/host';
import { coreSchema } from './core-schema.ts';
import { describeValue, type Explained, explain, valueAt } from './explain.ts';
import { ConfigFaults, type Fault, inOrder, type Place, parsePath, printPath } from './faults.ts';
import { type SchemaNode, viewOfAll } from './schema-view.ts';
import { Filling, type Sources } from './sources.ts';
import { warningsAbout } from './warnings.ts';
import { readYaml, resolvePlain } from './yaml.ts';

/** Protocol id (the section's name) → the network, loaded when it is needed. */
export type Catalogue = Readonly<Record<string, () => Promise<Network>>>;

export interface LoadOptions extends Sources {
  readonly networks: Catalogue;
}

export interface LoadedConfig {
  readonly file: string;
  readonly core: CoreSettings;
  readonly network: Network;
  readonly networkSettings: unknown;
  place(path: string): Place;
}

export interface Checked {
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
  /** Present where there is no fault. */
  readonly config?: LoadedConfig;
  /** Path of the store, where nothing is wrong with that: enough for who asks about what lies in it. */
  readonly store?: string;
}

/** Rejects with ConfigFaults, which holds them all, or CONFIG_UNREADABLE. */
export async function loadConfig(file: string, options: LoadOptions): Promise<LoadedConfig> {
  const { faults, config } = await checkConfig(file, options);
  if (config === undefined) throw new ConfigFaults(faults);
  return config;
}

/** Rejects only where the file itself cannot be read. */
export async function checkConfig(file: string, options: LoadOptions): Promise<Checked> {
  const yaml = readYaml(readText(file), file);
  const sections = Object.keys(options.networks);
  if (typeof yaml.value !== 'object' || yaml.value === null || Array.isArray(yaml.value)) {
    const kind = { ...yaml.place([]), path: '', found: describeValue(yaml.value, false), allowed: 'a mapping of settings', hint: '' };
    return { faults: yaml.faults.length > 0 ? yaml.faults : [kind], warnings: [] };
  }
  const present = sections.filter((section) => Object.hasOwn(Object(yaml.value), section));
  const [section, another] = present;
  const faults = [...yaml.faults];
  if (another !== undefined) {
    const hint = 'give each its own file: one process can run several';
    faults.push({
      ...yaml.place([another], 'key'),
      path: another,
      found: `the sections ${present.join(' and ')}`,
      allowed: 'one network in a file',
      hint,
    });
  }
  const network = await (options.networks[section ?? sections[0] ?? ''] ?? noNetwork)();
  const schemas = schemasOf(network, sections);
  const filling = new Filling({ value: yaml.value, root: schemas.root, folder: dirname(resolve(file)), place: yaml.place });
  filling.fillFrom(options);
  const context: Explained = {
    root: schemas.root,
    value: filling.value,
    place: (path, part) => filling.place(path, part),
    isComment: yaml.isComment,
    written: (path) => filling.written.get(printPath(path)),
  };
  const parsed = parseBoth(schemas, filling, section);
  faults.push(
    ...filling.faults,
    ...parsed.issues.flatMap((issue) => explain([issue], context)).filter((fault) => !filling.refused.has(fault.path)),
  );
  const folder = dirname(resolve(file));
  if (faults.length > 0 || parsed.core === undefined) {
    const named = valueAt(filling.value, ['store']);
    const isGood = typeof named === 'string' && faults.every(({ path }) => path !== 'store') && yaml.faults.length === 0;
    return { faults: inOrder(faults), warnings: filling.warnings, ...(isGood && { store: resolve(folder, named) }) };
  }
  const core = deepFreeze({
    ...parsed.core,
    store: resolve(folder, parsed.core.store),
    appservice: { ...parsed.core.appservice, registration: resolve(folder, parsed.core.appservice.registration) },
  });
  const place = (path: string): Place => filling.place(parsePath(path) ?? [], 'key');
  const config = { file, core, network, networkSettings: deepFreeze(parsed.section), place };
  return { faults: [], warnings: [...filling.warnings, ...warningsAbout(core, network, place)], config, store: core.store };
}

interface Schemas {
  readonly core: ReturnType<typeof coreSchema>;
  readonly section: Network['settings'];
  readonly root: SchemaNode;
}

function schemasOf(network: Network, sections: readonly string[]): Schemas {
  const core = coreSchema(network, sections);
  return { core, section: network.settings, root: viewOfAll(core, network) };
}

interface Parsed {
  readonly core?: CoreSettings;
  readonly section?: unknown;
  readonly issues: readonly z.core.$ZodIssue[];
}

/** A text from the environment may have to be a number or a truth value: where it is refused as text, that is tried. */
function parseBoth(schemas: Schemas, filling: Filling, section: string | undefined): Parsed {
  const first = parseOnce(schemas, filling.value, section);
  let changed = false;
  for (const { path } of first.issues) {
    const steps = path.map((step) => (typeof step === 'number' ? step : String(step)));
    const text = valueAt(filling.value, steps);
    if (typeof text !== 'string' || !filling.texts.has(printPath(steps))) continue;
    const plain = resolvePlain(text);
    const parent = valueAt(filling.value, steps.slice(0, -1));
    if (plain === text || typeof parent !== 'object' || parent === null) continue;
    Object.defineProperty(parent, steps.at(-1) ?? '', { value: plain, writable: true, enumerable: true, configurable: true });
    changed = true;
  }
  return changed ? parseOnce(schemas, filling.value, section) : first;
}

function parseOnce(schemas: Schemas, value: unknown, section: string | undefined): Parsed {
  const core = schemas.core.safeParse(value);
  const issues = [...(core.error?.issues ?? [])];
  if (section === undefined) return { issues };
  try {
    const parsed = schemas.section.parse(valueAt(value, [section]));
    return { ...(core.data === undefined ? {} : { core: core.data }), section: parsed, issues };
  } catch (error) {
    const found = issuesOf(error);
    return { issues: [...issues, ...found.map((issue) => ({ ...issue, path: [section, ...issue.path] }))] };
  }
}

function issuesOf(error: unknown): readonly z.core.$ZodIssue[] {
  if (error instanceof Error && 'issues' in error && Array.isArray(error.issues)) return error.issues;
  throw error;
}

function readText(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    throw new ConfigError('CONFIG_UNREADABLE', `cannot read ${file}: ${messageOf(error)}`, error);
  }
}

async function noNetwork(): Promise<Network> {
  throw new ConfigError('UNSUPPORTED', 'this build knows no network');
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
