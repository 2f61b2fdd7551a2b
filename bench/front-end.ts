import { spawnSync } from 'node:child_process';
import { parse } from '../src/parser/parse.ts';
import { compile } from '../src/pipeline/compile.ts';
import { createSimulation } from '../src/pipeline/simulation.ts';
import { check } from '../src/typecheck/check.ts';
import { parseExpression } from '../src/parser/parse.ts';
import { createSource } from '../src/source/source.ts';

/** Time to parse and type-check a long script: `npx tsx bench/front-end.ts [LINES]`; beside it, what an empty node process takes. */
const lines = Number(process.argv[2] ?? 2000);
const ROUNDS = 5;
const LINES_A_PROBE = 8;

const probe = (n: number): string => `kprobe:vfs_read /pid > ${n}/ {
  $task${n} = curtask;
  @start${n % 50}[tid, ${n}] = nsecs;
  if ($task${n}.pid == ${n} && arg2 > 1024) {
    @bytes${n % 50}[comm] = sum(arg2 + ${n});
  }
  printf("%d %s %d\\n", pid, comm, ($task${n}.tgid + ${n}) * 2);
}
`;
const text = Array.from({ length: Math.ceil(lines / LINES_A_PROBE) }, (_, n) => probe(n)).join('');
const source = createSource('bench.bt', text);
const { target } = createSimulation({ scenario: 'idle', seed: 1 });

function once(): { readonly parseMs: number; readonly checkMs: number } {
  const start = performance.now();
  const { program } = parse(source);
  const parsed = performance.now();
  if (program === undefined) throw new Error('the script does not parse');
  const { typed, diagnostics } = check(program, { target, parse, parseExpression });
  if (typed === undefined) throw new Error(diagnostics[0]?.message);
  return { parseMs: parsed - start, checkMs: performance.now() - parsed };
}

const show = (label: string, ms: number): void => console.log(`${label.padEnd(34)} ${ms.toFixed(1).padStart(8)} ms`);
const emptyStart = performance.now();
spawnSync(process.execPath, ['-e', '']);
show('an empty node process', performance.now() - emptyStart);
const startUp = performance.now();
compile({ source: createSource('one.bt', 'begin { }'), target });
show('the first, empty script', performance.now() - startUp);
console.log(`${text.split('\n').length - 1} lines, ${text.length} characters`);
for (let round = 1; round <= ROUNDS; round += 1) {
  const { parseMs, checkMs } = once();
  show(`round ${round}: parse`, parseMs);
  show(`round ${round}: type-check`, checkMs);
}
