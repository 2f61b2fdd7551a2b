const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
const NS_PER_SECOND = 1_000_000_000n;
const DAY_MS = 86_400_000;

/** Cuts ns since the epoch into whole seconds and the rest, which is never negative. */
export function splitTime(ns: bigint): { seconds: bigint; rest: bigint } {
  const rest = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return { seconds: (ns - rest) / NS_PER_SECOND, rest };
}

/** What strftime() of a script prints: C's strftime and %f, %k, %l for micro-, nano- and milliseconds. */
export function formatTimestamp(format: string, ns: bigint): string {
  const { seconds, rest } = splitTime(ns);
  if (seconds === 0n) return '(?)';
  const digits = String(rest).padStart(9, '0');
  const expanded = format
    .replaceAll('%f', digits.slice(0, 6))
    .replaceAll('%k', digits)
    .replaceAll('%l', digits.slice(0, 3));
  return strftime(expanded, seconds);
}

type Field = (date: Date) => string;
const two = (value: number): string => String(value).padStart(2, '0');
const spaced = (value: number): string => String(value).padStart(2, ' ');
const hour12 = (date: Date): number => date.getUTCHours() % 12 || 12;

/** Conversions of C's strftime in the C locale; the machine's time zone is UTC. */
const FIELDS: Readonly<Record<string, Field>> = {
  a: (date) => DAYS[date.getUTCDay()]!.slice(0, 3),
  A: (date) => DAYS[date.getUTCDay()]!,
  b: (date) => MONTHS[date.getUTCMonth()]!.slice(0, 3),
  B: (date) => MONTHS[date.getUTCMonth()]!,
  c: (date) => expand('%a %b %e %H:%M:%S %Y', date),
  C: (date) => two(Math.floor(date.getUTCFullYear() / 100)),
  d: (date) => two(date.getUTCDate()),
  D: (date) => expand('%m/%d/%y', date),
  e: (date) => spaced(date.getUTCDate()),
  F: (date) => expand('%Y-%m-%d', date),
  g: (date) => two(isoWeek(date).year % 100),
  G: (date) => String(isoWeek(date).year),
  h: (date) => expand('%b', date),
  H: (date) => two(date.getUTCHours()),
  I: (date) => two(hour12(date)),
  j: (date) => String(dayOfYear(date) + 1).padStart(3, '0'),
  m: (date) => two(date.getUTCMonth() + 1),
  M: (date) => two(date.getUTCMinutes()),
  n: () => '\n',
  p: (date) => (date.getUTCHours() < 12 ? 'AM' : 'PM'),
  P: (date) => (date.getUTCHours() < 12 ? 'am' : 'pm'),
  r: (date) => expand('%I:%M:%S %p', date),
  R: (date) => expand('%H:%M', date),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => two(date.getUTCSeconds()),
  t: () => '\t',
  T: (date) => expand('%H:%M:%S', date),
  u: (date) => String(date.getUTCDay() || 7),
  U: (date) => two(Math.floor((dayOfYear(date) + 7 - date.getUTCDay()) / 7)),
  V: (date) => two(isoWeek(date).week),
  w: (date) => String(date.getUTCDay()),
  W: (date) => two(Math.floor((dayOfYear(date) + 7 - ((date.getUTCDay() + 6) % 7)) / 7)),
  x: (date) => expand('%m/%d/%y', date),
  X: (date) => expand('%H:%M:%S', date),
  y: (date) => two(date.getUTCFullYear() % 100),
  Y: (date) => String(date.getUTCFullYear()),
  z: () => '+0000',
  Z: () => 'UTC',
  '%': () => '%',
};

export function strftime(format: string, seconds: bigint): string {
  return expand(format, new Date(Number(seconds) * 1000));
}

/** An unknown conversion stays as it is, as glibc leaves it. E and O ask for forms that the C locale lacks. */
function expand(format: string, date: Date): string {
  return format.replace(/%([EO]?)([\s\S])/g, (whole, _modifier: string, conversion: string) => {
    const field = FIELDS[conversion];
    return field === undefined ? whole : field(date);
  });
}

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS);
}

/** ISO 8601: week 1 is the one with the year's first Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const day = date.getUTCDay() || 7;
  const thursday = new Date(date.getTime() + (4 - day) * DAY_MS);
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1 };
}
