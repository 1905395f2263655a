// From a text to what Gitter shows: a subset of its markdown (an old `marked` with line breaks on and HTML off) with mentions, issues and
// links as it marks them up. Kept oddities: `#word` is a heading, `2 * 3 * 4` is emphasis, a backslash before `@` escapes nothing, emoji
// stay `:name:`. Unverified: that a single paragraph has no `<p>`; the attributes of pictures. Not here: tables, maths, nested lists.

import hljs from 'highlight.js';
import { escapeHtml } from './http.ts';
import type { Issue, Mention, Rendered, User } from './model.ts';

interface Gathered {
  readonly find: (username: string) => User | undefined;
  readonly mentions: Mention[];
  readonly issues: Issue[];
  readonly urls: { readonly url: string }[];
}

/** `find`: who is meant by a name. */
export function render(text: string, find: (username: string) => User | undefined): Rendered {
  const gathered: Gathered = { find, mentions: [], issues: [], urls: [] };
  const { mentions, issues, urls } = gathered;
  return { html: blocks(text.replace(/\r\n?/g, '\n'), gathered), mentions, issues, urls };
}

const block =
  /^(?<fence>```+)[ \t]*(?<language>[\w+#-]*)[^\n]*\n(?<code>[\s\S]*?)(?:\n?\k<fence>[ \t]*(?=\n|$)|$)|^(?<quote>(?:>[^\n]*(?:\n|$))+)|^(?<level>#{1,6})[ \t]*(?<heading>[^\s#\d][^\n]*|[ \t]\d[^\n]*)|^(?<list>(?:[ \t]{0,3}(?:[-+*]|\d+\.)[ \t]+[^\n]+(?:\n|$))+)|^(?<rule>(?:-{3,}|\*{3,}|_{3,}))[ \t]*(?=\n|$)/;

function blocks(text: string, gathered: Gathered): string {
  const parts: { readonly isParagraph: boolean; readonly html: string }[] = [];
  let paragraph: string[] = [];
  const endParagraph = () => {
    const html = inline(paragraph.join('\n').trim(), gathered);
    if (html !== '') parts.push({ isParagraph: true, html });
    paragraph = [];
  };
  for (let rest = text; rest !== ''; ) {
    const found = block.exec(rest);
    if (found?.groups !== undefined) {
      endParagraph();
      parts.push({ isParagraph: false, html: blockOf(found.groups, gathered) });
      rest = rest.slice(found[0].length).replace(/^\n/, '');
      continue;
    }
    const end = rest.indexOf('\n');
    const line = end < 0 ? rest : rest.slice(0, end);
    if (line.trim() === '') endParagraph();
    else paragraph.push(line);
    rest = end < 0 ? '' : rest.slice(end + 1);
  }
  endParagraph();
  if (parts.length === 1 && parts[0]?.isParagraph) return parts[0].html;
  return parts.map(({ isParagraph, html }) => (isParagraph ? `<p>${html}</p>` : html)).join('');
}

function blockOf(found: Readonly<Record<string, string | undefined>>, gathered: Gathered): string {
  const { code, language = '', quote, level, heading, list } = found;
  if (code !== undefined) return `<pre><code${language === '' ? '' : ` class="${language}"`}>${coloured(code, language)}</code></pre>`;
  if (quote !== undefined) return `<blockquote>${blocks(quote.replace(/^> ?/gm, '').trimEnd(), gathered)}</blockquote>`;
  if (level !== undefined) return `<h${level.length}>${inline((heading ?? '').trim(), gathered)}</h${level.length}>`;
  if (list === undefined) return '<hr>';
  const tag = /^\s*\d/.test(list) ? 'ol' : 'ul';
  const items = list.trimEnd().split('\n');
  const shown = items.map((item) => `<li>${inline(item.replace(/^\s*(?:[-+*]|\d+\.)\s+/, ''), gathered)}</li>`);
  return `<${tag}>${shown.join('')}</${tag}>`;
}

function coloured(code: string, language: string): string {
  return hljs.getLanguage(language) === undefined ? escapeHtml(code) : hljs.highlight(code, { language }).value;
}

const span =
  /\\(?<escaped>[\\`*{}[\]()#+\-.!_>~|])|(?<tick>`+)(?<code>[\s\S]*?[^`])\k<tick>(?!`)|(?<picture>!?)\[(?<label>[^[\]\n]*)\]\((?<target>[^\s()]+(?:\([^\s()]*\)[^\s()]*)?)(?:\s+"[^"\n]*")?\)|(?<url>https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]*_~])|\*\*(?<strong>[\s\S]+?)\*\*(?!\*)|(?<![\w])__(?<strong2>[\s\S]+?)__(?![\w])|\*(?<em>(?:[^*]|\*\*)+?)\*(?!\*)|(?<![\w])_(?<em2>[^_]+)_(?![\w])|~~(?<gone>[\s\S]+?)~~|(?<![\w/])@(?<mention>\/all\b|[A-Za-z0-9][\w-]*)|(?<![\w&/])(?<repo>[\w.-]+\/[\w.-]+)?#(?<issue>\d+)\b|(?<line>\n)/g;

function inline(text: string, gathered: Gathered): string {
  let html = '';
  let last = 0;
  for (const found of text.matchAll(span)) {
    html += escapeHtml(text.slice(last, found.index));
    html += spanOf(found.groups ?? {}, gathered);
    last = found.index + found[0].length;
  }
  return html + escapeHtml(text.slice(last));
}

function spanOf(found: Readonly<Record<string, string | undefined>>, gathered: Gathered): string {
  const { escaped, code, label, target, picture, url, gone, mention, issue, repo } = found;
  const strong = found.strong ?? found.strong2;
  const em = found.em ?? found.em2;
  if (escaped !== undefined) return escapeHtml(escaped);
  if (code !== undefined) return `<code>${escapeHtml(code.trim())}</code>`;
  if (target !== undefined) return picture === '!' ? pictureOf(target, label ?? '') : link(target, inline(label ?? '', gathered), gathered);
  if (url !== undefined) return link(url, escapeHtml(url), gathered);
  if (strong !== undefined) return `<strong>${inline(strong, gathered)}</strong>`;
  if (em !== undefined) return `<em>${inline(em, gathered)}</em>`;
  if (gone !== undefined) return `<del>${inline(gone, gathered)}</del>`;
  if (mention !== undefined) return mentionOf(mention, gathered);
  if (issue !== undefined) return issueOf(issue, repo, gathered);
  return '<br>';
}

function link(target: string, label: string, gathered: Gathered): string {
  if (!/^(?:https?:|mailto:|irc:|\/|#)/i.test(target)) return label;
  gathered.urls.push({ url: target });
  return `<a href="${escapeHtml(target)}" rel="nofollow noopener noreferrer" target="_blank" class="link">${label}</a>`;
}

function pictureOf(target: string, label: string): string {
  return /^https?:/i.test(target) ? `<img src="${escapeHtml(target)}" alt="${escapeHtml(label)}" rel="nofollow">` : escapeHtml(label);
}

function mentionOf(name: string, { find, mentions }: Gathered): string {
  if (name === '/all') {
    mentions.push({ screenName: 'all', group: true, announcement: true, userIds: [] });
    return '<span data-link-type="groupmention" data-group-name="all" class="groupmention announcement">@/all</span>';
  }
  const user = find(name);
  mentions.push({ screenName: name, ...(user !== undefined && { userId: user.id }), userIds: [] });
  return `<span data-link-type="mention" data-screen-name="${name}" class="mention">@${name}</span>`;
}

function issueOf(number: string, repo: string | undefined, { issues }: Gathered): string {
  issues.push({ number, ...(repo !== undefined && { repo }) });
  const where = repo === undefined ? '' : ` data-issue-repo="${escapeHtml(repo)}"`;
  return `<span data-link-type="issue" data-issue="${number}"${where} class="issue">${escapeHtml(repo ?? '')}#${number}</span>`;
}
