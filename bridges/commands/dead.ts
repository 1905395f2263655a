// `causeway dead FILE [--retry]`: messages that were given up, and a second chance for them.

import { count } from '../../config/faults.ts';
import type { Sources } from '../../config/sources.ts';
import { loadStore } from './configs.ts';
import { ask } from './records.ts';
import { plain } from './report.ts';

interface DeadRow {
  readonly seq: number;
  readonly direction: 'to-matrix' | 'to-network';
  readonly link: string;
  readonly at: number;
  readonly error: string;
  readonly sender: string;
  readonly text: string;
}

export async function listDead(file: string, sources: Sources, asJson: boolean): Promise<number> {
  const core = await loadStore(file, sources);
  const rows = (await ask(core, { verb: 'dead', offline: (store) => store.dead() })) as unknown as readonly DeadRow[];
  if (asJson) console.log(JSON.stringify(rows, null, 2));
  else if (rows.length === 0) console.log('No message was given up.');
  else {
    for (const row of rows) console.log(describe(row));
    console.log(`${count(rows.length, 'message')} not delivered; \`causeway dead ${file} --retry\` delivers late.`);
  }
  return 0;
}

export async function retryDead(file: string, sources: Sources): Promise<number> {
  const core = await loadStore(file, sources);
  const answer = (await ask(core, { verb: 'retry', offline: (store) => store.retry() })) as { readonly count: number };
  console.log(answer.count === 0 ? 'No message was given up.' : `${count(answer.count, 'message')} will be delivered, late.`);
  return 0;
}

function describe({ seq, direction, link, at, error, sender, text }: DeadRow): string {
  const when = new Date(at).toISOString().slice(0, 19).replace('T', ' ');
  const oneLine = (words: string) => plain(words).replace(/\s+/g, ' ').trim();
  const said = oneLine(text);
  const words = `${oneLine(sender)}: ${said.length > 120 ? `${said.slice(0, 120)}…` : said}`;
  return `${seq}  ${direction === 'to-matrix' ? 'to Matrix' : 'to the network'}  ${when}  ${oneLine(link)}\n    ${words}\n    ${oneLine(error)}`;
}
