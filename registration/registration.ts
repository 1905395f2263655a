// The registration file, which the homeserver and the bridge both read: its shape, reading it with clear faults, writing it
// so that nobody else can read the tokens and a crash leaves the old one whole.

import { chmodSync, chownSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dump, load } from 'js-yaml';
import { z } from 'zod';
import { ConfigError, type CoreSettings, messageOf, type Registration, userId } from '#bridge-core/host';

export type RegistrationFile = z.output<typeof shape>;

const list = z.array(z.looseObject({ exclusive: z.boolean().default(false), regex: z.string().min(1) })).default([]);

/** Other keys are kept as they are: a homeserver may know more than we. */
const shape = z.looseObject({
  id: z.string().min(1),
  url: z.string().nullable(),
  as_token: z.string().min(1),
  hs_token: z.string().min(1),
  sender_localpart: z.string().min(1),
  namespaces: z.looseObject({ users: list, aliases: list, rooms: list }),
});

/** What the bridge uses of it, once it is known to fit the config. */
export function readRegistration(core: CoreSettings): Registration {
  const file = readRegistrationFile(core.appservice.registration);
  const misfits = misfitsOf(file, core);
  if (misfits.length > 0) throw new ConfigError('REGISTRATION_MISMATCH', `${core.appservice.registration}: ${misfits.join('; ')}`);
  const bot = userId(`@${file.sender_localpart}:${core.homeserver.domain}`);
  return { id: file.id, asToken: file.as_token, hsToken: file.hs_token, bot };
}

export function readRegistrationFile(path: string): RegistrationFile {
  let given: unknown;
  try {
    given = load(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ConfigError('REGISTRATION_UNREADABLE', `cannot read the registration ${path}: ${messageOf(error)}`, error);
  }
  const parsed = shape.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  throw new ConfigError('REGISTRATION_UNREADABLE', `${path} is no registration: ${faults.join('; ')}`);
}

/** What would keep the bridge from working with it: the bot, the tokens, or ghosts that it may not make. */
export function misfitsOf(file: RegistrationFile, core: CoreSettings): string[] {
  const misfits: string[] = [];
  const { domain } = core.homeserver;
  if (file.sender_localpart !== core.appservice.botLocalpart) {
    misfits.push(`sender_localpart is ${file.sender_localpart}, the config says ${core.appservice.botLocalpart}`);
  }
  if (file.as_token === file.hs_token) misfits.push('as_token and hs_token are the same');
  const ghost = `@${core.names.ghosts.replace(/\{[a-z]+\}/g, 'a0')}:${domain}`;
  const isOpen = ({ regex }: { readonly regex: string }) => matches(regex, `@anybody:${domain}`);
  if (!file.namespaces.users.some((space) => matches(space.regex, ghost) && !isOpen(space))) {
    misfits.push(`namespaces.users has no place for ghosts such as ${ghost}`);
  }
  if (core.doublePuppeting === 'namespace' && !file.namespaces.users.some((space) => !space.exclusive && isOpen(space)))
    misfits.push(`double_puppeting is namespace, and namespaces.users has no open entry for everybody of ${domain}`);
  return misfits;
}

/** The network that it was made for, if that is another: two bridges in one folder easily name the same file. */
export function networkBeside(file: RegistrationFile, protocol: string): string | undefined {
  const protocols = Array.isArray(file.protocols) ? file.protocols.filter((name) => typeof name === 'string') : [];
  return protocols.length === 0 || protocols.includes(protocol) ? undefined : protocols.join(', ');
}

/** For double puppeting: others may be these users as well, so it is not exclusive. */
export const everybodyOf = (domain: string): { exclusive: false; regex: string } => ({
  exclusive: false,
  regex: `^@[^:]+:${domain.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`,
});

/** As Synapse does: from the start, not necessarily to the end. */
function matches(regex: string, id: string): boolean {
  try {
    return new RegExp(`^(?:${regex})`).test(id);
  } catch {
    return false;
  }
}

/** Readable for its owner alone, unless a file that stood there was readable for others (the homeserver's user) too. */
export function writeRegistrationFile(path: string, file: RegistrationFile, madeBy: string): void {
  const text = `# Made by \`${madeBy}\`. The homeserver needs this file too: name it in its config, and restart it after each change.
# It holds secrets.
${dump(file, { lineWidth: -1 })}`;
  const temporary = `${path}.${process.pid}.new`;
  try {
    rmSync(temporary, { force: true });
    const descriptor = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    takeOverRights(path, temporary);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new ConfigError('REGISTRATION_UNWRITABLE', `cannot write the registration ${path}: ${messageOf(error)}`, error);
  }
}

function takeOverRights(from: string, to: string): void {
  const known = statSync(from, { throwIfNoEntry: false });
  if (known === undefined) return;
  try {
    chownSync(to, known.uid, known.gid);
    chmodSync(to, known.mode & 0o777);
  } catch {
    // Not ours to give away: it stays ours, and private.
  }
}
