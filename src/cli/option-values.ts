/** A mistake in the use of an option, as bpftrace words it behind `USAGE: `. */
export class UsageMistake extends Error {
  override readonly name = 'UsageMistake';
}

/** No built-in scenario has such a name. */
export const isScenarioFile = (text: string): boolean => /[./]/.test(text);

/** Names as --help lists them. */
export const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

/** The one of the choices that a text names. */
export function choose<T extends string>(choices: readonly T[], text: string, message: string): T {
  const choice = choices.find((name) => name === text);
  if (choice === undefined) throw new UsageMistake(message);
  return choice;
}

/** A number within bounds. */
export function wholeNumber(flag: string, low: number, high: number, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < low || value > high)
    throw new UsageMistake(`${flag} must be a whole number from ${low} to ${high}.`);
  return value;
}

const UNIT_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9 };
const LONGEST_NS = 3600e9;
/** A virtual time such as `500ms`, `5s`, `1.5s` or `2m`; a bare number is seconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ns|us|ms|s|m)?$/.exec(text);
  const ns = match === null ? 0 : Math.round(Number(match[1]) * UNIT_NS[match[2] ?? 's']!);
  if (ns <= 0 || ns > LONGEST_NS)
    throw new UsageMistake('--duration must be a time up to an hour, such as 500ms, 5s or 2m.');
  return ns;
}
