// `causeway import FILE FROM`: what an older bridge's store holds is taken into the store that the config names, and every row that
// is not is told with why. `causeway import-config NETWORK OLD`: its config in our words, printed.

import { readFileSync } from 'node:fs';
import { dump, load as readYaml } from 'js-yaml';
import { ConfigError, type Forerunner, messageOf, type Network, PermanentError, type TakenOver, takeOver } from '#bridge-core/host';
import { count } from '../../config/faults.ts';
import type { Sources } from '../../config/sources.ts';
import { networks } from '../networks.ts';
import { load } from './configs.ts';
import { plain } from './report.ts';

export interface ImportOptions {
  readonly isTrial: boolean;
  readonly mayLeaveOut: boolean;
}

export async function importStore(file: string, from: string, sources: Sources, { isTrial, mayLeaveOut }: ImportOptions): Promise<number> {
  const { core, network, networkSettings } = await load(file, sources);
  const forerunner = await forerunnerOf(network);
  const taken = await takeOver(core, { forerunner, from, networkSettings, isTrial, mayLeaveOut });
  for (const line of linesOf(taken, forerunner.name)) console.log(plain(line));
  const faults = taken.tables.flatMap(({ left }) => left.filter(({ isFault }) => isFault === true));
  if (!isTrial) {
    console.log(`All this is in ${core.store} now; run twice, nothing is taken twice.`);
    console.log(
      `Next: causeway register ${file}; put the registration in place of the old one, restart the homeserver; causeway run ${file}`,
    );
    return 0;
  }
  console.log('Nothing was written: this was a trial.');
  if (faults.length === 0 || mayLeaveOut) return 0;
  console.log(`${count(faults.length, 'row')} marked ! would stand in the way: mend them, or leave them out by --leave-out.`);
  return 1;
}

async function forerunnerOf({ forerunner, protocol }: Network): Promise<Forerunner> {
  if (forerunner !== undefined) return await forerunner();
  throw new PermanentError('TAKE_OVER_REFUSED', `no older bridge to ${protocol.name} is known whose store could be taken over`);
}

function linesOf({ tables, counts, left, advice }: TakenOver, name: string): string[] {
  const widest = Math.max(...tables.map((table) => table.name.length));
  const figures = tables.map((table) => {
    const counted = table.as === undefined ? undefined : counts[table.as];
    const figure = counted === undefined ? '' : `, ${counted.taken} taken${counted.known > 0 ? `, ${counted.known} here already` : ''}`;
    return `  ${table.name.padEnd(widest)}  ${count(table.rows, 'row')}${figure}`;
  });
  const kindOf = (kind: string) => tables.find((table) => table.as === kind)?.name ?? kind;
  const ofTables = tables.flatMap((table) => table.left.map((each) => ({ ...each, name: table.name })));
  const all = [...ofTables, ...left.map((each) => ({ ...each, name: kindOf(each.kind), isFault: false }))];
  const others = all.map(
    ({ name: table, what, why, rows, isFault }) =>
      `${isFault === true ? '!' : ' '} ${table}: ${rows === undefined ? '' : `${count(rows, 'row')} `}${what}: ${why}`,
  );
  return [
    `From ${name}:`,
    ...figures,
    ...(others.length > 0 ? ['Not taken:', ...others] : []),
    ...(advice.length > 0 ? ['To be done:', ...advice.map((each) => `  ${each}`)] : []),
  ];
}

export async function importConfig(name: string, file: string, registration: string | undefined): Promise<number> {
  const find = Object.hasOwn(networks, name) ? networks[name] : undefined;
  if (find === undefined)
    throw new ConfigError('CONFIG_INVALID', `no network ${JSON.stringify(name)}; there is ${Object.keys(networks).join(', ')}`);
  const network = await find();
  const forerunner = await forerunnerOf(network);
  const { config, notes } = forerunner.translate(yamlOf(file), registration === undefined ? undefined : yamlOf(registration));
  // Each on one line, for what follows one is config.
  const told = notes.map(({ key, why }) => `#   ${key}: ${why}`.replace(/[\r\n\u0085\u2028\u2029]+/g, ' '));
  const head = [`# Made from a config of ${forerunner.name}. What has no counterpart here, or comes to something else:`, ...told];
  process.stdout.write(`${plain(head.join('\n'))}\n\n${dump(config, { lineWidth: 120 })}`);
  console.error(`${count(notes.length, 'key')} of ${file} stand at the head of it, each with why. Read them, then: causeway check`);
  return 0;
}

function yamlOf(file: string): unknown {
  try {
    const value: unknown = readYaml(readFileSync(file, 'utf8'), { filename: file });
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new ConfigError('CONFIG_UNREADABLE', `${file}: ${messageOf(error).split('\n')[0]}`, error);
  }
  throw new ConfigError('CONFIG_UNREADABLE', `${file} holds no mapping of settings`);
}
