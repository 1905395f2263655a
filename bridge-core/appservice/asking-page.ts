// Plain pages for a person's browser: what came of what they did, and, before anything is done in their name, a page that asks. What fetches an
// address without anybody looking (a preview) uses nothing up, and no page of a stranger's can answer ours in somebody's browser.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { WebAnswer, WebRequest } from '../adapter-tools.ts';
import { formIn } from './posted-form.ts';

export interface Asking {
  readonly title: string;
  readonly words: string;
  /** On the button. */
  readonly label: string;
  /** Of the page itself, which the answer comes to as a POST. */
  readonly url: string;
  /** The name of what the browser bears from then on, a network's own. */
  readonly cookie: string;
  /** How long that lasts, in seconds. */
  readonly lifetime: number;
}

const style =
  'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem;color:#1d1c1d;background:#fff}' +
  'button{font:inherit;padding:.4rem .8rem}@media(prefers-color-scheme:dark){body{color:#eee;background:#1a1d21}}';

export function toldPage(status: number, title: string, words: string): WebAnswer {
  return page(status, title, words, '');
}

export function askingPage({ headers }: Pick<WebRequest, 'headers'>, { title, words, label, url, cookie, lifetime }: Asking): WebAnswer {
  const browser = browserIn({ headers }, cookie) ?? randomBytes(18).toString('base64url');
  const form = `<form method="post"><input type="hidden" name="browser" value="${browser}"><button id="go">${escaped(label)}</button></form>`;
  const answer = page(200, title, words, form);
  const safely = url.startsWith('https:') ? '; Secure' : '';
  // Lax: it is there on the way back from another site, and not with what another site has posted.
  const borne = `${cookie}=${browser}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${lifetime}${safely}`;
  return { ...answer, headers: { ...answer.headers, 'set-cookie': borne } };
}

/** What the browser bears that was asked by our page. */
export function browserIn({ headers }: Pick<WebRequest, 'headers'>, cookie: string): string | undefined {
  const found = (headers.cookie ?? '').split(/;\s*/).find((each) => each.startsWith(`${cookie}=`));
  const browser = found?.slice(cookie.length + 1) ?? '';
  return /^[\w-]{24}$/.test(browser) ? browser : undefined;
}

/** The same, where the answer was given on our page and in that browser. */
export function agreedIn(request: Pick<WebRequest, 'headers' | 'body'>, cookie: string): string | undefined {
  const browser = browserIn(request, cookie);
  const given = formIn(request.body).get('browser') ?? '';
  return browser !== undefined && isSameBrowser(browser, given) ? browser : undefined;
}

export function isSameBrowser(one: string, other: string | undefined): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other ?? '')];
  return a.length === b.length && timingSafeEqual(a, b);
}

function page(status: number, title: string, words: string, more: string): WebAnswer {
  const body =
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>` +
    `<style>${style}</style><h1>${escaped(title)}</h1><p>${escaped(words)}</p>${more}</html>`;
  const headers = {
    ...{ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  };
  return { status, headers, body };
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
