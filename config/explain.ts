// Turns what zod says of a wrong value into faults with a place, what was found, what is allowed and a hint.

import type { z } from 'zod';
import { durationForm } from '#bridge-core/host';
import { type Fault, type Path, type Place, printPath, suggestion } from './faults.ts';
import { allowedAt, isSecret, keysAt, nodesAt, type SchemaNode } from './schema-view.ts';
import { resolvePlain } from './yaml.ts';

type Issue = z.core.$ZodIssue;

export interface Explained {
  readonly root: SchemaNode;
  readonly value: unknown;
  place(path: Path, part?: 'key' | 'value'): Place;
  isComment(path: Path): boolean;
  /** What the file says where a variable was filled in: shown instead of its value. */
  written(path: Path): string | undefined;
}

export function explain(issues: readonly Issue[], context: Explained, base: Path = []): Fault[] {
  return issues.flatMap((issue) =>
    explainOne(issue, context, [...base, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))]),
  );
}

/** The value at `path`, own properties only. */
export function valueAt(value: unknown, path: Path): unknown {
  let inner = value;
  for (const step of path) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, step)) return undefined;
    inner = (inner as Record<string | number, unknown>)[step];
  }
  return inner;
}

function explainOne(issue: Issue, context: Explained, path: Path): Fault[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key], key, context));
  if (issue.code === 'invalid_union') {
    const branch = likeliest(issue.errors);
    if (branch !== undefined) return explain(branch, context, path);
  }
  const key = path.at(-1);
  if (issue.code === 'invalid_key') {
    const allowed = nodesAt(context.root, path.slice(0, -1)).find((node) => node.propertyNames?.allowed !== undefined)?.propertyNames
      ?.allowed;
    return [fault(context, path, { part: 'key', found: `the name ${JSON.stringify(key)}`, allowed: allowed ?? 'another name' })];
  }
  const value = valueAt(context.value, path);
  const options = optionsOf(issue, context, path);
  const told = issue.code === 'custom' ? (issue.params ?? {}) : {};
  const found = told.found ?? describeValue(context.written(path) ?? value, isSecret(context.root, path));
  const allowed = told.allowed ?? (told.options === undefined ? allowedAt(context.root, path) : (options ?? []).join(', '));
  const hint = told.hint ?? hintFor(told.found ?? value, options, context, path);
  const part = told.part === 'key' ? { part: 'key' as const } : {};
  return [fault(context, path, { ...part, found: String(found), allowed: String(allowed), hint: String(hint) })];
}

function fault(context: Explained, path: Path, told: { part?: 'key'; found: string; allowed: string; hint?: string }): Fault {
  return { ...context.place(path, told.part), path: printPath(path), found: told.found, allowed: told.allowed, hint: told.hint ?? '' };
}

function unknownKey(path: Path, key: string, context: Explained): Fault {
  const keys = keysAt(context.root, path.slice(0, -1));
  return fault(context, path, {
    part: 'key',
    found: `the unknown key ${JSON.stringify(key)}`,
    allowed: keys.join(', '),
    hint: suggestion(key, keys),
  });
}

/** Of the alternatives, the one whose kind of value was written: its faults lie deeper, or are not about the kind. */
function likeliest(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return branches.find((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys' || issue.code === 'custom'),
  );
}

function optionsOf(issue: Issue, context: Explained, path: Path): string[] | undefined {
  if (issue.code === 'custom' && Array.isArray(issue.params?.options)) return issue.params.options.map(String);
  const listed = nodesAt(context.root, path).flatMap((node) => node.enum ?? (node.const === undefined ? [] : [node.const]));
  return listed.length === 0 ? undefined : listed.map(String);
}

function hintFor(value: unknown, options: readonly string[] | undefined, context: Explained, path: Path): string {
  if (value === undefined) return missingHint(context, path);
  if (value === null)
    return context.isComment(path) ? 'a # after a space begins a comment: put the text in quotes' : 'nothing stands after the colon';
  if (typeof value === 'string' && options !== undefined) return suggestion(value, options);
  const nodes = nodesAt(context.root, path);
  const takesText = nodes.some((node) => node.type === 'string');
  if (typeof value === 'number' && takesText)
    return nodes.some((node) => node.allowed === durationForm) ? `add the unit: ${value}s` : 'put it in quotes';
  return typeof value === 'string' && !takesText && resolvePlain(value) !== value ? 'without quotes' : '';
}

function missingHint(context: Explained, path: Path): string {
  const example = nodesAt(context.root, path).find((node) => node.example !== undefined)?.example;
  return typeof example === 'string' || typeof example === 'number' ? `add ${String(path.at(-1))}: ${example}` : '';
}

export function describeValue(value: unknown, hidden: boolean): string {
  if (value === undefined || value === null) return 'nothing';
  if (hidden) return 'a value that is not shown';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
