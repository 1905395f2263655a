// Prints a commented config out of the schemas themselves: every setting with its description, those that must be given as
// settings, all others as comments with the value that stands for them. `config/*.yaml` are printed by this.

import { dump } from 'js-yaml';
import type { Network } from '#bridge-core/host';
import { coreSchema } from './core-schema.ts';
import { alternatives, openKeys, type SchemaNode, viewOfAll } from './schema-view.ts';

const width = 120;

/** What a line is: a setting, a setting as a comment, or another way to write the comment above it. */
type Mark = '' | '#' | '##';

export function sample(network: Network): string {
  const { id, name } = network.protocol;
  const root = viewOfAll(coreSchema(network, [id]), network);
  const lines = prose(header(name), '');
  for (const [key, node] of Object.entries(root.properties ?? {})) {
    const described = key === id ? { ...node, description: node.description ?? `The ${name} side.` } : node;
    lines.push('', ...setting(key, described, '', isRequired(root, key) || key === id ? '' : '#'));
  }
  return `${lines.join('\n')}\n`;
}

const header = (name: string): string =>
  [
    `A bridge between Matrix and ${name}. \`causeway check FILE\` tells all faults of this file at once.`,
    'A setting behind `#` without a space has the value shown; take the sign away to change it.',
    'Behind `##` stands another way to write the setting above it.',
    'Paths are meant from the folder of this file. $' + '{NAME} in a text is filled in from the environment.',
    'A secret may stand in a file of its own: `password_file: path` for `password: text`, and so on.',
    'Any setting can come from the environment (homeserver.url from CAUSEWAY_HOMESERVER_URL), which goes before this file,',
    'or from an option (`--set homeserver.url=http://…`), which goes before both.',
  ].join('\n');

function setting(key: string, node: SchemaNode, indent: string, mark: Mark): string[] {
  const live = node.shown ? '' : mark;
  return [...prose(about(node), indent), ...body(printKey(key), node, indent, live)];
}

function body(name: string, node: SchemaNode, indent: string, mark: Mark): string[] {
  const start = `${indent}${mark}${name}:`;
  const inner = `${indent}  `;
  const [object] = alternatives(node).filter((one) => one.properties !== undefined);
  const open = alternatives(node)
    .map(openKeys)
    .find((one) => one !== undefined);
  const items = alternatives(node).find((one) => one.items !== undefined)?.items;
  if (isMapping(node.example))
    return [start, ...Object.entries(node.example).map(([key, value]) => `${inner}${mark}${printKey(key)}: ${print(value)}`)];
  const value = node.example ?? node.default ?? node.enum?.[0];
  if (open !== undefined) return [start, ...setting(node.exampleName ?? 'name', { ...open, description: '' }, inner, mark)];
  if (items !== undefined && node.example === undefined) return [start, ...item(items, inner, mark)];
  if (object === undefined) return [`${start} ${print(value)}`];
  if (value === undefined || isMapping(value)) return [start, ...children(object, inner, mark)];
  return [`${start} ${print(value)}`, `${indent}##${name}:`, ...children(object, inner, '##')];
}

/** What must be given inside something that may be left out is a comment with it. */
function children(object: SchemaNode, indent: string, mark: Mark): string[] {
  return Object.entries(object.properties ?? {}).flatMap(([key, node]) =>
    setting(key, node, indent, mark === '' && !isRequired(object, key) ? '#' : mark),
  );
}

function item(node: SchemaNode, indent: string, mark: Mark): string[] {
  const [object] = alternatives(node).filter((one) => one.properties !== undefined);
  const lines = children(object ?? {}, `${indent}  `, mark);
  const first = lines.findIndex((line) => !line.trimStart().startsWith('# '));
  return lines.map((line, at) =>
    at < first ? line.slice(2) : at === first ? `${indent}${mark}- ${line.trimStart().slice(mark.length)}` : line,
  );
}

function about(node: SchemaNode): string {
  const options = alternatives(node)
    .flatMap((one) => one.enum ?? [])
    .map(String);
  const description = node.description ?? '';
  const untold = options.length > 1 && options.some((option) => !description.includes(option));
  return untold && description !== '' ? `${description} (${options.join(', ')})` : description;
}

function prose(text: string, indent: string): string[] {
  if (text === '') return [];
  return text.split('\n').flatMap((line) => {
    const lines: string[] = [];
    for (const word of line.split(' ')) {
      const last = lines.at(-1);
      if (last === undefined || last.length + word.length >= width - indent.length - 2) lines.push(word);
      else lines[lines.length - 1] = `${last} ${word}`;
    }
    return lines.map((part) => `${indent}# ${part}`);
  });
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isRequired = (node: SchemaNode, key: string): boolean => node.required?.includes(key) === true;

const printKey = (key: string): string => (/^[a-z][a-z0-9_-]*$/.test(key) ? key : JSON.stringify(key));

function print(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(print).join(', ')}]`;
  const isPlain = typeof value !== 'string' || (/^[A-Za-z0-9][A-Za-z0-9 .:/_-]*$/.test(value) && !/:( |$)/.test(value));
  return isPlain ? dump(value).trimEnd() : JSON.stringify(value);
}
