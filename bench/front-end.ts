import { parse, parseExpression } from '../src/parser/parse.ts';
import { compile } from '../src/pipeline/compile.ts';
import { createSimulation } from '../src/pipeline/simulation.ts';
import { createSource } from '../src/source/source.ts';
import { check } from '../src/typecheck/check.ts';

/**
 * Time to parse and to type-check a long script, cold and warm; tsx would time its own helpers too, so:
 * `npx esbuild bench/front-end.ts --bundle --platform=node --format=esm --outfile=/tmp/front-end.mjs && node /tmp/front-end.mjs [LINES]`.
 * A loop of plain additions is timed beside each round: divided by it, figures of machines of different speed can be
 * compared. Times are of the processor, helper threads included, so that what else runs does not count.
 */
const lines = Number(process.argv[2] ?? 2000);
const ROUNDS = 5;
const LINES_A_PROBE = 8;
const REFERENCE_ADDITIONS = 3e7;
/** What the reference loop takes on a quiet desktop machine. */
const QUIET_REFERENCE_MS = 20;

const probe = (n: number): string => `kprobe:vfs_read /pid > ${n}/ {
  $task${n} = curtask;
  @start${n % 50}[tid, ${n}] = nsecs;
  if ($task${n}.pid == ${n} && arg2 > 1024) {
    @bytes${n % 50}[comm] = sum(arg2 + ${n});
  }
  printf("%d %s %d\\n", pid, comm, ($task${n}.tgid + ${n}) * 2);
}
`;

function timed<T>(work: () => T): readonly [result: T, ms: number] {
  const start = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(start);
  return [result, (user + system) / 1000];
}

function addUp(): number {
  let sum = 0;
  for (let i = 0; i < REFERENCE_ADDITIONS; i++) sum = (sum + i) | 0;
  return sum;
}

const text = Array.from({ length: Math.ceil(lines / LINES_A_PROBE) }, (_, n) => probe(n)).join('');
const source = createSource('bench.bt', text);
const { target } = createSimulation({ scenario: 'idle', seed: 1 });

function once(): { readonly parseMs: number; readonly checkMs: number } {
  const [{ program }, parseMs] = timed(() => parse(source));
  if (program === undefined) throw new Error('the script does not parse');
  const [{ typed, diagnostics }, checkMs] = timed(() => check(program, { target, parse, parseExpression }));
  if (typed === undefined) throw new Error(diagnostics[0]?.message);
  return { parseMs, checkMs };
}

// Until the loop is compiled it says nothing.
for (let round = 0; round < ROUNDS; round++) addUp();
const rows: (readonly [label: string, parseMs: number, checkMs: number, referenceMs: number])[] = [];
const [, startMs] = timed(() => compile({ source: createSource('one.bt', 'begin { }'), target }));
for (let round = 1; round <= ROUNDS; round++) {
  const { parseMs, checkMs } = once();
  const [, referenceMs] = timed(addUp);
  rows.push([round === 1 ? 'first round (cold)' : `round ${round}`, parseMs, checkMs, referenceMs]);
}

console.log(
  `${text.split('\n').length - 1} lines, ${text.length} characters; the first, empty script ${startMs.toFixed(0)} ms`,
);
console.log('                      parse ms  check ms  reference ms  both, scaled to a quiet machine');
for (const [label, parseMs, checkMs, referenceMs] of rows) {
  const scaled = ((parseMs + checkMs) * QUIET_REFERENCE_MS) / referenceMs;
  const cells = [parseMs.toFixed(0).padStart(8), checkMs.toFixed(0).padStart(10), referenceMs.toFixed(0).padStart(14)];
  console.log(`${label.padEnd(22)}${cells.join('')}${`${scaled.toFixed(0)} ms`.padStart(33)}`);
}
