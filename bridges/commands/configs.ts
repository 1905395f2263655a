// Configs of one command: read together, all their faults told together, with what only shows between several of them.

import { existsSync } from 'node:fs';
import { ConfigError, type CoreSettings } from '#bridge-core/host';
import { ConfigFaults, type Fault } from '../../config/faults.ts';
import { checkConfig, type LoadedConfig, type LoadOptions, loadConfig } from '../../config/load.ts';
import type { Sources } from '../../config/sources.ts';
import { conflictsBetween } from '../../registration/conflicts.ts';
import { misfitsOf, networkBeside, type RegistrationFile, readRegistrationFile } from '../../registration/registration.ts';
import { networks } from '../networks.ts';

export interface CheckedFile {
  readonly file: string;
  readonly config: LoadedConfig | undefined;
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
}

const optionsOf = (sources: Sources): LoadOptions => ({ ...sources, networks });

export const load = (file: string, sources: Sources): Promise<LoadedConfig> => loadConfig(file, optionsOf(sources));

/** Whose records are asked for. What is wrong beside the store hinders nobody: a shell need not know the secrets of a service. */
export async function loadStore(file: string, sources: Sources): Promise<Pick<CoreSettings, 'store'>> {
  const { store, faults } = await checkConfig(file, optionsOf(sources));
  if (store === undefined) throw new ConfigFaults(faults);
  return { store };
}

/** `run` needs the registration to be there; for `check` it may still have to be made. */
export async function checkAll(files: readonly string[], sources: Sources, needs: 'registration' | 'config'): Promise<CheckedFile[]> {
  const checked = await Promise.all(files.map((file) => checkOne(file, sources, needs)));
  const candidates = checked.flatMap(({ config, registration }) =>
    config === undefined ? [] : [{ file: config.file, core: config.core, registration }],
  );
  const conflicts = conflictsBetween(candidates);
  return checked.map((file) => {
    const between = conflicts.filter((conflict) => conflict.file === file.file);
    return { ...file, faults: [...file.faults, ...between.map((conflict) => ({ ...conflict, ...placeIn(file.config, conflict.path) }))] };
  });
}

/** The configs, or one error that holds the faults of all. */
export async function loadAll(files: readonly string[], sources: Sources): Promise<LoadedConfig[]> {
  const checked = await checkAll(files, sources, 'registration');
  const faults = checked.flatMap((file) => file.faults);
  if (faults.length > 0) throw new ConfigFaults(faults);
  return checked.flatMap(({ config }) => (config === undefined ? [] : [config]));
}

interface CheckedOne extends CheckedFile {
  readonly registration?: RegistrationFile;
}

async function checkOne(file: string, sources: Sources, needs: 'registration' | 'config'): Promise<CheckedOne> {
  try {
    const { config, faults, warnings } = await checkConfig(file, optionsOf(sources));
    if (config === undefined) return { file, config, faults, warnings };
    const found = checkRegistration(config, needs);
    return { ...found, warnings: [...warnings, ...found.warnings] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const fault = { file, line: 0, column: 0, path: '', found: error.message, allowed: 'a config', hint: error.remedy };
    return { file, config: undefined, faults: [fault], warnings: [] };
  }
}

function checkRegistration(config: LoadedConfig, needs: 'registration' | 'config'): CheckedOne {
  const { file } = config;
  const path = 'appservice.registration';
  const { registration: where, url } = config.core.appservice;
  const told = (found: string, allowed: string, hint: string): Fault => ({ ...config.place(path), path, found, allowed, hint });
  const remedy = `\`causeway register ${file}\``;
  if (!existsSync(where)) {
    const missing = [told(`no file ${where}`, 'the registration file', `${remedy} writes it`)];
    return { file, config, faults: needs === 'registration' ? missing : [], warnings: needs === 'registration' ? [] : missing };
  }
  try {
    const registration = readRegistrationFile(where);
    const other = networkBeside(registration, config.network.protocol.id);
    if (other !== undefined) {
      const fault = told(`the registration of a bridge to ${other}`, 'one of its own', `name another file, and ${remedy} writes it`);
      return { file, config, faults: [fault], warnings: [], registration };
    }
    const again = `${remedy}, then restart the homeserver`;
    const faults = misfitsOf(registration, config.core).map((misfit) => told(misfit, 'a registration that fits the config', again));
    const warnings = registration.url === url ? [] : [told(`url ${registration.url}`, `${url}, as appservice.url says`, again)];
    return { file, config, faults, warnings, registration };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { file, config, faults: [told(error.message, 'a registration file', error.remedy)], warnings: [] };
  }
}

function placeIn(config: LoadedConfig | undefined, path: string): { file?: string; line: number; column: number } {
  return config === undefined ? { line: 1, column: 1 } : config.place(path);
}
