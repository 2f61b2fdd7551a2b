import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { golden as runGolden } from '../../src/cli/commands/golden.ts';
import { REPORTERS, type Outcome } from '../../src/cli/golden/report.ts';
import { capture } from '../../src/cli/golden/run-case.ts';
import { createWorker } from '../../src/cli/golden/workers.ts';
import type { CliHost } from '../../src/cli/host.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { runArguments } from '../run-case.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'golden-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const get = (name: string): string | undefined =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined;
const golden = (...args: string[]): ReturnType<typeof runArguments> => runArguments(['golden', ...args], {}, folder);

const HELLO = 'begin { printf("hello\\n"); }';
const PRINTED = 'hello\n\n\n';

test('a script that prints what stands beside it passes', async () => {
  put('hello.bt', HELLO);
  put('hello.out', PRINTED);
  expect(await golden()).toEqual({ stdout: '1 case: 1 as recorded\n', stderr: '', exitCode: 0 });
});

test('a difference is shown as a unified diff and fails the run', async () => {
  put('hello.bt', HELLO);
  put('hello.out', 'hallo\n\n\n');
  const { stdout, exitCode } = await golden();
  expect(stdout).toBe(
    'hello.bt: stdout\n--- recorded.out\n+++ printed.out\n@@ -1,3 +1,3 @@\n-hallo\n+hello\n \n \n\n1 case: 0 as recorded, 1 different\n',
  );
  expect(exitCode).toBe(1);
});

test('standard error counts only where it was recorded, the exit code always', async () => {
  put('wrong.bt', 'begin { print(x); }');
  put('wrong.out', '');
  put('wrong.rc', '1\n');
  expect((await golden()).exitCode).toBe(0);
  put('wrong.err', 'another message\n');
  expect((await golden()).stdout).toContain('wrong.bt: stderr');
  rmSync(join(folder, 'wrong.rc'));
  expect((await golden()).stdout).toContain('wrong.bt: exit code\n-0\n+1\n');
});

test('arguments, environment and options of the header take part', async () => {
  put('all.bt', '// tsbpftrace: --cpus 3\nbegin { print((str($1), ncpus)); print("0123456789abcdef"); }');
  put('all.args', "-q {} 'two words'");
  put('all.env', 'BPFTRACE_MAX_STRLEN=64\n');
  put('all.out', '(two words, 3)\n0123456789abcdef\n\n\n');
  put('all.err', '');
  expect((await golden('all.bt')).stdout).toBe('1 case: 1 as recorded\n');
});

describe('--update', () => {
  test('records what a named script prints, its exit code too', async () => {
    put('new.bt', 'begin { printf("bye"); exit(3); }');
    expect((await golden('--update', 'new.bt')).stdout).toBe('1 case: 0 as recorded, 1 updated\n');
    expect([get('new.out'), get('new.err'), get('new.rc')]).toEqual(['bye\n\n', 'Attached 1 probe\n', '3\n']);
    expect((await golden()).exitCode).toBe(0);
  });

  test('leaves scripts of a folder alone that never were a case, and standard error that nobody compares', async () => {
    put('script.bt', HELLO);
    put('case.bt', HELLO);
    put('case.out', 'old');
    await golden('--update');
    expect([get('case.out'), get('case.err'), get('script.out')]).toEqual([PRINTED, undefined, undefined]);
  });
});

test('folders are searched, others than the current one too', async () => {
  mkdirSync(join(folder, 'a', 'b'), { recursive: true });
  put('a/b/deep.bt', HELLO);
  put('a/b/deep.out', PRINTED);
  const { stdout } = await golden('--reporter', 'tap', 'a');
  expect(stdout).toBe('TAP version 14\n1..1\nok 1 - a/b/deep.bt\n');
});

test.each<[string, string[], string]>([
  ['a path that is not there', ['none'], "ERROR: failed to open file 'none': No such file or directory\n"],
  ['a folder without cases', ['.'], 'ERROR: no case found: no NAME.bt beside a NAME.out\n'],
  ['no number of jobs', ['--jobs', '0'], "ERROR: USAGE: option '-j, --jobs <n>' argument '0' is invalid."],
  ['an unknown reporter', ['-r', 'html'], "ERROR: USAGE: option '-r, --reporter <name>' argument 'html' is invalid."],
])('%s is a mistake', async (_, args, message) => {
  const { stderr, exitCode } = await golden(...args);
  expect(stderr).toContain(message);
  expect(exitCode).toBe(1);
});

const OUTCOMES: readonly Outcome[] = [
  { name: 'good.bt', differences: [], updated: false, seconds: 0.5 },
  { name: 'a&b.bt', differences: [{ what: 'stdout', lines: ['-<1>', '+\u00012'] }], updated: false, seconds: 1 },
];

test('the TAP report carries the diff as a YAML block', () => {
  expect(REPORTERS.tap(OUTCOMES)).toBe(
    'TAP version 14\n1..2\nok 1 - good.bt\nnot ok 2 - a&b.bt\n  ---\n  stdout: |\n    -<1>\n    +\u00012\n  ...\n',
  );
});

test('the JUnit report is XML whatever the script printed', () => {
  expect(REPORTERS.junit(OUTCOMES)).toMatchInlineSnapshot(`
    "<?xml version="1.0" encoding="UTF-8"?>
    <testsuites tests="2" failures="1" time="1.500">
      <testsuite name="tsbpftrace golden" tests="2" failures="1" time="1.500">
        <testcase classname="golden" name="good.bt" time="0.500"/>
        <testcase classname="golden" name="a&amp;b.bt" time="1.000">
          <failure message="stdout">-&lt;1&gt;
    +�2</failure>
        </testcase>
      </testsuite>
    </testsuites>
    "
  `);
});

test('with colors, added lines are green and removed ones red', () => {
  const text = REPORTERS.text(OUTCOMES, true);
  expect(text).toContain('\u001b[31m-<1>\u001b[0m\n\u001b[32m+\u00012\u001b[0m\n');
});

/** Answers as a worker does, and is killed by each case of a script named dies.bt. */
const MORTAL_WORKER = `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { args } = JSON.parse(line);
    if (args.includes('dies.bt')) process.kill(process.pid, 'SIGKILL');
    else console.log(JSON.stringify({ stdout: btoa('hello'), stderr: '', exitCode: 0 }));
  });`;

test('a worker that is killed fails its case only: the next one is run by a new process', async () => {
  const names = ['a', 'b', 'c', 'dies', 'e', 'f', 'g', 'h'];
  for (const name of names) {
    put(`${name}.bt`, HELLO);
    put(`${name}.out`, 'hello');
  }
  const entry = [process.execPath, '-e', MORTAL_WORKER];
  const { stdout } = await capture((args, host) => runCli(args, { ...host, entry }), {
    args: ['golden', '--jobs', '2', '--update', '.'],
    env: {},
    directory: folder,
  });
  expect(stdout.toString()).toBe(
    'dies.bt: no result\nthe worker process ended by SIGKILL\n\n8 cases: 7 as recorded, 1 different\n',
  );
  expect(get('dies.out')).toBe('hello');
});

test('a worker that cannot live fails every case instead of waiting', async () => {
  const worker = createWorker([process.execPath, '-e', 'process.exit(7)'], []);
  for (let i = 0; i < 2; i++)
    await expect(worker.run({ args: [], env: {}, directory: folder })).rejects.toThrow(
      'the worker process ended with exit code 7',
    );
});

test('a worker that does not even start fails its case', async () => {
  const worker = createWorker([join(folder, 'none')], []);
  await expect(worker.run({ args: [], env: {}, directory: folder })).rejects.toThrow(
    /^the worker process did not start: spawn .*ENOENT$/,
  );
});

describe('a case that throws', () => {
  const throwing = (args: readonly string[], host: CliHost): Promise<number> =>
    args.includes('bad.bt') ? Promise.reject(new Error('no such luck')) : runCli(args, host);
  const run = (args: readonly string[], stdin: readonly string[] = []): ReturnType<typeof capture> =>
    capture((words, host) => runGolden(words, host, throwing), { args, env: {}, directory: folder }, stdin);

  test('is a difference, and the others are run', async () => {
    for (const name of ['bad', 'good']) {
      put(`${name}.bt`, HELLO);
      put(`${name}.out`, PRINTED);
    }
    const { stdout } = await run(['--reporter', 'tap']);
    expect(stdout.toString()).toMatch(
      /^not ok 1 - bad.bt\n {2}---\n {2}no result: \|\n {4}Error: no such luck\n[^]*^ok 2 - good.bt$/m,
    );
  });

  test('does not end the worker', async () => {
    put('good.bt', HELLO);
    const requests = ['bad.bt', 'good.bt'].map((name) => ({ args: [name], env: {}, directory: folder }));
    const { stdout } = await run(
      ['--worker'],
      requests.map((request) => `${JSON.stringify(request)}\n`),
    );
    const answers = stdout.toString().trim().split('\n');
    expect(answers.map((line) => JSON.parse(line) as unknown)).toEqual([
      { failure: expect.stringMatching(/^Error: no such luck\n/) as string },
      expect.objectContaining({ exitCode: 0 }),
    ]);
  });
});
