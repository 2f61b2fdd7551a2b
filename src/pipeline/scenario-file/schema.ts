import { isMap, isScalar, isSeq } from 'yaml';
import type { Node, Pair } from 'yaml';
import type { Diagnostic } from '../../source/diagnostic.ts';
import { template, withHint } from '../../source/diagnostic.ts';
import type { Source, Span } from '../../source/source.ts';

/** Reads YAML nodes against declared shapes; every complaint points at its text. */
export interface Reading {
  readonly source: Source;
  readonly diagnostics: Diagnostic[];
}

/** A shape: the value of a node, or undefined when it was reported as wrong. */
export type Shape<T> = (node: Node, reading: Reading) => T | undefined;

const wrongValue = template('scenario-value', 'error', (message: string) => message);
const unknownKey = template('scenario-key', 'error', (key: string, what: string) => `${what} has no '${key}'`);
const missingKey = template('scenario-missing', 'error', (key: string, what: string) => `${what} needs '${key}'`);
const wrongStep = template('scenario-step', 'error', (message: string) => message);

function spanOf(node: Node, { source }: Reading): Span {
  const [start, end] = node.range ?? [0, 0];
  // A block map ends where the next key begins: its first line is enough to point at.
  const newline = source.text.indexOf('\n', start);
  return { source, start, end: newline < 0 ? end : Math.max(start + 1, Math.min(end, newline)) };
}

export function complain(node: Node, reading: Reading, message: string, ...hints: readonly string[]): undefined {
  reading.diagnostics.push(withHint(wrongValue(spanOf(node, reading), message), ...hints));
  return undefined;
}

/** The number of single-letter edits between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** `did you mean 'size'?`, or all there is to choose from. */
function suggestion(word: string, known: readonly string[]): string {
  const closest = [...known].sort((a, b) => distance(word, a) - distance(word, b))[0];
  if (closest !== undefined && distance(word, closest) <= Math.max(1, Math.floor(word.length / 3)))
    return `did you mean '${closest}'?`;
  return `known: ${known.join(', ')}`;
}

function plainText(node: Node): string | undefined {
  return isScalar(node) && node.value !== null ? String(node.source ?? node.value) : undefined;
}

/** Any text; numbers and words count as they are written. */
export const text: Shape<string> = (node, reading) => plainText(node) ?? complain(node, reading, 'this must be a text');

export const absolutePath: Shape<string> = (node, reading) => {
  const path = text(node, reading);
  if (path === undefined || /^\/\S*$/.test(path)) return path;
  return complain(node, reading, `'${path}' is not an absolute path`, `write it from the root: /${path}`);
};

/** A scalar that `parse` understands; it returns undefined for what it does not. */
export function parsed<T>(what: string, examples: string, parse: (word: string) => T | undefined): Shape<T> {
  return (node, reading) => {
    const word = plainText(node);
    const value = word === undefined ? undefined : parse(word.trim());
    return (
      value ?? complain(node, reading, `this must be ${what}${word === undefined ? '' : `, not '${word}'`}`, examples)
    );
  };
}

export function wholeNumber(low: number, high: number): Shape<number> {
  return parsed(`a whole number from ${low} to ${high}`, `for example ${Math.max(low, Math.min(high, 4))}`, (word) => {
    const value = Number(word);
    return /^\d+$/.test(word) && value >= low && value <= high ? value : undefined;
  });
}

export const truth: Shape<boolean> = parsed('true or false', 'write true or false', (word) =>
  word === 'true' ? true : word === 'false' ? false : undefined,
);

/** One of some words. */
export function oneOf<T extends string>(words: readonly T[]): Shape<T> {
  return (node, reading) => {
    const word = plainText(node);
    const found = words.find((each) => each === word);
    return found ?? complain(node, reading, `'${word ?? ''}' is not known here`, suggestion(word ?? '', words));
  };
}

export function listOf<T>(shape: Shape<T>, what: string): Shape<readonly T[]> {
  return (node, reading) => {
    if (!isSeq(node)) return complain(node, reading, `this must be a list of ${what}`, 'start each with "- "');
    const values = node.items.map((item) => shape(item as Node, reading));
    return values.every((value) => value !== undefined) ? (values as T[]) : undefined;
  };
}
/** A list, or a single one without the dash. */
export function oneOrMore<T>(shape: Shape<T>, what: string): Shape<readonly T[]> {
  const list = listOf(shape, what);
  return (node, reading) => {
    if (isSeq(node)) return list(node, reading);
    const value = shape(node, reading);
    return value === undefined ? undefined : [value];
  };
}

export interface Field<T> {
  readonly shape: Shape<T>;
  readonly required: boolean;
}
export const required = <T>(shape: Shape<T>): Field<T> & { readonly required: true } => ({ shape, required: true });
export const optional = <T>(shape: Shape<T>): Field<T> & { readonly required: false } => ({ shape, required: false });

type Fields = Readonly<Record<string, Field<unknown>>>;
export type RecordOf<F extends Fields> = {
  readonly [K in keyof F as F[K]['required'] extends true ? K : never]: F[K] extends Field<infer T> ? T : never;
} & {
  readonly [K in keyof F as F[K]['required'] extends true ? never : K]?: F[K] extends Field<infer T> ? T : never;
};

/** Keys and values; unknown keys and missing ones are mistakes. `what` begins the sentence about them. */
export function record<F extends Fields>(what: string, fields: F): Shape<RecordOf<F>> {
  return (node, reading) => {
    if (!isMap(node)) return complain(node, reading, `${what} is written as keys and values`, keysHint(fields));
    const values: Record<string, unknown> = {};
    let sound = true;
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const key = plainText(pair.key) ?? '';
      if (!Object.hasOwn(fields, key)) {
        const problem = unknownKey(spanOf(pair.key, reading), key, what);
        reading.diagnostics.push(withHint(problem, suggestion(key, Object.keys(fields))));
        sound = false;
        continue;
      }
      const value =
        pair.value === null ? missingValue(pair.key, reading, key) : fields[key]!.shape(pair.value, reading);
      if (value === undefined) sound = false;
      values[key] = value;
    }
    for (const [key, field] of Object.entries(fields)) {
      if (!field.required || node.has(key)) continue;
      reading.diagnostics.push(withHint(missingKey(spanOf(node, reading), key, what), keysHint(fields)));
      sound = false;
    }
    return sound ? (values as RecordOf<F>) : undefined;
  };
}
function keysHint(fields: Fields): string {
  return `keys: ${Object.entries(fields)
    .map(([key, field]) => (field.required ? key : `[${key}]`))
    .join(', ')}`;
}
function missingValue(key: Node, reading: Reading, name: string): undefined {
  return complain(key, reading, `'${name}' has no value`);
}

/** `key: value` with exactly one of the table's keys. */
export function oneKeyOf<T>(what: string, table: Readonly<Record<string, Shape<T>>>): Shape<T> {
  return (node, reading) => {
    const [pair, another] = isMap(node) ? (node.items as Pair<Node, Node | null>[]) : [];
    const known = Object.keys(table);
    if (pair === undefined || !isMap(node)) {
      const word = plainText(node)?.split(/[\s:]/, 1)[0] ?? '';
      reading.diagnostics.push(
        withHint(
          wrongStep(spanOf(node, reading), `${what} is written as 'name: value'`),
          known.includes(word) ? `write '${word}: …'` : suggestion(word, known),
        ),
      );
      return undefined;
    }
    if (another !== undefined)
      return complain(another.key, reading, `${what} has one key only`, 'is a "- " missing in front of this line?');
    const key = plainText(pair.key) ?? '';
    if (!Object.hasOwn(table, key)) {
      reading.diagnostics.push(
        withHint(wrongStep(spanOf(pair.key, reading), `'${key}' is not ${what}`), suggestion(key, known)),
      );
      return undefined;
    }
    return pair.value === null ? missingValue(pair.key, reading, key) : table[key]!(pair.value, reading);
  };
}

/** A value that is either a record or, in short, a scalar. */
export function shortOr<T>(short: Shape<T>, long: Shape<T>): Shape<T> {
  return (node, reading) => (isMap(node) ? long(node, reading) : short(node, reading));
}
export function mapped<A, B>(shape: Shape<A>, to: (value: A) => B): Shape<B> {
  return (node, reading) => {
    const value = shape(node, reading);
    return value === undefined ? undefined : to(value);
  };
}
