/**
 * Runs bpftrace's own tests/runtime on the simulated machine and prints how many pass in each suite.
 * npx tsx scripts/runtime-suite.ts CHECKOUT [--filter TEXT] [--failures] [--jobs N] [--command dist/tsbpftrace.cjs]
 */
import { fork } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { complaints } from './runtime-suite/check.ts';
import { whyNot } from './runtime-suite/not-applicable.ts';
import { applies, parseSuite, type SuiteTest } from './runtime-suite/parse.ts';
import { needsShell, runTest } from './runtime-suite/run.ts';

const NO_SUITES = ['engine', 'scripts', 'outputs'];
const TEST_TIMEOUT_MS = 60_000;

interface Verdict {
  readonly test: string;
  readonly complaints: readonly string[];
  readonly output: string;
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    filter: { type: 'string', default: '' },
    failures: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
    command: { type: 'string', default: 'dist/tsbpftrace.cjs' },
    report: { type: 'string' },
  },
});
const directory = resolve(positionals[0] ?? '.', 'tests');
const runtime = join(directory, 'runtime');
const place = { directory, command: resolve(flags.command) };

const titleOf = ({ suite, name }: SuiteTest): string => `${suite}.${name}`;

function allTests(): SuiteTest[] {
  return readdirSync(runtime)
    .filter((name) => !NO_SUITES.includes(name) && !name.startsWith('.') && statSync(join(runtime, name)).isFile())
    .sort()
    .flatMap((suite) => parseSuite(suite, readFileSync(join(runtime, suite), 'utf8')))
    .filter(applies)
    .filter((test) => titleOf(test).includes(flags.filter));
}

async function judge(test: SuiteTest): Promise<Verdict> {
  try {
    const outcome = await runTest(test, place);
    return { test: titleOf(test), complaints: complaints(test, outcome, directory), output: outcome.output };
  } catch (error) {
    return { test: titleOf(test), complaints: [`crash: ${String(error)}`], output: '' };
  }
}

/** A child process that judges the tests whose numbers it is sent. */
function work(): void {
  const tests = allTests();
  process.on('message', (index: number) => {
    void judge(tests[index]!).then((verdict) => process.send!(verdict));
  });
}

/** One worker after the other, each killed when a test takes too long, until there are no more tests. */
function runLane(
  tests: readonly SuiteTest[],
  next: () => number | undefined,
  done: (verdict: Verdict) => void,
): Promise<void> {
  return new Promise((finish) => {
    let worker: ReturnType<typeof fork> | undefined;
    const advance = (): void => {
      const index = next();
      if (index === undefined) {
        worker?.kill();
        finish();
        return;
      }
      worker ??= fork(import.meta.filename, process.argv.slice(2), {
        env: { ...process.env, RUNTIME_SUITE_WORKER: '1' },
      });
      const current = worker;
      const settle = (verdict: Verdict): void => {
        clearTimeout(timer);
        current.removeAllListeners();
        done(verdict);
        advance();
      };
      const lose = (reason: string): void => {
        worker = undefined;
        current.kill('SIGKILL');
        settle({ test: titleOf(tests[index]!), complaints: [reason], output: '' });
      };
      const timer = setTimeout(() => lose('hangs'), TEST_TIMEOUT_MS);
      current.once('message', (verdict) => settle(verdict as Verdict));
      current.once('exit', () => lose('worker died'));
      current.send(index);
    };
    advance();
  });
}

function report(tests: readonly SuiteTest[], verdicts: readonly Verdict[]): void {
  const failed = new Map(
    verdicts.filter(({ complaints }) => complaints.length > 0).map((verdict) => [verdict.test, verdict]),
  );
  for (const suite of new Set(tests.map(({ suite }) => suite))) {
    const own = tests.filter((test) => test.suite === suite);
    const passed = own.filter((test) => !failed.has(titleOf(test))).length;
    console.log(`${suite.padEnd(16)} ${String(passed).padStart(4)} of ${String(own.length).padStart(4)}`);
  }
  console.log(
    `${'all'.padEnd(16)} ${String(tests.length - failed.size).padStart(4)} of ${String(tests.length).padStart(4)}`,
  );
  const reasons = new Map<string, number>();
  for (const test of failed.keys()) {
    const why = whyNot(test) ?? 'of the others';
    reasons.set(why, (reasons.get(why) ?? 0) + 1);
  }
  console.log('\nnot passed');
  for (const [why, count] of reasons) console.log(`${String(count).padStart(4)} ${why}`);
  if (flags.failures)
    for (const { test, complaints, output } of failed.values())
      console.log(`\n--- ${test}\n${complaints.join('\n')}\n${output.split('\n').slice(0, 12).join('\n')}`);
}

if (process.env['RUNTIME_SUITE_WORKER'] === '1') work();
else {
  const tests = allTests();
  const verdicts: Verdict[] = [];
  const indices = tests.map((_, index) => index);
  const inShell = indices.filter((index) => needsShell(tests[index]!));
  const others = indices.filter((index) => !needsShell(tests[index]!));
  await Promise.all(
    Array.from({ length: Number(flags.jobs) }, (_, lane) =>
      runLane(
        tests,
        () => (lane === 0 ? inShell.shift() : undefined) ?? others.shift(),
        (verdict) => verdicts.push(verdict),
      ),
    ),
  );
  report(tests, verdicts);
  if (flags.report !== undefined) writeFileSync(flags.report, JSON.stringify(verdicts, null, 1));
}
