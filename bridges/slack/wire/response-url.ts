// Answers to a command or button after the fact: a POST to the address that came with it, on a host of Slack's and nowhere else.

import type { Dispatcher } from 'undici';
import { PermanentError } from '#bridge-core';
import { connectionFault, statusFault } from './faults.ts';
import type { WebApi } from './web-api.ts';

/** Errors name no address: it is as good as a password. */
const asked = { what: 'answering at the response address', isPost: false };

export async function respondAt(api: Pick<WebApi, 'apiUrl' | 'http'>, url: string, body: object): Promise<void> {
  if (!isOfSlack(url, api.apiUrl)) throw new PermanentError('NETWORK_REFUSED', 'the response address is not one of Slack');
  let answer: Dispatcher.ResponseData;
  const { origin, pathname, search } = new URL(url);
  try {
    answer = await api.http.agent.request({
      origin,
      path: pathname + search,
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(body),
    });
    await answer.body.dump();
  } catch (thrown) {
    throw connectionFault(asked, thrown);
  }
  if (answer.statusCode !== 200) throw statusFault(asked, answer.statusCode);
}

/** On the API's own host, or below slack.com by TLS. */
export function isOfSlack(url: string, apiUrl: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, host, hostname, username } = new URL(url);
  const api = new URL(apiUrl);
  if (username !== '') return false;
  if (host === api.host && protocol === api.protocol) return true;
  const root = rootOf(api.hostname);
  return protocol === 'https:' && root !== undefined && rootOf(hostname) === root;
}

function rootOf(hostname: string): string | undefined {
  return /(?:^|\.)(slack(?:-gov)?\.com)$/.exec(hostname)?.[1];
}

/** By which whoever knows it may speak in a channel. */
export const isIncomingWebhook = (url: string, apiUrl: string): boolean =>
  isOfSlack(url, apiUrl) && new URL(url).pathname.startsWith('/services/');
