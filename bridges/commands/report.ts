// How a command says that it failed: what happened, what to do, and nothing of the code's own affairs unless asked.

import { BridgeError, messageOf } from '#bridge-core/host';

export function printError(error: unknown, isVerbose: boolean): void {
  if (error instanceof BridgeError) console.error(`${error.code}: ${plain(error.message)}\n${error.remedy}`);
  else
    console.error(
      `An error that the bridge does not know: ${plain(messageOf(error))}${isVerbose ? '' : '\n--verbose shows where it arose.'}`,
    );
  if (isVerbose) console.error(error);
}

export function exitCodeOf(error: unknown): number {
  const isConfig = error instanceof BridgeError && /^(?:CONFIG|REGISTRATION)_/.test(error.code);
  return isConfig ? 2 : 1;
}

/** What others wrote must not steer the terminal. */
export function plain(text: string): string {
  return text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, '\uFFFD');
}
