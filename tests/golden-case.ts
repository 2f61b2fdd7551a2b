import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runCase } from './run-case.ts';

/**
 * Every NAME.bt under tests/cases and every example is a case: NAME.out and NAME.err hold what it prints, NAME.rc its exit code when
 * that is not 0. Only the interpreter writes them (`npx vitest run tests/golden.test.ts tests/examples.test.ts -u`, then read
 * `git diff`); the JIT must print the same.
 */
export interface Case {
  readonly name: string;
  readonly path: string;
  /** The same, but where the outputs stand. */
  readonly expected: string;
}

export const CASES = join(import.meta.dirname, 'cases');
const EXAMPLES = join(import.meta.dirname, '..', 'examples');

const isScript = ({ name }: Case): boolean => name.endsWith('.bt');

/** The scripts under tests/cases but for those in a folder of these. */
export function scriptsOfCases(others: readonly string[]): Case[] {
  return readdirSync(CASES, { recursive: true, encoding: 'utf8' })
    .filter((name) => !others.some((folder) => name.startsWith(folder)))
    .map((name) => ({ name, path: join(CASES, name), expected: join(CASES, name) }))
    .filter(isScript);
}

export function scriptsOfExamples(): Case[] {
  return readdirSync(EXAMPLES)
    .map((name) => ({ name, path: join(EXAMPLES, name), expected: join(CASES, 'examples', name) }))
    .filter(isScript);
}

/** Runs a case in both engines and compares. */
export async function compareCase({ path, expected }: Case): Promise<void> {
  const base = expected.slice(0, -'.bt'.length);
  const interpreted = await runCase(path, ['--jit=interp']);
  await expect(interpreted.stdout).toMatchFileSnapshot(`${base}.out`);
  await expect(interpreted.stderr).toMatchFileSnapshot(`${base}.err`);
  expect(interpreted.exitCode).toBe(existsSync(`${base}.rc`) ? Number(readFileSync(`${base}.rc`, 'utf8')) : 0);
  expect(await runCase(path, ['--jit=js'])).toEqual(interpreted);
}
