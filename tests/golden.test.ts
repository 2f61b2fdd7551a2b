import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCase } from './run-case.ts';

/**
 * Every NAME.bt under tests/cases and every example is a case: NAME.out and NAME.err hold what it prints, NAME.rc its exit code when
 * that is not 0. Only the interpreter writes them (`npx vitest run tests/golden.test.ts -u`, then read `git diff`); the JIT must
 * print the same.
 */
const CASES = join(import.meta.dirname, 'cases');
const EXAMPLES = join(import.meta.dirname, '..', 'examples');
/** Recorded from real bpftrace: never written by -u, compared byte by byte in recorded.test.ts. */
const RECORDED = 'bpftrace/';
/** Transcripts of the lab, compared in tests/lab. */
const LAB = 'lab/';

const scripts = [
  ...readdirSync(CASES, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith(RECORDED))
    .map((name) => ({ name, path: join(CASES, name), expected: join(CASES, name) })),
  ...readdirSync(EXAMPLES).map((name) => ({
    name: `examples/${name}`,
    path: join(EXAMPLES, name),
    expected: join(CASES, 'examples', name),
  })),
].filter(({ name }) => name.endsWith('.bt'));

describe('golden cases', () => {
  test.each(scripts)('$name', async ({ path, expected }) => {
    const base = expected.slice(0, -'.bt'.length);
    const interpreted = await runCase(path, ['--jit=interp']);
    await expect(interpreted.stdout).toMatchFileSnapshot(`${base}.out`);
    await expect(interpreted.stderr).toMatchFileSnapshot(`${base}.err`);
    expect(interpreted.exitCode).toBe(existsSync(`${base}.rc`) ? Number(readFileSync(`${base}.rc`, 'utf8')) : 0);
    expect(await runCase(path, ['--jit=js'])).toEqual(interpreted);
  });
});

test('no expectation is without its script', () => {
  const bases = new Set(scripts.map(({ expected }) => expected.slice(0, -'.bt'.length)));
  const orphans = readdirSync(CASES, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(out|err|rc|args)$/.test(name) && !name.startsWith(RECORDED) && !name.startsWith(LAB))
    .filter(
      (name) =>
        !bases.has(
          join(
            CASES,
            dirname(name),
            name.slice(dirname(name) === '.' ? 0 : dirname(name).length + 1).replace(/\.\w+$/, ''),
          ),
        ),
    );
  expect(orphans).toEqual([]);
});

test('every script has its expectations', () => {
  const missing = scripts.flatMap(({ expected }) =>
    ['.out', '.err'].map((ending) => expected.slice(0, -'.bt'.length) + ending).filter((path) => !existsSync(path)),
  );
  expect(missing).toEqual([]);
});
