// `causeway check FILE…`: a report on standard output, and 2 if anything has to be mended.

import { count, printFault } from '../../config/faults.ts';
import type { Sources } from '../../config/sources.ts';
import { checkAll } from './configs.ts';
import { plain } from './report.ts';

export async function check(files: readonly string[], sources: Sources): Promise<number> {
  const checked = await checkAll(files, sources, 'config');
  let isFaulty = false;
  for (const { file, faults, warnings } of checked) {
    for (const warning of warnings) console.log(`warning: ${plain(printFault(warning))}`);
    for (const fault of faults) console.log(plain(printFault(fault)));
    console.log(
      `${file}: ${faults.length === 0 ? 'no faults' : count(faults.length, 'fault')}${warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`}`,
    );
    isFaulty ||= faults.length > 0;
  }
  return isFaulty ? 2 : 0;
}
