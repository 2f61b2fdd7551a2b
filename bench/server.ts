/**
 * What 10 seconds of the scenario `server` cost without probes and with one that counts, and whether a long run costs as much
 * per second as a short one: `npx esbuild bench/server.ts --bundle --platform=node --format=esm | node --input-type=module`.
 */
import { compile } from '../src/pipeline/compile.ts';
import { createSimulation } from '../src/pipeline/simulation.ts';
import { ENGINES } from '../src/runtime/engines.ts';
import { openSession } from '../src/runtime/session.ts';
import { createMachine } from '../src/simkernel/machine.ts';
import type { Machine } from '../src/simkernel/machine.ts';
import { SCENARIOS } from '../src/simkernel/scenarios/index.ts';
import { createSource } from '../src/source/source.ts';
import { runReference, slowness, Slices } from './reference.ts';

const SECOND = 1e9;
const SLICES_PER_SECOND = 10;
const SCRIPT = 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }';

interface Runner {
  readonly kernel: { now(): number; run(untilNs: number): void };
}
function plain(): Runner {
  return { kernel: createMachine({ scenario: SCENARIOS.server }) };
}
/** The same machine with the script of a user, compiled, verified and attached as the command does it. */
function probed(): Runner {
  const simulation = createSimulation({ scenario: 'server', seed: SCENARIOS.server.seed });
  const compiled = compile({ source: createSource('count.bt', SCRIPT), target: simulation.target });
  if (compiled.verified === undefined) throw new Error(compiled.diagnostics[0]?.message);
  const session = openSession({
    image: compiled.verified.image,
    resources: compiled.generated!.resources,
    programs: ENGINES.auto(compiled.verified),
    kernel: simulation.kernel,
    output: { stdout: () => undefined, stderr: () => undefined },
    format: 'text',
  });
  if ('exitCode' in session) throw new Error('the script was refused');
  return { kernel: simulation.kernel };
}

function runSlice({ kernel }: Runner, untilNs: number): void {
  while (kernel.now() < untilNs) kernel.run(untilNs);
}

/** Both kinds of machine in turns, so that the neighbours hit both. */
function comparison(seconds: number, rounds: number): { readonly without: Slices; readonly counting: Slices } {
  const without = new Slices();
  const counting = new Slices();
  for (let round = 0; round < rounds; round += 1) {
    const pair = [
      { runner: plain(), slices: without },
      { runner: probed(), slices: counting },
    ];
    for (const { slices } of pair) slices.restart();
    const starts = pair.map(({ runner }) => runner.kernel.now());
    for (let slice = 0; slice < seconds * SLICES_PER_SECOND; slice += 1) {
      pair.forEach(({ runner, slices }, i) => {
        slices.time(slice, () => runSlice(runner, starts[i]! + ((slice + 1) * SECOND) / SLICES_PER_SECOND));
      });
    }
  }
  return { without, counting };
}

function countSyscalls(seconds: number): number {
  const machine: Machine = createMachine({ scenario: SCENARIOS.server });
  let syscalls = 0;
  machine.attach({ kind: 'tracepoint', category: 'raw_syscalls', name: 'sys_enter' }, () => {
    syscalls += 1;
  });
  runSlice({ kernel: machine }, machine.now() + seconds * SECOND);
  return syscalls;
}

for (let i = 0; i < 50; i += 1) runReference();
const ms = (value: number): string => `${value.toFixed(0).padStart(6)} ms`;

const SECONDS = 10;
const { without, counting } = comparison(SECONDS, 4);
const syscalls = countSyscalls(SECONDS);
console.log(
  `the host is ${slowness().toFixed(1)} times slower than when it is quiet; all figures are those of the quiet one`,
);
console.log(
  `server, ${SECONDS} s, ${syscalls} system calls      ${ms(without.ms())}   (in the first run ${ms(without.firstRoundMs)})`,
);
console.log(
  `server, ${SECONDS} s, ${SCRIPT}  ${ms(counting.ms())}   ${(counting.ms() / without.ms()).toFixed(2)} times`,
);

/** One run ten times as long, twice: what each stretch of it costs a second. */
const LONG = 100;
const long = new Slices();
for (let round = 0; round < 2; round += 1) {
  const runner = plain();
  const start = runner.kernel.now();
  long.restart();
  for (let second = 0; second < LONG; second += 1) {
    long.time(second, () => runSlice(runner, start + (second + 1) * SECOND));
  }
}
for (const [from, to] of [
  [0, 1],
  [0, 10],
  [0, LONG],
  [LONG - 10, LONG],
] as const) {
  console.log(
    `seconds ${from} to ${to}`.padEnd(24) + `${ms(long.ms(from, to))}, ${ms(long.ms(from, to) / (to - from))} a second`,
  );
}
