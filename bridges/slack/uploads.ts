// A file of Matrix's, brought to Slack and shown in a channel. How the bytes go is wire/'s; whose file it is stands in the words beside
// it, for Slack shows a file under the name of whoever brings it.

import { type MatrixFile, PermanentError } from '#bridge-core';
import type { SlackBody } from './body.ts';
import type { Voice } from './posting.ts';
import type { WebApi } from './wire/web-api.ts';

export interface Upload {
  readonly voice: Voice;
  readonly file: MatrixFile;
  readonly channel: string;
  readonly thread: string | undefined;
  readonly comment: SlackBody;
  /** Called with the file's id before it is shown, and waited for. */
  readonly named: (id: string) => Promise<void>;
}

/** The file's id. */
export type UploadFile = (upload: Upload) => Promise<string>;

export async function uploadFile(_api: WebApi, _upload: Upload): Promise<string> {
  throw new PermanentError('UNSUPPORTED', 'no file is carried here');
}
