// What it costs to get ready: a script of 200 probes by stage, and a probe that fires ten times, compiling included.
// Usage: node --import tsx bench/load.ts [PROBES]
import { assembleWorkload } from './jit/assemble-workload.ts';
import { createMachine } from './jit/machine.ts';
import { WORKLOADS } from './jit/workloads.ts';
import { compile } from '../src/pipeline/compile.ts';
import { createSimulation } from '../src/pipeline/simulation.ts';
import { ENGINES, type EngineName } from '../src/runtime/engines.ts';
import { loadImage } from '../src/runtime/load.ts';
import { createSource } from '../src/source/source.ts';

const PROBES = Number(process.argv[2] ?? 200);
const ROUNDS = 3;
const FIRINGS = 10;
const TURNS = 25;

const probe = (n: number): string => `kprobe:vfs_read /pid > ${n}/ {
  @calls${n % 20}[comm] = count();
  @bytes = hist(arg2 + ${n});
  if (arg2 > ${n * 10}) { printf("%d %s %d\\n", pid, comm, arg2 / ${n + 1}); }
}
`;
const text = Array.from({ length: PROBES }, (_, n) => probe(n)).join('');
const simulation = createSimulation({ scenario: 'idle', seed: 1 });
const { target } = simulation;

const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[times.length >> 1]!;
/** Milliseconds of processor time, all threads: what else the machine does hardly matters. */
const timed = <T>(run: () => T): { readonly ms: number; readonly value: T } => {
  const start = process.cpuUsage();
  const value = run();
  const { user, system } = process.cpuUsage(start);
  return { ms: (user + system) / 1000, value };
};

/** One load of the script; the number in its name keeps V8 from knowing the text. */
function loadOnce(round: number): { readonly compileMs: number; readonly readyMs: number; readonly firstMs: number } {
  const compiled = timed(() => compile({ source: createSource(`bench${round}.bt`, text), target }));
  const { verified } = compiled.value;
  if (verified === undefined) throw new Error(compiled.value.diagnostics[0]?.message);
  const { kernel } = simulation;
  const ready = timed(() => loadImage({ image: verified.image, programs: ENGINES.auto(verified), kernel, seed: 1 }));
  const loaded = ready.value;
  if ('error' in loaded) throw new Error(loaded.error);
  const context = kernel.memory.allocate(1024, 8);
  const first = timed(() => verified.image.programs.forEach(({ name }) => loaded.runner(name)(context)));
  return { compileMs: compiled.ms, readyMs: ready.ms, firstMs: first.ms };
}

const add = (): number => {
  let sum = 0;
  for (let i = 0; i < 3e8; i++) sum = (sum + i) | 0;
  return sum;
};
/** What 300 million additions take, by which runs on different machines compare: 130 ms on a quiet one. */
const additions = Math.min(...Array.from({ length: ROUNDS }, () => timed(add).ms));

const show = (what: string, ms: number): void => console.log(`${what.padEnd(56)}${ms.toFixed(2).padStart(9)} ms`);
console.log(`300 million additions take ${additions.toFixed(0)} ms`);
console.log(`${PROBES} probes, ${text.length} characters`);
const cold = loadOnce(0);
const loads = Array.from({ length: ROUNDS }, (_, round) => loadOnce(round + 1));
show('first load: text to verified image', cold.compileMs);
show('first load: maps, engine', cold.readyMs);
show('first load: first firing of every probe, compiling', cold.firstMs);
show('median load: text to verified image', median(loads.map(({ compileMs }) => compileMs)));
show('median load: maps, engine', median(loads.map(({ readyMs }) => readyMs)));
show('median load: first firing of every probe, compiling', median(loads.map(({ firstMs }) => firstMs)));

console.log(
  `\nnew program, environment and ${FIRINGS} runs, milliseconds of processor time, all threads, median of ${TURNS}`,
);
const engines: readonly EngineName[] = ['auto', 'js', 'wasm', 'interp'];
console.log(`${''.padEnd(28)}${engines.map((name) => name.padStart(10)).join('')}${'auto at 130'.padStart(14)}`);
for (const workload of WORKLOADS) {
  const fireTen = (engine: EngineName): number => {
    const { image } = assembleWorkload(workload);
    const { environment, context } = createMachine();
    return timed(() => {
      let run = ENGINES[engine](image).get(workload.name)!(environment, (faster) => (run = faster));
      for (let i = 0; i < FIRINGS; i++) run(context);
    }).ms;
  };
  // In turns: whoever were first would compile with a compiler that is cold.
  const times = new Map(engines.map((engine): [EngineName, number[]] => [engine, []]));
  for (let turn = 0; turn < TURNS; turn++) for (const engine of engines) times.get(engine)!.push(fireTen(engine));
  const medians = engines.map((engine) => median(times.get(engine)!));
  const cells = [
    ...medians.map((ms) => ms.toFixed(3).padStart(10)),
    ((medians[0]! / additions) * 130).toFixed(3).padStart(14),
  ];
  console.log(`${workload.name.padEnd(28)}${cells.join('')}`);
}
