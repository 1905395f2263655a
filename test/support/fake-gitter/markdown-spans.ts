// What stands within a line of Gitter's markdown: emphasis, code, links, pictures, mentions, issues, commits, addresses (see markdown.ts for
// whose rules these are). Kept oddities: `2 * 3 * 4` is emphasis, as is `a_b_ c`; a backslash before `@` escapes nothing; every
// `@name` is a mention, known or not, and every `#1` an issue; links to GitHub's issues and commits are shown as such; HTML is shown as text.

import { escapeHtml } from './http.ts';
import type { Issue, Mention, User } from './model.ts';

export interface Gathered {
  readonly find: (username: string) => User | undefined;
  readonly mentions: Mention[];
  readonly issues: Issue[];
  readonly urls: { readonly url: string }[];
}

type Found = Readonly<Record<string, string | undefined>>;

/** In the order in which they win at one place. */
const alternatives = [
  /\\(?<escaped>[\\`*{}[\]()#+\-.!_>~|])/,
  /__(?<strong>[\s\S]+?)__(?!_)/,
  /\*\*(?<strong2>[\s\S]+?)\*\*(?!\*)/,
  /_(?<em>(?:[^_]|__)+?)_(?!\w)/,
  /\*(?<em2>(?:[^*]|\*\*)+?)\*(?!\*)/,
  /(?<tick>`+)(?<code>[\s\S]*?[^`])\k<tick>(?!`)/,
  /@(?<mention>[\w-]+)/,
  /(?<commitRepo>[\w.-]{1,64}\/[\w.-]{1,64})@(?<sha>[a-f0-9]{7,40})/,
  /(?<email>[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-zA-Z0-9][a-zA-Z0-9-]*(?:\.[a-zA-Z0-9-]+)*)/,
  /@\/(?<group>[\w-]+)/,
  /(?<repo>[\w.-]{1,64}\/[\w.-]{1,64})?#(?<issue>\d+)/,
  /(?<url>https?:\/\/[^\s<]+[^<.,:;"'\]\s])/,
  /(?<bare>\bwww\d{0,3}\.[^\s()<>]*[^\s`!()[\]{};:'".,<>?]|\b[a-z0-9.-]{1,64}\.[a-z]{2,4}\/[^\s()<>]*[^\s`!()[\]{};:'".,<>?])/,
  /(?<picture>!?)\[(?<label>[^[\]\n]*)\]\(\s*(?<target>[^\s()]+(?:\([^\s()]*\)[^\s()]*)?)(?:\s+"(?<title>[^"\n]*)")?\s*\)/,
  /~~(?=\S)(?<gone>[\s\S]*?\S)~~/,
  / *(?<line>\n)(?!\s*$)/,
];
const span = new RegExp(alternatives.map(({ source }) => source).join('|'), 'g');

export function spans(text: string, gathered: Gathered): string {
  // Its own place in the text, since what is found is read in turn.
  const pattern = new RegExp(span);
  let html = '';
  let last = 0;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    const before = text.slice(last, found.index);
    const groups: Found = found.groups ?? {};
    last = pattern.lastIndex;
    // A bracket that opened before the link closes after it.
    const isBracketed = groups.url?.endsWith(')') === true && before.lastIndexOf('(') > before.lastIndexOf(')');
    if (isBracketed) {
      last -= 1;
      pattern.lastIndex = last;
    }
    html += escapeHtml(before) + (isBracketed ? link(groups.url?.slice(0, -1) ?? '', undefined, gathered) : shown(groups, gathered));
  }
  return html + escapeHtml(text.slice(last));
}

function shown(found: Found, gathered: Gathered): string {
  const { escaped, code, mention, group, email, issue, repo, sha, commitRepo, gone } = found;
  const strong = found.strong ?? found.strong2;
  const em = found.em ?? found.em2;
  const url = found.url ?? found.bare;
  if (escaped !== undefined) return escapeHtml(escaped);
  if (strong !== undefined) return `<strong>${spans(strong, gathered)}</strong>`;
  if (em !== undefined) return `<em>${spans(em, gathered)}</em>`;
  if (code !== undefined) return `<code>${escapeHtml(code.trim())}</code>`;
  if (mention !== undefined) return mentionOf(mention, gathered);
  if (sha !== undefined) return commitOf(commitRepo ?? '', sha);
  if (email !== undefined) return emailOf(email, gathered);
  if (group !== undefined) return groupOf(group, gathered);
  if (issue !== undefined) return issueOf(issue, repo, gathered);
  if (url !== undefined) return link(url, undefined, gathered);
  if (found.target !== undefined) return linkOrPicture(found, gathered);
  return gone === undefined ? '<br>' : `<del>${spans(gone, gathered)}</del>`;
}

function linkOrPicture({ picture, label = '', target = '', title }: Found, gathered: Gathered): string {
  if (picture !== '!') return link(target, spans(label, { ...gathered, urls: [] }), gathered);
  const href = safe(target);
  gathered.urls.push({ url: href });
  const named = title === undefined ? '' : ` title="${escapeHtml(title)}"`;
  return `<img src="${escapeHtml(href)}"${named} alt="${escapeHtml(label)}" rel="nofollow">`;
}

function link(target: string, label: string | undefined, gathered: Gathered): string {
  const href = safe(target);
  const [, repo = '', kind, id = ''] =
    /^https?:\/\/github\.com\/([^/#?]+\/[^/#?]+)\/(issues|pull|commit)\/([1-9]\d*|[a-f0-9]+)(?:\?.*)?$/.exec(href) ?? [];
  if (kind === 'commit') return commitOf(repo, id);
  if (kind !== undefined && /^\d+$/.test(id)) return issueOf(id, repo, gathered);
  gathered.urls.push({ url: href });
  const text = label ?? escapeHtml(target);
  return `<a href="${escapeHtml(href)}" rel="nofollow noopener noreferrer" target="_blank" class="link">${text}</a>`;
}

/** Scripts are led astray, and what has no scheme gets one. */
function safe(target: string): string {
  if (/^(?:javascript|data):/i.test(target)) return 'https://goo.gl/7NDM3x';
  return /^(?:https?:)?\/\//i.test(target) ? target : `http://${target}`;
}

function emailOf(address: string, { urls }: Gathered): string {
  urls.push({ url: `mailto:${address}` });
  return `<a href="mailto:${escapeHtml(address)}" rel="nofollow">${escapeHtml(address)}</a>`;
}

function mentionOf(name: string, { find, mentions }: Gathered): string {
  const user = find(name);
  mentions.push({ screenName: name, ...(user !== undefined && { userId: user.id }), userIds: [] });
  return `<span data-link-type="mention" data-screen-name="${name}" class="mention">@${name}</span>`;
}

function groupOf(name: string, { mentions }: Gathered): string {
  mentions.push({ screenName: name, group: true, ...(name === 'all' && { announcement: true as const }), userIds: [] });
  return `<span data-link-type="groupmention" data-group-name="${name}" class="groupmention">@/${name}</span>`;
}

function issueOf(number: string, repo: string | undefined, { issues }: Gathered): string {
  issues.push({ number, ...(repo !== undefined && { repo }) });
  const where = repo === undefined ? '' : ` data-issue-repo="${escapeHtml(repo)}"`;
  return `<span data-link-type="issue" data-issue="${number}"${where} class="issue">${escapeHtml(repo ?? '')}#${number}</span>`;
}

function commitOf(repo: string, sha: string): string {
  const text = escapeHtml(`${repo}@${sha.slice(0, 7)}`);
  return `<span data-link-type="commit" data-commit-sha="${sha}" data-commit-repo="${escapeHtml(repo)}" class="commit">${text}</span>`;
}
