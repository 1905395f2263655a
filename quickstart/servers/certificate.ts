// A self-signed certificate for a server on the loopback, made by openssl.

import { join } from 'node:path';
import { SetupError } from './processes.ts';
import { runCommand } from './run-command.ts';

export interface Certificate {
  /** PEM; being self-signed, it is its own CA. */
  readonly certFile: string;
  readonly keyFile: string;
}

/** Also for clients: `name` is then who they say they are. Files are called after it. */
export async function makeCertificate(folder: string, name: string): Promise<Certificate> {
  const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const made = await runCommand('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'],
    ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},DNS:localhost,IP:127.0.0.1`],
    ...['-keyout', keyFile, '-out', certFile],
  ]);
  if (made.code !== 0) throw new SetupError(`openssl could not make a certificate: ${made.output.trim()}`);
  return { certFile, keyFile };
}
