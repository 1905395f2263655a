// What may have arrived is said once more, and no third time, where the network cannot be asked for it: told to its sender instead. Where
// it can (`sent`), it is asked for before each repetition, and there is nothing to limit.

import type { Session } from '../adapter.ts';
import { PermanentError, UnknownOutcomeError } from '../errors.ts';
import type { Json } from '../remote-event.ts';
import type { Row } from './row.ts';

/** Notes the doubt on the row, which is saved before the next try; counted for each part of it. */
export async function onceMore<Body extends Json, Result>(
  row: Row,
  session: Pick<Session<Body>, 'sent'>,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (thrown) {
    if (!(thrown instanceof UnknownOutcomeError) || session.sent !== undefined) throw thrown;
    const part = row.progress.proved?.length ?? 0;
    if (row.progress.doubted === part) throw new PermanentError(thrown.code, thrown.message, thrown);
    row.progress = { ...row.progress, doubted: part };
    throw thrown;
  }
}
