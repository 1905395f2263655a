// `causeway register FILE`: the registration is made, or brought up to date with the config, and what changed is told.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError, messageOf } from '#bridge-core/host';
import type { Sources } from '../../config/sources.ts';
import { generateRegistration } from '../../registration/generate.ts';
import { networkBeside, type RegistrationFile, readRegistrationFile, writeRegistrationFile } from '../../registration/registration.ts';
import { load } from './configs.ts';

export async function register(file: string, sources: Sources, output: string | undefined): Promise<number> {
  const { core, network } = await load(file, sources);
  const path = output === undefined ? core.appservice.registration : resolve(output);
  const existing = existsSync(path) ? readExisting(path) : undefined;
  const other = existing === undefined ? undefined : networkBeside(existing, network.protocol.id);
  if (other !== undefined)
    throw new ConfigError(
      'REGISTRATION_MISMATCH',
      `${path} is the registration of a bridge to ${other}, and stays as it is. Name another file as appservice.registration in ${file}`,
    );
  const generated = await generateRegistration(core, network, existing);
  if (existing !== undefined && generated.changes.length === 0) {
    console.log(`${path} is up to date.`);
    return 0;
  }
  writeRegistrationFile(path, generated.file, `causeway register ${file}`);
  if (existing === undefined) console.log(`${path} is written.`);
  else console.log(`${path} is brought up to date; id and tokens stay.\n${generated.changes.map((change) => `  ${change}`).join('\n')}`);
  console.log('Name it in the config of the homeserver (Synapse: app_service_config_files) and restart the homeserver.');
  console.log('It holds secrets: only the bridge and the homeserver may read it.');
  if (path !== core.appservice.registration)
    console.log(`The config names another: ${core.appservice.registration}. The bridge reads that one.`);
  return 0;
}

function readExisting(path: string): RegistrationFile {
  try {
    return readRegistrationFile(path);
  } catch (error) {
    throw new ConfigError('REGISTRATION_UNWRITABLE', `${messageOf(error)}. Nothing was written; move it away first`, error);
  }
}
