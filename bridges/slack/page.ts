// A plain page for a person's browser: what came of what they did, and what to do next.

import type { WebAnswer } from '#bridge-core';

const style =
  'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem;color:#1d1c1d;background:#fff}' +
  '@media(prefers-color-scheme:dark){body{color:#eee;background:#1a1d21}}';

export function page(status: number, title: string, words: string, link?: { readonly to: string; readonly label: string }): WebAnswer {
  const body =
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>` +
    `<style>${style}</style><h1>${escaped(title)}</h1><p>${escaped(words)}</p>` +
    `${link === undefined ? '' : `<p><a id="go" href="${escaped(link.to)}">${escaped(link.label)}</a></p>`}</html>`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      'referrer-policy': 'no-referrer',
    },
    body,
  };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
