// Lines as the fake server reads and writes them: its own code, so that a fault in the bridge's parser does not hide itself.

export interface ClientLine {
  readonly tags: Readonly<Record<string, string>>;
  readonly command: string;
  readonly params: readonly string[];
}

const unescaped: Readonly<Record<string, string>> = { ':': ';', s: ' ', '\\': '\\', r: '\r', n: '\n' };

export function readTags(text: string): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const tag of text.split(';')) {
    const [name = '', ...value] = tag.split('=');
    if (name !== '') tags[name] = value.join('=').replace(/\\(.?)/g, (_, letter: string) => unescaped[letter] ?? letter);
  }
  return tags;
}

export function readLine(text: string): ClientLine {
  const parts = /^(?:@(\S*) +)?(?::\S* +)?(\S*) *(.*)$/s.exec(text);
  const params: string[] = [];
  let rest = parts?.[3] ?? '';
  while (rest !== '') {
    if (rest.startsWith(':')) {
      params.push(rest.slice(1));
      break;
    }
    const [word = ''] = rest.split(' ', 1);
    params.push(word);
    rest = rest.slice(word.length).replace(/^ +/, '');
  }
  return { tags: readTags(parts?.[1] ?? ''), command: (parts?.[2] ?? '').toUpperCase(), params };
}

const escaped: Readonly<Record<string, string>> = { ';': '\\:', ' ': '\\s', '\\': '\\\\', '\r': '\\r', '\n': '\\n' };

export function writeTags(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([name, value]) => (value === '' ? name : `${name}=${value.replace(/[; \\\r\n]/g, (each) => escaped[each] ?? each)}`))
    .join(';');
}

/** The last param always with a colon where it holds more than a word, as most servers do it. */
export function writeLine(tags: Readonly<Record<string, string>>, source: string, command: string, params: readonly string[]): string {
  const words = params.map((param, i) => {
    const isLast = i === params.length - 1;
    return isLast && (param === '' || param.includes(' ') || param.startsWith(':')) ? `:${param}` : param;
  });
  const tagged = writeTags(tags);
  return [...(tagged === '' ? [] : [`@${tagged}`]), `:${source}`, command, ...words].join(' ');
}
