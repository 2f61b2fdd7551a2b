import { expect, test } from 'vitest';
import { runArguments } from '../run-case.ts';

test('a chain of operators that no stage can walk is an error, not a crash', async () => {
  const { stderr, exitCode } = await runArguments(['-e', `begin { $a = ${'1+'.repeat(20_000)}1; print($a); }`]);
  expect(stderr).toMatch(/^ERROR: the script is too deeply nested\n/);
  expect(exitCode).toBe(1);
});

test('a long chain that the stages can walk is compiled', async () => {
  const { stdout, exitCode } = await runArguments(['-e', `begin { $a = (uint64)1; print(${'$a+'.repeat(300)}$a); }`]);
  expect(stdout).toMatch(/^301\n/);
  expect(exitCode).toBe(0);
});
