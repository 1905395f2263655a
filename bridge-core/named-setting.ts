// Settings under names that whoever writes the config gives: the schema that the core's own section and every network's share.

import { z } from 'zod';

/** The names are looked at beside the values: a schema of their own would hide every fault below a bad name. */
export const named = <Value extends z.ZodType>(value: Value, form: RegExp, allowed: string) =>
  z.record(z.string(), value).superRefine(
    (entries, context) => {
      for (const name of Object.keys(Object(entries))) {
        if (form.test(name)) continue;
        const params = { part: 'key', found: `the name ${JSON.stringify(name)}`, allowed };
        context.addIssue({ code: 'custom', message: 'bad name', path: [name], params });
      }
    },
    { when: () => true },
  );
