// Which lines a quiet connection needs: found by a look at the raw bytes, since parsing a line that a thousand puppets hear is
// what makes puppets dear. Drops what other people do in channels; when in doubt a line is let through.

const colon = 58;
const space = 32;

/** Commands that may be dropped: what people do, which the connection that reports the channel hears too. */
const ofPeople = new Set([
  'PRIVMSG',
  'NOTICE',
  'TAGMSG',
  'JOIN',
  'PART',
  'QUIT',
  'NICK',
  'AWAY',
  'ACCOUNT',
  'CHGHOST',
  'SETNAME',
  'TOPIC',
  'MODE',
  'KICK',
  'INVITE',
  'RENAME',
  'REDACT',
]);

/** Of these a later param may be our nick. */
const namesOthers = new Set(['KICK', 'MODE', 'INVITE']);

/** The line stands in `text` from `start` to `end`; bytes as characters, `nick` too. While an answer is awaited, what is
 *  of a batch or under a label comes too, for the answer may consist of what would be dropped otherwise. */
export function concerns(text: string, start: number, end: number, nick: string, isAsking: boolean): boolean {
  let at = start;
  if (text.charCodeAt(at) === 64 /* @ */) {
    const stop = text.indexOf(' ', at);
    if (stop < 0 || stop >= end) return true;
    if (isAsking && /[@;](?:batch|label)=/.test(text.slice(at, stop))) return true;
    at = skipSpaces(text, stop);
  }
  if (text.charCodeAt(at) !== colon) return true;
  if (isWord(text, at + 1, nick)) return true;
  const prefixEnd = text.indexOf(' ', at);
  if (prefixEnd < 0 || prefixEnd >= end) return true;
  at = skipSpaces(text, prefixEnd);
  let commandEnd = text.indexOf(' ', at);
  if (commandEnd < 0 || commandEnd > end) commandEnd = end;
  const command = text.slice(at, commandEnd).trimEnd().toUpperCase();
  if (!ofPeople.has(command)) return true;
  at = skipSpaces(text, commandEnd);
  if (text.charCodeAt(at) === colon) at++;
  if (isWord(text, at, nick)) return true;
  return namesOthers.has(command) && text.slice(at, end).includes(nick);
}

function skipSpaces(text: string, at: number): number {
  while (text.charCodeAt(at) === space) at++;
  return at;
}

/** Does `word` stand at `at`, ended by what ends a nick in a prefix or a param? */
function isWord(text: string, at: number, word: string): boolean {
  if (!text.startsWith(word, at)) return false;
  const next = text.charCodeAt(at + word.length);
  return Number.isNaN(next) || next === 33 /* ! */ || next === 64 /* @ */ || next === space || next === 13 || next === 10;
}
