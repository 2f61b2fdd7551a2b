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

test.each([
  ['max_map_keys = 536870912', 'Argument list too long (it holds at most 134217728 entries)'],
  ['max_map_keys = 100000000', 'Cannot allocate memory'],
])('a map of impossible size is an error: %s', async (setting, reason) => {
  const script = `config = { ${setting} } begin { @a[1] = 5; print(@a); exit(); }`;
  const { stdout, stderr, exitCode } = await runArguments(['-e', script]);
  expect(stderr).toBe(`ERROR: Failed to create map 'AT_a': ${reason}\n`);
  expect(stdout).toBe('');
  expect(exitCode).toBe(255);
});

test('a ring buffer grows to a power of two of pages', async () => {
  const { stdout } = await runArguments([
    '-q',
    '-e',
    'config = { perf_rb_pages = 5 } begin { printf("%d\\n", 7); exit(); }',
  ]);
  expect(stdout).toMatch(/^7\n/);
});
