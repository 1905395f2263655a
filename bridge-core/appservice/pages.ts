// Long text as a page of our own, for networks whose messages are short: readable on a phone and at night, free of scripts,
// under an address that nobody guesses, and gone when its message is.

import { hash, randomBytes } from 'node:crypto';
import type { Web, WebAnswer } from '../adapter-tools.ts';
import type { Block, RichText } from '../format/rich-text.ts';
import { toHtml } from '../format/to-html.ts';
import type { EventId, RoomId } from '../ids.ts';
import type { Store } from '../store/store.ts';

export interface PagesOptions {
  readonly store: Store;
  readonly web: Web;
}

export interface Page {
  readonly room: RoomId;
  readonly event: EventId;
  /** Above the text: who said it, where. */
  readonly title: string;
  /** Plain text is shown as it is written, in the colours of `language` where that is given. */
  readonly body: RichText | string;
  readonly language?: string;
}

export interface Pages {
  /** The address, once the page is on disk; undefined without a public address. */
  publish(page: Page): Promise<string | undefined>;
  /** Ends every page made for the event. Of the room where it was redacted: elsewhere somebody else has the say. */
  revoke(of: Pick<Page, 'room' | 'event'>): Promise<void>;
}

const idBytes = 15;
/** Colouring takes about a millisecond for a thousand characters, in which the bridge does nothing else. */
const longestHighlighted = 50_000;

export function openPages({ store, web }: PagesOptions): Pages {
  const find = store.prepare<{ title: string; html: string; at: number }>('SELECT title, html, at FROM pages WHERE id = ?');

  web.route('GET', '/page/:id', ({ params }): WebAnswer => {
    const page = find.get(params.id ?? '');
    if (page === undefined) return whole(404, 'Nothing here', '<p>There is no such page.</p>');
    if (page.html === '') return whole(410, 'Deleted', '<p>This text was deleted by its author.</p>');
    return whole(200, page.title, page.html, page.at);
  });

  return {
    publish: async ({ room, event, title, body, language }) => {
      const id = randomBytes(idBytes).toString('base64url');
      const url = web.url(`/page/${id}`);
      if (url === undefined) return undefined;
      const html = typeof body === 'string' ? await preformatted(body, language) : await htmlOf(body);
      await store.write(() => {
        store
          .prepare('INSERT INTO pages (id, room, event, title, html, at) VALUES (?, ?, ?, ?, ?, ?)')
          .run(id, room, event, title, html, Date.now());
      });
      return url;
    },

    // The row stays, so that its readers are told, and do not wonder.
    revoke: async ({ room, event }) => {
      await store.write(() => {
        store.prepare("UPDATE pages SET html = '', title = '' WHERE event = ? AND room = ?").run(event, room);
      });
    },
  };
}

async function htmlOf(text: RichText): Promise<string> {
  const parts: string[] = [];
  for (const block of text) parts.push(await htmlOfBlock(block));
  return parts.join('\n');
}

async function htmlOfBlock(block: Block): Promise<string> {
  if (block.is === 'preformatted') return preformatted(block.text, block.language);
  const html = toHtml([block]);
  return block.is === 'paragraph' ? `<p>${html}</p>` : html;
}

async function preformatted(text: string, language: string | undefined): Promise<string> {
  return `<pre><code>${(await highlighted(text, language)) ?? escaped(text)}</code></pre>`;
}

/** Loads the highlighter, and of its languages only the one that is wanted. */
async function highlighted(text: string, language: string | undefined): Promise<string | undefined> {
  const name = aliases[language?.toLowerCase() ?? ''] ?? language?.toLowerCase();
  if (name === undefined || !/^[a-z0-9-]+$/.test(name) || text.length > longestHighlighted) return undefined;
  try {
    const { default: highlighter } = await import('highlight.js/lib/core');
    if (highlighter.getLanguage(name) === undefined) {
      const { default: definition } = await import(`highlight.js/lib/languages/${name}`);
      highlighter.registerLanguage(name, definition);
    }
    return highlighter.highlight(text, { language: name, ignoreIllegals: true }).value;
  } catch {
    return undefined;
  }
}

const aliases: Readonly<Record<string, string>> = {
  js: 'javascript',
  mjs: 'javascript',
  jsx: 'javascript',
  ts: 'typescript',
  tsx: 'typescript',
  py: 'python',
  rb: 'ruby',
  rs: 'rust',
  sh: 'bash',
  zsh: 'bash',
  shell: 'bash',
  yml: 'yaml',
  html: 'xml',
  svg: 'xml',
  'c++': 'cpp',
  'c#': 'csharp',
  cs: 'csharp',
  kt: 'kotlin',
  md: 'markdown',
  golang: 'go',
  toml: 'ini',
  docker: 'dockerfile',
  patch: 'diff',
};

const style = `
:root{color-scheme:light dark;--ink:#1c1e21;--paper:#fdfdfc;--faint:#6b7177;--line:#dcdfe3;--code:#f2f3f1;--link:#0b5cad}
@media(prefers-color-scheme:dark){:root{--ink:#d8dadd;--paper:#17191c;--faint:#8d949b;--line:#34383d;--code:#212428;--link:#79b4f0}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.55 system-ui,sans-serif;overflow-wrap:break-word}
main,header{max-width:46rem;margin:auto;padding:0 1.1rem}
header{padding-top:1.4rem;color:var(--faint);font-size:.9rem;border-bottom:1px solid var(--line);padding-bottom:.7rem}
header h1{font-size:1.05rem;margin:0;color:var(--ink)}
main{padding-top:.6rem;padding-bottom:3rem}
a{color:var(--link)}
pre{background:var(--code);border:1px solid var(--line);border-radius:6px;padding:.8rem;overflow:auto;line-height:1.4}
code{font:.88em/1.4 ui-monospace,Menlo,Consolas,monospace}
:not(pre)>code{background:var(--code);border-radius:3px;padding:.1em .3em}
blockquote{margin:.8rem 0;padding-left:.9rem;border-left:3px solid var(--line);color:var(--faint)}
table{border-collapse:collapse;display:block;overflow:auto}td,th{border:1px solid var(--line);padding:.3rem .6rem;text-align:left}
hr{border:0;border-top:1px solid var(--line)}
[data-mx-spoiler]{background:currentColor;border-radius:3px}[data-mx-spoiler]:hover,[data-mx-spoiler]:focus{background:none}
.hljs-comment,.hljs-quote{color:#6a737d;font-style:italic}
.hljs-keyword,.hljs-selector-tag,.hljs-built_in,.hljs-meta{color:#a626a4}
.hljs-string,.hljs-regexp,.hljs-addition{color:#2f7a2f}
.hljs-number,.hljs-literal,.hljs-attr,.hljs-attribute,.hljs-variable,.hljs-template-variable{color:#986801}
.hljs-title,.hljs-section,.hljs-name,.hljs-type,.hljs-symbol{color:#2d63c8}
.hljs-deletion{color:#b3271e}
@media(prefers-color-scheme:dark){
.hljs-keyword,.hljs-selector-tag,.hljs-built_in,.hljs-meta{color:#d19ae8}
.hljs-string,.hljs-regexp,.hljs-addition{color:#98c379}
.hljs-number,.hljs-literal,.hljs-attr,.hljs-attribute,.hljs-variable,.hljs-template-variable{color:#d9a867}
.hljs-title,.hljs-section,.hljs-name,.hljs-type,.hljs-symbol{color:#7fb2f5}
.hljs-deletion{color:#ef8179}}
`;

/** The one style sheet is allowed by its digest: nothing in a text can bring another. */
const policy = `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox`;

function whole(status: number, title: string, html: string, at?: number): WebAnswer {
  const time = at === undefined ? '' : `<time datetime="${new Date(at).toISOString()}">${new Date(at).toUTCString()}</time>`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
      'x-robots-tag': 'noindex, nofollow',
    },
    body: `<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<header><h1>${escaped(title)}</h1>${time}</header>
<main>${html}</main>
</body>
</html>
`,
  };
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
