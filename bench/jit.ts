// Our engines, a JavaScript reference and peers in C on the same bytecode, interleaved; best round in nanoseconds a run.
// Usage: node --no-lazy-feedback-allocation --import tsx bench/jit.ts [--rounds=25] [--only=NAME] [--ubpf=LIBUBPF.SO]
// The flag is the bench's, not the command's: the best rounds are the same without it, but now and then a loop that V8 optimises
// before it has seen enough stays five to ten times too slow, which a table of single figures would take for the engine's. The
// command does without: it would be ready 3 to 8 % later.
import { parseArgs } from 'node:util';
import type { EnginePrograms } from '../src/abi/execution.ts';
import { ENGINES, type EngineName } from '../src/runtime/engines.ts';
import { assembleWorkload } from './jit/assemble-workload.ts';
import { createMachine } from './jit/machine.ts';
import { startPeers, type PeerEngine } from './jit/peers.ts';
import { createReferences } from './jit/references.ts';
import { WORKLOADS, type Workload } from './jit/workloads.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '25' },
    only: { type: 'string', default: '' },
    /** Path of a libubpf.so; built without retpolines it is the peer that the bars speak of. */
    ubpf: { type: 'string' },
  },
});
// Short rounds: the best of many finds moments in which nothing else ran.
const ROUND_NS = 4e6;
const WARM_UP_MS = 400;

/** Runs something `times` times. */
type Loop = (times: number) => Promise<{ readonly ns: number; readonly result: number }>;

let unit = 0;
/** Keeps results alive. */
let sink = 0;

/**
 * A loop of its own for each engine and workload, clock included: a function that all of them shared would be optimised for the
 * first and take that one's loop into itself.
 */
function loopOver(run: (context: number) => number, context: number, drain: () => void): Loop {
  return new Function(
    'run',
    'context',
    'drain',
    'now',
    'keep',
    `return (times) => { // ${unit++}
      let sum = 0;
      const start = now();
      for (let i = 0; i < times; i++) { sum = (sum + run(context)) | 0; if ((i & 511) === 511) drain(); }
      const ns = Number(now() - start);
      keep(sum);
      return Promise.resolve({ ns, result: run(context) });
    };`,
  )(run, context, drain, process.hrtime.bigint, (sum: number) => (sink ^= sum)) as Loop;
}

function engineLoop(programs: EnginePrograms, name: string): Loop {
  const { environment, context, drain } = createMachine();
  return loopOver(programs.get(name)!(environment), context, drain);
}

function referenceLoop(index: number): Loop {
  const { environment, context, drain } = createMachine();
  const bytes = new DataView(environment.buffer, context, 1024);
  return loopOver(createReferences({ context: bytes, pid: 1230, time: 7n })[index]!, 0, drain);
}

/** Best time of each loop over interleaved rounds: whatever else the machine does can only add time. */
async function measure(loops: ReadonlyMap<string, Loop>, rounds: number): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  const results = new Set<number>();
  for (const [name, loop] of loops) {
    let count = 4;
    while ((await loop(count)).ns < ROUND_NS) count *= 2;
    // The engines compile beside us, on a machine that may have no processor to spare.
    const start = performance.now();
    while (performance.now() - start < WARM_UP_MS) await loop(count);
    if ((await loop(count)).ns < ROUND_NS / 2) count *= 4;
    times.set(name, count);
  }
  const best = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, loop] of loops) {
      const count = times.get(name)!;
      const { ns, result } = await loop(count);
      results.add(result);
      best.set(name, Math.min(best.get(name) ?? Infinity, ns / count));
    }
  }
  if (results.size > 1) throw new Error(`the engines differ: ${[...results].join(', ')}`);
  return best;
}

const OURS: readonly EngineName[] = ['auto', 'js', 'wasm', 'interp'];
const PEERS: readonly PeerEngine[] = ['native', 'jit', 'interpreter'];
const COLUMNS = [...OURS, 'reference', ...PEERS.map((name) => (name === 'native' ? 'C' : `ubpf ${name}`))];

const peers = startPeers(options.ubpf);
if (peers === undefined) console.log('No C compiler: no native column, no ratios to ubpf.');
else if (options.ubpf === undefined) console.log('Columns of ubpf: native C, measured now, times recorded factors.');

const cell = (value: number | undefined): string =>
  (value === undefined ? '-' : value < 1000 ? value.toFixed(1) : value.toFixed(0)).padStart(12);
console.log(`${'ns a run'.padEnd(28)}${COLUMNS.map((name) => name.padStart(12)).join('')}`);
const ratios: string[] = [];
for (const [index, workload] of WORKLOADS.entries()) {
  if (!workload.name.includes(options.only)) continue;
  const { image, program } = assembleWorkload(workload);
  const loops = new Map<string, Loop>();
  for (const name of OURS) loops.set(name, engineLoop(ENGINES[name](image), workload.name));
  loops.set('reference', referenceLoop(index));
  for (const name of peers?.engines ?? []) {
    if (name === 'jit') await peers!.load(index, program);
    loops.set(name, (times) => peers!.run(name, index, times));
  }
  const best = await measure(loops, Number(options.rounds));
  const native = best.get('native');
  for (const name of ['jit', 'interpreter'] as const) {
    if (native !== undefined && !best.has(name)) best.set(name, native * workload.ubpf[name]);
  }
  console.log(
    `${workload.name.padEnd(28)}${[...OURS, 'reference', ...PEERS].map((name) => cell(best.get(name))).join('')}`,
  );
  ratios.push(ratioLine(workload, best));
}
peers?.close();
console.log(
  `\n${'times faster'.padEnd(28)}${['auto : interp', 'reference', 'ubpf jit', 'bar', 'ubpf interp', 'bar', 'C : ubpf jit', 'C : interp'].map((name) => name.padStart(14)).join('')}`,
);
for (const line of ratios) console.log(line);
if (sink === 0x12345) console.log();

function ratioLine({ name, bar }: Workload, best: ReadonlyMap<string, number>): string {
  const ratio = (other: string, own = 'auto'): number | undefined => {
    const [a, b] = [best.get(own), best.get(other)];
    return a === undefined || b === undefined ? undefined : b / a;
  };
  const number = (value: number | undefined): string => value?.toFixed(2) ?? '-';
  const judged = (value: number | undefined, wanted: number | undefined): string =>
    wanted === undefined || value === undefined ? '-' : `${wanted} ${value >= wanted ? 'met' : 'MISSED'}`;
  const cells = [
    number(ratio('interp')),
    number(ratio('reference')),
    number(ratio('jit')),
    judged(ratio('jit'), bar),
    number(ratio('interpreter')),
    judged(ratio('interpreter'), 7),
    number(ratio('jit', 'native')),
    number(ratio('interpreter', 'native')),
  ];
  return `${name.padEnd(28)}${cells.map((text) => text.padStart(14)).join('')}`;
}
