/** What getopt_long must know of an option. */
export interface Switch {
  readonly short?: string;
  readonly long?: string;
  readonly takesValue: boolean;
}

export type Argument<T extends Switch> =
  | { readonly kind: 'option'; readonly option: T; readonly value: string }
  | { readonly kind: 'operand'; readonly value: string }
  /** What getopt_long prints behind the program's name. */
  | { readonly kind: 'mistake'; readonly message: string };

/**
 * Reads a command line as GNU getopt_long does: bundled short options, unique beginnings of long ones, options behind
 * operands, `--` before operands only. Commander has none of the abbreviations, another order and other messages.
 */
export function* readArguments<T extends Switch>(
  args: readonly string[],
  options: readonly T[],
): Generator<Argument<T>> {
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    const next = (): string | undefined => args[++at];
    if (word === '--') {
      for (const value of args.slice(at + 1)) yield { kind: 'operand', value };
      return;
    }
    if (word.startsWith('--')) yield readLong(word.slice(2), options, next);
    else if (word.length > 1 && word.startsWith('-')) yield* readBundle(word, options, next);
    else yield { kind: 'operand', value: word };
  }
}

const mistake = (message: string): { readonly kind: 'mistake'; readonly message: string } => ({
  kind: 'mistake',
  message,
});

function readLong<T extends Switch>(text: string, options: readonly T[], next: () => string | undefined): Argument<T> {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const matches = options.filter(({ long }) => long?.startsWith(name) === true);
  const option = matches.find(({ long }) => long === name) ?? matches[0];
  if (option === undefined) return mistake(`unrecognized option '--${text}'`);
  if (option.long !== name && matches.length > 1) {
    const possibilities = matches.map(({ long }) => ` '--${long}'`).join('');
    return mistake(`option '--${text}' is ambiguous; possibilities:${possibilities}`);
  }
  if (!option.takesValue) {
    if (equals >= 0) return mistake(`option '--${option.long}' doesn't allow an argument`);
    return { kind: 'option', option, value: '' };
  }
  const value = equals < 0 ? next() : text.slice(equals + 1);
  if (value === undefined) return mistake(`option '--${option.long}' requires an argument`);
  return { kind: 'option', option, value };
}

/** `-lv`, `-ofile`: the first option with a value takes the rest of the word. */
function* readBundle<T extends Switch>(
  word: string,
  options: readonly T[],
  next: () => string | undefined,
): Generator<Argument<T>> {
  for (let i = 1; i < word.length; i++) {
    const letter = word[i]!;
    const option = options.find(({ short }) => short === letter);
    if (option === undefined) {
      yield mistake(`invalid option -- '${letter}'`);
      continue;
    }
    if (!option.takesValue) {
      yield { kind: 'option', option, value: '' };
      continue;
    }
    const value = i + 1 < word.length ? word.slice(i + 1) : next();
    yield value === undefined
      ? mistake(`option requires an argument -- '${letter}'`)
      : { kind: 'option', option, value };
    return;
  }
}
