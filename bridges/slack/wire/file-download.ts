// Files from Slack, streamed: the token goes to Slack's own host and nowhere else, redirects are followed there only, and the page for
// signing in, which Slack gives instead of a file that is not there yet or not allowed, is never taken for the file.

import { Readable, Transform } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { PermanentError, RetryableError } from '#bridge-core';
import { type Asked, connectionFault, SlackRefusal, statusFault } from './faults.ts';
import { isOfSlack } from './response-url.ts';
import type { WebApi } from './web-api.ts';

export interface Download {
  /** `url_private_download` or `url_private`. */
  readonly url: string;
  /** The newest. */
  readonly token: () => string;
  /** Before the first try after a page for signing in: a call by the same token, by which it is renewed, or Slack's word that they may not. */
  readonly unknown?: () => Promise<unknown>;
  /** What Slack said the file is: to tell a page for signing in from a file that is a page. */
  readonly type?: string;
  /** What Slack said: another count is an error of the stream. */
  readonly bytes?: number;
  readonly mostBytes?: number;
  /** ms between tries where the page for signing in comes. */
  readonly pauses?: readonly number[];
}

export interface Downloaded {
  readonly stream: ReadableStream<Uint8Array>;
  readonly type: string | undefined;
  readonly bytes: number | undefined;
}

const asked: Asked = { what: 'fetching a file from Slack', isPost: false };
const mostRedirects = 5;
const usualPauses = [1_000, 5_000, 5_000];

/** Rejects before the stream begins, or fails the stream: half a file is never the whole. */
export async function downloadFile(
  api: WebApi,
  { url, token, unknown, type, bytes, mostBytes, pauses = usualPauses }: Download,
): Promise<Downloaded> {
  // A renewed token has its try at once.
  for (const pause of [...(unknown === undefined ? [] : ['ask' as const]), ...pauses, undefined]) {
    const used = token();
    const { answer, at } = await follow(api, url, (next) => isOfSlack(next, api.apiUrl), used);
    if (!isLoginPage(answer, at, type)) return streamed(answer, bytes, mostBytes);
    await answer.body.dump();
    if (pause === undefined) break;
    if (pause === 'ask') await unknown?.();
    else await delay(pause);
  }
  throw new SlackRefusal('NETWORK_LOGIN', `${asked.what}: Slack asks to sign in; the token may lack files:read, or is not in the channel`, {
    word: 'login_page',
  });
}

/** A picture that anybody may see: a person's, an emoji's. Without a token, and from where Slack keeps such only. */
export async function downloadPicture(api: WebApi, url: string, mostBytes = 8 * 1024 * 1024): Promise<Downloaded> {
  const { answer } = await follow(api, url, (next) => isOfSlack(next, api.apiUrl) || isPictureHost(next), undefined);
  const found = streamed(answer, undefined, mostBytes);
  if (found.type?.startsWith('image/')) return found;
  await found.stream.cancel();
  throw new PermanentError('NETWORK_REFUSED', 'what Slack names as a picture is none');
}

async function follow(
  api: WebApi,
  first: string,
  isAllowed: (url: string) => boolean,
  token: string | undefined,
): Promise<{ readonly answer: Dispatcher.ResponseData; readonly at: string }> {
  let url = first;
  for (let count = 0; count <= mostRedirects; count += 1) {
    if (!isAllowed(url)) throw new PermanentError('NETWORK_REFUSED', `${asked.what}: not a host of Slack's`);
    const answer = await get(api, url, token);
    const { location } = answer.headers;
    if (answer.statusCode === 200) return { answer, at: url };
    await answer.body.dump();
    if (answer.statusCode === 429) throw new RetryableError('NETWORK_BUSY', `${asked.what}: Slack asks to wait`, { after: waitIn(answer) });
    if (answer.statusCode < 300 || answer.statusCode >= 400 || typeof location !== 'string' || !URL.canParse(location, url)) {
      throw statusFault(asked, answer.statusCode);
    }
    url = new URL(location, url).href;
  }
  throw new PermanentError('NETWORK_REFUSED', `${asked.what}: it is sent around in circles`);
}

async function get(api: WebApi, url: string, token: string | undefined): Promise<Dispatcher.ResponseData> {
  const { origin, pathname, search } = new URL(url);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  try {
    return await api.http.agent.request({ origin, path: pathname + search, method: 'GET', headers });
  } catch (thrown) {
    throw connectionFault(asked, thrown);
  }
}

/** A page where no page was to be; or, of a file that is one, the page that Slack sends to, with the way back in its address. */
function isLoginPage(answer: Dispatcher.ResponseData, at: string, type: string | undefined): boolean {
  if (typeIn(answer)?.startsWith('text/html') !== true) return false;
  return type?.startsWith('text/html') !== true || new URL(at).searchParams.has('redir');
}

function streamed(answer: Dispatcher.ResponseData, bytes: number | undefined, mostBytes = Number.POSITIVE_INFINITY): Downloaded {
  const told = Number(answer.headers['content-length'] ?? Number.NaN);
  const expected = Number.isNaN(told) ? bytes : told;
  if ((expected ?? 0) > mostBytes || (bytes !== undefined && expected !== bytes)) {
    answer.body.destroy();
    if ((expected ?? 0) > mostBytes) throw new PermanentError('NETWORK_REFUSED', `${asked.what}: it is larger than ${mostBytes} bytes`);
    throw new RetryableError('NETWORK_UNREACHABLE', `${asked.what}: ${expected} bytes came for ${bytes}`);
  }
  let count = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      count += chunk.length;
      if (count > mostBytes) done(new PermanentError('NETWORK_REFUSED', `${asked.what}: it is larger than ${mostBytes} bytes`));
      else done(null, chunk);
    },
    flush(done) {
      if (expected === undefined || count === expected) done();
      else done(new RetryableError('NETWORK_UNREACHABLE', `${asked.what}: ${count} bytes came for ${expected}`));
    },
  });
  answer.body.on('error', (thrown) => counting.destroy(connectionFault(asked, thrown)));
  counting.on('close', () => answer.body.destroy());
  return { stream: Readable.toWeb(answer.body.pipe(counting)) as ReadableStream<Uint8Array>, type: typeIn(answer), bytes: expected };
}

function typeIn(answer: Dispatcher.ResponseData): string | undefined {
  const type = answer.headers['content-type'];
  return typeof type === 'string' ? type : undefined;
}

function waitIn(answer: Dispatcher.ResponseData): number {
  return Number(answer.headers['retry-after']) * 1000 || 5_000;
}

/** Where Slack keeps avatars and emoji, and the two that its default avatars come from. */
export function isPictureHost(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username } = new URL(url);
  return protocol === 'https:' && username === '' && /^(?:[\w-]+\.slack-edge\.com|secure\.gravatar\.com|i[0-9]\.wp\.com)$/.test(hostname);
}
