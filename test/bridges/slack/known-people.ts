// Whom and what the formatter's tests know in the workspace T1.

import type { FormatterNames } from '../../../bridges/slack/formatter.ts';

const people: Readonly<Record<string, string>> = { U0ALICE: 'Alice', U0BOB: 'Bob' };
const emoji: Readonly<Record<string, string>> = {
  party_parrot: 'https://emoji.example.org/T1/parrot/1.gif',
  party: 'alias:tada',
  dance: 'alias:party_parrot',
  'dance-again': 'alias:dance',
  here_and: 'alias:back_again',
  back_again: 'alias:here_and',
  broken: 'alias:nothing',
  insecure: 'http://emoji.example.org/x.gif',
};

const inT1 =
  (table: Readonly<Record<string, string>>) =>
  (team: string, name: string): string | undefined =>
    team === 'T1' && Object.hasOwn(table, name) ? table[name] : undefined;

export const names: FormatterNames = {
  user: inT1(people),
  channel: inT1({ C0GENERAL: 'general' }),
  usergroup: inT1({ S0OPS: 'ops' }),
  emoji: inT1(emoji),
};
