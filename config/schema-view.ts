// A settings schema looked at from outside: which keys there are, what a value may be, which are secrets or files. Works on
// the JSON Schema that zod prints of it, so that no part here depends on how a schema was put together.

import { z } from 'zod';
import type { Network } from '#bridge-core/host';
import type { Path } from './faults.ts';

/** The part of JSON Schema that settings use, and the words of ours in it (`meta` of the schemas). */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly propertyNames?: SchemaNode;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  /** What may be written, in words. */
  readonly allowed?: string;
  readonly example?: unknown;
  /** A name to show where people choose the keys. */
  readonly exampleName?: string;
  /** Stands in the sample as a setting, not as a comment, though it may be left out. */
  readonly shown?: boolean;
  /** Never shown in a fault; may stand in a file of its own, named by `<key>_file`. */
  readonly secret?: boolean;
  /** The path of a file, whose text becomes the value; the text itself is taken too. */
  readonly file?: boolean;
}

/** The whole file as one view: the core's settings, and last the network's section. */
export function viewOfAll(core: z.ZodType, network: Network): SchemaNode {
  const view = viewOf(core);
  const section = '_zod' in network.settings ? viewOf(network.settings as unknown as z.ZodType) : {};
  return { ...view, properties: { ...view.properties, [network.protocol.id]: section } };
}

function viewOf(schema: z.ZodType): SchemaNode {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
}

/** The node and its alternatives, flattened. */
export function alternatives(node: SchemaNode): readonly SchemaNode[] {
  const inner = node.anyOf ?? node.oneOf;
  return inner === undefined ? [node] : [node, ...inner.flatMap(alternatives)];
}

/** All that `path` may be; empty where there is no such setting. */
export function nodesAt(root: SchemaNode, path: Path): readonly SchemaNode[] {
  let nodes = alternatives(root);
  for (const step of path) {
    nodes = nodes.flatMap((node) => {
      const next =
        typeof step === 'number' ? node.items : Object.hasOwn(node.properties ?? {}, step) ? node.properties?.[step] : openKeys(node);
      return next === undefined ? [] : alternatives(next);
    });
  }
  return nodes;
}

/** What stands behind keys that people choose. */
export function openKeys(node: SchemaNode): SchemaNode | undefined {
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
}

export function keysAt(root: SchemaNode, path: Path): string[] {
  return [...new Set(nodesAt(root, path).flatMap((node) => Object.keys(node.properties ?? {})))];
}

export const isSecret = (root: SchemaNode, path: Path): boolean => nodesAt(root, path).some((node) => node.secret === true);

export function allowedAt(root: SchemaNode, path: Path): string {
  const nodes = nodesAt(root, path);
  const told = nodes.find((node) => node.allowed !== undefined)?.allowed;
  return told ?? [...new Set(nodes.map(describe).filter((words) => words !== ''))].join(', or ');
}

function describe(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map(String).join(', ');
  if (node.const !== undefined) return String(node.const);
  if (node.type === 'integer' || node.type === 'number') {
    const kind = node.type === 'integer' ? 'a whole number' : 'a number';
    return node.minimum === undefined ? kind : `${kind} from ${node.minimum} to ${node.maximum}`;
  }
  if (node.type === 'object') {
    const keys = Object.keys(node.properties ?? {});
    return keys.length === 0 ? 'a mapping' : `a mapping of ${keys.join(', ')}`;
  }
  const words: Record<string, string> = { string: 'a text', boolean: 'true or false', array: 'a list', null: 'nothing' };
  return words[node.type ?? ''] ?? '';
}
