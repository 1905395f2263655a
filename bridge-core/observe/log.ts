// The log: JSON lines, or readable ones on a terminal. Secrets are struck out by the name of their field, and in every line
// where an address or a header would show one.

import { createRequire } from 'node:module';
import pino, { type DestinationStream } from 'pino';
import type { Logger } from '../adapter-tools.ts';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'auto' | 'json' | 'pretty';
  /** Absent: standard output. */
  readonly destination?: DestinationStream;
}

const secretFields = [
  'access_token',
  'accessToken',
  'as_token',
  'asToken',
  'hs_token',
  'hsToken',
  'metricsToken',
  'token',
  'password',
  'secret',
  'credentials',
  'authorization',
  'Authorization',
  'cookie',
];

/** Where a secret stands in the middle of a text: query parameters, an Authorization header, IRC's own words for it. */
const secretsInText =
  /((?:access_token|as_token|hs_token|\btoken|password|client_secret|[?&](?:code|state))=)[^&\s"'\\]+|(\bBearer\s+)[\w.~+/=-]+|(\b(?:PASS|OPER \S+|AUTHENTICATE|IDENTIFY(?: \S+)?)\s+):?[^\s"\\]+/g;
const censor = '[secret]';

export function openLog({ level, format, destination }: LogOptions): Logger {
  const isPretty = format === 'pretty' || (format === 'auto' && destination === undefined && process.stdout.isTTY === true);
  // Synchronous: what was logged before a crash is what one wants to read after it.
  const out = destination ?? pino.destination({ dest: 1, sync: true });
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor },
      hooks: { streamWrite: strikeOut },
    },
    isPretty ? readable(out, destination === undefined) : out,
  );
}

/** For every line that leaves: in a log there is no harmless place for a secret. */
export function strikeOut(line: string): string {
  return line.replace(secretsInText, (_all, parameter, bearer, command) => `${parameter ?? bearer ?? command}${censor}`);
}

/** Loaded only where somebody looks on. */
function readable(out: DestinationStream, colorize: boolean): DestinationStream {
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  const format = prettyFactory({
    colorize,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'bridge',
    messageFormat: (fields, key) => (fields.bridge === undefined ? `${fields[key]}` : `${fields.bridge}: ${fields[key]}`),
  });
  return { write: (line) => out.write(format(line)) };
}
