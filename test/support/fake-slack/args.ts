// Arguments of a call as Slack reads them (docs.slack.dev/apis/web-api): from a form, from JSON, from the query; lists and objects as
// JSON within a form's field; booleans as true, 1 or "true".

import { SlackFault } from './world.ts';

export class Args {
  readonly all: Readonly<Record<string, unknown>>;

  constructor(all: Readonly<Record<string, unknown>>) {
    this.all = all;
  }

  text(name: string): string | undefined {
    const value = this.all[name];
    if (value === undefined || value === null || value === '') return undefined;
    return typeof value === 'string' ? value : String(value);
  }

  need(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw missing(name);
    return value;
  }

  isOn(name: string, byDefault = false): boolean {
    const value = this.text(name);
    return value === undefined ? byDefault : value === 'true' || value === '1';
  }

  number(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (!Number.isInteger(number))
      throw new SlackFault('invalid_arguments', {
        response_metadata: { messages: [`[ERROR] must be an integer [json-pointer:/${name}]`] },
      });
    return number;
  }

  list(name: string): string[] {
    const value = this.all[name];
    if (Array.isArray(value)) return value.map(String);
    return (this.text(name) ?? '').split(',').filter((item) => item !== '');
  }

  /** `fault`: for text that is no JSON. */
  json(name: string, fault: string): unknown {
    const value = this.all[name];
    if (typeof value !== 'string') return value ?? undefined;
    if (value === '') return undefined;
    try {
      return JSON.parse(value);
    } catch {
      throw new SlackFault(fault);
    }
  }
}

export function missing(name: string): SlackFault {
  return new SlackFault('invalid_arguments', { response_metadata: { messages: [`[ERROR] missing required field: ${name}`] } });
}

/** Body and query together; the body has the last word. */
export function readArgs(url: URL, type: string, body: Buffer): Args {
  const query = Object.fromEntries(url.searchParams);
  const text = body.toString('utf8');
  if (type.startsWith('application/json')) return new Args({ ...query, ...parsed(text) });
  if (type.startsWith('multipart/form-data')) return new Args({ ...query, ...multipartFields(type, body) });
  return new Args({ ...query, ...Object.fromEntries(new URLSearchParams(text)) });
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below, as Slack does.
  }
  throw new SlackFault('invalid_form_data');
}

function multipartFields(type: string, body: Buffer): Record<string, unknown> {
  return Object.fromEntries(parts(type, body).map(({ name, content }) => [name, content.toString('utf8')]));
}

/** Of a multipart body, each part's name and content. */
export function parts(type: string, body: Buffer): { name: string; content: Buffer }[] {
  const [, quoted, bare] = /boundary=(?:"([^"]+)"|([^;]+))/.exec(type) ?? [];
  const mark = Buffer.from(`--${quoted ?? bare ?? ''}`);
  const found: { name: string; content: Buffer }[] = [];
  for (let from = body.indexOf(mark); from >= 0; ) {
    const next = body.indexOf(mark, from + mark.length);
    if (next < 0) break;
    // Each part: line break, head, empty line, content, line break.
    const part = body.subarray(from + mark.length + 2, next - 2);
    const end = part.indexOf('\r\n\r\n');
    const [, name = ''] = /name="([^"]*)"/.exec(part.subarray(0, end).toString('utf8')) ?? [];
    found.push({ name, content: part.subarray(end + 4) });
    from = next;
  }
  return found;
}
