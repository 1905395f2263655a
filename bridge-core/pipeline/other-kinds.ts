// Events beside plain messages that say something: places, polls, and words in the extensible form. Read into words, so that they
// do not vanish on a network that knows nothing of the kind.

import { fromHtml } from '../format/from-html.ts';
import { type Block, fromPlain, type Inline, paragraph, type RichText, text as words } from '../format/rich-text.ts';
import { type Content, isRecord, type MatrixEvent, recordIn, stringIn } from '../matrix-event.ts';
import { type Attachment, textOf } from './content.ts';

const pollStarts: readonly string[] = ['m.poll.start', 'org.matrix.msc3381.poll.start'];
const places: readonly string[] = ['m.location', 'org.matrix.msc3488.location'];

/** Beside m.room.message and m.sticker. */
export const otherKinds: ReadonlySet<string> = new Set([
  ...pollStarts,
  ...places,
  ...['m.poll.end', 'org.matrix.msc3381.poll.end', 'm.message', 'org.matrix.msc1767.message', 'm.emote', 'org.matrix.msc1767.emote'],
]);

/** Said as what its sender did: `shared a place: …`. */
export const isDeed = ({ type, content }: Pick<MatrixEvent, 'type' | 'content'>): boolean =>
  isPlace(type, content) || type.endsWith('.emote') || pollStarts.includes(type);

/** What it says; undefined where that is nothing. */
export function wordsOf({ type, content }: Pick<MatrixEvent, 'type' | 'content'>): RichText | undefined {
  if (isPlace(type, content)) return placeIn(content);
  if (pollStarts.includes(type)) return pollIn(content);
  return textOf(content) ?? extensible(content);
}

/** What was written beside a file. */
export function captionOf({ caption, name }: Attachment, content: Content): RichText | undefined {
  const said = caption ? textOf(content) : undefined;
  // Of a file that a bot shows in another's name, the words may be that name and the file's.
  if (said !== undefined) return said.length === 1 && isJust(said, name) ? undefined : said;
  const beside = recordIn(content, 'm.caption') ?? recordIn(content, 'org.matrix.msc1767.caption');
  return beside === undefined ? undefined : extensible(beside);
}

const isJust = ([block]: RichText, name: string): boolean => {
  const [inline, more] = block?.is === 'paragraph' ? block.of : [];
  return more === undefined && inline?.is === 'text' && inline.text === name;
};

const isPlace = (type: string, content: Content): boolean =>
  places.includes(type) || (type === 'm.room.message' && content.msgtype === 'm.location');

function placeIn(content: Content): RichText | undefined {
  const location = recordIn(content, 'm.location') ?? recordIn(content, 'org.matrix.msc3488.location');
  const uri = stringIn(location, 'uri') ?? stringIn(content, 'geo_uri') ?? '';
  const [, latitude, longitude] = /^geo:(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)/.exec(uri) ?? [];
  const body = stringIn(content, 'body');
  const described = stringIn(location, 'description') ?? (body?.includes('geo:') ? undefined : body);
  if (latitude === undefined || longitude === undefined) return described === undefined ? undefined : fromPlain(described);
  const to = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
  const link: Inline = { is: 'link', to, of: [words(to)] };
  return [paragraph(words(`shared a place: ${described ? `${oneLine(described)} ` : ''}`), link)];
}

function pollIn(content: Content): RichText | undefined {
  const poll = recordIn(content, 'm.poll') ?? recordIn(content, 'org.matrix.msc3381.poll.start');
  const question = plainOf(poll?.question);
  if (question === undefined) return textOf(content) ?? extensible(content);
  const answers = (Array.isArray(poll?.answers) ? poll.answers : []).slice(0, mostAnswers).map((answer) => plainOf(answer) ?? '?');
  const items = answers.map((answer): Block[] => [paragraph(words(oneLine(answer)))]);
  const asked = paragraph(words('asks: '), { is: 'bold', of: [words(oneLine(question))] });
  return items.length === 0 ? [asked] : [asked, { is: 'list', start: 1, items }];
}

const mostAnswers = 20;

function plainOf(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  return stringIn(value, 'org.matrix.msc1767.text') ?? stringIn(value, 'body') ?? representations(value).find(isPlain)?.body;
}

/** MSC1767: several forms of one text, or the two fields of its first years. */
function extensible(content: Content): RichText | undefined {
  const forms = representations(content);
  const html = stringIn(content, 'org.matrix.msc1767.html') ?? forms.find(({ type }) => type === 'text/html')?.body;
  const rich = html === undefined ? [] : fromHtml(html);
  if (rich.length > 0) return rich;
  const plain = stringIn(content, 'org.matrix.msc1767.text') ?? forms.find(isPlain)?.body;
  return plain === undefined ? undefined : fromPlain(plain);
}

interface Form {
  readonly type: string;
  readonly body: string;
}

const isPlain = ({ type }: Form): boolean => type === 'text/plain';

function representations(content: Content): Form[] {
  const forms = content['m.text'] ?? content['m.message'] ?? content['org.matrix.msc1767.message'];
  if (!Array.isArray(forms)) return [];
  return forms.filter(isRecord).flatMap((form) => {
    const body = stringIn(form, 'body');
    return body === undefined ? [] : [{ type: stringIn(form, 'mimetype') ?? 'text/plain', body }];
  });
}

const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
