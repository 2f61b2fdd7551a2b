import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Expectation, SuiteTest } from './parse.ts';

/** What a run printed, both streams in the order of the writes, and how it ended. */
export interface Outcome {
  readonly output: string;
  /** Only what came behind the attaching of the probes. */
  readonly attachedOutput: string;
  readonly exitCode: number;
  /** It ended of itself, not because its time was over. */
  readonly ended: boolean;
}

const escape = (text: string): string => text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
/** A line that is the text, white space around it aside. */
const lineOf = (text: string): RegExp => new RegExp(`^\\s*${escape(text)}\\s*$`, 'm');
/** Python's expressions are JavaScript's, but for names of groups and flags of parts. */
const expression = (text: string): RegExp =>
  new RegExp(text.replaceAll('(?P<', '(?<').replaceAll('(?s:.*)', '[\\s\\S]*'), 'm');

function parseLines(text: string): unknown[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

function sameJson(output: string, path: string): boolean {
  const expected = readFileSync(path, 'utf8');
  try {
    if (path.endsWith('.ndjson')) return isDeepStrictEqual(parseLines(output), parseLines(expected));
    return isDeepStrictEqual(parseLines(output), [JSON.parse(expected)]);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

const TWO = (value: number): string => String(value).padStart(2, '0');
/** The conversions that files with timestamps use, in UTC. */
function localize(text: string, seconds: number | undefined): string {
  if (seconds === undefined) return text;
  const date = new Date(seconds * 1000);
  const fields: Record<string, string> = {
    '%Y': String(date.getUTCFullYear()),
    '%m': TWO(date.getUTCMonth() + 1),
    '%d': TWO(date.getUTCDate()),
    '%H': TWO(date.getUTCHours()),
    '%M': TWO(date.getUTCMinutes()),
    '%S': TWO(date.getUTCSeconds()),
  };
  return text.replace(/%[YmdHMS]/g, (conversion) => fields[conversion]!);
}

function holds({ kind, text }: Expectation, output: string, directory: string, test: SuiteTest): boolean {
  switch (kind) {
    case 'text':
      return lineOf(text).test(output);
    case 'text_none':
      return !lineOf(text).test(output);
    case 'regex':
      return expression(text).test(output);
    case 'regex_none':
      return !expression(text).test(output);
    case 'file':
      return output.trim() === localize(readFileSync(join(directory, text), 'utf8').trim(), test.timestamps);
    case 'json':
      return sameJson(output, join(directory, text));
  }
}

/** What is wrong with an outcome; nothing if the test passes. */
export function complaints(test: SuiteTest, outcome: Outcome, directory: string): string[] {
  const exact = test.expectations.some(({ kind }) => kind === 'file' || kind === 'json');
  const output = exact ? outcome.attachedOutput : outcome.output;
  const missed = test.expectations
    .filter((expectation) => !holds(expectation, output, directory, test))
    .map(({ kind, text }) => `${kind}: ${text}`);
  // bpftrace's runner does not look at the exit code of what it had to stop.
  if (!outcome.ended) return missed;
  if (test.willFail) return outcome.exitCode === 0 ? [...missed, 'exit code 0, but it should fail'] : missed;
  return outcome.exitCode === test.returnCode ? missed : [...missed, `exit code ${outcome.exitCode}`];
}
