// The files that a Synapse for tests and trials is started with: loopback only, no federation, no limits for its people.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dump } from 'js-yaml';

export interface SynapseFiles {
  readonly folder: string;
  readonly domain: string;
  readonly port: number;
  readonly sharedSecret: string;
  /** Paths of application services' registration files. */
  readonly registrations: readonly string[];
  readonly roomVersion: string | undefined;
  /** Where it is reached by other servers, over TLS, and which these may be. Nobody unless given. */
  readonly federation?: Federation | undefined;
  /** Laid over the rest at the top level. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A server called `localhost:PORT` is found by that name alone. */
export interface Federation {
  readonly port: number;
  readonly certFile: string;
  readonly keyFile: string;
  readonly servers: readonly string[];
}

const unlimited = () => ({ per_second: 100_000, burst_count: 100_000 });

const rateLimits = () => ({
  rc_login: { address: unlimited(), account: unlimited(), failed_attempts: unlimited() },
  rc_joins: { local: unlimited(), remote: unlimited() },
  rc_invites: { per_room: unlimited(), per_user: unlimited(), per_issuer: unlimited() },
  rc_presence: { per_user: unlimited() },
  rc_message: unlimited(),
  rc_registration: unlimited(),
  rc_admin_redaction: unlimited(),
  rc_joins_per_room: unlimited(),
  rc_media_create: unlimited(),
  rc_room_creation: unlimited(),
  rc_user_directory: unlimited(),
  rc_reports: unlimited(),
  rc_delayed_event_mgmt: unlimited(),
});

/** Writes all of them and returns the path of the main one. What was there stays the same server: its key is kept. */
export async function writeSynapseFiles(files: SynapseFiles): Promise<string> {
  const inFolder = (name: string) => join(files.folder, name);
  await mkdir(files.folder, { recursive: true });
  if (!existsSync(inFolder('signing.key'))) {
    const seed = randomBytes(32).toString('base64').replaceAll('=', '');
    await writeFile(inFolder('signing.key'), `ed25519 ${keyId()} ${seed}\n`, { mode: 0o600 });
  }
  const config = {
    server_name: files.domain,
    public_baseurl: `http://127.0.0.1:${files.port}/`,
    pid_file: inFolder('homeserver.pid'),
    log_config: inFolder('log.yaml'),
    listeners: [
      {
        port: files.port,
        bind_addresses: ['127.0.0.1'],
        type: 'http',
        tls: false,
        resources: [{ names: ['client', 'federation'], compress: false }],
      },
      ...(files.federation ? [listenerFor(files.federation)] : []),
    ],
    database: { name: 'sqlite3', args: { database: inFolder('homeserver.db') } },
    media_store_path: inFolder('media'),
    signing_key_path: inFolder('signing.key'),
    registration_shared_secret: files.sharedSecret,
    macaroon_secret_key: files.sharedSecret,
    form_secret: files.sharedSecret,
    // A person registers in 15 ms instead of 250.
    bcrypt_rounds: 4,
    report_stats: false,
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    ...federationFor(files.federation),
    url_preview_enabled: false,
    presence: { enabled: true },
    app_service_config_files: files.registrations,
    ...(files.roomVersion ? { default_room_version: files.roomVersion } : {}),
    ...rateLimits(),
    ...files.settings,
  };
  const log = {
    version: 1,
    formatters: { plain: { format: '%(asctime)s %(levelname)s %(name)s: %(message)s' } },
    handlers: { console: { class: 'logging.StreamHandler', formatter: 'plain' } },
    root: { level: 'WARNING', handlers: ['console'] },
    disable_existing_loggers: false,
  };
  await writeFile(inFolder('log.yaml'), dump(log));
  await writeFile(inFolder('homeserver.yaml'), dump(config), { mode: 0o600 });
  return inFolder('homeserver.yaml');
}

function listenerFor({ port }: Federation) {
  return { port, bind_addresses: ['127.0.0.1'], type: 'http', tls: true, resources: [{ names: ['federation'], compress: false }] };
}

/** Certificates of tests are their own authorities, and these servers are all within our net. */
function federationFor(federation: Federation | undefined) {
  if (federation === undefined) return { federation_domain_whitelist: [] };
  return {
    ...{ federation_domain_whitelist: federation.servers, federation_verify_certificates: false, ip_range_blacklist: [] },
    ...{ tls_certificate_path: federation.certFile, tls_private_key_path: federation.keyFile },
  };
}

function keyId(): string {
  return `a_${randomBytes(4).toString('hex')}`;
}
