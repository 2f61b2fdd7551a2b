import { byteText } from './byte-text.ts';
import type { BenchmarkResult, TestResult } from './output.ts';

const GREEN = '\u001b[32m';
const RED = '\u001b[31m';
const RESET = '\u001b[0m';
const label = (color: string, text: string): string => `${color}[${text}]${RESET}`;
const BAR = label(GREEN, '==========');
const RUN = label(GREEN, ' RUN      ');
const OK = label(GREEN, '       OK ');
const PASSED = label(GREEN, '  PASSED  ');
const FAILED = label(RED, '  FAILED  ');

const tests = (count: number): string => `${count} ${count === 1 ? 'test' : 'tests'}`;

const UNITS = [
  ['s', 1_000_000_000],
  ['ms', 1_000_000],
  ['μs', 1_000],
  ['ns', 1],
] as const;

/** bpftrace 0.27 prints the size of the unit where the number of units belongs. */
function durationText(ns: number): string {
  const [unit, size] = UNITS.find(([, size]) => ns >= size) ?? UNITS.at(-1)!;
  return `(${size} ${unit})`;
}

/** The lines of one test, in front of the first and behind the last those of the whole run; byte text. */
export function testReport({ names, index, durationNs, passed, text }: TestResult): string {
  const name = byteText(names[index]!);
  const lines: string[] = [];
  if (index === 0) lines.push(`${BAR} Running ${names.length} tests.`);
  lines.push(`${RUN} ${name}`);
  // What a test printed only matters if it failed.
  if (!passed[index]!) lines.push(...text.split('\n').filter((line) => line !== ''));
  lines.push(`${passed[index]! ? OK : FAILED} ${name} ${byteText(durationText(durationNs))}`);
  if (index === names.length - 1) {
    const failures = names.filter((_, i) => !passed[i]!);
    lines.push(`${BAR} ${tests(names.length)} ran.`, `${PASSED} ${tests(names.length - failures.length)}.`);
    if (failures.length > 0) {
      lines.push(`${FAILED} ${tests(failures.length)}, listed below:`);
      lines.push(...failures.map((failure) => `${FAILED} ${byteText(failure)}`));
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}

const NAME_WIDTH = 40;
const TIME_WIDTH = 15;
const ITERATIONS = 'Iterations';

/** A row of the table of benchmarks, with its head before the first; byte text. */
export function benchmarkReport({ names, index, averageNs, runs }: BenchmarkResult): string {
  const width = Math.max(NAME_WIDTH, ...names.map((name) => byteText(name).length)) + 1;
  const row = (name: string, time: string, iterations: string): string =>
    `${name.padEnd(width)}${time.padEnd(TIME_WIDTH)}${iterations}\n`;
  const head = row('Benchmark', 'Time(ns)', ITERATIONS) + `${'-'.repeat(width + TIME_WIDTH + ITERATIONS.length)}\n`;
  return (index === 0 ? head : '') + row(byteText(names[index]!), String(averageNs), String(runs));
}
