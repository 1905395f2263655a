// `npm run bench`: what the bridge costs and keeps, beside the floor of the same run. Names pick parts of it; `--json` prints
// the figures as JSON.

import { measureCrash } from './crash.ts';
import { measureGitter } from './gitter.ts';
import { measurePuppets } from './memory.ts';
import { measureOutages } from './outages.ts';
import { header, Report } from './report.ts';
import { measureSlack } from './slack.ts';
import { measureStartUp } from './start-up.ts';
import { measureManyRooms, measureOneRoom, measureSlowHomeserver } from './throughput.ts';

const parts: Readonly<Record<string, (report: Report) => Promise<void>>> = {
  'one-room': measureOneRoom,
  'many-rooms': measureManyRooms,
  'slow-homeserver': measureSlowHomeserver,
  puppets: measurePuppets,
  'start-up': measureStartUp,
  crash: measureCrash,
  outages: measureOutages,
  slack: measureSlack,
  gitter: measureGitter,
};

// npm that is killed outright cannot tell us.
const parent = process.ppid;
if (process.env.npm_lifecycle_event === 'bench') {
  setInterval(() => {
    if (process.ppid !== parent) process.exit(1);
  }, 500).unref();
}

const given = process.argv.slice(2);
const isJson = given.includes('--json');
const wanted = given.filter((word) => !word.startsWith('--'));
const unknown = [...wanted.filter((word) => !(word in parts)), ...given.filter((word) => word.startsWith('--') && word !== '--json')];
if (unknown.length > 0) {
  process.stderr.write(`bench: there is no ${unknown.join(', ')}; there is ${Object.keys(parts).join(', ')} and --json\n`);
  process.exit(2);
}

const report = new Report(isJson);
if (!isJson) process.stdout.write(`${header}\n`);
for (const [name, measure] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  report.say(`— ${name}`);
  try {
    await measure(report);
  } catch (thrown) {
    report.add({ figure: name, value: `failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`, met: false, raw: {} });
  }
}
process.exitCode = report.finish() ? 0 : 1;
