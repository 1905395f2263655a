// `causeway links FILE`

import type { Sources } from '../../config/sources.ts';
import { loadStore } from './configs.ts';
import { ask } from './records.ts';
import { plain } from './report.ts';

interface LinkRow {
  readonly id: number;
  readonly room: string;
  readonly channel: string;
  readonly state: string;
  readonly origin: string;
  readonly reason?: string;
}

export async function listLinks(file: string, sources: Sources, asJson: boolean): Promise<number> {
  const core = await loadStore(file, sources);
  const links = (await ask(core, { verb: 'links', offline: (store) => store.links() })) as unknown as readonly LinkRow[];
  if (asJson) console.log(JSON.stringify(links, null, 2));
  else if (links.length === 0) console.log('No links.');
  else
    for (const line of table(
      links.map(({ id, state, room, channel, origin, reason }) => [String(id), state, room, '↔', channel, origin, reason ?? '']),
    ))
      console.log(line);
  return 0;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const clean = rows.map((row) => row.map((cell) => plain(cell).replaceAll('\n', ' ')));
  const widths = (clean[0] ?? []).map((_, column) => Math.max(...clean.map((row) => row[column]?.length ?? 0)));
  return clean.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
