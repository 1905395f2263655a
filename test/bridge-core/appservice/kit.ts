// What the tests of this folder share: a log that is read back, a homeserver of each side, a store in a temp folder.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Logger } from '../../../bridge-core/adapter-tools.ts';
import type { Homeserver } from '../../../bridge-core/appservice/homeserver.ts';
import { type HomeserverOptions, openHomeserver } from '../../../bridge-core/appservice/open-homeserver.ts';
import { userId } from '../../../bridge-core/ids.ts';
import { openStore, type SqliteStore } from '../../../bridge-core/store/sqlite.ts';
import { type FakeHomeserver, type FakeHomeserverOptions, startFakeHomeserver } from '../../support/fake-homeserver.ts';

export type LogLine = { level: string; message: string } & Record<string, unknown>;

export function collectingLog(lines: LogLine[] = []): Logger & { readonly lines: LogLine[] } {
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ ...fields, level, message });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => collectingLog(lines) };
}

export async function bothSides(
  t: TestContext,
  options: FakeHomeserverOptions = {},
  ours: Partial<HomeserverOptions> = {},
): Promise<{ fake: FakeHomeserver; homeserver: Homeserver; log: ReturnType<typeof collectingLog> }> {
  const fake = await startFakeHomeserver(options);
  const log = collectingLog();
  const homeserver = openHomeserver({
    url: fake.url,
    domain: fake.domain,
    bot: userId(fake.bot),
    asToken: fake.asToken,
    registrationId: fake.registrationId,
    inFlight: 8,
    log,
    ...ours,
  });
  t.after(async () => {
    await homeserver.close();
    await fake.stop();
  });
  return { fake, homeserver, log };
}

export function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

export function tempStore(t: TestContext): SqliteStore {
  const store = openStore(join(tempFolder(t), 'bridge.db'), (fault) => {
    throw fault;
  });
  t.after(() => store.close());
  return store;
}

/** What a promise rejects with; fails where it does not. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string; after?: number }> {
  try {
    await promise;
  } catch (thrown) {
    return thrown as Error;
  }
  throw new Error('it did not reject');
}

export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
