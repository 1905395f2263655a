// Dates as Slack's templates have them (`Posted {date_short} at {time}`). Nobody knows the reader's zone on the way to Matrix:
// they are told in UTC, and say so.

/** In seconds since 1970; undefined where that is no date. */
export function filledIn(template: string, seconds: number): string | undefined {
  const at = new Date(seconds * 1_000);
  if (!Number.isFinite(seconds) || Number.isNaN(at.getTime())) return undefined;
  let hasTime = false;
  const words = template.replace(/\{([a-z_]+)\}/g, (whole, token: string) => {
    const made = tokens[token]?.(at);
    if (made !== undefined && (token.startsWith('time') || token === 'ago')) hasTime = true;
    return made ?? whole;
  });
  return hasTime ? `${words} UTC` : words;
}

/** Of a message or an attachment: `2026-11-24 09:30 UTC`. */
export const momentOf = (seconds: number): string | undefined => filledIn('{date_num} {time}', seconds);

const long = (at: Date): string => written(at, { month: 'long', day: 'numeric', year: 'numeric' });
const longWithDay = (at: Date): string => written(at, { weekday: 'long', month: 'long', day: 'numeric', year: 'numeric' });
const withoutYear = (at: Date): string => written(at, { month: 'long', day: 'numeric' });
const short = (at: Date): string => written(at, { month: 'short', day: 'numeric', year: 'numeric' });
const clock = (at: Date): string => at.toISOString().slice(11, 16);

// Those that say `today` or `ago` would be wrong tomorrow: a date stays right.
const tokens: Readonly<Record<string, (at: Date) => string>> = {
  date_num: (at) => at.toISOString().slice(0, 10),
  date_slash: (at) => at.toISOString().slice(0, 10).split('-').reverse().join('/'),
  date_long: longWithDay,
  date_long_full: long,
  date_long_pretty: longWithDay,
  day_divider_pretty: long,
  date: withoutYear,
  date_pretty: withoutYear,
  date_short: short,
  date_short_pretty: short,
  time: clock,
  time_secs: (at) => at.toISOString().slice(11, 19),
  ago: (at) => `${short(at)}, ${clock(at)}`,
};

function written(at: Date, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-US', { ...options, timeZone: 'UTC' }).format(at);
}
